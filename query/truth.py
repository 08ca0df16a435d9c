"""Truth: what the main people of labelled photographs wear, and queries whose right answers follow from it.

Labels are `characteristics.txt` and `characteristics_tagged.txt` of Clothing Co-Parsing (`parsing.ccp_lists`): one line
per item of a photograph's main person, `0035 coat short solid dark`. Truth is three-valued: of an undetermined size
nobody can say whether it is long, so such a person is left out of the queries that ask it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from parsing.ccp_lists import CHARACTERISTICS_LIST, TAGGED_LIST, is_there, list_for
from parsing.labels import CHARACTERISTICS, COLORS
from query.tree import CHARACTERISTIC_WORDS, Has, Not, Query, conjunction

FILES = (CHARACTERISTICS_LIST, TAGGED_LIST)
KINDS = ("one clause", "two clauses", "negated", "pattern", "rare color")

Garments = Mapping[str, Mapping[str, str]]  # attribute group -> task -> label

_GROUPS: Mapping[str, tuple[str, ...]] = {
    "hat": ("Hat",),
    "hair": ("Hair",),
    "gloves": ("Glove",),
    "glasses": ("Glasses",),
    "scarf": ("Scarf",),
    "socks": ("Socks",),
    "coat": ("Coat",),
    "upper": ("UpperClothes",),
    "dress": ("UpperClothes", "Skirt"),
    "skirt": ("Skirt",),
    "pants": ("Pants",),
    "shoes": ("Shoes",),
}
_WORDS = {"undet": "Undetermined", "geom": "Geometrical", "multi": "Multicolor"} | {
    word: label for word, (_, label) in CHARACTERISTIC_WORDS.items()
}
_LACKABLE = ("Hat", "Glasses", "Scarf", "Coat", "Socks")
_MAIN = ("Coat", "UpperClothes", "Skirt", "Pants", "Shoes", "Hair")
_LEAST = 2  # right answers of a query: with one, chance decides
_MOST = 0.5  # a query that fits more of the people than this teaches little


@dataclass(frozen=True)
class Question:
    """A query, and for each photograph whether its main person is a right answer; None if nobody can say."""

    kind: str
    query: Query
    answers: tuple[bool | None, ...]

    @property
    def right(self) -> NDArray[np.bool_]:
        """Who is a right answer, (N,)."""
        return np.array([answer is True for answer in self.answers])

    @property
    def known(self) -> NDArray[np.bool_]:
        """Of whom it can be said, (N,)."""
        return np.array([answer is not None for answer in self.answers])


def read_truth(root: Path, wanted: Callable[[int], bool]) -> dict[str, Garments]:
    """Photo number (`0035`) -> what its main person wears, for the photographs that are `wanted`.

    Raises:
        FileNotFoundError: the folder is not there, or holds no photographs.
        ValueError: a line is not as expected.
    """
    if not (root / "photos").is_dir():
        raise FileNotFoundError(
            f"no photographs in {root}/photos; expected a clone of Clothing Co-Parsing, pass its folder"
        )
    found: dict[str, dict[str, dict[str, str]]] = {}
    for name in FILES:
        path = list_for(root, name)
        for position, line in enumerate(path.read_text().splitlines(), start=1):
            number, groups, labels = _item(line, f"{path}, line {position}")
            if wanted(int(number)) and is_there(root, path, number):
                garments = found.setdefault(number, {})
                for group in groups:
                    garments[group] = _of_group(group, groups, labels)
    return dict(sorted(found.items()))


def _item(line: str, where: str) -> tuple[str, tuple[str, ...], dict[str, str]]:
    """Photo number, attribute groups, labels; no group for an item that is not there after all."""
    parts = line.split()
    if len(parts) != 5 or parts[1] not in _GROUPS:
        raise ValueError(f"expected `photo item size pattern color` with a known item in {where}, got {line!r}")
    number, item, size, pattern, color = parts
    if size == "absent":
        return number, (), {}
    if unknown := {size, pattern, color} - _WORDS.keys():
        raise ValueError(f"expected labels of LABELLING.md in {where}, got {', '.join(sorted(unknown))}")
    return number, _GROUPS[item], {"size": _WORDS[size], "pattern": _WORDS[pattern], "color": _WORDS[color]}


def _of_group(group: str, groups: Sequence[str], labels: dict[str, str]) -> dict[str, str]:
    """The size of a dress is that of its skirt; of its upper part nothing is said."""
    if len(groups) > 1 and group == "UpperClothes":
        return {**labels, "size": "Undetermined"}
    return labels


def answer(query: Query, garments: Garments) -> bool | None:
    """Whether the query is true of somebody who wears this; None if nobody can say. For Has, Not and And of them."""
    if isinstance(query, Not):
        inner = answer(query.term, garments)
        return None if inner is None else not inner
    if isinstance(query, Has):
        return _has(query, garments)
    terms = [answer(term, garments) for term in getattr(query, "terms", ())]
    if False in terms:
        return False
    return None if None in terms else True


def _has(has: Has, garments: Garments) -> bool | None:
    unknown = False
    for group in has.attribute:
        facts = [_task_holds(has, task, garments[group]) for task in CHARACTERISTICS] if group in garments else [False]
        if False not in facts:
            if None not in facts:
                return True
            unknown = True
    return None if unknown else False


def _task_holds(has: Has, task: str, labels: Mapping[str, str]) -> bool | None:
    if not has.labels(task) or labels[task] in has.labels(task):
        return True
    return None if labels[task] == "Undetermined" else False


def questions(people: Sequence[Garments], *, seed: int = 0, per_kind: int = 100) -> list[Question]:
    """Described queries with at least two right answers, at most `per_kind` of each of `KINDS`."""
    rng = np.random.default_rng(seed)
    found: list[Question] = []
    for kind, queries in _candidates(people).items():
        asked = [Question(kind, query, tuple(answer(query, one) for one in people)) for query in queries]
        fitting = [one for one in asked if _LEAST <= one.answers.count(True) <= _MOST * len(people)]
        chosen = rng.permutation(len(fitting))[:per_kind]
        found += [fitting[position] for position in sorted(chosen)]
    return found


def _candidates(people: Sequence[Garments]) -> dict[str, list[Query]]:
    colored = _seen(people, "color")
    sized = [has for has in _seen(people, "size") if has.size != ("Undetermined",)]
    patterned = [has for has in _seen(people, "pattern") if has.pattern != ("Solid",)]
    worn_together = [
        conjunction(pair)
        for pair in combinations([has for has in colored if has.attribute[0] in _MAIN], 2)
        if pair[0].attribute != pair[1].attribute
    ]
    rare = _rare_colors(people)
    return {
        "one clause": [*colored, *sized],
        "two clauses": list(worn_together),
        "negated": [
            conjunction((has, Not(Has((lack,))))) for has in colored for lack in _LACKABLE if lack not in has.attribute
        ],
        "pattern": list(patterned),
        "rare color": [has for has in colored if has.color[0] in rare],
    }


def _seen(people: Sequence[Garments], task: str) -> list[Has]:
    """Every clause of one attribute and one label of the task that is true of somebody."""
    pairs = sorted({(group, labels[task]) for one in people for group, labels in one.items()})
    return [_clause(group, task, label) for group, label in pairs]


def _clause(group: str, task: str, label: str) -> Has:
    asked: dict[str, tuple[str, ...]] = {task: (label,)}
    return Has((group,), asked.get("size", ()), asked.get("pattern", ()), asked.get("color", ()))


def _rare_colors(people: Sequence[Garments]) -> set[str]:
    """The half of the colors that the fewest garments have."""
    worn = [labels["color"] for one in people for labels in one.values()]
    return set(sorted(COLORS, key=worn.count)[: len(COLORS) // 2])
