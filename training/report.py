"""Reports of an evaluation: the JSON form of DESIGN §10, tables laid out as the paper's Table 1, confusion pictures."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from parsing.labels import LABELS, TASKS
from training.average_precision import HUMAN_THRESHOLDS, THRESHOLDS, AveragePrecision
from training.metrics import BothRules, Metrics
from training.miou import MeanIoU
from training.person_parsing import PersonParsing

Row = Sequence[Any]  # text, numbers; NaN where there is no value
TABLE_KINDS = (".txt", ".csv", ".json")


def document(metrics: Metrics) -> dict[str, Any]:
    """The metrics as plain JSON values, fractions, NaN as null.

    The keys of DESIGN §10 hold the headline figures; `details` holds everything by threshold and by class.
    """
    people = metrics.people
    plain = {
        "images": metrics.num_images,
        "miou": {task: _miou(task, result) for task, result in metrics.miou.items()},
        "ap_r_vol": {
            "published": metrics.parts.published.volume_defined,
            "strict": metrics.parts.strict.volume_defined,
        },
        "ap_p_vol": people.ap_volume,
        "pcp_50": people.pcp_50,
        "ap_cr_vol": {
            task: {"published": rules.published.volume, "strict": rules.strict.volume}
            for task, rules in metrics.characteristics.items()
        },
        "ap_h_vol": {
            "published": metrics.human.published.volume_defined,
            "strict": metrics.human.strict.volume_defined,
        },
        "details": {
            "thresholds": THRESHOLDS,
            "miou": {task: _miou_details(task, result) for task, result in metrics.miou.items()},
            "ap_r": _rules("attribute", metrics.parts),
            "ap_p": _people(people),
            "ap_cr": {task: _rules(task, rules) for task, rules in metrics.characteristics.items()},
            "ap_h": {"thresholds": HUMAN_THRESHOLDS, "by_threshold": metrics.human.published.by_threshold},
        },
    }
    cleaned: dict[str, Any] = without_nan(plain)
    return cleaned


def without_nan(value: Any) -> Any:
    """`value` with arrays and tuples as lists, NumPy numbers as Python's, and NaN as None."""
    if isinstance(value, Mapping):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [without_nan(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and math.isnan(value) else value


def table_rows(metrics: Metrics) -> list[Row]:
    """The paper's Table 1: for each task IoU and AP by class and over all; then the metrics of people.

    Rows of text and per cent; NaN where there is no value.
    """
    rows: list[Row] = []
    for task in TASKS:
        result = metrics.miou[task]
        rows.append([task, *_class_names(task), "all"])
        rows.append(["IoU over the data set", *percent([*result.per_class, result.dataset])])
        rows.append(["IoU, mean over images", *percent([*result.per_class_over_images, result.per_image])])
        rows += _precision_rows(metrics, task)
    people, human = metrics.people, metrics.human.published
    rows.append(["people", "AP^p_vol", "PCP_50", "AP^h_vol"])
    rows.append(["all", *percent([people.ap_volume, people.pcp_50, human.volume_defined])])
    return rows


def _precision_rows(metrics: Metrics, task: str) -> list[Row]:
    """AP^r of attributes, AP^cr of the other tasks, by class under both rules; background has none."""
    name, rules = ("AP^r_vol", metrics.parts) if task == "attribute" else ("AP^cr_vol", metrics.characteristics[task])
    rows: list[Row] = []
    for rule, result in (("published", rules.published), ("strict", rules.strict)):
        over_all = result.volume_defined if task == "attribute" else result.volume
        rows.append([f"{name}, {rule}", *percent([math.nan, *result.by_class.mean(axis=1), over_all])])
    return rows


def as_text(rows: Sequence[Row]) -> str:
    """Rows as a text table; a row of nothing but text starts a block with columns of its own width."""
    blocks: list[list[list[str]]] = []
    for row in rows:
        if not blocks or all(isinstance(cell, str) for cell in row):
            blocks.append([])
        blocks[-1].append([_cell(cell) for cell in row])
    return "\n\n".join(_aligned(block) for block in blocks) + "\n"


def as_csv(rows: Sequence[Row]) -> str:
    """Rows as CSV; NaN is an empty field."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows(["" if isinstance(cell, float) and math.isnan(cell) else cell for cell in row] for row in rows)
    return stream.getvalue()


def save_table(path: Path, document: Mapping[str, Any], rows: Sequence[Row]) -> None:
    """Write the rows as text (.txt) or CSV (.csv), or the document as JSON (.json); one of `TABLE_KINDS`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".json":
        path.write_text(json.dumps(document, indent=1) + "\n")
    else:
        path.write_text(as_csv(rows) if path.suffix == ".csv" else as_text(rows))


def draw_pixel_confusions(metrics: Metrics, folder: Path) -> None:
    """Save the confusion matrix of each task's pixels as `confusion_TASK.png`; ground truth of no class is left out."""
    for task in TASKS:
        path = folder / f"confusion_{task}.png"
        draw_confusion(metrics.miou[task].confusion, _class_names(task), f"{task}, pixels", path)


def draw_confusion(
    counts: np.ndarray[Any, Any], labels: Sequence[str], title: str, path: Path, *, other: str = "other"
) -> None:
    """Save a picture of a confusion matrix, each row (the truth) as shares of its sum.

    Args:
        counts: (n, n) or (n, n + 1); `other` names a last column beyond the labels.
    """
    columns = [*labels, other][: counts.shape[1]]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(1.6 + 0.45 * len(columns), 1.4 + 0.42 * len(labels)), dpi=130)
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(columns)), columns, rotation=60, ha="right", fontsize=8)
    axes.set_yticks(range(len(labels)), labels, fontsize=8)
    axes.set(xlabel="predicted", ylabel="true", title=title)
    for row, column in zip(*np.nonzero(shares >= 0.005), strict=True):
        share = shares[row, column]
        color = "white" if share > 0.5 else "#333333"
        axes.text(column, row, f"{share * 100:.0f}", ha="center", va="center", fontsize=6, color=color)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, bbox_inches="tight")


def _class_names(task: str) -> tuple[str, ...]:
    return ("Background", *LABELS[task])


def _miou(task: str, result: MeanIoU) -> dict[str, Any]:
    per_class = dict(zip(_class_names(task), result.per_class, strict=True))
    return {"dataset": result.dataset, "per_image": result.per_image, "per_class": per_class}


def _miou_details(task: str, result: MeanIoU) -> dict[str, Any]:
    return {
        "foreground": result.foreground,
        "pixel_accuracy": result.pixel_accuracy,
        "per_class_over_images": dict(zip(_class_names(task), result.per_class_over_images, strict=True)),
        "image_means": result.image_means,
        "confusion": result.confusion,
    }


def _rules(task: str, rules: BothRules) -> dict[str, Any]:
    return {"published": _average_precision(task, rules.published), "strict": _average_precision(task, rules.strict)}


def _average_precision(task: str, result: AveragePrecision) -> dict[str, Any]:
    return {
        "vol": result.volume,
        "vol_defined": result.volume_defined,
        "vol_in_truth": result.volume_in_truth,
        "by_threshold": result.by_threshold,
        "by_class": dict(zip(LABELS[task], result.by_class.mean(axis=1), strict=True)),
        "by_class_and_threshold": dict(zip(LABELS[task], result.by_class, strict=True)),
    }


def _people(people: PersonParsing) -> dict[str, Any]:
    return {
        "ap_vol": people.ap_volume,
        "ap_50": people.ap_50,
        "by_threshold": people.ap,
        "pcp_by_threshold": people.pcp,
    }


def percent(values: Sequence[float]) -> list[float]:
    """Fractions as per cent."""
    return [100 * float(value) for value in values]


def _cell(cell: str | float) -> str:
    if isinstance(cell, str | int):
        return str(cell)
    return "-" if math.isnan(cell) else f"{cell:.1f}"


def _aligned(block: list[list[str]]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*block, strict=True)]
    lines = []
    for row in block:
        first, *others = (
            cell.ljust(width) if not index else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join([first, *others]).rstrip())
    return "\n".join(lines)
