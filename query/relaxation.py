"""Relaxation: every query that asks one thing less, or a few terms less, for when nothing or little matches."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from math import comb
from typing import Any

from parsing.labels import CHARACTERISTICS
from query.tree import CHARACTERISTIC_WORDS, And, Has, Not, Or, Query, conjunction, format_query

_WORDS = {label: word for word, (_, label) in CHARACTERISTIC_WORDS.items()}
_MOST_WAYS = 128  # of leaving out as many terms, which are all counted


def relaxed(query: Query) -> Iterator[tuple[str, Query]]:
    """What is dropped, in words of the compact text, and the query without it; in reading order.

    A query is never relaxed to nothing: whoever drops the only clause would be shown everybody.
    """
    for dropped, rest in _relaxed(query):
        if rest is not None:
            yield dropped, rest


def shortened(query: Query) -> Iterator[list[tuple[str, Query]]]:
    """The ways to leave out two whole terms, then three, at last all but one with one thing less, as `relaxed` does.

    What is dropped is apart by ", ".
    """
    terms = query.terms if isinstance(query, And) else ()
    for kept in range(len(terms) - 2, 0, -1):
        if comb(len(terms), kept) <= _MOST_WAYS:
            yield [_kept(terms, places) for places in combinations(range(len(terms)), kept)]
    alone = [(_kept(terms, (place,))[0], one) for place, term in enumerate(terms) for one in relaxed(term)]
    yield [(f"{others}, {dropped}", rest) for others, (dropped, rest) in alone]


def _kept(terms: tuple[Query, ...], places: tuple[int, ...]) -> tuple[str, Query]:
    dropped = (format_query(term) for place, term in enumerate(terms) if place not in places)
    return ", ".join(dropped), conjunction(tuple(terms[place] for place in places))


def _relaxed(query: Query) -> Iterator[tuple[str, Query | None]]:
    """As `relaxed`; None where the whole term goes."""
    if isinstance(query, And):
        yield from _relaxed_and(query)
        return
    if isinstance(query, Has):
        yield from _without_a_characteristic(query)
    elif isinstance(query, Or):
        yield from _relaxed_or(query)
    yield format_query(query), None


def _without_a_characteristic(has: Has) -> Iterator[tuple[str, Query]]:
    for task in CHARACTERISTICS:
        if labels := has.labels(task):
            asked: dict[str, Any] = {task: ()}
            yield "|".join(_WORDS[label] for label in labels), replace(has, **asked)


def _relaxed_and(query: And) -> Iterator[tuple[str, Query | None]]:
    for position, term in enumerate(query.terms):
        before, after = query.terms[:position], query.terms[position + 1 :]
        for dropped, rest in _relaxed(term):
            middle = () if rest is None else (rest,)
            yield dropped, conjunction((*before, *middle, *after))


def _relaxed_or(query: Or) -> Iterator[tuple[str, Query | None]]:
    """Alternatives relaxed one by one; to drop one would ask more, and what is denied stays as it is."""
    for position, term in enumerate(query.terms):
        for dropped, rest in _relaxed(term) if not isinstance(term, Not) else ():
            if rest is not None:
                yield dropped, Or((*query.terms[:position], rest, *query.terms[position + 1 :]))
