"""From photographs of any shape to one padded batch, and back."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

MULTIPLE = 32
STRIDE = 4  # of the network's output
# ImageNet's mean and standard deviation, so that torchvision's weights fit.
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)


@dataclass(frozen=True)
class PaddedBatch:
    """Images in one tensor.

    Args:
        images: (B, 3, H, W) float32, zeros on padding.
        padding_mask: (B, H, W) bool, True on padding, or None if nothing is padded.
        shapes: height and width of each image inside the tensor.
        original_shapes: height and width of each image as it came.
    """

    images: Tensor
    padding_mask: Tensor | None
    shapes: tuple[tuple[int, int], ...]
    original_shapes: tuple[tuple[int, int], ...]


def normalize(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(H, W, 3) uint8 as (3, H, W) float32 of about unit variance."""
    return np.ascontiguousarray(((image.astype(np.float32) / 255 - MEAN) / STD).transpose(2, 0, 1))


def denormalize(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    """What `normalize` was given."""
    return np.ascontiguousarray(np.rint((image.transpose(1, 2, 0) * STD + MEAN) * 255).clip(0, 255).astype(np.uint8))


def scaled_shape(height: int, width: int, long_side: int) -> tuple[int, int]:
    """Height and width with the long side at `long_side`, whole cells of the network's output."""
    scale = long_side / max(height, width)
    return max(STRIDE, round(height * scale / STRIDE) * STRIDE), max(STRIDE, round(width * scale / STRIDE) * STRIDE)


def shrink(image: NDArray[np.uint8], long_side: int) -> NDArray[np.uint8]:
    """`image` (H, W, 3) with its long side at `long_side`."""
    height, width = scaled_shape(image.shape[0], image.shape[1], long_side)
    resized = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR, reducing_gap=3.0)
    return np.asarray(resized)


def pad(images: Sequence[NDArray[np.uint8]], long_side: int) -> PaddedBatch:
    """Images (H, W, 3) uint8 of any shapes as one batch, each with its long side at `long_side`."""
    small = [normalize(shrink(image, long_side)) for image in images]
    shapes = tuple((image.shape[1], image.shape[2]) for image in small)
    height, width = (-(-max(side) // MULTIPLE) * MULTIPLE for side in zip(*shapes, strict=True))
    batch = torch.zeros(len(small), 3, height, width)
    padding = torch.ones(len(small), height, width, dtype=torch.bool)
    for index, image in enumerate(small):
        batch[index, :, : image.shape[1], : image.shape[2]] = torch.from_numpy(image)
        padding[index, : image.shape[1], : image.shape[2]] = False
    originals = tuple((image.shape[0], image.shape[1]) for image in images)
    return PaddedBatch(batch, padding if bool(padding.any()) else None, shapes, originals)
