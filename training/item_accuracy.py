"""Is each labelled item said right? Top-1 accuracy of size, pattern and color over `characteristics.txt` or label maps.

An item that is not found, or whose person is not found, counts as wrong. Left and right shoe count as one item, by the
pixel-weighted mean of their probabilities; so do the UpperClothes and Skirt of a dress, but its size is that of its hem
and read off the Skirt where there is one. "Undetermined" is a size like the others: right only if it is predicted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parsing.labels import CHARACTERISTICS, IGNORE, LABELS, label_id
from parsing.records import CharacterizedAttribute, Person
from training.ccp import ITEM_ATTRIBUTE, Item
from training.items import MIN_PIXELS
from training.miou import Counts, Floats, ratio
from training.reliability import calibration_error, error_by_chance
from training.samples import Sample, people_in

ITEM_ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    **{item: (attribute,) for item, attribute in ITEM_ATTRIBUTE.items()},
    "mask": ("Mask",),
    "dress": ("UpperClothes", "Skirt"),
    "shoes": ("L-shoe", "R-shoe"),
}


@dataclass(frozen=True)
class Answer:
    """What was said of one task of one labelled item.

    Args:
        photo: where the item was seen; calibration is validated by photograph.
        label_id: the truth, from 1.
        probabilities: (n,) over the task's labels; None if the item was not found.
    """

    photo: str
    item: str
    task: str
    label_id: int
    probabilities: Floats | None

    @property
    def right(self) -> bool:
        """Whether the most probable label is the true one."""
        return self.probabilities is not None and int(self.probabilities.argmax()) + 1 == self.label_id


@dataclass(frozen=True)
class Absence:
    """Whether an item that is visibly not worn was left out of the person's record."""

    item: str
    right: bool


def person_name(sample: Sample, number: int) -> str:
    """How lists of items name a person of a photograph: `photo_person`, the photograph without leading zeros."""
    return f"{int(sample.name) if sample.name.isdigit() else sample.name}_{number}"


def worn_items(sample: Sample) -> dict[str, list[Item]]:
    """The items of every person, read off the label maps: all above 100 pixels, with their most frequent labels.

    A dress cannot be told from a top and a skirt there, so it is two items.
    """
    numbers = people_in(sample.human).tolist()
    return {person_name(sample, number): _worn(sample, sample.human == number) for number in numbers}


def _worn(sample: Sample, person: NDArray[np.bool_]) -> list[Item]:
    attribute, items = sample.tasks["attribute"], []
    for name, attributes in ITEM_ATTRIBUTES.items():
        inside = person & np.isin(attribute, [label_id("attribute", label) for label in attributes])
        if name != "dress" and np.count_nonzero(inside) > MIN_PIXELS:
            frequent = {task: int(np.bincount(sample.tasks[task][inside]).argmax()) for task in CHARACTERISTICS}
            items.append(Item(name, True, {task: number or IGNORE for task, number in frequent.items()}))
    return items


def answers(photo: str, person: Person | None, items: Iterable[Item]) -> list[Answer]:
    """What `person` says of each labelled item and task; labels that could not be judged are left out."""
    return [
        Answer(photo, item.name, task, item.ids[task], None if person is None else merged(person, item.name, task))
        for item in items
        if item.present and item.name in ITEM_ATTRIBUTES
        for task in CHARACTERISTICS
        if item.ids[task] != IGNORE
    ]


def absences(person: Person | None, items: Iterable[Item]) -> list[Absence]:
    """Items labelled absent; a person who is not found says nothing about them, which is wrong."""
    seen = () if person is None else [attribute.attribute for attribute in person.attributes]
    return [
        Absence(item.name, person is not None and not set(ITEM_ATTRIBUTES[item.name]) & set(seen))
        for item in items
        if not item.present and item.name in ITEM_ATTRIBUTES
    ]


def merged(person: Person, item: str, task: str) -> Floats | None:
    """Pixel-weighted mean probabilities (n,) of the attributes that an item stands for; None if none was seen."""
    seen = [attribute for attribute in person.attributes if attribute.attribute in ITEM_ATTRIBUTES[item]]
    if item == "dress" and task == "size":
        seen = _hem(seen)
    if not seen:
        return None
    weights = np.array([max(attribute.area, 1) for attribute in seen], np.float64)
    probabilities = np.array([attribute.probabilities[task] for attribute in seen])
    return np.average(probabilities, axis=0, weights=weights)


def _hem(seen: list[CharacterizedAttribute]) -> list[CharacterizedAttribute]:
    return [attribute for attribute in seen if attribute.attribute == "Skirt"] or seen


def probabilities_and_labels(given: Iterable[Answer], task: str) -> tuple[Floats, Counts]:
    """Probabilities (K, n) and label indices from 0 (K,) of the answers of one task about items that were found."""
    found = [answer for answer in given if answer.task == task and answer.probabilities is not None]
    probabilities = np.array([answer.probabilities for answer in found], np.float64).reshape(-1, len(LABELS[task]))
    return probabilities, np.array([answer.label_id - 1 for answer in found], np.int64)


@dataclass(frozen=True)
class Accuracy:
    """Share of right answers of one task.

    Args:
        found: share of items that were found.
        calibration_error: of the items that were found; NaN if none was.
        error_by_chance: what it would be, with so few items, if all probabilities were right.
        by_item, by_label: accuracy and number of items.
    """

    count: int
    top1: float
    found: float
    calibration_error: float
    error_by_chance: float
    by_item: dict[str, tuple[float, int]]
    by_label: dict[str, tuple[float, int]]


def accuracy(given: Sequence[Answer], task: str) -> Accuracy:
    """Accuracy of one task's answers, in total, by item and by true label."""
    mine = [answer for answer in given if answer.task == task]
    labels, found = LABELS[task], probabilities_and_labels(mine, task)
    return Accuracy(
        count=len(mine),
        top1=_share(mine)[0],
        found=ratio(sum(answer.probabilities is not None for answer in mine), len(mine)),
        calibration_error=calibration_error(*found),
        error_by_chance=error_by_chance(found[0]),
        by_item={
            item: _share([answer for answer in mine if answer.item == item])
            for item in ITEM_ATTRIBUTES
            if any(answer.item == item for answer in mine)
        },
        by_label={
            label: _share([answer for answer in mine if answer.label_id == number])
            for number, label in enumerate(labels, start=1)
        },
    )


def item_confusion(given: Sequence[Answer], task: str) -> NDArray[np.int64]:
    """(n, n + 1) items by true and predicted label; the last column counts items not found."""
    size = len(LABELS[task])
    counts = np.zeros((size, size + 1), np.int64)
    for answer in given:
        if answer.task == task:
            column = size if answer.probabilities is None else int(answer.probabilities.argmax())
            counts[answer.label_id - 1, column] += 1
    return counts


def _share(given: Sequence[Answer]) -> tuple[float, int]:
    return ratio(sum(answer.right for answer in given), len(given)), len(given)
