"""Ten readers and a writer: the readers meet no error, and none waits for the writer; nor do ten that search one home.

Time alone would not tell a reader that waits from one that a busy machine has put aside, so the readers' connections
are told to give up after 100 ms of waiting for a lock: then a wait is an error, whatever the machine does.
"""

import multiprocessing
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event

from index.database import FILE_NAME
from index.ingest import IngestConfig, ingest
from index.likeness import Likeness
from index.person_index import PersonIndex
from query.search import Searcher
from query.tree import parse_query
from tests.index_samples import SampleParser, new_image, photograph

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.test_index_readers", "tests.index_crashes"])

READERS = 10
LOCK_MILLISECONDS = 100
BASELINE_SECONDS = 3.0
PHOTOGRAPHS = 30
INGESTED = 10  # while everybody searches


@dataclass(frozen=True)
class Reading:
    """What a reader met: its errors, and the seconds of every round of reads."""

    errors: list[str]
    seconds: list[float]


def make_impatient(index: PersonIndex) -> None:
    """Make every wait for a lock an error after `LOCK_MILLISECONDS`."""
    is_sqlite = index.database.engine.dialect.name == "sqlite"
    statement = f"PRAGMA busy_timeout = {LOCK_MILLISECONDS}" if is_sqlite else f"SET lock_timeout = {LOCK_MILLISECONDS}"

    def connect(connection: Any, _: Any) -> None:
        connection.cursor().execute(statement).close()
        with suppress(AttributeError):
            connection.commit()

    event.listen(index.database.engine, "connect", connect)
    index.database.engine.dispose()  # those that are open know nothing of it


def read(home: Path, url: str, stop: Event, pipe: Connection) -> None:
    """Read what searches are made of until told to stop."""
    errors, seconds = [], []
    with PersonIndex.open(home, database=url, read_only=True) as index:
        make_impatient(index)
        pipe.send("ready")
        while not stop.is_set():
            started = time.monotonic()
            try:
                newest = index.person_ids()[-5:]
                assert [one.person_id for one in index.people(newest)] == newest.tolist()
                ids, descriptors = index.descriptors()
                assert len(ids) == len(descriptors) >= 40
                assert index.status().people >= 40
                seconds.append(time.monotonic() - started)
            except Exception as error:
                errors.append(f"{type(error).__name__}: {error}")
    pipe.send(Reading(errors, seconds))


@pytest.mark.slow
def test_readers_meet_no_error_and_wait_for_no_writer(
    tmp_path: Path, database_url: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    home, photographs = tmp_path / "writer", tmp_path / "photographs"
    url = database_url or f"sqlite:///{home / FILE_NAME}"
    for number in range(PHOTOGRAPHS):
        photograph(photographs / f"{number}.png", shade=number)
    home.mkdir()
    with PersonIndex.open(home, database=url) as index:
        index.add([new_image(f"{n}.jpg", "Red") for n in range(50)], gallery="g", checkpoint_hash="checkpoint 1")
        places = [(tmp_path / f"reader {number}", url) for number in range(READERS)]
        quiet, alone = while_reading(read, places, lambda: time.sleep(BASELINE_SECONDS))
        busy, writing = while_reading(read, places, lambda: write(index, photographs))
        assert index.status().images == 50 + PHOTOGRAPHS - 10
    assert [error for reading in [*quiet, *busy] for error in reading.errors] == []
    assert all(reading.seconds for reading in busy)
    with capsys.disabled():
        print(f"\nreads alone {summary(quiet)}; beside a writer {summary(busy)} ({writing:.1f} s, alone {alone:.1f} s)")


def write(index: PersonIndex, photographs: Path) -> None:
    """Thirty commits of ingestion, and ten deletions."""
    ingest([photographs], SampleParser(), index, config=IngestConfig(shard_images=1, batch_size=1))
    for image_id in range(1, 11):
        index.delete_images([image_id])


def while_reading(target: Any, places: Sequence[tuple[Path, str]], act: Any) -> tuple[list[Any], float]:
    """What readers, each with a home and a database, say at the end of what is done, and how long that takes."""
    stop = CONTEXT.Event()
    pipes, processes = [], []
    for home, url in places:
        ours, theirs = CONTEXT.Pipe()
        pipes.append(ours)
        processes.append(CONTEXT.Process(target=target, args=(home, url, stop, theirs), daemon=True))
        processes[-1].start()
    assert [pipe.recv() for pipe in pipes] == ["ready"] * len(places)
    started = time.monotonic()
    act()
    seconds = time.monotonic() - started
    stop.set()
    told = [pipe.recv() for pipe in pipes]
    for process in processes:
        process.join()
    return told, seconds


def summary(readings: list[Reading]) -> str:
    p50, p99 = np.percentile([1000 * one for reading in readings for one in reading.seconds], [50, 99])
    return f"p50 {p50:.0f} ms, p99 {p99:.0f} ms of {sum(len(reading.seconds) for reading in readings)}"


@dataclass(frozen=True)
class Searching(Reading):
    """What a searcher met, and how many it found at last: by color, alike, and dressed alike."""

    found: tuple[int, int, int]


def search(home: Path, url: str, stop: Event, pipe: Connection) -> None:
    """Search in all ways until told to stop, and then once more."""
    errors, seconds = [], []
    with PersonIndex.open(home, database=url, read_only=True) as index:
        make_impatient(index)
        searcher, likeness = Searcher(index), Likeness(index)
        pipe.send("ready")
        found, is_last = (0, 0, 0), False
        while not is_last:
            is_last = stop.is_set()
            started = time.monotonic()
            try:
                searcher.search(parse_query("coat:#a03020"))
                total = searcher.search(parse_query("coat:red"), mode="recall").total
                found = (total, len(likeness.more_like(1, 100)), len(likeness.dressed_like(1, 100)))
                assert min(found) >= 9
                seconds.append(time.monotonic() - started)
            except Exception as error:
                errors.append(f"{type(error).__name__}: {error}")
    pipe.send(Searching(errors, seconds, found))


@pytest.mark.slow
def test_searches_in_one_home_meet_no_error_while_another_process_ingests(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, photographs = tmp_path / "home", tmp_path / "photographs"
    for number in range(INGESTED):
        photograph(photographs / f"{number}.png", shade=number)
    with PersonIndex.open(home) as index:
        index.add([new_image(f"{n}.jpg", "Red") for n in range(10)], gallery="g", checkpoint_hash="checkpoint 1")
        places = [(home, f"sqlite:///{home / FILE_NAME}")] * READERS
        searched, seconds = while_reading(search, places, lambda: ingest_and_delete(index, photographs))
        files = [(path.name.partition("-")[0], path.suffix) for path in index.derived_folder().iterdir()]
    assert [error for searching in searched for error in searching.errors] == []
    assert {searching.found for searching in searched} == {(9 + INGESTED, 8 + INGESTED, 8 + INGESTED)}
    assert sorted(files) == sorted(set(files))  # those of earlier revisions are gone
    with capsys.disabled():
        print(f"\nsearches beside a writer {summary(searched)} ({seconds:.1f} s)")


def ingest_and_delete(index: PersonIndex, photographs: Path) -> None:
    """Commits of one photograph each, and a deletion, which removes all search files."""
    ingest([photographs], SampleParser(), index, config=IngestConfig(shard_images=1, batch_size=1))
    index.delete_images([10])
