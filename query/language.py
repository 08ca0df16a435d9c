"""Language: what a sentence asks, as a query tree, and what of it could not be asked.

A blank English spaCy pipeline (tokenizer only, no trained model) with two components of ours: one finds the lexicon's
words and mends misspellings, the other reads the grammar. They leave their results on the Doc, as `doc._.units` and
`doc._.reading`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokenizer import Tokenizer
from spacy.tokens import Doc
from spacy.util import compile_infix_regex, compile_prefix_regex, compile_suffix_regex

from query.grammar import Reading, read_sentence
from query.lexicon import Lexicon, read_vocabulary
from query.meaning import garment_terms
from query.moments import ImagePhrase, find_image_phrases
from query.slots import find_slots
from query.spelling import Speller
from query.tree import ATTRIBUTE_WORDS, Clause, Not, Query, clauses, conjunction, format_query, leaves, parse_query
from query.units import Unit, read_units

EXAMPLES = ("man with red long coat", "blue or dark jeans, no hat", "striped shirt and glasses", "long blond hair")
_ASK = "ask for clothes, hair or accessories, such as " + ", ".join(f'"{example}"' for example in EXAMPLES)

Span = tuple[str, int, int]  # words of the text, and their characters: first, and the one behind the last

_COMPACT = re.compile(r"\w:[\w(#\"]|[|^]|(?:^|[\s(])-\(?\w|\.\.\d")
_JOINED = r"(?<=[A-Za-z])[+=](?=[A-Za-z])"  # "red+black"
_STROKE = r"(?<=[A-Za-z]{3})/"  # "red hat/ blue scarf", not "w/"
_SPACED_SLOT = re.compile(rf"\b({'|'.join(ATTRIBUTE_WORDS)})\s+(like:\d+|#[0-9a-f]{{6}})\b", re.IGNORECASE)
_NEW_SENTENCE = re.compile(r"\n(?=\s*[A-Z])")  # a line that begins like one
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028\u2029\u2060\ufeff]")  # that parts words at most
_APART = re.compile(r"\b((?:do|does|did|is|was|are|were|ca|could|has|have|had|wo|would|should))n ['’] t\b")  # "don ' t"
_LONGEST = 5000  # characters of a text; reading one takes time that grows with the square
_MOST_SHOWN = 200  # characters of what was not understood, in an error
_SILENT = frozenset(
    [
        "do",
        "does",
        "did",
        "can",
        "could",
        "will",
        "would",
        "should",
        "must",
        "show",
        "see",
        "find",
        "search",
        "s",
        "t",
        "looking",
        "look for",
    ]
)
_GRAMMAR_ROLES = frozenset(
    [
        "determiner",
        "possessive",
        "pronoun",
        "and",
        "or",
        "nor",
        "but",
        "relative",
        "subordinate",
        "be",
        "have",
        "wear",
        "preposition",
        "beside",
        "negation",
        "transparent",
        "filler",
        "stop",
        "comma",
    ]
)


class NotUnderstoodError(ValueError):
    """Nothing in the text can be asked; the message names a few things that can."""


@dataclass(frozen=True)
class Interpretation:
    """What a text asks.

    Args:
        text: as typed.
        tree: None where nothing in it can be asked.
        not_understood: words outside the labels, with their characters in the text.
        corrections: typed word, the word understood, and the typed one's characters.
        ignored: words that speak of other people, or of things held rather than worn.
    """

    text: str
    tree: Query | None
    not_understood: tuple[Span, ...] = ()
    corrections: tuple[tuple[str, str, int, int], ...] = ()
    ignored: tuple[Span, ...] = ()

    @property
    def query(self) -> str:
        """The tree in compact text, "" without one."""
        return "" if self.tree is None else format_query(self.tree)

    @property
    def clauses(self) -> tuple[Clause, ...]:
        """The garments asked for, in reading order."""
        return () if self.tree is None else clauses(self.tree)


class QueryParser:
    """Reads sentences, and compact query text; loads its lexicon once."""

    def __init__(self) -> None:
        self.nlp = spacy.blank("en")
        tokenizer = self.nlp.tokenizer
        assert isinstance(tokenizer, Tokenizer)
        tokenizer.infix_finditer = compile_infix_regex([*(self.nlp.Defaults.infixes or []), _JOINED]).finditer
        tokenizer.suffix_search = compile_suffix_regex([*(self.nlp.Defaults.suffixes or []), _STROKE]).search
        tokenizer.prefix_search = compile_prefix_regex([*(self.nlp.Defaults.prefixes or []), "/"]).search
        _extend_docs()
        words = self.nlp.add_pipe("signalement_words")
        assert isinstance(words, _Words)
        self.lexicon = words.lexicon
        self.nlp.add_pipe("signalement_grammar")

    def parse(self, text: str, *, now: datetime | None = None) -> Interpretation:
        """What the text asks; "yesterday" is told from `now`, the present if None.

        Raises:
            NotUnderstoodError: the text is empty or endless, or nothing in it can be asked.
        """
        if len(text) > _LONGEST:
            raise NotUnderstoodError(
                f"expected a description of at most {_LONGEST} characters, got {len(text)}; describe one person"
            )
        found = self.interpret(text, now=now)
        if not text.strip():
            raise NotUnderstoodError(f"expected a description, got an empty text; {_ASK}")
        if found.tree is None:
            words = ", ".join(dict.fromkeys(word for word, _, _ in found.not_understood)) or text.strip()
            shown = words if len(words) <= _MOST_SHOWN else f"{words[:_MOST_SHOWN]}…"
            raise NotUnderstoodError(f"expected something that labels can express, got only {shown}; {_ASK}")
        return found

    def interpret(self, text: str, *, now: datetime | None = None) -> Interpretation:
        """As `parse`, but the tree is None where nothing can be asked; of an endless text nothing is read."""
        if len(text) > _LONGEST:
            return Interpretation(text, None)
        compact = _compact_tree(text)
        if compact is not None:
            return Interpretation(text, compact)
        image = (*find_slots(text, self.lexicon.entries), *find_image_phrases(text, now or datetime.now()))
        doc = self.nlp(_blanked(text, image))
        terms, left_out = garment_terms(doc._.reading)
        terms += tuple(phrase.term for phrase in image)
        ignored = {id(unit) for item in left_out for unit in item.uses}
        used = {id(unit) for item in doc._.reading.items for unit in item.uses}
        return Interpretation(
            text,
            conjunction(terms) if terms else None,
            _spans(text, (unit for unit in doc._.units if id(unit) not in used and _says_something(unit))),
            tuple((unit.typed, unit.text, unit.start, unit.end) for unit in doc._.units if unit.typed),
            _spans(text, (unit for unit in doc._.units if id(unit) in ignored)),
        )

    def explain(self, text: str, *, now: datetime | None = None) -> dict[str, Any]:
        """The `explain` document (DESIGN §10); an "error" where nothing can be asked."""
        try:
            return explanation(self.parse(text, now=now))
        except NotUnderstoodError as error:
            return explanation(self.interpret(text, now=now)) | {"error": str(error)}


def explanation(found: Interpretation) -> dict[str, Any]:
    """An interpretation as the `explain` document of DESIGN §10, ready for JSON."""
    return {
        "query": found.query,
        "clauses": [_clause_document(clause) for clause in found.clauses],
        "not_understood": [word for word, _, _ in found.not_understood],
        "not_understood_spans": [list(span) for span in found.not_understood],
        "corrections": [list(correction) for correction in found.corrections],
        "ignored": [list(span) for span in found.ignored],
        "terms": [] if found.tree is None else [_signed(*leaf) for leaf in leaves(found.tree)],
    }


def _signed(leaf: Query, denied: bool) -> str:
    return format_query(Not(leaf) if denied else leaf)


def _clause_document(clause: Clause) -> Mapping[str, Any]:
    has = clause.has
    labels = {task: list(has.labels(task)) for task in ("attribute", "size", "pattern", "color")}
    return labels | {"negated": clause.negated, "weight": clause.weight}


def _compact_tree(text: str) -> Query | None:
    """The tree of compact text, None where the text is a sentence."""
    text = _SPACED_SLOT.sub(r"\1:\2", text.strip())
    if not _COMPACT.search(text):
        return None
    try:
        return parse_query(text)
    except ValueError:
        return None


def _blanked(text: str, phrases: Iterable[ImagePhrase]) -> str:
    """The text with blanks over what has been read already, so that characters keep their places."""
    for phrase in phrases:
        text = text[: phrase.start] + " " * (phrase.end - phrase.start) + text[phrase.end :]
    return _APART.sub(r"\1n't  ", _INVISIBLE.sub(" ", _NEW_SENTENCE.sub(".", text)))


def _says_something(unit: Unit) -> bool:
    entry = unit.entry
    if unit.text in _SILENT or not any(letter.isalnum() for letter in unit.text):
        return False
    if entry.garment or entry.person or entry.object or entry.modifies or entry.pattern_noun or unit.unknown:
        return not (entry.roles & _GRAMMAR_ROLES)
    return unit.plays("verb") or unit.plays("hold")


def _spans(text: str, units: Iterable[Unit]) -> tuple[Span, ...]:
    return tuple((text[unit.start : unit.end], unit.start, unit.end) for unit in units)


def _extend_docs() -> None:
    for name in ("units", "reading"):
        if not Doc.has_extension(name):
            Doc.set_extension(name, default=None)


class _Words:
    """Pipeline component: the words of the lexicon in the Doc."""

    def __init__(self, nlp: Language) -> None:
        vocabulary = read_vocabulary()
        self.lexicon = Lexicon(nlp, vocabulary.entries)
        self.speller = Speller(vocabulary)

    def __call__(self, doc: Doc) -> Doc:
        """The Doc with its units."""
        doc._.units = read_units(doc, self.lexicon, self.speller)
        return doc


@Language.factory("signalement_words")
def _make_words(nlp: Language, name: str) -> _Words:
    return _Words(nlp)


@Language.component("signalement_grammar")
def _read_grammar(doc: Doc) -> Doc:
    reading: Reading = read_sentence([unit for unit in doc._.units if unit.text.strip()])
    doc._.reading = reading
    return doc
