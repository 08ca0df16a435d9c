"""The one: whom "the one", "the other" and "others" name."""

from query.items import OTHER, SUBJECT
from query.phrases import Phrase, names_person
from query.units import Unit
from query.walk import HIM, Walk

_COMPARED = frozenset({"shorter", "taller", "smaller", "bigger", "larger", "older", "younger", "thinner", "heavier"})
_MEETING = frozenset({"into", "to", "by", "from", "with", "than", "against", "at"})


def _is_governed(walk: Walk) -> bool:
    """Whether "the one" is met or told of: "crash into the one in red", "at something the one in red said"."""
    told = walk.chunk(-2)
    thing = isinstance(told, Phrase) and not (told.garment or told.person)
    hit = walk.text(-2) == "on" and not walk.mark(-3, "be")  # "a punch on the one in red"
    hit = hit and walk.text(1) == "in" and walk.adjectives(2) is not None
    return thing or hit or walk.mark(-2, "beside") or walk.text(-2) in _MEETING


def the_one(walk: Walk, unit: Unit) -> None:
    """ "not the man in red, the one in black" and "one in a hat and the other in a cap"."""
    if unit.text == "one":
        _one(walk)
    elif unit.text in ("other", "others") and not _of_a_pair(walk):
        ahead = 1 + walk.mark(1, "filler")  # "the other just stood there"
        says_more = walk.text(1) in ("in", "with") or walk.mark(ahead, "wear", "have", "verb", "be")
        says_more = says_more or (walk.mark(1, "comma") and walk.text(2) == "all")  # "the others, all in black"
        says_more = says_more and walk.mark(-2, "and", "comma", "stop", "subordinate")
        if says_more or _is_told_who(walk):
            walk.owner, walk.governed = OTHER, True
            walk.other_leads = not walk.mark(-2, "and")


def _is_told_who(walk: Walk) -> bool:
    """Whether "the other" is explained: "whatever the other, a brunette in a coat, is telling her"."""
    chunk = walk.chunk(2)
    person = isinstance(chunk, Phrase) and chunk.determiner in ("a", "an") and bool(chunk.person or chunk.traits)
    return walk.mark(1, "comma") and person


def _one(walk: Walk) -> None:
    """Who "the one" is: the described person where nobody was named or it stands apart, else perhaps another."""
    of_them = walk.chunk(2)
    if walk.text(1) == "of" and isinstance(of_them, Phrase) and of_them.person:
        return  # "the one of the two ladies that has a hat"
    if walk.text(1) == "where" and not walk.subject_gender:
        return  # a photograph: "the one where my niece has a costume on"
    begun = walk.chunk(-2) is None or walk.mark(-2, "stop", "subordinate") or walk.text(-2) == ";"
    beside = walk.mark(1, "beside") and walk.text(2) in HIM
    apposed = walk.mark(-2, "comma") and walk.owner == OTHER and not walk.told_apart and _is_of_another(walk)
    if apposed:
        return  # "her friend, the one with the skateboard and the beanie"
    # "My sister and I are there: I'm the one in jeans"
    mine = walk.text(-2) == "i'm" or (walk.text(-3) == "i" and walk.mark(-2, "be"))
    if mine and walk.items:
        walk.owner, walk.other_leads = OTHER, True  # "my wife's mother, in a sun hat. I am the one in blue"
    elif mine or walk.mark(-2, "comma") or (walk.told_apart and walk.mark(-2, "but")):
        walk.owner = SUBJECT  # "not the one in red but the one in blue"
    elif not walk.subject_gender:
        if not walk.mark(-2, "negation"):
            walk.subject_gender, walk.several = "any", True  # "the tall one behind the lady in red"
    elif begun and (beside or _is_the_lesser(walk)):
        walk.owner, walk.other_leads = OTHER, True  # "The tall one next to her is in a cape"
    elif walk.mark(-2, "subordinate"):
        walk.owner, walk.other_leads = OTHER, True  # "while the one in the white hat stands"
    elif _is_governed(walk):
        walk.owner, walk.governed = OTHER, True  # "about to crash into the one in red"


def _is_the_lesser(walk: Walk) -> bool:
    """Whether it is told from the described one: "the taller one took it; the shorter one stood there"."""
    named = walk.chunk(-1)
    compared = isinstance(named, Phrase) and any(unit.text in _COMPARED for unit in named.units)
    return compared and bool(walk.items)


def _is_of_another(walk: Walk) -> bool:
    """Whether "the one" behind a comma tells who somebody's kin is, or who begins the sentence."""
    named = walk.chunk(-3)
    beside = walk.text(-3) in HIM and walk.mark(-4, "beside")
    told = beside and (walk.other_leads or names_person(walk.chunk(-5)))  # "to the man across from her, the one in"
    return told or (names_person(named) and bool(named.possessive) and walk.other_leads)


def _of_a_pair(walk: Walk) -> bool:
    """Whether "one hand" or "one shoe" has been named, whose other one is meant."""
    phrases = [chunk for chunk in walk.chunks[: walk.at] if isinstance(chunk, Phrase) and chunk.noun is not None]
    pairs = [phrase for phrase in phrases if phrase.garment or (phrase.noun and phrase.noun.entry.body)]
    return any(unit.text == "one" for phrase in pairs for unit in phrase.units)
