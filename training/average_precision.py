"""Average precision of instances given as id maps: body parts (AP^r), characteristics (AP^cr), people (AP^h).

An item is a set of pixels with a class and a score. It is right at a threshold t if its best overlap with a
ground-truth part of its class and image has IoU > t (strictly). Two rules:

- *published*: a part may be hit any number of times (PGN's script and all that grew from it, the CCIHP kit too), so
  that AP can exceed 1.
- *strict*: a part that has been hit is not hit again; the later item is wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from training.miou import Counts, Floats, LabelMap, mean_defined, resize_nearest

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
HUMAN_THRESHOLDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


@dataclass(frozen=True)
class Items:
    """The items of one image.

    Args:
        id_map: (H, W) item ids, 0 none.
        ids: (Q,) the id of each item.
        classes: (Q,) its class, from 1.
        scores: (Q,) its score; for ground truth, anything.
    """

    id_map: LabelMap
    ids: Counts
    classes: Counts
    scores: Floats

    @classmethod
    def numbered(cls, id_map: LabelMap, classes: Counts, scores: Floats) -> "Items":
        """Items with ids 1, 2, ..."""
        return cls(id_map, np.arange(1, len(classes) + 1), classes, scores)


@dataclass(frozen=True)
class AveragePrecision:
    """AP of n classes under one rule. NaN stands for "no value".

    Args:
        by_class: (n, thresholds). A class with neither parts nor items has 0, with items but no parts NaN; all have NaN
            if nothing was added.
        in_truth: (n,) bool, classes that occur in the ground truth.
    """

    by_class: Floats
    in_truth: NDArray[np.bool_]

    @property
    def volume(self) -> float:
        """AP_vol, the mean over classes and thresholds: NaN as soon as a class has items but no parts (np.mean)."""
        return float(self.by_class.mean())

    @property
    def volume_defined(self) -> float:
        """AP_vol over the classes that have a value (np.nanmean)."""
        return mean_defined(self.by_threshold)

    @property
    def volume_in_truth(self) -> float:
        """AP_vol over the classes that occur in the ground truth."""
        return mean_defined(self.by_class[self.in_truth].ravel())

    @property
    def by_threshold(self) -> Floats:
        """(thresholds,) mean over the classes that have a value."""
        return np.array([mean_defined(column) for column in self.by_class.T])


@dataclass
class ItemMatcher:
    """Collects items and their best overlaps image by image, then gives AP."""

    num_classes: int
    thresholds: Sequence[float] = THRESHOLDS
    _classes: list[Counts] = field(default_factory=list)
    _scores: list[Floats] = field(default_factory=list)
    _overlaps: list[Floats] = field(default_factory=list)
    _parts: list[Counts] = field(default_factory=list)
    _truth_counts: Counts = field(init=False)

    def __post_init__(self) -> None:
        self._truth_counts = np.zeros(self.num_classes + 1, np.int64)

    def add(self, truth: Items, prediction: Items) -> None:
        """Count one image. Ground truth of another resolution is resized to the prediction's.

        Items without a pixel do not exist; classes outside 1..num_classes are no items.
        """
        truth_map = resize_nearest(truth.id_map, prediction.id_map.shape)
        pixels = pixel_counts(truth_map, truth.ids), pixel_counts(prediction.id_map, prediction.ids)
        parts = _present(pixels[0], truth.classes, self.num_classes)
        items = _present(pixels[1], prediction.classes, self.num_classes)
        shared = shared_pixels(truth_map, prediction.id_map, truth.ids[parts], prediction.ids[items])
        iou = shared / (pixels[0][parts][:, None] + pixels[1][items] - shared)
        iou[truth.classes[parts][:, None] != prediction.classes[items]] = 0
        self._parts.append(int(self._truth_counts.sum()) + _best_part(iou))
        self._truth_counts += np.bincount(truth.classes[parts], minlength=self.num_classes + 1)
        self._classes.append(prediction.classes[items])
        self._scores.append(prediction.scores[items])
        self._overlaps.append(iou.max(axis=0, initial=0))

    def result(self, *, one_to_one: bool = False) -> AveragePrecision:
        """AP over everything added, NaN if nothing was; `one_to_one` picks the strict rule."""
        # Equal scores: the later item first, as the published scripts' argsort(scores)[::-1] gives.
        ranking = np.argsort(np.concatenate(self._scores or [np.zeros(0)]), kind="stable")[::-1]
        classes, ious, parts = (
            np.concatenate(arrays or [np.zeros(0)])[ranking] for arrays in (self._classes, self._overlaps, self._parts)
        )
        by_class = np.full((self.num_classes, len(self.thresholds)), np.nan)
        for class_id in range(1, self.num_classes + 1) if self._parts else ():
            mine = classes == class_id
            for column, threshold in enumerate(self.thresholds):
                hits = ious[mine] > threshold
                hits = first_hits(hits, parts[mine]) if one_to_one else hits
                by_class[class_id - 1, column] = area_under_curve(hits, int(self._truth_counts[class_id]))
        return AveragePrecision(by_class, self._truth_counts[1:] > 0)


def area_under_curve(hits: NDArray[np.bool_], num_truth: int) -> float:
    """Area under the precision envelope of ranked hits, no sampling of recall.

    0 if there is nothing to find and nothing was said; NaN if something was said where there is nothing to find.
    """
    if not num_truth:
        return float("nan") if len(hits) else 0.0
    found = np.cumsum(hits)
    recall = np.concatenate([[0.0], found / num_truth, [1.0]])
    precision = np.concatenate([[0.0], found / np.arange(1, len(hits) + 1), [0.0]])
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.flatnonzero(recall[1:] != recall[:-1])
    return float(((recall[steps + 1] - recall[steps]) * envelope[steps + 1]).sum())


def first_hits(hits: NDArray[np.bool_], parts: Counts) -> NDArray[np.bool_]:
    """`hits` in rank order, where only the first hit of each part stays."""
    first = np.zeros_like(hits)
    where = np.flatnonzero(hits)
    _, first_of_part = np.unique(parts[where], return_index=True)
    first[where[first_of_part]] = True
    return first


def pixel_counts(id_map: LabelMap, ids: Counts) -> Counts:
    """(ids,) pixels of each id."""
    counts: Counts = np.bincount(id_map.ravel(), minlength=int(ids.max(initial=0)) + 1)[ids]
    return counts


def shared_pixels(truth: LabelMap, prediction: LabelMap, truth_ids: Counts, prediction_ids: Counts) -> Counts:
    """(P, Q) pixels that each pair of ids, all > 0, shares."""
    both = np.flatnonzero((truth > 0) & (prediction > 0))
    height, width = int(truth.max(initial=0)) + 1, int(prediction.max(initial=0)) + 1
    keys = truth.ravel()[both].astype(np.int64) * width + prediction.ravel()[both]
    counts = np.bincount(keys, minlength=height * width).reshape(height, width)
    pairs: Counts = counts[np.ix_(truth_ids, prediction_ids)]
    return pairs


def _present(pixels: Counts, classes: Counts, num_classes: int) -> NDArray[np.intp]:
    return np.flatnonzero((pixels > 0) & (classes >= 1) & (classes <= num_classes))


def _best_part(iou: Floats) -> Counts:
    """For each item, the row of its best part, the first on equality; 0 if there is no part."""
    return iou.argmax(axis=0) if len(iou) else np.zeros(iou.shape[1], np.int64)
