"""Grammar: whose garments a sentence speaks of, and what it says of each.

One pass over noun phrases and the words between them keeps track of who is spoken of. Only the described person counts:
the first one named, and whoever "he", "she" or "the man" takes up again. What other people wear, and what is held
rather than worn, is read and left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from query.bare_looks import read_bare_adjectives
from query.decoration import part_is, placed_pattern
from query.function_words import read_word
from query.garments import read_garment, read_trait
from query.items import OTHER, Item
from query.lexicon import Garment
from query.noun_phrases import Phrase, chunks
from query.people import read_person
from query.tree import Clause, Has
from query.units import Unit
from query.walk import Walk

_UPPER = Garment((Clause(Has(("UpperClothes",)), negated=False),))
_HAIR = Garment((Clause(Has(("Hair",)), negated=False),))
_PETS = frozenset({"dog", "dogs", "puppy", "cat", "kitten", "poodle", "chihuahua", "pug"})


@dataclass(frozen=True)
class Reading:
    """What the grammar makes of a sentence: the garments, and the described person's noun and gender."""

    items: tuple[Item, ...]
    person: str
    gender: str


def read_sentence(units: Sequence[Unit]) -> Reading:
    """Garments of everybody in the sentence, in reading order."""
    walk = Walk(chunks(units))
    while (chunk := walk.chunk()) is not None:
        if isinstance(chunk, Phrase):
            _read_phrase(walk, chunk)
        else:
            read_word(walk, chunk)
        walk.at += 1
    return Reading(tuple(walk.items), walk.subject_noun, walk.subject_gender)


def _read_phrase(walk: Walk, phrase: Phrase) -> None:
    """A noun phrase."""
    if phrase.person:
        read_person(walk, phrase)
    for trait in phrase.traits:
        read_trait(walk, phrase, trait)
    if phrase.garment is not None:
        read_garment(walk, phrase, phrase.garment)
    elif phrase.only_adjectives:
        read_bare_adjectives(walk, phrase)
    else:
        _read_thing(walk, phrase)
        walk.beside = False
        walk.or_before = False
        if not phrase.person and not phrase.traits and not walk.mark(1, "or", "nor"):
            walk.denial = ""
    walk.sentence_start = False


def _read_thing(walk: Walk, phrase: Phrase) -> None:
    """In "the man and the chair with pants", the pants are the chair's; a dog in a sweater wears it."""
    if phrase.noun is not None and phrase.noun.text in _PETS and walk.text(1) == "in":
        walk.owner, walk.governed = OTHER, True
    if phrase.streaks and not _hair_follows(walk):
        read_garment(walk, phrase, _HAIR)
    elif _sleeves_alone(walk, phrase):
        read_garment(walk, phrase, _UPPER)
    elif phrase.noun is not None and phrase.noun.entry.part == "colored":
        part_is(walk, phrase.noun)
    placed_pattern(walk, phrase)
    beside_the_person = phrase.determiner == "the" and walk.mark(-1, "and") and walk.text(1) == "with"
    if beside_the_person and phrase.noun is not None and not phrase.noun.entry.body:
        walk.owner, walk.governed = OTHER, True


def _hair_follows(walk: Walk) -> bool:
    """Whether the hair that streaks are in is named behind them."""
    hair = walk.garment_at(2)
    return hair is not None and hair.garment is not None and "Hair" in hair.garment.attributes


def _sleeves_alone(walk: Walk, phrase: Phrase) -> bool:
    """Whether it is "with blue sleeves" of somebody whose top is not named."""
    sleeves = phrase.noun is not None and phrase.noun.text == "sleeves" and bool(phrase.look.colors)
    led = walk.text(-1) in ("with", "in", "has", "and")
    return sleeves and led and not any(item.covers_torso for item in walk.items)
