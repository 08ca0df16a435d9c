"""Others: signs that a noun phrase cannot name the described person."""

from query.items import OTHER
from query.people_words import ANYBODY, DEFINITE, GROWN, SEVERAL, SIDES, SMALL, are_several
from query.phrases import Chunk, Phrase, first_word, names_person
from query.tellers import owner_before, tells
from query.units import Unit
from query.walk import HIM, Walk

_RIVAL = frozenset({"opposite", "opposing", "rival", "the opposite"})
_ELSE = frozenset({"another", "other", "everyone else", "everybody else"})


def is_the_same_thing(chunk: Chunk | None) -> bool:
    """Whether it is "the same bench"."""
    same = isinstance(chunk, Phrase) and any(unit.text == "same" for unit in chunk.units)
    return same and isinstance(chunk, Phrase) and not chunk.garment and chunk.noun_text not in ("", "same")


def same_gender(walk: Walk, phrase: Phrase) -> bool:
    """Whether the person may be the described one, as far as that tells."""
    return phrase.person == walk.subject_gender or "any" in (phrase.person, walk.subject_gender)


def is_unlike(walk: Walk) -> bool:
    """Whether it is whom the described person is told from: "unlike the rest of the choir, she"."""
    words = [first_word(chunk) for chunk in walk.chunks[: walk.at]]
    return words[:1] == ["unlike"] and "," not in words


def is_between(walk: Walk) -> bool:
    """Whether it is one of two that something lies between: "the cake between a man and a lady"."""
    before = any(isinstance(chunk, Unit) and chunk.text == "between" for chunk in walk.chunks[: walk.at])
    named = walk.text(-1) in ("between", "in between")
    return named or (before and walk.mark(-1, "and") and not walk.subject_gender)


def is_owned(walk: Walk) -> bool:
    """Whether another person's name and "'s" stand before: "the groom's brother"."""
    return owner_before(walk) is not None and walk.owner == OTHER


def is_another(walk: Walk, phrase: Phrase) -> bool:
    """Whether the noun phrase cannot name the described person: "another man", a girl beside a boy, a man's baby."""
    noun = phrase.noun_text
    named_before = noun in walk.other_nouns and noun != walk.subject_noun
    too_small = noun in SMALL and walk.subject_noun in GROWN
    elsewhere = bool(walk.subject_side) and side(walk) not in ("", walk.subject_side)
    begun = walk.sentence_start and phrase.determiner in ("a", "an") and walk.subject_noun not in ("", noun)
    introduced = begun and bool(walk.items) and not _fits_anybody(walk, noun)  # "A cyclist wears red. A woman"
    begins_with_the = walk.sentence_start and phrase.determiner in DEFINITE and bool(walk.items)
    told = {unit.text for unit in phrase.units} & _ELSE
    rival = walk.text(1) == "from" and bool({walk.text(2), first_word(walk.chunk(2))} & _RIVAL)
    pointed = phrase.determiner == "that" and walk.sentence_start and bool(walk.other_nouns)
    near = walk.mark(1, "beside") or walk.text(1) in ("around", "round", "with")
    placed = near and walk.text(2) in HIM  # "the ball boy behind her"
    placed = placed or (walk.sentence_start and is_told_by_another(walk, phrase))
    met = walk.mark(-1, "be", "verb") and walk.text(-2) in HIM and walk.mark(-3, "beside")
    placed = placed or met  # "next to him is a drummer"
    fits = {"him": "male", "her": "female"}.get(walk.text(2), "") in ("any", walk.subject_gender)
    placed = placed and (noun != walk.subject_noun or (near and (walk.subject_gender == "any" or fits)))
    another = bool(told) or rival or placed or (pointed and noun != walk.subject_noun)
    another = another or (phrase.determiner in SEVERAL and walk.sentence_start and bool(walk.items))
    alone = walk.subject_gender in ("male", "female") and not (walk.several or are_several(walk.subject_noun))
    telling = any(tells(chunk) or first_word(chunk) in HIM for chunk in walk.chunks[walk.at + 1 : walk.at + 5])
    several = begins_with_the and alone and are_several(noun) and not telling  # "The porters in blue stepped aside"
    return another or several or introduced or elsewhere or named_before or too_small or not same_gender(walk, phrase)


def is_told_by_another(walk: Walk, phrase: Phrase) -> bool:
    """Whether the described one is "her" in "the guy on her arm", "the man holding the parasol over her"."""
    theirs = {"male": ("her",), "female": ("his", "him")}.get(phrase.person, ())
    if are_several(phrase.noun_text) and phrase.determiner in DEFINITE:
        theirs = ("her", "his", "him")  # "The photographers crouching in front of him"
    acts = walk.text(1).endswith("ing")
    if not (acts or (walk.subject_gender != "any" and walk.mark(1, "preposition", "beside"))):
        return False
    ahead = 1
    while walk.chunk(ahead) is not None and not walk.mark(ahead, "stop", "comma", "be", "have", "wear"):
        chunk = walk.chunk(ahead)
        if walk.mark(ahead, "verb") and not walk.text(ahead).endswith("ing"):
            return False  # "Friends saw her in a red coat"
        if walk.text(ahead) in HIM and (walk.mark(ahead - 1, "beside") or walk.text(ahead - 1) == "with"):
            return True  # "The friend in beige next to her"
        held = isinstance(chunk, Phrase) and chunk.possessive in theirs and bool(chunk.reach)  # "on her arm"
        if walk.text(ahead) in theirs or held:
            return walk.subject_gender != phrase.person
        ahead += 1
    return False


def _fits_anybody(walk: Walk, noun: str) -> bool:
    """Whether both may be one person: "The suspect wore a hat. A white male", not "A cyclist in red. A male runner"."""
    return walk.subject_noun in ANYBODY or (noun in ("male", "female") and not names_person(walk.chunk(1)))


def side(walk: Walk) -> str:
    """Where the person just named stands, "" where the sentence does not say: "the woman on the left"."""
    place = walk.chunk(2)
    if not (walk.text(1) in ("on", "to", "in", "at") and isinstance(place, Phrase)):
        return ""
    return next((unit.text for unit in place.units if unit.text in SIDES), "")
