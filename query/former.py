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
