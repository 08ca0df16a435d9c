"""Noun phrases: which words before a noun belong to it.

`red coat and blue jeans` is two phrases, so red never reaches the jeans; `red and white striped shirt` is one.
"""

from collections.abc import Sequence
from dataclasses import replace

from parsing.labels import CHARACTERIZED, members
from query.adjective_links import LINKS, dash_ends_it, is_told_by_trait, reaches_garment, take_link
from query.lexicon import Garment
from query.phrases import Chunk, Look, Phrase
from query.place import Place
from query.reach_words import SWEEPING
from query.units import Unit

_ENDING = SWEEPING | {"ends", "stops", "falls", "hits"}
_OF_PARTS = frozenset(
    {"soled", "rimmed", "framed", "trimmed", "lined", "tipped"}
    | {"eyed", "faced", "cheeked", "lipped", "nosed", "skinned"}
)
_ANYBODY = frozenset({"person", "people", "individual", "someone", "child", "kid", "baby", "suspect", "subject"})
_PAST = frozenset({"threw", "ran", "drove", "took", "fled", "swam", "spoke", "shot", "hit", "broke", "fell", "rode"})
_TRADES = frozenset({"fisherman", "policeman", "fireman", "postman", "cowboy", "cowgirl", "schoolboy", "schoolgirl"})
_WHITHER = frozenset({"forward", "forwards", "backwards", "towards", "toward", "away"})
_ALONG = frozenset({"into", "down", "across", "past", "toward", "towards", "through", "along"})


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
            position = reader.place.position
    return result


class _PhraseReader:
    """Reads one noun phrase from a place on."""

    def __init__(self, units: Sequence[Unit], position: int) -> None:
        self.phrase = Phrase([])
        self.place = Place(units, position, self.phrase)

    def read(self) -> Phrase | None:
        """The phrase, or None where none begins; the place is then behind it."""
        start = self.place.position
        if self.garment_as_verb(0) or (self.place.units[start].text == "that" and self.garment_as_verb(1)):
            return None
        following = self.place.peek(1)
        if self.place.units[start].text == "that" and following is not None and following.text in _ENDING:
            return None  # "a dress that ends above the knee"
        before = self.place.units[start - 1] if start else None
        if before is not None and before.text in ("which", "that") and self.place.units[start].text in _ENDING:
            return None  # "a dress which ends right above the knee"
        self.openers()
        while self.place.position < len(self.place.units) and self.step():
            pass
        phrase = self.phrase
        if phrase.noun is None and not phrase.traits and not any(unit.entry.modifies for unit in phrase.units):
            self.place.position = start
            return None
        return phrase

    def garment_as_verb(self, ahead: int) -> bool:
        """Whether a garment's name is what somebody does: "she ties her hair", "and kicks a ball"."""
        unit = self.place.peek(ahead)
        at = self.place.position + ahead
        if unit is None or unit.entry.garment is None or not (unit.plays("verb") or unit.plays("wear")) or not at:
            return False
        before, following = self.place.units[at - 1], self.place.peek(ahead + 1)
        if unit.text == "dresses" and following is not None and following.text == "in":
            return bool(before.entry.garment or before.entry.person)  # "a woman with permed hair dresses in"
        named = before.entry.garment or before.entry.person
        if unit.text == "slides" and named and following is not None and following.text in _ALONG:
            return True  # "in red socks slides into home plate"
        its_object = following is not None and (following.plays("determiner") or following.plays("possessive"))
        its_object = its_object and following is not None and following.text not in ("both", "each", "all", "that")
        its_object = its_object and not (
            before.plays("and") and self.place.units[at - 2].entry.garment
        )  # "suit and tie"
        led = before.entry.modifies or any(before.plays(role) for role in ("determiner", "possessive", "preposition"))
        led = led and before.text not in ("to", "down to")  # "to tie the shoe"
        led = led and not (unit.text == "stole" and following is not None and following.plays("possessive"))
        told = before.text in ("who", "which") or (
            before.text == "that" and unit.text.endswith("s")
        )  # "that ties in front"
        return before.plays("pronoun") or told or (its_object and not led)

    def openers(self) -> None:
        """Determiners and possessives in front."""
        while (unit := self.place.peek()) is not None and not self.content(unit):
            if unit.plays("determiner"):
                self.phrase.determiner = self.phrase.determiner or unit.text
            elif unit.plays("possessive"):
                self.phrase.possessive = unit.text
            elif not (unit.plays("transparent") or (self.phrase.units and unit.plays("filler"))):
                return
            self.place.take()

    def content(self, unit: Unit) -> bool:
        """Whether the unit can be an adjective or a noun rather than a word of the grammar."""
        entry = unit.entry
        noun = entry.garment or entry.person or entry.object or entry.part or entry.body or entry.pattern_noun
        return bool(noun) or entry.modifies or unit.unknown

    def step(self) -> bool:
        """Takes the next unit, if it belongs to the phrase; False at the phrase's end."""
        unit = self.place.units[self.place.position]
        entry = unit.entry
        if self.phrase.noun is not None and unit.text.isdigit():
            return self.other_noun(unit)
        sleeves = bool(self.phrase.units) and bool(self.phrase.units[-1].entry.sleeve)
        if self.begins_a_clause(unit) or (sleeves and may_act(unit)):
            return False  # "with short sleeves supports her waist"
        if entry.neutral and unit.plays("preposition") and self.place.leads_on(1):
            return False  # "tucked under his arm", "chocolate round his mouth"
        alone = self.phrase.determiner or self.place.position == 0
        if entry.person and entry.neutral and alone and self.place.next_noun(1, over_commas=False) is None:
            return self.person(unit)  # "a cowboy", not "a cowboy hat"
        if unit.text in ("mini", "flat") and (behind := self.place.peek(1)) is not None and behind.entry.object:
            return self.other_noun(unit)  # "a mini backpack", "a flat ball"
        if entry.garment is not None and not self.is_adjective_here(unit):
            return self.garment(entry.garment)
        if entry.pattern_noun and self.phrase.noun is not None and self.phrase.noun.unknown:
            return self.other_noun(unit)  # "a Nike logo"
        if entry.modifies and not self.place.is_verb_here(unit):
            return self.modifier(unit)
        if entry.person:
            return self.person(unit)
        if entry.object or entry.part or entry.pattern_noun or entry.body or unit.unknown:
            return self.other_noun(unit)
        if unit.plays("verb") and not self.place.is_verb_here(unit):
            return self.other_noun(unit)
        return self.connective(unit)

    def begins_a_clause(self, unit: Unit) -> bool:
        """Whether a word is what somebody in a color does or undergoes: "in black entered the shop"."""
        before = self.place.before()
        worn = before is not None and (before.text == "in" or before.plays("wear"))
        if not worn or self.phrase.noun is not None or self.phrase.determiner or not self.phrase.look.shows():
            return False
        noun = self.place.next_noun(1, over_commas=False)
        acts = unit.unknown and (unit.text.endswith(("ed", "ing")) or unit.text in _PAST)
        seen = unit.text in ("watch", "phone") and (self.place.leads_on(1) or unit.text == "phone")
        behind = self.place.peek(1)
        acts = acts or (may_act(unit) and behind is not None and (self.place.leads_on(1) or behind.text in _WHITHER))
        return (acts or seen or unit.text == "stole") and (noun is None or noun.entry.garment is None)

    def is_adjective_here(self, unit: Unit) -> bool:
        """Whether a garment's name says something of the garment behind it: "fleece pullover", "knee-high boots"."""
        if unit.entry.garment is None or not unit.entry.modifies:
            return False
        noun = self.place.next_noun(1, over_commas=False)
        if noun is None or noun.entry.garment is None:
            return False
        if noun is self.place.peek(1):
            return True
        if not _says_of(unit.entry.garment, noun.entry.garment):
            return False
        between = self.place.units[self.place.position + 1 : self.place.units.index(noun, self.place.position)]
        return not (self.phrase.look.colors and any(word.entry.color for word in between))  # "red fleece blue jacket"

    def garment(self, garment: Garment) -> bool:
        """A garment: the noun, or an adjective of the noun that follows."""
        unit = self.place.take()
        following = self.place.peek()
        if following is not None and following.text in ("-", "'s", "s") and self.place.peek(1) is not None:
            following = self.place.peek(1)
        if garment.trait or (following is not None and following.entry.person and not following.entry.garment):
            self.trait(unit, garment)
            return True
        if following is not None and self.garment_as_verb(0):
            following = None  # "a boy in a uniform slides into base"
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
            self.place.take()
        self.phrase.garment, self.phrase.noun = garment, unit
        self.phrase.uses.append(unit)
        return False

    def peek_garment(self, ahead: int) -> bool:
        """Whether a garment stands there."""
        unit = self.place.peek(ahead)
        return unit is not None and unit.entry.garment is not None

    def trait(self, unit: Unit, garment: Garment) -> None:
        """An adjective of the person, such as "bearded", or a garment before a person ("red shirt guy")."""
        phrase = self.phrase
        behind, following = self.place.peek(), self.place.next_noun()
        hair = following is not None and following.entry.garment and "Hair" in following.entry.garment.attributes
        is_hair = garment.means[0].has.attribute == ("Hair",)
        if (hair and is_hair) or (behind is not None and behind.entry.part == "colored"):  # "blond highlights"
            has = garment.means[0].has
            phrase.look.add(Look(colors=[has.color] if has.color else [], size=has.size))
        else:
            phrase.traits.append(self.tinted(unit, garment))
        phrase.uses.append(unit)

    def tinted(self, unit: Unit, garment: Garment) -> Garment:
        """The trait with the look named before it: "a grey bearded man", "the short-skirted woman"."""
        look, means = self.phrase.look, garment.means[0]
        if members(means.has.attribute[0])[0] not in CHARACTERIZED:
            return garment  # "a red bare-legged girl"
        if means.negated or means.has.size or means.has.color or not garment.trait or not unit.text.endswith("ed"):
            return garment
        has = replace(means.has, color=look.colors.pop() if look.colors else ())
        if len(self.phrase.units) > 1 and self.phrase.units[-2].text == "-":  # not "a short bearded man"
            has = replace(has, size=look.size, pattern=look.patterns)
            look.size, look.patterns = (), ()
        return replace(garment, means=(replace(means, has=has),))

    def modifier(self, unit: Unit) -> bool:
        """An adjective; a new one after some other noun begins a new phrase."""
        if self.phrase.noun is not None and not unit.entry.neutral:
            return False
        self.place.take()
        entry, look = unit.entry, self.phrase.look
        following = self.following_color()
        if entry.shade and following:
            if entry.shade != "same":
                label = entry.shade.capitalize()
                self.take_color(following, (label,))
        elif entry.color:
            look.colors.append(entry.color)
        elif unit.text in _OF_PARTS and look.colors and not self.frames_glasses(unit):
            look.colors.pop()  # "red soled shoes" are not red
        if entry.pattern and not (look.patterns and len(entry.pattern) > 1):  # "a check pattern" is known already
            look.patterns = tuple(dict.fromkeys(look.patterns + entry.pattern))
        look.size = look.size or entry.size
        look.sleeve = look.sleeve or entry.sleeve
        look.length = entry.length or look.length if look.length in ("", "high") else look.length
        if not unit.entry.neutral:
            self.phrase.uses.append(unit)
        return True

    def frames_glasses(self, unit: Unit) -> bool:
        """Whether the color of frames is meant, of which glasses are seen to have no other: "black-framed glasses"."""
        noun = self.place.next_noun()
        garment = noun.entry.garment if noun is not None else None
        return unit.text in ("rimmed", "framed") and garment is not None and garment.attributes == ("Glasses",)

    def following_color(self) -> tuple[str, ...]:
        """The color directly behind, for a shade to change."""
        ahead = int((unit := self.place.peek()) is not None and unit.text == "-")
        unit = self.place.peek(ahead)
        return unit.entry.color if unit is not None else ()

    def take_color(self, color: tuple[str, ...], extra: tuple[str, ...]) -> None:
        """The color behind a shade, darkened or lightened."""
        while not (unit := self.place.take()).entry.color:
            pass
        self.phrase.uses.append(unit)
        self.phrase.look.colors.append(tuple(dict.fromkeys(color + extra)))

    def person(self, unit: Unit) -> bool:
        """A person: the noun."""
        following = self.place.peek(1)
        joined = following is not None and (
            following.entry.garment is not None or following.text in ("-", "style") or following.entry.object
        )
        joined = joined and not self.garment_as_verb(1)  # "the runner slides into the base"
        if any(named.entry.pattern_noun == ("Letters",) for named in self.phrase.units):
            return self.other_noun(unit)  # "the word camper"
        trade = unit.text in _TRADES or (unit.entry.person == "any" and unit.text not in _ANYBODY)
        if trade and joined:
            return self.other_noun(unit)  # "police hat", "sailor style blouse"
        self.place.take()
        self.phrase.person, self.phrase.noun = unit.entry.person, unit
        self.phrase.group = unit.entry.group
        return False

    def other_noun(self, unit: Unit) -> bool:
        """Some other noun, or an unknown adjective."""
        self.place.take()
        self.phrase.noun = self.phrase.noun if unit.text.isdigit() and self.phrase.noun else unit
        following = self.place.peek()
        of_it = unit.text.endswith(" of")  # "photo of sneakers"
        if unit.entry.pattern_noun and not of_it and self.place.next_noun() is not None:
            self.phrase.look.patterns = unit.entry.pattern_noun
            self.phrase.uses.append(unit)
        return not (unit.entry.object and following is not None and following.entry.modifies)

    def connective(self, unit: Unit) -> bool:
        """A word between adjectives: "red and white", "short, red", "blue or dark"."""
        if self.phrase.noun is not None:
            return False
        if unit.text == ")" and all(word.text != "(" for word in self.phrase.units):
            return False  # "a cardigan (beige) and grey trousers"
        before = self.place.before()
        behind = before is not None and before.entry.garment is not None
        if unit.text == "(" and behind and self.phrase.look.shows() and not self.phrase.determiner:
            return False  # "shoes gray (white soles)"
        if dash_ends_it(self.place, unit):
            return False
        if unit.plays("transparent") or (unit.plays("filler") and not unit.plays("relative") and self.phrase.units):
            self.place.take()
            return True
        if unit.entry.hedge is not None and self.phrase.look.says_something():
            following = self.place.peek(1)
            if following is not None and following.entry.color:
                self.place.take()
                return True
        if unit.text not in LINKS or not self.phrase.units:
            return False
        if not (self.phrase.look.says_something() or is_told_by_trait(self.place)) and (
            reaches_garment(self.place, 1) or not self.phrase.units[-1].entry.neutral
        ):
            return False  # "in leather and blue jeans", not "loose and dark"
        return take_link(self.place, unit)


def may_act(unit: Unit) -> bool:
    """Whether an unknown word may be what somebody does: "lunges"."""
    return unit.unknown and unit.text.endswith("s") and not unit.text.endswith("ss")


def _akin(garment: Garment, following: Garment) -> bool:
    """Whether both may be the same thing on a person."""
    return bool(set(garment.attributes) & set(following.attributes)) and "Hair" not in garment.attributes


def _says_of(garment: Garment, following: Garment) -> bool:
    """Whether the first, both noun and adjective, says something of the second: "fleece vest", "knee-high boots"."""
    both_upper = garment.covers_torso and following.covers_torso
    return (
        both_upper
        or _akin(garment, following)
        or (garment.attributes, following.attributes) == (("Socks",), ("Shoes",))
    )


def _qualifies(garment: Garment, following: Garment) -> bool:
    """Whether the first of two garments in a row says what kind the second is: "uniform shirt", "suit vest"."""
    worn_with_it = {"Glasses", "Hair", "Mask"} & set(following.attributes)
    return (_akin(garment, following) or (garment.attributive and not worn_with_it)) and not following.trait
