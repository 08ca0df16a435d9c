"""Facts: what the store knows of the images that people were seen in, as columns that a search can filter by."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from index.columns import Facts
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

    def rewritten(self) -> tuple[int, int]:
        """The revision since which people have only been added."""
        return self.index.rewritten()

    def derived_folder(self) -> Path:
        """Where files computed from the live generation belong."""
        return self.index.derived_folder()

    @contextmanager
    def snapshot(self) -> Iterator["IndexedPeople"]:
        """These people as they are now, whatever is committed meanwhile; for one thread."""
        with self.index.snapshot() as still:
            yield IndexedPeople(still)

    def person_ids(self, *, above: int = 0) -> NDArray[np.int64]:
        """Everybody of the live generation whose id is greater than `above`, (N,), ascending."""
        return self.index.person_ids(above=above)

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
    record = AttributeRow.__table__.c
    here = record.person_id.between(*_ends(person_ids)) & (record.palette != b"")
    statement = select(record.person_id, record.attribute, record.palette).where(here)
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
    wanted = (int(image_of.min()), int(image_of.max())) if len(image_of) else (0, 0)
    image_ids, captured, camera, names = _images(session, wanted)
    where = np.searchsorted(image_ids, image_of)
    galleries = {name: np.isin(image_of, ids) for name, ids in _galleries(session, wanted).items()}
    return Facts(image_of, captured[where], camera[where], names, people_in, galleries)


def _images_of_people(session: Session, person_ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Image ids of people, and how many people each shows."""
    person, parse = PersonRow.__table__.c, Parse.__table__.c
    statement = (
        select(person.id, person.image_id, parse.people)
        .join(Parse.__table__, (parse.image_id == person.image_id) & (parse.generation_id == person.generation_id))
        .where(person.id.between(*_ends(person_ids)))
        .order_by(person.id)
    )
    table = _table(session, statement, 3)
    rows = np.searchsorted(table[:, 0], person_ids)
    if len(person_ids) and (rows.max() >= len(table) or (table[rows, 0] != person_ids).any()):
        raise LookupError("people were deleted while their images were read; read them again")
    return table[rows, 1], table[rows, 2].astype(np.int32)


def _images(
    session: Session, wanted: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.datetime64], NDArray[np.int32], tuple[str, ...]]:
    """Images from an id to another, by id: ids, times captured, position of their camera, and the cameras' names."""
    image = Image.__table__.c
    statement = select(image.id, image.captured_at, image.camera).where(image.id.between(*wanted)).order_by(image.id)
    ids, times, cameras = [np.zeros(0, np.int64)], [np.zeros(0, "datetime64[s]")], [np.zeros(0, np.int32)]
    seen: dict[str | None, int] = {None: -1}  # camera -> number, as they come
    for part in _parts(session, statement):
        id_column, time_column, camera_column = zip(*part, strict=True)
        ids.append(np.array(id_column, np.int64))
        times.append(np.array(time_column, "datetime64[s]"))  # None becomes NaT
        cameras.append(np.array([seen.setdefault(name, len(seen) - 1) for name in camera_column], np.int32))
    names = tuple(sorted(name for name in seen if name is not None))
    numbers = np.full(len(seen), -1, np.int32)  # the last one is that of unknown cameras
    numbers[[seen[name] for name in names]] = np.arange(len(names))
    return np.concatenate(ids), np.concatenate(times), numbers[np.concatenate(cameras)], names


def _galleries(session: Session, wanted: tuple[int, int]) -> dict[str, NDArray[np.int64]]:
    """Ids of every gallery's images from an id to another."""
    file = ImageFile.__table__.c
    found: dict[str, NDArray[np.int64]] = {}
    for gallery_id, name in session.execute(select(Gallery.id, Gallery.name).order_by(Gallery.name)).all():
        here = (file.gallery_id == gallery_id) & file.image_id.between(*wanted)
        found[name] = _table(session, select(file.image_id).where(here), 1)[:, 0]
    return found


def _descriptors(session: Session, person_ids: NDArray[np.int64]) -> NDArray[np.float16]:
    """Descriptors of people, ids ascending, (n, DIMENSIONS)."""
    vector = PersonVector.__table__.c
    between = vector.person_id.between(*_ends(person_ids))
    rows = session.execute(select(vector.person_id, vector.descriptor).where(between).order_by(vector.person_id)).all()
    found = np.fromiter((person_id for person_id, _ in rows), np.int64, len(rows))
    places = np.searchsorted(found, person_ids)
    if places.max() >= len(found) or (found[places] != person_ids).any():
        raise LookupError("people were deleted while their descriptors were read; read them again")
    stored = np.frombuffer(b"".join([descriptor for _, descriptor in rows]), np.float16).reshape(len(rows), -1)
    return stored if len(stored) == len(person_ids) else stored[places]


def _ends(person_ids: NDArray[np.int64]) -> tuple[int, int]:
    """The first and the last; of nobody, two that lie between nobody."""
    return (int(person_ids[0]), int(person_ids[-1])) if len(person_ids) else (0, 0)


def _parts(session: Session, statement: Select[Any]) -> Iterator[Sequence[Any]]:
    """Rows a part at a time, never all of them in memory."""
    return session.execute(statement.execution_options(yield_per=_ROWS)).partitions()


def _table(session: Session, statement: Select[Any], width: int) -> NDArray[np.int64]:
    """Rows of integers, (N, width)."""
    parts = [np.fromiter(chain.from_iterable(part), np.int64, len(part) * width) for part in _parts(session, statement)]
    return np.concatenate([np.zeros(0, np.int64), *parts]).reshape(-1, width)
