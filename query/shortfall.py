"""Shortfall: who cannot reach a score, told by whole numbers of single columns, before anything is multiplied.

P(query) is built of factors that are at most 1, so where one column is too small, the whole is. To compare a column's
codes costs a tenth of reckoning with them.
"""

import math
from collections.abc import Callable, Iterable
from functools import partial, reduce

import numpy as np
from numpy.typing import NDArray

from index.columns import SCALE
from query.scoring import CLAUSE_FLOOR, Garment, Planner, exponent_of, garments
from query.tree import And, Has, Not, Or, Query

Codes = NDArray[np.uint16]
Reach = Callable[[Codes], NDArray[np.bool_]]  # codes (DIMENSIONS, n) -> (n,), who may reach the score

_ROUNDING = 1e-5  # what floating point may make of a product


def reach_plan(query: Query, least: float, planner: Planner, *, negated: bool = False) -> Reach | None:
    """What tells who may reach P(query) >= `least`: nobody who does is left out. None if columns alone cannot tell."""
    match query:
        case Not():
            return reach_plan(query.term, least, planner, negated=not negated)
        case And() | Or() if isinstance(query, And) != negated:
            exponents = [exponent_of(term, negated, planner.unit) for term in query.terms]
            roots = [
                1 / exponent if exponent else math.inf for exponent in exponents
            ]  # a weight may be next to nothing
            terms = zip(query.terms, roots, strict=True)
            return _all(reach_plan(term, least**root, planner, negated=negated) for term, root in terms)
        case And() | Or():
            share = least / len(query.terms)  # 1 - (1 - a) (1 - b) is at most a + b, a hedge only makes it less
            return _any(reach_plan(term, share, planner, negated=negated) for term in query.terms)
        case Has() if least > CLAUSE_FLOOR:
            reaches = _may_lack if negated else _may_have
            parts = [reaches(garment, least) for garment in garments(query, planner)]
            return _all(parts) if negated else _any(parts)
        case _:
            return None


def _may_have(garment: Garment, least: float) -> Reach | None:
    asked = [
        _any(_above(position, least / (weight * len(task))) for position, weight in task) for task in garment.weights
    ]
    return _all([_above(garment.seen, least), *asked])


def _may_lack(garment: Garment, least: float) -> Reach | None:
    return None if garment.weights else _above(garment.absent, least)


def _above(position: int, least: float) -> Reach:
    code = int(min(least, 1.0) * (1 - _ROUNDING) * SCALE)
    return partial(_compared, position, np.uint16(code))


def _compared(position: int, code: np.uint16, codes: Codes) -> NDArray[np.bool_]:
    enough: NDArray[np.bool_] = codes[position] >= code
    return enough


def _all(parts: Iterable[Reach | None]) -> Reach | None:
    """Who passes every part; a part that cannot tell lets everybody through."""
    known = [part for part in parts if part is not None]
    return partial(_joined, np.logical_and, known) if known else None


def _any(parts: Iterable[Reach | None]) -> Reach | None:
    """Who passes one of the parts, all of which must be able to tell."""
    parts = list(parts)
    known = [part for part in parts if part is not None]
    return partial(_joined, np.logical_or, known) if known and len(known) == len(parts) else None


def _joined(join: np.ufunc, parts: list[Reach], codes: Codes) -> NDArray[np.bool_]:
    return reduce(lambda passing, part: join(passing, part(codes), out=passing), parts[1:], parts[0](codes))
