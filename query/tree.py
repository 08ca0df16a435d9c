"""Tree: the only form of a query, and its compact text, which lives in URLs and saved searches.

`coat:red,long -hat pants:(blue|dark)` is a red long coat, no hat, and pants that may be blue or dark. Terms side by
side must all hold, `or` separates alternatives, `-` denies, `^0.5` lowers a clause's weight, parentheses group.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time

from parsing.labels import ATTRIBUTE_GROUPS, CHARACTERISTICS, CHARACTERIZED, LABELS, members

# Labels as one writes them: `Short/small` is `short`, `UpperClothes` is `upperclothes`.
ATTRIBUTE_WORDS: Mapping[str, str] = {group.lower(): group for group in ATTRIBUTE_GROUPS}
CHARACTERISTIC_WORDS: Mapping[str, tuple[str, str]] = {
    label.lower().split("/")[0]: (task, label) for task in CHARACTERISTICS for label in LABELS[task]
}
_WORDS: Mapping[str, str] = {group: word for word, group in ATTRIBUTE_WORDS.items()} | {
    label: word for word, (_, label) in CHARACTERISTIC_WORDS.items()
}


@dataclass(frozen=True)
class Has:
    """The person has one of these attributes, with these characteristics.

    Args:
        attribute: `labels.ATTRIBUTE_GROUPS`, alternatives, best first.
        size, pattern, color: labels that are all acceptable, best first; () is not asked.
        weight: how much the clause counts, above 0; a hedge ("maybe") is below 1.
    """

    attribute: tuple[str, ...]
    size: tuple[str, ...] = ()
    pattern: tuple[str, ...] = ()
    color: tuple[str, ...] = ()
    weight: float = 1.0

    def __post_init__(self) -> None:
        _check_attributes(self.attribute)
        for task in CHARACTERISTICS:
            _check_labels(task, self.labels(task), LABELS[task])
        if any(self.labels(task) for task in CHARACTERISTICS):
            _check_characterized(self.attribute)
        _check_weight(self.weight)

    def labels(self, task: str) -> tuple[str, ...]:
        """The acceptable labels of `task`: attribute, size, pattern or color."""
        labels: tuple[str, ...] = getattr(self, task)
        return labels


@dataclass(frozen=True)
class Swatch:
    """The person has one of these attributes in a free colour, `#rrggbb` in lower case."""

    attribute: tuple[str, ...]
    color: str
    weight: float = 1.0

    def __post_init__(self) -> None:
        _check_attributes(self.attribute)
        _check_characterized(self.attribute)
        _check_weight(self.weight)
        if not re.fullmatch("#[0-9a-f]{6}", self.color):
            raise ValueError(f"a swatch is written #rrggbb with digits 0-9 and a-f, got {self.color!r}")


@dataclass(frozen=True)
class Like:
    """The person looks like another one: in one attribute group, or all over where `attribute` is None."""

    person_id: int
    attribute: str | None = None
    weight: float = 1.0

    def __post_init__(self) -> None:
        if self.person_id < 0:
            raise ValueError(f"a person's id is 0 or more, got {self.person_id}")
        if self.attribute is not None:
            _check_attributes((self.attribute,))
        _check_weight(self.weight)


@dataclass(frozen=True)
class Captured:
    """The image was taken at `start` or later, and before `end`; None leaves that side open. Camera's local time."""

    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        _check_range("captured", self.start, self.end)
        if any(moment is not None and moment.tzinfo is not None for moment in (self.start, self.end)):
            raise ValueError("captured expects local times without a UTC offset; drop the offset")
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError(f"captured must start before it ends, got {self.start} .. {self.end}")


@dataclass(frozen=True)
class Daytime:
    """The image was taken at this time of any day: `start` or later, before `end`. It may pass midnight."""

    start: time | None = None
    end: time | None = None

    def __post_init__(self) -> None:
        _check_range("daytime", self.start, self.end)
        if any(moment is not None and moment.tzinfo is not None for moment in (self.start, self.end)):
            raise ValueError("daytime expects local times without a UTC offset; drop the offset")


@dataclass(frozen=True)
class Camera:
    """The image comes from the camera of this name."""

    name: str

    def __post_init__(self) -> None:
        _check_name("camera", self.name)


@dataclass(frozen=True)
class Gallery:
    """The image lies in the gallery of this name."""

    name: str

    def __post_init__(self) -> None:
        _check_name("gallery", self.name)


@dataclass(frozen=True)
class People:
    """The image shows this many people, both ends included; None leaves that side open."""

    at_least: int | None = None
    at_most: int | None = None

    def __post_init__(self) -> None:
        _check_range("people", self.at_least, self.at_most)
        if min(self.at_least or 0, self.at_most or 0) < 0:
            raise ValueError(f"people counts are 0 or more, got {self.at_least} .. {self.at_most}")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"people expects the smaller number first, got {self.at_least} .. {self.at_most}")


@dataclass(frozen=True)
class Not:
    """The term does not hold."""

    term: "Query"


@dataclass(frozen=True)
class And:
    """All of two or more terms hold."""

    terms: "tuple[Query, ...]"

    def __post_init__(self) -> None:
        _check_terms("And", self.terms)


@dataclass(frozen=True)
class Or:
    """At least one of two or more terms holds."""

    terms: "tuple[Query, ...]"

    def __post_init__(self) -> None:
        _check_terms("Or", self.terms)


ImageTerm = Captured | Daytime | Camera | Gallery | People
Query = Has | Swatch | Like | ImageTerm | Not | And | Or


@dataclass(frozen=True)
class Clause:
    """A leaf of the tree, and whether an odd number of denials stands above it."""

    has: Has
    negated: bool

    @property
    def weight(self) -> float:
        """The clause's weight, 1.0 unless hedged."""
        return self.has.weight

    @property
    def text(self) -> str:
        """The clause alone in compact text."""
        return format_query(Not(self.has) if self.negated else self.has)


def conjunction(terms: "tuple[Query, ...]") -> Query:
    """One term as it is, several under And.

    Raises:
        ValueError: no term at all.
    """
    return terms[0] if len(terms) == 1 else And(terms)


def leaves(tree: Query) -> Iterator[tuple[Query, bool]]:
    """Every leaf in reading order, with True where it is denied."""
    stack: list[tuple[Query, bool]] = [(tree, False)]
    while stack:
        term, negated = stack.pop()
        if isinstance(term, Not):
            stack.append((term.term, not negated))
        elif isinstance(term, And | Or):
            stack.extend((part, negated) for part in reversed(term.terms))
        else:
            yield term, negated


def clauses(tree: Query) -> tuple[Clause, ...]:
    """The Has leaves in reading order: what chips show and `explain` prints."""
    return tuple(Clause(leaf, negated) for leaf, negated in leaves(tree) if isinstance(leaf, Has))


def format_query(tree: Query) -> str:
    """Compact text of the tree; `parse_query` gives the same tree back."""
    if isinstance(tree, And):
        return " ".join(_format_term(term) for term in tree.terms)
    if isinstance(tree, Or):
        return " or ".join(_format_term(term) for term in tree.terms)
    return _format_term(tree)


def parse_query(text: str) -> Query:
    """The tree of a compact text.

    Raises:
        ValueError: the text is not in the compact form; the message says where, and what may stand there.
    """
    reader = _Reader(text)
    tree = reader.alternatives()
    if reader.rest():
        raise ValueError(f"expected a term or the end of the query, got {reader.rest()!r}")
    return tree


def _check_attributes(attributes: tuple[str, ...]) -> None:
    if not attributes:
        raise ValueError(f"a clause needs an attribute; expected some of {', '.join(ATTRIBUTE_GROUPS)}")
    _check_labels("attribute", attributes, ATTRIBUTE_GROUPS)


def _check_labels(task: str, labels: tuple[str, ...], known: tuple[str, ...]) -> None:
    for label in labels:
        if label not in known:
            raise ValueError(f"{task} {label!r} is not known; expected some of {', '.join(known)}")
    if len(set(labels)) < len(labels):
        raise ValueError(f"each {task} label may stand once in a clause, got {', '.join(labels)}")


def _check_characterized(attributes: tuple[str, ...]) -> None:
    for group in attributes:
        if members(group)[0] not in CHARACTERIZED:
            raise ValueError(f"size, pattern and color are known of clothes and hair only, not of {group}; ask it bare")


def _check_weight(weight: float) -> None:
    if not (math.isfinite(weight) and weight > 0):
        raise ValueError(f"a weight is a finite number above 0, got {weight}")


def _check_range(name: str, first: object, last: object) -> None:
    if first is None and last is None:
        raise ValueError(f"{name} needs a first or a last value; leave the term out to allow all")


def _check_name(name: str, value: str) -> None:
    if not value:
        raise ValueError(f"{name} expects a name, got an empty one")


def _check_terms(name: str, terms: "tuple[Query, ...]") -> None:
    if len(terms) < 2:
        raise ValueError(f"{name} joins two terms or more, got {len(terms)}; use the term itself")


def _format_term(term: Query) -> str:
    match term:
        case And() | Or():
            return f"({format_query(term)})"
        case Not():
            return f"-{_format_term(term.term)}"
        case Has():
            values = [_format_labels(labels) for labels in (term.color, term.size, term.pattern) if labels]
            head = _format_labels(term.attribute)
            return f"{head}:{','.join(values)}{_format_weight(term)}" if values else head + _format_weight(term)
        case Swatch():
            return f"{_format_labels(term.attribute)}:{term.color}{_format_weight(term)}"
        case Like():
            prefix = "" if term.attribute is None else f"{_WORDS[term.attribute]}:"
            return f"{prefix}like:{term.person_id}{_format_weight(term)}"
        case _:
            return _format_image_term(term)


def _format_image_term(term: ImageTerm) -> str:
    match term:
        case Camera():
            return f"camera:{_format_name(term.name)}"
        case Gallery():
            return f"gallery:{_format_name(term.name)}"
        case Captured():
            return f"captured:{_format_moment(term.start)}..{_format_moment(term.end)}"
        case Daytime():
            return f"daytime:{_format_moment(term.start)}..{_format_moment(term.end)}"
        case People():
            low, high = ("" if count is None else str(count) for count in (term.at_least, term.at_most))
            return f"people:{low}" if low == high else f"people:{low}..{high}"


def _format_labels(labels: tuple[str, ...]) -> str:
    words = [_WORDS[label] for label in labels]
    return words[0] if len(words) == 1 else f"({'|'.join(words)})"


def _format_weight(term: Has | Swatch | Like) -> str:
    return "" if term.weight == 1 else f"^{float(term.weight)!r}"


def _format_moment(moment: datetime | time | None) -> str:
    return "" if moment is None else moment.isoformat()


def _format_name(name: str) -> str:
    return name if _BARE_NAME.fullmatch(name) else json.dumps(name)


_BARE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")
_QUOTED_NAME = re.compile(r'"(?:[^"\\]|\\.)*"')
_LABELS = r"[a-z][a-z-]*|\([a-z][a-z-]*(?:\|[a-z-]+)+\)"
_DEPTH = 100  # of nesting that is read, far below Python's recursion limit: the text may come from anyone's URL
_HEAD = re.compile(_LABELS, re.IGNORECASE)
_VALUE = re.compile(rf"#[0-9a-f]{{6}}|like:[0-9]+|{_LABELS}", re.IGNORECASE)
_WEIGHT = re.compile(r"\^([0-9][0-9.]*(?:e[+-]?[0-9]+)?)", re.IGNORECASE)
_KEY = re.compile(r"(captured|daytime|camera|gallery|people|like):", re.IGNORECASE)
_RANGE = re.compile(r"([0-9T:.\-]*?)\.\.([0-9T:.\-]*)|([0-9]+)", re.IGNORECASE)
_OR = re.compile(r"or(?![^\s()])", re.IGNORECASE)
_SPACE = re.compile(r"\s*")
_ITEM = re.compile(r"\S*")


class _Reader:
    """Reads one compact text from left to right (recursive descent)."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.depth = 0

    def rest(self) -> str:
        """What is not read yet, without leading spaces."""
        self.take(_SPACE)
        return self.text[self.position :]

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """The match at the present position, which then moves behind it."""
        if found := pattern.match(self.text, self.position):
            self.position = found.end()
        return found

    def take_text(self, text: str) -> bool:
        """Whether `text` stands here; it is then read."""
        if found := self.text.startswith(text, self.position):
            self.position += len(text)
        return found

    def fail(self, expected: str) -> ValueError:
        """The error for something else than `expected` at the present position."""
        found = _ITEM.match(self.text, self.position)
        came = repr(found.group()) if found and found.group() else "the end"
        return ValueError(f"expected {expected} at character {self.position + 1} of {self.text!r}, got {came}")

    def alternatives(self) -> Query:
        """Terms joined by `or`, the weakest joint."""
        parts = [self.side_by_side()]
        while self.rest() and self.take(_OR):
            parts.append(self.side_by_side())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def side_by_side(self) -> Query:
        """Terms side by side, at least one."""
        terms = [self.term()]
        while self.rest() and not _OR.match(self.text, self.position) and not self.rest().startswith(")"):
            terms.append(self.term())
        return conjunction(tuple(terms))

    def term(self) -> Query:
        """One term: denied, in parentheses, or a leaf."""
        self.depth += 1
        if self.depth > _DEPTH:
            raise ValueError(f"a query nests at most {_DEPTH} terms deep; simplify it")
        tree = self.denied_or_plain()
        self.depth -= 1
        return tree

    def denied_or_plain(self) -> Query:
        """One term at the present depth."""
        self.take(_SPACE)
        if self.take_text("-"):
            return Not(self.term())
        if key := self.take(_KEY):
            return self.keyed(key.group(1).lower())
        if (head := _HEAD.match(self.text, self.position)) is not None and head.group().lower() != "or":
            return self.clause()
        if self.take_text("("):
            return self.group()
        raise self.fail(f"an attribute ({', '.join(ATTRIBUTE_WORDS)}), like:, captured:, camera:, gallery: or people:")

    def group(self) -> Query:
        """The rest of a parenthesised query."""
        tree = self.alternatives()
        if not self.take_text(")"):
            raise self.fail("')'")
        return tree

    def clause(self) -> Has | Swatch | Like:
        """An attribute with what is asked of it."""
        attribute = self.labels(self.take(_HEAD), ATTRIBUTE_WORDS, "an attribute")
        if not self.take_text(":"):
            return Has(attribute, weight=self.weight())
        asked: dict[str, tuple[str, ...]] = {}
        while True:
            value = self.take(_VALUE)
            if value is not None and value.group().startswith("#"):
                return Swatch(attribute, value.group().lower(), self.weight())
            if value is not None and value.group().lower().startswith("like:"):
                return self.like(attribute, int(value.group()[5:]))
            self.characteristic(value, asked)
            if not self.take_text(","):
                return Has(attribute, **asked, weight=self.weight())

    def like(self, attribute: tuple[str, ...], person_id: int) -> Like:
        """`coat:like:12`, which names one attribute."""
        if len(attribute) > 1:
            raise ValueError(f"like: expects one attribute before it, got {', '.join(attribute)}")
        return Like(person_id, attribute[0], self.weight())

    def characteristic(self, found: re.Match[str] | None, asked: dict[str, tuple[str, ...]]) -> None:
        """Adds one value, or alternatives in parentheses, to what is asked of a garment."""
        tasks = {word: task for word, (task, _) in CHARACTERISTIC_WORDS.items()}
        names = {word: label for word, (_, label) in CHARACTERISTIC_WORDS.items()}
        labels = self.labels(found, names, "a size, pattern or color")
        task = {tasks[_WORDS[label]] for label in labels}
        if len(task) > 1 or task & asked.keys():
            raise ValueError(f"each of size, pattern and color is asked once in a clause, got {self.text!r}")
        asked[task.pop()] = labels

    def labels(self, found: re.Match[str] | None, known: Mapping[str, str], expected: str) -> tuple[str, ...]:
        """The labels that one word, or words in parentheses, stand for."""
        if found is None:
            raise self.fail(f"{expected} ({', '.join(known)})")
        words = found.group().lower().strip("()").split("|")
        for word in words:
            if word not in known:
                self.position = found.start()
                raise ValueError(f"{word!r} is not {expected}; expected one of {', '.join(known)}")
        return tuple(known[word] for word in words)

    def weight(self) -> float:
        """The number after `^`, 1.0 without one."""
        if not self.take_text("^"):
            return 1.0
        self.position -= 1
        if found := self.take(_WEIGHT):
            return float(found.group(1))
        raise self.fail("a weight such as ^0.5")

    def keyed(self, key: str) -> Query:
        """The term behind `key:`."""
        if key in ("camera", "gallery"):
            return Camera(self.name()) if key == "camera" else Gallery(self.name())
        found = self.take(_RANGE)
        if found is None:
            raise self.fail(f"a value for {key}: such as {_EXAMPLES[key]}")
        if key == "like":
            return Like(_number(found.group(), key), None, self.weight())
        first, last = (found.group(3),) * 2 if found.group(3) else found.group(1, 2)
        return _image_term(key, first, last)

    def name(self) -> str:
        """A bare or quoted name."""
        if found := self.take(_QUOTED_NAME):
            return str(json.loads(found.group()))
        if found := self.take(_BARE_NAME):
            return found.group()
        raise self.fail('a name, in "quotes" where it has spaces')


_EXAMPLES = {
    "captured": "2026-05-01T08:00:00..2026-05-02T00:00:00",
    "daytime": "17:00:00..",
    "people": "2, 2..5 or 3..",
    "like": "12",
}


def _image_term(key: str, first: str, last: str) -> Query:
    if key == "people":
        low, high = (_number(count, key) if count else None for count in (first, last))
        return People(low, high)
    read: Callable[[str], datetime | time] = datetime.fromisoformat if key == "captured" else time.fromisoformat
    try:
        start, end = (read(moment) if moment else None for moment in (first, last))
    except ValueError as error:
        raise ValueError(f"{key}: expects times such as {_EXAMPLES[key]}, got {first}..{last}") from error
    return Captured(start, end) if key == "captured" else Daytime(start, end)  # type: ignore[arg-type]


def _number(text: str, key: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ValueError(f"{key}: expects a number such as {_EXAMPLES[key]}, got {text!r}")
    return int(text)
