"""Bare looks: adjectives without a noun, and the garment that they are said of."""

from dataclasses import replace

from query.garments import new_item, read_garment
from query.items import Item
from query.lexicon import CLOTHING, some_garment
from query.phrases import Chunk, Phrase, names_body, names_thing
from query.postmodifiers import read_after
from query.walk import Walk

_UPPER = some_garment("UpperClothes", main=True)
_PANTS = some_garment("Pants", main=True)
_BAGS = frozenset({"backpack", "bag", "purse", "handbag", "rucksack", "suitcase", "umbrella", "parasol", "pouch"}) | {
    "shoulder bag",
    "tote bag",
    "briefcase",
    "duffel bag",
    "apron",
}
_AROUND = frozenset({"background", "distance", "room", "street", "hall", "surroundings"})
_ON = frozenset({"on", "around", "round", "all over", "over"})


def read_bare_adjectives(walk: Walk, phrase: Phrase) -> None:
    """Adjectives without a noun: "in black", "wearing stripes", "in long sleeves"."""
    worn_words = walk.mark(-1, "wear") or walk.text(-1) in ("in", "with", "has", "have")
    back = 1
    while walk.mark(-back, "filler") or _is_unknown(walk.chunk(-back)):
        back += 1
    worn_words = worn_words or walk.mark(-back, "wear") or walk.text(-back) == "in"
    if walk.mark(-back, "be"):
        walk.said = phrase.look
    if phrase.determiner in ("a", "an") and not walk.mark(-back, "wear") and phrase.units[-1].entry.pattern_noun:
        worn_words = False  # "has a yellow flower in her hair"
    everything = any(unit.text.split()[0] == "all" for unit in phrase.units)
    told = walk.mark(-2, "be") and _is_told_of(walk.chunk(-4), walk.text(-3))
    if walk.text(-1) == "in" and (_is_bag(walk.chunk(-2)) or told) and not everything:
        worn_words = False  # "with a backpack in orange", "an umbrella which is in black color"
    dirty = walk.garment_at(-3) if walk.mark(-2, "be") else None
    if walk.text(-1) == "covered in" and dirty is not None and dirty.garment is not None and dirty.garment.main:
        worn_words = False  # "whose shirt is covered in chocolate"
    if walk.text(1) in _ON and names_body(walk.chunk(2)):
        worn_words = False  # "has chocolate round his mouth"
    alone = walk.chunk(-1) is None or walk.mark(-1, "comma")
    if walk.corrects() and walk.items and walk.mark(-1, "comma", "correction"):
        walk.items[-1].look.replace(phrase.look)
        walk.items[-1].uses += phrase.uses
    elif _stripes_are(walk, phrase):
        pass
    elif walk.text(1) in ("one", "ones") and walk.items and walk.items[-1].owner == walk.owner:
        _another_look(walk, walk.items[-1], phrase)
    elif walk.text(1) in ("one", "ones") and walk.mark(-1, "wear", "have") and walk.items:
        item = new_item(walk, walk.items[-1].garment, phrase.look, phrase)
        walk.items.append(item)  # "the dog wears a pink sweater and she wears a gray one"
        walk.consume(item, 1)
        read_after(walk, item)
    elif phrase.look.sleeve:
        _bare_sleeves(walk, phrase)
    elif phrase.is_stuff or _lies_around(walk, phrase):
        pass  # "standing in the dark"
    elif ((worn_words or alone) and _one_over_another(walk, phrase)) or _one_or_another(walk, phrase):
        pass
    elif walk.text(-back) != "with" and worn_words and (phrase.look.colors or phrase.look.patterns):
        item = new_item(walk, CLOTHING, phrase.look, phrase)
        walk.items.append(item)
        read_after(walk, item)
    elif walk.items and (_said_of_it(walk, back) or _goes_on_alone(walk, phrase)):
        walk.items[-1].look.add(phrase.look)
        walk.items[-1].uses += phrase.uses


def _stripes_are(walk: Walk, phrase: Phrase) -> bool:
    """In "a striped top, the stripes are navy and white", "the stripes navy and white", the colors are the top's."""
    said = walk.adjectives(2)
    first = phrase.units[1].entry if phrase.determiner == "the" and len(phrase.units) > 2 else None
    if not walk.items or not walk.items[-1].look.patterns:
        return False
    if first is not None and first.pattern_noun and phrase.look.colors and walk.mark(-1, "comma"):
        walk.items[-1].look.add(phrase.look)
        walk.items[-1].uses += phrase.uses
        return True
    named = phrase.determiner == "the" and phrase.units[-1].entry.pattern_noun and phrase.units[-1].text.endswith("s")
    if not (named and walk.mark(1, "be")) or said is None or walk.items[-1].look.colors:
        return False
    walk.items[-1].look.add(said.look)
    return walk.consume(walk.items[-1], 2)


def _lies_around(walk: Walk, phrase: Phrase) -> bool:
    """Whether it is what somebody does something in: "digging in sand"."""
    acts = walk.text(-1) == "in" and walk.mark(-2, "verb") and not walk.mark(-2, "wear")
    return acts and not phrase.determiner and phrase.units[-1].text in ("sand", "straw", "wheat")


def _is_unknown(chunk: Chunk | None) -> bool:
    """Whether it is a single unknown word, perhaps an adjective: "in Trappist brown"."""
    return isinstance(chunk, Phrase) and [unit.unknown for unit in chunk.units] == [True]


def _is_bag(chunk: Chunk | None) -> bool:
    """Whether it is carried."""
    noun = chunk.noun if isinstance(chunk, Phrase) and not chunk.look.colors else None
    return noun is not None and noun.text in _BAGS


def _is_told_of(thing: Chunk | None, relative: str) -> bool:
    """Whether a thing, and no person, is what "which is in black" tells of."""
    known = isinstance(thing, Phrase) and thing.noun is not None and thing.noun.entry.object
    return names_thing(thing) and (relative == "which" or (relative == "that" and bool(known)))


def _one_over_another(walk: Walk, phrase: Phrase) -> bool:
    """ "in white over blue": a white top, and blue on the legs."""
    lower = walk.adjectives(2)
    if walk.text(1) != "over" or lower is None or not (phrase.look.colors and lower.look.colors):
        return False
    walk.items.append(new_item(walk, _UPPER, phrase.look, phrase))
    walk.at += 2
    walk.items.append(item := new_item(walk, _PANTS, lower.look, lower))
    read_after(walk, item)
    return True


def _one_or_another(walk: Walk, phrase: Phrase) -> bool:
    """ "a navy or a black overcoat": both colors are the garment's."""
    garment = walk.garment_at(2)
    led = {"a", "an", "either"}
    if not walk.mark(1, "or") or garment is None or phrase.determiner not in led or garment.determiner not in led:
        return False
    if not (phrase.look.colors and garment.look.colors):
        return False
    garment.look.colors, garment.look.either = phrase.look.colors + garment.look.colors, True
    garment.uses += phrase.uses
    walk.at += 1
    return True


def _said_of_it(walk: Walk, back: int) -> bool:
    """ "it is red", "he wears it long"."""
    scene = walk.chunk(-back - 2)
    around = isinstance(scene, Phrase) and scene.noun_text in _AROUND  # "in the background it is"
    it_is = walk.mark(-back, "be") and walk.text(-back - 1) == "it" and not around
    call = walk.chunk(-2) if walk.text(-1) in ("it", "them") else walk.chunk(-1)
    called = isinstance(call, Phrase) and call.units[-1].text in ("call", "called")
    it_is = it_is or (called and (call is walk.chunk(-2) or walk.mark(-3, "relative")))  # "I would call it short"
    black_it_was = walk.mark(-1, "comma") and walk.text(1) in ("it", "they") and walk.mark(2, "be")
    return it_is or black_it_was or (walk.text(-back) == "it" and walk.mark(-back - 1, "wear", "have"))


def _goes_on_alone(walk: Walk, phrase: Phrase) -> bool:
    """ "A red coat! Long!" """
    alone = walk.mark(-1, "stop") and (walk.chunk(1) is None or walk.mark(1, "stop"))
    item = walk.items[-1]
    told = item.look.colors if phrase.look.colors else item.look.size if phrase.look.size else True
    return alone and not told and walk.chunk(-2) is item.phrase


def _another_look(walk: Walk, item: Item, phrase: Phrase) -> None:
    """ "a blue coat or a green one", "the coat, the long one"."""
    if walk.mark(-1, "but") and item.negated:
        item.negated, item.look = False, phrase.look  # "not a red coat but a blue one"
        item.uses += phrase.uses
    elif walk.or_before or walk.mark(-1, "comma"):
        item.look.add(replace(phrase.look, either=walk.or_before))
        walk.consume(item, 1)
        item.uses += phrase.uses
        read_after(walk, item)  # "a floral one in light blue"


def _bare_sleeves(walk: Walk, phrase: Phrase) -> None:
    """ "with long sleeves" after its garment; without one it is a top itself."""
    says_more = phrase.determiner not in ("a", "an") and not phrase.look.colors
    for item in reversed(walk.items):
        near = item.sentence == walk.sentence and item.owner == walk.owner
        if says_more and near and item.covers_torso and not item.look.sleeve:
            item.look.add(phrase.look)
            item.uses += phrase.uses
            read_after(walk, item)  # "a top that has no sleeves and is red"
            return
    read_garment(walk, phrase, _UPPER)
