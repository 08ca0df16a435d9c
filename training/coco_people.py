"""COCO photographs with person instances and no clothes: people are ignored by every semantic loss.

Layout: `index.json`, `images/`, `person_instances/*.png` (0 background, 1..n person, 255 crowd).
Photographs whose numeric id % 5 == 0 validate, the rest train. Photographs without people are scenes.
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from training.ccp import Item, by_person, read_characteristics
from training.samples import Sample, check_split, read_ids, read_rgb, read_text, unknown_maps


def read_index(path: Path) -> dict[str, int]:
    """How many people are in each photograph, by its stem (`000000000030`).

    Raises:
        ValueError: it is no such list.
    """
    try:
        return {_stem(entry["file"]): int(entry["persons"]) for entry in json.loads(read_text(path))}
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise ValueError(
            f'{path} must be a list of {{"file": "000000000030.jpg", "persons": 2}}, but cannot be read as one '
            f"({type(error).__name__}: {error}); restore it"
        ) from error


def _stem(file: str) -> str:
    stem = Path(file).stem
    if not stem.isdecimal():
        raise ValueError(f"photograph {file!r} has no number for a name")
    return stem


class COCOPeopleDataset:
    """Photographs with person instances.

    Raises:
        FileNotFoundError: `root` has another layout.
        ValueError: a list in it cannot be read, or says something else.
    """

    def __init__(self, root: Path) -> None:
        if not (root / "index.json").is_file():
            raise FileNotFoundError(
                f"{root} is not a COCO people folder: expected index.json, images/ and person_instances/"
            )
        self.root = root
        self.people = read_index(root / "index.json")
        labels = root / "characteristics.txt"
        self.labelled = read_characteristics(labels) if labels.is_file() else {}
        if wrong := [name for name in self.labelled if not re.fullmatch(r"\d+_\d+", name)]:
            raise ValueError(f"{labels} names {wrong[0]!r}, expected photograph_person such as 1000_1; correct it")
        self.worn = by_person(self.labelled)

    def files(self, split: str, *, people: bool) -> list[str]:
        """Stems of a split's photographs with, or without, people."""
        check_split(split)
        wanted = {"validation": (True,), "train": (False,), "calibration": ()}[split]
        return [
            stem for stem, persons in self.people.items() if (int(stem) % 5 == 0) in wanted and (persons > 0) == people
        ]

    def samples(self, split: str) -> Iterator[Sample]:
        """The split's photographs with people."""
        return (self.sample(stem) for stem in self.files(split, people=True))

    def scenes(self, split: str) -> Iterator[Sample]:
        """The split's photographs without people."""
        return (self.sample(stem) for stem in self.files(split, people=False))

    def items(self, stem: str) -> dict[int, Sequence[Item]]:
        """What each labelled person of a photograph wears, by the person's id."""
        return self.worn.get(str(int(stem)), {})

    def sample(self, stem: str) -> Sample:
        """One photograph.

        Raises:
            FileNotFoundError: it, or the annotation of its people, is missing.
            ValueError: one of them cannot be read, or they differ in size.
        """
        path = self.root / "images" / f"{stem}.jpg"
        image = read_rgb(path)
        instances = self.root / "person_instances" / f"{stem}.png"
        human = np.zeros(image.shape[:2], np.uint8)
        if self.people.get(stem) or instances.is_file():
            human = read_ids(instances)
        return Sample(stem, path, image, human, unknown_maps(human == 0))
