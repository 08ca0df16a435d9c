"""What is named before: the former and the latter of two garments or people, and "hers" of somebody else's hat."""

from query.items import OTHER, SUBJECT, Item
from query.phrases import Look, Phrase
from query.postmodifiers import read_after
from query.walk import Walk

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
    item, owner = walk.items[-1], walk.whose(walk.text(0))
    if item.owner != owner or not item.worn:
        item = Item(item.garment, Look(), owner, said, sentence=walk.sentence)
        walk.items.append(item)
    elif item.look.colors:
        return False  # "her brother's jacket is red and hers is blue"
    item.look.add(said.look)
    walk.consume(item, 2)
    read_after(walk, item)
    return True


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
