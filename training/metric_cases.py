"""Reads metric cases: numbered ground truth, predictions and ready-made items in one .npz file (metrics/README.md).

Label maps and person ids must be there. Items that a file does not bring are built from them by the published rules;
tasks without ground truth are not measured.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from parsing.labels import CHARACTERISTICS, TASKS
from training.average_precision import Items
from training.items import characteristic_items, part_items, people_items, person_label_maps, true_parts
from training.metrics import MetricCounter, Metrics, Prediction, Truth
from training.miou import LabelMap

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
                image = ImageArrays(arrays, number)
                yield _truth(image), _prediction(image)
    except FileNotFoundError:
        raise CaseFileError(f"no metric cases at {path}; give a .npz file as metrics/README.md describes") from None
    except (BadZipFile, OSError, ValueError) as error:
        raise CaseFileError(f"{path} must be a .npz file of metric cases, but it cannot be read: {error}") from None
    except KeyError as error:
        raise CaseFileError(
            f"{path} must hold the arrays of metrics/README.md, but {error} is not among them; write it again"
        ) from None


@dataclass(frozen=True)
class ImageArrays:
    """The arrays of one image, by their names without its number."""

    arrays: Any  # np.load's archive, which has no public type
    number: int

    def __getitem__(self, name: str) -> NDArray[Any]:
        array: NDArray[Any] = self.arrays[self._full(name)]
        return array

    def __contains__(self, name: str) -> bool:
        return bool(self._full(name) in self.arrays)

    def tasks(self) -> list[str]:
        """The tasks that have ground truth; attributes must have it."""
        return [task for task in TASKS if task == "attribute" or f"gt_{_NAMES[task]}" in self]

    def _full(self, name: str) -> str:
        return f"i{self.number:02d}_{name}"


def _truth(image: ImageArrays) -> Truth:
    human, labels = image["gt_human"], {task: image[f"gt_{_NAMES[task]}"] for task in image.tasks()}
    if "gt_part_map" not in image:
        return Truth(human, labels, *true_parts(human, labels))
    part_map, table = image["gt_part_map"], image["gt_part_table"].reshape(-1, 6)
    characteristics = {
        task: _true_items(part_map, table, _TRUTH_COLUMNS[task]) for task in labels if task != "attribute"
    }
    return Truth(human, labels, _true_items(part_map, table, 1), characteristics)


def _prediction(image: ImageArrays) -> Prediction:
    human, labels = image["pr_human"], {task: image[f"pr_{_NAMES[task]}"] for task in image.tasks()}
    scores = image["pr_human_score"] if "pr_human_score" in image else np.ones(int(human.max(initial=0)))
    label_maps, label_map_scores = _label_maps(image, human, labels["attribute"], scores)
    return Prediction(
        human=people_items(human, scores),
        labels=labels,
        parts=_parts(image, human, labels["attribute"]),
        characteristics={
            task: _characteristics(image, human, labels, task) for task in labels if task in CHARACTERISTICS
        },
        label_maps=label_maps,
        label_map_scores=label_map_scores,
    )


def _label_maps(
    image: ImageArrays, human: LabelMap, attribute: LabelMap, scores: NDArray[Any]
) -> tuple[LabelMap, NDArray[Any]]:
    if "pr_parsing" not in image:
        return person_label_maps(human, attribute, len(scores)), scores
    maps = image["pr_parsing"]
    return (maps if maps.size else maps.reshape(0, *human.shape)), image["pr_parsing_score"]


def _parts(image: ImageArrays, human: LabelMap, attribute: LabelMap) -> Items:
    if "pr_part_map" in image:
        return _items(image, "pr_part")
    return part_items(human, attribute, _certainty(image, "attribute"))


def _characteristics(image: ImageArrays, human: LabelMap, labels: dict[str, LabelMap], task: str) -> Items:
    if f"pr_{task}_item_map" in image:
        return _items(image, f"pr_{task}_item")
    return characteristic_items(human, labels["attribute"], labels[task], _certainty(image, task))


def _certainty(image: ImageArrays, task: str) -> NDArray[np.float32]:
    """Probability (H, W) of the winning label, 1 everywhere if the file does not say."""
    name = f"pr_{_NAMES[task]}"
    return image[f"{name}_prob"] if f"{name}_prob" in image else np.ones(image[name].shape, np.float32)


def _true_items(id_map: LabelMap, table: NDArray[Any], column: int) -> Items:
    table = table[np.argsort(table[:, 0], kind="stable")].astype(np.int64)
    return Items(id_map, table[:, 0], table[:, column], np.zeros(len(table)))


def _items(image: ImageArrays, prefix: str) -> Items:
    table = image[f"{prefix}_table"].reshape(-1, 2)
    return Items.numbered(image[f"{prefix}_map"], table[:, 0].astype(np.int64), table[:, 1])
