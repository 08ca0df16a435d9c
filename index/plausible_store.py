"""Plausible store: an index full of plausible people, rows of every table, written as fast as SQLite takes them.

There are no photographs and no thumbnails, only what a search reads: images with places, cameras and times, people with
masks, vectors, and a record for each thing that is visibly there.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.adding import gallery_row
from index.generations import touch
from index.person_index import PersonIndex
from index.plausible_people import Crowd, draw_crowd
from index.tables import AttributeRow, Image, ImageFile, Parse, PersonRow, PersonVector, Table, utc_now
from parsing.labels import ATTRIBUTES, CHARACTERISTICS, group_of
from parsing.records import RunLengthMask

Progress = Callable[[int], object]

GALLERIES = ("station", "market", "stadium")
CAMERAS = tuple(f"camera {number}" for number in range(1, 13))
HEIGHT, WIDTH = 480, 640
APPEARANCE = 128  # numbers of an appearance vector
STYLES = 200  # clusters of appearance vectors
BLOCK = 20_000  # people drawn and written at a time
_DAYS = 730
_FIRST_DAY = np.datetime64("2024-01-01T00:00:00", "s")


@dataclass(frozen=True)
class _Images:
    """Images that a block of people is seen in: ids, and for each person the position of the image."""

    ids: NDArray[np.int64]
    of_person: NDArray[np.intp]


def fill(
    index: PersonIndex, people: int, *, seed: int = 0, progress: Callable[[int], object] = lambda done: None
) -> None:
    """Put plausible people into an empty SQLite index; `progress` is told of each block how many it had.

    Raises:
        ValueError: the index is not empty or not in SQLite.
    """
    if index.database.engine.dialect.name != "sqlite" or index.generations.live() is not None:
        raise ValueError(f"expected an empty SQLite index to fill, got {index.database.name}; choose another folder")
    generation_id = index.generations.of_checkpoint("plausible people").generation_id
    with index.database.write() as session:
        galleries = np.array([gallery_row(session, name) for name in GALLERIES])
    with closing(_fast_connection(index)) as connection, _without_indexes(connection):
        images = _write_all(connection, people, generation_id, galleries, np.random.default_rng(seed), progress)
    with index.database.write() as session:
        touch(session, generation_id, images=images, people=people)


def _fast_connection(index: PersonIndex) -> sqlite3.Connection:
    """A connection that trusts its rows and does not wait for the disk: who fills a store anew can begin anew."""
    connection = sqlite3.connect(str(index.database.engine.url.database), isolation_level=None)
    for pragma in ("synchronous = OFF", "foreign_keys = OFF", "cache_size = -200000", "temp_store = FILE"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


@contextmanager
def _without_indexes(connection: sqlite3.Connection) -> Iterator[None]:
    """Indexes away meanwhile: to sort all rows once is faster than to find each one's place."""
    indexes = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql NOT NULL").fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    yield
    for _, statement in indexes:
        connection.execute(statement)


def _write_all(
    connection: sqlite3.Connection,
    people: int,
    generation_id: int,
    galleries: NDArray[np.int64],
    rng: np.random.Generator,
    progress: Progress,
) -> int:
    """Write everybody, a transaction for each block; returns how many images there are."""
    first_image = 1
    for start in range(0, people, BLOCK):
        crowd = draw_crowd(min(BLOCK, people - start), rng)
        images = _draw_images(len(crowd), first_image, rng)
        connection.execute("BEGIN")
        _write_images(connection, images, generation_id, galleries, rng)
        _write_people(connection, crowd, np.arange(start, start + len(crowd)) + 1, images, generation_id, rng)
        connection.execute("COMMIT")
        first_image += len(images.ids)
        progress(len(crowd))
    return first_image - 1


@cache
def _mask(scale: float) -> str:
    """Run lengths of an ellipse in the middle of an image."""
    y, x = np.ogrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    return RunLengthMask.encode(y**2 + (4 * x) ** 2 < scale**2).counts


def _draw_images(people: int, first: int, rng: np.random.Generator) -> _Images:
    """Two people to an image on average, at most eight."""
    sizes = np.minimum(rng.geometric(0.5, people), 8)
    of_person = np.repeat(np.arange(people), sizes)[:people]
    return _Images(np.arange(first, first + of_person[-1] + 1), of_person)


def _write_images(
    connection: sqlite3.Connection,
    images: _Images,
    generation_id: int,
    galleries: NDArray[np.int64],
    rng: np.random.Generator,
) -> None:
    ids, count, now = images.ids.tolist(), len(images.ids), _text(utc_now())
    moments = _FIRST_DAY + rng.integers(0, _DAYS * 86_400, count).astype("timedelta64[s]")
    times = [
        None if lost else _text(moment) for lost, moment in zip(rng.random(count) < 0.1, moments.tolist(), strict=True)
    ]
    cameras = [(*CAMERAS, None)[position] for position in rng.integers(0, len(CAMERAS) + 1, count)]
    hashes = [f"{image_id:064x}" for image_id in ids]
    _insert(
        connection,
        Image,
        {
            "id": ids,
            "content_hash": hashes,
            "height": HEIGHT,
            "width": WIDTH,
            "camera": cameras,
            "captured_at": times,
            "created_at": now,
        },
    )
    paths = [f"photographs/{image_id}.jpg" for image_id in ids]
    places = galleries[rng.integers(0, len(galleries), count)].tolist()
    locations = [f"/{path}" for path in paths]
    _insert(
        connection,
        ImageFile,
        {"image_id": ids, "gallery_id": places, "path": paths, "location": locations, "bytes": 0, "mtime": 0.0},
    )
    people = np.bincount(images.of_person).tolist()
    _insert(
        connection,
        Parse,
        {"image_id": ids, "generation_id": generation_id, "people": people, "has_thumbnails": True, "created_at": now},
    )


def _write_people(
    connection: sqlite3.Connection,
    crowd: Crowd,
    person_ids: NDArray[np.int64],
    images: _Images,
    generation_id: int,
    rng: np.random.Generator,
) -> None:
    owners = {"generation_id": generation_id}
    bottom = np.where(crowd.cut, HEIGHT, HEIGHT * 0.9)
    presence = np.stack([crowd.found[group_of(attribute)] for attribute in ATTRIBUTES], axis=1).astype(np.float32)
    boxes = {"x0": 80.0, "y0": 20.0, "x1": 240.0, "y1": bottom.tolist(), "score": 0.9, "mask": _mask(0.9)}
    image_ids = images.ids[images.of_person].tolist()
    ids = person_ids.tolist()
    _insert(connection, PersonRow, {"id": ids, **owners, "image_id": image_ids, **boxes, "presence": _rows(presence)})
    vectors = {"descriptor": _rows(crowd.descriptors()), "appearance": _rows(_appearances(len(crowd), rng))}
    _insert(connection, PersonVector, {"person_id": ids, **owners, **vectors})
    for position, attribute in enumerate(ATTRIBUTES, start=1):
        _write_attribute(connection, crowd, person_ids, position, group_of(attribute))


def _write_attribute(
    connection: sqlite3.Connection, crowd: Crowd, person_ids: NDArray[np.int64], label_id: int, group: str
) -> None:
    seen = np.flatnonzero(crowd.seen(group))
    looks = [look[seen] for look in crowd.looks.get(group, ())]
    winners = {task: (look.argmax(axis=1) + 1).tolist() for task, look in zip(CHARACTERISTICS, looks, strict=False)}
    _insert(
        connection,
        AttributeRow,
        {
            "person_id": person_ids[seen].tolist(),
            "attribute": label_id,
            **(winners or dict.fromkeys(CHARACTERISTICS, 0)),
            "score": crowd.found[group][seen].tolist(),
            "area": 5000,
            "probabilities": _rows(np.concatenate(looks, axis=1).astype(np.float32)) if looks else b"",
            "mask": _mask(0.3),
        },
    )


def _appearances(count: int, rng: np.random.Generator) -> NDArray[np.float16]:
    """Unit vectors around the centres of a few styles, as embeddings of clothes lie."""
    centres = np.random.default_rng(0).standard_normal((STYLES, APPEARANCE), np.float32)
    vectors = centres[rng.integers(0, STYLES, count)] + rng.standard_normal((count, APPEARANCE), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float16)


def _insert(connection: sqlite3.Connection, table: type[Table], columns: dict[str, Any]) -> None:
    """Rows given column by column; what is no list is the same in every row."""
    lists = [values if isinstance(values, list) else repeat(values) for values in columns.values()]
    rows = list(zip(*lists, strict=False))
    marks = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {table.__tablename__} ({', '.join(columns)}) VALUES ({marks})"
    if rows:
        connection.executemany(statement, rows)


def _rows(values: NDArray[Any]) -> list[bytes]:
    """The bytes of each row."""
    stored, width = values.tobytes(), values[0].nbytes if len(values) else 0
    return [stored[start : start + width] for start in range(0, len(stored), width or 1)]


def _text(moment: datetime) -> str:
    """A time as SQLAlchemy keeps it in SQLite."""
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")
