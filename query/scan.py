"""Scan: the score of everybody for a query, a piece of the columns at a time, and who is best.

P(query) is a product of factors that are at most 1, so whoever is too improbable in one of them needs no other one.
Those that shut most people out are reckoned first (`_sieve`); whoever is left is scored by the whole query.
"""

import os
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, reduce
from threading import Lock
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from index.columns import ColumnStore
from query.scoring import (
    Confusion,
    Plan,
    Probabilities,
    Rows,
    factor_plans,
    image_condition,
    mass,
    probability_plan,
    strength,
)
from query.tree import And, Camera, Captured, Daytime, Gallery, Not, Or, People, Query, conjunction, leaves

_CHUNK = 1 << 16  # people scored at a time, a multiple of 8: what is in work stays in the processor's cache
_MASS_OF_FLOAT32 = 8.0  # a product of more clauses could underflow
_THREADS = min(4, os.cpu_count() or 1)
_SAMPLE = 4096  # people on whom it is tried which factor shuts out most
_SELECTIVE = 0.4  # a factor that lets more through than this is no sieve
_ROUNDING = 1e-5  # factors multiplied in another order differ by less

Memory = dict[Hashable, Probabilities]  # clause -> what it is worth, of a piece of the rows


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


@dataclass(frozen=True)
class _Scorer:
    """What scores people.

    Args:
        store: whose people.
        conditions: terms about images that must hold, each with whether it is denied.
        sieve: factors of the query; who is below `least` in their product is not scored.
        plan: reckons all but the conditions; None where there is nothing else.
        dtype: the numbers to reckon with.
        least: a score below it may be given as 0.
    """

    store: ColumnStore
    conditions: Sequence[tuple[Query, bool]]
    sieve: Sequence[Plan]
    plan: Plan | None
    dtype: type[np.floating]
    least: float = 0.0

    def allowed(self, part: slice) -> NDArray[np.bool_] | None:
        """Whose images meet the conditions; None for everybody."""
        if not self.conditions:
            return None
        people = self.store.part(part)
        return reduce(np.logical_and, [image_condition(term, negated, people) for term, negated in self.conditions])

    def scores(self, part: slice, memory: Memory | None = None) -> Probabilities:
        """P(query) of a piece of the rows; 0 for those who are filtered out or surely below `least`.

        `memory` keeps what clauses were worth for the whole piece, for other queries with the same `dtype`.
        """
        selection = self._survivors(_selection(self.allowed(part), part), memory)
        if isinstance(selection, slice):
            return self._reckoned(self._rows(selection, memory), part.stop - part.start)
        scores: Probabilities = np.zeros(part.stop - part.start, self.dtype)
        scores[selection - part.start] = self._reckoned(self._rows(selection), len(selection))
        return scores

    def _rows(self, selection: slice | NDArray[np.intp], memory: Memory | None = None) -> Rows:
        return Rows(self.store, selection, self.dtype, memory if isinstance(selection, slice) else None)

    def _reckoned(self, rows: Rows, count: int) -> Probabilities:
        return np.ones(count, self.dtype) if self.plan is None else self.plan(rows)

    def _survivors(self, selection: slice | NDArray[np.intp], memory: Memory | None) -> slice | NDArray[np.intp]:
        """Whoever the sieve lets through."""
        product: Probabilities | float = 1.0
        for plan in self.sieve:
            product = product * plan(self._rows(selection, memory))
            passing = np.flatnonzero(product >= self.least)
            if len(passing) <= len(product) * _SELECTIVE:
                selection = passing + selection.start if isinstance(selection, slice) else selection[passing]
                product = product[passing]
        return selection


class _Leading:
    """The best rows that any thread has found so far, and the key that others must reach."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._found: list[tuple[NDArray[np.intp], NDArray[Any], Probabilities]] = []  # rows, keys, scores
        self._new = 0
        self._bar: Any = None
        self._lock = Lock()

    def offer(self, start: int, fits: NDArray[np.bool_], keys: NDArray[Any], scores: Probabilities) -> None:
        """Take in those of a piece of the rows who fit, as far as they are among the best."""
        bar = self._bar  # another thread may raise it meanwhile, which only lets too many through
        rows = best_rows(np.flatnonzero(fits if bar is None else fits & (keys >= bar)), keys, self._count)
        with self._lock:
            self._found.append((rows + start, keys[rows], scores[rows]))
            self._new += len(rows)
            if self._new and self._new >= self._count:
                self._found, self._new = [self._best()], 0
                self._bar = self._found[0][1][-1]

    def best(self) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Rows and scores, in order."""
        rows, _, scores = self._best() if self._found else (np.zeros(0, np.intp), None, np.zeros(0))
        return rows, scores.astype(np.float64)

    def _best(self) -> tuple[NDArray[np.intp], NDArray[Any], Probabilities]:
        rows, keys, scores = (np.concatenate(parts) for parts in zip(*self._found, strict=True))
        order = np.argsort(rows)
        kept = order[best_rows(np.arange(len(rows)), keys[order], self._count)]
        return rows[kept], keys[kept], scores[kept]


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
    least = least_score(threshold, query)
    scorer = _scorer(query, store, confusion, least=min(least, further_minimum))
    matched = np.zeros(store.count, bool)
    leading = _Leading(count)

    def visit(part: slice) -> tuple[int, float]:
        scores = scorer.scores(part)
        fits = np.greater_equal(scores, least, out=matched[part])
        leading.offer(part.start, fits, store.captured_at[part].view(np.int64) if by_time else scores, scores)
        below = (scores >= further_minimum) & ~fits
        return int(np.count_nonzero(fits)), float(scores @ below.astype(scorer.dtype))

    visited = _visit_all(store, visit)
    total, further = sum(fits for fits, _ in visited), sum(below for _, below in visited)
    return Scan(matched, total, further, *leading.best())


def scores_of_all(query: Query, store: ColumnStore, confusion: Confusion | None = None) -> Probabilities:
    """P(query) of everybody, (N,), weights relative to the greatest; 0 for those whose image is filtered out."""
    scorer = _scorer(query, store, confusion)
    scores: Probabilities = np.zeros(store.count, scorer.dtype)

    def visit(part: slice) -> None:
        scores[part] = scorer.scores(part)

    _visit_all(store, visit)
    return scores


def count_matches(
    queries: Sequence[Query], store: ColumnStore, *, threshold: float, confusion: Confusion | None = None
) -> list[int]:
    """How many match each of several queries, which share most of their clauses: what all need is scored once."""
    leasts = [least_score(threshold, query) for query in queries]
    scorers = [_scorer(query, store, confusion, least=least) for query, least in zip(queries, leasts, strict=True)]

    def visit(part: slice) -> list[int]:
        memories: dict[type[np.floating], Memory] = {np.float32: {}, np.float64: {}}
        scored = (one.scores(part, memories[one.dtype]) for one in scorers)
        return [int(np.count_nonzero(scores >= least)) for scores, least in zip(scored, leasts, strict=True)]

    return [sum(counts) for counts in zip(*_visit_all(store, visit), strict=True)] or [0] * len(queries)


def _scorer(query: Query, store: ColumnStore, confusion: Confusion | None, *, least: float = 0.0) -> _Scorer:
    conditions, rest = _split(query)
    dtype = _number_type(query)
    if rest is None:
        return _Scorer(store, conditions, (), None, dtype)
    least *= 1 - _ROUNDING
    sieve = _sieve(rest, store, confusion, dtype, least) if least > 0 else ()
    return _Scorer(store, conditions, sieve, probability_plan(rest, store, confusion), dtype, least)


def _sieve(
    query: Query, store: ColumnStore, confusion: Confusion | None, dtype: type[np.floating], least: float
) -> Sequence[Plan]:
    """Factors of the query that shut many people out, the most selective first; a query of one factor has none."""
    factors = factor_plans(query, store, confusion)
    if len(factors) < 2:
        return ()
    sample = Rows(store, slice(0, min(_SAMPLE, store.count)), dtype)
    passing = [float(np.mean(factor(sample) >= least)) if store.count else 1.0 for factor in factors]
    order = sorted(range(len(factors)), key=passing.__getitem__)
    return [factors[position] for position in order if passing[position] <= _SELECTIVE]


T = TypeVar("T")


def _visit_all(store: ColumnStore, visit: Callable[[slice], T]) -> list[T]:
    """What `visit` returns for each piece of the rows, in order; several threads for many pieces."""
    parts = [slice(start, min(start + _CHUNK, store.count)) for start in range(0, store.count, _CHUNK)]
    if len(parts) <= 2:
        return [visit(part) for part in parts]
    visited: dict[int, T] = {}
    waiting = iter(list(enumerate(parts)))  # each thread takes the next one: a task for each piece would cost more

    def work() -> None:
        for position, part in waiting:
            visited[position] = visit(part)

    for done in [_pool().submit(work) for _ in range(_THREADS)]:
        done.result()
    return [visited[position] for position in range(len(parts))]


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS, "search")


def _selection(allowed: NDArray[np.bool_] | None, part: slice) -> slice | NDArray[np.intp]:
    if allowed is None or allowed.all():
        return part
    rows: NDArray[np.intp] = np.flatnonzero(allowed) + part.start
    return rows


def _split(query: Query) -> tuple[list[tuple[Query, bool]], Query | None]:
    """The terms about images that must hold, each with whether it is denied; and the query without them."""
    conditions: list[tuple[Query, bool]] = []
    rest: list[Query] = []
    for term in _conjuncts(query):
        leaf, negated = next(leaves(term))
        if _is_leaf(term) and isinstance(leaf, Captured | Daytime | Camera | Gallery | People):
            conditions.append((leaf, negated))
        else:
            rest.append(term)
    return conditions, conjunction(tuple(rest)) if rest else None


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
