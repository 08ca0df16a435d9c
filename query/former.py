"""The former and the latter: of two garments, or of two people."""

from query.items import OTHER, SUBJECT
from query.phrases import Phrase
from query.postmodifiers import read_after
from query.walk import Walk

_PLACES = {"former": -2, "latter": -1}


def read_former(walk: Walk, phrase: Phrase) -> bool:
    """ "A jacket and a t-shirt, the former navy, the latter white"; "beside a rider, and the latter has a helmet"."""
    noun = phrase.noun.text if phrase.noun is not None and phrase.determiner == "the" else ""
    return noun in _PLACES and (_garment_is(walk, _PLACES[noun]) or _person_is(walk, noun))


def _garment_is(walk: Walk, place: int) -> bool:
    """Whether a look follows, which is one of the last two garments'."""
    ahead = 1 + walk.mark(1, "be")
    said = walk.adjectives(ahead)
    items = [item for item in walk.items if item.owner == walk.owner]
    if said is None or len(items) < 2:
        return False
    item = items[place]
    item.look.add(said.look)
    walk.consume(item, ahead)
    read_after(walk, item)
    return True


def _person_is(walk: Walk, noun: str) -> bool:
    """Whether two people have been named; the latter is not the described one."""
    if not walk.other_nouns:
        return False
    walk.owner = OTHER if noun == "latter" else SUBJECT
    walk.other_leads = walk.governed = noun == "latter"
    walk.other_acts = walk.relative = False
    return True
