"""Reads metric cases: numbered ground truth, predictions and ready-made items in one .npz file (metrics/README.md).

Label maps and person ids must be there. Items that a file does not bring are built from them by the published rules;
tasks without ground truth are not measured.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, is_zipfile

import numpy as np
from numpy.typing import NDArray

from parsing.labels import CHARACTERISTICS, IGNORE, TASKS
from training.average_precision import Items
from training.items import characteristic_items, part_items, people_items, person_label_maps, true_parts
from training.metrics import MetricCounter, Metrics, Prediction, Truth
from training.miou import LabelMap

_NAMES = {task: "attr" if task == "attribute" else task for task in TASKS}
_TRUTH_COLUMNS = {"size": 3, "pattern": 4, "color": 5}
_MOST_IDS = 4095  # of people or items in one image


class CaseFileError(ValueError):
    """The file holds no metric cases."""


def measure_cases(path: Path) -> Metrics:
    """The metrics over all images of a case file.

    Raises:
        CaseFileError: the file is missing, no .npz, lacks an array, or holds one of another kind.
    """
    counter = MetricCounter()
    for truth, prediction in read_cases(path):
        counter.add(truth, prediction)
    return counter.result()


def read_cases(path: Path) -> Iterator[tuple[Truth, Prediction]]:
    """The images of a case file, in order."""
    if not path.is_file():
        raise CaseFileError(f"no metric cases at {path}; give a .npz file as metrics/README.md describes")
    if not is_zipfile(path):
        raise CaseFileError(
            f"{path} must be a .npz file of metric cases, but it cannot be read as one: it is something else, or cut "
            "short; write it again with numpy.savez"
        )
    with np.load(path, allow_pickle=False) as arrays:
        for number in range(CaseArrays(path, arrays).count("num_images")):
            image = CaseArrays(path, arrays, f"i{number:02d}_")
            yield _truth(image), _prediction(image)


@dataclass(frozen=True)
class CaseArrays:
    """The arrays of a case file, or those of one image by their names without its number, checked as they are read.

    A shape that is asked for may have lengths that are None, which may be any.
    """

    path: Path
    arrays: Any  # np.load's archive, which has no public type
    prefix: str = ""

    def __contains__(self, name: str) -> bool:
        return bool(self.prefix + name in self.arrays)

    def tasks(self) -> list[str]:
        """The tasks that have ground truth; attributes must have it."""
        return [task for task in TASKS if task == "attribute" or f"gt_{_NAMES[task]}" in self]

    def count(self, name: str) -> int:
        """A number of things."""
        return int(self._whole(name, (), np.iinfo(np.int32).max))

    def labels(self, name: str, *shape: int | None) -> LabelMap:
        """Maps of labels, uint8."""
        return self._whole(name, shape, IGNORE).astype(np.uint8, copy=False)

    def ids(self, name: str, *shape: int | None) -> LabelMap:
        """A map of people's or items' ids."""
        ids = self._whole(name, shape, _MOST_IDS)
        return ids if ids.dtype == np.uint8 else ids.astype(np.int32)

    def numbers(self, name: str, *shape: int | None) -> NDArray[Any]:
        """Finite numbers, such as scores."""
        array = self._read(name, shape)
        if not _fits(array, "iufb", shape) or not np.isfinite(array).all():
            raise self.wrong(name, f"finite numbers of shape {_shown(shape)}", array)
        return array

    def wrong(self, name: str, expected: str, got: NDArray[Any]) -> CaseFileError:
        """The error that says what is wrong with an array."""
        values = f" from {got.min()} to {got.max()}" if got.size and got.dtype.kind in "iufb" else ""
        return CaseFileError(
            f"{self.path}: {self.prefix}{name} must be {expected}, got {got.dtype} of shape {got.shape}{values}; "
            "write it again as metrics/README.md describes"
        )

    def _whole(self, name: str, shape: tuple[int | None, ...], most: int) -> NDArray[Any]:
        array = self._read(name, shape)
        filled = array.size > 0 or shape[:1] == (0,)
        if not _fits(array, "iub", shape) or not filled or array.min(initial=0) < 0 or array.max(initial=0) > most:
            raise self.wrong(name, f"whole numbers from 0 to {most} of shape {_shown(shape)}", array)
        return array

    def _read(self, name: str, shape: tuple[int | None, ...]) -> NDArray[Any]:
        """An array as it is stored; an empty list of things has the shape that is asked for, whatever is stored."""
        full = self.prefix + name
        try:
            array = np.asarray(self.arrays[full])  # a member of the archive that is no array comes as bytes
        except KeyError:
            raise CaseFileError(
                f"{self.path} must hold the arrays of metrics/README.md, but {full!r} is not among them; write it again"
            ) from None
        except (BadZipFile, zlib.error, OSError, EOFError, ValueError) as error:
            raise CaseFileError(f"{self.path}: {full} cannot be read ({error}); write it again") from None
        empty_list = not array.size and shape[:1] in ((None,), (0,))
        return array.reshape(0, *(length or 0 for length in shape[1:])) if empty_list else array


def _fits(array: NDArray[Any], kinds: str, shape: tuple[int | None, ...]) -> bool:
    """Whether an array is of one of the kinds of numbers, and of a shape."""
    same = len(shape) == array.ndim and all(want in (None, got) for want, got in zip(shape, array.shape, strict=True))
    return array.dtype.kind in kinds and same


def _shown(shape: tuple[int | None, ...]) -> str:
    return f"{shape}".replace("None", "any")


def _truth(image: CaseArrays) -> Truth:
    human = image.ids("gt_human", None, None)
    labels = {task: image.labels(f"gt_{_NAMES[task]}", *human.shape) for task in image.tasks()}
    if "gt_part_map" not in image:
        return Truth(human, labels, *true_parts(human, labels))
    part_map, table = image.ids("gt_part_map", *human.shape), _true_table(image)
    characteristics = {
        task: _true_items(part_map, table, _TRUTH_COLUMNS[task]) for task in labels if task != "attribute"
    }
    return Truth(human, labels, _true_items(part_map, table, 1), characteristics)


def _prediction(image: CaseArrays) -> Prediction:
    human = image.ids("pr_human", None, None)
    labels = {task: image.labels(f"pr_{_NAMES[task]}", None, None) for task in image.tasks()}
    scores = image.numbers("pr_human_score", None) if "pr_human_score" in image else np.ones(int(human.max()))
    if human.max() > len(scores):
        raise image.wrong("pr_human_score", f"scores of the people 1 to {human.max()} in pr_human", scores)
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
    image: CaseArrays, human: LabelMap, attribute: LabelMap, scores: NDArray[Any]
) -> tuple[LabelMap, NDArray[Any]]:
    if "pr_parsing" not in image:
        _like(image, "pr_attr", attribute, human)
        return person_label_maps(human, attribute, len(scores)), scores
    scores = image.numbers("pr_parsing_score", None)
    maps = image.labels("pr_parsing", len(scores), None, None)
    return (maps if len(maps) else maps.reshape(0, *human.shape)), scores


def _parts(image: CaseArrays, human: LabelMap, attribute: LabelMap) -> Items:
    if "pr_part_map" in image:
        return _items(image, "pr_part")
    _like(image, "pr_attr", attribute, human)
    return part_items(human, attribute, _certainty(image, "attribute", attribute))


def _characteristics(image: CaseArrays, human: LabelMap, labels: dict[str, LabelMap], task: str) -> Items:
    if f"pr_{task}_item_map" in image:
        return _items(image, f"pr_{task}_item")
    _like(image, "pr_attr", labels["attribute"], human)
    _like(image, f"pr_{task}", labels[task], human)
    return characteristic_items(human, labels["attribute"], labels[task], _certainty(image, task, labels[task]))


def _like(image: CaseArrays, name: str, label_map: LabelMap, human: LabelMap) -> None:
    """Raise CaseFileError if a map is of another size than pr_human, with which items are built from it."""
    if label_map.shape != human.shape:
        raise image.wrong(name, f"of pr_human's shape {human.shape} where items are built", label_map)


def _certainty(image: CaseArrays, task: str, labels: LabelMap) -> NDArray[np.float32]:
    """Probability (H, W) of the winning label, 1 everywhere if the file does not say."""
    name = f"pr_{_NAMES[task]}_prob"
    return image.numbers(name, *labels.shape) if name in image else np.ones(labels.shape, np.float32)


def _true_table(image: CaseArrays) -> NDArray[np.int64]:
    """(P, 6) one row for each part, by id."""
    table = image.numbers("gt_part_table", None, 6)
    ids = table[:, 0]
    if (table % 1).any() or len(np.unique(ids)) < len(ids) or not ((ids > 0) & (ids <= _MOST_IDS)).all():
        raise image.wrong(
            "gt_part_table", f"whole numbers, the first of each row a part's own id up to {_MOST_IDS}", table
        )
    return table[np.argsort(ids, kind="stable")].astype(np.int64)


def _true_items(id_map: LabelMap, table: NDArray[np.int64], column: int) -> Items:
    return Items(id_map, table[:, 0], table[:, column], np.zeros(len(table)))


def _items(image: CaseArrays, prefix: str) -> Items:
    id_map, table = image.ids(f"{prefix}_map", None, None), image.numbers(f"{prefix}_table", None, 2)
    if (table[:, 0] % 1).any() or id_map.max() > len(table):
        raise image.wrong(f"{prefix}_table", f"a class and a score for the items 1 to {id_map.max()} of its map", table)
    return Items.numbered(id_map, table[:, 0].astype(np.int64), table[:, 1])
