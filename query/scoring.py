"""Scoring: how probable it is that a person is meant by a query tree, for many people at once.

    P(clause)     = P(seen) x P(size in those asked) x P(pattern in those asked) x P(color in those asked)
    P(not clause) = P(visibly absent) + P(seen) x (1 - P(its characteristics)); unknown is neither
    P(a and b)    = P(a)^weight x P(b)^weight: the weighted sum of the logarithms
    P(a or b)     = 1 - (1 - P(a)) (1 - P(b)), noisy-or: to have both is better than to have one; a hedged alternative
                    counts with its weight, relative to the surest
    alternatives  : labels of one task add up; of attributes the best one counts
    swatch        : the colour is how alike the garment's pixels are (CIEDE2000), each color of its palette by its share
    image terms   : 1 or 0; an unknown time or camera is 0 in the term and in its denial

A denial is pushed down to the leaves. A clause is never below CLAUSE_FLOOR, so one that fails leaves order among the
rest. Where the parser confuses colors, the probability of a color asked backs off to those it is taken for.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from index.columns import SCALE, ColumnStore
from index.descriptor import CHARACTERIZED_GROUPS, column
from index.palettes import rows_of, split
from parsing.labels import CHARACTERISTICS, COLORS, LABELS
from query.swatch import cell_similarities, color_weights
from query.tree import And, Camera, Captured, Daytime, Gallery, Has, Like, Not, Or, People, Query, Swatch, leaves

CLAUSE_FLOOR = 1e-4
BACK_OFF_MINIMUM = 0.02  # weaker confusions are not followed, which keeps a clause to a few columns
ALIKE_MINIMUM = 0.05  # labels less probable than this on an example are not asked of others
COMPARED = 0.5  # P(seen) from which what an example wears is compared

Probabilities = NDArray[np.floating]
Confusion = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Rows:
    """Some people of a store, and the type of number to reckon with.

    `memory`, where given, keeps what clauses were worth, for several queries that share them.
    """

    store: ColumnStore
    selection: slice | NDArray[np.intp]
    dtype: type[np.floating] = np.float32
    memory: dict[Hashable, Probabilities] | None = None

    def probabilities(self, position: int, weight: float = 1.0) -> Probabilities:
        """P of one dimension of the descriptor, times a weight."""
        codes = self.store.codes[position][self.selection]
        probabilities: Probabilities = np.multiply(codes, self.dtype(weight / SCALE), dtype=self.dtype)
        return probabilities

    def near(self, group: str, color: str) -> tuple[Probabilities, NDArray[np.bool_]]:
        """Mean similarity of a garment's pixels to `#rrggbb`, and of whom the pixels' colors are known."""
        if self.store.shades is None:
            nobody = np.zeros(len(self.store.person_ids[self.selection]), bool)
            return nobody.astype(self.dtype), nobody
        cells, shares = split(self.store.shades[rows_of(group)][:, self.selection])  # (shades, n)
        total = shares.sum(axis=0)
        alike = (cell_similarities(color)[cells] * shares).sum(axis=0) / np.maximum(total, 1)
        return alike.astype(self.dtype), total > 0

    def constant(self, condition: NDArray[np.bool_]) -> Probabilities:
        """1 where a condition, given for the whole store, holds and 0 elsewhere."""
        return condition[self.selection].astype(self.dtype)


Plan = Callable[[Rows], Probabilities]


def probability_plan(query: Query, store: ColumnStore, confusion: Confusion | None = None) -> Plan:
    """What reckons P(query) of people in `store`; weights are exponents in it, relative to the greatest of the query.

    Args:
        query: any tree.
        store: where examples (`like:12`) are looked up.
        confusion: what `back_off` gives; None is no back-off.

    Raises:
        LookupError: a person to be like is not in the store.
        ValueError: a person to be like does not show the attribute.
    """
    return _product([query], False, planner_for(store, confusion, strength(query)))


def clause_plan(leaf: Query, negated: bool, store: ColumnStore, confusion: Confusion | None = None) -> Plan:
    """What reckons P(clause) of one leaf, or of its denial, without its weight."""
    return _plan(leaf, negated, planner_for(store, confusion, 1.0))


def mass(query: Query, negated: bool = False) -> float:
    """How many clauses' worth of weight the logarithm of P(query) sums; 0 where it speaks of images only."""
    match query:
        case Not():
            return mass(query.term, not negated)
        case And() | Or() if isinstance(query, And) != negated:
            return sum(mass(term, negated) for term in query.terms)
        case _:
            return greatest_weight(query)


def strength(query: Query) -> float:
    """The greatest weight of a clause about people in a term; 1 where there is none."""
    return greatest_weight(query) or 1.0


def greatest_weight(query: Query) -> float:
    """Of the clauses about people in a term; 0 where there is none."""
    return max((leaf.weight for leaf, _ in leaves(query) if isinstance(leaf, Has | Swatch | Like)), default=0.0)


def back_off(confusion: Confusion, strength: float) -> Confusion:
    """How much each color that is seen (12 columns) counts for each color asked (12 rows).

    The color itself counts 1 - `strength`; the rest is P(true color | seen color), all true colors being alike before
    anything is seen.

    Args:
        confusion: P(seen color | true color), 12 rows of true colors.
        strength: 0 trusts what is seen, 1 the confusion.

    Raises:
        ValueError: the table is not 12x12 probabilities.
    """
    table = np.array(confusion, np.float64)
    if (
        table.shape != (len(COLORS), len(COLORS))
        or (table < 0).any()
        or not np.allclose(table.sum(axis=1), 1, atol=1e-3)
    ):
        raise ValueError(f"the color confusion must be 12 rows of 12 probabilities that sum to 1, got {table.shape}")
    posterior = table / np.maximum(table.sum(axis=0), 1e-12)
    mixed = (1 - strength) * np.eye(len(COLORS)) + strength * posterior
    return tuple(map(tuple, mixed.tolist()))


def image_condition(term: Query, negated: bool, store: ColumnStore) -> NDArray[np.bool_]:
    """Whose image a term about images holds for (or visibly fails for, if negated), (N,)."""
    known, holds = _image_facts(term, store)
    allowed: NDArray[np.bool_] = known & (holds != negated)
    return allowed


@dataclass(frozen=True)
class Planner:
    """What planning needs to know: `unit` is the weight that counts as one."""

    store: ColumnStore
    confusion: NDArray[np.float64] | None
    unit: float


def planner_for(store: ColumnStore, confusion: Confusion | None, unit: float) -> Planner:
    """What planning a query for `store` needs; `confusion` as `back_off` gives it."""
    return Planner(store, None if confusion is None else np.array(confusion), unit)


@dataclass(frozen=True)
class Garment:
    """What one attribute of a clause reads.

    Args:
        group: of the attribute.
        weights: (column, weight) per task that is asked.
        swatch: a free colour, which the garment's pixels are compared with where they are known; `weights` elsewhere.
    """

    group: str
    weights: tuple[tuple[tuple[int, float], ...], ...]
    swatch: str | None = None

    @property
    def seen(self) -> int:
        """The column of P(seen)."""
        return column(self.group, "attribute", "seen")

    @property
    def absent(self) -> int:
        """The column of P(visibly absent)."""
        return column(self.group, "attribute", "absent")

    def probability(self, rows: Rows) -> Probabilities:
        """P(seen, with all that is asked of it)."""
        seen = rows.probabilities(self.seen)
        return seen * self._characteristics(rows) if self.weights else seen

    def denied(self, rows: Rows) -> Probabilities:
        """P(visibly not there, or there without what is asked)."""
        absent = rows.probabilities(self.absent)
        if not self.weights:
            return absent
        return absent + rows.probabilities(self.seen) * (1 - self._characteristics(rows))

    def _characteristics(self, rows: Rows) -> Probabilities:
        """P(all that is asked of it | it is seen)."""
        by_labels = reduce(np.multiply, [_weighted_sum(rows, weights) for weights in self.weights])
        if self.swatch is None:
            return by_labels
        by_pixels, known = rows.near(self.group, self.swatch)
        return np.where(known, by_pixels, by_labels)


def _weighted_sum(rows: Rows, weights: Sequence[tuple[int, float]]) -> Probabilities:
    total = rows.probabilities(*weights[0])
    for position, weight in weights[1:]:
        total += rows.probabilities(position, weight)
    return total if len(weights) == 1 and weights[0][1] <= 1 else np.minimum(total, rows.dtype(1))


def _plan(query: Query, negated: bool, planner: Planner) -> Plan:
    match query:
        case Not():
            return _plan(query.term, not negated, planner)
        case And() | Or():
            combine = _product if isinstance(query, And) != negated else _noisy_or
            return combine(query.terms, negated, planner)
        case Has():
            return _best_of(garments(query, planner), negated)
        case Swatch():
            weights = {"color": color_weights(query.color)}
            return _best_of([_garment(group, weights, query.color) for group in query.attribute], negated)
        case Like():
            return _alike(query, negated, planner)
        case _:
            condition = image_condition(query, negated, planner.store)
            return lambda rows: rows.constant(condition)


def _product(terms: Sequence[Query], negated: bool, planner: Planner) -> Plan:
    factors = [(_plan(term, negated, planner), exponent_of(term, negated, planner.unit)) for term in terms]

    def reckon(rows: Rows) -> Probabilities:
        product = _raised(factors[0], rows)
        for factor in factors[1:]:
            product = product * _raised(factor, rows)
        return product

    return reckon


def _raised(factor: tuple[Plan, float], rows: Rows) -> Probabilities:
    plan, exponent = factor
    return plan(rows) if exponent == 1 else plan(rows) ** rows.dtype(exponent)


def _noisy_or(terms: Sequence[Query], negated: bool, planner: Planner) -> Plan:
    strongest = max(map(greatest_weight, terms)) or 1.0
    parts = [(_plan(term, negated, planner), (greatest_weight(term) or strongest) / strongest) for term in terms]

    def reckon(rows: Rows) -> Probabilities:
        neither = 1 - parts[0][0](rows) * rows.dtype(parts[0][1])
        for plan, strength in parts[1:]:
            neither = neither * (1 - plan(rows) * rows.dtype(strength))
        return 1 - neither

    return reckon


def exponent_of(term: Query, negated: bool, unit: float) -> float:
    """How often a factor of a product counts; what is a product itself has its exponents inside."""
    while isinstance(term, Not):
        term, negated = term.term, not negated
    is_product = isinstance(term, Or if negated else And)
    return 1.0 if is_product else (greatest_weight(term) or unit) / unit


def _best_of(garments: Sequence[Garment], negated: bool) -> Plan:
    """Has the best of the alternatives; lacks all of them, so the worst denial."""

    def reckon(rows: Rows) -> Probabilities:
        if rows.memory is None:
            return _best(garments, negated, rows)
        key = (*garments, negated)
        if key not in rows.memory:
            rows.memory[key] = _best(garments, negated, rows)
        return rows.memory[key]

    return reckon


def _best(garments: Sequence[Garment], negated: bool, rows: Rows) -> Probabilities:
    if negated:
        return _bounded(reduce(np.minimum, [garment.denied(rows) for garment in garments]), rows)
    return _bounded(reduce(np.maximum, [garment.probability(rows) for garment in garments]), rows)


def _bounded(probabilities: Probabilities, rows: Rows) -> Probabilities:
    bounded: Probabilities = np.clip(probabilities, rows.dtype(CLAUSE_FLOOR), rows.dtype(1))
    return bounded


def garments(has: Has, planner: Planner) -> list[Garment]:
    """What a clause reads of each attribute that it may mean."""
    asked = _asked(has, planner)
    return [_garment(group, asked) for group in has.attribute]


def _garment(group: str, asked: "dict[str, dict[str, float]]", swatch: str | None = None) -> Garment:
    weights = [
        tuple((column(group, task, label), weight) for label, weight in labels.items())
        for task, labels in asked.items()
    ]
    return Garment(group, tuple(weights), swatch)


def _asked(has: Has, planner: Planner) -> dict[str, dict[str, float]]:
    """For each task that the clause asks, the labels that count and how much."""
    asked = {task: dict.fromkeys(has.labels(task), 1.0) for task in CHARACTERISTICS if has.labels(task)}
    if "color" in asked and planner.confusion is not None:
        rows = [COLORS.index(label) for label in has.color]
        weights = planner.confusion[rows].sum(axis=0)
        asked["color"] = {COLORS[i]: float(w) for i, w in enumerate(weights) if w >= BACK_OFF_MINIMUM}
    return asked


def _alike(like: Like, negated: bool, planner: Planner) -> Plan:
    """Alike in one attribute, or over all clothes and hair that the example shows (their geometric mean)."""
    row = planner.store.row(like.person_id)
    example = planner.store.codes[:, row] / SCALE
    groups = CHARACTERIZED_GROUPS if like.attribute is None else (like.attribute,)
    shown = [group for group in groups if example[column(group, "attribute", "seen")] >= COMPARED]
    if not shown:
        raise ValueError(f"person {like.person_id} visibly wears no {like.attribute or 'clothes'} to be compared with")
    plans = [_best_of([_garment(group, _alike_weights(group, example))], False) for group in shown]

    def reckon(rows: Rows) -> Probabilities:
        logs = sum((np.log(plan(rows)) for plan in plans[1:]), start=np.log(plans[0](rows)))
        found = np.exp(logs / rows.dtype(len(plans)))
        return _bounded(1 - found if negated else found, rows)

    return reckon


def _alike_weights(group: str, example: NDArray[np.floating]) -> dict[str, dict[str, float]]:
    """P(same label), scaled so that whoever is as sure as the example is surely like it."""
    asked: dict[str, dict[str, float]] = {}
    for task in CHARACTERISTICS if group in CHARACTERIZED_GROUPS else ():
        known = {label: float(example[column(group, task, label)]) for label in LABELS[task]}
        known = {label: value for label, value in known.items() if value >= ALIKE_MINIMUM}
        norm = sum(value * value for value in known.values())
        asked[task] = {label: value / norm for label, value in known.items()}
    return asked


def _image_facts(term: Query, store: ColumnStore) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where the term can be judged, and where it holds."""
    everywhere = np.ones(store.count, bool)
    match term:
        case Gallery():
            return everywhere, store.in_gallery(term.name)
        case Camera():
            names = [position for position, name in enumerate(store.camera_names) if name == term.name]
            return store.camera >= 0, np.isin(store.camera, names)
        case People():
            return everywhere, _between(store.people, term.at_least, None if term.at_most is None else term.at_most + 1)
        case Captured():
            start, end = (None if t is None else np.datetime64(t, "s") for t in (term.start, term.end))
            return ~np.isnat(store.captured_at), _between(store.captured_at, start, end)
        case Daytime():
            return ~np.isnat(store.captured_at), _at_daytime(term, store)
    raise TypeError(f"expected a term of a query tree, got {term!r}")


def _between(values: NDArray[np.generic], start: object, end: object) -> NDArray[np.bool_]:
    """start <= value < end; None leaves a side open."""
    holds = np.ones(len(values), bool)
    if start is not None:
        holds &= values >= start  # type: ignore[operator]
    if end is not None:
        holds &= values < end  # type: ignore[operator]
    return holds


def _at_daytime(term: Daytime, store: ColumnStore) -> NDArray[np.bool_]:
    seconds = store.captured_at.view(np.int64) % 86_400
    start, end = (None if t is None else t.hour * 3600 + t.minute * 60 + t.second for t in (term.start, term.end))
    if start is not None and end is not None and end <= start:
        return (seconds >= start) | (seconds < end)
    return _between(seconds, start, end)
