"""Comparison: other engines beside our own, on the same plausible people and the same questions.

Recall says how many of the 50 best people an engine finds, judged by the exact scores: a person counts who is at most
0.1 % less probable than the last of them. Each engine runs in a process of its own, so that its memory is seen.
"""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.descriptor import CHARACTERIZED_GROUPS
from index.engine_postgres import Pgvector
from index.engines import (
    BLOCK,
    THRESHOLD,
    TOP,
    Columns,
    Data,
    Faiss,
    LogColumns,
    PackedBits,
    Question,
    SQLAlone,
    resident_bytes,
)
from index.plausible_blocks import CAMERAS
from index.plausible_people import Crowd, draw_crowd
from index.processes import in_own_process
from parsing.labels import CHARACTERISTICS, LABELS

QUESTIONS = 40
TIE = 1e-3  # of a logarithm: less probable by a thousandth

ENGINES: Mapping[str, Callable[[Data], Any]] = {
    "ours: uint16 columns": Columns,
    "float16 log columns": partial(LogColumns, dtype=np.float16),
    "int8 log columns": partial(LogColumns, dtype=np.int8),
    "packed bits (hard)": PackedBits,
    "SQL alone (SQLite)": SQLAlone,
    "FAISS Flat, IDSelector": partial(Faiss, kind="Flat"),
    "FAISS SQ8, IDSelector": partial(Faiss, kind="SQ8"),
    "FAISS IVF, post-filter": partial(Faiss, kind="IVF"),
    "FAISS HNSW, post-filter": partial(Faiss, kind="HNSW"),
    "pgvector exact": partial(Pgvector, approximate=False),
    "pgvector HNSW, iterative": partial(Pgvector, approximate=True),
}


@dataclass(frozen=True)
class Line:
    """A line of the table. Times in milliseconds, `disk` and `memory` in bytes; `recall` is None where all is found."""

    engine: str
    people: int
    p50: float
    p95: float
    recall: float | None
    disk: int
    memory: int

    @property
    def name(self) -> str:
        """The engine without what differs from size to size."""
        return self.engine.split(",")[0]


@contextmanager
def comparison(people: int, folder: Path, *, seed: int = 0) -> Iterator[Callable[[str], Line]]:
    """What measures an engine, by name, in a new process; all of them get the same people and questions."""
    descriptors, camera, questions = draw_comparison(people, np.random.default_rng(seed))
    np.save(folder / "descriptors.npy", descriptors)
    np.save(folder / "camera.npy", camera)
    del descriptors

    def measure(name: str) -> Line:
        with own_folder(folder / "engine") as place:
            return in_own_process(measure_engine, name, folder, place, questions)

    yield measure


def draw_comparison(
    people: int, rng: np.random.Generator
) -> tuple[NDArray[np.float16], NDArray[np.int32], list[Question]]:
    """Descriptors (N, DIMENSIONS), cameras (N,) and questions with the scores that an exact search reaches."""
    crowds = [draw_crowd(min(BLOCK, people - start), rng) for start in range(0, people, BLOCK)]
    descriptors = np.concatenate([crowd.descriptors() for crowd in crowds])
    camera = rng.integers(0, len(CAMERAS), people, np.int32)
    questions: list[Question] = []
    while len(questions) < QUESTIONS:
        filtered = len(questions) % 2 == 1
        question = _judged(_draw_question(crowds[0], rng, filtered=filtered), descriptors, camera)
        if question.wanted:
            questions.append(question)
    return descriptors, camera, questions


def _draw_question(crowd: Crowd, rng: np.random.Generator, *, filtered: bool) -> Question:
    """One to four things that somebody wears, each with one or two of its labels."""
    person = int(rng.integers(len(crowd)))
    worn = [group for group in CHARACTERIZED_GROUPS if crowd.seen(group)[person]]
    chosen = rng.permutation(worn)[: rng.integers(1, 5)].tolist()
    clauses = []
    for group in chosen:
        tasks = rng.permutation(CHARACTERISTICS)[: rng.integers(1, 3)].tolist()
        looks = dict(zip(CHARACTERISTICS, crowd.looks[group], strict=True))
        clauses.append((group, {task: LABELS[task][int(looks[task][person].argmax())] for task in tasks}))
    return Question(tuple(clauses), CAMERAS[rng.integers(len(CAMERAS))] if filtered else None)


def _judged(question: Question, descriptors: NDArray[np.float16], camera: NDArray[np.int32]) -> Question:
    """The question with what there is to be found, by the scores of everybody."""
    scores = exact_scores(question, descriptors)
    if question.camera is not None:
        scores = scores[camera == CAMERAS.index(question.camera)]
    best = np.sort(scores)[::-1][:TOP]
    wanted = int(np.count_nonzero(best >= len(question.clauses) * np.log(THRESHOLD) + 2 * TIE))
    return replace(question, wanted=wanted, last=float(best[wanted - 1]) if wanted else 0.0)


def exact_scores(question: Question, descriptors: NDArray[np.float16]) -> NDArray[np.float64]:
    """The sum of the logarithms of everybody, (N,)."""
    scores: NDArray[np.float64] = descriptors[:, question.dimensions].astype(np.float64).sum(axis=1)
    return scores


def measure_engine(name: str, data_folder: Path, folder: Path, questions: Sequence[Question]) -> Line:
    """Build one engine and ask it everything, three times after a first round that does not count."""
    before = resident_bytes()[0]
    data = _read_data(data_folder, folder)
    engine = ENGINES[name](data)
    found = [engine.search(question) for question in questions]
    times = [milliseconds(partial(engine.search, question)) for _ in range(3) for question in questions]
    recall = float(np.mean([recall_of(*pair, data) for pair in zip(questions, found, strict=True)]))
    memory = engine.memory() if isinstance(engine, Pgvector) else resident_bytes()[0] - before
    if isinstance(engine, Pgvector):
        engine.connection.execute("CHECKPOINT")
    line = Line(name, len(data), *percentiles(times), recall, folder_bytes(folder), memory)
    if isinstance(engine, Pgvector):
        engine.close()
    return line


def _read_data(data_folder: Path, folder: Path) -> Data:
    descriptors = np.load(data_folder / "descriptors.npy", mmap_mode="r")
    return Data(folder, descriptors, np.load(data_folder / "camera.npy"))


def recall_of(question: Question, found: NDArray[np.intp], data: Data) -> float:
    """Which share of the people wanted were found; whoever is filtered out or stands there twice is not."""
    rows = np.unique(found[: question.wanted])
    if question.camera is not None:
        rows = rows[data.camera[rows] == CAMERAS.index(question.camera)]
    good = exact_scores(question, data.descriptors[rows]) >= question.last - TIE
    return int(np.count_nonzero(good)) / question.wanted


def milliseconds(call: Callable[[], object]) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start)


def percentiles(values: Sequence[float]) -> tuple[float, float]:
    """The 50th and the 95th."""
    p50, p95 = np.percentile(values, [50, 95])
    return float(p50), float(p95)


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@contextmanager
def own_folder(folder: Path) -> Iterator[Path]:
    """A folder that is gone afterwards."""
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
