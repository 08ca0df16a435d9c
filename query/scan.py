"""Scan: the score of everybody for a query, a piece of the columns at a time, and who is best."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from index.columns import ColumnStore
from query.scoring import Confusion, Plan, Probabilities, Rows, image_condition, mass, probability_plan, strength
from query.tree import And, Camera, Captured, Daytime, Gallery, Not, Or, People, Query, conjunction, leaves

_CHUNK = 1 << 16  # people scored at a time: what is in work stays in the processor's cache
_MASS_OF_FLOAT32 = 8.0  # a product of more clauses could underflow
_THREADS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True)
class Scan:
    """Everybody scored for a query.

    Args:
        matched: (N,) bool, whose score reaches the threshold.
        total: how many these are.
        further: sum of the scores of those below, as far as they are worth counting.
        best: rows of the first matches, in order.
        scores: of the best.
    """

    matched: NDArray[np.bool_]
    total: int
    further: float
    best: NDArray[np.intp]
    scores: NDArray[np.float64]


def scan(
    query: Query,
    store: ColumnStore,
    *,
    threshold: float,
    count: int,
    confusion: Confusion | None = None,
    by_time: bool = False,
    further_minimum: float = 0.0,
) -> Scan:
    """The first `count` matches, best or latest first, and what there is to know of the others."""
    allowed, plan, dtype = _prepared(query, store, confusion)
    least = least_score(threshold, query)
    matched = np.zeros(store.count, bool)
    best: list[tuple[NDArray[np.intp], Probabilities]] = []

    def visit(part: slice) -> tuple[int, float]:
        scores = _scores(part, store, allowed, plan, dtype)
        fits = np.greater_equal(scores, least, out=matched[part])
        keys = store.captured_at[part].view(np.int64) if by_time else scores
        rows = best_rows(np.flatnonzero(fits), keys, count)
        best.append((rows + part.start, scores[rows]))
        below = scores[(scores >= further_minimum) & ~fits]
        return int(np.count_nonzero(fits)), float(below.sum(dtype=np.float64))

    visited = _visit_all(store, visit)
    rows, scores = _joined(best)
    keys = store.captured_at[rows].view(np.int64) if by_time else scores
    first = best_rows(np.arange(len(rows)), keys, count)
    total, further = sum(fits for fits, _ in visited), sum(below for _, below in visited)
    return Scan(matched, total, further, rows[first], scores[first].astype(np.float64))


def scores_of_all(query: Query, store: ColumnStore, confusion: Confusion | None = None) -> Probabilities:
    """P(query) of everybody, (N,), weights relative to the greatest; 0 for those whose image is filtered out."""
    allowed, plan, dtype = _prepared(query, store, confusion)
    scores: Probabilities = np.zeros(store.count, dtype)

    def visit(part: slice) -> None:
        scores[part] = _scores(part, store, allowed, plan, dtype)

    _visit_all(store, visit)
    return scores


def count_matches(
    queries: Sequence[Query], store: ColumnStore, *, threshold: float, confusion: Confusion | None = None
) -> list[int]:
    """How many match each of several queries, which share most of their clauses: each clause is scored once."""
    plans = [(*_prepared(query, store, confusion), least_score(threshold, query)) for query in queries]

    def visit(part: slice) -> list[int]:
        shared = {dtype: Rows(store, part, dtype, {}) for dtype in (np.float32, np.float64)}
        return [_count(part, shared[dtype], allowed, plan, least) for allowed, plan, dtype, least in plans]

    return [sum(counts) for counts in zip(*_visit_all(store, visit), strict=True)] or [0] * len(queries)


def _count(part: slice, rows: Rows, allowed: NDArray[np.bool_] | None, plan: Plan | None, least: float) -> int:
    fits = np.ones(part.stop - part.start, bool) if plan is None else plan(rows) >= least
    return int(np.count_nonzero(fits if allowed is None else fits & allowed[part]))


def _prepared(
    query: Query, store: ColumnStore, confusion: Confusion | None
) -> tuple[NDArray[np.bool_] | None, Plan | None, type[np.floating]]:
    """Who is let through by the terms about images, what scores the rest of the query, and in which numbers."""
    allowed, rest = _split(query, store)
    plan = probability_plan(rest, store, confusion) if rest is not None else None
    return allowed, plan, _number_type(query)


def _scores(
    part: slice,
    store: ColumnStore,
    allowed: NDArray[np.bool_] | None,
    plan: Plan | None,
    dtype: type[np.floating],
) -> Probabilities:
    selection = _selection(allowed, part.start, part.stop)
    if isinstance(selection, slice):
        return np.ones(part.stop - part.start, dtype) if plan is None else plan(Rows(store, selection, dtype))
    scores = np.zeros(part.stop - part.start, dtype)
    scores[selection - part.start] = 1 if plan is None else plan(Rows(store, selection, dtype))
    return scores


T = TypeVar("T")


def _visit_all(store: ColumnStore, visit: Callable[[slice], T]) -> list[T]:
    """What `visit` returns for each piece of the rows, in order; several threads for many pieces."""
    parts = [slice(start, min(start + _CHUNK, store.count)) for start in range(0, store.count, _CHUNK)]
    if len(parts) <= 2:
        return [visit(part) for part in parts]
    with ThreadPoolExecutor(_THREADS, "search") as pool:
        return list(pool.map(visit, parts))


def _joined(parts: Sequence[tuple[NDArray[np.intp], Probabilities]]) -> tuple[NDArray[np.intp], Probabilities]:
    """Rows and their scores from all pieces, rows ascending."""
    rows = np.concatenate([np.zeros(0, np.intp), *(rows for rows, _ in parts)])
    scores = np.concatenate([np.zeros(0, np.float32), *(scores for _, scores in parts)])
    order = np.argsort(rows)
    return rows[order], scores[order]


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
