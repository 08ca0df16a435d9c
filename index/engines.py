"""Engines: other ways to find the people who fit a description best, to be measured beside our own (`index.benchmark`).

All of them get the same people and the same questions. A question names labels of a few attribute groups; a person's
score is the sum of the logarithms of their probabilities, an inner product of the descriptor with ones and zeros. Half
of the questions let only images of one camera through.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import faiss
import numpy as np
from numpy.typing import NDArray

from index.columns import ColumnStore, Facts, open_columns, pack, write_columns
from index.descriptor import DIMENSIONS, column, winners
from index.plausible_blocks import CAMERAS

TOP = 50
OVERSAMPLE = 10  # people whom an engine that filters afterwards is asked for, per one wanted
BLOCK = 1 << 14
THRESHOLD = 0.25  # mean probability of a clause from which somebody is worth finding: that of a balanced search

Rows = NDArray[np.intp]
Clause = tuple[str, Mapping[str, str]]  # attribute group, task -> label


@dataclass(frozen=True)
class Question:
    """What is asked, and how good the last of the people is whom an exact search finds.

    Args:
        clauses: attribute groups with the labels asked of them.
        camera: the only one whose images count; None for all.
        wanted: how many are to be found: `TOP`, or fewer if fewer are worth finding.
        last: score of the last of them.
    """

    clauses: tuple[Clause, ...]
    camera: str | None
    wanted: int = 0
    last: float = 0.0

    @property
    def dimensions(self) -> list[int]:
        """Dimensions of the descriptor that are summed."""
        seen = [column(group, "attribute", "seen") for group, _ in self.clauses]
        return seen + [column(group, task, label) for group, labels in self.clauses for task, label in labels.items()]


@dataclass(frozen=True)
class Data:
    """The people of a comparison, in a folder where engines may write.

    Args:
        folder: their own.
        descriptors: (N, DIMENSIONS) float16.
        camera: (N,) position in CAMERAS.
    """

    folder: Path
    descriptors: NDArray[np.float16]
    camera: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.camera)

    def vector(self, question: Question) -> NDArray[np.float32]:
        """The question as weights, (1, DIMENSIONS)."""
        weights = np.zeros((1, DIMENSIONS), np.float32)
        weights[0, question.dimensions] = 1
        return weights


class Engine(Protocol):
    """One way to search. Engines are made of `Data`, and leave what they store in its folder."""

    def search(self, question: Question) -> Rows:
        """Rows of the best people, at most `TOP`, none that the question filters out."""


class Columns:
    """What every search of ours does: factors over memory-mapped columns of uint16 probabilities."""

    def __init__(self, data: Data) -> None:
        count = len(data)
        nowhere = np.full(count, "NaT", "datetime64[s]")
        facts = Facts(np.arange(count), nowhere, data.camera, CAMERAS, np.ones(count, np.int32), {})
        write_columns(data.folder / "columns.bin", "1", np.arange(count), data.descriptors, facts)
        self.store: ColumnStore = open_columns(data.folder / "columns.bin")

    def search(self, question: Question) -> Rows:
        """As `query.search`, which this package may not import before it is asked to measure it."""
        from query.question import best_of

        return best_of(question, self.store, threshold=THRESHOLD, count=TOP)


class LogColumns:
    """Memory-mapped columns of logarithms, added up: `float16`, or `int8` with a step of 1/18."""

    def __init__(self, data: Data, dtype: type[np.number[Any]]) -> None:
        path = data.folder / "columns.npy"
        self.camera = data.camera
        self.sums = np.int16 if dtype is np.int8 else np.float32
        columns = np.lib.format.open_memmap(path, "w+", dtype, (DIMENSIONS, len(data)))
        for start in range(0, len(data), BLOCK):
            block = data.descriptors[start : start + BLOCK].T.astype(np.float32)
            columns[:, start : start + BLOCK] = np.rint(block * 18) if dtype is np.int8 else block
        columns.flush()
        self.columns = np.load(path, mmap_mode="r")

    def search(self, question: Question) -> Rows:
        """Adds the columns that the question names."""
        scores = self.columns[question.dimensions[0]].astype(self.sums)
        for dimension in question.dimensions[1:]:
            scores += self.columns[dimension]
        allowed = _allowed(question, self.camera)
        rows = np.arange(len(scores)) if allowed is None else allowed
        best = rows[np.argpartition(-scores[rows], min(TOP, len(rows)) - 1)[:TOP]]
        ranked: Rows = best[np.argsort(-scores[best], kind="stable")]
        return ranked


class Faiss:
    """A FAISS index of descriptors: `Flat`, `SQ8`, `IVF` or `HNSW`.

    The first two filter by IDSelector while they scan. The others look for `OVERSAMPLE` times as many and filter
    afterwards, as is often done.
    """

    def __init__(self, data: Data, kind: str) -> None:
        self.data = data
        self.filters_first = kind in ("Flat", "SQ8")
        self.index = _empty_faiss(kind, len(data))
        if not self.index.is_trained:
            sample = np.sort(np.random.default_rng(0).permutation(len(data))[: 64 * int(np.sqrt(len(data)))])
            self.index.train(data.descriptors[sample].astype(np.float32))
        for start in range(0, len(data), BLOCK):
            self.index.add(data.descriptors[start : start + BLOCK].astype(np.float32))
        faiss.write_index(self.index, str(data.folder / "index.faiss"))

    def search(self, question: Question) -> Rows:
        """The greatest inner products."""
        allowed = _allowed(question, self.data.camera)
        if allowed is None or not self.filters_first:
            count = TOP if allowed is None else TOP * OVERSAMPLE
            found: Rows = self.index.search(self.data.vector(question), min(count, len(self.data)))[1][0]
            return found[(found >= 0) if allowed is None else np.isin(found, allowed)][:TOP]
        selector = faiss.SearchParameters(sel=faiss.IDSelectorBatch(allowed))  # type: ignore[call-arg]
        found = self.index.search(self.data.vector(question), TOP, params=selector)[1][0]
        return found[found >= 0]


class PackedBits:
    """Hard filters: winning labels as packed bits, and-ed. Counts are exact, but nobody is better than another."""

    def __init__(self, data: Data) -> None:
        self.bits = np.zeros((DIMENSIONS, -(-len(data) // 64) * 8), np.uint8)
        for start in range(0, len(data), BLOCK):
            packed = np.packbits(winners(data.descriptors[start : start + BLOCK]).T, axis=-1)
            self.bits[:, start // 8 : start // 8 + packed.shape[1]] = packed
        self.cameras = {name: pack(data.camera == position) for position, name in enumerate(CAMERAS)}
        np.save(data.folder / "bits.npy", self.bits)

    def search(self, question: Question) -> Rows:
        """The first of those whose winning labels are all that is asked."""
        chosen = np.bitwise_and.reduce(self.bits[question.dimensions].view(np.uint64))
        if question.camera is not None:
            chosen = chosen & self.cameras[question.camera].view(np.uint64)
        return np.flatnonzero(np.unpackbits(chosen.view(np.uint8)))[:TOP]


class SQLAlone:
    """A wide SQLite table, a column for each dimension; the database sorts."""

    def __init__(self, data: Data) -> None:
        self.connection = sqlite3.connect(data.folder / "wide.sqlite")
        names = [f"d{dimension}" for dimension in range(DIMENSIONS)]
        self.connection.execute(f"CREATE TABLE person (id INTEGER PRIMARY KEY, camera, {', '.join(names)})")
        statement = f"INSERT INTO person VALUES ({', '.join('?' * (DIMENSIONS + 2))})"
        for start in range(0, len(data), BLOCK):
            block = data.descriptors[start : start + BLOCK].tolist()
            rows = zip(
                range(start, start + len(block)), data.camera[start : start + BLOCK].tolist(), block, strict=True
            )
            self.connection.executemany(statement, ([row, camera, *values] for row, camera, values in rows))
        self.connection.commit()

    def search(self, question: Question) -> Rows:
        """ORDER BY the sum."""
        score = " + ".join(f"d{dimension}" for dimension in question.dimensions)
        camera = "" if question.camera is None else f"WHERE camera = {CAMERAS.index(question.camera)}"
        statement = f"SELECT id FROM person {camera} ORDER BY {score} DESC LIMIT {TOP}"
        with closing(self.connection.execute(statement)) as found:
            return np.array([row for (row,) in found], np.intp)


def _empty_faiss(kind: str, count: int) -> Any:
    if kind == "Flat":
        return faiss.IndexFlatIP(DIMENSIONS)
    if kind == "SQ8":
        return faiss.IndexScalarQuantizer(DIMENSIONS, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
    if kind == "HNSW":
        index: Any = faiss.IndexHNSWFlat(DIMENSIONS, 32, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction, index.hnsw.efSearch = 80, 512
        return index
    lists = max(1, int(np.sqrt(count)))
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(DIMENSIONS), DIMENSIONS, lists, faiss.METRIC_INNER_PRODUCT)
    index.nprobe = max(1, lists // 8)
    return index


def _allowed(question: Question, camera: NDArray[np.int32]) -> Rows | None:
    return None if question.camera is None else np.flatnonzero(camera == CAMERAS.index(question.camera))


def resident_bytes(process: str = "self") -> tuple[int, int]:
    """What a process has in memory, and how much of it are pages of files, in bytes."""
    text = Path(f"/proc/{process}/status").read_text()
    values = dict(line.split(":", 1) for line in text.splitlines())
    total, files = (int(values[name].split()[0]) * 1024 for name in ("VmRSS", "RssFile"))
    return total, files
