"""Wording: clauses and attributes in the words that a reader would use."""

import re
from collections.abc import Mapping, Sequence

from query.tree import (
    And,
    Camera,
    Captured,
    Daytime,
    Gallery,
    Has,
    ImageTerm,
    Like,
    Not,
    Or,
    People,
    Query,
    Swatch,
    parse_query,
)

ATTRIBUTES: Mapping[str, str] = {
    "Hat": "hat", "Hair": "hair", "Glove": "gloves", "Glasses": "glasses", "UpperClothes": "top", "Mask": "face mask",
    "Coat": "coat", "Socks": "socks", "Pants": "pants", "Torso-skin": "bare torso", "Scarf": "scarf",
    "Skirt": "skirt", "Face": "face", "Arms": "bare arms", "Legs": "bare legs", "Shoes": "shoes",
}  # fmt: skip
LABELS: Mapping[str, str] = {
    "Short/small": "short", "Long/large": "long", "Undetermined": "partly hidden", "Sparse/bald": "sparse",
    "Solid": "plain", "Geometrical": "geometric", "Fancy": "fancy", "Letters": "lettered",
    "Dark": "dark", "Medium": "gray", "Light": "light", "Multicolor": "multicolored",
}  # fmt: skip


def label_words(label: str) -> str:
    """A size, pattern or color label as an adjective."""
    return LABELS.get(label, label.lower())


def one_line(text: str) -> str:
    """Text with what would end its line, or act on a terminal, spelled out: names of files may hold anything."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", lambda found: repr(found[0])[1:-1], text)


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number of things: `1 file`, `2 people`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def speed_words(images_per_second: float) -> str:
    """A speed: `12.3 images/s`, `0.25 images/s`."""
    return f"{images_per_second:.{1 if images_per_second >= 1 else 2}f} images/s"


def describe(term: Query) -> str:
    """A term in words: `long red coat`, `no hat`, `looks like person 12`."""
    match term:
        case Not():
            return _denied(term.term)
        case And():
            return ", ".join(describe(part) for part in term.terms)
        case Or():
            return " or ".join(describe(part) for part in term.terms)
        case Has():
            adjectives = [_either(term.labels(task), LABELS) for task in ("size", "color", "pattern")]
            return " ".join([*filter(None, adjectives), _either(term.attribute, ATTRIBUTES)])
        case Swatch():
            return f"{_either(term.attribute, ATTRIBUTES)} in {term.color}"
        case Like():
            what = "looks like" if term.attribute is None else f"{ATTRIBUTES[term.attribute]} like that of"
            return f"{what} person {term.person_id}"
        case _:
            return _describe_image(term)


def describe_text(compact: str) -> str:
    """The words for a compact text."""
    return describe(parse_query(compact))


def _denied(term: Query) -> str:
    words = describe(term)
    return f"no {words}" if isinstance(term, Has | Swatch) else f"not ({words})"


def _either(labels: Sequence[str], words: Mapping[str, str]) -> str:
    return " or ".join(words.get(label, label.lower()) for label in labels)


def _describe_image(term: ImageTerm) -> str:
    match term:
        case Camera():
            return f"camera {term.name}"
        case Gallery():
            return f"gallery {term.name}"
        case People():
            return f"{_range(term.at_least, term.at_most)} people"
        case Captured() | Daytime():
            return f"taken {_range(term.start, term.end)}"


def _range(first: object, last: object) -> str:
    if first == last:
        return str(first)
    if last is None:
        return f"from {first}"
    return f"until {last}" if first is None else f"{first} to {last}"
