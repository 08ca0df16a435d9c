"""People: who is named, and whether it is the described person."""

from query.function_words import FINITE
from query.items import OTHER, SUBJECT
from query.phrases import Chunk, Look, Phrase, first_word, names_person
from query.units import Unit
from query.walk import HIM, Walk

_SMALL = frozenset({"baby", "infant", "toddler", "newborn", "child", "kid"})
_GROWN = frozenset(
    {"man", "woman", "lady", "guy", "gentleman", "adult", "mother", "father", "mom", "mum", "dad", "parent"}
)
_ANYBODY = frozenset({"suspect", "subject", "person", "individual", "someone", "somebody", "figure", "adult"})
_PLAIN = frozenset(
    {"man", "woman", "lady", "guy", "gentleman", "boy", "girl", "male", "female", "chap", "fellow", "lad"}
)
_TELLERS = frozenset(
    {
        "police",
        "officer",
        "officers",
        "police officer",
        "eyewitness",
        "someone",
        "somebody",
        "anyone",
        "anybody",
        "colleague",
        "friend",
        "witnesses",
        "eyewitnesses",
        "bystander",
        "resident",
        "detective",
        "detectives",
        "cop",
        "cops",
        "guard",
        "security guard",
        "security",
    }
    | {
        "witness",
        "victim",
        "caller",
        "shopkeeper",
        "clerk",
        "cashier",
        "staff",
        "neighbour",
        "neighbor",
        "family",
        "parents",
    }
)
_TELLING = frozenset(
    {
        "said",
        "says",
        "told",
        "described",
        "describes",
        "saw",
        "reported",
        "reports",
        "recalled",
        "recalls",
        "looking for",
    }
) | frozenset(
    {
        "know",
        "look for",
        "recognize",
        "recognise",
        "searching",
        "seeking",
        "hunting",
        "speak",
        "identify",
        "find",
        "trace",
        "appealing",
        "seen",
        "want",
        "wants",
        "remembers",
        "remembered",
        "noticed",
        "spotted",
        "mentioned",
        "found",
        "claims",
        "claimed",
        "aware",
        "stated",
    }
)
_WORKERS = frozenset({"driver", "conductor", "barman", "bouncer", "receptionist"})
_ASKED = frozenset({"seen", "want", "wants", "told", "say", "says", "said"})  # "the driver wants the man to move"
_CLAIMING = frozenset({"says", "said", "say", "thinks"})
_AMONG = frozenset({"in", "from", "among", "amongst"})
_CROWDS = frozenset({"family", "group", "crowd", "audience", "line", "team"})
_PLACES = frozenset({"next to", "beside", "behind", "near", "in front of", "alongside", "opposite"})
_GIVEN = frozenset({"borrowed", "bought", "inherited", "stolen", "lent", "given", "knitted", "made"})
_BELIEVED = frozenset({"thought", "believed", "said", "supposed", "known", "meant"})
_CONFUSING = frozenset({"confuse", "confused", "mistake"})
_SIDE_OF = frozenset({"left of", "right of", "middle of", "front of", "back of", "end of", "edge of"})
_SIDES = frozenset({"left", "right", "middle", "center", "centre", "front", "back", "rear"})
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
_RIVAL = frozenset({"opposite", "opposing", "rival", "the opposite"})
_ELSE = frozenset({"another", "other", "everyone else", "everybody else"})
_SEVERAL = frozenset({"two", "three", "four", "several", "some", "many"})
_DEFINITE = frozenset({"the", "this", "that", "these", "those"})


def read_person(walk: Walk, phrase: Phrase) -> None:
    """A person: the described one, or another."""
    if _owns_a_person(walk):
        walk.other_gender = (
            phrase.person if phrase.determiner else ""
        )  # "The bride's father wears a suit, and her dress"
        return
    if _is_nobody(walk, phrase):
        return
    if _only_tells(walk):
        walk.subject_noun = walk.subject_gender = ""
    owner = _who_is(walk, phrase)
    if _is_possessor(walk):
        _pass_on_color(walk, phrase)
        worn = walk.mark(-1, "wear") or walk.text(-1) == "in" or _goes_on_listing(walk, phrase)
        worn = worn or walk.text(1) == "else"  # "in somebody else's flip flops"
        walk.owner_once = walk.owner if worn else owner  # "in a man's hat"
    else:
        walk.owner = owner
        walk.told_apart = walk.told_apart or _is_told_apart(walk, phrase)
        walk.other_acts = False
        walk.relative = owner == OTHER and walk.text(-1) == "whose"  # "whose son is in red"
        told = walk.text(-1) in _CLAIMING and walk.mark(-2, "pronoun")  # "he says his mum has a yellow coat on"
        walk.governed = (_hangs_on_a_word(walk) and not told) or _is_told_apart(walk, phrase)
        acts = FINITE.match(walk.text(1)) or (phrase.determiner in _SEVERAL and walk.mark(1, "verb"))
        begins = walk.sentence_start or walk.text(-1) == "whereas" or (walk.mark(-1, "comma") and bool(acts))
        walk.other_leads = owner == OTHER and ((begins and not walk.governed) or _stands_there(walk))
        walk.holding = False
        walk.denial = "" if _is_told_apart(walk, phrase) or _was_once(walk) else walk.denial
    noun = phrase.noun_text
    if owner == SUBJECT:
        walk.subject_noun = walk.subject_noun or noun
        walk.subject_side = walk.subject_side or _side(walk)
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


def _is_nobody(walk: Walk, phrase: Phrase) -> bool:
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
    among = walk.text(-1) in _AMONG or _is_side(walk.chunk(-2)) or walk.text(-1) in _SIDE_OF
    return crowd and among and walk.text(1) not in ("in", "of", "wearing")


def _is_side(chunk: Chunk | None) -> bool:
    """Whether it is "the front" of "in the front of the group"."""
    return isinstance(chunk, Phrase) and chunk.noun_text in _SIDES and not chunk.person


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


def _who_is(walk: Walk, phrase: Phrase) -> str:
    """Whether a person's noun phrase names the described person."""
    first = all(isinstance(chunk, Unit) and _stands_before(chunk) for chunk in walk.chunks[1 : walk.at])
    place = first_word(walk.chunks[0]) if first and walk.at else walk.text(-1) if phrase.possessive else ""
    first_beside = place in _PLACES and not walk.subject_gender  # "behind a woman stands a man"
    if (
        first_beside
        or _is_unlike(walk)
        or _is_before_the_subject(walk)
        or _is_between(walk)
        or _is_told_apart(walk, phrase)
        or walk.text(-1) == "according to"
        or (walk.text(-2) == "i" and walk.mark(-1, "be") and bool(walk.items))  # "I was the idiot in the raincoat"
    ):
        return OTHER
    if not walk.subject_gender:
        hers = any(item.phrase.possessive for item in walk.items)  # "her red coat and the man's hat"
        own = any(item.owner == SUBJECT for item in walk.items)
        kin = phrase.possessive in ("his", "her", "their") or _is_told_by_another(
            walk, phrase
        )  # "Her girl was", "The guy on her arm was"
        kin = kin and walk.sentence_start and own and not _hangs_on_a_word(walk)
        return OTHER if (hers and _is_possessor(walk)) or kin else SUBJECT
    if walk.sentence_start and walk.mark(walk.begin(), "beside") and walk.mark(walk.begin() + 1, "comma"):
        return OTHER  # "Behind, out of focus, somebody in a turban"
    if walk.told_apart and walk.mark(-1, "but"):
        return SUBJECT  # "not the catcher in red but the guy behind him"
    if _is_confused_with(walk, phrase) or (not phrase.determiner and _is_owned(walk)):
        return OTHER
    rest = phrase.noun_text in ("everyone else", "everybody else")
    if rest and walk.text(-1) != "as" and walk.mark(-1, "comma", "stop", "subordinate", "and"):
        return OTHER
    if phrase.possessive in ("my", "our") and walk.text(-1) == "where" and not walk.items:
        return SUBJECT  # "the photo from my parents' party where my mum has a perm"
    if walk.mark(-1, "be") and walk.text(-2) == "there" and walk.items:
        return OTHER  # "a singer in a red gown, there are four men behind her"
    whom = 1 + walk.mark(1, "preposition")
    if walk.text(whom) == "whom" and walk.text(whom + 1) in ("he", "she", "they") and bool(walk.items):
        return OTHER  # "The person with whom he is arguing, in a hat"
    again = phrase.possessive in ("my", "our") and phrase.noun_text == walk.subject_noun
    if again and not _hangs_on_a_word(walk) and not _is_possessor(walk):
        return SUBJECT  # "my husband ... beside the groom, but my husband has a beard"
    if phrase.possessive:
        named = walk.mark(-1, "be") and not walk.subject_noun
        return walk.owner if named else OTHER  # "the one on the left is my wife", "his son"
    before = walk.chunk(-1)
    that_the = phrase.determiner == "that" and len(phrase.units) > 2 and phrase.units[1].plays("determiner")
    if that_the and isinstance(before, Phrase) and before.person:
        return OTHER  # "the guy that the woman leans on"
    if walk.text(-1) in _SIDE_OF and _is_far(walk.chunk(-2)):
        return walk.owner  # "on the far right of the group"
    if (isinstance(before, Phrase) and before.person) or walk.text(-1) in ("as", "like"):  # "dressed as a nurse"
        if walk.text(-1) == "as" and _is_the_same_thing(walk.chunk(-2)):
            return OTHER  # "on the same bench as a man in a hat"
        acts = walk.text(-1) == "as" and phrase.determiner == "the" and walk.garment_at(-2) is None
        acts = acts and first_word(walk.chunk(-2)) not in _ACTING  # "dressed as the king"
        return OTHER if acts else walk.owner
    if _is_apposed(walk, phrase):
        return SUBJECT
    joined = walk.text(-1) == "of" or walk.mark(-1, "comma")
    if joined and isinstance(before := walk.chunk(-2), Phrase) and before.group:
        return walk.owner
    if walk.several and walk.subject_gender == "any" and walk.mark(-1, "comma") and phrase.determiner in _DEFINITE:
        return SUBJECT  # "a couple on a bench, the man in a straw hat"
    bare = walk.mark(-1, "comma") and not phrase.determiner and not walk.main_verb
    picked = phrase.determiner == "the" and walk.subject_noun in _plurals(phrase.noun_text)
    if picked and walk.mark(-1, "comma") and not walk.items and _same_gender(walk, phrase):
        return SUBJECT  # "three men are cooking, the man in the middle"
    grown = walk.subject_noun in _SMALL and phrase.noun is not None and phrase.noun.text in _GROWN
    grown = grown and bool(FINITE.match(walk.text(1)))
    fits = _same_gender(walk, phrase) or not walk.items
    if bare and walk.owner == SUBJECT and fits and not grown:
        return SUBJECT
    if (walk.text(-2), walk.text(-1)) == ("the", "missing") and not walk.items:
        return SUBJECT  # "Crew from ground team, the missing climber"
    if _is_another(walk, phrase):
        return OTHER
    if _is_predicate(walk) or (isinstance(before := walk.chunk(-1), Unit) and before.entry.hedge is not None):
        return walk.owner
    if walk.sentence_start and not _hangs_on_a_word(walk):
        return SUBJECT
    same_noun = phrase.noun is not None and phrase.noun.text == walk.subject_noun
    takes_up = same_noun and (phrase.determiner in _DEFINITE or not phrase.determiner)
    return SUBJECT if takes_up and walk.mark(-1, "comma", "and") else OTHER


def _is_the_same_thing(chunk: Chunk | None) -> bool:
    """Whether it is "the same bench"."""
    same = isinstance(chunk, Phrase) and any(unit.text == "same" for unit in chunk.units)
    return same and isinstance(chunk, Phrase) and not chunk.garment and chunk.noun_text not in ("", "same")


def _stands_before(unit: Unit) -> bool:
    """Whether it may stand between the place and who is there: "Next to him is just a woman"."""
    return unit.plays("filler") or unit.plays("be") or unit.text in HIM


def _is_far(chunk: Chunk | None) -> bool:
    return isinstance(chunk, Phrase) and chunk.noun_text == "far"


def _is_apposed(walk: Walk, phrase: Phrase) -> bool:
    """Whether it says who the described person is: "The subject, a man in his 30s, has on a jacket"."""
    if not (_same_gender(walk, phrase) and walk.mark(-1, "comma") and walk.owner == SUBJECT):
        return False
    if not walk.subject_noun and not walk.other_nouns and phrase.determiner in ("a", "an"):
        return _only_describes(walk)  # "she stood there for an hour, a woman in a beige coat"
    if walk.items:
        return False
    before = walk.chunk(-2)
    anybody = isinstance(before, Phrase) and before.noun is not None and before.noun.text in _ANYBODY
    return anybody or _tells_trade(walk, phrase)


def _tells_trade(walk: Walk, phrase: Phrase) -> bool:
    """Whether one of two names tells no more than a gender: "the rider, a skinny man", "that man there, the fisherman".

    Another person stands beside, or does something to, the one who was named: "the pilot, a woman beside him".
    """
    noun = phrase.noun_text.split(" ")[-1]
    several = _are_several(walk.subject_noun) or walk.several
    first = walk.chunks[0]
    name = walk.chunk(-2)
    the_one = walk.subject_gender == "any" or (names_person(name) and name.determiner == "the")
    gender = noun in _PLAIN and walk.subject_noun not in _PLAIN and the_one and not several
    pointed = isinstance(first, Phrase) and first.determiner in ("that", "this") and bool(first.person)
    trade = noun not in _PLAIN and phrase.determiner == "the" and pointed
    trade = trade and all(isinstance(chunk, Unit) and chunk.plays("filler") for chunk in walk.chunks[1 : walk.at - 1])
    gender = gender or (walk.subject_gender == "any" and the_one and noun not in _SMALL and _is_enclosed(walk))
    named = gender or (noun not in _PLAIN | _SMALL and walk.subject_noun in _PLAIN and _is_enclosed(walk))
    if walk.other_nouns or not (trade or (named and phrase.determiner in ("a", "an"))):
        return False
    return not _stands_beside_somebody(walk)


def _is_enclosed(walk: Walk) -> bool:
    """Whether commas enclose a noun phrase that stands directly behind a name: "the lady, a nurse in blue, pushes"."""
    ahead = 1
    while walk.chunk(ahead) is not None and not walk.mark(ahead, "comma", "stop", "and"):
        ahead += 1
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
    ahead = 1
    while walk.chunk(ahead) is not None and not walk.mark(ahead, "stop"):
        ahead += 1
    behind = walk.chunks[walk.at + 1 : walk.at + ahead]
    named = any(isinstance(chunk, Phrase) and chunk.noun_text == "side" for chunk in behind)
    return named or any(isinstance(chunk, Unit) and chunk.text in HIM for chunk in behind)


def _same_gender(walk: Walk, phrase: Phrase) -> bool:
    """Whether the person may be the described one, as far as that tells."""
    return phrase.person == walk.subject_gender or "any" in (phrase.person, walk.subject_gender)


def _is_unlike(walk: Walk) -> bool:
    """Whether it is whom the described person is told from: "unlike the rest of the choir, she"."""
    words = [first_word(chunk) for chunk in walk.chunks[: walk.at]]
    return words[:1] == ["unlike"] and "," not in words


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


def _is_between(walk: Walk) -> bool:
    """Whether it is one of two that something lies between: "the cake between a man and a lady"."""
    before = any(isinstance(chunk, Unit) and chunk.text == "between" for chunk in walk.chunks[: walk.at])
    named = walk.text(-1) in ("between", "in between")
    return named or (before and walk.mark(-1, "and") and not walk.subject_gender)


def _only_tells(walk: Walk) -> bool:
    """Whether the person named so far tells of this one: "the witness described a woman", "police seek a man"."""
    noun = walk.subject_noun.split(" ")[-1]
    if noun not in _TELLERS | _WORKERS or walk.items:
        return False
    telling = _TELLING - _ASKED if noun in _WORKERS else _TELLING
    named = next(at for at, chunk in enumerate(walk.chunks) if _is_named(chunk, walk.subject_noun))
    if named + 1 < len(walk.chunks) and first_word(walk.chunks[named + 1]) == "who":
        return False  # "the crossing guard who told the boy"
    by_them = named > 0 and walk.text(named - 1 - walk.at) == "by"  # "described by a witness", not "find someone"
    return any(_tells(chunk, telling) for chunk in walk.chunks[0 if by_them else named + 1 : walk.at])


def _is_named(chunk: Chunk, noun: str) -> bool:
    return names_person(chunk) and chunk.noun_text == noun


def _tells(chunk: Chunk, telling: frozenset[str] = _TELLING) -> bool:
    """Whether it is a verb of telling, not "spotted" of "a spotted dog"."""
    words = [chunk] if isinstance(chunk, Unit) else [] if chunk.determiner else chunk.units
    return any(word.text in telling for word in words)


def _is_told_apart(walk: Walk, phrase: Phrase) -> bool:
    """Whether it is "not the man in red", whom nobody looks for."""
    if phrase.determiner not in _DEFINITE:
        owned = walk.behind_possessive(-2) if walk.text(-1) in ("'s", "’s") else 0
        owner = walk.chunk(-2)
        return bool(owned) and names_person(owner) and owner.determiner in _DEFINITE and walk.mark(-3, "negation")
    denied = walk.denial == "not" and walk.mark(-1, "be")  # "isn't thought to be the man with"
    to_be = first_word(walk.chunk(-3)) in _BELIEVED and walk.mark(-1, "be") and walk.mark(-4, "negation")
    return walk.mark(-1, "negation") or denied or to_be


def _is_confused_with(walk: Walk, phrase: Phrase) -> bool:
    """ "not to be confused with the rider", "don't mix him up with the groom's brother"."""
    said = [unit.text for chunk in walk.chunks[walk.begin() + walk.at : walk.at] for unit in _units(chunk)]
    mixed = "up" in said and bool({"mix", "mixed"} & set(said))
    return phrase.determiner in _DEFINITE and "with" in said and (mixed or bool(_CONFUSING & set(said)))


def _is_owned(walk: Walk) -> bool:
    """Whether another person's name and "'s" stand before: "the groom's brother"."""
    return walk.text(-1) in ("'s", "’s") and names_person(walk.chunk(-2)) and walk.owner == OTHER


def _units(chunk: Chunk) -> list[Unit]:
    return chunk.units if isinstance(chunk, Phrase) else [chunk]


def _was_once(walk: Walk) -> bool:
    """Whether it ends what "used to" denies: "used to be a soldier wearing", unless that tells what was worn then."""
    return walk.mark(-1, "be") and walk.text(-2) == "used to" and walk.text(1) not in ("with", "in")


def _is_another(walk: Walk, phrase: Phrase) -> bool:
    """Whether the noun phrase cannot name the described person: "another man", a girl beside a boy, a man's baby."""
    noun = phrase.noun_text
    named_before = noun in walk.other_nouns and noun != walk.subject_noun
    too_small = noun in _SMALL and walk.subject_noun in _GROWN
    elsewhere = bool(walk.subject_side) and _side(walk) not in ("", walk.subject_side)
    begun = walk.sentence_start and phrase.determiner in ("a", "an") and walk.subject_noun not in ("", noun)
    introduced = begun and bool(walk.items) and not _fits_anybody(walk, noun)  # "A cyclist wears red. A woman"
    begins_with_the = walk.sentence_start and phrase.determiner in _DEFINITE and bool(walk.items)
    told = {unit.text for unit in phrase.units} & _ELSE
    rival = walk.text(1) == "from" and bool({walk.text(2), first_word(walk.chunk(2))} & _RIVAL)
    pointed = phrase.determiner == "that" and walk.sentence_start and bool(walk.other_nouns)
    near = walk.mark(1, "beside") or walk.text(1) in ("around", "round")
    placed = near and walk.text(2) in HIM  # "the ball boy behind her"
    placed = placed or (walk.sentence_start and _is_told_by_another(walk, phrase))
    met = walk.mark(-1, "be", "verb") and walk.text(-2) in HIM and walk.mark(-3, "beside")
    placed = placed or met  # "next to him is a drummer"
    fits = {"him": "male", "her": "female"}.get(walk.text(2), "") in ("any", walk.subject_gender)
    placed = placed and (noun != walk.subject_noun or (near and (walk.subject_gender == "any" or fits)))
    another = bool(told) or rival or placed or (pointed and noun != walk.subject_noun)
    another = another or (phrase.determiner in _SEVERAL and walk.sentence_start and bool(walk.items))
    alone = walk.subject_gender in ("male", "female") and not (walk.several or _are_several(walk.subject_noun))
    tells = any(_tells(chunk) or first_word(chunk) in HIM for chunk in walk.chunks[walk.at + 1 : walk.at + 5])
    several = begins_with_the and alone and _are_several(noun) and not tells  # "The porters in blue stepped aside"
    return another or several or introduced or elsewhere or named_before or too_small or not _same_gender(walk, phrase)


def _is_told_by_another(walk: Walk, phrase: Phrase) -> bool:
    """Whether the described one is "her" in "the guy on her arm", "the man holding the parasol over her"."""
    theirs = {"male": ("her",), "female": ("his", "him")}.get(phrase.person, ())
    if _are_several(phrase.noun_text) and phrase.determiner in _DEFINITE:
        theirs = ("her", "his", "him")  # "The photographers crouching in front of him"
    acts = walk.text(1).endswith("ing")
    if not (acts or (walk.subject_gender != "any" and walk.mark(1, "preposition", "beside"))):
        return False
    ahead = 1
    while walk.chunk(ahead) is not None and not walk.mark(ahead, "stop", "comma", "be", "have", "wear"):
        chunk = walk.chunk(ahead)
        if walk.mark(ahead, "verb") and not walk.text(ahead).endswith("ing"):
            return False  # "Friends saw her in a red coat"
        if walk.text(ahead) in HIM and walk.mark(ahead - 1, "beside"):
            return True  # "The friend in beige next to her"
        held = isinstance(chunk, Phrase) and chunk.possessive in theirs and bool(chunk.reach)  # "on her arm"
        if walk.text(ahead) in theirs or held:
            return walk.subject_gender != phrase.person
        ahead += 1
    return False


def _plurals(noun: str) -> set[str]:
    """What several of one kind of people may be called."""
    return {noun + "s", noun.replace("man", "men"), noun.removesuffix("y") + "ies", noun + "ren"} - {noun}


def _are_several(noun: str) -> bool:
    """Whether a person's noun names more than one."""
    return noun.endswith(("s", "men", "people", "children")) and not noun.endswith("ss") and noun != "mrs"


def _fits_anybody(walk: Walk, noun: str) -> bool:
    """Whether both may be one person: "The suspect wore a hat. A white male", not "A cyclist in red. A male runner"."""
    return walk.subject_noun in _ANYBODY or (noun in ("male", "female") and not names_person(walk.chunk(1)))


def _side(walk: Walk) -> str:
    """Where the person just named stands, "" where the sentence does not say: "the woman on the left"."""
    place = walk.chunk(2)
    if not (walk.text(1) in ("on", "to", "in", "at") and isinstance(place, Phrase)):
        return ""
    return next((unit.text for unit in place.units if unit.text in _SIDES), "")


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
    trade = phrase.noun is not None and phrase.noun.text.split()[-1] not in _PLAIN | _SMALL | _GROWN
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
        phrase.determiner not in _DEFINITE
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
