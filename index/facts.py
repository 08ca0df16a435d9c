"""Facts: what the store knows of the images that people were seen in, as columns that a search can filter by."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from index.columns import NO_TIME, Facts
from index.person_index import PersonIndex
from index.tables import AttributeRow, Gallery, Image, ImageFile, Parse, PersonRow, PersonVector

_ROWS = 10_000  # read at a time


class IndexedPeople:
    """A `PersonIndex` as the column store reads it."""

    def __init__(self, index: PersonIndex) -> None:
        self.index = index

    def revision(self) -> tuple[int, int]:
        """Generation and revision that are live."""
        return self.index.revision()

    def derived_folder(self) -> Path:
        """Where files computed from the live generation belong."""
        return self.index.derived_folder()

    @contextmanager
    def snapshot(self) -> Iterator["IndexedPeople"]:
        """These people as they are now, whatever is committed meanwhile; for one thread."""
        with self.index.snapshot() as still:
            yield IndexedPeople(still)

    def person_ids(self) -> NDArray[np.int64]:
        """Everybody of the live generation, (N,), ascending."""
        return self.index.person_ids()

    def descriptor_blocks(self, person_ids: NDArray[np.int64], size: int) -> Iterator[NDArray[np.float16]]:
        """Descriptors of people, ids ascending, `size` rows at a time, (n, DIMENSIONS).

        Raises:
            LookupError: somebody has been deleted meanwhile.
        """
        for start in range(0, len(person_ids), size):
            with self.index.database.read() as session:
                yield _descriptors(session, person_ids[start : start + size])

    def facts(self, person_ids: NDArray[np.int64]) -> Facts:
        """Of the images that these people, ids ascending, were seen in.

        Raises:
            LookupError: somebody has been deleted meanwhile.
        """
        with self.index.database.read() as session:
            return read_facts(session, person_ids)

    def palettes(self, person_ids: NDArray[np.int64]) -> Iterator[tuple[int, int, bytes]]:
        """Person id, attribute id and packed palette of every garment of these people, ids ascending."""
        for start in range(0, len(person_ids), _ROWS):
            with self.index.database.read() as session:
                yield from _palettes(session, person_ids[start : start + _ROWS])


def _palettes(session: Session, person_ids: NDArray[np.int64]) -> Iterator[tuple[int, int, bytes]]:
    between = AttributeRow.person_id.between(int(person_ids[0]), int(person_ids[-1]))
    statement = select(AttributeRow.person_id, AttributeRow.attribute, AttributeRow.palette).where(
        between, AttributeRow.palette != b""
    )
    wanted = set(person_ids.tolist())  # between them may lie people of another generation
    for person_id, attribute_id, palette in session.execute(statement):
        if person_id in wanted:
            yield person_id, attribute_id, palette


def read_facts(session: Session, person_ids: NDArray[np.int64]) -> Facts:
    """What is known of the images of these people, in their order.

    Raises:
        LookupError: a person has been deleted meanwhile.
    """
    image_of, people_in = _images_of_people(session, person_ids)
    image_ids, captured, camera, names = _images(session)
    where = np.searchsorted(image_ids, image_of)
    galleries = {name: np.isin(image_of, ids) for name, ids in _galleries(session).items()}
    return Facts(image_of, captured[where], camera[where], names, people_in, galleries)


def _images_of_people(session: Session, person_ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Image ids of people, and how many people each shows."""
    statement = (
        select(PersonRow.id, PersonRow.image_id, Parse.people)
        .join(Parse, (Parse.image_id == PersonRow.image_id) & (Parse.generation_id == PersonRow.generation_id))
        .order_by(PersonRow.id)
    )
    if len(person_ids):
        statement = statement.where(PersonRow.id.between(int(person_ids[0]), int(person_ids[-1])))
    table = _table(session.execute(statement), 3)
    rows = np.searchsorted(table[:, 0], person_ids)
    if len(person_ids) and (rows.max() >= len(table) or (table[rows, 0] != person_ids).any()):
        raise LookupError("people were deleted while their images were read; read them again")
    return table[rows, 1], table[rows, 2].astype(np.int32)


def _images(
    session: Session,
) -> tuple[NDArray[np.int64], NDArray[np.datetime64], NDArray[np.int32], tuple[str, ...]]:
    """All images by id: ids, times captured, position of their camera, and the names of the cameras."""
    statement = select(Image.id, Image.captured_at, Image.camera).order_by(Image.id)
    ids, times, cameras = [np.zeros(0, np.int64)], [np.zeros(0, "datetime64[s]")], [np.zeros(0, np.int32)]
    seen: dict[str | None, int] = {None: -1}  # camera -> number, as they come
    for part in session.execute(statement).partitions(_ROWS):
        ids.append(np.array([row.id for row in part], np.int64))
        times.append(np.array([_time(row.captured_at) for row in part], "datetime64[s]"))
        cameras.append(np.array([seen.setdefault(row.camera, len(seen) - 1) for row in part], np.int32))
    names = tuple(sorted(name for name in seen if name is not None))
    numbers = np.full(len(seen), -1, np.int32)  # the last one is that of unknown cameras
    numbers[[seen[name] for name in names]] = np.arange(len(names))
    return np.concatenate(ids), np.concatenate(times), numbers[np.concatenate(cameras)], names


def _time(moment: datetime | None) -> np.datetime64:
    return NO_TIME if moment is None else np.datetime64(moment, "s")


def _galleries(session: Session) -> dict[str, NDArray[np.int64]]:
    """Image ids of every gallery."""
    found: dict[str, NDArray[np.int64]] = {}
    for gallery_id, name in session.execute(select(Gallery.id, Gallery.name).order_by(Gallery.name)).all():
        places = session.scalars(select(ImageFile.image_id).where(ImageFile.gallery_id == gallery_id))
        found[name] = np.fromiter(places, np.int64)
    return found


def _descriptors(session: Session, person_ids: NDArray[np.int64]) -> NDArray[np.float16]:
    """Descriptors of people, ids ascending, (n, DIMENSIONS)."""
    first, last = int(person_ids[0]), int(person_ids[-1])
    statement = (
        select(PersonVector.person_id, PersonVector.descriptor)
        .where(PersonVector.person_id.between(first, last))
        .order_by(PersonVector.person_id)
    )
    rows = session.execute(statement).all()
    found = np.fromiter((row.person_id for row in rows), np.int64, len(rows))
    places = np.searchsorted(found, person_ids)
    if places.max() >= len(found) or (found[places] != person_ids).any():
        raise LookupError("people were deleted while their descriptors were read; read them again")
    stored = np.frombuffer(b"".join(row.descriptor for row in rows), np.float16).reshape(len(rows), -1)
    return stored if len(stored) == len(person_ids) else stored[places]


def _table(rows: Iterable[Any], width: int) -> NDArray[np.int64]:
    values = np.fromiter((value for row in rows for value in row), np.int64)
    return values.reshape(-1, width)
