"""Exceptions: "everyone except guys in hats", "leave out those with glasses", "exclude hats": that is not asked for."""

from query.people_words import are_several
from query.phrases import Phrase, first_word, names_person
from query.units import Unit
from query.walk import HIM, Walk

_EVERYBODY = frozenset({"everyone", "everybody", "anyone", "anybody", "all", "people"})
_SOME = frozenset({"those", "ones", "anyone", "anybody", "everyone", "everybody", "whoever"})
_THEY = frozenset({"they", "we", "you"})


def read_exception(walk: Walk, unit: Unit) -> bool:
    """Moves to the garments of those who are left out, which are denied; False where nobody is."""
    asked = unit.plays("exception") and _asks(walk)
    if asked and walk.garment_at(1) is not None:
        walk.denial = "no"  # "exclude hats"
        return True
    if unit.plays("but") and _but_not_her(walk):
        return True
    worn = _behind_whom(walk) if asked or (unit.plays("but") and _is_of_everybody(walk)) else 0
    if not worn or not (walk.text(worn) in ("in", "with") or walk.mark(worn, "wear", "have")):
        return False
    walk.denial = "not"
    walk.at += worn
    return True


def _asks(walk: Walk) -> bool:
    """Whether it is said to whoever searches: "skip anyone in black", not "they skip those in black"."""
    return walk.chunk(-1) is None or walk.mark(-1, "comma", "stop", "and", "but") or _is_of_everybody(walk)


def _is_of_everybody(walk: Walk) -> bool:
    return not walk.items and first_word(walk.chunk(walk.begin())) in _EVERYBODY


def _but_not_her(walk: Walk) -> bool:
    """Whether "they've all got glasses on, except her": the described one has none."""
    whom = 1 + (walk.text(1) == "for")
    said = [walk.chunk(at) for at in range(walk.begin(), 0)]
    words = {first_word(chunk) for chunk in said}
    all_of_them = bool(words & {"everyone", "everybody"}) or ("all" in words and bool(words & _THEY))
    if not (walk.text(whom) in HIM | {"me", "you"} and all_of_them and _ends(walk, whom + 1)):
        return False
    for item in walk.items:
        item.negated |= any(item.phrase is chunk for chunk in said)
    walk.at += whom
    return True


def _ends(walk: Walk, ahead: int) -> bool:
    return walk.chunk(ahead) is None or walk.mark(ahead, "stop", "comma")


def _behind_whom(walk: Walk) -> int:
    """How far ahead stands what follows the people who are left out; 0 where none are named."""
    people = walk.chunk(1)
    several = names_person(people) and are_several(people.noun_text)
    some = first_word(people) in _SOME and not (isinstance(people, Phrase) and len(people.units) > 1)
    if walk.text(1) == "the" and walk.text(2) in ("one", "ones"):
        ahead = 3
    elif several or some:
        ahead = 2
    else:
        return 0
    return ahead + walk.mark(ahead, "relative")
