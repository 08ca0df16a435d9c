"""Backdrops of rendered scenes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.synthetic_specs import SceneSpec

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Backdrop:
    """What is behind the people: linear colour (H, W, 3)."""

    color: Array


def paint_backdrop(scene: SceneSpec) -> Backdrop:
    """A floor and a wall."""
    color = np.full((scene.height, scene.width, 3), 0.5, np.float32)
    color[int(max(0, scene.camera.row)) :] *= 0.6
    return Backdrop(color)
