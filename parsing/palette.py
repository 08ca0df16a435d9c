"""Palette: the main colors of a garment, as the largest cells of a CIELAB histogram of its pixels.

A cell is one number: 6 bits of lightness, 5 of a*, 5 of b*, about as fine as an eye can tell apart on cloth. Pixels are
gathered in coarse cells first, so that the folds of one cloth make one color, and each color is the mean of its pixels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from skimage.color import lab2rgb, rgb2lab

SHADES = 4  # most colors of a palette
CELLS = 1 << 16
SAMPLE = 1000  # pixels that are looked at

_LOW = np.array([0.0, -100.0, -112.0])  # of L*, a*, b*; gray lies in the middle of a cell
_STEP = np.array([100 / 63, 6.25, 7.0])
_LEVELS = np.array([64, 32, 32])
_COARSE = np.array([25.0, 20.0, 20.0])  # sides of the cells that pixels are gathered in
_LEAST_SHARE = 0.04


@dataclass(frozen=True)
class Shade:
    """One color of a garment: a cell (0 to CELLS - 1), and the share of the pixels, in 255ths, that are near to it."""

    cell: int
    share: int

    @property
    def color(self) -> str:
        """As `#rrggbb`."""
        red, green, blue = np.rint(lab2rgb(lab_of_cells(np.array([self.cell])))[0] * 255).astype(int)
        return f"#{red:02x}{green:02x}{blue:02x}"


def palette(pixels: NDArray[np.uint8]) -> tuple[Shade, ...]:
    """The main colors of pixels (N, 3) sRGB, largest share first; none of no pixels."""
    if len(pixels) > SAMPLE:
        pixels = pixels[np.linspace(0, len(pixels) - 1, SAMPLE).astype(np.intp)]
    if not len(pixels):
        return ()
    lab = rgb2lab(pixels)
    _, group = np.unique(np.floor(lab / _COARSE), axis=0, return_inverse=True)
    means, counts = _means(lab, group)
    largest = np.argsort(-counts, kind="stable")[:SHADES]
    nearest = ((lab[:, None] - means[largest]) ** 2).sum(axis=-1).argmin(axis=1)  # (N,)
    means, counts = _means(lab, nearest)
    shares = np.rint(255 * counts / counts.sum()).astype(int)
    order = np.argsort(-shares, kind="stable")
    kept = order[shares[order] >= max(_LEAST_SHARE * 255, 1)]
    return tuple(
        Shade(int(cell), int(share)) for cell, share in zip(cells_of_lab(means[kept]), shares[kept], strict=True)
    )


def cells_of_lab(lab: NDArray[np.floating]) -> NDArray[np.int64]:
    """The cells (N,) of CIELAB colors (N, 3)."""
    levels = np.clip(np.rint((lab - _LOW) / _STEP), 0, _LEVELS - 1).astype(np.int64)
    cells: NDArray[np.int64] = (levels[:, 0] << 10) | (levels[:, 1] << 5) | levels[:, 2]
    return cells


def lab_of_cells(cells: NDArray[np.integer]) -> NDArray[np.float64]:
    """The CIELAB colors (N, 3) in the middle of cells (N,)."""
    cells = cells.astype(np.int64)
    levels = np.stack([cells >> 10, (cells >> 5) & 31, cells & 31], axis=1)
    lab: NDArray[np.float64] = levels * _STEP + _LOW
    return lab


def _means(lab: NDArray[np.float64], group: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean color (G, 3) and number of pixels (G,) of each group that has any."""
    counts = np.bincount(group.ravel())
    sums = np.stack([np.bincount(group.ravel(), weights=channel) for channel in lab.T], axis=1)
    filled = np.flatnonzero(counts)
    return sums[filled] / counts[filled, None], counts[filled].astype(np.float64)
