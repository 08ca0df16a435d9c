"""Words between noun phrases: verbs, prepositions, pronouns, denials and hedges, and what each changes."""

import re
from dataclasses import replace

from query.exceptions import read_exception
from query.items import OTHER, SUBJECT, Item
from query.people_words import COUNTED, are_several
from query.phrases import Chunk, Phrase, first_word, names_body, names_person
from query.postmodifiers import read_after
from query.predicates import read_predicate
from query.reach import read_place
from query.the_one import the_one
from query.units import Unit
from query.unworn import NO
from query.walk import HIM, Walk

FINITE = re.compile(
    r"(wears|wore|dons|donned|holds|carries|stands|sits|walks|have|is|are|was|were|'s|'re|'ve|(has|had)( on)?)$"
)

BELIEVING = frozenset({"think", "believe", "reckon", "suppose"})
_OFTEN_ELSE = frozenset({"sorry", "wait", "hold on", "hang on", "make that"})  # "sorry to hear", "wait for the bus"
_ANYBODY = frozenset({"anybody", "anyone", "everybody", "everyone", "any", "all"})
_SUPERLATIVES = frozenset({"best", "clearly", "first", "mostly"})
_SOME = frozenset({"all", "both", "some", "one", "two", "most", "none", "each"})
_AWAY = frozenset(
    {"from", "over", "down", "around", "on", "off", "out of", "below", "beneath", "under", "past", "loose", "open"}
    | {"against"}
)  # "hanging from", "pulling on a coat"


def read_word(walk: Walk, unit: Unit) -> None:
    """A word of the grammar."""
    if unit.plays("stop"):
        _answered(walk, unit)
        walk.sentence += 1
        walk.new_sentence()
    elif unit.plays("comma"):
        _comma(walk)
    elif unit.entry.hedge is not None:
        _hedged(walk, unit.entry.hedge)
    elif unit.plays("negation"):
        _denied(walk, unit)
    elif unit.plays("pronoun"):
        _pronoun(walk, unit.text)
    elif unit.text in ("those", "these") and walk.mark(1, "be"):
        _pronoun(walk, "they")
    elif unit.plays("correction"):
        _corrected(walk, unit)
    elif unit.text == ")" and walk.other_leads:
        walk.owner, walk.other_leads = SUBJECT, False
    elif unit.plays("relative"):
        if _takes_up_the_one(walk, unit):
            walk.owner = SUBJECT
        elif _takes_up_others(walk, unit) or _tells_of_several(walk, unit):
            walk.owner = OTHER
        walk.relative = walk.owner == OTHER
        if unit.text == "who" and not walk.relative:
            walk.begin_clause()  # "the man holding a frisbee who has no shirt"
    elif read_exception(walk, unit):
        pass  # "everyone but those in shorts"
    elif unit.plays("subordinate") or unit.plays("but"):
        walk.begin_clause()
        walk.relative = False
    elif unit.plays("or"):
        walk.or_before = not _only_lists(walk, unit)
    elif _is_all_of_them(walk, unit):
        walk.owner = SUBJECT  # "a woman and her daughter, both in denim"
    elif not (unit.plays("and") or unit.plays("nor") or unit.plays("filler")):
        _verb_or_preposition(walk, unit)


def _takes_up_the_one(walk: Walk, unit: Unit) -> bool:
    """Whether one person is told of behind several: "the woman in the middle of three skiers who is wearing"."""
    others, verb = walk.chunk(-1), walk.text(1).split()[:1]
    first = next((at for at, chunk in enumerate(walk.chunks) if names_person(chunk)), -2)
    if walk.mark(-1, "and") and unit.text == "who" and walk.text(first + 1 - walk.at) == "who":
        return True  # "the man who is sitting by a woman with red hair and who has a brown jacket"
    counted = names_person(others) and others.determiner in COUNTED
    return counted and unit.text == "who" and verb in (["is"], ["has"], ["wears"], ["was"]) and not walk.several


def _takes_up_others(walk: Walk, unit: Unit) -> bool:
    """Whether others are told of: "his team, all of whom have caps on", "from the others, who all have hats"."""
    some = unit.text in ("whom", "whose") and walk.text(-1) == "of" and walk.text(-2) in _SOME
    before = walk.chunk(-4 if some else -2)
    named = isinstance(before, Phrase) and before.noun is not None and before.noun.unknown and not before.determiner
    if named and unit.text in ("who", "who's") and walk.mark(-1, "comma") and walk.mark(-3, "beside", "preposition"):
        return bool(walk.items)  # "She went past Dave, who has"
    if not isinstance(before, Phrase) or not walk.mark(-3 if some else -1, "comma"):
        return False
    them = walk.owner == OTHER or not before.person
    return (some and them) or (unit.text == "who" and before.units[-1].text == "others")


def _tells_of_several(walk: Walk, unit: Unit) -> bool:
    """Whether ", who were" tells of several others: "older than the rest of the band, who were all in red"."""
    said = walk.text(1) in ("are", "were") or (
        isinstance(walk.chunk(-2), Phrase) and walk.mark(-1, "comma") and walk.text(1) == "have"
    )
    last = walk.chunk(-2) if walk.mark(-1, "comma") else walk.chunk(-1)
    if names_person(last) and last.noun_text == walk.subject_noun:
        return False
    many = walk.several or are_several(walk.subject_noun)
    one = bool(walk.subject_noun) and not many
    return unit.text == "who" and said and one


def _only_lists(walk: Walk, unit: Unit) -> bool:
    """Whether a stroke stands between things that are all worn: "red scarf / bare legs", not "red hat/cap".

    Either the first is told of and the second is no kind of it, or there are several strokes, with blanks.
    """
    following, before = walk.chunk(1), walk.chunk(-1)
    if unit.text != "/" or not isinstance(following, Phrase) or not isinstance(before, Phrase):
        return False
    named = [*following.traits, *([following.garment] if following.garment else [])]
    attributes = {attribute for garment in named for attribute in garment.attributes}
    own = walk.items[-1].attributes if walk.items else ()
    told = before.look.says_something() and (bool(following.traits) or len(following.units) > 1)
    blanks = before.units[-1].end < unit.start and unit.end < following.units[0].start
    strokes = sum(isinstance(chunk, Unit) and chunk.text == "/" for chunk in walk.chunks)
    several = told or (blanks and strokes > 1)
    return several and bool(attributes) and not attributes & set(own) and first_word(before) != "either"


def _corrected(walk: Walk, unit: Unit) -> None:
    """What is said next takes the place of what was said: "a black coat, sorry, a grey one", not "sorry to hear it"."""
    apart = walk.chunk(-1) is None or walk.mark(-1, "comma", "stop") or unit.text.startswith("no ")
    instead = unit.text == "make that" and walk.garment_at(1) is not None
    apart = apart and (unit.text not in _OFTEN_ELSE or walk.mark(1, "comma", "stop") or instead)
    if apart:
        walk.corrected, walk.corrected_until = len(walk.items), walk.sentence + 1


def _answered(walk: Walk, stop: Unit) -> None:
    """A question's answer: "Was he wearing glasses? No.", "gloves? none", "coat? camel"."""
    asked = [item for item in walk.items if item.sentence == walk.sentence]
    if stop.text != "?" or len(asked) != 1 or asked[0].look.says_something() or not _only_asks(walk, asked[0]):
        return
    says_yes = 2 if walk.text(1) == "yes" and walk.mark(2, "comma") else 0
    told = walk.adjectives(1 + says_yes)
    ends = walk.chunk(2 + says_yes) is None or walk.mark(2 + says_yes, "stop", "comma", "relative")
    if first_word(walk.chunk(1)) in NO and ends:
        asked[0].negated = True
        walk.at += 1
    elif told is not None and ends and walk.chunk(-1) is asked[0].phrase:
        asked[0].look.add(told.look)
        walk.consume(asked[0], 1 + says_yes)


def _only_asks(walk: Walk, item: Item) -> bool:
    """Whether the question is the garment alone, or begins with "was he"."""
    begin = walk.begin(walk.chunks.index(item.phrase) - walk.at)
    alone = walk.chunk(begin) is item.phrase and (begin == -1 or walk.text(begin + 1) == "on")  # not "hair loose?"
    return alone or walk.text(begin + 1) in ("he", "she", "they")


def _is_all_of_them(walk: Walk, unit: Unit) -> bool:
    """ "both" of "a woman and her daughter, both in denim", "both of them in denim".

    Not of "who both", "the boys beside her, both in hats", nor "all" of "a nurse all in white".
    """
    counted = unit.text in ("both", "each") or (unit.text == "all" and walk.mark(-1, "comma"))
    ahead = 3 if walk.text(1) == "of" and walk.text(2) == "them" else 1
    worn = walk.mark(ahead, "wear", "have") or walk.text(ahead) in ("in", "with")
    return counted and worn and not walk.mark(-1, "relative") and not walk.other_leads and not _follows_others(walk)


def _follows_others(walk: Walk) -> bool:
    """Whether the last person named is several others: "a man behind two girls, both in pink"."""
    people = [chunk for chunk in walk.chunks[: walk.at] if isinstance(chunk, Phrase) and chunk.person]
    if walk.owner != OTHER or not people or people[-1].noun is None:
        return False
    noun = people[-1].noun.text
    return people[-1].determiner in COUNTED or are_several(noun) or noun.endswith("couple")


def _denied(walk: Walk, unit: Unit) -> None:
    """A denial; or somebody else, told apart: "not the one in red"."""
    if (walk.text(-2), walk.text(-1)) == ("with", "or"):
        walk.holding = True  # "with or without glasses": either will do
        return
    named = walk.text(1) == "the" and walk.text(2) in ("one", "ones", "other", "two", "three", "rest")
    named = named or (walk.text(1) in HIM and walk.text(2) in ("who", "in", "with"))
    if named:
        walk.owner, walk.governed, walk.told_apart = OTHER, True, True
    else:
        verb = unit.text.split()[0]
        if walk.owner == OTHER and verb != unit.text and FINITE.match(verb):
            _who_acts(walk, replace(unit, text=verb))  # "a lady holding a child in white wears no hat"
        walk.denial = "no" if re.search(r"\b(no|none|any)$", unit.text) else "not"


def _comma(walk: Walk) -> None:
    """A comma ends what is held, and a denial that no "or" or "nor" takes up."""
    if walk.text(0) == ":" and walk.mark(-1, "wear") and walk.denial:
        return  # "not wearing: coat, gloves"
    walk.holding = False
    walk.beside = False
    if walk.mark(1, "verb", "wear", "be", "have") and not _began_with_another(walk):
        walk.other_leads = False  # "a woman, her daughter beside her, wears"
    told = walk.text(0) == ":" and walk.text(-1) != "me" and _lists_garments(walk)
    told = told and not walk.mark(-1, "verb", "wear", "have")
    told = told or (walk.text(1) != "who" and _ends_a_comparison(walk))
    if _last_word_on_the_subject(walk) or told or (walk.told_apart and walk.text(1) == "who"):
        walk.owner = SUBJECT
    if not denial_goes_on(walk):
        walk.denial, walk.hedge = "", 1.0


def _lists_garments(walk: Walk) -> bool:
    """Whether a list without verbs follows, a garment among it: "the rider: early 60s, tall, red hat"."""
    ahead = 1
    while walk.chunk(ahead) is not None and not walk.mark(ahead, "stop", "verb", "wear", "have", "be", "pronoun"):
        garment = walk.garment_at(ahead)
        if garment is not None:
            return not garment.determiner and walk.mark(ahead - 1, "comma")
        ahead += 1
    return False


def _is_another_one(walk: Walk, pronoun: str) -> bool:
    """Whether "he" is whom the sentence began with: "Another kid sits on the sled and he has a green jacket"."""
    first = walk.chunk(walk.begin())
    another = isinstance(first, Phrase) and first.determiner == "another"
    fits = walk.other_gender in ("any", "male" if pronoun == "he" else "female")
    return another and fits and walk.mark(-1, "and") and _began_with_another(walk)


def _began_with_another(walk: Walk) -> bool:
    """Whether the other person is whom the whole sentence tells of: "The guide, in the driver's seat, has"."""
    return walk.owner == OTHER and walk.other_leads and names_person(walk.chunk(walk.begin()))


def _ends_a_comparison(walk: Walk) -> bool:
    """Whether it closes "taller than anybody else in the crowd,"."""
    back = -1
    while walk.chunk(back) is not None and not walk.mark(back, "comma", "stop"):
        if walk.text(back) == "than":
            return first_word(walk.chunk(back + 1)) in _ANYBODY
        if walk.text(back) == "unlike" and walk.mark(back - 1, "comma"):
            return walk.text(1) != "whose"
        back -= 1
    return False


def _last_word_on_the_subject(walk: Walk) -> bool:
    """Whether a garment is at last the described person's: "a man beside a lady in green, glasses".

    It ends the text, or is the first that is named: "the father of the groom, navy suit".
    """
    last = walk.garment_at(1)
    garments = [item for item in walk.items if item.phrase.garment is not None]  # not the blond of "a blonde"
    nothing_yet = walk.subject_gender and all(item.owner == OTHER for item in garments)
    bare = last is not None and not (last.determiner or last.possessive)
    return bool(nothing_yet) and bare and (not garments or walk.chunk(2) is None or walk.mark(2, "stop"))


def _hedged(walk: Walk, weight: float) -> None:
    """A hedge weakens what follows; at a clause's end, what went before."""
    following = walk.chunk(1)
    if (following is None or walk.mark(1, "stop", "comma")) and walk.items:
        walk.items[-1].weight = weight
    else:
        walk.hedge = weight


def _pronoun(walk: Walk, text: str) -> None:
    """ "He" or "she" takes up the described person, or the other one where only that one can be meant."""
    if _takes_up_garment(walk, text) and (read_place(walk, walk.items[-1]) or read_predicate(walk, walk.items[-1])):
        walk.items[-1].sentence = walk.sentence
        walk.items[-1].look.either |= walk.or_before  # "black, or maybe they are dark blue"
        walk.or_before = False
        read_after(walk, walk.items[-1])
        return  # "a coat. It reaches her knees", "his pants, they are black"
    apart = walk.mark(-1, "comma", "and") or walk.text(-1) == ")"
    if (
        apart
        and text in ("himself", "herself", "themselves")
        and (walk.text(1) in ("in", "with") or walk.mark(1, "wear"))
    ):
        walk.owner, walk.other_leads = SUBJECT, False  # "with her dogs in coats, herself in a cape"
    says = walk.text(1) == ":" or walk.mark(1, "be", "have", "wear")
    if text in ("i", "me", "you") and says and _speaks_to_you(walk):
        walk.begin_clause()
        walk.owner = SUBJECT if text == "you" else OTHER
        walk.other_leads = walk.owner == OTHER
    if text not in ("he", "she", "they", "he/she", "s/he"):
        return
    before = walk.chunk(-1)
    told = names_person(before) or walk.text(-1) == "whom"
    if told and walk.owner == OTHER and not _runs_on(walk):
        walk.other_leads = True  # "the customer she is shaving has a beard"
        return
    denial = walk.denial if first_word(before) in BELIEVING else ""
    walk.begin_clause()
    walk.denial = denial  # "I don't think he wore a hat"
    if _is_another_one(walk, text):
        return
    walk.other_leads = False
    walk.learn_gender(text)
    walk.owner = walk.whose(text)
    walk.relative = False
    walk.governed = False
    walk.main_verb = False
    walk.sentence_start = False


def _speaks_to_you(walk: Walk) -> bool:
    """Whether whoever is looked for is spoken to: "You: curly hair. Me: a bobble hat", "you had"."""
    for at, chunk in enumerate(walk.chunks, start=-walk.at):
        tells = walk.mark(at + 1, "be", "have", "wear") or walk.text(at + 1) == ":"
        if first_word(chunk) == "you" and tells and not _is_asked(walk, at):
            return True
    return False


def _is_asked(walk: Walk, ahead: int) -> bool:
    """Whether "you" there is whoever searches: "do you have photos"."""
    before = walk.chunk(ahead - 1)
    return isinstance(before, Unit) and _is_auxiliary(before)


def _runs_on(walk: Walk) -> bool:
    """Whether a sentence begins without a stop: "a man with two kids he is wearing a sweatshirt"."""
    wears = walk.mark(1, "wear") or (walk.mark(1, "be") and walk.mark(2, "wear"))
    return wears or (walk.mark(1, "have") and walk.garment_at(2) is not None)


def _takes_up_garment(walk: Walk, pronoun: str) -> bool:
    """Whether "it" or "they" is the last garment named, after which no other thing was."""
    item = walk.items[-1] if walk.items else None
    if item is None or item.phrase.noun is None or pronoun not in ("it", "they") or walk.mark(-1, "subordinate"):
        return False
    several = walk.several or are_several(walk.subject_noun)
    if pronoun == "they" and (several or not item.phrase.noun.text.endswith("s") or walk.text(2) == "in"):
        return False
    named = [chunk for chunk in walk.chunks[: walk.at] if isinstance(chunk, Phrase) and chunk.noun is not None]
    if walk.text(-2) == "in" and first_word(walk.chunk(-1)) == "the":
        return False  # "In the background it is blurred"
    if named[-1] is not item.phrase and first_word(named[-1]) in _SUPERLATIVES:
        named.pop()  # "I remember his shoes best of all, they"
    told = walk.chunk(2)
    something_else = walk.mark(1, "be") and isinstance(told, Phrase) and told.noun is not None and told.garment is None
    return named[-1] is item.phrase and not something_else


def _verb_or_preposition(walk: Walk, unit: Unit) -> None:
    """A verb, which may bring the described person back, or a preposition."""
    acts = unit.plays("wear") or unit.plays("hold") or unit.plays("verb") or unit.plays("be") or unit.plays("have")
    if acts and not unit.plays("beside"):
        _verb(walk, unit)
    else:
        _preposition(walk, unit)


def _verb(walk: Walk, unit: Unit) -> None:
    """Wearing, holding, having, or doing anything else."""
    if walk.owner == OTHER:
        _who_acts(walk, unit)
    if FINITE.match(unit.text) and not walk.mark(-1, "relative") and not (walk.relative and walk.owner == OTHER):
        walk.main_verb = True
    walk.other_acts = walk.owner == OTHER
    hangs_on_body = unit.text in ("hangs", "hung") and names_body(walk.chunk(-1))
    walk.holding = (
        unit.plays("hold") and walk.text(1) not in _AWAY and not hangs_on_body
    )  # "around her neck hangs a scarf"
    walk.owner_once = "" if unit.plays("wear") else walk.owner_once  # "on a man's shoulders wearing a hat"
    walk.beside = False
    if not (unit.plays("wear") or unit.plays("have") or unit.plays("be")) and walk.denial == "not":
        walk.denial = "" if walk.chunk(-1) is not None and not _is_auxiliary(unit) else walk.denial


def _who_acts(walk: Walk, unit: Unit) -> None:
    """After another person was named: is it the described one who acts?"""
    before = walk.chunk(-1)
    follows_person = names_person(before)
    if walk.other_leads:
        return  # "her husband holds the bags and is wearing a grey shirt"
    helped = isinstance(before, Unit) and _is_auxiliary(before)  # "must be wearing", "who does have a tie"
    if unit.text.split()[0] in ("has", "is", "wears") and walk.mark(-1, "and") and _follows_others(walk):
        back = True  # "in the middle of two kids that jump and has on a sweater"
    elif FINITE.match(unit.text) or helped:
        ends = _began_behind_comma(walk) and (not walk.main_verb or walk.mark(-1, "and"))
        linked = walk.mark(-1, "and", "comma", "be", "have", "relative", "negation", "filler")
        closed = ends or (walk.other_acts and not (linked or helped))
        relative = walk.relative and not closed  # "a woman whose son is in red wears a hat"
        own = relative or (follows_person and not walk.governed) or (walk.mark(-1, "pronoun") and not _is_a_thing(walk))
        own = own or walk.text(-2) == "whose"
        back = not own and (not walk.main_verb or walk.mark(-1, "and", "comma"))
    else:
        joined = walk.mark(-1, "and") and not walk.other_acts and not walk.relative
        apart = walk.mark(-1, "comma") and not _is_an_aside(walk)
        seems = walk.text(-1) in ("seems to", "appears to") and walk.mark(-2, "comma")
        placed = unit.text == "having" and walk.text(-3).endswith(" of")  # "on the left of the bride, having"
        back = (unit.plays("wear") or placed) and (joined or apart or seems)
    if back:
        walk.owner = SUBJECT
        walk.relative = False


def _began_behind_comma(walk: Walk) -> bool:
    """Whether a comma encloses what is told of somebody else: "the man, whose friend in red is filming him, has"."""
    closing = -2 if walk.mark(-1, "and") else -1
    begins = [at for at in range(walk.begin(), closing) if walk.text(at) in ("whose", "whom", "who")]
    if not begins or not walk.mark(closing, "comma"):
        return False
    first = begins[-1] - (2 if walk.text(begins[-1] - 1) == "of" else 0)  # "most of whom"
    return walk.mark(first - 1, "comma") and not any(walk.mark(at, "comma") for at in range(first, closing))


def _is_an_aside(walk: Walk) -> bool:
    """Whether commas enclose what the person before wears: "his sister, dressed in pink, watches"."""
    person = walk.chunk(_named_before(walk))
    if not (isinstance(person, Phrase) and person.person):
        return False
    ahead = walk.until("comma", "stop")
    behind = walk.chunk(ahead + 1)
    word = behind.units[0] if isinstance(behind, Phrase) and len(behind.units) == 1 else None
    acts = word is not None and word.unknown and word.text.endswith("s")  # "laughs"
    acts = acts or walk.mark(ahead + 1, "verb", "hold", "be", "have")
    return walk.mark(ahead, "comma") and acts


def _named_before(walk: Walk) -> int:
    """How far back stands who is told of before a comma: "his sister, in", "the girl beside him, in"."""
    return -4 if walk.text(-2) in HIM and walk.mark(-3, "beside") else -2


def _acts_behind(walk: Walk) -> bool:
    """Whether a finite verb stands behind the next comma."""
    ahead = walk.until("comma", "stop")
    return walk.mark(ahead + 1, "verb", "be", "have") and not walk.text(ahead + 1).endswith("ing")


def _is_a_thing(walk: Walk) -> bool:
    """Whether "it" stands before, of "a top with a cat on it", not of "the man in it", who is a person."""
    named = walk.chunk(-3)
    return walk.text(-1) in ("it", "them") and not (isinstance(named, Phrase) and named.person)


def _preposition(walk: Walk, unit: Unit) -> None:
    """A preposition: what stands beside something is not worn."""
    walk.beside = unit.plays("beside")
    if unit.text in ("in", "with", "over", "under", "on", "by", "underneath", "beneath"):
        walk.holding = False
        stands_there = walk.other_leads and not walk.other_acts  # "Beside him stands a man, in a grey suit"
        compared = "as" in (walk.text(-4), walk.text(-5), walk.text(-6))  # "as tall as her brother"
        begin = _named_before(walk) - 1
        led = walk.relative or (not compared and (walk.mark(begin, "subordinate") or walk.text(begin) == "as"))
        kin = walk.chunk(-2)
        own = names_person(kin) and bool(kin.possessive) and not walk.mark(-3, "verb", "hold", "preposition")
        led = led or (own and not walk.governed and _acts_behind(walk))  # "her brother, in boots, was"
        aside = led and _is_an_aside(walk)  # "whose driver, in a flat cap, is holding the door"
        back = walk.mark(-1, "comma") and not stands_there and not aside and unit.text in ("in", "with")
        if walk.owner == OTHER and back:
            walk.owner = SUBJECT
    one_of_them = (unit.text, walk.text(1), walk.text(2)) == ("one", "of", "them") and walk.mark(-1, "and")
    if one_of_them and walk.other_nouns:
        walk.owner, walk.other_leads = OTHER, True  # "two friends watch, and one of them has a hat"
    if unit.text == "one" and walk.text(-1) == "only":
        del walk.chunks[walk.at - 1]  # "the only one without a tie"
        walk.at -= 1
    thing = walk.text(-1) in ("to", "on", "over", "behind") and "one" in map(first_word, walk.chunks[: walk.at])
    met = walk.mark(-1, "verb", "hold", "beside", "preposition") and not thing and bool(walk.subject_gender)
    if unit.text == "another" and met and (walk.text(1) in ("one", "in", "with") or walk.mark(1, "wear")):
        walk.owner, walk.governed = OTHER, True  # "a player chasing another in blue"
    if _is_the(walk.chunk(-1)) and unit.text in ("one", "other", "others"):
        the_one(walk, unit)


def _is_the(chunk: Chunk | None) -> bool:
    """Whether it is "the", perhaps with adjectives."""
    if isinstance(chunk, Phrase):
        return chunk.determiner == "the" and chunk.noun is None and not chunk.look.shows()
    return chunk is not None and chunk.text == "the"


def denial_goes_on(walk: Walk) -> bool:
    """Whether the denial reaches over the next word to the next garment: "no hat, scarf or gloves"."""
    if not walk.denial:
        return False
    ahead = 0 if walk.mark(0, "comma") else 1
    if walk.mark(ahead, "comma") and walk.mark(ahead + 1, "or", "nor"):
        ahead += 1
    if walk.mark(ahead, "or", "nor"):
        return True
    phrase = walk.garment_at(ahead + 1)
    told = walk.mark(ahead + 2, "be") or (phrase is not None and phrase.noun is not None and " is " in phrase.noun.text)
    if phrase is None or phrase.look.says_something() or told:
        return False  # "wears no hat and his hair is short", "and his head is shaved"
    if phrase.determiner == "either" or (walk.denial == "no" and phrase.determiner in ("a", "an")):
        return False  # "no glasses, either a cap or a beanie"
    if any(walk.text(at) == ":" and walk.mark(at - 1, "wear") for at in range(walk.begin(), 0)):
        return True
    if walk.mark(ahead, "comma"):
        return walk.mark(ahead + 2, "or", "nor") or (
            walk.mark(ahead + 2, "comma") and walk.mark(ahead + 3, "or", "nor")
        )
    return walk.mark(ahead, "and") and walk.denial == "not"


def _is_auxiliary(unit: Unit) -> bool:
    return unit.text in ("do", "does", "did", "can", "could", "will", "would", "should", "must")
