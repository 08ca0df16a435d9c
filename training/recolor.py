"""Repaints a plain garment in another named color, so that rare colors are seen on every kind of garment.

The weave's light and shade stay; only its mean color moves. Colors are drawn well inside each label's range.
"""

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from skimage.color import hsv2rgb, lab2rgb, rgb2lab

from parsing.labels import label_id
from training.canvas import Layer

Range = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]  # hue in degrees, saturation, value

COLOR_RANGES: Mapping[str, Sequence[Range]] = {
    "Dark": [((0, 360), (0.0, 0.15), (0.06, 0.2))],
    "Medium": [((0, 360), (0.0, 0.07), (0.42, 0.6))],
    "Light": [((0, 360), (0.0, 0.06), (0.84, 1.0))],
    "Brown": [((16, 34), (0.4, 0.65), (0.28, 0.55)), ((28, 38), (0.3, 0.45), (0.6, 0.75))],
    "Red": [((-8, 6), (0.7, 0.95), (0.5, 0.85)), ((-14, 2), (0.6, 0.85), (0.28, 0.45))],
    "Pink": [((325, 350), (0.22, 0.6), (0.8, 1.0))],
    "Yellow": [((46, 58), (0.45, 0.95), (0.75, 1.0)), ((40, 47), (0.7, 0.9), (0.65, 0.8))],
    "Orange": [((16, 30), (0.78, 1.0), (0.8, 1.0))],
    "Green": [((85, 165), (0.3, 0.9), (0.25, 0.75)), ((58, 78), (0.35, 0.6), (0.28, 0.5))],
    "Blue": [((203, 232), (0.4, 0.9), (0.35, 0.85))],
    "Purple": [((262, 298), (0.35, 0.8), (0.3, 0.75))],
}
RARITY: Mapping[str, float] = {
    "Dark": 0.3, "Medium": 1.0, "Light": 1.0, "Brown": 0.6, "Red": 1.5, "Pink": 1.5, "Yellow": 1.5, "Orange": 1.5,
    "Green": 1.5, "Blue": 1.5, "Purple": 1.5,
}  # fmt: skip


def draw_color(rng: np.random.Generator, label: str) -> NDArray[np.float64]:
    """A random color of `label` as Lab, (3,)."""
    ranges = COLOR_RANGES[label]
    hue, saturation, value = (rng.uniform(*bounds) for bounds in ranges[int(rng.integers(len(ranges)))])
    lab: NDArray[np.float64] = rgb2lab(hsv2rgb(np.array([[[hue % 360 / 360, saturation, value]]])))[0, 0]
    return lab


def draw_label(rng: np.random.Generator, weights: Mapping[str, float]) -> str:
    """A color label, each as often as it weighs."""
    values = np.array(list(weights.values()))
    return list(weights)[rng.choice(len(values), p=values / values.sum())]


def recolor(layer: Layer, region: NDArray[np.bool_], label: str, rng: np.random.Generator) -> None:
    """Paint `region` (H, W) of `layer` in a color of `label`, in place, image and color map."""
    pixels = rgb2lab(layer.image[region] / 255.0)  # (n, 3)
    mean, target = pixels.mean(0), draw_color(rng, label)
    # A dark garment has little contrast and a light one much: scale the shading with the new lightness.
    contrast = np.clip((target[0] + 15) / (mean[0] + 15), 0.4, 1.8)
    painted = target + (pixels - mean) * np.array([contrast, 0.4, 0.4])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # colors outside the gamut are clipped, as they should be
        rgb = lab2rgb(painted)
    layer.image[region] = np.clip(rgb * 255, 0, 255).astype(np.uint8)
    layer.maps["color"][region] = label_id("color", label)


def recolor_some(layer: Layer, garments: Sequence[NDArray[np.bool_]], rng: np.random.Generator, share: float) -> None:
    """Repaint each garment's region with probability `share`, rare colors more often, in place."""
    for region in garments:
        if rng.random() < share and region.sum() > 30:
            recolor(layer, region, draw_label(rng, RARITY), rng)
