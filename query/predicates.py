"""Predicates: what a garment is said to be, and the other garments of its list that it is said of."""

from query.adjective_links import DASHES
from query.items import Item
from query.phrases import Look, Phrase
from query.units import Unit
from query.walk import Walk

_ALL_OF_THEM = frozenset({"both", "all", "each", "of", "them", "it", "which", "whom", "are", "is", "in"})
_HEIGHTS = frozenset({"knee-high", "knee high", "thigh high", "thigh-high"})
SHADES = frozenset({"color", "colour", "shade", "hue", "tone"})


def read_predicate(walk: Walk, item: Item) -> bool:
    """ "is red", "that is long and red", "is not red", "is a red one", "is too"."""
    ahead = _behind_be(walk, item)
    if not ahead:
        return False
    hedge = walk.chunk(ahead)
    if isinstance(hedge, Unit) and hedge.entry.hedge is not None:
        item.weight = hedge.entry.hedge
        ahead += 1
    if walk.text(ahead) == "too" or (walk.text(ahead), walk.text(ahead + 1)) == ("as", "well"):
        item.look.add(walk.said)
        return walk.consume(item, ahead)
    ahead = _behind_fillers(walk, ahead)
    denied = walk.mark(ahead, "negation") or walk.mark(ahead - 1, "negation")
    ahead += walk.mark(ahead, "negation")
    ahead += _unknown_adjective(walk, ahead)
    if not denied and _is_nothing_seen(walk, ahead):
        return walk.consume(item, ahead)
    return _tell(walk, item, ahead, denied=denied) or (not denied and _is_a(walk, item, ahead))


def _behind_be(walk: Walk, item: Item) -> int:
    """Where what the garment "is", "is made of" or "is in" begins; 0 where nothing of it follows."""
    told_before = walk.chunk() is not item.phrase  # "has long sleeves and is red", ", also black, is new"
    aside = _aside(walk)
    ahead = 2 if walk.mark(1, "comma") and (walk.mark(2, "relative") or told_before) else 1 + aside
    ahead += told_before and walk.text(1) == "and" and walk.mark(2, "be")
    while walk.mark(ahead, "relative", "filler") and ahead < 4:
        ahead += 1
    ahead += walk.text(ahead) in ("itself", "themselves")
    wearer, ahead = ahead, _behind_wearer(walk, ahead)
    ahead += walk.mark(ahead, "have") and walk.text(ahead + 1) == "been"  # "has been dyed pink"
    ahead += walk.text(ahead) in ("should", "must", "would", "will") and walk.mark(ahead + 1, "be")
    if not walk.mark(ahead, "be"):
        return 0
    item.owner = walk.owner_told(wearer, item.owner)
    ahead += walk.text(ahead + 1) == "both"  # "are both of white linen"
    ahead += 3 * ([walk.text(ahead + more) for more in (1, 2, 3)] == ["all", "of", "them"])
    return ahead + 1 + (walk.text(ahead + 1) in ("of", "in", "made of", "made from", "made out of"))


def _aside(walk: Walk) -> int:
    """How many chunks ", soaked with sweat," of "his shirt, soaked with sweat, is blue" takes, 0 without one.

    Of a garment that somebody is in, only adjectives are such an aside: "in a cap, on a horse, which is brown".
    """
    if not walk.mark(1, "comma"):
        return 0
    governed = walk.mark(-1, "preposition", "wear", "have", "hold")
    for ahead in range(2, 6):
        chunk = walk.chunk(ahead)
        if walk.mark(ahead, "comma"):
            behind = ahead + walk.mark(ahead + 1, "relative")
            return (
                behind
                if ahead > 2
                and (behind > ahead or not governed)
                and walk.mark(behind + 1, "be")
                and walk.adjectives(behind + 2)
                else 0
            )
        named = isinstance(chunk, Phrase) and bool(chunk.garment or chunk.person or chunk.look.colors)
        named = named or (governed and (walk.mark(ahead, "verb", "preposition") or _names_a_thing(chunk)))
        if chunk is None or named or walk.mark(ahead, "stop", "and", "wear", "have", "be"):
            return 0
    return 0


def _names_a_thing(chunk: Phrase | Unit | None) -> bool:
    return isinstance(chunk, Phrase) and chunk.noun is not None and chunk.noun.text != "ones"


def _behind_wearer(walk: Walk, ahead: int) -> int:
    """Where "is" stands behind "he has on" of "the jacket he has on is red"; the same place where no wearer is told."""
    wearer = walk.chunk(ahead)
    if not (walk.mark(ahead, "pronoun") or (isinstance(wearer, Phrase) and wearer.person)):
        return ahead
    behind = ahead + 1
    while _tells_the_wearer(walk, behind):
        behind += 1
    while walk.mark(behind - 1, "filler"):
        behind -= 1
    worn = any(walk.mark(at, "wear", "have") for at in range(ahead + 1, behind - 1))
    return behind - 1 if worn and walk.mark(behind - 1, "be") else ahead


def _tells_the_wearer(walk: Walk, ahead: int) -> bool:
    """Whether it may stand between who wears a garment and "is": "that the man on the left has on is"."""
    chunk = walk.chunk(ahead)
    place = isinstance(chunk, Phrase) and not (chunk.garment or chunk.person or chunk.only_adjectives)
    placed = walk.mark(ahead, "preposition", "beside") or (place and walk.mark(ahead - 1, "preposition", "beside"))
    return placed or walk.mark(ahead, "wear", "have", "be", "filler")


def _behind_fillers(walk: Walk, ahead: int) -> int:
    while walk.mark(ahead, "filler"):
        ahead += 1
    return ahead


def _unknown_adjective(walk: Walk, ahead: int) -> int:
    """How many chunks "untucked" of "is untucked and red" or "def" of "is def red" takes, 0 where none stands there."""
    chunk = walk.chunk(ahead)
    word = chunk.noun if isinstance(chunk, Phrase) and not chunk.determiner else None
    unknown = word is not None and (word.unknown or word.entry.neutral)  # "flat" is a shoe too
    linked = walk.mark(ahead + 1, "and", "but")
    behind = walk.chunk(ahead + 1 + linked)
    told = walk.adjectives(ahead + 1 + linked) is not None or (isinstance(behind, Phrase) and _are_things(behind))
    return 1 + linked if unknown and told else 0


def _are_things(said: Phrase) -> bool:
    """Whether it is "brown things" of "his shoes were brown things"."""
    return said.noun is not None and said.noun.text in ("things", "ones") and said.look.shows()


def _is_nothing_seen(walk: Walk, ahead: int) -> bool:
    """Whether it is "low heeled" of "are low heeled in beige", which no label says."""
    said = walk.chunk(ahead)
    bare = isinstance(said, Phrase) and said.noun is None and not said.determiner
    return bare and isinstance(said, Phrase) and all(unit.entry.neutral for unit in said.units)


def _tell(walk: Walk, item: Item, ahead: int, *, denied: bool) -> bool:
    """Takes over the adjectives that stand there."""
    said = walk.adjectives(ahead)
    if said is None:
        return False
    if denied:
        said.look.either |= any(unit.plays("nor") for unit in said.units)
        item.denied = said.look
    else:
        walk.said = said.look
        if not _tell_each(walk, item, said):
            (item.look.replace if walk.corrects() else item.look.add)(said.look)
            _tell_partners(walk, item, said.look)
    flowing = 2 * (walk.mark(ahead + 1, "and") and _is_nothing_seen(walk, ahead + 2))  # "is long and flowing"
    return walk.consume(item, ahead + flowing + (walk.text(ahead + 1) in ("one", "ones")))


def _is_a(walk: Walk, item: Item, ahead: int) -> bool:
    """ "his hat is a red beanie", "her shirt is a striped one", "his beard is blond"."""
    said = walk.chunk(ahead)
    if isinstance(said, Phrase) and said.noun is None and len(said.traits) == 1 and item.garment.facial:
        has = said.traits[0].means[0].has
        item.look.add(Look(colors=[has.color] if has.color and has.attribute == ("Hair",) else []))
        return walk.consume(item, ahead)
    if not isinstance(said, Phrase) or said.noun is None or said.person or said.possessive:
        return False
    kind, entry = said.garment, said.noun.entry
    if read_height(walk, item, ahead):
        return True
    material = not said.determiner and said.noun.entry.modifies and said.look.shows()  # "are grey flannel"
    if kind is not None and kind.attributes == item.attributes and not kind.facial:
        item.garment = kind
    elif (material and kind is not None) or _are_things(said):
        pass
    elif kind or entry.object or entry.body or said.determiner not in ("a", "an") or not said.look.shows():
        return False
    item.look.add(said.look)
    return walk.consume(item, ahead)


def read_height(walk: Walk, item: Item, ahead: int) -> bool:
    """ "boots which are knee high", "boots, knee-high", where socks are called so too."""
    said = walk.garment_at(ahead)
    if (
        said is None
        or said.garment is None
        or said.noun_text not in _HEIGHTS
        or item.attributes[0] not in ("Shoes", "Socks")
    ):
        return False
    item.look.add(Look(size=said.garment.means[0].has.size))
    return walk.consume(item, ahead)


def _tell_partners(walk: Walk, item: Item, look: Look) -> None:
    """In "his shirt and pants are black", black is said of both."""
    for before in [] if walk.mark(1, "relative") else _partners(walk, item):
        alike = bool(before.phrase.possessive) or not item.phrase.possessive
        if alike and not before.look.colors:
            before.look.add(look)


def _tell_each(walk: Walk, item: Item, said: Phrase) -> bool:
    """ "his shirt, pants and shoes are white, grey and black respectively": a color for each, in order."""
    garments = [*reversed(_partners(walk, item)), item]
    colors = said.look.colors
    if said.units[-1].text != "respectively" or len(colors) != len(garments):
        return False
    for told, color in zip(garments, colors, strict=True):
        told.look.add(Look(colors=[color]))
    return True


def _partners(walk: Walk, item: Item) -> list[Item]:
    """The garments of a list that ends in this one, the nearest first."""
    partners: list[Item] = []
    behind = 0
    for before in reversed(walk.items[:-1]):
        linked = walk.mark(behind - 1, "and", *(["comma"] if partners else [])) or walk.text(behind - 1) == "matches"
        if walk.chunk() is not item.phrase or not linked or before.negated:
            break
        behind -= 2
        if walk.chunk(behind) is not before.phrase:
            break
        partners.append(before)
    return partners


def read_alike(walk: Walk, item: Item) -> bool:
    """ "shirt and pants both black", "a coat, gloves and a scarf, all of them black"."""
    ahead = 2 if walk.mark(1, "comma") or walk.text(1) in DASHES else 1
    counted = walk.text(ahead)
    while walk.text(ahead) in _ALL_OF_THEM:
        ahead += 1
    said = walk.adjectives(ahead)
    if said is None:
        return False
    counted = counted or said.determiner or said.units[0].text.split()[0]
    if walk.text(ahead - 2) == "of":  # "gloves on, a scarf over her face and a coat, all of it black"
        partners = [other for other in reversed(walk.items[:-1]) if _uncolored_beside(other, item)]
    else:
        partners = _partners(walk, item)
    partners = partners[: 1 if counted == "both" else None]
    if counted not in ("both", "all", "each") or not partners:
        return False
    for told in (item, *partners):
        told.look.add(said.look if not told.negated else Look())
    return walk.consume(item, ahead)


def _uncolored_beside(other: Item, item: Item) -> bool:
    """Whether it is worn with the item, and no color of it has been named."""
    together = other.sentence == item.sentence and other.owner == item.owner
    return together and not other.negated and not other.look.colors


def read_same_color(walk: Walk, item: Item) -> bool:
    """ "a blazer and trousers the same shade", "and shoes in the same color", "a tie the same color as his suit"."""
    ahead = 2 if walk.text(1) in ("of", "in") else 1
    said = walk.chunk(ahead)
    words = {unit.text for unit in said.units} if isinstance(said, Phrase) else set()
    if "same" not in words or not words & SHADES:
        return False
    model = walk.items[-2].look if len(walk.items) > 1 else Look()
    model = _likened_to(walk, ahead + 2) if walk.text(ahead + 1) == "as" else model
    item.look.add(Look(colors=model.colors))
    return walk.consume(item, ahead)


def _likened_to(walk: Walk, ahead: int) -> Look:
    """The look of the garment named there, or of the same one named before."""
    model = walk.garment_at(ahead)
    if model is None or model.garment is None or model.look.colors:
        return Look() if model is None else model.look
    means = model.garment.means
    return next((old.look for old in reversed(walk.items) if old.garment.means == means), Look())
