"""Measures a checkpoint on labelled photographs, or the metrics themselves on numeric cases.

    python -m training.evaluate --checkpoint FILE --data DIR... [--split validation|calibration]
    python -m training.evaluate --cases FILE.npz

Both print tables, or one document with --json. `--table FILE` keeps them as .txt, .csv or .json, by the ending;
`--pictures DIR` draws confusion matrices.
"""

import argparse
import json
import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from parsing.checkpoint import CheckpointError
from parsing.labels import CHARACTERISTICS, LABELS
from parsing.memory import keep_freed_memory
from parsing.parser import HumanParser
from training.evaluation import Evaluation, evaluate, items_document, merged_attribute_miou, people_document
from training.item_accuracy import item_confusion
from training.metric_cases import measure_cases
from training.report import (
    TABLE_KINDS,
    Row,
    as_text,
    document,
    draw_confusion,
    draw_pixel_confusions,
    percent,
    save_table,
    table_rows,
    without_nan,
)
from training.samples import SPLITS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    options = _options(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    keep_freed_memory()
    try:
        make_folders([*(path.parent for path in options.table), *([options.pictures] if options.pictures else [])])
        if options.cases:
            metrics = measure_cases(options.cases)
            _report(options, document(metrics), table_rows(metrics))
        else:
            evaluation = evaluate(HumanParser.load(options.checkpoint), options.data, options.split)
            if empty := [data.name for data in evaluation.data_sets if not data.photos]:
                raise ValueError(
                    f"expected photographs in the {options.split} split of {empty[0]}, got none; name another --split"
                )
            metrics = evaluation.metrics
            _report(options, evaluation_document(evaluation), evaluation_rows(evaluation))
            if options.pictures:
                draw_item_confusions(evaluation, options.pictures)
        if options.pictures:
            draw_pixel_confusions(metrics, options.pictures)
    except (CheckpointError, OSError, ValueError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


def make_folders(folders: Iterable[Path]) -> None:
    """Make the folders of what will be written, before anything is measured.

    Raises:
        ValueError: one cannot be made.
    """
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(f"cannot write into {folder} ({error.strerror}); name another folder") from error


def evaluation_document(evaluation: Evaluation) -> dict[str, Any]:
    """The JSON form: the metrics as for numeric cases, then people and items of each data set."""
    result = document(evaluation.metrics)
    merged = merged_attribute_miou(evaluation.metrics.miou["attribute"].confusion)
    added = {
        "split": evaluation.split,
        "attribute_miou_left_right_merged": merged,
        "people": {data.name: people_document(data) for data in evaluation.data_sets},
        "items": {data.name: items_document(data) for data in evaluation.data_sets},
    }
    whole: dict[str, Any] = result | without_nan(added)
    return whole


def evaluation_rows(evaluation: Evaluation) -> list[Row]:
    """Tables: the paper's Table 1, then people and items of each data set."""
    rows = table_rows(evaluation.metrics)
    merged = merged_attribute_miou(evaluation.metrics.miou["attribute"].confusion)
    rows += [["attribute mIoU", "all"], ["left and right merged", *percent([merged])]]
    for data in evaluation.data_sets:
        rows += _people_rows(data.name, people_document(data))
        rows += _item_rows(data.name, items_document(data))
    return rows


def draw_item_confusions(evaluation: Evaluation, folder: Path) -> None:
    """Save the confusion matrices of each data set's items as `confusion_DATA_items_TASK.png`."""
    for data in evaluation.data_sets:
        for task in CHARACTERISTICS:
            counts = item_confusion(data.answers, task)
            path = folder / f"confusion_{data.name}_items_{task}.png"
            draw_confusion(counts, LABELS[task], f"{task} of the items of {data.name}", path, other="not found")


def _people_rows(name: str, people: Mapping[str, Any]) -> list[Row]:
    columns = ("recall", "precision", "people", "predicted", "doubles", "strips")
    rows: list[Row] = [[f"people of {name}", *columns]]
    for group, figures in people.items():
        shares = percent([figures["recall"], figures["precision"]])
        rows.append([group, *shares, *(figures[column] for column in columns[2:])])
    return rows


def _item_rows(name: str, items: Mapping[str, Any]) -> list[Row]:
    rows: list[Row] = []
    for task in CHARACTERISTICS:
        for kind in ("by_item", "by_label"):
            shares: Mapping[str, Any] = items[task][kind]
            rows.append([f"{task} of {name}", "all", *shares])
            rows.append(["top-1", *percent([items[task]["top1"], *(share["top1"] for share in shares.values())])])
            rows.append(["items", items[task]["items"], *(share["items"] for share in shares.values())])
    rows.append([f"items of {name}", *CHARACTERISTICS])
    errors = (("calibration error of those", "ece"), ("(were all probabilities right)", "ece_by_chance"))
    for share, key in (("found", "found"), *errors):
        rows.append([share, *percent([items[task][key] for task in CHARACTERISTICS])])
    for item, figures in items.get("absent", {}).items():
        rows += [[f"absent {item} of {name}", "said so", "items"], ["", *percent([figures["right"]]), figures["items"]]]
    return rows


def _report(options: argparse.Namespace, result: dict[str, Any], rows: Sequence[Row]) -> None:
    print(json.dumps(result) if options.json else as_text(rows).rstrip())
    for path in options.table:
        save_table(path, result, rows)


def _table(text: str) -> Path:
    path = Path(text)
    if path.suffix not in TABLE_KINDS:
        raise argparse.ArgumentTypeError(f"expected a file ending in {', '.join(TABLE_KINDS)}, got {text!r}")
    return path


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=(__doc__ or "").splitlines()[0])
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--cases", type=Path, metavar="FILE", help="numeric metric cases (.npz)")
    source.add_argument("--checkpoint", type=Path, metavar="FILE", help="the checkpoint to measure")
    parser.add_argument("--data", type=Path, nargs="+", metavar="DIR", help="data sets to measure it on")
    parser.add_argument("--split", choices=SPLITS, default="validation")
    parser.add_argument("--table", type=_table, nargs="+", default=[], metavar="FILE", help="keep the tables here")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="draw confusion matrices here")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    options = parser.parse_args(arguments)
    if options.checkpoint and not options.data:
        parser.error("--checkpoint needs --data: the folders of the data sets to measure it on")
    return options


if __name__ == "__main__":
    sys.exit(main())
