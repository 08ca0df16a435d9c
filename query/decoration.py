"""Decoration: patterns, letters, pictures and parts that a garment is said to have."""

from dataclasses import replace

from query.items import OTHER, Item
from query.phrases import Chunk, Look, Phrase, first_word, names_thing
from query.units import Unit
from query.walk import Walk

_LIMBS = frozenset({"arms", "legs"})
_TORSO = frozenset({"UpperClothes", "Coat"})
_FRAMES = frozenset({"frame", "frames", "rim", "rims"})
PEEPING = frozenset(
    {"peeking", "peeking out", "peeping", "peeping out", "poking", "poking out"}
    | {"seen", "showing", "sticking out", "underneath", "visible"}
)
_PRINTED = frozenset(
    {"emblazoned with", "embroidered all over with", "embroidered with", "patterned all over with"}
    | {"patterned with", "printed all over with", "printed with"}
)
_ADORNED = (
    _PRINTED
    | {"adorned with", "covered all over with", "covered in", "covered with"}
    | {"decorated with", "dotted with", "sprinkled with"}
)
_PICTURED = frozenset(
    {"ships", "rockets", "dinosaurs", "unicorns", "penguins", "ducks", "sheep", "reindeer", "cars", "trucks", "trains"}
    | {"planes", "monkeys", "bears", "pandas", "foxes", "owls", "fish", "whales", "sharks", "pineapples", "bananas"}
    | {"cherries", "strawberries", "lemons", "robots", "planets", "moons", "clouds", "mermaids", "princesses"}
    | {"bunnies", "rabbits", "lions", "tigers", "elephants", "giraffes", "parrots", "flamingos", "anchors", "pumpkins"}
    | {"bats", "skeletons", "bees", "mushrooms", "cacti", "astronauts", "cowboys", "ballerinas"}
)
_HEROES = frozenset({"captain america", "spider-man", "spiderman", "superman", "batman", "wonder woman", "iron man"})
STUFF = frozenset(
    {"tulle", "glitter", "pearls", "sequins", "pins", "badges", "ice", "dust", "sweat", "blood", "paint", "ketchup"}
    | {"nothing", "snow", "mud", "dirt", "chocolate", "stain", "stains", "food", "sand", "water", "feathers", "studs"}
    | {"beads", "rhinestones", "crystals", "fur", "lace", "leather", "mesh", "grass", "grease", "oil", "milk", "pollen"}
)
_THREADS = frozenset({"thread", "threads", "yarn", "stitching", "stitches"})
_NAMES = frozenset({"name", "names", "logo", "logos", "number", "initials"})
_FACES = frozenset({"face", "faces", "head", "heads", "picture", "portrait"})
PUT_ON = frozenset({"printed", "embroidered", "decorated"})
_PINNED = frozenset({"pinned", "clipped", "attached"})
_SKIN = frozenset({"wrist", "wrists", "ankle", "ankles", "hand", "hands", "finger", "fingers"}) | {
    "head",
    "face",
    "forehead",
    "cheek",
    "cheeks",
    "neck",
    "ear",
    "ears",
}
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
    held = walk.mark(-3, "hold") or (walk.mark(-3, "preposition") and walk.mark(-4, "hold"))
    place, thing = walk.chunk(ahead + 1), walk.chunk(-2)
    side = isinstance(place, Phrase) and place.noun_text in ("side", "lid", "label")
    met = isinstance(thing, Phrase) and thing.determiner in ("a", "an")  # "by a banner with writing on it"
    held = (held or met) and (walk.text(ahead + 1) in ("it", "them") or side)
    carried = held and walk.text(-1) == "with" and names_thing(walk.chunk(-2))  # "holding up a sign with a name on it"
    if noun.entry.pattern_noun and _on_the_garment(walk, ahead) and not carried:
        item.look.add(Look(patterns=noun.entry.pattern_noun))
        item.uses.append(noun)


def part_is(walk: Walk, part: Unit) -> None:
    """In "a red jacket. The sleeves are white", "a shirt, sleeves long", the look is the garment's too."""
    ahead = 3 if walk.text(1) == "of" and walk.mark(2, "relative") else 1  # "the sleeves of which are white"
    bare = walk.mark(-1, "comma") and walk.adjectives(1) is not None  # "the body black"
    ahead = 0 if bare else ahead
    said = walk.adjectives(ahead + 1)
    if not (bare or walk.mark(ahead, "be")) or said is None or not walk.items or not walk.items[-1].covers_torso:
        return
    walk.items[-1].look.add(Look(colors=said.look.colors, sleeve=_sleeve_of(part, said.look)))
    walk.items[-1].uses += [part, *said.uses]
    walk.other_acts = walk.owner == OTHER
    walk.at += ahead + 1


def read_feature(walk: Walk, item: Item) -> bool:
    """ "with white stripes", "has long sleeves", "with a bunny on it"."""
    if _full_of(walk, item) or _bare_number(walk, item) or _numbered(walk, item) or _part_behind_comma(walk, item):
        return True
    ahead = 1
    while walk.mark(ahead, "relative", "comma") and ahead < 3:
        ahead += 1
    ahead += walk.mark(ahead, "be") and walk.text(ahead + 1) in _ADORNED
    if not (walk.text(ahead) in ("with", "and", "has", "have", "in", "bearing", *_ADORNED) or walk.mark(ahead, "have")):
        return False
    linked_by_and = walk.text(ahead) == "and"
    ahead += linked_by_and and walk.mark(ahead + 1, "have")
    phrase = walk.chunk(ahead + 1)
    if not isinstance(phrase, Phrase) or phrase.traits:
        return False
    first = phrase.units[0]
    acts = first.text.endswith("ing") and (first.unknown or first.plays("verb")) and not first.entry.pattern_noun
    if linked_by_and and acts:
        return False  # "with letters on it and taking a photo"
    if _with_a_name(walk, item, ahead + 1):
        return True
    has_it = walk.text(ahead) == "with" or walk.mark(ahead, "have")
    if has_it and is_lettering(phrase) and (place := _on_the_garment(walk, ahead + 2)):
        item.look.add(Look(patterns=("Letters",)))  # "with POLICE on the back"
        return walk.consume(item, ahead + 1 + place)
    if phrase.person:
        return walk.text(ahead) == "with" and _with_a_picture_of(walk, item, ahead + 1)
    if has_it and (picture := _picture_of_clothes(phrase)) is not None:
        return _patterned(walk, item, phrase, picture, ahead + 1, _on_the_garment(walk, ahead + 2))
    if phrase.garment and not (has_it and _is_part_of(phrase, item, in_a_state=_in_a_state(walk, ahead + 2))):
        return False
    if _on_the_skin(walk, ahead + 2):
        return False
    if phrase.only_adjectives:
        return _with_adjectives(walk, item, phrase, ahead)
    if has_it and not phrase.determiner and any(unit.text in _HEROES for unit in phrase.units):
        return _with_a_picture_of(walk, item, ahead + 1)  # "with Spider-Man on the front"
    if phrase.noun is None or walk.text(ahead) == "in" or (walk.denial and walk.text(ahead) == "and"):
        return False
    place = _on_the_garment(walk, ahead + 2)
    told = phrase.noun.entry.part or _pattern_named(phrase, phrase.noun) is not None
    named = phrase.possessive not in ("", "its")  # "and her name is Poppy"
    if linked_by_and and (named or not (place or told)):
        return False
    printed = walk.text(ahead) in _PRINTED or (walk.text(ahead) == "covered with" and _are_pictured(phrase))
    if printed and not told:
        colors = [] if phrase.units[-1].text in _THREADS else phrase.look.colors  # "embroidered with white cranes"
        item.look.add(Look(patterns=() if item.look.patterns else ("Fancy",), colors=colors))
        return walk.consume(item, ahead + 1 + place)
    return decorated(walk, item, phrase, ahead + 1, place)


def _are_pictured(phrase: Phrase) -> bool:
    """Whether it names things that cloth is printed with: "covered with rocket ships", not "with crumbs"."""
    return phrase.noun_text.split(" ")[-1] in _PICTURED and not phrase.determiner


def _with_a_name(walk: Walk, item: Item, ahead: int) -> bool:
    """ "with a band's name across the back", "which has sponsors' names all over it", "with a lion's face on it"."""
    behind = walk.behind_possessive(ahead + 1)
    named = walk.chunk(behind)
    if behind == ahead + 1 or not isinstance(named, Phrase) or item.attributes == ("Hair",):
        return False
    words = {unit.text for unit in named.units}
    pattern = "Letters" if words & _NAMES else "Fancy" if words & _FACES else ""
    place = _on_the_garment(walk, behind + 1)
    ends = walk.chunk(behind + 1) is None or walk.mark(behind + 1, "comma", "stop", "and")
    everywhere = named.units[-1].text in ("everywhere", "all over")
    last = everywhere or named.units[-1].text in _NAMES | _FACES | PUT_ON | {"painted", "written"}
    if not pattern or not last or not (place or (ends and pattern == "Letters") or _across(walk, behind + 1)):
        return False
    item.look.patterns = item.look.patterns or (pattern,)
    return walk.consume(item, behind + place)


def _across(walk: Walk, ahead: int) -> bool:
    """Whether "across the shoulders" stands there."""
    place = walk.chunk(ahead + 1)
    return walk.text(ahead) == "across" and isinstance(place, Phrase) and not place.possessive


def _with_a_picture_of(walk: Walk, item: Item, ahead: int) -> bool:
    """ "a shirt with princesses on it"."""
    place = _on_the_garment(walk, ahead + 1)
    if not place or item.attributes == ("Hair",):
        return False
    item.look.patterns = item.look.patterns or ("Fancy",)
    return walk.consume(item, ahead + place)


def _part_behind_comma(walk: Walk, item: Item) -> bool:
    """ "a varsity jacket, maroon body and cream sleeves"."""
    part = walk.chunk(2)
    if not walk.mark(1, "comma") or not isinstance(part, Phrase) or part.garment or part.streaks or part.noun is None:
        return False
    told = part.noun.entry.part == "colored" and part.look.colors and not part.determiner and item.covers_torso
    return bool(told) and _has_part(walk, item, part, part.noun, 2, 0)


def _numbered(walk: Walk, item: Item) -> bool:
    """ "jersey number 12", "jersey, number 12", "jersey #12"."""
    ahead = 2 if walk.mark(1, "comma") else 1
    phrase = walk.chunk(ahead)
    if not isinstance(phrase, Phrase) or phrase.determiner or phrase.garment or phrase.person:
        return False
    digits = any(unit.text.isdigit() for unit in phrase.units)
    letters = phrase.noun is not None and phrase.noun.entry.pattern_noun == ("Letters",)
    if phrase.units[0].text == "#" and digits and item.covers_torso:
        item.look.add(Look(patterns=("Letters",)))
        return walk.consume(item, ahead)
    return letters and (digits or ahead == 1) and decorated(walk, item, phrase, ahead, 0)


def is_lettering(phrase: Phrase) -> bool:
    """Whether it is all in capitals: "POLICE", not "a UFO", nor "WHITE STRIPES"."""
    told = any(unit.entry.color or unit.entry.pattern_noun for unit in phrase.units)
    return all(unit.capitals for unit in phrase.units) and not (phrase.determiner or told)


def _full_of(walk: Walk, item: Item) -> bool:
    """ "a shirt full of flowers"."""
    phrase = walk.chunk(1)
    if first_word(phrase) != "full of" or not isinstance(phrase, Phrase) or item.attributes == ("Hair",):
        return False
    noun = phrase.noun
    return noun is not None and bool(noun.entry.pattern_noun) and _patterned(walk, item, phrase, noun, 1, 0)


def _bare_number(walk: Walk, item: Item) -> bool:
    """ "a jersey with a 7 on the back"."""
    ahead = 3 if walk.text(2) == "a" or first_word(walk.chunk(2)) == "a" else 2
    place = _on_the_garment(walk, ahead + 1)
    numbered = item.covers_torso or item.attributes == ("Hat",)
    if walk.text(1) not in ("with", "has") or not walk.text(ahead).isdigit() or not (place and numbered):
        return False
    item.look.add(Look(patterns=("Letters",)))
    return walk.consume(item, ahead + place)


def _with_adjectives(walk: Walk, item: Item, phrase: Phrase, ahead: int) -> bool:
    """ "with long sleeves", said of something that has sleeves; "with blue stripes"."""
    sleeves = phrase.look.sleeve and item.covers_torso and phrase.determiner not in ("a", "an")
    many = phrase.units[-1].text.endswith((" colors", " colours"))  # "with many colors"
    checked = phrase.units[-1].text in ("color", "colour", "colors", "colours") and bool(item.look.patterns)
    plain = phrase.units[-1].text in ("color", "colour") and not item.look.colors  # "shoes with black color"
    many = many or plain or checked  # "checkered with blue and white color"
    if not (sleeves or many or (phrase.look.patterns and walk.text(ahead) != "in")):
        return False
    place = _on_the_garment(walk, ahead + 2)
    if phrase.units[-1].text == "flower" and not place:
        return False  # in a button hole
    if (shown := _pattern_of(walk, phrase, ahead + 2)) is not None:
        item.look.add(shown)
        return walk.consume(item, ahead + 3)
    letters = phrase.look.patterns == ("Letters",)  # their color is not the garment's
    item.look.add(replace(phrase.look, colors=[]) if letters else phrase.look)
    tint = walk.adjectives(ahead + 3) if walk.text(ahead + 2) == "in" and phrase.look.patterns else None
    if tint is not None and not letters:
        item.look.add(Look(colors=tint.look.colors))  # "has a floral print in red and white"
    return walk.consume(item, ahead + 1 + (place if tint is None else 2))


def _pattern_of(walk: Walk, phrase: Phrase, ahead: int) -> Look | None:
    """The look of "a pattern of leaves": Fancy, unless letters, lines or figures are named; None without "of"."""
    shown = walk.chunk(ahead + 1)
    if phrase.units[-1].text not in ("pattern", "design") or walk.text(ahead) != "of" or not isinstance(shown, Phrase):
        return None
    if shown.noun is not None and shown.noun.entry.pattern_noun == ("Letters",):
        kind = "Letters"
    elif any(("Geometrical",) in (unit.entry.pattern, unit.entry.pattern_noun) for unit in shown.units + phrase.units):
        kind = "Geometrical"
    elif shown.noun is not None and not shown.garment:
        kind = "Fancy"
    else:
        return None
    return Look(patterns=(kind,), colors=phrase.look.colors + shown.look.colors)


def _on_the_garment(walk: Walk, ahead: int) -> int:
    """How many chunks "on it", "on" or "printed on the front" takes, 0 where it does not follow."""
    put = walk.adjectives(ahead)
    made = put is not None and put.units[-1].text in PUT_ON
    if made and walk.text(ahead + 1) == "all over":
        return 2  # "with sharks printed all over"
    if walk.text(ahead + made) == "on" and (
        walk.chunk(ahead + made + 1) is None or walk.mark(ahead + made + 1, "comma", "stop", "and")
    ):
        return 1 + made  # "with frogs on"
    if walk.text(ahead + made) not in ("everywhere", "on", "across", "in", "down", "at", "along", "all over"):
        return 0
    phrase = walk.chunk(ahead + made + 1)
    noun = phrase.noun if isinstance(phrase, Phrase) else None
    on_it = noun is not None and noun.text in _PLACE_ON and not _possessed(phrase)
    if walk.text(ahead + made) == "everywhere":
        return 1 + made
    return 2 + made if on_it or walk.text(ahead + made + 1) in ("it", "them") else 0


def _on_the_skin(walk: Walk, ahead: int) -> bool:
    """Whether "on his wrists" or "in her hair" stands there, which no garment covers."""
    place = walk.chunk(ahead + 1)
    if walk.text(ahead) not in ("on", "in", "around", "round") or not isinstance(place, Phrase) or place.noun is None:
        return False
    hair = place.garment is not None and "Hair" in place.garment.attributes
    return hair or (place.noun.text in _SKIN and place.determiner != "the")


def decorated(walk: Walk, item: Item, phrase: Phrase, ahead: int, place: int) -> bool:
    """Takes over a pattern's noun, a part's color, or a picture."""
    noun = phrase.noun
    named = noun and _pattern_named(phrase, noun)
    if noun is None or (noun.text in _PINNED and not (named and named.entry.pattern_noun == ("Letters",))):
        return False  # "a pink tie and a flower pinned on", "with a name badge pinned on it"
    noun = named or noun
    if noun.entry.pattern_noun:
        if noun.text.endswith(" of") and isinstance(walk.chunk(ahead + 1), Phrase):
            place = 1 + _on_the_garment(walk, ahead + 2)  # "with a picture of a dog on it"
        return _patterned(walk, item, phrase, noun, ahead, place)
    if noun.entry.part or noun.text in _LIMBS or phrase.garment:
        return _has_part(walk, item, phrase, noun, ahead, place)
    body = noun.entry.body and not (noun.text in _FACES and place)  # "with a lions face on it"
    thing = noun.entry.object or body
    if not place or thing or item.attributes == ("Hair",):
        return False
    made = walk.adjectives(ahead + 1)
    printed = made is not None and made.units[-1].text in PUT_ON
    if noun.text in STUFF and not printed:
        return walk.consume(item, ahead + place)  # "with mud on it"
    letters = any(unit.text.strip("#").isdigit() for unit in phrase.units) or is_lettering(phrase)
    item.look.patterns += () if item.look.patterns else ("Letters",) if letters else ("Fancy",)
    item.uses.append(noun)
    return walk.consume(item, ahead + place)


def _pattern_named(phrase: Phrase, noun: Unit) -> Unit | None:
    """The pattern's noun, as in "the letters NASA"; None for "a number bib" and "a plaid blanket", other things."""
    if noun.entry.object:
        return noun if noun.entry.pattern_noun else None
    named = (unit for unit in phrase.units if unit.entry.pattern_noun)
    return next((unit for unit in named if noun.entry.pattern_noun or not _woven(unit)), None)


def _picture_of_clothes(phrase: Phrase) -> Unit | None:
    """ "A picture of" in "a picture of sneakers", None in any other phrase."""
    pictures = (unit for unit in phrase.units if unit.entry.pattern_noun and unit.text.endswith(" of"))
    return next(pictures, None) if phrase.garment else None


def _woven(unit: Unit) -> bool:
    """Whether it may tell what a thing looks like: "plaid" of "a plaid blanket", not "cartoon" of "a cartoon cat"."""
    return unit.entry.pattern == ("Geometrical",)


def _patterned(walk: Walk, item: Item, phrase: Phrase, noun: Unit, ahead: int, place: int) -> bool:
    """ "with white dots", "with bands of green and red", "with letters in white": letters change no garment's color."""
    if item.attributes == ("Hair",):
        return False
    kinds = noun.entry.pattern_noun
    kinds = phrase.look.patterns if len(kinds) > 1 and phrase.look.patterns else kinds
    item.look.patterns = tuple(dict.fromkeys(item.look.patterns + kinds + phrase.look.patterns))
    tint = walk.adjectives(ahead + 2) if walk.text(ahead + 1) in ("in", "of") else None
    if kinds != ("Letters",):
        item.look.add(Look(colors=phrase.look.colors + (tint.look.colors if tint is not None else [])))
    place = 2 if tint is not None else place
    item.uses.append(noun)
    return walk.consume(item, ahead + place)


def _has_part(walk: Walk, item: Item, phrase: Phrase, part: Unit, ahead: int, place: int) -> bool:
    """ "with white sleeves", "with a belt", "with a white collar showing", which is another garment's."""
    limb = part.text in _LIMBS  # "a black wetsuit with blue arms"
    if (limb and (phrase.possessive or not phrase.look.colors)) or (_is_sleeve(part) and not item.covers_torso):
        return False
    frames = part.text in _FRAMES and item.attributes == ("Glasses",)
    if (limb or frames or part.entry.part == "colored") and walk.text(ahead + 1) not in PEEPING:
        item.look.add(Look(colors=phrase.look.colors, sleeve=_sleeve_of(part, phrase.look)))
    return walk.consume(item, ahead + place)


def _possessed(chunk: Chunk | None) -> bool:
    """Whether "his" or "her" stands in the phrase: then it is the person's back, not the garment's."""
    return isinstance(chunk, Phrase) and chunk.possessive not in ("", "its")


def _is_sleeve(noun: Unit) -> bool:
    """Whether it is a sleeve."""
    return noun.text in ("sleeve", "sleeves")


def _sleeve_of(noun: Unit, look: Look) -> tuple[str, ...]:
    return look.size if _is_sleeve(noun) else ()


def _in_a_state(walk: Walk, ahead: int) -> bool:
    """Whether "open", "undone" or "tied round his waist" stands there."""
    state = walk.chunk(ahead)
    loose = isinstance(state, Phrase) and not (state.garment or state.person or state.determiner or state.possessive)
    return loose or walk.mark(ahead, "verb")


def _is_part_of(phrase: Phrase, item: Item, *, in_a_state: bool) -> bool:
    """Whether a garment's name is a part of the item: shoes "with a low heel", a suit "with the jacket open"."""
    if phrase.garment is None or phrase.noun is None:
        return False
    named = set(phrase.garment.attributes)
    own = bool(named & set(item.attributes)) or (named <= _TORSO and item.covers_torso)
    plainly = [unit.text for unit in phrase.units[:-1]] == ["the"]
    piece = plainly and in_a_state and len(item.garment.means) > 1 and own
    return piece or (bool(phrase.noun.entry.part) and phrase.garment.attributes == item.attributes)
