"""AP^p and PCP: is each person found, and parsed right as a whole?

A predicted person is one label map over the image. Its overlap with a ground-truth person is the mean IoU of the
attribute classes, background included, over the full image. A prediction is right at a threshold t if its best person
has overlap > t (strictly) and is not taken yet (Parsing R-CNN, MHP v2 and M2FP agree).
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from training.average_precision import THRESHOLDS, area_under_curve, first_hits
from training.miou import Counts, Floats, LabelMap, divide, mean_defined, resize_nearest
from training.samples import people_in


@dataclass(frozen=True)
class PersonParsing:
    """AP^p and PCP at each of `THRESHOLDS`; NaN if there is no ground-truth person."""

    ap: Floats
    pcp: Floats

    @property
    def ap_volume(self) -> float:
        """AP^p_vol."""
        return float(self.ap.mean())

    @property
    def ap_50(self) -> float:
        """AP^p at threshold 0.5."""
        return float(self.ap[THRESHOLDS.index(0.5)])

    @property
    def pcp_50(self) -> float:
        """PCP at threshold 0.5."""
        return float(self.pcp[THRESHOLDS.index(0.5)])


@dataclass
class PersonParsingMatcher:
    """Compares predicted label maps with ground-truth people, image by image.

    Args:
        num_classes: attribute classes, background included.
    """

    num_classes: int
    _num_people: int = 0
    _scores: list[float] = field(default_factory=list)
    _people: list[int] = field(default_factory=list)
    _overlaps: list[float] = field(default_factory=list)
    _parts_right: list[Floats] = field(default_factory=list)

    def add(self, human: LabelMap, attribute: LabelMap, label_maps: LabelMap, scores: Floats) -> None:
        """Count one image.

        Args:
            human: (H, W) ground-truth person ids; 0 and 255 are no person.
            attribute: (H, W) ground-truth attributes; labels that are no class are left out.
            label_maps: (M, H', W') attributes of each predicted person; they may overlap. If the resolution differs,
                the ground truth is resized to theirs.
            scores: (M,).
        """
        shape = label_maps.shape[1:]
        people, num_people = _numbered(resize_nearest(human, shape))
        labels = np.minimum(resize_nearest(attribute, shape), self.num_classes)
        truth = (people * (self.num_classes + 1) + labels).astype(np.int32)
        pixels = np.bincount(truth.ravel(), minlength=(num_people + 1) * (self.num_classes + 1))
        for label_map, score in zip(label_maps, scores, strict=True):
            self._add_person(person_label_counts(truth, pixels, label_map, self.num_classes), float(score))
        self._num_people += num_people

    def _add_person(self, counts: Counts, score: float) -> None:
        """One predicted person; `counts` as `person_label_counts` gives them."""
        ious = person_class_ious(counts)
        means = np.array([mean_defined(row) for row in ious])
        best = int(np.nan_to_num(means, nan=-1.0).argmax()) if len(means) else None
        self._scores.append(score)
        self._people.append(self._num_people + (best or 0))
        self._overlaps.append(0.0 if best is None else float(means[best]))
        self._parts_right.append(
            np.zeros(len(THRESHOLDS)) if best is None else _parts_right(ious[best], counts[best + 1])
        )

    def result(self) -> PersonParsing:
        """AP^p and PCP over everything added."""
        ranking = np.argsort(-np.array(self._scores), kind="stable")
        people, overlaps = np.array(self._people, np.int64)[ranking], np.array(self._overlaps)[ranking]
        parts_right = np.array(self._parts_right).reshape(-1, len(THRESHOLDS))[ranking]
        ap, pcp = np.full(len(THRESHOLDS), np.nan), np.full(len(THRESHOLDS), np.nan)
        for column, threshold in enumerate(THRESHOLDS if self._num_people else ()):
            hits = first_hits(overlaps > threshold, people)
            ap[column] = area_under_curve(hits, self._num_people)
            pcp[column] = parts_right[hits, column].sum() / self._num_people
        return PersonParsing(ap, pcp)


def person_label_counts(truth: LabelMap, pixels: Counts, prediction: LabelMap, num_classes: int) -> Counts:
    """(people + 1, n + 1, n + 1) pixels by person (0 is nobody), true label and predicted label; n is "no class".

    Args:
        truth: (H, W) person number x (n + 1) + label.
        pixels: ((people + 1) x (n + 1),) pixels of each of these.
        prediction: (H, W) labels.
    """
    side = num_classes + 1
    inside = np.flatnonzero(prediction)  # a person covers little of an image
    keys = truth.ravel()[inside] * side + np.minimum(prediction.ravel()[inside], num_classes)
    counts: Counts = np.bincount(keys, minlength=len(pixels) * side).reshape(len(pixels), side)
    counts[:, 0] = pixels - counts.sum(axis=1)
    return counts.reshape(-1, side, side)


def person_class_ious(counts: Counts) -> Floats:
    """(people, n) IoU of each class between one label map and each person's own; NaN where the union is empty.

    Outside the person its own map is background, whatever others wear there. Its pixels of no class are ignored.
    """
    num_classes = counts.shape[1] - 1
    mine = counts[1:]  # (people, n + 1, n + 1)
    predicted = counts.sum(axis=(0, 1))[:num_classes] - mine[:, num_classes, :num_classes]
    true = mine[:, :num_classes].sum(axis=2)
    shared = np.diagonal(mine, axis1=1, axis2=2)[:, :num_classes].copy()
    labelled = mine[:, 1:]  # not background for this person
    true[:, 0] = counts.sum() - labelled.sum(axis=(1, 2))
    shared[:, 0] = counts.sum(axis=(0, 1))[0] - labelled[:, :, 0].sum(axis=1)
    union = true + predicted - shared
    return divide(shared, union, otherwise=np.nan)


def _parts_right(ious: Floats, person: Counts) -> Floats:
    """(thresholds,) share of the person's classes with IoU above each; `person` holds its (n + 1, n + 1) counts."""
    num_parts = int((person[1:-1].sum(axis=1) > 0).sum())
    right = (np.nan_to_num(ious[1:, None]) > np.array(THRESHOLDS)).sum(axis=0)
    return divide(right, np.full(len(THRESHOLDS), num_parts), otherwise=0)


def _numbered(human: LabelMap) -> tuple[NDArray[np.intp], int]:
    """Person ids renumbered 1..n, 0 for nobody; and n."""
    ids = people_in(human)
    numbers = np.zeros(int(human.max(initial=0)) + 1, np.intp)
    numbers[ids] = np.arange(1, len(ids) + 1)
    return numbers[human], len(ids)
