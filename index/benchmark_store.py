"""Benchmark store: a store of plausible people that is made once, and how our own search answers on it."""

import json
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from index.benchmark_report import Report
from index.columns import open_current
from index.comparison import Line, milliseconds, percentiles
from index.engines import TOP, resident_bytes
from index.facts import IndexedPeople
from index.likeness import open_vectors, vector_of
from index.person_index import PersonIndex
from index.plausible_store import fill
from index.processes import in_own_process
from index.vectors import KINDS

DENSE = 1_000_000  # people up to whom FAISS indexes of looks and appearances are built
ASKED = 200  # people of whom others like them are looked for
BYTES_PER_PERSON = 5_000  # of disk, while a store is built

_MADE = "benchmark.json"  # in a store's folder: that all of it is there, and how long that took


def measure_store(people: int, home: Path, report: Report, *, rounds: int = 10) -> None:
    """Make a store of so many people, if there is none yet, and ask it sentences and likenesses."""
    seconds = made_seconds(home) or make_store(people, home)
    figures = in_own_process(_described, home, rounds)
    times = percentiles(figures.milliseconds)
    report.add(Line("ours: sentence to records", people, *times, None, figures.disk, figures.memory))
    report.add_store(
        {
            "people": people,
            **seconds,
            "open_seconds": round(figures.open_seconds, 2),
            "facets_p95": round(percentiles(figures.facet_milliseconds)[1], 1),
            "resident_gb": round(figures.memory / 1e9, 2),
            "of_that_mapped_files_gb": round(figures.shared / 1e9, 2),
        }
    )
    for kind in KINDS if people <= DENSE else ():
        with report.attempt(f"FAISS on the {kind} vectors of {people:,} people"):
            report.add(measure_likeness(home, kind))


def made_seconds(home: Path) -> dict[str, float] | None:
    """How long the store at `home` took to make; None if there is none, or only a part of one."""
    if not (home / _MADE).exists():
        return None
    seconds: dict[str, float] = json.loads((home / _MADE).read_text(encoding="utf-8"))
    return seconds


def make_store(people: int, home: Path) -> dict[str, float]:
    """Fill a store anew and build its columns; how many seconds each took."""
    shutil.rmtree(home, ignore_errors=True)
    start = time.perf_counter()
    with PersonIndex.open(home) as index:
        with progress(people, f"filling a store of {people:,}") as bar:
            fill(index, people, progress=bar.update)
        filled = time.perf_counter()
        with progress(people, f"columns of {people:,}") as bar:
            open_current(_Watched(index, bar))
    seconds = {
        "fill_seconds": round(filled - start, 1),
        "columns_seconds": round(time.perf_counter() - filled, 1),
    }
    (home / _MADE).write_text(json.dumps(seconds), encoding="utf-8")
    return seconds


@contextmanager
def progress(total: int, what: str, unit: str = "people") -> Iterator["tqdm[Any]"]:
    """A bar with the time that is left; in a log, where bars do not move, a line of it now and then."""
    seldom = 0.2 if sys.stderr.isatty() else 20.0
    with tqdm(total=total, unit=unit, desc=what, mininterval=seldom, unit_scale=total > 1000) as bar:
        yield bar


class _Watched(IndexedPeople):
    """People of whom a bar shows how many have been read."""

    def __init__(self, index: PersonIndex, bar: "tqdm[Any]") -> None:
        super().__init__(index)
        self.bar = bar

    @contextmanager
    def snapshot(self) -> Iterator["_Watched"]:
        with self.index.snapshot() as still:
            yield _Watched(still, self.bar)

    def descriptor_blocks(self, person_ids: NDArray[np.int64], size: int) -> Iterator[NDArray[np.float16]]:
        for block in super().descriptor_blocks(person_ids, size):
            yield block
            self.bar.update(len(block))


def _described(home: Path, rounds: int) -> Any:
    from query.described import measure_store as measure

    return measure(home, rounds=rounds)


def measure_likeness(home: Path, kind: str) -> Line:
    """FAISS on dense vectors: the index that fits the number of people, and its recall as it was measured."""
    in_own_process(_build_vectors, home, kind)  # whose memory is not that of a search
    return in_own_process(_likeness, home, kind)


def _build_vectors(home: Path, kind: str) -> None:
    with PersonIndex.open(home) as index:
        open_vectors(index, kind)


def _likeness(home: Path, kind: str) -> Line:
    before = resident_bytes()[0]
    with PersonIndex.open(home) as index:
        vectors = open_vectors(index, kind)
        queries = [vector_of(index, kind, one) for one in range(1, min(ASKED, vectors.file.count) + 1)]
        times = [milliseconds(partial(vectors.search, query, TOP)) for query in queries]
        disk = (index.derived_folder() / vectors.file.name).stat().st_size
    name = f"ours: {'dressed' if kind == 'look' else 'more'} like this, {vectors.name}"
    return Line(name, vectors.file.count, *percentiles(times), vectors.file.recall, disk, resident_bytes()[0] - before)
