"""Lexicon: what English phrases may mean for a query, read from lexicon.toml and found in a sentence.

A phrase can have several senses at once ("plaid" is a pattern and the noun of one); the grammar takes the one that
fits its place.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.matcher import PhraseMatcher
from spacy.tokens import Doc

from query.tree import CHARACTERISTIC_WORDS, Clause, Has, clauses, parse_query

LEXICON_FILE = Path(__file__).with_name("lexicon.toml")

_TABLES = {
    "colors": "color",
    "shades": "shade",
    "patterns": "pattern",
    "pattern_nouns": "pattern_noun",
    "sizes": "size",
    "lengths": "length",
    "sleeves": "sleeve",
    "neutral": "neutral",
    "persons": "person",
    "words": "roles",
    "hedges": "hedge",
    "parts": "part",
    "body": "body",
    "reach": "reach",
    "objects": "object",
    "names": "name",
}
_LABEL_TASKS = {"color": "color", "pattern": "pattern", "pattern_noun": "pattern", "size": "size", "sleeve": "size"}
_GARMENT_KEYS = {"means", "phrases", "plural", "main", "attributive", "trait", "facial"}


class LexiconError(ValueError):
    """The lexicon's file does not follow its schema."""


@dataclass(frozen=True)
class Garment:
    """What a garment's name stands for.

    Args:
        means: one clause for each thing that it is on a person, with default characteristics; a dress is two.
        main: a plain main garment, to which a color passes in "black pants and shirt".
        attributive: may stand as an adjective before another garment.
        trait: an adjective of the person.
        facial: hair of the face.
    """

    means: tuple[Clause, ...]
    main: bool = False
    attributive: bool = False
    trait: bool = False
    facial: bool = False

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """Every attribute group that it may be."""
        return tuple(dict.fromkeys(group for clause in self.means for group in clause.has.attribute))

    @property
    def covers_torso(self) -> bool:
        """Whether it has sleeves to speak of."""
        return bool({"UpperClothes", "Coat"} & set(self.attributes))


def some_garment(*attribute: str, main: bool = False) -> Garment:
    """A garment of which no more is known than its attribute, one of those named."""
    return Garment((Clause(Has(attribute), negated=False),), main=main)


CLOTHING = some_garment("UpperClothes", "Coat")


@dataclass(frozen=True)
class Entry:
    """The senses of one phrase; None, "" or () where it lacks one.

    Args:
        garment: what it is as a garment, an accessory or hair.
        color, pattern, pattern_noun, size, sleeve: acceptable labels.
        length: "knee", "waist", "shoulder", "high", "large" or "small", whose label depends on the garment.
        shade: "dark", "light" or "same", said of the color that follows.
        neutral: said of clothes, but of none of the labels.
        person: "male", "female" or "any"; `group` if another person noun may name its members.
        part: "colored" or "plain" part of a garment.
        body: "parts" for a part of the body.
        reach: how far down something comes that reaches it: "neck", "shoulder", "thigh", "knee" or "foot"; what lies in
            a "hand" or over an "arm" is not worn.
        object: a thing that is no garment.
        name: also a first name.
        hedge: the weight that the phrase leaves to a clause.
        roles: its roles in the grammar (`[words]` in the file).
    """

    garment: Garment | None = None
    color: tuple[str, ...] = ()
    pattern: tuple[str, ...] = ()
    pattern_noun: tuple[str, ...] = ()
    size: tuple[str, ...] = ()
    sleeve: tuple[str, ...] = ()
    length: str = ""
    shade: str = ""
    neutral: bool = False
    person: str = ""
    group: bool = False
    part: str = ""
    body: str = ""
    reach: str = ""
    object: bool = False
    name: bool = False
    hedge: float | None = None
    roles: frozenset[str] = frozenset()

    @cached_property
    def modifies(self) -> bool:
        """Whether it may stand before a noun and say something of it."""
        said = self.color or self.pattern or self.size or self.sleeve or self.length or self.shade
        return bool(said) or self.neutral


NOTHING = Entry()


@dataclass(frozen=True)
class Vocabulary:
    """What the file holds.

    Args:
        entries: every phrase, in lower case with its hyphens, and its senses.
        typos: misspellings that no edit distance finds, and the phrase meant.
        plain: ordinary words that are one letter away from a word of the lexicon and are no misspellings.
    """

    entries: Mapping[str, Entry]
    typos: Mapping[str, str]
    plain: frozenset[str]


def read_vocabulary(path: Path = LEXICON_FILE) -> Vocabulary:
    """The lexicon's file, checked.

    Raises:
        LexiconError: a table, a key or a label is not known; the message names it and what may stand there.
    """
    with path.open("rb") as file:
        tables = tomllib.load(file)
    known = _TABLES.keys() | {"garment", "typos", "plain"}
    if unknown := tables.keys() - known:
        raise LexiconError(f"{path.name} has unknown tables {sorted(unknown)}; expected {sorted(known)}")
    entries = _read_entries(tables)
    typos = {typo: meant for meant, typos in tables.get("typos", {}).items() for typo in typos}
    if unknown := set(typos.values()) - entries.keys():
        raise LexiconError(
            f"[typos] means {sorted(unknown)}, which the lexicon does not know; add them or correct them"
        )
    return Vocabulary(entries, typos, frozenset(tables.get("plain", {}).get("words", ())))


def _read_entries(tables: Mapping[str, Any]) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for row in tables.get("garment", []):
        _add_garment(entries, row)
    for table, sense in _TABLES.items():
        for value, phrases in tables.get(table, {}).items():
            for phrase in phrases:
                _add_sense(entries, phrase, sense, value)
    return entries


def plural_of(phrase: str) -> str:
    """The regular plural of an English noun phrase."""
    if re.search(r"(s|x|ch|sh)$", phrase):
        return phrase + "es"
    return phrase + "s"


def spellings(phrase: str) -> Iterator[str]:
    """The phrase with its hyphens kept, as spaces and written together, its spaces as hyphens; British; past."""
    yield phrase
    if "-" in phrase:
        yield phrase.replace("-", " ")
        yield phrase.replace("-", "")
    if " " in phrase:
        yield phrase.replace(" ", "-")
    if "'" in phrase:
        yield phrase.replace("'", " ' ")
    if " is " in phrase or " are " in phrase:
        yield phrase.replace(" is ", " was ").replace(" are ", " were ")
    if "color" in phrase:
        yield from spellings(phrase.replace("color", "colour"))


class Lexicon:
    """Finds known phrases in a sentence, ignoring case."""

    def __init__(self, nlp: Language, entries: Mapping[str, Entry]) -> None:
        self.entries: dict[str, Entry] = {}
        for phrase, entry in entries.items():
            for way in spellings(phrase):
                self.entries[way] = _merged(self.entries.get(way, NOTHING), entry)
        self.words = frozenset(word for phrase in self.entries for word in re.findall(r"[a-z]+", phrase))
        self.matcher = PhraseMatcher(nlp.vocab, attr="LOWER")
        for phrase, doc in zip(self.entries, map(nlp.make_doc, self.entries), strict=True):
            self.matcher.add(phrase, [doc])
        self._by_key = {nlp.vocab.strings[phrase]: entry for phrase, entry in self.entries.items()}

    def find(self, doc: Doc) -> dict[int, tuple[int, Entry]]:
        """Phrases of `doc` by their first token: the token behind the last one, and the senses.

        Where two overlap, the longer one; of equal ones the first.
        """
        found: dict[int, tuple[int, Entry]] = {}
        taken: set[int] = set()
        for key, start, end in sorted(self.matcher(doc), key=lambda match: (match[1] - match[2], match[1])):
            if taken.isdisjoint(range(start, end)):
                taken.update(range(start, end))
                found[start] = (end, self._by_key[key])
        return found


def _merged(one: Entry, other: Entry) -> Entry:
    """The senses of both; the first one's where both have the same sense."""
    senses = {sense.name: getattr(one, sense.name) or getattr(other, sense.name) for sense in fields(Entry)}
    return Entry(**senses | {"roles": one.roles | other.roles})


def _add_garment(entries: dict[str, Entry], row: Mapping[str, Any]) -> None:
    if unknown := row.keys() - _GARMENT_KEYS:
        raise LexiconError(f"a garment has unknown keys {sorted(unknown)}; expected some of {sorted(_GARMENT_KEYS)}")
    try:
        means = clauses(parse_query(row["means"]))
    except ValueError as error:
        raise LexiconError(f"garment {row.get('phrases', ['?'])[0]!r}: {error}") from error
    flags = {key: bool(row.get(key)) for key in ("main", "attributive", "trait", "facial")}
    garment = Garment(means, **flags)
    for phrase in _with_plurals(row["phrases"], plural=row.get("plural", True)):
        entries[phrase] = replace(entries.get(phrase, NOTHING), garment=garment)


def _with_plurals(phrases: Iterable[str], *, plural: bool) -> Iterator[str]:
    for phrase in phrases:
        yield phrase
        if plural and not re.search(r"[^s]s$", phrase):
            yield plural_of(phrase)


def _add_sense(entries: dict[str, Entry], phrase: str, sense: str, value: str) -> None:
    old = entries.get(phrase, NOTHING)
    change: dict[str, Any]
    if sense in _LABEL_TASKS:
        change = {sense: _labels(value, _LABEL_TASKS[sense])}
    elif sense == "roles":
        change = {"roles": old.roles | {value}}
    elif sense == "hedge":
        change = {"hedge": float(value)}
    elif sense == "person":
        change = {"group": True} if value == "groups" else {"person": value}
    else:
        change = {sense: True if sense in ("neutral", "object", "name") else value}
    entries[phrase] = replace(old, **change)


def _labels(words: str, task: str) -> tuple[str, ...]:
    labels = []
    for word in words.split("|"):
        known_task, label = CHARACTERISTIC_WORDS.get(word, ("", ""))
        if known_task != task:
            expected = [name for name, (of_task, _) in CHARACTERISTIC_WORDS.items() if of_task == task]
            raise LexiconError(f"{word!r} is no {task}; expected one of {', '.join(expected)}")
        labels.append(label)
    return tuple(labels)
