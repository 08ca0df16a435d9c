"""A small gallery of rendered scenes, and a parser that knows exactly who is in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from index.ingest import ingest
from index.person_index import PersonIndex
from parsing.records import ParsedImage, Person
from training.sample_gallery import GalleryConfig, gallery_scene
from training.synthetic import people_records, render


@dataclass(frozen=True)
class ExactParser:
    """Gives back the truth of rendered scenes, by file name."""

    truth: Mapping[str, tuple[Person, ...]]
    checkpoint_hash: str = "exact"

    def parse(self, images: Sequence[NDArray[np.uint8]], paths: Sequence[Path]) -> list[ParsedImage]:
        return [
            ParsedImage(path, *image.shape[:2], self.truth[path.name])
            for image, path in zip(images, paths, strict=True)
        ]


@dataclass(frozen=True)
class RenderedGallery:
    """Pictures in `folder`, ingested into the store at `home`."""

    folder: Path
    home: Path
    parser: ExactParser


def make_gallery(root: Path, *, count: int, long_side: int) -> RenderedGallery:
    """Render `count` scenes of the sample gallery and ingest them with their exact truth."""
    folder, home = root / "photographs", root / "home"
    folder.mkdir(parents=True)
    truth = {}
    for number in range(count):
        scene = render(gallery_scene(GalleryConfig(long_side=long_side), number))
        name = f"scene_{number:02d}.png"
        Image.fromarray(scene.image).save(folder / name)
        truth[name] = people_records(scene)
    gallery = RenderedGallery(folder, home, ExactParser(truth))
    with PersonIndex.open(home) as index:
        ingest([folder], gallery.parser, index, gallery="rendered")
    return gallery
