"""Switching: a generation's search files are built aside and checked against its rows before it is searched."""

import numpy as np

from index.columns import open_current
from index.descriptor import encode
from index.facts import IndexedPeople
from index.generations import GenerationError, GenerationInfo
from index.likeness import open_vectors, rows_of, transform_of
from index.person_index import PersonIndex
from index.vectors import KINDS

SAMPLE = 16  # people who must find themselves
ENCODING = 0.02  # least difference of a descriptor that float16 does not explain
ITSELF = 0.99  # least similarity of a person's vector to itself


def promote(index: PersonIndex, generation_id: int) -> GenerationInfo:
    """Build the search files of a generation, check all of it, and search it from now on; returns it.

    Raises:
        GenerationError: it does not exist, or is not fit to be searched; the live one stays.
    """
    faults = index.generations.verify(generation_id) or verify_files(index.of_generation(generation_id))
    if faults:
        raise GenerationError(f"cannot make generation {generation_id} live: {'; '.join(faults)}; reindex first")
    index.generations.make_live(generation_id)
    return index.generations.get(generation_id)


def verify_files(index: PersonIndex) -> list[str]:
    """What is wrong with the search files of the index's generation, one sentence each; missing ones are built."""
    person_ids = index.person_ids()
    if not len(person_ids):
        return []
    columns = open_current(IndexedPeople(index))
    faults = [] if np.array_equal(columns.person_ids, person_ids) else ["its columns are not of the people in its rows"]
    sample = person_ids[np.unique(np.linspace(0, len(person_ids) - 1, SAMPLE).astype(int))]
    for person in index.people(sample):
        if np.abs(encode(person.person) - index.descriptor(person.person_id)).max() > ENCODING:
            faults.append(f"the descriptor of person {person.person_id} is not that of its labels")
    return faults + [fault for kind in KINDS for fault in _not_found(index, kind, sample)]


def _not_found(index: PersonIndex, kind: str, sample: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]") -> list[str]:
    """Those of a sample whom a search by their own vector does not find."""
    ids, stored = rows_of(index, kind)
    vectors = open_vectors(index, kind)
    if vectors.file.count != len(ids):
        return [f"its {kind} index holds {vectors.file.count} people, expected {len(ids)}"]
    faults = []
    for person_id in sample[np.isin(sample, ids)]:
        vector = transform_of(kind)(stored[np.searchsorted(ids, person_id)][None])[0]
        nearest = vectors.search(vector, 1, among=np.array([person_id]))
        if not nearest or (vector.any() and nearest[0].similarity < ITSELF):
            faults.append(f"person {person_id} is not found by its own {kind}")
    return faults
