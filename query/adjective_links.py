"""Links between adjectives: "red and white", "short, red", "blue or dark", and where one phrase ends instead."""

from itertools import dropwhile, takewhile

from query.place import Place
from query.reach_words import REACHING
from query.units import Unit

LINKS = frozenset({"and", "&", "+", "n", "or", "and/or", "/", ",", "nor"})  # "along with" begins another garment
_ENDING = ("falls", "fall", "hangs", "reaches")  # "is long and falls over"
_CUT = frozenset({"cut", "hair cut", "haircut", "worn", "kept"})
DASHES = frozenset({"-", "--", "–", "—"})


def dash_ends_it(place: Place, unit: Unit) -> bool:
    """Whether a dash closes the adjectives: "a jumper - dark red - and black trousers", not "black-and-white"."""
    following, behind = place.peek(1), place.peek(2)
    closes = following is not None and (following.plays("and") or following.plays("comma"))
    goes_on = behind is not None and behind.text in DASHES
    return unit.text in DASHES and closes and not goes_on and place.phrase.look.says_something()


def reaches_garment(place: Place, ahead: int, *, over_commas: bool = False) -> bool:
    """Whether a garment ends the adjectives from there on."""
    for unit in place.units[place.position + ahead :]:
        if unit.entry.garment is not None:
            return True
        linking = any(unit.plays(role) for role in ("and", "or", "filler", "transparent"))
        linking = linking or (over_commas and unit.plays("comma"))
        if not (unit.entry.modifies or unit.unknown or linking):
            return False
    return False


def take_link(place: Place, unit: Unit) -> bool:
    """Takes a link between adjectives if what follows goes on with the same phrase."""
    ahead = 1
    while (following := place.peek(ahead)) is not None and (
        following.text in LINKS or following.plays("filler") or following.entry.hedge is not None
    ):
        ahead += 1
    if place.phrase.is_stuff and place.phrase.units[-1].text != "dark" and unit.plays("comma"):
        return False  # "waiting at the light, red coat"
    if following is None or not _goes_on(place, unit, following, ahead):
        return False
    before, told = place.before(), place.phrase.units[-1]
    reach = told.entry.length or told.entry.reach or (told.entry.size and " " in told.text)  # "above the knee"
    led = before is not None and (before.text in REACHING or before.text in ("to", "past", "down to"))
    if led and reach:
        return False  # "a skirt that ends above the knee, and beige heels", "to mid calf, black tights"
    if _ends_in_a_noun(place) or _next_garment_begins(place, unit, ahead):
        return False
    place.phrase.look.either = place.phrase.look.either or any(
        link.plays("or") and link.text != "/" for link in place.units[place.position : place.position + ahead]
    )
    for _ in range(ahead):
        place.take()
    return True


def _next_garment_begins(place: Place, link: Unit, ahead: int) -> bool:
    """Whether the color behind a comma is another garment's: "is blue, and red slacks", "in white, grey chinos"."""
    if _told_of_a_garment(place) and reaches_garment(place, ahead) and not _link_before_garment(place, ahead):
        return True
    before = place.before()
    told = before is not None and _is_be(before) and before.text != "'s" and not place.phrase.determiner
    above = place.before(2)
    told = told and not (above is not None and above.entry.body)  # "on his feet are red and white shoes"
    dyed = bool(place.phrase.units) and place.phrase.units[0].text.startswith("dyed")
    told = told or (dyed and before is not None and before.entry.garment is not None)
    says = told and not link.plays("comma") and (place.phrase.look.says_something() or bool(place.phrase.traits))
    if says and reaches_garment(place, ahead) and not _link_before_garment(place, ahead):
        return True  # "trousers that are grey and mirrored aviators"
    if not link.plays("comma") or not reaches_garment(place, ahead):
        return False
    if _is_predicate(place):
        return ahead > 1 or not _more_colors_follow(place, ahead)
    behind_a_top = before is not None and before.plays("comma") and _is_top(place.before(2))
    named = next((unit for unit in place.units[place.position + ahead :] if unit.entry.garment), None)
    other = behind_a_top or not _is_top(named)
    if place.phrase.look.sleeve and other:
        return True  # "a shirt, short-sleeved, white shorts"
    apposed = before is not None and before.plays("comma") and not place.phrase.determiner
    if apposed and ahead > 1 and not place.phrase.look.colors:
        return True  # "a black top, sleeveless, and maroon leggings"
    if len(place.phrase.look.colors) != 1:
        return ahead > 1 and _joined(place)  # "purple and gold, and baggy shorts"
    colored = any(unit.entry.color for unit in _adjectives_from(place, ahead))
    alone = colored and not place.phrase.determiner and _all_before_are_colors(place)
    return ahead > 1 or (alone and not _more_colors_follow(place, ahead))


def _is_top(unit: Unit | None) -> bool:
    """Whether it may have sleeves."""
    return unit is not None and unit.entry.garment is not None and unit.entry.garment.covers_torso


def _link_before_garment(place: Place, ahead: int) -> bool:
    """Whether a link stands directly before the next garment: "in teal and white and dreadlocks"."""
    behind = place.units[place.position + ahead :]
    noun = next((at for at, unit in enumerate(behind) if unit.entry.garment is not None), 0)
    return noun > 0 and behind[noun - 1].text in LINKS


def _is_predicate(place: Place) -> bool:
    """Whether the phrase tells what a garment before it is: "a skirt that is short, white socks", "hair cut short,"."""
    before = place.before()
    told = before is not None and (_is_be(before) or before.text in _CUT or before.entry.garment is not None)
    return told and not place.phrase.determiner


def is_told_by_trait(place: Place) -> bool:
    """Whether the phrase is "blond" of "her hair is blond and short" or of "hair blond and short"."""
    before = place.before()
    told = before is not None and (_is_be(before) or before.entry.garment is not None)
    return bool(place.phrase.traits) and told and not place.phrase.determiner


def _is_be(unit: Unit) -> bool:
    """Whether it tells what something is: "is", "that's"."""
    return unit.plays("be") or unit.text == "that's"


def _joined(place: Place) -> bool:
    """Whether an "and" has already closed the list of colors."""
    return any(unit.plays("and") for unit in place.phrase.units)


def _adjectives_from(place: Place, ahead: int) -> list[Unit]:
    """The adjectives that stand there."""
    return list(takewhile(lambda unit: unit.entry.modifies, place.units[place.position + ahead :]))


def _told_of_a_garment(place: Place) -> bool:
    """Whether the phrase is said of the garment before it: "skirt in forest green"."""
    behind = dropwhile(lambda unit: unit.entry.garment is None, place.units[place.position :])
    noun = next(reversed([unit.text for unit in takewhile(lambda unit: unit.entry.garment, behind)]), "")
    several = noun.endswith("s") and not noun.endswith("ss")  # "a jacket in a dark blue and grey trousers"
    if place.phrase.determiner and not several:
        return False  # "a bald head in a black and yellow suit"
    link, item = place.before(), place.before(2)
    return link is not None and link.text in ("in", "of") and item is not None and item.entry.garment is not None


def _more_colors_follow(place: Place, ahead: int) -> bool:
    """Whether "and" or "or" stands before the garment: "red, white and blue shirt"."""
    for unit in place.units[place.position + ahead :]:
        if unit.entry.garment is not None:
            return False
        if unit.plays("and") or unit.plays("or") or unit.plays("comma"):
            return True
    return False


def _ends_in_a_noun(place: Place) -> bool:
    """Whether the adjectives end in a noun: "short sleeves, long pants", "white dots and red shoes", "a logo and"."""
    last = place.phrase.units[-1]
    dots = bool(last.entry.pattern_noun) and last.text.endswith("s")
    kind = last.text.endswith(("pattern", "print", "sleeves", "brim")) and not last.text.endswith("animal print")
    kind = kind or (last.text == "check" and place.phrase.determiner in ("a", "an"))  # "a check, red shoes"
    color = last.text.removesuffix("s").endswith(("color", "colour")) and last.text not in ("colors", "colours")
    logo = last.entry.pattern_noun == ("Letters",) and bool(place.phrase.determiner or place.phrase.possessive)
    of_something = any(unit.text in ("color of", "colour of") for unit in place.phrase.units)  # "the color of mustard"
    return dots or kind or color or of_something or logo


def _goes_on(place: Place, link: Unit, following: Unit, ahead: int) -> bool:
    """Whether the adjective behind a link still belongs to this phrase."""
    entry = following.entry
    if entry.garment is not None and entry.garment.trait and entry.color:
        return True
    if entry.garment is not None and link.plays("comma") and ahead == 1 and place.phrase.determiner in ("a", "an"):
        return True  # "a red, t-shirt"
    if following.unknown and link.plays("comma") and ahead == 1 and place.phrase.determiner in ("a", "an"):
        return reaches_garment(place, ahead)  # "a red, expensive looking jacket"
    if not entry.modifies or entry.garment is not None or place.is_verb_here(following):
        return False
    if entry.neutral or (entry.shade and not entry.color):
        return reaches_garment(place, ahead, over_commas=True) or _reaches_end(place, ahead)
    if link.plays("comma") and not reaches_garment(place, ahead):
        return _reaches_end(place, ahead) or place.units[place.position + ahead - 1].text == "half"
    look = place.phrase.look
    if entry.color or not look.colors or _all_before_are_colors(place):
        return True
    return reaches_garment(place, ahead)


def _all_before_are_colors(place: Place) -> bool:
    """Whether only colors have been named so far."""
    look = place.phrase.look
    return bool(look.colors) and not (look.size or look.sleeve or look.patterns or look.length)


def _reaches_end(place: Place, ahead: int) -> bool:
    """Whether only adjectives follow, up to the end of the clause."""
    for unit in place.units[place.position + ahead :]:
        if unit.plays("stop") or unit.plays("preposition") or unit.plays("wear") or unit.text.startswith(_ENDING):
            return True
        linking = any(unit.plays(role) for role in ("and", "or", "comma", "filler", "transparent"))
        if not (unit.entry.modifies or linking):
            return False
    return True
