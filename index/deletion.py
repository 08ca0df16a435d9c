"""Deletion: rows, and the names of the files that must go with them (uploaded photographs too), in one transaction.

Files are removed after the commit, from a list kept in the database; what a crash leaves is removed when the
store is opened next.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from index.corrections import corrections_at, forget_corrections
from index.database import Database
from index.files import StoreFiles
from index.generations import rewrite
from index.partitions import drop_partition
from index.tables import (
    AuditLog,
    DoomedFile,
    Gallery,
    Generation,
    Image,
    ImageFile,
    IngestJob,
    Model,
    Parse,
    PersonRow,
    Quarantine,
    Store,
)

CHUNK = 500  # ids in one statement; SQLite takes at most 32,766

T = TypeVar("T")


def delete_images(session: Session, files: StoreFiles, image_ids: Sequence[int]) -> int:
    """Delete images with all that is known of them, in the caller's transaction; returns people deleted."""
    people = 0
    for ids in chunks(image_ids):
        rows = session.execute(select(PersonRow.id, PersonRow.image_id).where(PersonRow.image_id.in_(ids))).all()
        thumbnails = [files.thumbnails.person_path(row.image_id, row.id) for row in rows]
        _doom(session, files, [*thumbnails, *map(files.thumbnails.image_path, ids)])
        here = select(ImageFile.path, ImageFile.location).where(ImageFile.image_id.in_(ids))
        places = session.execute(here).all()
        _forget_paths(session, [path for place in places for path in place])
        _uncount(session, files, ids)
        session.execute(delete(Image).where(Image.id.in_(ids)))
        _doom_uploads(session, files, [place.location for place in places])
        people += len(rows)
    if image_ids:
        _log(session, "delete images", images=len(image_ids), people=people)
    return people


def delete_people(session: Session, files: StoreFiles, person_ids: Sequence[int]) -> int:
    """Delete people and their corrections but not their images, in the caller's transaction; returns how many."""
    found = 0
    for ids in chunks(person_ids):
        rows = session.execute(select(PersonRow.__table__).where(PersonRow.id.in_(ids))).all()
        _doom(session, files, [files.thumbnails.person_path(row.image_id, row.id) for row in rows])
        for row in rows:
            place = (Parse.image_id == row.image_id) & (Parse.generation_id == row.generation_id)
            session.execute(update(Parse).where(place).values(people=Parse.people - 1))
            forget_corrections(session, corrections_at(session, row.image_id, (row.x0, row.y0, row.x1, row.y1)))
        for generation_id, count in Counter(row.generation_id for row in rows).items():
            _shrink(session, files, generation_id, images=0, people=count)
        session.execute(delete(PersonRow).where(PersonRow.id.in_(ids)))
        found += len(rows)
    if found:
        _log(session, "delete people", people=found)
    return found


def delete_gallery(session: Session, files: StoreFiles, gallery_id: int) -> int:
    """Delete a gallery and the images that lie in no other, in the caller's transaction; returns people deleted."""
    here = ImageFile.gallery_id == gallery_id
    places = session.execute(select(ImageFile.image_id, ImageFile.path, ImageFile.location).where(here)).all()
    for chunk in chunks([path for place in places for path in (place.path, place.location)]):
        _forget_paths(session, chunk)
    name = select(Gallery.name).where(Gallery.id == gallery_id).scalar_subquery()
    quarantined = session.scalars(select(Quarantine.location).where(Quarantine.gallery == name)).all()
    session.execute(delete(Quarantine).where(Quarantine.gallery == name))
    session.execute(delete(IngestJob).where(IngestJob.gallery == name))
    session.execute(delete(Gallery).where(Gallery.id == gallery_id))  # its places go with it
    _doom_uploads(session, files, [*quarantined, *(place.location for place in places)])
    image_ids = list({place.image_id for place in places})
    make_stale(session, image_ids)
    return delete_images(session, files, without_place(session, image_ids))


def make_stale(session: Session, image_ids: Sequence[int], *, but: int | None = None) -> None:
    """Count a change of the generations in which images were parsed, of all `but` one."""
    parsed_in: set[int] = set()
    for ids in chunks(image_ids):
        parsed_in.update(session.scalars(select(Parse.generation_id).where(Parse.image_id.in_(ids)).distinct()))
    for generation_id in parsed_in - {but}:
        rewrite(session, generation_id)


def delete_generation(session: Session, files: StoreFiles, generation_id: int) -> int:
    """Delete a generation with its people but not their images, in the caller's transaction; returns people deleted."""
    statement = select(PersonRow.id, PersonRow.image_id).where(PersonRow.generation_id == generation_id)
    rows = session.execute(statement).all()
    for chunk in chunks(rows):
        _doom(session, files, [files.thumbnails.person_path(row.image_id, row.id) for row in chunk])
    _doom_derived(session, files, generation_id)
    drop_partition(session, generation_id)
    model_id = session.scalar(select(Generation.model_id).where(Generation.id == generation_id))
    session.execute(delete(Generation).where(Generation.id == generation_id))  # its rows go with it
    session.execute(delete(Model).where(Model.id == model_id))
    session.execute(
        update(Store).where(Store.previous_generation_id == generation_id).values(previous_generation_id=None)
    )
    _log(session, "discard generation", generation_id=generation_id, people=len(rows))
    return len(rows)


def without_place(session: Session, image_ids: Sequence[int]) -> list[int]:
    """Those of the images that lie nowhere any more."""
    placed: set[int] = set()
    for ids in chunks(image_ids):
        placed.update(session.scalars(select(ImageFile.image_id).where(ImageFile.image_id.in_(ids))))
    return [image_id for image_id in image_ids if image_id not in placed]


def sweep(database: Database, files: StoreFiles) -> None:
    """Remove the files of rows that are gone: after the commit, and when the store is opened."""
    with database.read() as session:
        paths = session.scalars(select(DoomedFile.path)).all()
    for path in paths:
        files.remove(path)
    for chunk in chunks(paths):
        with database.write() as session:
            session.execute(delete(DoomedFile).where(DoomedFile.path.in_(chunk)))
    if paths:
        database.truncate_log()


def chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """`items` in parts that fit into one statement."""
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


def _uncount(session: Session, files: StoreFiles, image_ids: Sequence[int]) -> None:
    """Take images and their people off the counts of every generation that has parsed them."""
    images: Counter[int] = Counter()
    people: Counter[int] = Counter()
    for parse in session.execute(select(Parse.generation_id, Parse.people).where(Parse.image_id.in_(image_ids))):
        images[parse.generation_id] += 1
        people[parse.generation_id] += parse.people
    for generation_id, count in images.items():
        _shrink(session, files, generation_id, images=count, people=people[generation_id])


def _shrink(session: Session, files: StoreFiles, generation_id: int, *, images: int, people: int) -> None:
    rewrite(session, generation_id, images=images, people=people)
    _doom_derived(session, files, generation_id)


def _doom_derived(session: Session, files: StoreFiles, generation_id: int) -> None:
    session.merge(DoomedFile(path=files.relative(files.derived_folder(generation_id))))
    session.flush()


def _doom(session: Session, files: StoreFiles, paths: Iterable[Path]) -> None:
    rows = [{"path": files.relative(path)} for path in paths]
    if rows:
        session.execute(insert(DoomedFile), rows)


def _doom_uploads(session: Session, files: StoreFiles, locations: Iterable[str]) -> None:
    """Doom those of the files that are uploads: copies of the store's own, unless a row is left that names them."""
    for paths in chunks(list(dict.fromkeys(files.uploaded(locations)))):
        names = {location: path for path in paths for location in files.locations(path)}
        held = {
            names[location]
            for column in (ImageFile.location, Quarantine.location)
            for location in session.scalars(select(column).where(column.in_(names)))
        }
        doomed = [path for path in paths if path not in held]
        session.execute(delete(DoomedFile).where(DoomedFile.path.in_([files.relative(path) for path in doomed])))
        _doom(session, files, doomed)


def _forget_paths(session: Session, paths: Sequence[str]) -> None:
    """Strike paths out of the quarantine and of the jobs that were given them one by one."""
    session.execute(delete(Quarantine).where(Quarantine.location.in_(paths)))
    gone = set(paths)
    for job in session.execute(select(IngestJob.id, IngestJob.paths, IngestJob.message)).all():
        kept = [path for path in job.paths if path not in gone]
        message = "" if any(path in job.message for path in gone) else job.message
        if len(kept) < len(job.paths) or message != job.message:
            session.execute(update(IngestJob).where(IngestJob.id == job.id).values(paths=kept, message=message))


def _log(session: Session, action: str, **details: Any) -> None:
    session.execute(insert(AuditLog), {"action": action, "details": details})
