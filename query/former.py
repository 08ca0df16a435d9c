"""What is named before: the former and the latter of two garments or people, and "hers" of somebody else's hat."""

from query.items import OTHER, SUBJECT, Item
from query.phrases import Look, Phrase, names_thing
from query.postmodifiers import read_after
from query.walk import Walk

_PAIRS = frozenset({"Shoes", "Socks", "Glove"})
_PLACES = {"former": -2, "latter": -1}


def read_former(walk: Walk, phrase: Phrase) -> bool:
    """ "A jacket and a t-shirt, the former navy, the latter white"; "beside a rider, and the latter has a helmet"."""
    noun = phrase.noun.text if phrase.noun is not None and phrase.determiner == "the" else ""
    return noun in _PLACES and (_garment_is(walk, _PLACES[noun]) or _person_is(walk, noun))


def read_hers(walk: Walk) -> bool:
    """ "A woman beside a man in a green jacket, hers is blue": a garment of the kind that was named last."""
    said = walk.adjectives(2)
    if walk.text(0) not in ("hers", "his") or not walk.mark(1, "be") or said is None or not walk.items:
        return False
    item, owner = _kind_named(walk), walk.whose(walk.text(0))
    if item is None:
        return False
    if item.owner != owner or not item.worn:
        item = Item(item.garment, Look(), owner, said, sentence=walk.sentence)
        walk.items.append(item)
    elif item.look.colors:
        return False  # "her brother's jacket is red and hers is blue"
    item.look.add(said.look)
    walk.consume(item, 2)
    read_after(walk, item)
    return True


def read_each(walk: Walk) -> bool:
    """ "his socks do not match, one is red and one is green", "one of the shoes is red and the other one is blue"."""
    item = walk.items[-1] if walk.items else None
    first, later = walk.text(0) == "one", walk.text(-1) in ("and", "the", "other")
    said = walk.adjectives(2)
    if item is None or item.attributes[0] not in _PAIRS or not (first or walk.text(0) == "other") or said is None:
        return False
    if not walk.mark(1, "be") or not (later or walk.text(3) == "and"):
        return False
    item.look.add(Look(colors=said.look.colors))
    return walk.consume(item, 2)


def _kind_named(walk: Walk) -> Item | None:
    """The last garment that "is" or "are" agrees with; None behind a thing: "a dog, his is black"."""
    many = walk.text(1) in ("are", "were")
    for item in reversed(walk.items):
        between = walk.chunks[walk.chunks.index(item.phrase) + 1 : walk.at] if item.phrase in walk.chunks else []
        if any(names_thing(chunk) for chunk in between):
            return None
        noun = item.phrase.noun_text
        if noun and many == (noun.endswith("s") and not noun.endswith("ss")):
            return item
    return walk.items[-1]


def _garment_is(walk: Walk, place: int) -> bool:
    """Whether something follows that is said of one of the last two garments."""
    items = [item for item in walk.items if item.owner == walk.owner]
    at = walk.at
    if len(items) >= 2:
        read_after(walk, items[place])
    return walk.at > at


def _person_is(walk: Walk, noun: str) -> bool:
    """Whether two people have been named; the latter is not the described one."""
    if not walk.other_nouns:
        return False
    walk.owner = OTHER if noun == "latter" else SUBJECT
    walk.other_leads = walk.governed = noun == "latter"
    walk.other_acts = walk.relative = False
    return True
