"""Small real records, photographs and parsers that the tests of `index/` share."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from index.adding import NewImage
from parsing.labels import COLORS, LABELS
from parsing.records import CharacterizedAttribute, ParsedImage, Person, RunLengthMask

HEIGHT, WIDTH = 64, 48


def one_hot(task: str, label: str) -> tuple[float, ...]:
    return tuple(float(other == label) for other in LABELS[task])


def person(color: str = "Red", *, left: int = 8, height: int = HEIGHT, width: int = WIDTH) -> Person:
    """A person in a long solid coat of one color, as a rectangle at `left`."""
    whole = np.zeros((height, width), bool)
    whole[4 : height - 4, left : left + 16] = True
    coat, face = whole.copy(), whole.copy()
    coat[:16], face[16:] = False, False
    winners = {"size": "Long/large", "pattern": "Solid", "color": color}
    looks = {task: one_hot(task, label) for task, label in winners.items()}
    appearance = np.zeros(8, np.float32)
    appearance[COLORS.index(color) % 8] = 1.0
    return Person(
        box_xyxy=(float(left), 4.0, left + 16.0, height - 4.0),
        score=0.75,
        mask=RunLengthMask.encode(whole),
        attributes=(
            CharacterizedAttribute("Coat", 0.875, int(coat.sum()), looks, RunLengthMask.encode(coat)),
            CharacterizedAttribute("Face", 0.5, int(face.sum()), {}, RunLengthMask.encode(face)),
        ),
        presence={"Coat": 0.9375, "Face": 0.5, "Hat": 0.0625},
        appearance=appearance,
    )


def bare(one: Person) -> Person:
    """A person of whom nothing but the face is seen."""
    return replace(one, attributes=one.attributes[1:], presence={"Face": 0.9})


def parsed(path: str, *colors: str) -> ParsedImage:
    people = tuple(person(color, left=16 * position) for position, color in enumerate(colors))
    return ParsedImage(Path(path), HEIGHT, WIDTH, people)


def new_image(path: str, *colors: str) -> NewImage:
    """An image with one person for each color; its content hash is made of its path."""
    return NewImage(parsed(path, *colors), content_hash=f"hash of {path}")


def photograph(path: Path, *, shade: int = 0, height: int = HEIGHT, width: int = WIDTH) -> Path:
    """A picture file whose content depends on `shade`."""
    pixels = np.random.default_rng(shade).integers(0, 255, (height, width, 3), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


class SampleParser:
    """Sees one person in red in every image; `before_parse` is called with the paths of every batch."""

    def __init__(self, checkpoint_hash: str = "checkpoint 1") -> None:
        self.checkpoint_hash = checkpoint_hash
        self.seen: list[Path] = []
        self.before_parse: Callable[[Sequence[Path]], None] = lambda paths: None

    def parse(self, images: Sequence[NDArray[np.uint8]], paths: Sequence[Path]) -> list[ParsedImage]:
        self.before_parse(paths)
        self.seen += paths
        return [self._one(image, path) for image, path in zip(images, paths, strict=True)]

    def _one(self, image: NDArray[np.uint8], path: Path) -> ParsedImage:
        height, width, _ = image.shape
        return ParsedImage(path, height, width, (person(height=height, width=width),))
