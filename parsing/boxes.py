"""Boxes x0, y0, x1, y1, in pixels."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Box = tuple[int, int, int, int]


def box_of(mask: NDArray[np.bool_]) -> Box:
    """What just holds a mask (H, W) that is not empty."""
    rows, columns = np.flatnonzero(mask.any(1)).tolist(), np.flatnonzero(mask.any(0)).tolist()
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def area(box: Sequence[float]) -> float:
    """0 of a box that ends before it begins."""
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)


def common_area(first: Sequence[float], second: Sequence[float]) -> float:
    """Of what two boxes share."""
    left, top = max(first[0], second[0]), max(first[1], second[1])
    return area((left, top, min(first[2], second[2]), min(first[3], second[3])))


def box_iou(first: Sequence[float], second: Sequence[float]) -> float:
    """Intersection over union."""
    shared = common_area(first, second)
    union = area(first) + area(second) - shared
    return shared / union if union > 0 else 0.0
