"""Nobodies: noun phrases of people who wear nothing of what follows: crowds, owners, givers, kin."""

from query.people_words import SIDE_OF, SIDES
from query.phrases import Chunk, Phrase, first_word, names_person
from query.walk import Walk

_AMONG = frozenset({"in", "from", "among", "amongst"})
_CROWDS = frozenset({"family", "group", "crowd", "audience", "line", "team"})
_GIVEN = frozenset({"borrowed", "bought", "inherited", "stolen", "lent", "given", "knitted", "made"})


def is_nobody(walk: Walk, phrase: Phrase) -> bool:
    """Whether it names nobody who would wear what follows: "with a slight figure", "in the coat of a soldier".

    "Tying the shoe of a kid" names one.
    """
    noun = phrase.noun_text
    of_a = walk.text(-1) == "of" and walk.garment_at(-2) is not None and phrase.determiner in ("a", "an")
    kind = of_a and bool(walk.subject_gender) and not walk.mark(-3, "verb", "hold")
    figure = noun == "figure" and walk.text(-1) == "with"
    return kind or figure or _is_crowd(walk, phrase) or _gave_it(walk, phrase) or _is_kin(walk, phrase)


def _is_crowd(walk: Walk, phrase: Phrase) -> bool:
    """Whether it is where somebody stands: "a woman in the crowd with a red hat", not "in the crowd in red"."""
    crowd = phrase.noun_text in _CROWDS and phrase.determiner == "the"
    among = walk.text(-1) in _AMONG or _is_side(walk.chunk(-2)) or walk.text(-1) in SIDE_OF
    return crowd and among and walk.text(1) not in ("in", "of", "wearing")


def _is_side(chunk: Chunk | None) -> bool:
    """Whether it is "the front" of "in the front of the group"."""
    return isinstance(chunk, Phrase) and chunk.noun_text in SIDES and not chunk.person


def _gave_it(walk: Walk, phrase: Phrase) -> bool:
    """Whether it tells where a garment comes from: "the stripy top from her nan, sandals"."""
    made = first_word(walk.chunk(-2)) in _GIVEN and walk.text(-1) in ("from", "by")
    made = made and (bool(phrase.possessive) or walk.garment_at(-3) is not None)
    given = made or (walk.text(-1) == "from" and walk.garment_at(-2) is not None and bool(phrase.possessive))
    return given and walk.text(1) not in ("in", "with", "wearing") and walk.text(2) != "who"


def _is_kin(walk: Walk, phrase: Phrase) -> bool:
    """Whether it tells whose father somebody is: "the father of the bride in a suit", not "the coach of the team"."""
    whole = walk.chunk(-2)
    of_them = walk.text(-1) == "of" and names_person(whole) and not whole.group
    resumed = any(
        walk.mark(at, "pronoun") and (walk.mark(at - 1, "comma") or walk.text(at - 1) == ";") for at in range(2, 12)
    )
    return of_them and bool(walk.subject_gender) and not phrase.group and not resumed  # "; she has"
