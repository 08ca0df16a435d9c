"""Grammar: whose garments a sentence speaks of, and what it says of each.

One pass over noun phrases and the words between them keeps track of who is spoken of. Only the described person counts:
the first one named, and whoever "he", "she" or "the man" takes up again. What other people wear, and what is held
rather than worn, is read and left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from query.bare_looks import read_bare_adjectives
from query.former import read_each, read_hers
from query.function_words import BELIEVING, read_word
from query.garments import read_garment, read_trait
from query.items import Item
from query.noun_phrases import chunks
from query.people import read_person
from query.phrases import Phrase
from query.rejected import without_rejected
from query.telegrams import adjectives_first
from query.things import read_thing
from query.units import Unit
from query.walk import Walk


@dataclass(frozen=True)
class Reading:
    """What the grammar makes of a sentence: the garments, and the described person's noun and gender."""

    items: tuple[Item, ...]
    person: str
    gender: str


def read_sentence(units: Sequence[Unit]) -> Reading:
    """Garments of everybody in the sentence, in reading order."""
    walk = Walk(chunks(adjectives_first(without_rejected(units))))
    while (chunk := walk.chunk()) is not None:
        if isinstance(chunk, Phrase):
            _read_phrase(walk, chunk)
        elif not (read_hers(walk) or read_each(walk)):
            read_word(walk, chunk)
        walk.at += 1
    return Reading(tuple(walk.items), walk.subject_noun, walk.subject_gender)


def _is_person_by_trait(walk: Walk, phrase: Phrase) -> bool:
    """Whether somebody is named by a trait alone: "a man next to a blonde in white"."""
    named = bool(phrase.traits) and phrase.noun is None and phrase.determiner in ("a", "an", "the", "another")
    return named and bool(walk.subject_gender) and walk.mark(-1, "beside", "hold", "verb")


def _read_phrase(walk: Walk, phrase: Phrase) -> None:
    """A noun phrase."""
    if phrase.person or _is_person_by_trait(walk, phrase):
        read_person(walk, phrase)
    for trait in phrase.traits:
        read_trait(walk, phrase, trait)
    if phrase.garment is not None:
        read_garment(walk, phrase, phrase.garment)
    elif phrase.only_adjectives:
        read_bare_adjectives(walk, phrase)
    else:
        read_thing(walk, phrase)
        walk.beside = False
        walk.or_before = False
        walk.owner_once = walk.owner_once if phrase.person else ""  # "a captain's armband"
        neither_of = walk.text(-1) == "of" and walk.mark(-2, "negation")  # "neither of her hands has a glove"
        if not (phrase.person or phrase.traits or neither_of or walk.mark(1, "or", "nor") or _is_belief(walk, phrase)):
            walk.denial = ""
    walk.sentence_start = False


def _is_belief(walk: Walk, phrase: Phrase) -> bool:
    """Whether it is "think" of "I don't think he wore a hat", which denies the hat; not of "I can't believe he"."""
    does_not = walk.text(-2) in ("do", "does", "did")
    return phrase.noun_text in BELIEVING and does_not and walk.text(1) in ("he", "she", "they")
