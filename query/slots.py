"""Slots: what a sentence asks by example, "coat like:12", "looks like person 7", or in a free color, "top #a03020"."""

import re
from collections.abc import Iterator, Mapping

from query.lexicon import Entry
from query.moments import ImagePhrase
from query.tree import ATTRIBUTE_WORDS, Like, Query, Swatch

_EXAMPLE = r"(?:like:|(?:(?:looks?|looking)\s+)?like\s+(?:that\s+of\s+)?person\s+)(?P<example>\d{1,18})"
_SLOT = re.compile(
    rf"(?:\b(?P<garment>[a-z][a-z-]*)[\s:]+)?(?<!\w)(?P<value>{_EXAMPLE}|#[0-9a-f]{{6}})\b", re.IGNORECASE
)


def find_slots(text: str, entries: Mapping[str, Entry]) -> Iterator[ImagePhrase]:
    """The slots of a sentence in reading order; a color without a garment that it could be of is none."""
    for match in _SLOT.finditer(text):
        attributes = _attributes((match.group("garment") or "").lower(), entries)
        example = match.group("example")
        term = _example(example, attributes) if example else _color(match.group("value").lower(), attributes)
        if term is not None:
            yield ImagePhrase(match.start() if attributes else match.start("value"), match.end(), term)


def _attributes(word: str, entries: Mapping[str, Entry]) -> tuple[str, ...]:
    """What a label or a garment's name stands for, () where it is neither or means several things."""
    if word in ATTRIBUTE_WORDS:
        return (ATTRIBUTE_WORDS[word],)
    garment = entries[word].garment if word in entries else None
    return garment.means[0].has.attribute if garment is not None and len(garment.means) == 1 else ()


def _example(person: str, attributes: tuple[str, ...]) -> Query:
    return Like(int(person), attributes[0] if attributes else None)


def _color(value: str, attributes: tuple[str, ...]) -> Query | None:
    try:
        return Swatch(attributes, value)
    except ValueError:  # of nothing, or of what has no color
        return None
