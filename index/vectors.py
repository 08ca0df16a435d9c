"""Vectors: FAISS indexes over the live generation, for people who look alike and for people dressed alike.

Derived from SQL. Each index is two files, `KIND-REVISION.faiss` and `KIND-REVISION.json`, which names the first and
holds its count and checksum; it is renamed last, so a crash leaves the old pair or the new one. What is missing or
damaged is rebuilt, and a warning says so.
"""

import errno
import hashlib
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from index.descriptor import CHARACTERIZED_GROUPS, PROBABILITIES, bits_of, slot
from index.files import write_whole
from index.person_index import IdArray

LOGGER = logging.getLogger(__name__)

KINDS = ("look", "appearance")
FLAT_LIMIT = 200_000  # people up to whom an exact scan is fast enough
TRAINING_POINTS = 50  # per list of an IVF index
RECALL_WANTED = 0.98
RECALL_QUERIES = 64
NEIGHBOURS = 10
_MOST_ON_GPU = 2048  # neighbours that a GPU index can give
BLOCK = 1 << 16  # vectors converted at a time

Vectors = NDArray[np.float32]
Transform = Callable[[NDArray[np.floating[Any]]], Vectors]


class VectorFileError(Exception):
    """An index on disk cannot be used; the message says why."""


@dataclass(frozen=True)
class Neighbour:
    """A person and the cosine similarity to what was asked for."""

    person_id: int
    similarity: float


@dataclass(frozen=True)
class VectorFile:
    """What `KIND-REVISION.json` says of the index beside it.

    `recall` is measured at 10 neighbours; 1 for an exact index.
    """

    name: str
    revision: tuple[int, int]
    count: int
    dimensions: int
    recall: float
    sha256: str = ""


class VectorIndex:
    """Unit vectors of people, searched by cosine similarity: exact if made of at most `FLAT_LIMIT` people, else IVF.

    Where there is a GPU and faiss-gpu, a copy of the index there answers what needs no filter, which FAISS has on the
    CPU only. `saved` people are in its file; whoever has been added since is in memory alone.
    """

    def __init__(self, engine: Any, file: VectorFile) -> None:
        self.engine = engine
        self.file = file
        self.saved = file.count
        self._gpu_engine = _copy_on_gpu(engine)
        self._lock = threading.Lock()  # FAISS may not search what grows

    @property
    def name(self) -> str:
        """What kind of index it is: `Flat`, or `IVF4000 probing 64`."""
        lists = _lists(self.engine)
        return f"IVF{lists.nlist} probing {lists.nprobe}" if lists else "Flat"

    @property
    def last_id(self) -> int:
        """The greatest id of its people, 0 of nobody."""
        return int(faiss.vector_to_array(self.engine.id_map).max(initial=0))

    def extend(self, person_ids: IdArray, vectors: Vectors, revision: tuple[int, int]) -> None:
        """Take in the unit vectors, (n, E), of people who have been added by `revision`."""
        with self._lock:
            if len(person_ids):
                self.engine.add_with_ids(vectors, person_ids)
            self.file = replace(self.file, revision=revision, count=self.file.count + len(person_ids))
            self._gpu_engine = _copy_on_gpu(self.engine)

    def search(self, vector: Vectors, limit: int, *, among: IdArray | None = None) -> list[Neighbour]:
        """The nearest people to a vector, (E,), nearest first; `among` leaves only these ids, and is then exact."""
        if not self.file.count or limit < 1:
            return []
        if vector.shape != (self.file.dimensions,):
            raise ValueError(f"vector must have shape ({self.file.dimensions},), got {vector.shape}")
        with self._lock:
            similarities, ids = self._search(unit(vector[None]), min(limit, self.file.count), among)
        found = zip(ids[0].tolist(), similarities[0].tolist(), strict=True)
        return [Neighbour(person_id, similarity) for person_id, similarity in found if person_id >= 0]  # -1 pads

    def _search(self, queries: Vectors, limit: int, among: IdArray | None) -> Any:
        if among is None and self._gpu_engine is not None:
            return self._gpu_engine.search(queries, min(limit, _MOST_ON_GPU))
        found = self.engine.search(queries, limit, params=self._parameters(among))
        lists = _lists(self.engine)
        if among is not None or lists is None or (found[1] >= 0).all():
            return found
        every_list = faiss.SearchParametersIVF(nprobe=lists.nlist)  # type: ignore[call-arg]
        return self.engine.search(queries, limit, params=every_list)  # those probed hold too few

    def _parameters(self, among: IdArray | None) -> Any:
        if among is None:
            return None
        selector = faiss.IDSelectorBatch(np.ascontiguousarray(among, np.int64))
        if lists := _lists(self.engine):
            return faiss.SearchParametersIVF(sel=selector, nprobe=lists.nlist)  # type: ignore[call-arg]
        return faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]


def look(descriptors: NDArray[np.floating[Any]]) -> Vectors:
    """What people wear as unit vectors, (N, DIMENSIONS): probabilities, those of a garment times P(garment seen)."""
    probabilities = PROBABILITIES[bits_of(descriptors)]
    for group in CHARACTERIZED_GROUPS:
        place = slot(group)
        probabilities[:, place.start + 2 : place.stop] *= probabilities[:, place.start, None]
    return unit(probabilities)


def unit(vectors: NDArray[np.floating[Any]]) -> Vectors:
    """Vectors, (N, E), scaled to length 1; zero stays zero."""
    lengths = np.linalg.norm(vectors.astype(np.float32), axis=1, keepdims=True)
    scaled: Vectors = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return scaled


def build_vectors(
    person_ids: IdArray,
    stored: NDArray[np.floating[Any]],
    transform: Transform = unit,
    *,
    revision: tuple[int, int] = (0, 0),
    kind: str = "appearance",
) -> VectorIndex:
    """An index of people by their vectors, in memory.

    Args:
        person_ids: (N,) int64, each once.
        stored: (N, E), one row per person.
        transform: what makes unit vectors of rows.
        revision: generation and revision of the rows.
        kind: begins the file's name.

    Raises:
        ValueError: an id twice, or not one vector for each id.
    """
    _check(person_ids, stored)
    sample = np.random.default_rng(0).permutation(len(person_ids))
    engine = faiss.IndexIDMap2(_empty_engine(stored, transform, sample))
    queries, nearest = transform(stored[sample[:RECALL_QUERIES]]), []
    for start in range(0, len(person_ids), BLOCK):
        rows = slice(start, start + BLOCK)
        vectors = transform(stored[rows])
        engine.add_with_ids(vectors, person_ids[rows])
        if _lists(engine):
            nearest.append(_nearest(queries, vectors, person_ids[rows]))
    recall = _tune(engine, queries, nearest) if _lists(engine) else 1.0
    name = f"{_stem(kind, revision)}.faiss"
    return VectorIndex(engine, VectorFile(name, revision, len(person_ids), stored.shape[1], recall))


def save_vectors(vectors: VectorIndex, folder: Path) -> VectorIndex:
    """Write an index so that a crash at any moment leaves it whole or not at all; returns it with its checksum.

    Raises:
        VectorFileError: another process removed the file or its folder meanwhile.
    """
    path = folder / vectors.file.name
    with _removal_told(path):
        write_whole(path, lambda temporary: write_engine(vectors.engine, temporary))
        file = VectorFile(**{**asdict(vectors.file), "sha256": _checksum(path)})
        text = json.dumps(asdict(file), indent=1)
        write_whole(path.with_suffix(".json"), lambda temporary: _write_text(temporary, text))
    return VectorIndex(vectors.engine, file)


def write_engine(engine: Any, path: Path) -> None:
    """Write a FAISS index through Python, for FAISS alone says nothing of a disk that is full at the end.

    Raises:
        OSError: the file cannot be written.
    """
    failed: list[OSError] = []
    with path.open("wb") as file:

        def write(part: bytes) -> None:
            try:
                file.write(part)
            except OSError as error:
                failed.append(error)
                raise

        try:
            faiss.write_index(engine, faiss.PyCallbackIOWriter(write))  # type: ignore[attr-defined]
        except (OSError, RuntimeError):
            if failed:
                raise failed[0] from None
            raise


def load_vectors(folder: Path, kind: str, revision: tuple[int, int]) -> VectorIndex:
    """The index of `kind` as written.

    Raises:
        VectorFileError: it is missing, damaged, or of another revision.
    """
    file = _read_manifest(manifest_path(folder, kind, revision))
    if file.revision != revision:
        raise VectorFileError(f"its files are of revision {file.revision}, the database is at {revision}")
    path = folder / file.name
    with _removal_told(path):
        if _checksum(path) != file.sha256:
            raise VectorFileError(f"{path.name} is damaged: its checksum differs")
        engine = faiss.read_index(str(path))
    if engine.ntotal != file.count:
        raise VectorFileError(f"{path.name} has {engine.ntotal} vectors, expected {file.count}")
    return VectorIndex(engine, file)


@contextmanager
def _removal_told(path: Path) -> Iterator[None]:
    """Turn the errors that come of a file's absence into a `VectorFileError`."""
    try:
        yield
    except FileNotFoundError as error:
        raise VectorFileError(f"{path.name} is missing") from error
    except RuntimeError as error:  # of FAISS, which tells the kind by its words alone
        if os.strerror(errno.ENOENT) not in str(error):
            raise
        raise VectorFileError(f"{path.name} is missing") from error


def manifest_path(folder: Path, kind: str, revision: tuple[int, int]) -> Path:
    """Where it is said what the index of a revision holds."""
    return folder / f"{_stem(kind, revision)}.json"


def _stem(kind: str, revision: tuple[int, int]) -> str:
    return f"{kind}-{revision[0]}-{revision[1]}"


def _read_manifest(path: Path) -> VectorFile:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return VectorFile(**{**values, "revision": tuple(values["revision"])})
    except FileNotFoundError:
        raise VectorFileError(f"{path.name} is missing") from None
    except (ValueError, TypeError, KeyError) as error:
        raise VectorFileError(f"{path.name} is damaged: {error}") from error


def _check(person_ids: IdArray, stored: NDArray[np.floating[Any]]) -> None:
    if stored.ndim != 2 or len(stored) != len(person_ids):
        raise ValueError(f"vectors must have shape ({len(person_ids)}, E), got {stored.shape}")
    ids, counts = np.unique(person_ids, return_counts=True)
    if (counts > 1).any():  # FAISS would take them silently and answer with the same person twice
        raise ValueError(f"every person id may come once, got {ids[counts > 1][:5].tolist()} more often")


def _empty_engine(stored: NDArray[np.floating[Any]], transform: Transform, sample: NDArray[np.intp]) -> Any:
    """A Flat index, or a trained IVF of float16 for many people."""
    count, dimensions = stored.shape
    if count <= FLAT_LIMIT:
        return faiss.IndexFlatIP(dimensions)
    lists = int(2 * np.sqrt(count))  # twice as many cost four times the training, and no search gains
    engine = faiss.index_factory(dimensions, f"IVF{lists},SQfp16", faiss.METRIC_INNER_PRODUCT)
    engine.train(transform(stored[np.sort(sample[: lists * TRAINING_POINTS])]))
    return engine


def _nearest(queries: Vectors, vectors: Vectors, person_ids: IdArray) -> tuple[Vectors, IdArray]:
    """Similarities and ids of the nearest of some people to each query, by comparing all, (Q, NEIGHBOURS) each."""
    similarities, rows = faiss.knn(queries, vectors, min(NEIGHBOURS, len(vectors)), metric=faiss.METRIC_INNER_PRODUCT)
    return similarities, person_ids[rows]


def _tune(engine: Any, queries: Vectors, nearest: Sequence[tuple[Vectors, IdArray]]) -> float:
    """Probe as many lists as the wanted recall needs, by what is truly nearest in each part; returns the recall."""
    similarities, ids = (np.concatenate(parts, axis=1) for parts in zip(*nearest, strict=True))
    truth = np.take_along_axis(ids, np.argsort(-similarities, axis=1)[:, :NEIGHBOURS], axis=1)
    lists = _lists(engine)
    lists.nprobe, recall = 4, 0.0
    while recall < RECALL_WANTED and lists.nprobe < lists.nlist:
        lists.nprobe = min(lists.nprobe * 2, lists.nlist)
        _, found = engine.search(queries, NEIGHBOURS)
        recall = float(np.mean([np.isin(a, b).mean() for a, b in zip(truth, found, strict=True)]))
    LOGGER.info("IVF of %d lists probes %d: recall@10 %.3f", lists.nlist, lists.nprobe, recall)
    return recall


def _lists(engine: Any) -> Any:
    """The IVF part of an index; None if it is Flat."""
    inner = faiss.downcast_index(engine.index)
    return inner if isinstance(inner, faiss.IndexIVF) else None


def _copy_on_gpu(engine: Any) -> Any:
    """The index on the first GPU; None where there is no GPU or FAISS was built without."""
    if not hasattr(faiss, "StandardGpuResources") or faiss.get_num_gpus() == 0:
        return None
    return faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), 0, engine)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
