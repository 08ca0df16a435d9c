"""Scan: the score of everybody for a query, a piece of the columns at a time, and who is best.

Whoever falls short in a single column is left out first (`query.shortfall`); only the others are scored.
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
    image_condition,
    mass,
    planner_for,
    probability_plan,
    strength,
)
from query.shortfall import Reach, reach_plan
from query.tree import And, Camera, Captured, Daytime, Gallery, Not, Or, People, Query, conjunction, leaves

# People scored at a time, a multiple of 8: with fewer, threads wait for one another more than they work.
_CHUNK = 1 << 18
_MASS_OF_FLOAT32 = 8.0  # a product of more clauses could underflow
_THREADS = min(4, os.cpu_count() or 1)
_TRIED = 4096  # people on whom it is tried how many columns alone shut out
_SELECTIVE = 0.4  # if they let more through than this, all are scored
_SAMPLED = 1 << 17  # people who tell what is expected below the threshold; of many more people,
_STRIDE = 8  # one in so many does
_RUN = 1024  # neighbours who are sampled together

Selection = slice | NDArray[np.intp]  # rows of a store
Memory = dict[Hashable, Probabilities]  # clause -> what it is worth, of a piece of the rows


@dataclass(frozen=True)
class Scan:
    """Everybody scored for a query.

    Args:
        matched: (N,) bool, whose score reaches the threshold.
        total: how many these are.
        further: sum of the scores of those below, as far as they are worth counting; of very many an estimate.
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
        reach: tells who may be worth a score; None lets everybody through.
        plan: reckons all but the conditions; None where there is nothing else.
        dtype: the numbers to reckon with.
    """

    store: ColumnStore
    conditions: Sequence[tuple[Query, bool]]
    reach: Reach | None
    plan: Plan | None
    dtype: type[np.floating]

    def allowed(self, part: slice) -> NDArray[np.bool_] | None:
        """Whose images meet the conditions; None for everybody."""
        if not self.conditions:
            return None
        people = self.store.part(part)
        return reduce(np.logical_and, [image_condition(term, negated, people) for term, negated in self.conditions])

    def reaching(self, part: slice) -> NDArray[np.bool_] | None:
        """Who may be worth a score, by single columns; None for everybody."""
        return None if self.reach is None else self.reach(self.store.codes[:, part])

    def scores(self, selection: Selection, memory: Memory | None = None) -> Probabilities:
        """P(query) of some of the rows, whose images meet the conditions.

        `memory` keeps what clauses were worth for a piece of the rows, for other queries with the same `dtype`.
        """
        if self.plan is None:
            count = selection.stop - selection.start if isinstance(selection, slice) else len(selection)
            return np.ones(count, self.dtype)
        return self.plan(Rows(self.store, selection, self.dtype, memory if isinstance(selection, slice) else None))


class _Leading:
    """The best rows that any thread has found so far, and the key that others must reach."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._found: list[tuple[NDArray[np.intp], NDArray[Any], Probabilities]] = []  # rows, keys, scores
        self._new = 0
        self._bar: Any = None
        self._lock = Lock()

    def offer(self, found: Selection, fits: NDArray[np.bool_], keys: NDArray[Any], scores: Probabilities) -> None:
        """Take in those of the rows who fit, as far as they are among the best."""
        bar = self._bar  # another thread may raise it meanwhile, which only lets too many through
        rows = best_rows(np.flatnonzero(fits if bar is None else fits & (keys >= bar)), keys, self._count)
        with self._lock:
            named = rows + found.start if isinstance(found, slice) else found[rows]
            self._found.append((named, keys[rows], scores[rows]))
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
    scorer = _scorer(query, store, confusion, least=least)
    stride = max(1, min(_STRIDE, store.count // _SAMPLED))
    matched = np.zeros(store.count, bool)
    leading = _Leading(count)

    def visit(part: slice) -> tuple[int, float]:
        allowed = scorer.allowed(part)
        selection = _selected(part, allowed, scorer.reaching(part))
        scores = scorer.scores(selection)
        fits = scores >= least
        matched[selection] = fits
        leading.offer(selection, fits, store.captured_at[selection].view(np.int64) if by_time else scores, scores)
        bounds = further_minimum, least
        return int(np.count_nonzero(fits)), _expected_between(scorer, part, allowed, bounds, stride)

    visited = _visit_all(store, visit)
    total, further = sum(fits for fits, _ in visited), sum(below for _, below in visited)
    return Scan(matched, total, further, *leading.best())


def _expected_between(
    scorer: _Scorer, part: slice, allowed: NDArray[np.bool_] | None, bounds: tuple[float, float], stride: int
) -> float:
    """Sum of the scores that lie between `bounds` in a piece of the rows, told by one allowed row in `stride`."""
    least, below = bounds
    if least >= below:
        return 0.0
    rows, each = _sample(part, allowed, stride)
    scores = scorer.scores(rows)
    between = (scores >= least) & (scores < below)
    return each * float(scores @ between.astype(scorer.dtype))


def _sample(part: slice, allowed: NDArray[np.bool_] | None, stride: int) -> tuple[Selection, float]:
    """Rows all over a piece, one in `stride` of it or all that are allowed, if few; and how many each stands for."""
    if stride == 1:
        return _selected(part, allowed), 1.0
    length = part.stop - part.start
    if allowed is None:
        whole = _runs(_CHUNK, stride)
        rows, total = whole[: np.searchsorted(whole, length)], length
    else:
        inside = np.flatnonzero(allowed)
        rows, total = inside[:: max(1, len(inside) * stride // length)], len(inside)
    return rows + part.start, total / max(len(rows), 1)


@cache
def _runs(length: int, stride: int) -> NDArray[np.intp]:
    """Rows below `length`, in runs of neighbours: what lies together is read together."""
    rows: NDArray[np.intp] = np.arange(length)
    return rows[np.flatnonzero(rows // _RUN % stride == 0)]


def scores_of_all(query: Query, store: ColumnStore, confusion: Confusion | None = None) -> Probabilities:
    """P(query) of everybody, (N,), weights relative to the greatest; 0 for those whose image is filtered out."""
    scorer = _scorer(query, store, confusion)
    scores: Probabilities = np.zeros(store.count, scorer.dtype)

    def visit(part: slice) -> None:
        selection = _selected(part, scorer.allowed(part))
        scores[selection] = scorer.scores(selection)

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
        selections = (_selected(part, one.allowed(part), one.reaching(part)) for one in scorers)
        scored = (one.scores(rows, memories[one.dtype]) for one, rows in zip(scorers, selections, strict=True))
        return [int(np.count_nonzero(scores >= least)) for scores, least in zip(scored, leasts, strict=True)]

    return [sum(counts) for counts in zip(*_visit_all(store, visit), strict=True)] or [0] * len(queries)


def _scorer(query: Query, store: ColumnStore, confusion: Confusion | None, *, least: float = 0.0) -> _Scorer:
    """A scorer of everybody who reaches `least`, and of some others."""
    conditions, rest = _split(query)
    dtype = _number_type(query)
    if rest is None:
        return _Scorer(store, conditions, None, None, dtype)
    reach = reach_plan(rest, least, planner_for(store, confusion, strength(rest))) if least > 0 else None
    tried = store.codes[:, :_TRIED]
    if reach is not None and np.count_nonzero(reach(tried)) > _SELECTIVE * tried.shape[1]:
        reach = None
    return _Scorer(store, conditions, reach, probability_plan(rest, store, confusion), dtype)


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


def _selected(part: slice, *tests: NDArray[np.bool_] | None) -> Selection:
    """Rows of a piece that pass all tests; the piece itself where these are all."""
    known = [test for test in tests if test is not None]
    passing: NDArray[np.bool_] | None = reduce(np.logical_and, known) if known else None
    if passing is None or passing.all():
        return part
    rows: NDArray[np.intp] = np.flatnonzero(passing) + part.start
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
