"""Decoration: patterns, letters, pictures and parts that a garment is said to have."""

from dataclasses import replace

from query.items import Item
from query.noun_phrases import Chunk, Look, Phrase
from query.units import Unit
from query.walk import Walk

_LIMBS = frozenset({"arms", "legs"})  # "a black wetsuit with blue arms"
_PLACE_ON = frozenset(
    {"it", "them", "front", "back", "chest", "side", "sides", "sleeve", "sleeves", "top", "bottom"}
    | {"shoulder", "arm", "leg", "middle", "brim"}
)


def placed_pattern(walk: Walk, phrase: Phrase) -> None:
    """In "the number 5 is on the front" and "there is a logo on the chest", it is on the last garment named."""
    noun, item = phrase.noun, walk.items[-1] if walk.items else None
    ahead = 2 if walk.mark(1, "be") else 1
    if noun is None or item is None or item.owner != walk.owner or not item.covers_torso:
        return
    if noun.entry.pattern_noun and _on_the_garment(walk, ahead):
        item.look.patterns = tuple(dict.fromkeys(item.look.patterns + noun.entry.pattern_noun))
        item.uses.append(noun)


def part_is(walk: Walk, part: Unit) -> None:
    """In "a red jacket. The sleeves are white", white is said of the jacket too."""
    said = walk.adjectives(2)
    if not walk.mark(1, "be") or said is None or not walk.items or not walk.items[-1].covers_torso:
        return
    walk.items[-1].look.add(Look(colors=said.look.colors, sleeve=_sleeve_of(part, said.look)))
    walk.items[-1].uses += [part, *said.uses]
    walk.at += 2


def read_feature(walk: Walk, item: Item) -> bool:
    """ "with white stripes", "has long sleeves", "with a bunny on it"."""
    if _numbered(walk, item):
        return True
    ahead = 1
    while walk.mark(ahead, "relative", "comma") and ahead < 3:
        ahead += 1
    if not (walk.text(ahead) in ("with", "and", "has", "have", "in") or walk.mark(ahead, "have")):
        return False
    linked_by_and = walk.text(ahead) == "and"
    phrase = walk.chunk(ahead + 1)
    if not isinstance(phrase, Phrase) or phrase.person or phrase.traits:
        return False
    if phrase.garment and not (walk.text(ahead) == "with" and _is_part_of(phrase, item)):
        return False
    if phrase.only_adjectives:
        return _with_adjectives(walk, item, phrase, ahead)
    if phrase.noun is None or walk.text(ahead) == "in" or (walk.denial and walk.text(ahead) == "and"):
        return False
    place = _on_the_garment(walk, ahead + 2)
    if linked_by_and and not (place or phrase.noun.entry.part or phrase.noun.entry.pattern_noun):
        return False
    return _decorated(walk, item, phrase, ahead + 1, place)


def _numbered(walk: Walk, item: Item) -> bool:
    """ "jersey number 12", "jersey, number 12"."""
    ahead = 2 if walk.mark(1, "comma") else 1
    phrase = walk.chunk(ahead)
    if not isinstance(phrase, Phrase) or phrase.determiner or phrase.garment or phrase.person:
        return False
    digits = any(unit.text.isdigit() for unit in phrase.units)
    letters = phrase.noun is not None and phrase.noun.entry.pattern_noun == ("Letters",)
    return letters and (digits or ahead == 1) and _decorated(walk, item, phrase, ahead, 0)


def _with_adjectives(walk: Walk, item: Item, phrase: Phrase, ahead: int) -> bool:
    """ "with long sleeves", said of something that has sleeves; "with blue stripes"."""
    sleeves = phrase.look.sleeve and item.covers_torso and phrase.determiner not in ("a", "an")
    if not (sleeves or (phrase.look.patterns and walk.text(ahead) != "in")):
        return False
    letters = phrase.look.patterns == ("Letters",)  # their color is not the garment's
    item.look.add(replace(phrase.look, colors=[]) if letters else phrase.look)
    return walk.consume(item, ahead + 1 + _on_the_garment(walk, ahead + 2))


def _on_the_garment(walk: Walk, ahead: int) -> int:
    """How many chunks "on it" or "on the front" takes, 0 where it does not follow."""
    if walk.text(ahead) not in ("on", "across", "in", "down", "at", "along"):
        return 0
    if walk.text(ahead + 1) in ("it", "them"):
        return 2
    phrase = walk.chunk(ahead + 1)
    noun = phrase.noun if isinstance(phrase, Phrase) else None
    return 2 if noun is not None and noun.text in _PLACE_ON and not _possessed(phrase) else 0


def _decorated(walk: Walk, item: Item, phrase: Phrase, ahead: int, place: int) -> bool:
    """Takes over a pattern's noun, a part's color, or a picture."""
    noun = next((unit for unit in phrase.units if unit.entry.pattern_noun), phrase.noun)
    if noun is None:
        return False
    entry = noun.entry
    if entry.pattern_noun and item.attributes == ("Hair",):
        return False
    if entry.pattern_noun:
        kinds = phrase.look.patterns if len(entry.pattern_noun) > 1 and phrase.look.patterns else entry.pattern_noun
        item.look.patterns = tuple(dict.fromkeys(item.look.patterns + kinds + phrase.look.patterns))
        if entry.pattern_noun != ("Letters",):
            item.look.add(Look(colors=phrase.look.colors))
        item.uses.append(noun)
    elif entry.part == "colored" or (noun.text in _LIMBS and phrase.look.colors and not phrase.possessive):
        item.look.add(Look(colors=phrase.look.colors, sleeve=_sleeve_of(noun, phrase.look)))
    elif place and not entry.part and not entry.object and not entry.body:
        digits = any(unit.text.strip("#").isdigit() for unit in phrase.units)
        item.look.patterns += () if item.look.patterns else ("Letters",) if digits else ("Fancy",)
        item.uses.append(noun)
    elif not entry.part:
        return False
    return walk.consume(item, ahead + place)


def _possessed(chunk: Chunk | None) -> bool:
    """Whether "his" or "her" stands in the phrase: then it is the person's back, not the garment's."""
    return isinstance(chunk, Phrase) and bool(chunk.possessive)


def _sleeve_of(noun: Unit, look: Look) -> tuple[str, ...]:
    return look.size if noun.text.startswith("sleeve") else ()


def _is_part_of(phrase: Phrase, item: Item) -> bool:
    """Whether a garment's name is a part of the item: shoes "with a low heel", a cap "with a visor"."""
    part = phrase.noun is not None and bool(phrase.noun.entry.part)
    return part and phrase.garment is not None and phrase.garment.attributes == item.attributes
