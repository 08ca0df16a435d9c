"""Relative clauses: what "whose", "of which", "on which" and "that says" tell of a garment."""

from collections.abc import Callable

from query.decoration import PUT_ON, STUFF, decorated, is_lettering
from query.items import Item
from query.phrases import Look, Phrase, first_word
from query.predicates import SHADES
from query.reach import read_place
from query.reach_words import REACHING
from query.walk import Walk

_SAYING = frozenset({"says", "say", "said", "saying", "reading", "reads"})
_QUOTES = frozenset({'"', "'", "“", "‘", "”", "’"})
_BEARING = frozenset({"carries", "bears", "displays", "sports"})
_NAMES = frozenset({"name", "names", "logo", "slogan", "word", "words"})
_LETTERS = frozenset({"letters", "lettering", "letter"})
_EDGES = frozenset({"length", "hem", "tops", "top", "shafts", "bottom", "bottoms", "ends", "legs"})
_SIDES = frozenset({"front", "back", "chest", "side"})
_WRITTEN = frozenset({"written", "spelled", "spelt"})
_ONTO = frozenset({"on", "across"})


def read_of_which(walk: Walk, item: Item) -> bool:
    """ "a hat of which the color is orange", "the tops of which come to her knees", "on which there is a dog"."""
    name, ahead = _named(walk)
    if name in SHADES:
        return _color_is(walk, item, ahead + 1)
    if name in _EDGES:
        ahead += walk.mark(ahead + 1, "be")  # "whose length is to the knee"
        return _reads_from(walk, item, ahead, read_place)
    if name in _SIDES and _color_is(walk, item, ahead + 1):
        return True  # "of which the front is gray"
    if name in _SIDES and _reads_from(walk, item, ahead, read_saying):
        return True  # "the front of which says NASA"
    return _shown_on(walk, item) or _and_reaches(walk, item)


def _named(walk: Walk) -> tuple[str, int]:
    """What of the garment is told of, and where that ends: "length" of ", the length of which"; "" for nothing."""
    ahead = 2 if walk.mark(1, "comma", "stop") else 1
    if walk.text(ahead) in ("whose", "its", "their"):
        return _word(walk, ahead + 1), ahead + 1
    chunk = walk.chunk(ahead)
    if isinstance(chunk, Phrase) and chunk.possessive in ("its", "their"):
        return chunk.noun_text, ahead
    if walk.text(ahead) == "of" and walk.mark(ahead + 1, "relative"):
        ahead += walk.text(ahead + 2) == "the"
        return _word(walk, ahead + 2), ahead + 2
    the = walk.text(ahead) == "the"
    name = _word(walk, ahead + the)
    of_it = 0 if name.endswith(" of") else 1
    behind = ahead + the + of_it + 1
    if walk.mark(behind, "relative") and (not of_it or walk.text(behind - 1) == "of"):
        return name.removesuffix(" of"), behind
    return (name, ahead + 1) if the and ahead == 2 and name in SHADES else ("", 0)  # "a shirt, the color is blue"


def _word(walk: Walk, ahead: int) -> str:
    chunk = walk.chunk(ahead)
    return chunk.noun_text if isinstance(chunk, Phrase) else walk.text(ahead)


def _color_is(walk: Walk, item: Item, ahead: int) -> bool:
    be = walk.mark(ahead, "be")
    ahead += walk.text(ahead + 1) in ("like", "kind of", "sort of")  # "the color is like wine"
    said = walk.adjectives(ahead + 1)
    if not be or said is None:
        return False
    item.look.add(said.look)
    return walk.consume(item, ahead + 1)


def _shown_on(walk: Walk, item: Item) -> bool:
    """ "on which there is a wolf", "on the back of which an eagle is embroidered", "on which is written NASA"."""
    ahead = 2 if walk.mark(1, "comma") else 1
    side = 2 * (_word(walk, ahead + 1) in _SIDES and walk.text(ahead + 2) == "of")
    if (
        walk.text(ahead) not in _ONTO
        or walk.text(ahead + side + 1) not in ("which", "whose")
        or item.attributes == ("Hair",)
    ):
        return False
    ahead += side + 2
    is_there = walk.mark(ahead, "filler", "be")
    while walk.mark(ahead, "filler", "be"):
        ahead += 1
    shown = walk.chunk(ahead)
    if not isinstance(shown, Phrase) or shown.garment or shown.person:
        return False
    made = first_word(walk.chunk(ahead + 2)) if walk.mark(ahead + 1, "be") else ""
    if {first_word(shown), made} & _WRITTEN:
        item.look.add(Look(patterns=("Letters",)))
    elif made in PUT_ON or (is_there and _is_picture(shown)):
        item.look.add(_picture(shown))
    else:
        return is_there and (_in_a_pattern(walk, item, shown, ahead) or decorated(walk, item, shown, ahead, 0))
    return walk.consume(item, ahead + 2 * bool(made))


def _is_picture(shown: Phrase) -> bool:
    """Whether it is neither a pattern nor a part of the garment, as far as that is known."""
    entry = shown.noun.entry if shown.noun else None
    other = entry is None or entry.pattern_noun or entry.part or entry.body or entry.object
    return not (other or shown.noun_text in STUFF)


def _picture(shown: Phrase) -> Look:
    """Letters for a number or words, the pattern that is named, else Fancy."""
    named = next((unit.entry.pattern_noun for unit in shown.units if unit.entry.pattern_noun), ("Fancy",))
    if any(unit.text.isdigit() for unit in shown.units) or is_lettering(shown):
        named = ("Letters",)
    return Look(patterns=named, colors=[] if named == ("Letters",) else shown.look.colors)


def _and_reaches(walk: Walk, item: Item) -> bool:
    """ "which is buttoned all the way and comes to her knees"."""
    ahead = 2 if walk.mark(1, "comma") else 1
    said = walk.chunk(ahead + 2)
    which = walk.text(ahead) in ("which", "that")
    led = which and walk.mark(ahead + 1, "be") and walk.mark(ahead + 3, "and")
    plain = isinstance(said, Phrase) and not (said.garment or said.person or said.only_adjectives)
    if not (led and plain and walk.text(ahead + 4) in REACHING):
        return False
    return _reads_from(walk, item, ahead + 3, read_place)


def _reads_from(walk: Walk, item: Item, ahead: int, read: Callable[[Walk, Item], bool]) -> bool:
    """Whether what stands behind that place is read as if it stood behind the garment."""
    walk.at += ahead
    done = read(walk, item)
    walk.at -= 0 if done else ahead
    return done


def _in_a_pattern(walk: Walk, item: Item, shown: Phrase, ahead: int) -> bool:
    """ "on which there are red dots": the noun is an adjective too."""
    if not (shown.only_adjectives and shown.look.patterns):
        return False
    item.look.add(shown.look)
    return walk.consume(item, ahead)


def read_saying(walk: Walk, item: Item) -> bool:
    """ "that says PRESS in white": up to the end of what it says; "that carries the name of a band on the back"."""
    ahead = 2 if walk.mark(1, "relative") else 1
    governed = ahead == 1 and walk.mark(-1, "preposition", "wear", "have")  # "a woman in a coat carries words of"
    if walk.text(ahead) in _BEARING and not governed and _word(walk, ahead + 1).removesuffix(" of") in _NAMES:
        return _lettered(walk, item, _behind_details(walk, ahead + 2))
    said = walk.chunk(2)
    quoted = walk.text(2) in _QUOTES or (isinstance(said, Phrase) and is_lettering(said))
    quoted = quoted and walk.text(1) == "with"
    if quoted and (letters := _letters_behind(walk)):
        return _lettered(walk, item, letters)
    said = walk.chunk(ahead + 1)
    if walk.text(ahead) not in _SAYING or (isinstance(said, Phrase) and said.determiner):
        return False
    while _quoted(walk, ahead + 1):
        ahead += 1
    return _lettered(walk, item, ahead)


def _lettered(walk: Walk, item: Item, ahead: int) -> bool:
    item.look.add(Look(patterns=("Letters",)))
    return walk.consume(item, ahead)


def _letters_behind(walk: Walk) -> int:
    """Where "in faded letters" of 'with "Property of Jets" in faded letters' ends, 0 without it."""
    for ahead in range(3, 10):
        chunk = walk.chunk(ahead)
        if isinstance(chunk, Phrase) and (chunk.garment or chunk.person):
            return 0
        if walk.text(ahead - 1) == "in" and isinstance(chunk, Phrase) and chunk.units[-1].text in _LETTERS:
            return ahead
    return 0


def _behind_details(walk: Walk, ahead: int) -> int:
    """How far "of a band in red on the back" goes from there."""
    while walk.text(ahead) in ("of", "in", "on", "across") and isinstance(chunk := walk.chunk(ahead + 1), Phrase):
        if chunk.garment:
            break
        ahead += 2
    return ahead - 1


def _quoted(walk: Walk, ahead: int) -> bool:
    """Whether what stands there is still said by a garment's letters, or how they are written."""
    chunk = walk.chunk(ahead)
    if isinstance(chunk, Phrase):
        return not (chunk.garment or chunk.determiner)
    return walk.text(ahead) == "in" or walk.mark(ahead, "filler")
