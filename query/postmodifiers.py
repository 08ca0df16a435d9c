"""Postmodifiers: what is said of a garment behind its noun."""

from query.decoration import read_feature
from query.items import OTHER, Item
from query.noun_phrases import may_act
from query.phrases import Chunk, Look, Phrase, first_word, names_person
from query.predicates import read_alike, read_height, read_predicate, read_same_color
from query.reach import read_place
from query.reach_words import REACHING
from query.relative_clauses import read_of_which, read_saying
from query.units import Unit
from query.unworn import (
    carried_by,
    held_up,
    hidden,
    lies_elsewhere,
    none_of_it,
    not_worn,
    on_something_else,
    on_the_lap,
    out_of_sight,
    put_away,
    taken_off,
)
from query.walk import HIM, Walk

UNDER = frozenset({"under", "underneath", "beneath"})
_PUTTING = frozenset({"putting", "puts", "put", "placing", "places", "tying"})
MATERIALS = frozenset({"flannel", "cloth"})
_SHUT = frozenset({"closed", "shut", "together"})
_TURNED = frozenset({"turned", "worn", "facing", "flipped", "on"})
_WHERE_WORN = frozenset({"head", "face", "nose", "feet", "neck"})
_BUT = frozenset({"but", "except", "except for", "other than", "apart from", "save for"})
_WAYS = [["backward"], ["backwards"], ["sideways"], ["back to front"]]
_DYED = frozenset({"dyed", "done", "colored", "coloured", "painted"})


def read_after(walk: Walk, item: Item) -> None:
    """Reads all that is said after the garment."""
    while _read_one(walk, item):
        pass


def _read_one(walk: Walk, item: Item) -> bool:
    """Reads one thing said after the garment; False where nothing more is said of it."""
    return (
        read_of_which(walk, item)
        or on_something_else(walk, item)
        or on_the_lap(walk, item)
        or _of_somebody(walk, item)
        or _that_she_wears(walk, item)
        or taken_off(walk, item)
        or lies_elsewhere(walk, item)
        or _beneath(walk, item)
        or _too(walk, item)
        or _particle(walk, item)
        or carried_by(walk, item)
        or held_up(walk, item)
        or put_away(walk, item)
        or _turned(walk, item)
        or _on_the_head(walk, item)
        or _set_right(walk, item)
        or not_worn(walk, item)
        or none_of_it(walk, item)
        or read_place(walk, item)
        or out_of_sight(walk, item)
        or hidden(walk, item)
        or read_alike(walk, item)
        or read_same_color(walk, item)
        or _or_so(walk, item)
        or _blond(walk, item)
        or read_predicate(walk, item)
        or (walk.mark(1, "comma") and read_height(walk, item, 2))
        or _in_halves(walk, item)
        or _has_none(walk, item)
        or _not_that_one(walk, item)
        or _apposition(walk, item)
        or read_feature(walk, item)
        or _in_any_color_but(walk, item)
        or _in_several_colors(walk, item)
        or _of_stuff(walk, item)
        or _in_color(walk, item)
        or _under_another(walk, item)
        or _one_of_each(walk, item)
        or _as_red_as(walk, item)
        or read_saying(walk, item)
    )


def _of_somebody(walk: Walk, item: Item) -> bool:
    """ "tying the shoe of a kid": it is the kid's; "the jacket of this man", "the hair of him": the described one's.

    What then follows is said of the garment, as if its owner had not been named there.
    """
    if walk.text(1) == "of" and walk.text(2) in HIM and walk.mark(3, "be"):
        del walk.chunks[walk.at + 1 : walk.at + 3]
        return True
    owner = walk.chunk(2)
    if walk.text(1) == "on" and names_person(owner) and walk.text(-1) in _PUTTING and walk.subject_gender:
        item.owner = OTHER  # "putting a tie on a man"
    if walk.text(1) != "of" or not isinstance(owner, Phrase) or not owner.person:
        return False
    another = owner.determiner in ("a", "an", "another")
    if another and walk.subject_gender and walk.mark(-1, "verb", "hold"):
        item.owner = OTHER
    plain = not (owner.traits or owner.look.says_something())
    known = bool(walk.subject_gender) and (walk.owner == OTHER or owner.noun_text != walk.subject_noun)
    if owner.determiner not in ("this", "the") or known or not walk.mark(3, "be") or not plain:
        return False
    walk.subject_gender, walk.subject_noun = owner.person, owner.noun_text
    del walk.chunks[walk.at + 1 : walk.at + 3]
    return True


def _that_she_wears(walk: Walk, item: Item) -> bool:
    """ "The sweater she wears has stripes"."""
    wearer = walk.mark(1, "pronoun") and walk.mark(2, "wear") and (walk.mark(3, "have") or walk.text(3) in REACHING)
    if wearer:
        item.owner = walk.owner_told(1, item.owner)
        del walk.chunks[walk.at + 1 : walk.at + 3]
    return wearer


def _beneath(walk: Walk, item: Item) -> bool:
    """ "the skirt beneath is gray"."""
    return walk.text(1) in UNDER and walk.mark(2, "be") and walk.consume(item, 1)


def _too(walk: Walk, item: Item) -> bool:
    """ "his waistcoat is white, and his bow tie too"."""
    alike = walk.text(1) == "too" and (walk.chunk(2) is None or walk.mark(2, "comma", "stop"))
    if alike and not item.look.says_something():
        item.look.add(walk.said)
    return False


def _particle(walk: Walk, item: Item) -> bool:
    """ "has a hat on": the word ends nothing."""
    on = walk.text(1) == "on" and not isinstance(walk.chunk(2), Phrase) and not walk.mark(2, "pronoun")
    return on and walk.consume(item, 1)


def _turned(walk: Walk, item: Item) -> bool:
    """ "a cap turned backwards", "his cap is worn sideways": the way that it is worn ends nothing."""
    ahead = 2 if walk.mark(1, "be") else 1
    way = walk.chunk(ahead + 1)
    told = isinstance(way, Phrase) and [unit.text for unit in way.units] in _WAYS
    return told and walk.text(ahead) in _TURNED and walk.consume(item, ahead + 1)


def _on_the_head(walk: Walk, item: Item) -> bool:
    """ "holding her hat on her head" is wearing it."""
    place = walk.chunk(2)
    head = isinstance(place, Phrase) and place.noun_text in _WHERE_WORN
    if not (head and walk.text(1) in ("on", "over")):
        return False
    item.worn = True
    return walk.consume(item, 2)


def _set_right(walk: Walk, item: Item) -> bool:
    """ "holding a coat closed", "pulling his hood up", "pulling down her hat" is wearing it."""
    words = {first_word(walk.chunk(-1)), first_word(walk.chunk(1))}
    own = bool(item.phrase.possessive) and bool(words & {"up", "down"})
    hood = item.phrase.noun is not None and item.phrase.noun.text.startswith("hood")
    item.worn = item.worn or (walk.holding and (own or hood or bool(words & _SHUT)))
    return False


def _apposition(walk: Walk, item: Item) -> bool:
    """Adjectives behind: "coat, long and red", "hair: brown", "hair, possibly brown", "shirt, not red"."""
    if walk.text(1) in ("color", "colour") and walk.text(2) == ":":
        del walk.chunks[walk.at + 1]  # "hair colour: brown"
    ahead = 2 if walk.mark(1, "comma") or walk.text(1) in ("-", "(", "that", "which", "that's") else 1
    ahead += walk.text(ahead) == "also" or walk.text(1) == "half"  # "hair half black half blond"
    hedge = walk.chunk(ahead)
    hedged = isinstance(hedge, Unit) and hedge.entry.hedge is not None and ahead == 2
    denied = walk.text(ahead) == "not"
    ahead += hedged or denied or (ahead == 2 and item.alternative and walk.mark(2, "filler"))
    said = walk.adjectives(ahead)
    if said is None or (item.negated and ahead == 2) or not _is_apposition(walk, item, said, ahead):
        return False
    if hedged and said.look.colors and item.look.colors:
        item.look.either = True  # "a dark hoodie, maybe navy"
    elif hedged and isinstance(hedge, Unit):
        item.weight = hedge.entry.hedge or 1.0
    if denied:
        item.denied = said.look
    else:
        for told in _all_listed(walk, item, said):
            told.look.add(said.look)
    return walk.consume(item, ahead)


def _all_listed(walk: Walk, item: Item, said: Phrase) -> list[Item]:
    """Whom it is said of: "cap, shirt, shoes - all white" of each, anything else of the last."""
    listed = [old for old in walk.items if (old.sentence, old.owner) == (item.sentence, item.owner)]
    each = said.units[0].text.split()[0] == "all" and not any(old.look.colors for old in listed)
    return listed if each else [item]


def _or_so(walk: Walk, item: Item) -> bool:
    """ "a black beanie (or dark grey)": another color that it may have."""
    said = walk.adjectives(3)
    if walk.text(1) != "(" or not walk.mark(2, "or") or said is None or not item.look.colors:
        return False
    item.look.add(Look(colors=said.look.colors, either=True))
    return walk.consume(item, 3)


def _blond(walk: Walk, item: Item) -> bool:
    """ "Her hair, blond, is short"."""
    said = walk.chunk(2)
    if not walk.mark(1, "comma") or item.attributes != ("Hair",) or not isinstance(said, Phrase) or said.noun:
        return False
    if len(said.traits) != 1 or said.determiner or not walk.mark(3, "comma", "stop", "and"):
        return False
    has = said.traits[0].means[0].has
    if has.attribute != ("Hair",) or not has.color:
        return False
    item.look.add(Look(colors=[has.color], size=has.size or said.look.size))
    return walk.consume(item, 2)


def _not_that_one(walk: Walk, item: Item) -> bool:
    """ "an anorak, not the orange one"."""
    said = walk.adjectives(3)
    one = walk.mark(1, "comma") and walk.text(2) == "not" and walk.text(4) in ("one", "ones")
    ends = walk.chunk(5) is None or walk.mark(5, "comma", "stop", "and")
    if not (one and ends) or said is None or said.determiner not in ("the", "a", "an") or not said.look.shows():
        return False
    item.denied = said.look
    return walk.consume(item, 4)


def _has_none(walk: Walk, item: Item) -> bool:
    """ "a jumper without stripes", "whose jumper has no stripes"."""
    said = walk.adjectives(2)
    lacks = walk.mark(1, "negation") and walk.text(1).split()[0] in ("has", "have", "had", "with", "without")
    if not lacks or said is None or not said.look.patterns or item.negated:
        return False
    item.denied = Look(patterns=said.look.patterns)
    return walk.consume(item, 2)


def _is_apposition(walk: Walk, item: Item, said: Phrase, ahead: int) -> bool:
    """Whether the adjectives that stand there are said of the garment before, not of something behind them."""
    likened = any(unit.text in ("color of", "colour of") for unit in said.units)
    if (said.determiner not in ("", "either") and not likened) or not said.uses:
        return False
    hedge = walk.chunk(ahead - 1)
    other = walk.text(ahead - 1) == "not" or (isinstance(hedge, Unit) and hedge.entry.hedge is not None)
    if said.look.colors and item.look.colors and not other:
        return False
    behind = walk.chunk(ahead + 1)
    if isinstance(behind, Phrase) and not (ahead >= 2 and behind.person == ""):
        return False
    person = walk.chunk(ahead + 2)
    leads_to_person = walk.mark(ahead + 1, "comma") and names_person(person)
    return not (ahead >= 2 and leads_to_person)


def _in_color(walk: Walk, item: Item) -> bool:
    """ "coat in red", "of red color", "a skirt in tartan", "a suit in grey flannel"."""
    whole = len(item.garment.means) > 1 and walk.mark(1, "comma") and walk.text(2) == "all"
    dyed = 2 * whole or int(first_word(walk.chunk(1)) in _DYED)  # "a tracksuit, all in white"
    dyed += walk.text(1) == "also" or (item.alternative and walk.mark(1, "comma") and walk.text(2) == "in")
    said = walk.adjectives(2 + dyed) or _material(walk.chunk(2), item)
    length = said is not None and said.units[-1].text == "length"  # "a skirt of short length"
    if walk.text(1 + dyed) not in ("in", "of") or said is None:
        return False
    if not (said.look.colors or said.look.patterns or length):
        return False
    if item.look.colors and said.look.colors:
        return False
    if item.negated or item.garment.facial:
        return False  # "without a beard in green"
    following = walk.chunk(3 + dyed)
    acts = isinstance(following, Phrase) and len(following.units) == 1 and may_act(following.units[0])
    if isinstance(following, Phrase) and not acts:
        return False  # "a jacket in light purple protects her"
    item.look.add(said.look)
    return walk.consume(item, 2 + dyed)


def _of_stuff(walk: Walk, item: Item) -> bool:
    """ "a jacket of fleece", "lined with fleece": what it is made of has a garment's name."""
    lined = first_word(walk.chunk(1)) == "lined" and walk.text(2) == "with"
    stuff = walk.garment_at(2 + lined)
    neutral = stuff is not None and stuff.noun is not None and stuff.noun.entry.neutral and len(stuff.units) == 1
    made = lined or walk.text(1) in ("of", "made of", "made from")
    return neutral and made and walk.consume(item, 2 + lined)


def _material(chunk: Chunk | None, item: Item) -> Phrase | None:
    """The colored stuff that something is made of, where that is a garment's name too: "charcoal flannel"."""
    if not isinstance(chunk, Phrase) or chunk.determiner or chunk.noun is None:
        return None
    heavy = chunk.noun.text == "cloth" or {"Coat", "Pants", "Skirt"} & set(item.attributes)
    return chunk if heavy and chunk.noun.text in MATERIALS and chunk.look.colors else None


def _under_another(walk: Walk, item: Item) -> bool:
    """ "the top under the jacket is white": the jacket has been named before."""
    over, said = walk.garment_at(2), walk.adjectives(4)
    if walk.text(1) not in UNDER or over is None or over.garment is None or not walk.mark(3, "be") or said is None:
        return False
    if not any(old.attributes == over.garment.attributes for old in walk.items[:-1]):
        return False
    item.look.add(said.look)
    return walk.consume(item, 4)


def _in_halves(walk: Walk, item: Item) -> bool:
    """ "a two-tone jacket, blue on top and gray on the bottom"."""
    upper = walk.adjectives(2)
    ahead = 4 if walk.text(3) in ("on top", "at the top") else 5
    lower = walk.adjectives(ahead + 1)
    told = walk.mark(1, "comma") and walk.mark(ahead, "and") and walk.text(ahead + 2) in ("on", "at")
    told = told and item.covers_torso
    if not told or upper is None or lower is None or walk.text(3) not in ("on top", "at the top", "on"):
        return False
    item.look.add(Look(colors=upper.look.colors + lower.look.colors))
    return walk.consume(item, ahead + 3)


def _in_any_color_but(walk: Walk, item: Item) -> bool:
    """ "a jacket in any color except black"."""
    any_color = [walk.text(at).replace("colour", "color") for at in (1, 2, 3)] == ["in", "any", "color"]
    said = walk.adjectives(5)
    if not any_color or walk.text(4) not in _BUT or said is None:
        return False
    item.denied = said.look
    return walk.consume(item, 5)


def _in_several_colors(walk: Walk, item: Item) -> bool:
    """ "a jacket in two colors, black and gray"."""
    said = walk.adjectives(5)
    told = walk.text(1) == "in" and walk.text(3) in ("colors", "colours") and walk.mark(4, "comma")
    if not told or said is None:
        return False
    item.look.add(said.look)
    return walk.consume(item, 5)


def _one_of_each(walk: Walk, item: Item) -> bool:
    """ "odd socks, one red, one green", "shoes, one red and the other blue"."""
    first = walk.chunk(2)
    if not (walk.mark(1, "comma") and walk.mark(3, "comma", "and") and isinstance(first, Phrase)):
        return False
    ahead = 4 + (walk.text(4) == "the")
    second = walk.chunk(ahead + (walk.text(ahead) == "other"))
    if not isinstance(second, Phrase) or not (first.only_adjectives and second.only_adjectives):
        return False
    if first.determiner != "one" or not (second.determiner in ("one", "other", "the") or walk.text(ahead) == "other"):
        return False
    item.look.add(Look(colors=first.look.colors + second.look.colors))
    return walk.consume(item, ahead + (walk.text(ahead) == "other"))


def _as_red_as(walk: Walk, item: Item) -> bool:
    """ "boots as red as her lipstick"."""
    said = walk.adjectives(2)
    if said is None or (walk.text(1), walk.text(3)) != ("as", "as") or item.look.colors:
        return False
    item.look.add(said.look)
    return walk.consume(item, 3)
