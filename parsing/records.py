"""Records that travel between packages: what was seen in an image, person by person.

The noun of the whole system is the characterized attribute: (attribute, size, pattern, color) on a person.
Coordinates are pixels of the original image, after its EXIF orientation has been applied.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from parsing.labels import LABELS
from parsing.palette import Shade


@dataclass(frozen=True)
class RunLengthMask:
    """A binary mask of the whole image as compressed COCO run lengths."""

    height: int
    width: int
    counts: str

    @classmethod
    def encode(cls, mask: NDArray[np.bool_]) -> "RunLengthMask":
        """Run lengths of a (H, W) bool mask."""
        rle = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
        return cls(mask.shape[0], mask.shape[1], rle["counts"].decode("ascii"))

    def decode(self) -> NDArray[np.bool_]:
        """The mask, (H, W) bool."""
        rle = {"size": [self.height, self.width], "counts": self.counts.encode("ascii")}
        decoded: NDArray[np.bool_] = coco_mask.decode(rle).astype(bool)
        return decoded


@dataclass(frozen=True)
class CharacterizedAttribute:
    """One garment, hair, accessory or body part that was seen on a person.

    Args:
        attribute: one of `labels.ATTRIBUTES`.
        score: mean model confidence over its pixels, 0 to 1.
        area: visible pixels of the original image.
        probabilities: for size, pattern and color, calibrated probabilities in the order of `labels.LABELS`,
            summing to 1; empty for skin, face and limbs.
        mask: its pixels.
        palette: the main colors of its pixels, largest share first; empty for skin, face and limbs, or if not computed.
    """

    attribute: str
    score: float
    area: int
    probabilities: Mapping[str, tuple[float, ...]]
    mask: RunLengthMask
    palette: tuple[Shade, ...] = ()

    def winner(self, task: str) -> tuple[str, float] | None:
        """The most probable label of a task and its probability; None where the task does not apply."""
        values = self.probabilities.get(task)
        return max(zip(LABELS[task], values, strict=True), key=itemgetter(1)) if values else None


@dataclass(frozen=True)
class Person:
    """One person of one image.

    Args:
        box_xyxy: x0, y0, x1, y1 in pixels of the original image.
        score: model confidence that this is a person, 0 to 1.
        mask: the person's visible pixels.
        attributes: what was seen, at most one record for each of `labels.ATTRIBUTES`.
        presence: for every attribute label, the calibrated probability that the person visibly has it, whether
            or not any pixel was won by it (small things lose the argmax but still leave evidence).
        appearance: (E,) float32 of unit length, backbone features pooled inside the mask; empty if not computed.
    """

    box_xyxy: tuple[float, float, float, float]
    score: float
    mask: RunLengthMask
    attributes: tuple[CharacterizedAttribute, ...]
    presence: Mapping[str, float] = field(default_factory=dict)
    appearance: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))


@dataclass(frozen=True)
class ParsedImage:
    """Everyone seen in one image, best score first.

    `height, width` are pixels after EXIF orientation.
    """

    path: Path
    height: int
    width: int
    people: tuple[Person, ...]
