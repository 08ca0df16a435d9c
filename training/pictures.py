"""Classified pictures: folders or zip files with one folder of pictures for each class, in batches."""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import IO
from zipfile import BadZipFile, ZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from torch import Tensor
from torch.utils.data import Dataset

from parsing.preprocess import normalize

SUFFIXES = (".jpeg", ".jpg", ".png", ".webp", ".bmp")
HELD_OUT = ("val", "test")  # names of what is not trained on begin so
_HIDDEN = re.compile(r"(^|/)(\.[^./]|__MACOSX/)")  # "._x.jpg" and "__MACOSX/" are what macOS adds
RESIZED = 1.14  # pictures are tested by the middle of what is this much larger


class PictureError(ValueError):
    """A picture cannot be read; the message names it.

    A process that reads ahead has its traceback put before the message, of which the last line is kept.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message.strip().rpartition("PictureError: ")[2])


@dataclass(frozen=True)
class Picture:
    """A picture in a folder, or in a zip file, and the name of its class."""

    source: Path
    name: str
    label: str

    def read(self) -> Image.Image:
        """The picture, RGB.

        Raises:
            PictureError: it is none, or damaged.
        """
        try:
            with self._open() as file, Image.open(file) as image:
                return image.convert("RGB")
        except (OSError, BadZipFile, zlib.error, SyntaxError, ValueError) as error:
            reason = type(error).__name__ if isinstance(error, UnidentifiedImageError) else error
            raise PictureError(
                f"{self.source / self.name} must be a picture, but cannot be read ({reason}); restore or remove it"
            ) from error

    def _open(self) -> IO[bytes]:
        if self.source.suffix == ".zip":
            return open_zip(self.source).open(self.name)
        return (self.source / self.name).open("rb")


@lru_cache(maxsize=64)
def open_zip(path: Path) -> ZipFile:
    """A zip file, opened once in each process."""
    return ZipFile(path)


def find_pictures(root: Path) -> tuple[list[Picture], list[Picture]]:
    """The pictures to train on and those held out, in a fixed order.

    Args:
        root: a zip file or a folder of `class/picture` files; or a folder of such zip files or folders, of which those
            named val or test are held out.

    Raises:
        FileNotFoundError: there are no pictures, or they are not in folders by class.
        ValueError: a zip file is damaged.
    """
    parts = [root] if root.suffix == ".zip" else sorted(root.glob("*.zip")) or split_folders(root)
    named = [(part, name, folders_of(name)) for part in parts for name in pictures_in(part)]
    depth = class_depth([folders for *_, folders in named])
    trained, held_out = list[Picture](), list[Picture]()
    for part, name, folders in named:
        if len(folders) > depth:
            tested = part.name.startswith(HELD_OUT) and len(parts) > 1
            (held_out if tested else trained).append(Picture(part, name, folders[depth]))
    if not trained:
        raise FileNotFoundError(
            f"no classified pictures in {root}; expected CLASS/PICTURE.jpg files in it, or zip files of such"
        )
    return trained, held_out


def split_folders(root: Path) -> list[Path]:
    """The train and val folders in `root`, or `root` itself if it holds the classes."""
    splits = [root / name for name in ("train", *HELD_OUT) if (root / name).is_dir()]
    return splits if root / "train" in splits else [root]


def pictures_in(part: Path) -> list[str]:
    """The names of the pictures in one folder or zip file, without what is hidden."""
    if part.suffix == ".zip":
        try:
            names = open_zip(part).namelist()
        except (BadZipFile, OSError) as error:
            raise ValueError(f"{part} cannot be read ({error}); expected a zip file of CLASS/PICTURE.jpg") from error
    else:
        names = [path.relative_to(part).as_posix() for path in part.glob("*/**/*")]
    return [name for name in sorted(names) if name.lower().endswith(SUFFIXES) and not _HIDDEN.search(name)]


def folders_of(name: str) -> tuple[str, ...]:
    """The folders that a picture lies in, outermost first."""
    return tuple(folder for folder in PurePosixPath(name).parts[:-1] if folder != "/")


def class_depth(pictures: Sequence[tuple[str, ...]]) -> int:
    """Which of a picture's folders names its class: the first; the second if all lie in one, which holds several."""
    inside = {folders[1] for folders in pictures if len(folders) > 1}
    return int(len({folders[0] for folders in pictures if folders}) == 1 and len(inside) > 1)


class ClassifiedBatches(Dataset[tuple[Tensor, Tensor]]):
    """Step -> images (B, 3, side, side) and label ids (B,), reproducible by seed and step; each epoch shuffles anew.

    Training pictures are random parts, mirrored or not. Their colours stay.
    """

    def __init__(
        self,
        pictures: Sequence[Picture],
        classes: Sequence[str],
        *,
        batch: int,
        side: int,
        seed: int,
        first: int,
        last: int,
    ) -> None:
        self.pictures, self.batch, self.side, self.seed = pictures, min(batch, len(pictures)), side, seed
        self.ids = {label: number for number, label in enumerate(classes)}
        self.first, self.last = first, last

    def __len__(self) -> int:
        return self.last - self.first

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        if index >= len(self):
            raise IndexError(f"step {index} is past the last of {len(self)}")
        step = self.first + index
        epoch, place = divmod(step, len(self.pictures) // self.batch)
        order = np.random.default_rng((self.seed, epoch)).permutation(len(self.pictures))
        chosen = [self.pictures[i] for i in order[place * self.batch : (place + 1) * self.batch]]
        rng = np.random.default_rng((self.seed, epoch, place))
        return stack([random_part(p.read(), self.side, rng) for p in chosen], [self.ids[p.label] for p in chosen])


def stack(images: Sequence[NDArray[np.uint8]], labels: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Pictures of one size and their label ids as tensors."""
    return torch.from_numpy(np.stack([normalize(image) for image in images])), torch.tensor(labels)


def random_part(picture: Image.Image, side: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A part of 35 to 100 % of the area and of up to 4:3, (side, side, 3), mirrored every other time."""
    area = picture.width * picture.height * rng.uniform(0.35, 1.0)
    aspect = np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3)))
    width, height = min(np.sqrt(area * aspect), picture.width), min(np.sqrt(area / aspect), picture.height)
    left, top = rng.uniform(0, picture.width - width), rng.uniform(0, picture.height - height)
    box = (float(left), float(top), float(left + width), float(top + height))
    part = np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR, box=box, reducing_gap=2.0))
    return np.ascontiguousarray(part[:, ::-1]) if rng.random() < 0.5 else part


def middle(picture: Image.Image, side: int) -> NDArray[np.uint8]:
    """The middle of a picture, (side, side, 3); the whole of one that is no larger."""
    edge = float(min(picture.width, picture.height))
    edge = edge / RESIZED if edge > side else edge
    left, top = (picture.width - edge) / 2, (picture.height - edge) / 2
    box = (left, top, left + edge, top + edge)
    return np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR, box=box, reducing_gap=2.0))
