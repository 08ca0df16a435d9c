"""Swatches: how near a free colour `#rrggbb` is to the labels and to the pixels of a garment (CIEDE2000)."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab

from parsing.labels import COLORS
from parsing.palette import CELLS, lab_of_cells

# Colours that stand for a label, as sRGB; Multicolor has none.
ANCHORS = {
    "Dark": ("#000000", "#2a2a2a", "#484848"),
    "Medium": ("#707070", "#909090"),
    "Light": ("#c8c8c8", "#e4e4e4", "#ffffff", "#f3efe2"),
    "Brown": ("#4a2c17", "#7b4a26", "#a97c50", "#c8a878"),
    "Red": ("#6d1020", "#a01c24", "#d42a2a"),
    "Pink": ("#e0559a", "#f2a0b8", "#f6cdd6"),
    "Yellow": ("#c9a227", "#f0d030", "#f5e58a"),
    "Orange": ("#d95f14", "#f59030"),
    "Green": ("#1f4a26", "#3f8f3f", "#7a8040", "#90cf90"),
    "Blue": ("#1a2a5a", "#2f58b0", "#5a86b8", "#9fc4ea"),
    "Purple": ("#45206a", "#7f45a8", "#b79ad6"),
}
TOLERANCE = 12.0  # ΔE within which two garments are called the same colour by most people, light being what it is


def lab(color: str) -> NDArray[np.float64]:
    """CIELAB of `#rrggbb`, (3,)."""
    channels = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    converted: NDArray[np.float64] = rgb2lab(np.array(channels).reshape(1, 1, 3))[0, 0]
    return converted


def distances(asked: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIEDE2000 from one CIELAB colour (3,) to others (N, 3)."""
    found: NDArray[np.float64] = deltaE_ciede2000(np.broadcast_to(asked, others.shape), others)  # type: ignore[no-untyped-call]
    return found


def similarity(delta_e: NDArray[np.floating]) -> NDArray[np.float64]:
    """How alike colours at these ΔE are: 1 at 0, half at TOLERANCE, near 0 at twice that."""
    alike: NDArray[np.float64] = 0.5 ** ((np.asarray(delta_e, np.float64) / TOLERANCE) ** 2)
    return alike


@lru_cache(maxsize=16)
def cell_similarities(color: str) -> NDArray[np.float32]:
    """How alike `#rrggbb` and each cell of a palette are, (CELLS,), so that CIEDE2000 is reckoned once per color."""
    return similarity(distances(lab(color), lab_of_cells(np.arange(CELLS)))).astype(np.float32)


def color_weights(color: str) -> dict[str, float]:
    """How much each color label speaks for a swatch: the similarity of its nearest anchor, the best label being 1."""
    asked = lab(color)
    anchors = {label: np.array([lab(one) for one in several]) for label, several in ANCHORS.items()}
    nearest = {label: float(distances(asked, those).min()) for label, those in anchors.items()}
    best = min(nearest.values())
    weights = {label: float(similarity(np.array(distance - best))) for label, distance in nearest.items()}
    return {label: weights[label] for label in COLORS if weights.get(label, 0.0) >= 0.05}
