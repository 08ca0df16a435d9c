"""Reads metric cases: numbered ground truth, predictions and ready-made items in one .npz file (metrics/README.md)."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from parsing.labels import CHARACTERISTICS, TASKS
from training.average_precision import Items
from training.items import people_items
from training.metrics import MetricCounter, Metrics, Prediction, Truth

_NAMES = {task: "attr" if task == "attribute" else task for task in TASKS}
_TRUTH_COLUMNS = {"size": 3, "pattern": 4, "color": 5}


class CaseFileError(ValueError):
    """The file holds no metric cases."""


def measure_cases(path: Path) -> Metrics:
    """The metrics over all images of a case file.

    Raises:
        CaseFileError: the file is missing, no .npz, or lacks an array.
    """
    counter = MetricCounter()
    for truth, prediction in read_cases(path):
        counter.add(truth, prediction)
    return counter.result()


def read_cases(path: Path) -> Iterator[tuple[Truth, Prediction]]:
    """The images of a case file, in order."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            for number in range(int(arrays["num_images"])):
                yield _image({_suffix(name): arrays[name] for name in arrays.files if _belongs(name, number)})
    except FileNotFoundError:
        raise CaseFileError(f"no metric cases at {path}; give a .npz file as metrics/README.md describes") from None
    except (BadZipFile, OSError, ValueError) as error:
        raise CaseFileError(f"{path} must be a .npz file of metric cases, but it cannot be read: {error}") from None
    except KeyError as error:
        raise CaseFileError(
            f"{path} must hold the arrays of metrics/README.md, but {error} is not among them; write it again"
        ) from None


def _belongs(name: str, number: int) -> bool:
    return name.startswith(f"i{number:02d}_")


def _suffix(name: str) -> str:
    return name.split("_", 1)[1]


def _image(arrays: Mapping[str, NDArray[Any]]) -> tuple[Truth, Prediction]:
    table = arrays["gt_part_table"].reshape(-1, 6)
    truth = Truth(
        human=arrays["gt_human"],
        labels={task: arrays[f"gt_{name}"] for task, name in _NAMES.items()},
        parts=_true_items(arrays["gt_part_map"], table, 1),
        characteristics={
            task: _true_items(arrays["gt_part_map"], table, column) for task, column in _TRUTH_COLUMNS.items()
        },
    )
    prediction = Prediction(
        human=people_items(arrays["pr_human"], arrays["pr_human_score"]),
        labels={task: arrays[f"pr_{name}"] for task, name in _NAMES.items()},
        parts=_items(arrays, "pr_part"),
        characteristics={task: _items(arrays, f"pr_{task}_item") for task in CHARACTERISTICS},
        label_maps=arrays["pr_parsing"],
        label_map_scores=arrays["pr_parsing_score"],
    )
    return truth, prediction


def _true_items(id_map: NDArray[Any], table: NDArray[Any], column: int) -> Items:
    table = table[np.argsort(table[:, 0], kind="stable")].astype(np.int64)
    return Items(id_map, table[:, 0], table[:, column], np.zeros(len(table)))


def _items(arrays: Mapping[str, NDArray[Any]], prefix: str) -> Items:
    table = arrays[f"{prefix}_table"].reshape(-1, 2)
    return Items.numbered(arrays[f"{prefix}_map"], table[:, 0].astype(np.int64), table[:, 1])
