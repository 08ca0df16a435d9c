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
SAMPLE = 96  # pixels of a garment that say enough of it: shares are right to about 5 %

_LOW = np.array([0.0, -100.0, -112.0])  # of L*, a*, b*; gray lies in the middle of a cell
_STEP = np.array([100 / 63, 6.25, 7.0])
_LEVELS = np.array([64, 32, 32])
_COARSE = np.array([25.0, 20.0, 20.0], np.float32)  # sides of the cells that pixels are gathered in
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


def palettes(pixels: NDArray[np.uint8], counts: NDArray[np.integer]) -> list[tuple[Shade, ...]]:
    """The main colors of each garment, largest share first; none of no pixels.

    All at once: for many garments much faster than one by one. `SAMPLE` pixels of each are enough.

    Args:
        pixels: (N, 3) sRGB, garment after garment.
        counts: (G,) how many are each garment's.
    """
    garments = len(counts)
    owner = np.repeat(np.arange(garments), counts)
    if not owner.size:
        return [() for _ in range(garments)]
    lab = rgb2lab(pixels.astype(np.float32) / np.float32(255))
    centers = _largest_cells(lab, owner, garments)  # (G, SHADES, 3)
    offsets = lab[:, None] - centers[owner]
    nearest = np.einsum("nsc,nsc->ns", offsets, offsets).argmin(axis=1)  # (N,)
    means, sums = _means(lab, owner * SHADES + nearest, garments * SHADES)
    by_garment = sums.reshape(-1, SHADES)
    shares = np.rint(255 * by_garment / np.maximum(by_garment.sum(axis=1, keepdims=True), 1)).astype(int)
    cells = cells_of_lab(means).reshape(-1, SHADES)
    order = np.argsort(-shares, axis=1, kind="stable")
    least = max(_LEAST_SHARE * 255, 1)
    return [
        tuple(Shade(cell[place], share[place]) for place in places if share[place] >= least)
        for cell, share, places in zip(cells.tolist(), shares.tolist(), order.tolist(), strict=True)
    ]


def _largest_cells(lab: NDArray[np.float32], owner: NDArray[np.intp], garments: int) -> NDArray[np.float32]:
    """The mean colors (G, SHADES, 3) of the fullest coarse cells of each garment, infinite where it has fewer."""
    lightness, a, b = (np.floor(lab / _COARSE).astype(np.int64) + 8).T  # 0 to 15
    keys, group = np.unique((owner << 12) | (lightness << 8) | (a << 4) | b, return_inverse=True)
    means, counts = _means(lab, group, len(keys))
    order = np.lexsort((-counts, keys >> 12))
    of = keys[order] >> 12
    rank = np.arange(len(keys)) - np.searchsorted(of, of)
    largest = rank < SHADES
    centers = np.full((garments, SHADES, 3), np.inf, np.float32)
    centers[of[largest], rank[largest]] = means[order[largest]]
    return centers


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


def _means(
    lab: NDArray[np.float32], group: NDArray[np.intp], groups: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean color (G, 3), zero for a group without any, and number of pixels (G,) of each group."""
    counts = np.bincount(group, minlength=groups).astype(np.float64)
    sums = np.stack([np.bincount(group, channel, groups) for channel in lab.T], axis=1)
    return sums / np.maximum(counts, 1)[:, None], counts
