"""People: who is named, and whether it is the described person."""

from query.function_words import FINITE
from query.items import OTHER, SUBJECT
from query.nobodies import is_nobody
from query.noun_phrases import may_act
from query.others import (
    is_another,
    is_between,
    is_owned,
    is_the_same_thing,
    is_told_by_another,
    is_unlike,
    same_gender,
    side,
)
from query.people_words import ANYBODY, DEFINITE, GROWN, PLAIN, SEVERAL, SIDE_OF, SMALL, are_several
from query.phrases import Chunk, Look, Phrase, first_word, names_person
from query.tellers import is_confused_with, is_told_apart, only_tells, was_once
from query.units import Unit
from query.walk import HIM, Walk

_CLAIMING = frozenset({"says", "said", "say", "thinks"})
_PLACES = frozenset({"next to", "beside", "behind", "near", "in front of", "alongside", "opposite"})
_ASKING = frozenset(
    ["find", "look", "looking", "search", "searching", "show", "see", "seeing", "get", "can", "could", "want", "need"]
) | {"seeking", "spot", "give", "bring"}
_ACTING = frozenset(
    {"dressed", "acting", "acts", "serves", "serving", "works", "working", "here", "posing", "poses"}
) | {
    "disguised",
    "seen",
    "known",
    "playing",
    "plays",
}


def read_person(walk: Walk, phrase: Phrase) -> None:
    """A person: the described one, or another."""
    if _owns_a_person(walk):
        walk.other_gender = (
            phrase.person if phrase.determiner else ""
        )  # "The bride's father wears a suit, and her dress"
        return
    if is_nobody(walk, phrase):
        return
    if only_tells(walk):
        walk.subject_noun = walk.subject_gender = ""
    owner = _who_is(walk, phrase)
    if _is_possessor(walk):
        _pass_on_color(walk, phrase)
        worn = walk.mark(-1, "wear") or walk.text(-1) == "in" or _goes_on_listing(walk, phrase)
        worn = worn or walk.text(1) == "else"  # "in somebody else's flip flops"
        walk.owner_once = walk.owner if worn else owner  # "in a man's hat"
    else:
        walk.owner = owner
        walk.told_apart = walk.told_apart or is_told_apart(walk, phrase)
        walk.other_acts = False
        walk.relative = owner == OTHER and walk.text(-1) == "whose"  # "whose son is in red"
        # "he says his mum has a yellow coat on"
        told = walk.text(-1) in _CLAIMING and walk.mark(-2, "pronoun", "comma")
        walk.governed = (_hangs_on_a_word(walk) and not told) or is_told_apart(walk, phrase)
        acts = FINITE.match(walk.text(1)) or (phrase.determiner in SEVERAL and walk.mark(1, "verb"))
        many = phrase.determiner in DEFINITE and are_several(phrase.noun_text)
        acts = bool(acts) or (
            many and is_told_by_another(walk, phrase)
        )  # ", the tourists rolling along behind her have"
        begins = walk.sentence_start or walk.text(-1) == "whereas" or (walk.mark(-1, "comma") and acts)
        walk.other_leads = owner == OTHER and ((begins and not walk.governed) or _stands_there(walk))
        walk.holding = False
        walk.denial = "" if is_told_apart(walk, phrase) or was_once(walk) else walk.denial
    noun = phrase.noun_text
    if owner == SUBJECT:
        walk.subject_noun = walk.subject_noun or noun
        walk.subject_side = walk.subject_side or side(walk)
        walk.several = walk.several or phrase.group
        if walk.subject_gender in ("", "any"):
            walk.subject_gender = phrase.person
    else:
        walk.other_gender, walk.other_sentence = phrase.person, walk.sentence
        walk.other_nouns.add(noun)


def _stands_there(walk: Walk) -> bool:
    """Whether the sentence begins with where this one stands: "Beside him stands the headmaster"."""
    begin = walk.begin()
    return walk.mark(begin, "beside") and walk.text(begin + 1) in HIM


def _who_is(walk: Walk, phrase: Phrase) -> str:
    """Whether a person's noun phrase names the described person: what the first rule says that knows."""
    return next(filter(None, (rule(walk, phrase) for rule in _RULES)), OTHER)


def _stands_elsewhere(walk: Walk, phrase: Phrase) -> str:
    """Somebody beside, before or unlike the described one, whoever that is."""
    first = all(isinstance(chunk, Unit) and _stands_before(chunk) for chunk in walk.chunks[1 : walk.at])
    place = first_word(walk.chunks[0]) if first and walk.at else walk.text(-1) if phrase.possessive else ""
    first_beside = place in _PLACES and not walk.subject_gender  # "behind a woman stands a man"
    known = first_beside or is_unlike(walk) or _is_before_the_subject(walk) or is_between(walk)
    me = walk.text(-2) == "i" and walk.mark(-1, "be") and bool(walk.items)  # "I was the idiot in the raincoat"
    told = is_told_apart(walk, phrase) or walk.text(-1) == "according to" or walk.mark(-1, "exception")
    return OTHER if known or told or me else ""


def _first_named(walk: Walk, phrase: Phrase) -> str:
    """Where nobody has been named yet, it is the described one."""
    if walk.subject_gender:
        return ""
    said = [first_word(walk.chunk(at)) for at in range(walk.begin(), 0)]
    seen = walk.text(-1) == "with" and ("last seen" in said or {"last", "seen"} <= set(said))
    if seen and phrase.determiner in ("a", "an"):
        return OTHER  # "last seen at the bus terminal with an older man"
    hers = any(item.phrase.possessive for item in walk.items)  # "her red coat and the man's hat"
    own = any(item.owner == SUBJECT for item in walk.items)
    kin = phrase.possessive in ("his", "her", "their")  # "Her girl was"
    kin = kin or is_told_by_another(walk, phrase)  # "The guy on her arm was"
    kin = kin and walk.sentence_start and own and not _hangs_on_a_word(walk)
    whose = walk.text(-1) == "whose" and own  # "grey top, got into a van whose driver wore a hat"
    return OTHER if (hers and _is_possessor(walk)) or kin or whose else SUBJECT


def _by_its_sentence(walk: Walk, phrase: Phrase) -> str:
    """What words further off tell."""
    if walk.sentence_start and walk.mark(walk.begin(), "beside") and walk.mark(walk.begin() + 1, "comma"):
        return OTHER  # "Behind, out of focus, somebody in a turban"
    if walk.told_apart and walk.mark(-1, "but"):
        return SUBJECT  # "not the catcher in red but the guy behind him"
    if is_confused_with(walk, phrase) or (not phrase.determiner and is_owned(walk)):
        return OTHER
    rest = phrase.noun_text in ("everyone else", "everybody else")
    if rest and walk.text(-1) != "as" and walk.mark(-1, "comma", "stop", "subordinate", "and"):
        return OTHER
    whom = 1 + walk.mark(1, "preposition")
    met = walk.text(whom) == "whom" and walk.text(whom + 1) in ("he", "she", "they")
    there = walk.mark(-1, "be") and walk.text(-2) == "there"
    # "The person with whom he is arguing, in a hat", "a singer in a red gown, there are four men behind her"
    return OTHER if walk.items and (met or there) else ""


def _somebodys(walk: Walk, phrase: Phrase) -> str:
    """ "my wife", "his son"."""
    mine = phrase.possessive in ("my", "our")
    if mine and walk.text(-1) == "where" and not walk.items:
        return SUBJECT  # "the photo from my parents' party where my mum has a perm"
    again = mine and phrase.noun_text == walk.subject_noun
    if again and not _hangs_on_a_word(walk) and not _is_possessor(walk):
        return SUBJECT  # "my husband ... beside the groom, but my husband has a beard"
    named = walk.mark(-1, "be") and not walk.subject_noun
    return (walk.owner if named else OTHER) if phrase.possessive else ""  # "the one on the left is my wife"


def _by_the_word_before(walk: Walk, phrase: Phrase) -> str:
    """Behind another person, "as", "like" and "far right of"."""
    person = names_person(walk.chunk(-1))
    that_the = phrase.determiner == "that" and len(phrase.units) > 2 and phrase.units[1].plays("determiner")
    if that_the and person:
        return OTHER  # "the guy that the woman leans on"
    if walk.text(-1) in SIDE_OF and _is_far(walk.chunk(-2)):
        return walk.owner  # "on the far right of the group"
    if not person and walk.text(-1) not in ("as", "like"):
        return ""
    if walk.text(-1) == "as" and is_the_same_thing(walk.chunk(-2)):
        return OTHER  # "on the same bench as a man in a hat"
    acts = walk.text(-1) == "as" and phrase.determiner == "the" and walk.garment_at(-2) is None
    acts = acts or (walk.text(-1) == "as" and bool(phrase.determiner) and _does_something(walk))  # "as a boy rides by"
    acts = acts and first_word(walk.chunk(-2)) not in _ACTING  # "dressed as the king"
    return OTHER if acts else walk.owner  # "dressed as a nurse"


def _does_something(walk: Walk) -> bool:
    """Whether a finite verb follows in the clause: "a striker in red raises both arms"."""
    ahead = 1
    while (chunk := walk.chunk(ahead)) is not None and not walk.mark(ahead, "stop", "comma", "and", "relative"):
        finite = walk.mark(ahead, "verb", "hold", "wear", "have") and not walk.text(ahead).endswith(("ing", "ed"))
        unknown = isinstance(chunk, Phrase) and len(chunk.units) == 1 and may_act(chunk.units[0])
        if finite or unknown:
            return True
        ahead += 1
    return False


def _one_of_several(walk: Walk, phrase: Phrase) -> str:
    """One of a group, or the same person said in other words, behind a comma."""
    if _is_apposed(walk, phrase):
        return SUBJECT
    before = walk.chunk(-2)
    if (walk.text(-1) == "of" or walk.mark(-1, "comma")) and isinstance(before, Phrase) and before.group:
        return walk.owner
    if not walk.mark(-1, "comma"):
        return ""
    if walk.text(-1) == ":" and same_gender(walk, phrase) and not walk.items:
        return SUBJECT  # "Mother of the bride: the lady in turquoise"
    if walk.several and walk.subject_gender == "any" and phrase.determiner in DEFINITE:
        return SUBJECT  # "a couple on a bench, the man in a straw hat"
    picked = phrase.determiner == "the" and walk.subject_noun in _plurals(phrase.noun_text)
    if picked and not walk.items and same_gender(walk, phrase):
        return SUBJECT  # "three men are cooking, the man in the middle"
    bare = not phrase.determiner and not walk.main_verb and walk.owner == SUBJECT
    grown = walk.subject_noun in SMALL and phrase.noun_text in GROWN and bool(FINITE.match(walk.text(1)))
    fits = same_gender(walk, phrase) or not walk.items
    return SUBJECT if bare and fits and not grown else ""


def _taken_up(walk: Walk, phrase: Phrase) -> str:
    """The described one again, or another one."""
    if (walk.text(-2), walk.text(-1)) == ("the", "missing") and not walk.items:
        return SUBJECT  # "Crew from ground team, the missing climber"
    if is_another(walk, phrase):
        return OTHER
    before = walk.chunk(-1)
    if _is_predicate(walk) or (isinstance(before, Unit) and before.entry.hedge is not None):
        return walk.owner
    if walk.sentence_start and not _hangs_on_a_word(walk):
        return SUBJECT
    same_noun = phrase.noun is not None and phrase.noun.text == walk.subject_noun
    takes_up = same_noun and (phrase.determiner in DEFINITE or not phrase.determiner)
    return SUBJECT if takes_up and walk.mark(-1, "comma", "and") else OTHER


_RULES = (
    _stands_elsewhere,
    _first_named,
    _by_its_sentence,
    _somebodys,
    _by_the_word_before,
    _one_of_several,
    _taken_up,
)


def _stands_before(unit: Unit) -> bool:
    """Whether it may stand between the place and who is there: "Next to him is just a woman"."""
    return unit.plays("filler") or unit.plays("be") or unit.text in HIM


def _is_far(chunk: Chunk | None) -> bool:
    return isinstance(chunk, Phrase) and chunk.noun_text == "far"


def _is_apposed(walk: Walk, phrase: Phrase) -> bool:
    """Whether it says who the described person is: "The subject, a man in his 30s, has on a jacket"."""
    if not (same_gender(walk, phrase) and walk.mark(-1, "comma") and walk.owner == SUBJECT):
        return False
    if not walk.subject_noun and not walk.other_nouns and phrase.determiner in ("a", "an"):
        # "she stood there for an hour, a woman in a beige coat"
        return _only_describes(walk) and not _stands_beside_somebody(walk)
    if walk.items:
        return False
    before = walk.chunk(-2)
    anybody = isinstance(before, Phrase) and before.noun is not None and before.noun.text in ANYBODY
    return anybody or _tells_trade(walk, phrase)


def _tells_trade(walk: Walk, phrase: Phrase) -> bool:
    """Whether one of two names tells no more than a gender: "the rider, a skinny man", "that man there, the fisherman".

    Another person stands beside, or does something to, the one who was named: "the pilot, a woman beside him".
    """
    noun = phrase.noun_text.split(" ")[-1]
    several = are_several(walk.subject_noun) or walk.several
    first = walk.chunks[0]
    name = walk.chunk(-2)
    the_one = walk.subject_gender == "any" or (names_person(name) and name.determiner == "the")
    gender = noun in PLAIN and walk.subject_noun not in PLAIN and the_one and not several
    pointed = isinstance(first, Phrase) and first.determiner in ("that", "this") and bool(first.person)
    trade = noun not in PLAIN and phrase.determiner == "the" and pointed
    trade = trade and all(isinstance(chunk, Unit) and chunk.plays("filler") for chunk in walk.chunks[1 : walk.at - 1])
    gender = gender or (walk.subject_gender == "any" and the_one and noun not in SMALL and _is_enclosed(walk))
    named = gender or (noun not in PLAIN | SMALL and walk.subject_noun in PLAIN and _is_enclosed(walk))
    if walk.other_nouns or not (trade or (named and phrase.determiner in ("a", "an"))):
        return False
    return not _stands_beside_somebody(walk)


def _is_enclosed(walk: Walk) -> bool:
    """Whether commas enclose a noun phrase that stands directly behind a name: "the lady, a nurse in blue, pushes"."""
    ahead = walk.until("comma", "stop", "and")
    behind = walk.chunk(ahead + 1)
    acts = isinstance(behind, Phrase) and not (behind.garment or behind.person or behind.determiner)
    acts = acts or walk.mark(ahead + 1, "verb", "be", "have", "wear", "hold")
    return names_person(walk.chunk(-2)) and walk.mark(ahead, "comma") and acts


def _only_describes(walk: Walk) -> bool:
    """Whether a person's noun phrase is followed by no verb of its own: "he eats, a man in a hat drinks"."""
    ahead = 1
    while (chunk := walk.chunk(ahead)) is not None and not walk.mark(ahead, "stop", "pronoun", "relative"):
        before = walk.chunk(ahead - 1)
        acts = isinstance(chunk, Unit) and not chunk.text.endswith("ing")
        acts = acts and (
            walk.mark(ahead, "verb", "be", "have", "wear", "hold")
            or (walk.mark(ahead, "beside") and walk.mark(ahead + 1, "stop"))
        )
        unknown = isinstance(chunk, Phrase) and isinstance(before, Phrase) and not chunk.determiner
        if acts or (unknown and isinstance(chunk, Phrase) and chunk.noun is not None and chunk.noun.unknown):
            return False
        ahead += 1
    return True


def _stands_beside_somebody(walk: Walk) -> bool:
    """Whether the sentence goes on with "beside him" or "at her side"."""
    behind = walk.chunks[walk.at + 1 : walk.at + walk.until("stop", "comma")]
    named = any(isinstance(chunk, Phrase) and chunk.noun_text == "side" for chunk in behind)
    return named or any(isinstance(chunk, Unit) and chunk.text in HIM for chunk in behind)


def _is_before_the_subject(walk: Walk) -> bool:
    """Whether the described person is named later: "Beside a woman is a man", "Watched by kids, a juggler"."""
    first = walk.chunks[0]
    asks = first_word(first).split()[0] in _ASKING
    if walk.subject_gender or asks or not _hangs_on_a_word(walk):
        return False
    acts = isinstance(first, Unit) and (first.plays("verb") or first.plays("hold") or first.text.endswith(" by"))
    acts = acts or (
        first_word(first) == "with" and walk.at == 1 and not _is_possessor(walk)
    )  # "With a baby on her back, the woman wears"
    placed = (isinstance(first, Unit) and first.plays("beside")) or walk.text(1 - walk.at) == "than"
    links = ("be", "comma") if acts or placed else ("be",) if walk.mark(-1, "beside") else ()
    for ahead in range(1, len(walk.chunks) - walk.at - 1):
        if walk.mark(ahead, "stop"):
            return False
        person = walk.chunk(ahead + 1)
        named = names_person(person) and not person.possessive
        named = named and (acts or not walk.mark(ahead, "comma") or walk.mark(ahead + 2, "wear", "have", "be"))
        if named and walk.mark(ahead, *links) and not walk.mark(ahead - 1, "relative", "pronoun"):
            return True
    return False


def _plurals(noun: str) -> set[str]:
    """What several of one kind of people may be called."""
    return {noun + "s", noun.replace("man", "men"), noun.removesuffix("y") + "ies", noun + "ren"} - {noun}


def _is_predicate(walk: Walk) -> bool:
    """Whether it tells what somebody is: "she is a waitress", "he is just a middle-aged man"."""
    back = 1
    while walk.mark(-back, "filler") or _names_nothing(walk.chunk(-back)):
        back += 1
    return walk.mark(-back, "be")


def _names_nothing(chunk: Chunk | None) -> bool:
    whole = isinstance(chunk, Phrase) and chunk.units[-1].text.endswith(" of")  # "the glass of a lady"
    return isinstance(chunk, Phrase) and not (chunk.person or chunk.garment or whole)


def _hangs_on_a_word(walk: Walk) -> bool:
    """Whether a preposition or a verb stands directly before."""
    return walk.mark(-1, "preposition", "beside", "verb", "hold", "have")


def _is_possessor(walk: Walk) -> bool:
    """Whether "'s" and a noun phrase follow."""
    following = _possessed(walk)
    return following is not None and not following.determiner and not following.only_adjectives


def _pass_on_color(walk: Walk, phrase: Phrase) -> None:
    """In "a white chef's jacket", the jacket is white."""
    garment = _possessed(walk)
    trade = phrase.noun is not None and phrase.noun.text.split()[-1] not in PLAIN | SMALL | GROWN
    plain = phrase.determiner != "the" and not (phrase.traits or phrase.possessive)
    hairy = any(unit.text.endswith(("haired", "skinned")) for unit in phrase.units)
    if garment is None or garment.garment is None or not (trade and plain) or hairy:
        return
    if not garment.look.colors:
        garment.look.add(Look(colors=phrase.look.colors, patterns=phrase.look.patterns))
        garment.uses += phrase.uses


def _owns_a_person(walk: Walk) -> bool:
    """Whether somebody else is named by this one: "the bride's father"."""
    following = _possessed(walk)
    return not walk.subject_gender and following is not None and bool(following.person)


def _goes_on_listing(walk: Walk, phrase: Phrase) -> bool:
    """Whether a garment and a comma or "and" stand directly before: "in a nightdress and a man's coat"."""
    return (
        phrase.determiner not in DEFINITE
        and phrase.possessive not in ("my", "our")
        and walk.mark(-1, "and", "comma")
        and bool(walk.items)
        and walk.chunk(-2) is walk.items[-1].phrase
    )


def _possessed(walk: Walk) -> Phrase | None:
    """The noun phrase behind "'s"."""
    first = 1 + (walk.text(1) == "else")  # "somebody else's hat"
    ahead = walk.behind_possessive(first)
    following = walk.chunk(ahead)
    return following if ahead > first and isinstance(following, Phrase) else None
