"""Editing: query trees with one clause less or one more, as chips and facets make them."""

from dataclasses import replace
from typing import Any

from parsing.labels import CHARACTERISTICS
from query.tree import And, Has, Not, Or, Query, conjunction, leaves


def without(query: Query, position: int) -> Query | None:
    """The query without its leaf number `position` in reading order; None if nothing is left."""
    if isinstance(query, Not):
        rest = without(query.term, position)
        return None if rest is None else Not(rest)
    if not isinstance(query, And | Or):
        return None if position == 0 else query
    kept: list[Query] = []
    for term in query.terms:
        size = sum(1 for _ in leaves(term))
        rest = without(term, position) if 0 <= position < size else term
        position -= size
        if rest is not None:
            kept.append(rest)
    return _joined(query, tuple(kept))


def _joined(query: And | Or, terms: tuple[Query, ...]) -> Query | None:
    return None if not terms else terms[0] if len(terms) == 1 else type(query)(terms)


def narrowed(query: Query, more: Has | Not) -> Query:
    """The query that asks `more` too: within the clause on the same attribute if there is one, else beside it."""
    terms = query.terms if isinstance(query, And) else (query,)
    for position, term in enumerate(terms):
        if isinstance(more, Has) and isinstance(term, Has) and _can_merge(term, more):
            return conjunction((*terms[:position], _merged(term, more), *terms[position + 1 :]))
    return conjunction((*terms, more))


def _can_merge(first: Has, second: Has) -> bool:
    overlap = any(first.labels(task) and second.labels(task) for task in CHARACTERISTICS)
    return first.attribute == second.attribute and not overlap


def _merged(first: Has, second: Has) -> Has:
    asked: dict[str, Any] = {task: first.labels(task) or second.labels(task) for task in CHARACTERISTICS}
    return replace(first, **asked)
