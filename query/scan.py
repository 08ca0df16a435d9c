"""Scan: the score of everybody for a query, a piece of the columns at a time, and who is best."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.columns import ColumnStore
from query.scoring import Confusion, Probabilities, Rows, image_condition, mass, probability_plan, strength
from query.tree import And, Camera, Captured, Daytime, Gallery, Not, Or, People, Query, conjunction, leaves

_CHUNK = 1 << 16  # people scored at a time: what is in work stays in the processor's cache
_MASS_OF_FLOAT32 = 8.0  # a product of more clauses could underflow
_THREADS = min(4, os.cpu_count() or 1)


def scores_of_all(query: Query, store: ColumnStore, confusion: Confusion | None = None) -> Probabilities:
    """P(query) of everybody, (N,), weights relative to the greatest; 0 for those whose image is filtered out."""
    allowed, rest = _split(query, store)
    plan = probability_plan(rest, store, confusion) if rest is not None else None
    dtype = _number_type(query)
    scores: Probabilities = np.zeros(store.count, dtype)

    def score(start: int) -> None:
        rows = Rows(store, _selection(allowed, start, min(start + _CHUNK, store.count)), dtype)
        scores[rows.selection] = 1 if plan is None else plan(rows)

    starts = range(0, store.count, _CHUNK)
    if len(starts) <= 2:
        for start in starts:
            score(start)
    else:
        with ThreadPoolExecutor(_THREADS, "search") as pool:
            list(pool.map(score, starts))
    return scores


def _selection(allowed: NDArray[np.bool_] | None, start: int, stop: int) -> slice | NDArray[np.intp]:
    if allowed is None or allowed[start:stop].all():
        return slice(start, stop)
    return np.flatnonzero(allowed[start:stop]) + start


def _split(query: Query, store: ColumnStore) -> tuple[NDArray[np.bool_] | None, Query | None]:
    """Whose images meet the terms about images that must hold, None for everybody; and the query without them."""
    allowed: NDArray[np.bool_] | None = None
    rest: list[Query] = []
    for term in _conjuncts(query):
        leaf, negated = next(leaves(term))
        if _is_leaf(term) and isinstance(leaf, Captured | Daytime | Camera | Gallery | People):
            condition = image_condition(leaf, negated, store)
            allowed = condition if allowed is None else allowed & condition
        else:
            rest.append(term)
    return allowed, conjunction(tuple(rest)) if rest else None


def _conjuncts(query: Query) -> list[Query]:
    if isinstance(query, And):
        return [part for term in query.terms for part in _conjuncts(term)]
    return [query]


def _is_leaf(term: Query) -> bool:
    while isinstance(term, Not):
        term = term.term
    return not isinstance(term, And | Or)


def _relative_mass(query: Query) -> float:
    return mass(query) / strength(query)


def _number_type(query: Query) -> type[np.floating]:
    return np.float32 if _relative_mass(query) <= _MASS_OF_FLOAT32 else np.float64


def least_score(threshold: float, query: Query) -> float:
    """The least P(query) of a match, never 0. A query about images only is met or not."""
    if not mass(query):
        return 0.5
    return max(float(threshold ** _relative_mass(query)), float(np.finfo(_number_type(query)).tiny))


def best_rows(rows: NDArray[np.intp], keys: NDArray[Any], count: int) -> NDArray[np.intp]:
    """The `count` rows with the greatest keys, greatest first, of equals the first; `rows` ascend."""
    chosen = keys[rows]
    if count < len(rows):
        last = np.partition(chosen, len(rows) - count)[len(rows) - count] if count else np.inf
        above = np.flatnonzero(chosen > last)
        equal = np.flatnonzero(chosen == last)[: count - len(above)]
        kept = np.union1d(above, equal)
        rows, chosen = rows[kept], chosen[kept]
    # Stable from the far end, so that among equals the first comes first after turning round.
    order = np.argsort(chosen[::-1], kind="stable")[::-1]
    return rows[::-1][order]
