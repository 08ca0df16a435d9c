"""Tellers: who only tells of the described person, and who is told apart from them."""

from query.people_words import DEFINITE
from query.phrases import Chunk, Phrase, first_word, names_person
from query.units import Unit
from query.walk import Walk

_TELLERS = frozenset(
    {"police", "officer", "officers", "police officer", "eyewitness", "someone", "somebody", "anyone"}
    | {"anybody", "colleague", "friend", "witnesses", "eyewitnesses", "bystander", "resident", "detective"}
    | {"detectives", "cop", "cops", "guard", "security guard", "security", "witness", "victim", "caller"}
    | {"shopkeeper", "clerk", "cashier", "staff", "neighbour", "neighbor", "family", "parents"}
)
_TELLING = frozenset(
    {"said", "says", "told", "described", "describes", "saw", "reported", "reports", "recalled", "recalls"}
    | {"looking for", "know", "look for", "recognize", "recognise", "searching", "seeking", "hunting", "speak"}
    | {"identify", "find", "trace", "appealing", "seen", "want", "wants", "remembers", "remembered", "noticed"}
    | {"remember", "recall", "spotted", "mentioned", "found", "claims", "claimed", "aware", "stated"}
)
_WORKERS = frozenset({"driver", "conductor", "barman", "bouncer", "receptionist"})
_ASKED = frozenset({"seen", "want", "wants", "told", "say", "says", "said"})  # "the driver wants the man to move"
_BELIEVED = frozenset({"thought", "believed", "said", "supposed", "known", "meant"})
_CONFUSING = frozenset({"confuse", "confused", "mistake"})


def only_tells(walk: Walk) -> bool:
    """Whether the person named so far tells of this one: "the witness described a woman", "police seek a man"."""
    noun = walk.subject_noun.split(" ")[-1]
    if noun not in _TELLERS | _WORKERS or walk.items:
        return False
    telling = _TELLING - _ASKED if noun in _WORKERS else _TELLING
    named = next(at for at, chunk in enumerate(walk.chunks) if _is_named(chunk, walk.subject_noun))
    if named + 1 < len(walk.chunks) and first_word(walk.chunks[named + 1]) == "who":
        return False  # "the crossing guard who told the boy"
    by_them = named > 0 and walk.text(named - 1 - walk.at) == "by"  # "described by a witness", not "find someone"
    return any(tells(chunk, telling) for chunk in walk.chunks[0 if by_them else named + 1 : walk.at])


def _is_named(chunk: Chunk, noun: str) -> bool:
    return isinstance(chunk, Phrase) and chunk.noun_text == noun  # perhaps a word that no lexicon calls a person


def tells(chunk: Chunk, telling: frozenset[str] = _TELLING) -> bool:
    """Whether it is a verb of telling, not "spotted" of "a spotted dog"."""
    words = [chunk] if isinstance(chunk, Unit) else [] if chunk.determiner else chunk.units
    return any(word.text in telling for word in words)


def owner_before(walk: Walk) -> Phrase | None:
    """The person whose name and "'s" stand before: "the groom's brother"."""
    owner = walk.chunk(-2)
    return owner if walk.text(-1) in ("'s", "’s") and names_person(owner) else None


def is_told_apart(walk: Walk, phrase: Phrase) -> bool:
    """Whether it is "not the man in red", whom nobody looks for."""
    if phrase.determiner not in DEFINITE:
        owner = owner_before(walk)
        return owner is not None and owner.determiner in DEFINITE and walk.mark(-3, "negation")
    denied = walk.denial == "not" and walk.mark(-1, "be")  # "isn't thought to be the man with"
    to_be = first_word(walk.chunk(-3)) in _BELIEVED and walk.mark(-1, "be") and walk.mark(-4, "negation")
    return walk.mark(-1, "negation") or denied or to_be


def is_confused_with(walk: Walk, phrase: Phrase) -> bool:
    """ "not to be confused with the rider", "don't mix him up with the groom's brother"."""
    said = [unit.text for chunk in walk.chunks[walk.begin() + walk.at : walk.at] for unit in _units(chunk)]
    mixed = "up" in said and bool({"mix", "mixed"} & set(said))
    return phrase.determiner in DEFINITE and "with" in said and (mixed or bool(_CONFUSING & set(said)))


def _units(chunk: Chunk) -> list[Unit]:
    return chunk.units if isinstance(chunk, Phrase) else [chunk]


def was_once(walk: Walk) -> bool:
    """Whether it ends what "used to" denies: "used to be a soldier wearing", unless that tells what was worn then."""
    return walk.mark(-1, "be") and walk.text(-2) == "used to" and walk.text(1) not in ("with", "in")
