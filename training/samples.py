"""A training or evaluation sample: one photograph with label maps, whichever data set it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from parsing.labels import IGNORE, TASKS

SPLITS = ("train", "calibration", "validation")


@dataclass(frozen=True)
class Sample:
    """One photograph and its truth, all maps (H, W) uint8.

    Args:
        name: unique within its data set.
        image: (H, W, 3) uint8.
        human: 0 nobody, 1..n the people, 255 not known (crowds).
        tasks: per task the label ids, 0 background, 255 not known.
        everyone: whether all people are labelled; otherwise one main person is, and passers-by are not.
        boxed: people of whom no more than the box is known, which `human` marks in full where nobody else is.
    """

    name: str
    path: Path
    image: NDArray[np.uint8]
    human: NDArray[np.uint8]
    tasks: Mapping[str, NDArray[np.uint8]]
    everyone: bool = True
    boxed: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        shape = self.image.shape[:2]
        for name, label_map in {"human": self.human, **self.tasks}.items():
            if label_map.shape != shape:
                raise ValueError(
                    f"the {name} annotation of {self.path} is {label_map.shape[1]}x{label_map.shape[0]} pixels, "
                    f"expected {shape[1]}x{shape[0]} like its image; annotate the image as it is stored"
                )


def people_in(human: NDArray[np.integer]) -> NDArray[np.intp]:
    """The ids of the people in a map (H, W), ascending; 0 is nobody and 255 not known."""
    return np.setdiff1d(np.flatnonzero(np.bincount(human.ravel())), (0, IGNORE))


def check_split(split: str) -> None:
    """Raise ValueError unless `split` is one of `SPLITS`."""
    if split not in SPLITS:
        raise ValueError(f"split {split!r} is unknown; expected one of {', '.join(SPLITS)}")


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        ValueError: it cannot be read as UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} must be a text file in UTF-8, but cannot be read: {error}; restore it") from error


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """An annotated photograph as (H, W, 3) uint8, upright.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is no picture, or damaged.
    """
    try:
        with Image.open(path) as image:
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except FileNotFoundError:
        raise FileNotFoundError(f"no photograph at {path}; add it, or remove its annotation and its name") from None
    except (OSError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path} must be a photograph, but cannot be read: {error}; restore it") from error


def read_ids(path: Path) -> NDArray[np.uint8]:
    """The ids (H, W) in an annotation file.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is no single-channel picture of ids from 0 to 255.
    """
    try:
        with Image.open(path) as picture:
            ids = np.asarray(picture)
    except FileNotFoundError:
        raise FileNotFoundError(f"no annotation at {path}; add it, or take its photograph off the list") from None
    except (OSError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path} must be a PNG file of ids, but cannot be read: {error}; restore it") from error
    if ids.ndim != 2 or ids.dtype.kind not in "iub" or ids.min(initial=0) < 0 or ids.max(initial=0) > IGNORE:
        raise ValueError(
            f"{path} must hold one id from 0 to 255 for each pixel, got {ids.dtype} of shape {ids.shape} from "
            f"{ids.min(initial=0)} to {ids.max(initial=0)}; write ids, not colours"
        )
    return ids.astype(np.uint8)


def unknown_maps(known: NDArray[np.bool_]) -> dict[str, NDArray[np.uint8]]:
    """Maps for all tasks that are background where `known` and ignored elsewhere."""
    label_map = np.where(known, 0, 255).astype(np.uint8)
    return {task: label_map for task in TASKS}
