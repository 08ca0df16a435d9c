"""Plausible store: an index full of plausible people, rows of every table, written as fast as SQLite takes them.

There are no photographs and no thumbnails, only what a search reads: images with places, cameras and times, people with
masks, vectors, and a record for each thing that is visibly there. Rows lie in the order in which an ingestion writes
them, person by person, so that reading somebody touches as few pages as it would there.
"""

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from functools import cache
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.adding import gallery_row
from index.generations import grow
from index.person_index import PersonIndex
from index.plausible_blocks import CAMERAS, GALLERIES, Block, Images, Records, draw_block
from index.processes import drawn_beside
from index.tables import AttributeRow, Image, ImageFile, Parse, PersonRow, PersonVector, Table, utc_now
from parsing.labels import ATTRIBUTES, CHARACTERISTICS, CHARACTERIZED
from parsing.records import RunLengthMask

LOGGER = logging.getLogger(__name__)

Progress = Callable[[int], object]

CHECKPOINT = "plausible people"  # hash of what would have parsed them
HEIGHT, WIDTH = 480, 640
BLOCK = 20_000  # people drawn and written at a time


def fill(
    index: PersonIndex, people: int, *, seed: int = 0, progress: Callable[[int], object] = lambda done: None
) -> None:
    """Put plausible people into an empty SQLite index; `progress` is told of each block how many it had.

    Nothing is journaled: a store whose filling was stopped counts nobody, and is to be thrown away.

    Raises:
        ValueError: the index is not empty or not in SQLite.
    """
    if index.database.engine.dialect.name != "sqlite" or index.generations.live() is not None:
        raise ValueError(f"expected an empty SQLite index to fill, got {index.database.name}; choose another folder")
    generation_id = index.generations.of_checkpoint(CHECKPOINT).generation_id
    with index.database.write() as session:
        galleries = np.array([gallery_row(session, name) for name in GALLERIES])
    index.database.close()  # its connections would keep the journal
    with closing(_fast_connection(index)) as connection, _without_indexes(connection):
        images = _write_all(connection, _blocks(people, seed), generation_id, galleries, progress)
    with index.database.write() as session:
        grow(session, generation_id, images=images, people=people)


def _blocks(people: int, seed: int) -> Iterator[Block]:
    """Blocks of people, drawn by other processes if there are many."""
    sizes = [min(BLOCK, people - start) for start in range(0, people, BLOCK)]
    calls = list(zip(sizes, np.random.SeedSequence(seed).spawn(len(sizes)), strict=True))
    if len(calls) <= 2:
        return (draw_block(*call) for call in calls)
    return drawn_beside(draw_block, calls, workers=max(1, (os.cpu_count() or 1) - 1))


def _fast_connection(index: PersonIndex) -> sqlite3.Connection:
    """A connection that trusts its rows and does not wait for the disk: who fills a store anew can begin anew."""
    connection = sqlite3.connect(str(index.database.engine.url.database), isolation_level=None)
    pragmas = {"journal_mode": "OFF", "synchronous": "OFF", "foreign_keys": "OFF", "temp_store": "FILE"}
    for name, value in {**pragmas, "cache_size": -200_000, "threads": os.cpu_count() or 1}.items():
        connection.execute(f"PRAGMA {name} = {value}")
    return connection


@contextmanager
def _without_indexes(connection: sqlite3.Connection) -> Iterator[None]:
    """Indexes away meanwhile: to sort all rows once is faster than to find each one's place."""
    indexes = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql NOT NULL").fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    yield
    for name, statement in indexes:
        LOGGER.info("making the database's index %s", name)
        connection.execute(statement)


def _write_all(
    connection: sqlite3.Connection,
    blocks: Iterator[Block],
    generation_id: int,
    galleries: NDArray[np.int64],
    progress: Progress,
) -> int:
    """Write everybody, a transaction for each block; returns how many images there are."""
    first_image, first_person = 1, 1
    for block in blocks:
        connection.execute("BEGIN")
        _write_images(connection, block.images, first_image, generation_id, galleries)
        _write_people(connection, block, first_person, (block.image + first_image).tolist(), generation_id)
        _write_records(connection, block.records, first_person)
        connection.execute("COMMIT")
        first_image += len(block.images.people)
        first_person += len(block)
        progress(len(block))
    return first_image - 1


def _write_images(
    connection: sqlite3.Connection, images: Images, first: int, generation_id: int, galleries: NDArray[np.int64]
) -> None:
    ids, now = range(first, first + len(images.people)), _text(utc_now())
    content = {
        "id": ids,
        "content_hash": [f"{image_id:064x}" for image_id in ids],
        "height": HEIGHT,
        "width": WIDTH,
        "camera": [(*CAMERAS, None)[position] for position in images.camera.tolist()],
        "captured_at": [moment and _text(moment) for moment in images.captured_at.tolist()],
        "created_at": now,
    }
    _insert(connection, Image, content)
    file = {
        "image_id": ids,
        "gallery_id": galleries[images.gallery].tolist(),
        "path": [f"photographs/{image_id}.jpg" for image_id in ids],
        "location": [f"/photographs/{image_id}.jpg" for image_id in ids],
        "bytes": 0,
        "mtime": 0.0,
    }
    _insert(connection, ImageFile, file)
    parse = {"image_id": ids, "generation_id": generation_id, "people": images.people.tolist()}
    _insert(connection, Parse, {**parse, "has_thumbnails": True, "created_at": now})


def _write_people(
    connection: sqlite3.Connection, block: Block, first: int, image_ids: list[int], generation_id: int
) -> None:
    ids = range(first, first + len(block))
    person = {
        "id": ids,
        "generation_id": generation_id,
        "image_id": image_ids,
        "x0": 80.0,
        "y0": 20.0,
        "x1": 240.0,
        "y1": np.where(block.cut, HEIGHT, HEIGHT * 0.9).tolist(),
        "score": 0.9,
        "mask": _mask(0.9),
        "presence": _rows(block.presence),
    }
    _insert(connection, PersonRow, person)
    vectors = {"descriptor": _rows(block.descriptors), "appearance": _rows(block.appearances)}
    _insert(connection, PersonVector, {"person_id": ids, "generation_id": generation_id, **vectors})


def _write_records(connection: sqlite3.Connection, records: Records, first: int) -> None:
    characterized = np.isin(ATTRIBUTES, CHARACTERIZED)[records.attribute].tolist()
    stored = _rows(records.probabilities)
    record = {
        "person_id": (records.person + first).tolist(),
        "attribute": (records.attribute + 1).tolist(),
        **{task: records.winners[:, position].tolist() for position, task in enumerate(CHARACTERISTICS)},
        "score": records.score.tolist(),
        "area": 5000,
        "probabilities": [row if has else b"" for row, has in zip(stored, characterized, strict=True)],
        "mask": _mask(0.3),
    }
    _insert(connection, AttributeRow, record)


@cache
def _mask(scale: float) -> str:
    """Run lengths of an ellipse in the middle of an image."""
    y, x = np.ogrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    return RunLengthMask.encode(y**2 + (4 * x) ** 2 < scale**2).counts


def _insert(connection: sqlite3.Connection, table: type[Table], columns: dict[str, Any]) -> None:
    """Rows given column by column; what is one value is the same in every row."""
    lists = [values if isinstance(values, list | range) else repeat(values) for values in columns.values()]
    rows = zip(*lists, strict=False)
    marks = ", ".join("?" * len(columns))
    connection.executemany(f"INSERT INTO {table.__tablename__} ({', '.join(columns)}) VALUES ({marks})", rows)


def _rows(values: NDArray[Any]) -> list[bytes]:
    """The bytes of each row, (N, width)."""
    rows: list[bytes] = (
        np.ascontiguousarray(values).view(f"V{values[:1].nbytes}").ravel().tolist() if len(values) else []
    )
    return rows


def _text(moment: datetime) -> str:
    """A time as SQLAlchemy keeps it in SQLite."""
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")
