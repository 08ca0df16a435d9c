"""Mean intersection over union of label maps: over the data set, and as the mean over images.

Two forms, because the field publishes both and they differ by several points:

- *dataset*: one confusion matrix over all images, ground truth 255 left out, classes with an empty union left out of
  the mean (the rule of PGN, Parsing R-CNN and Graphonomy). This is the headline figure.
- *per_image*: the mean over images of each image's mean over the classes in its ground truth or prediction, where any
  label that is no class, 255 too, counts as background (the CCIHP authors' script, the "all" of the paper's Table 1).
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[Any]  # integers
LabelMap = NDArray[Any]  # integers


@dataclass(frozen=True)
class MeanIoU:
    """Results of one task with n classes, background first. NaN stands for "no value".

    Args:
        dataset: mean over classes with a union, over all pixels of all images.
        per_image: mean of `image_means`.
        per_class: (n,) IoU over the data set.
        per_class_over_images: (n,) mean of the class's IoU over the images that have or predict it.
        image_means: (images,) mean IoU of each image.
        confusion: (n, n + 1) pixels, ground truth by prediction; the last column holds predictions that are no class.
    """

    dataset: float
    per_image: float
    per_class: Floats
    per_class_over_images: Floats
    image_means: Floats
    confusion: Counts

    @property
    def foreground(self) -> float:
        """The data-set form without background."""
        return mean_defined(self.per_class[1:])

    @property
    def pixel_accuracy(self) -> float:
        """Labelled pixels that are right."""
        return ratio(np.trace(self.confusion), self.confusion.sum())


@dataclass
class IoUCounter:
    """Counts label maps of one task, image by image."""

    num_classes: int
    confusion: Counts = field(init=False)
    image_ious: list[Floats] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.confusion = np.zeros((self.num_classes, self.num_classes + 1), np.int64)

    def add(self, truth: LabelMap, prediction: LabelMap) -> None:
        """Count one image; both maps (H, W)."""
        pixels = confusion(truth, prediction, self.num_classes)
        self.confusion += pixels[: self.num_classes]
        self.image_ious.append(class_iou(_unlabelled_as_background(pixels)))

    def result(self) -> MeanIoU:
        """What has been counted so far."""
        images = np.array(self.image_ious, np.float64).reshape(-1, self.num_classes)
        image_means = np.array([mean_defined(ious) for ious in images], np.float64)
        per_class = class_iou(self.confusion)
        over_images = np.array([mean_defined(ious) for ious in images.T], np.float64)
        means = mean_defined(per_class), mean_defined(image_means)
        return MeanIoU(*means, per_class, over_images, image_means, self.confusion.copy())


def confusion(truth: LabelMap, prediction: LabelMap, num_classes: int) -> Counts:
    """(n + 1, n + 1) pixel counts, ground truth by prediction; the last row and column hold labels that are no class.

    Raises:
        ValueError: the maps differ in shape.
    """
    if truth.shape != prediction.shape:
        raise ValueError(f"prediction must have the ground truth's shape {truth.shape}, got {prediction.shape}")
    side = num_classes + 1
    rows, columns = (np.minimum(labels, num_classes).astype(np.uint16) for labels in (truth, prediction))
    counts: Counts = np.bincount((rows * np.uint16(side) + columns).ravel(), minlength=side * side).reshape(side, side)
    return counts


def class_iou(counts: Counts) -> Floats:
    """(n,) IoU of each class from a confusion matrix with n rows; NaN where the union is empty."""
    num_classes = len(counts)
    hits = np.diagonal(counts)[:num_classes].astype(np.float64)
    union = counts.sum(axis=1) + counts.sum(axis=0)[:num_classes] - hits
    return divide(hits, union, otherwise=np.nan)


def merge_classes(counts: Counts, pairs: list[tuple[int, int]]) -> Counts:
    """The confusion matrix (n, n + 1) in which each pair's second class counts as its first.

    The second class stays in place with no pixels, so its IoU is NaN and left out of means.
    """
    merged = counts.copy()
    for keep, drop in pairs:
        merged[keep] += merged[drop]
        merged[drop] = 0
        merged[:, keep] += merged[:, drop]
        merged[:, drop] = 0
    return merged


def mean_defined(values: Floats) -> float:
    """Mean of the values that are not NaN; NaN if none is."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else float("nan")


def divide(part: NDArray[Any], whole: NDArray[Any], *, otherwise: float) -> Floats:
    """part / whole element by element, `otherwise` where the whole is 0."""
    quotient = np.full(part.shape, otherwise, np.float64)
    np.divide(part, whole, out=quotient, where=whole > 0)
    return quotient


def ratio(part: float, whole: float) -> float:
    """part / whole, or NaN if there is no whole."""
    return float(part / whole) if whole else float("nan")


def resize_nearest(label_map: LabelMap, shape: tuple[int, int]) -> LabelMap:
    """`label_map` at `shape` by nearest neighbour, source index = floor(i x scale), as OpenCV's INTER_NEAREST."""
    if label_map.shape == shape:
        return label_map
    rows, columns = (_source_index(source, target) for source, target in zip(label_map.shape, shape, strict=True))
    return label_map[rows[:, None], columns]


def _source_index(source: int, target: int) -> NDArray[np.intp]:
    scale = 1 / (target / source)  # OpenCV's arithmetic, rounding included
    indices: NDArray[np.intp] = np.minimum(np.floor(np.arange(target) * scale).astype(np.intp), source - 1)
    return indices


def _unlabelled_as_background(pixels: Counts) -> Counts:
    folded = pixels[:-1, :-1].copy()
    folded[0] += pixels[-1, :-1]
    folded[:, 0] += pixels[:-1, -1]
    folded[0, 0] += pixels[-1, -1]
    return folded
