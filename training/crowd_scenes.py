"""Rendered scenes with few and many people, and network outputs that say exactly who is there: for measuring speed."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from parsing.assemble import ImageOutput
from parsing.labels import TASKS, num_classes
from parsing.preprocess import STRIDE
from training.synthetic import RenderedScene, render
from training.synthetic_sampling import sample_scene

CROWDS = (2, 6, 18, 40)
SURE = 8.0  # logit of what is true, minus that of what is not


@dataclass(frozen=True)
class CrowdScene:
    """A picture (H, W, 3) uint8, and its truth as a network would put it."""

    image: NDArray[np.uint8]
    truth: ImageOutput


def crowd_scenes(long_side: int, channels: int, num_queries: int = 40) -> dict[str, CrowdScene]:
    """A scene for each of `CROWDS`, four by three.

    Args:
        channels: of the features that appearance is pooled from.
    """
    scenes = {}
    for count in CROWDS:
        spec = sample_scene(np.random.default_rng(count), height=long_side * 3 // 4, width=long_side, num_people=count)
        scene = render(spec)
        scenes[f"{count} people"] = CrowdScene(scene.image, exact_output(scene, channels, num_queries))
    return scenes


def exact_output(scene: RenderedScene, channels: int, num_queries: int) -> ImageOutput:
    """What a perfect network would say of a scene; its features are random."""
    height, width = scene.human.shape
    cells = slice(STRIDE // 2, None, STRIDE)
    human = torch.from_numpy(scene.human[cells, cells].astype(np.int64))
    numbers = torch.arange(1, num_queries + 1)
    masks = (human == numbers[:, None, None]).float()
    scores = torch.where(numbers <= int(scene.human.max()), 0.99, 0.01)
    semantic = {}
    for task in TASKS:
        labels = torch.from_numpy(getattr(scene, task)[cells, cells].astype(np.int64))
        semantic[task] = functional.one_hot(labels, num_classes(task)).movedim(-1, 0).float() * SURE
    features = torch.rand(channels, -(-height // 16), -(-width // 16))
    return ImageOutput(semantic, scores, (masks - 0.5) * SURE, features, height, width)
