"""Are people found, once each? Recall, precision, doubles and strips at mask IoU 0.5."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from parsing.labels import IGNORE
from training.average_precision import pixel_counts, shared_pixels
from training.miou import Counts, Floats, LabelMap, divide, ratio
from training.samples import people_in

MATCH_IOU = 0.5
TALL = 96  # pixels; persons at least this tall are reported apart


@dataclass(frozen=True)
class TruePerson:
    """A labelled person: the height of its visible pixels, and whether a prediction has IoU > 0.5 with it."""

    height: int
    found: bool


@dataclass(frozen=True)
class PredictedPerson:
    """A predicted person.

    Args:
        height: of its visible pixels.
        right: IoU > 0.5 with a labelled person.
        target_height: of the labelled person that it matches, or lies inside; its own height if none.
        double: wrong, and mostly inside a person who is found by another prediction.
        strip: wrong, and mostly inside a person who is not found, together with another such prediction.
        unlabelled: mostly inside a crowd or, where only the main person is labelled, outside it; it proves nothing.
    """

    height: int
    right: bool
    target_height: int
    double: bool
    strip: bool
    unlabelled: bool


@dataclass(frozen=True)
class PeopleScores:
    """Recall and precision with their counts; NaN without people or predictions."""

    people: int
    found: int
    predicted: int
    right: int
    doubles: int
    strips: int

    @property
    def recall(self) -> float:
        """Share of labelled people that are found."""
        return ratio(self.found, self.people)

    @property
    def precision(self) -> float:
        """Share of predicted people that are right."""
        return ratio(self.right, self.predicted)


@dataclass
class PeopleCounter:
    """Compares people image by image.

    Args:
        everyone: all people of the photographs are labelled; otherwise only a main person is, and predictions mostly
            outside it are no mistakes.
    """

    everyone: bool
    people: list[TruePerson] = field(default_factory=list)
    predictions: list[PredictedPerson] = field(default_factory=list)

    def add(self, truth: LabelMap, prediction: LabelMap) -> None:
        """Count one image; (H, W) person ids, 0 none, in the truth 255 a crowd, which is ignored."""
        true_ids, ids = people_in(truth), people_in(prediction)
        iou, inside = overlaps(truth, prediction, true_ids, ids)
        right = iou > MATCH_IOU
        found: NDArray[np.bool_] = np.any(right, axis=1)
        heights, true_heights = _heights(prediction, ids), _heights(truth, true_ids)
        mostly = inside[:-1] > 0.5  # (P, M); at most one person for each prediction
        lost = mostly & ~right.any(axis=0)  # wrong predictions, by the person whom they lie in
        crowded = inside[-1] > 0.5
        self.people += [TruePerson(height, bool(was)) for height, was in zip(true_heights, found, strict=True)]
        for column, height in enumerate(heights):
            target = np.flatnonzero(right[:, column] | mostly[:, column])
            self.predictions.append(
                PredictedPerson(
                    height=height,
                    right=bool(right[:, column].any()),
                    target_height=true_heights[target[0]] if len(target) else height,
                    double=bool(lost[found, column].any()),
                    strip=bool((lost[:, column] & ~found & (lost.sum(axis=1) > 1)).any()),
                    unlabelled=bool(crowded[column] or not (self.everyone or len(target))),
                )
            )

    def scores(self, *, shortest: int = 0, tallest: int | None = None) -> PeopleScores:
        """Over people of `shortest` <= height < `tallest` pixels, and the predictions that belong to them."""
        people = [person for person in self.people if _within(person.height, shortest, tallest)]
        predictions = [
            one for one in self.predictions if not one.unlabelled and _within(one.target_height, shortest, tallest)
        ]
        return PeopleScores(
            people=len(people),
            found=_count(person.found for person in people),
            predicted=len(predictions),
            right=_count(one.right for one in predictions),
            doubles=_count(one.double for one in predictions),
            strips=_count(one.strip for one in predictions),
        )


def overlaps(truth: LabelMap, prediction: LabelMap, true_ids: Counts, ids: Counts) -> tuple[Floats, Floats]:
    """IoU of each pair of people (P, M), crowd pixels ignored; and the share of each prediction in each, (P + 1, M).

    The last row of the shares is the crowd's.
    """
    pixels = pixel_counts(prediction, ids)
    shared = (
        shared_pixels(truth, prediction, np.append(true_ids, IGNORE), ids)
        if truth.max(initial=0) == IGNORE
        else (np.vstack([shared_pixels(truth, prediction, true_ids, ids), np.zeros(len(ids), np.int64)]))
    )
    union = pixel_counts(truth, true_ids)[:, None] + (pixels - shared[-1]) - shared[:-1]
    return divide(shared[:-1], union, otherwise=0), divide(shared, np.broadcast_to(pixels, shared.shape), otherwise=0)


def best_matches(truth: LabelMap, prediction: LabelMap) -> dict[int, int]:
    """Labelled person -> the predicted person with IoU > 0.5."""
    true_ids, ids = people_in(truth), people_in(prediction)
    iou, _ = overlaps(truth, prediction, true_ids, ids)
    return {int(true_ids[row]): int(ids[column]) for row, column in zip(*np.nonzero(iou > MATCH_IOU), strict=True)}


def _heights(human: LabelMap, ids: Counts) -> list[int]:
    rows = [np.flatnonzero((human == number).any(axis=1)) for number in ids]
    return [int(those[-1] - those[0] + 1) for those in rows]


def _within(height: int, shortest: int, tallest: int | None) -> bool:
    return height >= shortest and (tallest is None or height < tallest)


def _count(values: Iterable[bool]) -> int:
    return sum(values)
