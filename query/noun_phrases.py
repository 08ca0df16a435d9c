"""Noun phrases: which words before a noun belong to it.

`red coat and blue jeans` is two phrases, so red never reaches the jeans; `red and white striped shirt` is one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from query.lexicon import Garment
from query.units import Unit

_LINKS = frozenset({"and", "&", "n", "or", "and/or", "/", ",", "nor"})  # "along with" begins another garment
_OF_PARTS = frozenset({"soled", "rimmed", "framed", "trimmed", "lined", "tipped"}) | frozenset(
    {"eyed", "faced", "cheeked", "lipped", "nosed", "skinned"}
)
_DASHES = frozenset({"-", "--", "–", "—"})
_STREAKS = frozenset({"highlight", "highlights", "streak", "streaks"})
_ANYBODY = frozenset({"person", "people", "individual", "someone", "child", "kid", "baby", "suspect", "subject"})
_PHRASE_ROLES = frozenset({"transparent", "filler", "determiner", "possessive"})


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

    def add(self, other: "Look") -> None:
        """Takes over what another look says besides."""
        self.colors += [color for color in other.colors if color not in self.colors]
        self.either = self.either or other.either
        self.size = self.size or other.size
        self.sleeve = self.sleeve or other.sleeve
        self.length = self.length or other.length
        self.patterns = tuple(dict.fromkeys(self.patterns + other.patterns))


@dataclass
class Phrase:
    """A noun phrase, or adjectives without a noun.

    Args:
        units: all its words.
        determiner: "", or its first one, in lower case.
        possessive: "", or "his", "her", "their".
        look: what its adjectives say.
        garment: its noun, where that is a garment or hair.
        person: its noun, where that is a person: "male", "female" or "any".
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
    def only_adjectives(self) -> bool:
        """Whether it says something and has no noun."""
        return self.noun is None and not self.traits and self.look.says_something()

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


def chunks(units: Sequence[Unit]) -> list[Chunk]:
    """The sentence as noun phrases, and the words between them."""
    result: list[Chunk] = []
    position = 0
    while position < len(units):
        reader = _PhraseReader(units, position)
        phrase = reader.read()
        if phrase is None:
            result.append(units[position])
            position += 1
        else:
            result.append(phrase)
            position = reader.position
    return result


class _PhraseReader:
    """Reads one noun phrase from `position` on."""

    def __init__(self, units: Sequence[Unit], position: int) -> None:
        self.units = units
        self.position = position
        self.phrase = Phrase([])

    def read(self) -> Phrase | None:
        """The phrase, or None where none begins; `position` is then behind it."""
        start = self.position
        if self.garment_as_verb():
            return None
        self.openers()
        while self.position < len(self.units) and self.step():
            pass
        phrase = self.phrase
        if phrase.noun is None and not phrase.traits and not any(unit.entry.modifies for unit in phrase.units):
            self.position = start
            return None
        return phrase

    def garment_as_verb(self) -> bool:
        """Whether a garment's name is what somebody does: "she ties her hair", "and kicks a ball"."""
        unit = self.units[self.position]
        if unit.entry.garment is None or not (unit.plays("verb") or unit.plays("wear")) or not self.position:
            return False
        before, following = self.units[self.position - 1], self.peek(1)
        its_object = following is not None and (following.plays("determiner") or following.plays("possessive"))
        led = before.entry.modifies or before.plays("determiner") or before.plays("possessive")
        return before.plays("pronoun") or before.text == "who" or (its_object and not led)

    def openers(self) -> None:
        """Determiners and possessives in front."""
        while (unit := self.peek()) is not None and not self.content(unit):
            if unit.plays("determiner"):
                self.phrase.determiner = self.phrase.determiner or unit.text
            elif unit.plays("possessive"):
                self.phrase.possessive = unit.text
            elif not (self.phrase.units and _PHRASE_ROLES & unit.entry.roles) and not unit.plays("transparent"):
                return
            self.take()

    def peek(self, ahead: int = 0) -> Unit | None:
        """The unit at the present position, or some further on."""
        index = self.position + ahead
        return self.units[index] if index < len(self.units) else None

    def take(self) -> Unit:
        """Moves behind the present unit, which joins the phrase."""
        unit = self.units[self.position]
        self.phrase.units.append(unit)
        self.position += 1
        return unit

    def content(self, unit: Unit) -> bool:
        """Whether the unit can be an adjective or a noun rather than a word of the grammar."""
        entry = unit.entry
        noun = (
            entry.garment or entry.person or entry.object or entry.part or entry.body == "parts" or entry.pattern_noun
        )
        return bool(noun) or entry.modifies or unit.unknown

    def step(self) -> bool:
        """Takes the next unit, if it belongs to the phrase; False at the phrase's end."""
        unit = self.units[self.position]
        entry = unit.entry
        if self.phrase.noun is not None and unit.text.isdigit():
            return self.other_noun(unit)
        if entry.garment is not None and not self.is_adjective_here(unit):
            return self.garment(entry.garment)
        if entry.pattern_noun and self.phrase.noun is not None and self.phrase.noun.unknown:
            return self.other_noun(unit)  # "a Nike logo"
        if entry.modifies and not self.is_verb_here(unit):
            return self.modifier(unit)
        if entry.person:
            return self.person(unit)
        if entry.object or entry.part or entry.pattern_noun or entry.body or unit.unknown:
            return self.other_noun(unit)
        if unit.plays("verb") and not self.is_verb_here(unit):
            return self.other_noun(unit)
        return self.connective(unit)

    def is_adjective_here(self, unit: Unit) -> bool:
        """Whether a garment's name says something of the garment behind it: "fleece pullover", "knee-high boots"."""
        if unit.entry.garment is None or not unit.entry.modifies:
            return False
        noun = self.next_noun(1, over_commas=False)
        if noun is None or noun.entry.garment is None:
            return False
        if noun is self.peek(1):
            return True
        if not _says_of(unit.entry.garment, noun.entry.garment):
            return False
        between = self.units[self.position + 1 : self.units.index(noun, self.position)]
        return not (self.phrase.look.colors and any(word.entry.color for word in between))  # "red fleece blue jacket"

    def garment(self, garment: Garment) -> bool:
        """A garment: the noun, or an adjective of the noun that follows."""
        unit = self.take()
        following = self.peek()
        if following is not None and following.text in ("-", "'s", "s") and self.peek(1) is not None:
            following = self.peek(1)
        if garment.trait or (following is not None and following.entry.person and not following.entry.garment):
            self.trait(unit, garment)
            return True
        if following is not None and following.entry.garment and _qualifies(garment, following.entry.garment):
            if len(garment.means) == 1:
                self.phrase.look.size = self.phrase.look.size or garment.means[0].has.size
            return True
        if (
            following is not None
            and following.entry.part
            and following.text not in ("hood", "front", "back", "side", "top")
            and not self.peek_garment(1)
        ):
            self.take()
        self.phrase.garment, self.phrase.noun = garment, unit
        self.phrase.uses.append(unit)
        return False

    def peek_garment(self, ahead: int) -> bool:
        """Whether a garment stands there."""
        unit = self.peek(ahead)
        return unit is not None and unit.entry.garment is not None

    def trait(self, unit: Unit, garment: Garment) -> None:
        """An adjective of the person, such as "bearded", or a garment before a person ("red shirt guy")."""
        phrase = self.phrase
        behind, following = self.peek(), self.next_noun()
        hair = following is not None and following.entry.garment and "Hair" in following.entry.garment.attributes
        if hair or (behind is not None and behind.entry.part == "colored"):  # "blond highlights"
            has = garment.means[0].has
            phrase.look.add(Look(colors=[has.color] if has.color else [], size=has.size))
        else:
            phrase.traits.append(garment)
        phrase.uses.append(unit)

    def next_noun(self, ahead: int = 0, *, over_commas: bool = True) -> Unit | None:
        """The next noun of this phrase from there on, skipping adjectives."""
        for unit in self.units[self.position + ahead :]:
            if unit.entry.garment or unit.entry.person:
                return unit
            skipped = unit.text.isdigit() or unit.entry.modifies or unit.plays("filler")
            if not (skipped or (over_commas and unit.plays("comma"))):
                return None
        return None

    def modifier(self, unit: Unit) -> bool:
        """An adjective; a new one after some other noun begins a new phrase."""
        if self.phrase.noun is not None and not unit.entry.neutral:
            return False
        self.take()
        entry, look = unit.entry, self.phrase.look
        following = self.following_color()
        if entry.shade and following:
            if entry.shade != "same":
                label = entry.shade.capitalize()
                self.take_color(unit, following, (label,))
        elif entry.color:
            look.colors.append(entry.color)
        elif unit.text in _OF_PARTS and look.colors:
            look.colors.pop()  # "red soled shoes" are not red
        if entry.pattern and not (look.patterns and len(entry.pattern) > 1):  # "a check pattern" is known already
            look.patterns = tuple(dict.fromkeys(look.patterns + entry.pattern))
        look.size = look.size or entry.size
        look.sleeve = look.sleeve or entry.sleeve
        look.length = look.length or entry.length
        if not _only_neutral(unit):
            self.phrase.uses.append(unit)
        return True

    def following_color(self) -> tuple[str, ...]:
        """The color directly behind, for a shade to change."""
        ahead = 1 if (unit := self.peek()) is not None and unit.text in ("-", "or") and unit.text == "-" else 0
        unit = self.peek(ahead)
        return unit.entry.color if unit is not None else ()

    def take_color(self, shade: Unit, color: tuple[str, ...], extra: tuple[str, ...]) -> None:
        """The color behind a shade, darkened or lightened."""
        while (unit := self.take()) is not None and not unit.entry.color:
            pass
        self.phrase.uses.append(unit)
        self.phrase.look.colors.append(tuple(dict.fromkeys(color + extra)))

    def person(self, unit: Unit) -> bool:
        """A person: the noun."""
        following = self.peek(1)
        joined = following is not None and (following.entry.garment is not None or following.text == "-")
        if unit.entry.person == "any" and unit.text not in _ANYBODY and joined:
            return self.other_noun(unit)  # "police hat", "sailor-style uniform"
        self.take()
        self.phrase.person, self.phrase.noun = unit.entry.person, unit
        self.phrase.group = unit.entry.group
        return False

    def other_noun(self, unit: Unit) -> bool:
        """Some other noun, or an unknown adjective."""
        self.take()
        self.phrase.noun = self.phrase.noun if unit.text.isdigit() and self.phrase.noun else unit
        following = self.peek()
        if unit.entry.pattern_noun and self.next_noun() is not None:
            self.phrase.look.patterns = unit.entry.pattern_noun
            self.phrase.uses.append(unit)
        return not (unit.entry.object and following is not None and following.entry.modifies)

    def is_verb_here(self, unit: Unit) -> bool:
        """Whether a word such as "running" is a verb: unless it stands between an adjective and a noun."""
        if not unit.plays("verb") and not unit.plays("wear") and not unit.plays("hold"):
            return False
        following = self.peek(1)
        if following is not None and (following.plays("determiner") or following.plays("possessive")):
            return True  # "he sports a beard"
        noun = self.next_noun(1, over_commas=False)
        noun_follows = noun is not None and noun.entry.garment is not None
        return not (noun_follows and self.phrase.units and unit.text.endswith(("ing", "ed")))

    def connective(self, unit: Unit) -> bool:
        """A word between adjectives: "red and white", "short, red", "blue or dark"."""
        if self.phrase.noun is not None:
            return False
        if self.dash_ends_it(unit):
            return False
        if unit.plays("transparent") or (unit.plays("filler") and self.phrase.units):
            self.take()
            return True
        if unit.entry.hedge is not None and self.phrase.look.says_something():
            following = self.peek(1)
            if following is not None and following.entry.color:
                self.take()
                return True
        if unit.text not in _LINKS or not self.phrase.units:
            return False
        if not self.phrase.look.says_something() and (
            self.reaches_garment(1) or not self.phrase.units[-1].entry.neutral
        ):
            return False  # "in leather and blue jeans", not "loose and dark"
        return self.link(unit)

    def dash_ends_it(self, unit: Unit) -> bool:
        """Whether a dash closes the adjectives: "a jumper - dark red - and black trousers", not "black-and-white"."""
        following, behind = self.peek(1), self.peek(2)
        closes = following is not None and (following.plays("and") or following.plays("comma"))
        goes_on = behind is not None and behind.text in _DASHES
        return unit.text in _DASHES and closes and not goes_on and self.phrase.look.says_something()

    def link(self, unit: Unit) -> bool:
        """Takes a link between adjectives if what follows goes on with the same phrase."""
        ahead = 1
        while (following := self.peek(ahead)) is not None and (
            following.text in _LINKS or following.plays("filler") or following.entry.hedge is not None
        ):
            ahead += 1
        if following is None or not self.goes_on(unit, following, ahead):
            return False
        if self.ends_in_a_noun(unit):
            return False
        if self.next_garment_begins(unit, following, ahead):
            return False
        self.phrase.look.either = self.phrase.look.either or any(
            link.plays("or") and link.text != "/" for link in self.units[self.position : self.position + ahead]
        )
        for _ in range(ahead):
            self.take()
        return True

    def next_garment_begins(self, link: Unit, following: Unit, ahead: int) -> bool:
        """Whether the color behind a comma is another garment's: "is blue, and red slacks", "in white, grey chinos"."""
        if self.told_of_a_garment() and self.reaches_garment(ahead):
            return True
        if not link.plays("comma") or len(self.phrase.look.colors) != 1 or not self.reaches_garment(ahead):
            return False
        colored = any(unit.entry.color for unit in self.adjectives_from(ahead))
        alone = colored and not self.phrase.determiner and self.all_before_are_colors()
        return ahead > 1 or (alone and not self.more_colors_follow(ahead))

    def adjectives_from(self, ahead: int) -> list[Unit]:
        """The adjectives that stand there."""
        return list(takewhile(lambda unit: unit.entry.modifies, self.units[self.position + ahead :]))

    def told_of_a_garment(self) -> bool:
        """Whether the phrase is said of the garment before it: "skirt in forest green"."""
        start = self.position - len(self.phrase.units)
        return start > 1 and self.units[start - 1].text == "in" and self.units[start - 2].entry.garment is not None

    def more_colors_follow(self, ahead: int) -> bool:
        """Whether "and" or "or" stands before the garment: "red, white and blue shirt"."""
        for unit in self.units[self.position + ahead :]:
            if unit.entry.garment is not None:
                return False
            if unit.plays("and") or unit.plays("or") or unit.plays("comma"):
                return True
        return False

    def ends_in_a_noun(self, link: Unit) -> bool:
        """Whether the adjectives end in a plural noun: "short sleeves, long pants", "white dots and red shoes"."""
        last = self.phrase.units[-1]
        dots = bool(last.entry.pattern_noun) and last.text.endswith("s")
        color = last.text in ("color", "colour", "in color", "in colour")
        logo = last.entry.pattern_noun == ("Letters",) and self.phrase.determiner in ("a", "an")
        of_something = any(
            unit.text in ("color of", "colour of") for unit in self.phrase.units
        )  # "the color of mustard"
        return dots or color or of_something or (link.plays("comma") and (logo or last.text.endswith("sleeves")))

    def goes_on(self, link: Unit, following: Unit, ahead: int) -> bool:
        """Whether the adjective behind a link still belongs to this phrase."""
        entry = following.entry
        if entry.garment is not None and entry.garment.trait and entry.color:
            return True
        if entry.garment is not None and link.plays("comma") and ahead == 1 and self.phrase.determiner in ("a", "an"):
            return True  # "a red, t-shirt"
        if not entry.modifies or entry.garment is not None or self.is_verb_here(following):
            return False
        if _only_neutral(following) or (entry.shade and not entry.color):
            return self.reaches_garment(ahead, over_commas=True) or self.reaches_end(ahead)
        if link.plays("comma") and not self.reaches_garment(ahead):
            return self.reaches_end(ahead) or self.units[self.position + ahead - 1].text == "half"
        look = self.phrase.look
        if entry.color or not look.colors or self.all_before_are_colors():
            return True
        return self.reaches_garment(ahead)

    def all_before_are_colors(self) -> bool:
        """Whether only colors have been named so far."""
        look = self.phrase.look
        return bool(look.colors) and not (look.size or look.sleeve or look.patterns or look.length)

    def reaches_garment(self, ahead: int, *, over_commas: bool = False) -> bool:
        """Whether a garment ends the adjectives from there on."""
        for unit in self.units[self.position + ahead :]:
            if unit.entry.garment is not None:
                return True
            linking = any(unit.plays(role) for role in ("and", "or", "filler", "transparent"))
            linking = linking or (over_commas and unit.plays("comma"))
            if not (unit.entry.modifies or unit.unknown or linking):
                return False
        return False

    def reaches_end(self, ahead: int) -> bool:
        """Whether only adjectives follow, up to the end of the clause."""
        for unit in self.units[self.position + ahead :]:
            if unit.plays("stop") or unit.plays("preposition") or unit.plays("wear"):
                return True
            linking = any(unit.plays(role) for role in ("and", "or", "comma", "filler", "transparent"))
            if not (unit.entry.modifies or linking):
                return False
        return True


def _akin(garment: Garment, following: Garment) -> bool:
    """Whether both may be the same thing on a person."""
    return bool(set(garment.attributes) & set(following.attributes)) and "Hair" not in garment.attributes


def _says_of(garment: Garment, following: Garment) -> bool:
    """Whether the first, both noun and adjective, says something of the second: "fleece vest", "knee-high boots"."""
    torso = {"UpperClothes", "Coat"}
    both_upper = bool(torso & set(garment.attributes) and torso & set(following.attributes))
    return (
        both_upper
        or _akin(garment, following)
        or (garment.attributes, following.attributes) == (("Socks",), ("Shoes",))
    )


def _qualifies(garment: Garment, following: Garment) -> bool:
    """Whether the first of two garments in a row says what kind the second is: "uniform shirt", "suit vest"."""
    worn_with_it = {"Glasses", "Hair", "Mask"} & set(following.attributes)
    return (_akin(garment, following) or (garment.attributive and not worn_with_it)) and not following.trait


def _only_neutral(unit: Unit) -> bool:
    entry = unit.entry
    return entry.neutral and not (
        entry.color or entry.pattern or entry.size or entry.sleeve or entry.length or entry.shade
    )
