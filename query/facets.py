"""Facets: how many of the matches wear what, and which question would split them best."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.columns import ColumnStore, pack
from index.descriptor import CHARACTERIZED_GROUPS, PRESENCE, column
from parsing.labels import ATTRIBUTE_GROUPS, CHARACTERISTICS, LABELS
from query.tree import Has, Like, Query, Swatch, leaves

NOT_REMEMBERED = ("Face", "Torso-skin")  # that these could be seen is no answer that anybody can give


@dataclass(frozen=True)
class Facet:
    """Winning labels of one task of one attribute group among the matches.

    `counts` has every label of the task, seen and absent for task `attribute`; the rest of the people cannot be judged.
    """

    attribute: str
    task: str
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Question:
    """A facet worth asking for: `gain` is the information that its answer would give, in bits."""

    facet: Facet
    gain: float


def facet_counts(store: ColumnStore, matched: NDArray[np.bool_]) -> tuple[Facet, ...]:
    """All facets of the people that `matched`, (N,) bool, marks."""
    wanted = pack(matched).view(np.uint64)
    labels = store.bits.view(np.uint64)
    return tuple(
        Facet(group, task, {label: _common(wanted, labels[column(group, task, label)]) for label in names})
        for group, task, names in _tasks()
    )


def best_question(facets: Sequence[Facet], total: int, asked: Query) -> Question | None:
    """The facet that splits `total` matches best, of those that the query says nothing about; None if none splits."""
    known = {key for leaf, _ in leaves(asked) for key in _asked(leaf)}
    gains = [
        Question(facet, _entropy(facet, total))
        for facet in facets
        if (facet.attribute, facet.task) not in known and facet.attribute not in NOT_REMEMBERED
    ]
    best = max(gains, key=lambda question: question.gain, default=None)
    return best if best is not None and best.gain > 0 else None


def _asked(leaf: Query) -> list[tuple[str, str]]:
    """Attribute group and task of all that a leaf speaks of."""
    match leaf:
        case Has():
            tasks = [task for task in CHARACTERISTICS if leaf.labels(task)]
            return [(group, task) for group in leaf.attribute for task in ("attribute", *tasks)]
        case Swatch():
            return [(group, task) for group in leaf.attribute for task in ("attribute", "color")]
        case Like(attribute=str(group)):
            return [(group, task) for task in ("attribute", *CHARACTERISTICS)]
        case _:
            return []


def _tasks() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for group in ATTRIBUTE_GROUPS:
        yield group, "attribute", PRESENCE
        for task in CHARACTERISTICS if group in CHARACTERIZED_GROUPS else ():
            yield group, task, LABELS[task]


def _common(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> int:
    return int(np.bitwise_count(first & second).sum(dtype=np.int64))


def _entropy(facet: Facet, total: int) -> float:
    """Of the answer: one of the labels, or that it cannot be judged, which teaches nothing and counts as no answer."""
    counts = np.array([count for label, count in facet.counts.items() if count and label != "Undetermined"])
    judged = counts.sum()
    if total == 0 or judged == 0:
        return 0.0
    shares = counts / judged
    return float(judged / total * -(shares * np.log2(shares)).sum())
