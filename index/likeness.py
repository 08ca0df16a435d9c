"""Likeness: people who look alike and people dressed alike, by FAISS indexes that follow the live generation.

An index is read from its files, or made from SQL if these cannot be used. As long as people are only added, those who
are new join it in memory, which costs as much as there is new; when they have become many, it is made anew.
"""

import logging
import threading
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from index.database import retried
from index.files import leads_to_now, numbers, remove_stale
from index.person_index import IdArray, PersonIndex, UnknownPersonError
from index.vectors import (
    Neighbour,
    Transform,
    VectorFileError,
    VectorIndex,
    Vectors,
    build_vectors,
    load_vectors,
    look,
    manifest_path,
    save_vectors,
    unit,
)

LOGGER = logging.getLogger(__name__)

FEW = 20_000  # people of whom an index is made in a moment
GROWTH = 1.25  # an index with so many times the people of its file is made anew


class Likeness:
    """Answers "more like this" and "dressed like this"; follows the live generation as it changes."""

    def __init__(self, index: PersonIndex) -> None:
        self.index = index
        self._opened: dict[str, VectorIndex] = {}
        self._lock = threading.Lock()

    def more_like(self, person_id: int, limit: int) -> list[Neighbour]:
        """People whose whole appearance is most like a person's, without the person.

        Raises:
            UnknownPersonError: there is no such person in the live generation; the vectors of two cannot be compared.
        """
        return self._alike("appearance", person_id, limit)

    def dressed_like(self, person_id: int, limit: int) -> list[Neighbour]:
        """People who wear the most alike clothes, by label, without the person.

        Raises:
            UnknownPersonError: there is no such person.
        """
        return self._alike("look", person_id, limit)

    def _alike(self, kind: str, person_id: int, limit: int) -> list[Neighbour]:
        opened = self._current(kind)
        vector = vector_of(self.index, kind, person_id, generation_id=opened.file.revision[0])
        if not vector.size:
            return []
        found = opened.search(vector, limit + 1)
        return [neighbour for neighbour in found if neighbour.person_id != person_id][:limit]

    def _current(self, kind: str) -> VectorIndex:
        with self._lock:
            opened = self._opened.get(kind)
            if opened is None or opened.file.revision != self.index.revision():
                opened = self._opened[kind] = open_vectors(self.index, kind, opened)
            return opened


def vector_of(index: PersonIndex, kind: str, person_id: int, *, generation_id: int | None = None) -> Vectors:
    """One person's vector in the index of `kind`, (E,); empty where the parser gave none.

    Raises:
        UnknownPersonError: there is no such person, or its appearance is not of `generation_id`, if that is given.
    """
    if kind == "appearance":
        stored = index.person(person_id)
        if generation_id not in (None, stored.generation_id):
            raise UnknownPersonError(
                f"expected a person of generation {generation_id}, which is searched, but person {person_id} is of "
                f"generation {stored.generation_id}; search again"
            )
        return stored.person.appearance
    vector: Vectors = look(index.descriptor(person_id)[None])[0]
    return vector


def open_vectors(index: PersonIndex, kind: str, before: VectorIndex | None = None) -> VectorIndex:
    """The current index of `kind` ("appearance" or "look"): the one opened `before`, if people were only added since;
    the file of now; an earlier file with whoever was added; made from SQL if none of these can be used.
    """
    if before is not None and (continued := _continued(index, kind, before)) is not None:
        return continued
    folder, revision = index.derived_folder(), index.revision()
    try:
        return load_vectors(folder, kind, revision)
    except VectorFileError as reason:
        earlier = _earlier(index, kind)
        if earlier is not None and (continued := _continued(index, kind, earlier)) is not None:
            return continued
        level = logging.WARNING if any(folder.glob(f"{kind}-*")) else logging.INFO  # the first is missed by nobody
        LOGGER.log(level, "rebuilding the %s vectors of generation %d from the database: %s", kind, revision[0], reason)
    return rebuild_vectors(index, kind)


def _earlier(index: PersonIndex, kind: str) -> VectorIndex | None:
    """The latest file that can be continued."""
    folder = index.derived_folder()
    for path in sorted(folder.glob(f"{kind}-*.json"), key=lambda path: numbers(path.name))[::-1]:
        found = numbers(path.stem)
        if len(found) == 2 and leads_to_now(path.stem, index):
            with suppress(VectorFileError):
                return load_vectors(folder, kind, (found[0], found[1]))
    return None


@retried
def _continued(index: PersonIndex, kind: str, before: VectorIndex) -> VectorIndex | None:
    """`before` with whoever has been added since; None if somebody is gone, or one of so many is to be made anew."""
    with index.snapshot() as still:
        if before.saved >= FEW and leads_to_now(before.file.revision, still):
            person_ids, stored = rows_of(still, kind, above=before.last_id)
            if before.file.count + len(person_ids) <= GROWTH * before.saved:
                before.extend(person_ids, transform_of(kind)(stored), still.revision())
                return before
    return None


def rows_of(index: PersonIndex, kind: str, *, above: int = 0) -> tuple[IdArray, NDArray[np.float16]]:
    """Ids of the people of an index of `kind`, and what it is made of."""
    return index.descriptors(above=above) if kind == "look" else index.appearances(above=above)


def transform_of(kind: str) -> Transform:
    """What makes unit vectors of the rows of `kind`."""
    return look if kind == "look" else unit


@retried
def rebuild_vectors(index: PersonIndex, kind: str) -> VectorIndex:
    """Compute the index of `kind` from SQL and write it; it is good in memory if its files are removed meanwhile."""
    with index.snapshot() as still:
        folder, revision = still.derived_folder(), still.revision()
        person_ids, stored = rows_of(still, kind)
    built = build_vectors(person_ids, stored, transform_of(kind), revision=revision, kind=kind)
    try:
        built = save_vectors(built, folder)
    except VectorFileError as reason:
        LOGGER.warning("the %s vectors of generation %d are in memory alone: %s", kind, revision[0], reason)
    for path in (folder / built.file.name, manifest_path(folder, kind, revision)):
        remove_stale(path, index.revision, index.rewritten)
    return built
