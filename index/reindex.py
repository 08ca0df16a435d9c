"""Reindexing: everything derived made again from the rows and the photographs, or all people parsed anew."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from index.columns import build_columns
from index.facts import IndexedPeople
from index.ingest import ImageParser, IngestConfig, IngestReport, ingest
from index.likeness import rebuild_vectors
from index.person_index import PersonIndex
from index.restore import missing, restore_thumbnails
from index.tables import Gallery, ImageFile
from index.vectors import KINDS


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
    """
    return [
        ingest(paths, parser, index, gallery=gallery, config=config, show_progress=show_progress)
        for gallery, paths in _places(index).items()
    ]


def _places(index: PersonIndex) -> dict[str, list[Path]]:
    """Where the photographs of every gallery lie, as far as they still do."""
    statement = select(Gallery.name, ImageFile.location).join(Gallery, Gallery.id == ImageFile.gallery_id)
    places: dict[str, list[Path]] = {}
    with index.database.read() as session:
        for name, location in session.execute(statement.order_by(ImageFile.id)):
            if Path(location).is_file():
                places.setdefault(name, []).append(Path(location))
    return places
