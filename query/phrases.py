"""Phrases: a noun phrase, and what its adjectives say."""

from dataclasses import dataclass, field
from typing import TypeGuard

from query.lexicon import Garment
from query.units import Unit

_STREAKS = frozenset({"highlight", "highlights", "streak", "streaks"})
_STUFF = frozenset({"dark", "light", "fair", "sand", "stone", "wheat", "coal", "chalk", "straw", "wine", "coffee"})


@dataclass
class Look:
    """What is said of a garment.

    Args:
        colors: acceptable labels, a tuple for each color named.
        either: whether the colors were joined by "or".
        size, sleeve, length, patterns: as in the lexicon's entries.
    """

    colors: list[tuple[str, ...]] = field(default_factory=list)
    either: bool = False
    size: tuple[str, ...] = ()
    sleeve: tuple[str, ...] = ()
    length: str = ""
    patterns: tuple[str, ...] = ()

    def says_something(self) -> bool:
        """Whether any color, size or pattern was named."""
        return bool(self.colors or self.size or self.sleeve or self.length or self.patterns)

    def shows(self) -> bool:
        """Whether it says more than how large something is."""
        return bool(self.colors or self.sleeve or self.patterns)

    def color_labels(self) -> tuple[str, ...]:
        """Acceptable color labels; two colors of one garment may also be seen as many."""
        labels = tuple(dict.fromkeys(label for color in self.colors for label in color))
        if len(self.colors) > 1 and len(labels) > 1 and not self.either and "Multicolor" not in labels:
            labels += ("Multicolor",)
        return labels

    def replace(self, other: "Look") -> None:
        """Takes over what another look says, in place of what it said of that."""
        if other.colors:
            kept = self.colors[: -len(other.colors)]  # "blue with white stripes, sorry, yellow ones"
            self.colors, self.either = kept + other.colors, other.either
        self.size, self.patterns = other.size or self.size, other.patterns or self.patterns
        self.sleeve, self.length = other.sleeve or self.sleeve, other.length or self.length

    def add(self, other: "Look") -> None:
        """Takes over what another look says besides."""
        self.colors += [color for color in other.colors if color not in self.colors]
        self.either = self.either or other.either
        self.size = self.size or other.size
        self.sleeve = self.sleeve or other.sleeve
        self.length = other.length if self.length in ("", "large", "small") and other.length else self.length
        self.patterns = tuple(dict.fromkeys(self.patterns + other.patterns))


@dataclass
class Phrase:
    """A noun phrase, or adjectives without a noun.

    Args:
        units: all its words.
        determiner: "", or its first one, in lower case.
        possessive: "", or "his", "her", "my".
        look: what its adjectives say.
        garment: its noun, where that is a garment or hair.
        person: its noun, where that is a person: "male", "female" or "any".
        group: whether another noun may name the person's members: "a group of men".
        traits: adjectives of the person that are clauses themselves ("bearded").
        noun: the noun's unit, None without one.
        uses: the units that a clause made of the phrase would speak for.
    """

    units: list[Unit]
    determiner: str = ""
    possessive: str = ""
    look: Look = field(default_factory=Look)
    garment: Garment | None = None
    person: str = ""
    group: bool = False
    traits: list[Garment] = field(default_factory=list)
    noun: Unit | None = None
    uses: list[Unit] = field(default_factory=list)

    @property
    def noun_text(self) -> str:
        """Its noun, "" without one."""
        return "" if self.noun is None else self.noun.text

    @property
    def only_adjectives(self) -> bool:
        """Whether it says something and has no noun."""
        return self.noun is None and not self.traits and self.look.says_something()

    @property
    def is_stuff(self) -> bool:
        """Whether it is "the dark" or "the sand", which is a thing and no color."""
        return self.determiner == "the" and len(self.uses) == 1 and self.uses[0].text in _STUFF

    @property
    def streaks(self) -> bool:
        """Whether it names colored strands of hair."""
        return self.noun is not None and self.noun.text in _STREAKS and bool(self.look.colors)

    @property
    def reach(self) -> str:
        """Which part of the body it names, as far as something may reach there ("her left knee"), "" for none."""
        named = self.garment or self.person
        return "" if named else next((unit.entry.reach for unit in self.units if unit.entry.reach), "")


Chunk = Phrase | Unit


def names_person(chunk: Chunk | None) -> TypeGuard[Phrase]:
    """Whether its noun is a person."""
    return isinstance(chunk, Phrase) and bool(chunk.person)


def names_body(chunk: Chunk | None) -> bool:
    """Whether its noun is a part of the body."""
    return isinstance(chunk, Phrase) and chunk.noun is not None and bool(chunk.noun.entry.body)


def names_thing(chunk: Chunk | None) -> bool:
    """Whether its noun is neither a person nor a garment nor a part of the body."""
    named = isinstance(chunk, Phrase) and chunk.noun is not None and not (chunk.person or chunk.garment)
    return named and not names_body(chunk)


def first_word(chunk: Chunk | None) -> str:
    """The first word of a chunk, "" without one."""
    return chunk.units[0].text if isinstance(chunk, Phrase) else "" if chunk is None else chunk.text
