"""Reindexing: everything derived made again from the rows and the photographs, or all people parsed anew."""

import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from index.columns import build_columns
from index.database import StoreError
from index.facts import IndexedPeople
from index.generations import live_generation_id
from index.ingest import ImageParser, IngestConfig, IngestReport, ingest
from index.likeness import rebuild_vectors
from index.person_index import PersonIndex
from index.restore import missing, restore_thumbnails
from index.tables import Gallery, Generation, ImageFile, Model, Parse
from index.vectors import KINDS

SHOWN = 5  # lost photographs in one message


@dataclass(frozen=True)
class ReindexReport:
    """What was rebuilt: people in the search files, images whose thumbnails were missing, photographs not readable."""

    people: int
    thumbnails: int
    lost: tuple[Path, ...]


def reindex(index: PersonIndex) -> ReindexReport:
    """Rebuild the search files of the live generation, and the thumbnails that are missing."""
    build_columns(IndexedPeople(index))
    vectors = [rebuild_vectors(index, kind) for kind in KINDS]
    generation_id, _ = index.revision()
    lacking = missing(index, generation_id)
    lost = restore_thumbnails(index, generation_id, lacking)
    return ReindexReport(max(one.file.count for one in vectors), len(lacking) - len(lost), tuple(lost))


def reparse(
    parser: ImageParser, index: PersonIndex, *, config: IngestConfig | None = None, show_progress: bool = False
) -> list[IngestReport]:
    """Parse every photograph of the store with another checkpoint, gallery by gallery, into its own generation.

    The live generation is searched meanwhile; `index.generations.make_live` switches when this is done.

    Raises:
        StoreError: photographs are gone, so that it could never be switched.
    """
    if lost := _lost(index, parser.checkpoint_hash):
        listed = ", ".join(lost[:SHOWN]) + (", …" if len(lost) > SHOWN else "")
        raise StoreError(
            f"expected all photographs to parse them anew, but {len(lost)} cannot be found: {listed}; "
            "put them back, or forget each with python -m app delete --image PATH"
        )
    return [
        ingest(paths, parser, index, gallery=gallery, config=config, show_progress=show_progress)
        for gallery, paths in _places(index).items()
    ]


def _lost(index: PersonIndex, checkpoint_hash: str) -> list[str]:
    """Where images of the live generation lay first that lie nowhere any more and are still to be parsed."""
    parsed = select(Parse.image_id).join(Generation, Generation.id == Parse.generation_id)
    parsed = parsed.join(Model, Model.id == Generation.model_id).where(Model.checkpoint_hash == checkpoint_hash)
    statement = select(ImageFile.image_id, ImageFile.location).join(Parse, Parse.image_id == ImageFile.image_id)
    places: dict[int, list[str]] = {}
    with index.database.read() as session:
        here = (Parse.generation_id == live_generation_id(session)) & ImageFile.image_id.not_in(parsed)
        for image_id, location in session.execute(statement.where(here).order_by(ImageFile.id)):
            places.setdefault(image_id, []).append(location)
    return [locations[0] for locations in places.values() if not any(map(os.path.isfile, locations))]


def _places(index: PersonIndex) -> dict[str, list[Path]]:
    """Where the photographs of every gallery lie, as far as they still do."""
    statement = select(Gallery.name, ImageFile.location).join(Gallery, Gallery.id == ImageFile.gallery_id)
    places: dict[str, list[Path]] = {}
    with index.database.read() as session:
        for name, location in session.execute(statement.order_by(ImageFile.id)):
            if Path(location).is_file():
                places.setdefault(name, []).append(Path(location))
    return places
