"""COCO photographs with person instances and no clothes: people are ignored by every semantic loss.

Layout: `index.json`, `images/`, `person_instances/*.png` (0 background, 1..n person, 255 crowd).
Photographs whose numeric id % 5 == 0 validate, the rest train. Photographs without people are scenes.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from training.ccp import Item, read_characteristics
from training.samples import Sample, check_split, read_ids, read_rgb, unknown_maps


class COCOPeopleDataset:
    """Photographs with person instances.

    Raises:
        FileNotFoundError: `root` has another layout.
    """

    def __init__(self, root: Path) -> None:
        if not (root / "index.json").is_file():
            raise FileNotFoundError(
                f"{root} is not a COCO people folder: expected index.json, images/ and person_instances/"
            )
        self.root = root
        self.index = json.loads((root / "index.json").read_text())
        self.with_people = {Path(entry["file"]).stem for entry in self.index if entry["persons"]}
        labels = root / "characteristics.txt"
        self.labelled = read_characteristics(labels) if labels.is_file() else {}

    def files(self, split: str, *, people: bool) -> list[str]:
        """Stems of a split's photographs with, or without, people."""
        check_split(split)
        wanted = {"validation": (True,), "train": (False,), "calibration": ()}[split]
        return [
            Path(entry["file"]).stem
            for entry in self.index
            if (int(Path(entry["file"]).stem) % 5 == 0) in wanted and bool(entry["persons"]) == people
        ]

    def samples(self, split: str) -> Iterator[Sample]:
        """The split's photographs with people."""
        return (self.sample(stem) for stem in self.files(split, people=True))

    def scenes(self, split: str) -> Iterator[Sample]:
        """The split's photographs without people."""
        return (self.sample(stem) for stem in self.files(split, people=False))

    def items(self, stem: str) -> dict[int, Sequence[Item]]:
        """What each labelled person of a photograph wears, by the person's id."""
        prefix = f"{int(stem)}_"
        return {int(name.removeprefix(prefix)): worn for name, worn in self.labelled.items() if name.startswith(prefix)}

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
        if stem in self.with_people or instances.is_file():
            human = read_ids(instances)
        return Sample(stem, path, image, human, unknown_maps(human == 0))
