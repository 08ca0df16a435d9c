"""Thumbnails: small WebP pictures of persons and images on disk, for pages to show by URL.

They are derived from the photographs and can be made again. Their names hold ids that are never used twice.
"""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from index.disk import writing

Box = tuple[float, float, float, float]

PERSON_SIDE = 384  # pixels of the long side
IMAGE_SIDE = 1024
MARGIN = 0.06  # around a person, as a fraction of the box
QUALITY = 80
IMAGES_PER_FOLDER = 1000


@dataclass(frozen=True)
class Crop:
    """Which pixels of the original a person's thumbnail shows, and how large it is.

    Args:
        x0: left edge in the original.
        y0: top edge in the original.
        x1: right edge, exclusive.
        y1: bottom edge, exclusive.
        height: of the thumbnail.
        width: of the thumbnail.
    """

    x0: int
    y0: int
    x1: int
    y1: int
    height: int
    width: int

    def of_mask(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """A mask of the original, (H, W) bool, as it lies on the thumbnail, (height, width) bool."""
        part = Image.fromarray(mask[self.y0 : self.y1, self.x0 : self.x1])
        return np.asarray(part.resize((self.width, self.height), Image.Resampling.NEAREST))


def crop_of(box_xyxy: Box, *, height: int, width: int) -> Crop:
    """The crop around a person's box in an image of `height, width`; never empty, never enlarged."""
    x0, x1 = _span(box_xyxy[0], box_xyxy[2], width)
    y0, y1 = _span(box_xyxy[1], box_xyxy[3], height)
    scale = min(1.0, PERSON_SIDE / max(x1 - x0, y1 - y0))
    return Crop(x0, y0, x1, y1, max(1, round((y1 - y0) * scale)), max(1, round((x1 - x0) * scale)))


def _span(low: float, high: float, limit: int) -> tuple[int, int]:
    """Whole pixels from `low` to `high` with a margin, inside 0 to `limit`, at least one."""
    margin = MARGIN * (high - low)
    start = min(max(0, math.floor(low - margin)), limit - 1)
    return start, max(start + 1, min(limit, math.ceil(high + margin)))


class Thumbnails:
    """The thumbnails of one store, a thousand images to a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def image_path(self, image_id: int) -> Path:
        """Where the image's thumbnail lies, if it has been written."""
        return self.folder / f"{_shard(image_id)}/{image_id}.webp"

    def person_path(self, image_id: int, person_id: int) -> Path:
        """Where the person's thumbnail lies, if it has been written."""
        return self.folder / f"{_shard(image_id)}/{image_id}-{person_id}.webp"

    def write(self, image_id: int, pixels: NDArray[np.uint8], boxes: Mapping[int, Box]) -> None:
        """Write the thumbnails of an image and of its people.

        Args:
            image_id: the image's row.
            pixels: (H, W, 3) uint8 RGB.
            boxes: by person id, boxes_xyxy in pixels of the image.
        """
        folder = self.folder / _shard(image_id)
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(pixels)
        small = picture.copy()
        small.thumbnail((IMAGE_SIDE, IMAGE_SIDE), reducing_gap=2.0)
        _save(small, self.image_path(image_id))
        for person_id, box in boxes.items():
            crop = crop_of(box, height=pixels.shape[0], width=pixels.shape[1])
            part = picture.crop((crop.x0, crop.y0, crop.x1, crop.y1)).resize(
                (crop.width, crop.height), reducing_gap=2.0
            )
            _save(part, self.person_path(image_id, person_id))


def _shard(image_id: int) -> str:
    """The folder of an image's thumbnails."""
    return f"{image_id // IMAGES_PER_FOLDER:06d}"


def _save(picture: Image.Image, path: Path) -> None:
    """Write so that a reader finds the whole file or none.

    No fsync: these files can be made again, and a flush for each would halve the speed of ingestion. What a crash
    leaves behind bears the picture's own name, so that the next writing and the picture's deletion take it along.
    """
    temporary = unfinished(path)
    with writing(path):
        try:
            picture.save(temporary, "WEBP", quality=QUALITY, method=2)
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def unfinished(path: Path) -> Path:
    """Where a picture is written before it is moved to `path`."""
    return path.with_suffix(".tmp")
