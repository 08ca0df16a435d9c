"""Reads metric cases: numbered ground truth, predictions and ready-made items in one .npz file (metrics/README.md)."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from parsing.labels import CHARACTERISTICS, TASKS
from training.average_precision import Items
from training.items import people_items
from training.metrics import MetricCounter, Metrics, Prediction, Truth

Reader = Callable[[str], NDArray[Any]]  # name without the image number -> array

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
                yield _image(partial(_read, arrays, number))
    except FileNotFoundError:
        raise CaseFileError(f"no metric cases at {path}; give a .npz file as metrics/README.md describes") from None
    except (BadZipFile, OSError, ValueError) as error:
        raise CaseFileError(f"{path} must be a .npz file of metric cases, but it cannot be read: {error}") from None
    except KeyError as error:
        raise CaseFileError(
            f"{path} must hold the arrays of metrics/README.md, but {error} is not among them; write it again"
        ) from None


def _read(arrays: Mapping[str, NDArray[Any]], number: int, name: str) -> NDArray[Any]:
    return arrays[f"i{number:02d}_{name}"]


def _image(read: Reader) -> tuple[Truth, Prediction]:
    part_map, table = read("gt_part_map"), read("gt_part_table").reshape(-1, 6)
    truth = Truth(
        human=read("gt_human"),
        labels={task: read(f"gt_{name}") for task, name in _NAMES.items()},
        parts=_true_items(part_map, table, 1),
        characteristics={task: _true_items(part_map, table, column) for task, column in _TRUTH_COLUMNS.items()},
    )
    prediction = Prediction(
        human=people_items(read("pr_human"), read("pr_human_score")),
        labels={task: read(f"pr_{name}") for task, name in _NAMES.items()},
        parts=_items(read, "pr_part"),
        characteristics={task: _items(read, f"pr_{task}_item") for task in CHARACTERISTICS},
        label_maps=read("pr_parsing"),
        label_map_scores=read("pr_parsing_score"),
    )
    return truth, prediction


def _true_items(id_map: NDArray[Any], table: NDArray[Any], column: int) -> Items:
    table = table[np.argsort(table[:, 0], kind="stable")].astype(np.int64)
    return Items(id_map, table[:, 0], table[:, column], np.zeros(len(table)))


def _items(read: Reader, prefix: str) -> Items:
    table = read(f"{prefix}_table").reshape(-1, 2)
    return Items.numbered(read(f"{prefix}_map"), table[:, 0].astype(np.int64), table[:, 1])
