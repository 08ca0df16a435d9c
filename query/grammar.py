"""Grammar: whose garments a sentence speaks of, and what it says of each.

One pass over noun phrases and the words between them keeps track of who is spoken of. Only the described person counts:
the first one named, and whoever "he", "she" or "the man" takes up again. What other people wear, and what is held
rather than worn, is read and left out.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from query.lexicon import Garment
from query.noun_phrases import Chunk, Look, Phrase, chunks
from query.tree import Clause, Has
from query.units import Unit

SUBJECT, OTHER = "subject", "other"
_CLOTHING = Garment((Clause(Has(("UpperClothes", "Coat")), negated=False),))
_UPPER = Garment((Clause(Has(("UpperClothes",)), negated=False),), main=True)
_GENDER_OF = {"he": "male", "his": "male", "she": "female", "her": "female"}
_FINITE = re.compile(
    r"(wears|wore|dons|donned|holds|carries|stands|sits|walks|has|have|had|is|are|was|were|'s|'re|'ve)$"
)
_REACHING = frozenset(
    [
        "fall",
        "falls",
        "falling",
        "reach",
        "reaches",
        "reaching",
        "hang",
        "hangs",
        "hanging",
        "hung",
        "come",
        "comes",
        "coming",
        "go",
        "goes",
        "going",
        "end",
        "ends",
        "ending",
        "stop",
        "stops",
        "stopping",
        "flow",
        "flows",
        "flowing",
        "cut",
        "extend",
        "extends",
        "extending",
        "cover",
        "covers",
        "covering",
        "touch",
        "touches",
        "touching",
        "hit",
        "hits",
        "hitting",
        "goes down",
        "comes down",
    ]
)
_DIRECTIONS = frozenset(
    ["to", "above", "below", "past", "over", "down", "down to", "down past", "up to", "beyond", "at"]
)
_TO_A_PLACE = _REACHING | _DIRECTIONS | frozenset(["that", "which", "in", "on", "under", "across", "around", "and"])
_AWAY = frozenset(["from", "over", "down", "around", "on", "off", "out of"])  # "hanging from", "pulling on a coat"
_PETS = frozenset(["dog", "dogs", "puppy", "cat", "kitten", "poodle", "chihuahua", "pug"])
_CONSISTING = frozenset(
    ["consists of", "consisting of", "comprised of", "composed of", "comprises", "includes", "including", "of", ":"]
)
_SAYING = frozenset(["says", "say", "saying", "reading", "reads"])
_PLACE_ON = frozenset(
    [
        "it",
        "front",
        "back",
        "chest",
        "side",
        "sides",
        "sleeve",
        "sleeves",
        "top",
        "bottom",
        "shoulder",
        "them",
        "arm",
        "leg",
        "middle",
        "brim",
    ]
)
_DEFINITE = frozenset({"the", "this", "that", "these", "those"})


@dataclass
class Item:
    """A garment of the sentence.

    Args:
        garment, look: what it is, and what is said of it.
        owner: `SUBJECT` or `OTHER`.
        phrase: where it is named.
        worn: False for what is held, or lies about.
        negated: the sentence says that the person lacks it.
        denied: what the sentence says it is not.
        weight: below 1 under a hedge.
        layered: it is worn over, or under, something of its own kind.
        alternative: the item before it is an alternative to it ("a hat or a scarf").
        sentence: counts sentences from 0.
        uses: the words that it stands on.
    """

    garment: Garment
    look: Look
    owner: str
    phrase: Phrase
    worn: bool = True
    negated: bool = False
    denied: Look | None = None
    weight: float = 1.0
    layered: bool = False
    alternative: bool = False
    sentence: int = 0
    uses: list[Unit] = field(default_factory=list)

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """Every attribute group that the garment may be."""
        return self.garment.attributes

    @property
    def covers_torso(self) -> bool:
        """Whether it has sleeves to speak of."""
        return bool({"UpperClothes", "Coat"} & set(self.attributes))


@dataclass(frozen=True)
class Reading:
    """What the grammar makes of a sentence: the garments, and the described person's noun and gender."""

    items: tuple[Item, ...]
    person: str
    gender: str


def read_sentence(units: Sequence[Unit]) -> Reading:
    """Garments of everybody in the sentence, in reading order."""
    walker = _Walker(chunks(units))
    walker.walk()
    return Reading(tuple(walker.items), walker.subject_noun, walker.subject_gender)


class _Walker:
    """Walks over a sentence's chunks, and knows at each who and what is spoken of."""

    def __init__(self, sentence: list[Chunk]) -> None:
        self.chunks = sentence
        self.at = 0
        self.items: list[Item] = []
        self.subject_noun = ""
        self.subject_gender = ""
        self.other_gender = ""
        self.other_nouns: set[str] = set()
        self.sentence = 0
        self.new_sentence()

    def new_sentence(self) -> None:
        """Forgets everything but the described person."""
        self.owner = SUBJECT
        self.owner_once = ""
        self.governed = False  # the other person hangs on a preposition or a verb
        self.main_verb = False
        self.relative = False
        self.other_acts = False
        self.begin_clause()
        self.sentence_start = True

    def begin_clause(self) -> None:
        """Ends the reach of held things, denials and hedges."""
        self.holding = False
        self.beside = False
        self.denial = ""
        self.hedge = 1.0
        self.shared: Look | None = None
        self.or_before = False

    def chunk(self, ahead: int = 0) -> Chunk | None:
        """The chunk at the present place or further on, None outside the sentence."""
        index = self.at + ahead
        return self.chunks[index] if 0 <= index < len(self.chunks) else None

    def mark(self, ahead: int, *roles: str) -> bool:
        """Whether a word with one of the roles stands there."""
        chunk = self.chunk(ahead)
        return isinstance(chunk, Unit) and any(chunk.plays(role) for role in roles)

    def text(self, ahead: int) -> str:
        """The word that stands there, "" for a noun phrase."""
        chunk = self.chunk(ahead)
        return chunk.text if isinstance(chunk, Unit) else ""

    def adjectives(self, ahead: int) -> Phrase | None:
        """The adjectives without a noun that stand there."""
        chunk = self.chunk(ahead)
        return chunk if isinstance(chunk, Phrase) and chunk.only_adjectives and not chunk.possessive else None

    def garment_at(self, ahead: int) -> Phrase | None:
        """The garment phrase that stands there."""
        chunk = self.chunk(ahead)
        return chunk if isinstance(chunk, Phrase) and chunk.garment is not None else None

    def walk(self) -> None:
        """Reads every chunk."""
        while (chunk := self.chunk()) is not None:
            if isinstance(chunk, Phrase):
                self.phrase(chunk)
            else:
                self.word(chunk)
            self.at += 1

    # ---- words between noun phrases

    def word(self, unit: Unit) -> None:
        """A word of the grammar."""
        if unit.plays("stop"):
            self.sentence += 1
            self.new_sentence()
        elif unit.plays("comma"):
            self.comma()
        elif unit.entry.hedge is not None:
            self.hedged(unit.entry.hedge)
        elif unit.plays("negation"):
            self.denied(unit)
        elif unit.plays("pronoun"):
            self.pronoun(unit.text)
        elif unit.plays("relative"):
            self.relative = self.owner == OTHER
            if unit.text == "who" and not self.relative:
                self.begin_clause()  # "the man holding a frisbee who has no shirt"
        elif unit.plays("subordinate") or unit.plays("but"):
            self.begin_clause()
            self.relative = False
        elif unit.plays("or"):
            self.or_before = True
        elif not (unit.plays("and") or unit.plays("nor") or unit.plays("filler")):
            self.verb_or_preposition(unit)

    def denied(self, unit: Unit) -> None:
        """A denial; or somebody else, told apart: "not the one in red"."""
        if self.text(1) == "the" and self.text(2) in ("one", "ones", "other"):
            self.owner, self.governed = OTHER, True
        else:
            self.denial = "no" if re.search(r"\b(no|none|any)$", unit.text) else "not"

    def comma(self) -> None:
        """A comma ends what is held, and a denial that no "or" or "nor" takes up."""
        self.holding = False
        self.beside = False
        if not self.denial_goes_on():
            self.denial, self.hedge = "", 1.0

    def hedged(self, weight: float) -> None:
        """A hedge weakens what follows; at a clause's end, what went before."""
        following = self.chunk(1)
        if (following is None or self.mark(1, "stop", "comma")) and self.items:
            self.items[-1].weight = weight
        else:
            self.hedge = weight

    def pronoun(self, text: str) -> None:
        """ "He" or "she" takes up the described person, or the other one where only that one can be meant."""
        if text not in ("he", "she", "they", "he/she", "s/he"):
            return
        self.begin_clause()
        self.owner = self.whose(text)
        self.relative = False
        self.governed = False
        self.main_verb = False
        self.sentence_start = False

    def whose(self, pronoun: str) -> str:
        """Who is meant by "he", "his", "she" or "her"."""
        gender = _GENDER_OF.get(pronoun, "")
        fits = not gender or self.subject_gender in ("", "any", gender)
        return SUBJECT if fits or self.other_gender != gender else OTHER

    def verb_or_preposition(self, unit: Unit) -> None:
        """A verb, which may bring the described person back, or a preposition."""
        acts = unit.plays("wear") or unit.plays("hold") or unit.plays("verb") or unit.plays("be") or unit.plays("have")
        if acts and not unit.plays("beside"):
            self.verb(unit)
        else:
            self.preposition(unit)

    def verb(self, unit: Unit) -> None:
        """Wearing, holding, having, or doing anything else."""
        if self.owner == OTHER:
            self.who_acts(unit)
        if _FINITE.match(unit.text) and not self.mark(-1, "relative"):
            self.main_verb = True
        self.other_acts = self.owner == OTHER
        self.holding = unit.plays("hold") and self.text(1) not in _AWAY
        self.beside = False
        if not (unit.plays("wear") or unit.plays("have") or unit.plays("be")) and self.denial == "not":
            self.denial = "" if self.chunk(-1) is not None and not _is_auxiliary(unit) else self.denial

    def who_acts(self, unit: Unit) -> None:
        """After another person was named: is it the described one who acts?"""
        before = self.chunk(-1)
        follows_person = isinstance(before, Phrase) and bool(before.person)
        if _FINITE.match(unit.text):
            own = self.relative or (follows_person and not self.governed) or self.mark(-1, "pronoun")
            back = not own and (not self.main_verb or self.mark(-1, "and", "comma"))
        else:
            joined = self.mark(-1, "and") and not self.other_acts and not self.relative
            back = unit.plays("wear") and (joined or self.mark(-1, "comma"))
        if back:
            self.owner = SUBJECT
            self.relative = False

    def preposition(self, unit: Unit) -> None:
        """A preposition: what stands beside something is not worn."""
        self.beside = unit.plays("beside")
        if unit.text in ("in", "with", "over", "under", "on", "by", "underneath", "beneath"):
            self.holding = False
            if self.owner == OTHER and self.mark(-1, "comma") and unit.text in ("in", "with"):
                self.owner = SUBJECT

    # ---- people

    def phrase(self, phrase: Phrase) -> None:
        """A noun phrase."""
        if phrase.person:
            self.person(phrase)
        for trait in phrase.traits:
            self.trait(phrase, trait)
        if phrase.garment is not None:
            self.garment(phrase, phrase.garment)
        elif phrase.only_adjectives:
            self.bare_adjectives(phrase)
        else:
            self.thing(phrase)
            self.beside = False
            self.or_before = False
            if not phrase.person and not phrase.traits and not self.mark(1, "or", "nor"):
                self.denial = ""
        self.sentence_start = False

    def thing(self, phrase: Phrase) -> None:
        """In "the man and the chair with pants", the pants are the chair's; a dog in a sweater wears it."""
        if phrase.noun is not None and phrase.noun.text in _PETS and self.text(1) == "in":
            self.owner, self.governed = OTHER, True
        if phrase.noun is not None and phrase.noun.entry.part == "colored":
            self.part_is(phrase.noun)
        self.placed_pattern(phrase)
        beside_the_person = phrase.determiner == "the" and self.mark(-1, "and") and self.text(1) == "with"
        if beside_the_person and phrase.noun is not None and not phrase.noun.entry.body:
            self.owner, self.governed = OTHER, True

    def placed_pattern(self, phrase: Phrase) -> None:
        """In "the number 5 is on the front" and "there is a logo on the chest", it is on the last garment named."""
        noun, item = phrase.noun, self.items[-1] if self.items else None
        ahead = 2 if self.mark(1, "be") else 1
        if noun is None or item is None or item.owner != self.owner or not item.covers_torso:
            return
        if noun.entry.pattern_noun and self.on_the_garment(ahead):
            item.look.patterns = tuple(dict.fromkeys(item.look.patterns + noun.entry.pattern_noun))
            item.uses.append(noun)

    def part_is(self, part: Unit) -> None:
        """In "a red jacket. The sleeves are white", white is said of the jacket too."""
        said = self.adjectives(2)
        if not self.mark(1, "be") or said is None or not self.items or not self.items[-1].covers_torso:
            return
        self.items[-1].look.add(Look(colors=said.look.colors, sleeve=_sleeve_of(part, said.look)))
        self.items[-1].uses += [part, *said.uses]
        self.at += 2

    def person(self, phrase: Phrase) -> None:
        """A person: the described one, or another."""
        if self.owns_a_person():
            return
        owner = self.who_is(phrase)
        if self.is_possessor():
            self.owner_once = owner
        else:
            self.owner = owner
            self.other_acts = False
            self.relative = False
            self.governed = self.hangs_on_a_word()
            self.holding = False
        noun = phrase.noun.text if phrase.noun is not None else ""
        if owner == SUBJECT:
            self.subject_noun = self.subject_noun or noun
            if self.subject_gender in ("", "any"):
                self.subject_gender = phrase.person
        else:
            self.other_gender = phrase.person
            self.other_nouns.add(noun)

    def who_is(self, phrase: Phrase) -> str:
        """Whether a person's noun phrase names the described person."""
        if not self.subject_gender:
            return SUBJECT
        before = self.chunk(-1)
        if isinstance(before, Phrase) and before.person:
            return self.owner
        joined = self.text(-1) == "of" or self.mark(-1, "comma")
        if joined and isinstance(before := self.chunk(-2), Phrase) and before.group:
            return self.owner
        if self.mark(-1, "comma") and not phrase.determiner and not self.main_verb and self.owner == SUBJECT:
            return SUBJECT
        another = phrase.determiner in ("another", "other") or any(unit.text == "another" for unit in phrase.units)
        noun = phrase.noun.text if phrase.noun is not None else ""
        another = another or (noun in self.other_nouns and noun != self.subject_noun)
        same = phrase.person == self.subject_gender or "any" in (phrase.person, self.subject_gender)
        if another or not same:
            return OTHER
        if self.mark(-1, "be") or (isinstance(before := self.chunk(-1), Unit) and before.entry.hedge is not None):
            return self.owner
        if self.sentence_start and not self.hangs_on_a_word():
            return SUBJECT
        takes_up = phrase.determiner in _DEFINITE and phrase.noun is not None and phrase.noun.text == self.subject_noun
        return SUBJECT if takes_up and self.mark(-1, "comma", "and") else OTHER

    def hangs_on_a_word(self) -> bool:
        """Whether a preposition or a verb stands directly before."""
        return self.mark(-1, "preposition", "beside", "verb", "hold", "have")

    def is_possessor(self) -> bool:
        """Whether "'s" and a noun phrase follow."""
        following = self.possessed()
        return following is not None and not following.determiner and not following.only_adjectives

    def owns_a_person(self) -> bool:
        """Whether somebody else is named by this one: "the bride's father"."""
        following = self.possessed()
        return not self.subject_gender and following is not None and bool(following.person)

    def possessed(self) -> Phrase | None:
        """The noun phrase behind "'s"."""
        ahead = 1
        while self.text(ahead) in ("'", "’", "'s", "’s", "s"):
            ahead += 1
        following = self.chunk(ahead)
        return following if ahead > 1 and isinstance(following, Phrase) else None

    # ---- garments

    def trait(self, phrase: Phrase, garment: Garment) -> None:
        """Something that an adjective says the person has."""
        look = phrase.look if not phrase.person or not garment.trait else Look()
        if not phrase.person and phrase.garment is not None:
            look = Look()
        self.subject_gender = self.subject_gender or ("any" if phrase.determiner else "")
        self.items.append(self.new_item(garment, look, phrase))
        if phrase.person and not garment.trait:
            phrase.look = Look()

    def new_item(self, garment: Garment, look: Look, phrase: Phrase) -> Item:
        """An item with what the present place says of it."""
        owner = self.owner_once or (self.whose(phrase.possessive) if phrase.possessive else self.owner)
        self.owner_once = ""
        item = Item(garment, look, owner, phrase, sentence=self.sentence, uses=list(phrase.uses))
        item.negated = bool(self.denial) or phrase.determiner == "no"
        item.weight = self.hedge
        item.worn = not (self.holding or self.beside or self.lies_in_something())
        item.alternative = self.or_before and bool(self.items)
        self.or_before = False
        return item

    def lies_in_something(self) -> bool:
        """Whether it is "a rack of coats": some other noun and "of" stand before."""
        before = self.chunk(-2)
        if self.text(-1) != "of" or not isinstance(before, Phrase) or before.noun is None:
            return False
        entry = before.noun.entry
        return not (before.person or before.garment or entry.body or entry.part)

    def garment(self, phrase: Phrase, garment: Garment) -> None:
        """A garment, with all that follows and is said of it."""
        if self.shared is not None and not phrase.look.says_something() and not phrase.determiner:
            phrase.look.add(self.shared)
        self.shared = None
        if self.labels_the_next(phrase, garment):
            return
        item = self.new_item(garment, phrase.look, phrase)
        self.items.append(item)
        self.beside = False
        self.shown_on(item)
        self.share_color(item)
        while self.after(item):
            pass
        self.layer(item)
        if self.denial and not self.denial_goes_on():
            self.denial = ""
        if not self.mark(1, "or", "and"):
            self.hedge = 1.0

    def labels_the_next(self, phrase: Phrase, garment: Garment) -> bool:
        """Whether it only announces what follows: "Shoes: white sneakers", "an outfit consisting of a shirt"."""
        ahead = 2 if self.mark(1, "comma") and self.text(2) in _CONSISTING else 1
        following = self.garment_at(ahead + 1)
        if following is None or following.garment is None or phrase.look.says_something():
            return False
        consists = garment.attributive and self.text(ahead) in _CONSISTING
        label = self.text(1) == ":" and bool(set(garment.attributes) & set(following.garment.attributes))
        if consists or label:
            following.uses += phrase.uses
        return consists or label

    def denial_goes_on(self) -> bool:
        """Whether the denial reaches over the next word to the next garment: "no hat, scarf or gloves"."""
        if not self.denial:
            return False
        ahead = 0 if self.mark(0, "comma") else 1
        if self.mark(ahead, "comma") and self.mark(ahead + 1, "or", "nor"):
            ahead += 1
        if self.mark(ahead, "or", "nor"):
            return True
        phrase = self.garment_at(ahead + 1)
        if phrase is None or phrase.look.says_something():
            return False
        if self.mark(ahead, "comma"):
            return self.mark(ahead + 2, "or", "nor") or (
                self.mark(ahead + 2, "comma") and self.mark(ahead + 3, "or", "nor")
            )
        return self.mark(ahead, "and") and self.denial == "not"

    def share_color(self, item: Item) -> None:
        """In "black pants and shirt", black is said of both."""
        following = self.garment_at(2)
        if not (item.garment.main and item.look.colors and self.mark(1, "and") and following is not None):
            return
        plain = len(following.units) == 1 and following.noun is not None and " " not in following.noun.text
        if following.garment is not None and following.garment.main and plain:
            self.shared = Look(colors=list(item.look.colors), either=item.look.either)

    def shown_on(self, item: Item) -> None:
        """In "the number 10 on his jersey" and "stripes on the sleeves of his top", they are the garment's pattern."""
        part = self.chunk(-2)
        on_part = self.text(-1) == "of" and isinstance(part, Phrase) and part.noun and part.noun.entry.part
        back = -3 if on_part else -1
        before = self.chunk(back - 1)
        if self.text(back) not in ("on", "down", "along") or not isinstance(before, Phrase):
            return
        if before.only_adjectives:  # "white stripes": the noun is an adjective too
            item.look.add(before.look)
            item.uses += before.uses
        elif before.noun is not None and before.noun.entry.pattern_noun:
            item.look.patterns += before.noun.entry.pattern_noun
            item.uses.append(before.noun)

    def layer(self, item: Item) -> None:
        """A sweater over a shirt may be seen as a coat, a jacket under a coat as a top."""
        following = self.garment_at(2)
        if following is None or following.garment is None:
            return
        other = set(following.garment.attributes)
        over = self.text(1) in ("over", "layered over", "on top of", "atop") or (
            self.text(1) in ("with", "and") and self.text(3) in ("under", "underneath", "beneath")
        )
        under = self.text(1) in ("under", "underneath", "beneath")
        item.layered = (over and item.attributes == ("UpperClothes",) and "UpperClothes" in other) or (
            under and item.attributes == ("Coat",) and "Coat" in other
        )

    # ---- what follows a garment

    def after(self, item: Item) -> bool:
        """Reads one thing said after the garment; False where nothing more is said of it."""
        return (
            self.on_something_else(item)
            or self.particle(item)
            or self.none_of_it(item)
            or self.place(item)
            or self.predicate(item)
            or self.apposition(item)
            or self.feature(item)
            or self.in_color(item)
            or self.saying(item)
        )

    def consume(self, item: Item, count: int) -> bool:
        """Moves over `count` chunks, which the item stands on too."""
        for ahead in range(1, count + 1):
            chunk = self.chunk(ahead)
            if isinstance(chunk, Phrase):
                item.uses += chunk.uses
        self.at += count
        return True

    def none_of_it(self, item: Item) -> bool:
        """ "hat: none", "glasses: no"."""
        alone = self.text(2) == "none" or (self.text(2) == "no" and not isinstance(self.chunk(3), Phrase))
        if not (self.mark(1, "comma") and alone):
            return False
        item.negated = True
        return self.consume(item, 2)

    def on_something_else(self, item: Item) -> bool:
        """ "a motorcycle with a helmet on it", "a coat with a hat on it"."""
        if self.text(1) != "on" or self.text(2) not in ("it", "them"):
            return False
        before = self.chunk(-2)
        limb = isinstance(before, Phrase) and before.noun is not None and bool(before.noun.entry.body)
        item.worn = item.worn and limb
        return self.consume(item, 2)

    def particle(self, item: Item) -> bool:
        """ "has a hat on": the word ends nothing."""
        on = self.text(1) == "on" and not isinstance(self.chunk(2), Phrase) and not self.mark(2, "pronoun")
        return on and self.consume(item, 1)

    def place(self, item: Item) -> bool:
        """ "that reaches above the knee", "down her back", "in his hand"."""
        ahead = 2 if self.mark(1, "comma") and self.text(2) in _REACHING else 1
        words = set()
        while ahead < 8 and (self.text(ahead) in _TO_A_PLACE or self.mark(ahead, "filler")):
            words.add(self.text(ahead))
            ahead += 1
        body = self.chunk(ahead)
        if not isinstance(body, Phrase):
            return False
        if body.only_adjectives and words & _REACHING and (body.look.size or body.look.length):
            item.look.add(body.look)
            return self.consume(item, ahead)
        if not body.reach:
            return False
        if not (_carried(item, body.reach, words) or self.reaches(item, body.reach, words)):
            return False
        item.uses += [unit for unit in body.units if unit.entry.reach]
        return self.consume(item, ahead)

    def reaches(self, item: Item, reach: str, words: set[str]) -> bool:
        """Whether the garment or hair comes down to a part of the body, which tells its size."""
        at_the_garment = self.chunk() is item.phrase or "at" not in words or bool(words & _REACHING)
        if not (words & (_REACHING | _DIRECTIONS) and at_the_garment):
            return False
        length = _length_to(reach, above="above" in words, hair=item.attributes == ("Hair",))
        item.look.add(length)
        return length.says_something()

    def predicate(self, item: Item) -> bool:
        """ "is red", "that is long and red", "is not red"."""
        ahead = 2 if self.mark(1, "comma") and self.mark(2, "relative") else 1
        while self.mark(ahead, "relative", "filler") and ahead < 4:
            ahead += 1
        if not self.mark(ahead, "be"):
            return False
        ahead += 1 + (self.text(ahead + 1) in ("of", "in"))
        hedge = self.chunk(ahead)
        if isinstance(hedge, Unit) and hedge.entry.hedge is not None:
            item.weight = hedge.entry.hedge
            ahead += 1
        while self.mark(ahead, "filler"):
            ahead += 1
        denied = self.mark(ahead, "negation") or self.mark(ahead - 1, "negation")
        ahead += self.mark(ahead, "negation")
        said = self.adjectives(ahead)
        if said is None:
            return False
        if denied:
            item.denied = said.look
        else:
            item.look.add(said.look)
            self.tell_partners(item, said.look)
        return self.consume(item, ahead)

    def tell_partners(self, item: Item, look: Look) -> None:
        """In "his shirt and pants are black", black is said of both."""
        before = self.items[-2] if len(self.items) > 1 else None
        if before is None or before.negated or before.look.colors:
            return
        alike = bool(before.phrase.possessive) or not item.phrase.possessive
        if alike and self.mark(-1, "and") and self.chunk(-2) is before.phrase:
            before.look.add(look)

    def apposition(self, item: Item) -> bool:
        """Adjectives behind: "coat, long and red", "hair: brown", "hair, possibly brown", "shirt, not red"."""
        ahead = 2 if self.mark(1, "comma") or self.text(1) in ("-", "(", "that", "which") else 1
        hedge = self.chunk(ahead)
        hedged = isinstance(hedge, Unit) and hedge.entry.hedge is not None and ahead == 2
        denied = self.text(ahead) == "not"
        ahead += hedged or denied
        said = self.adjectives(ahead)
        if said is None or not self.is_apposition(item, said, ahead):
            return False
        if hedged and isinstance(hedge, Unit):
            item.weight = hedge.entry.hedge or 1.0
        if denied:
            item.denied = said.look
        else:
            item.look.add(said.look)
        return self.consume(item, ahead)

    def is_apposition(self, item: Item, said: Phrase, ahead: int) -> bool:
        """Whether the adjectives that stand there are said of the garment before, not of something behind them."""
        if said.determiner or not said.uses:
            return False
        if said.look.colors and item.look.colors and self.text(ahead - 1) != "not":
            return False
        behind = self.chunk(ahead + 1)
        if isinstance(behind, Phrase) and not (ahead >= 2 and behind.person == ""):
            return False
        person = self.chunk(ahead + 2)
        leads_to_person = self.mark(ahead + 1, "comma") and isinstance(person, Phrase) and bool(person.person)
        return not (ahead >= 2 and leads_to_person)

    def feature(self, item: Item) -> bool:
        """ "with white stripes", "has long sleeves", "with a bunny on it"."""
        if self.numbered(item):
            return True
        ahead = 1
        while self.mark(ahead, "relative", "comma") and ahead < 3:
            ahead += 1
        if not (self.text(ahead) in ("with", "and", "has", "have", "in") or self.mark(ahead, "have")):
            return False
        linked_by_and = self.text(ahead) == "and"
        phrase = self.chunk(ahead + 1)
        if not isinstance(phrase, Phrase) or phrase.person or phrase.traits:
            return False
        if phrase.garment and not (self.text(ahead) == "with" and _is_part_of(phrase, item)):
            return False
        if phrase.only_adjectives:
            return self.with_adjectives(item, phrase, ahead)
        if phrase.noun is None or self.text(ahead) == "in" or (self.denial and self.text(ahead) == "and"):
            return False
        place = self.on_the_garment(ahead + 2)
        if linked_by_and and not (place or phrase.noun.entry.part or phrase.noun.entry.pattern_noun):
            return False
        return self.decorated(item, phrase, ahead + 1, place)

    def numbered(self, item: Item) -> bool:
        """ "jersey number 12", "jersey, number 12"."""
        ahead = 2 if self.mark(1, "comma") else 1
        phrase = self.chunk(ahead)
        if not isinstance(phrase, Phrase) or phrase.determiner or phrase.garment or phrase.person:
            return False
        digits = any(unit.text.isdigit() for unit in phrase.units)
        letters = phrase.noun is not None and phrase.noun.entry.pattern_noun == ("Letters",)
        return letters and (digits or ahead == 1) and self.decorated(item, phrase, ahead, 0)

    def with_adjectives(self, item: Item, phrase: Phrase, ahead: int) -> bool:
        """ "with long sleeves", said of something that has sleeves; "with blue stripes"."""
        sleeves = phrase.look.sleeve and item.covers_torso and phrase.determiner not in ("a", "an")
        if not (sleeves or (phrase.look.patterns and self.text(ahead) != "in")):
            return False
        letters = phrase.look.patterns == ("Letters",)  # their color is not the garment's
        item.look.add(replace(phrase.look, colors=[]) if letters else phrase.look)
        return self.consume(item, ahead + 1 + self.on_the_garment(ahead + 2))

    def on_the_garment(self, ahead: int) -> int:
        """How many chunks "on it" or "on the front" takes, 0 where it does not follow."""
        if self.text(ahead) not in ("on", "across", "in", "down", "at", "along"):
            return 0
        if self.text(ahead + 1) in ("it", "them"):
            return 2
        phrase = self.chunk(ahead + 1)
        noun = phrase.noun if isinstance(phrase, Phrase) else None
        return 2 if noun is not None and noun.text in _PLACE_ON and not phrase_possessed(phrase) else 0

    def decorated(self, item: Item, phrase: Phrase, ahead: int, place: int) -> bool:
        """Takes over a pattern's noun, a part's color, or a picture."""
        noun = next((unit for unit in phrase.units if unit.entry.pattern_noun), phrase.noun)
        if noun is None:
            return False
        entry = noun.entry
        if entry.pattern_noun and item.attributes == ("Hair",):
            return False
        if entry.pattern_noun:
            kinds = phrase.look.patterns if len(entry.pattern_noun) > 1 and phrase.look.patterns else entry.pattern_noun
            item.look.patterns = tuple(dict.fromkeys(item.look.patterns + kinds + phrase.look.patterns))
            if entry.pattern_noun != ("Letters",):
                item.look.add(Look(colors=phrase.look.colors))
            item.uses.append(noun)
        elif entry.part == "colored":
            item.look.add(Look(colors=phrase.look.colors, sleeve=_sleeve_of(noun, phrase.look)))
        elif place and not entry.part and not entry.object and not entry.body:
            digits = any(unit.text.strip("#").isdigit() for unit in phrase.units)
            item.look.patterns += () if item.look.patterns else ("Letters",) if digits else ("Fancy",)
            item.uses.append(noun)
        elif not entry.part:
            return False
        return self.consume(item, ahead + place)

    def in_color(self, item: Item) -> bool:
        """ "coat in red", "of red color"."""
        said = self.adjectives(2)
        if self.text(1) not in ("in", "of") or said is None or item.look.colors or not said.look.colors:
            return False
        if item.negated or item.garment.facial:
            return False  # "without a beard in green"
        if isinstance(self.chunk(3), Phrase):
            return False
        item.look.add(said.look)
        return self.consume(item, 2)

    def saying(self, item: Item) -> bool:
        """ "that says PRESS in white": up to the end of what it says."""
        ahead = 2 if self.mark(1, "relative") else 1
        said = self.chunk(ahead + 1)
        if self.text(ahead) not in _SAYING or (isinstance(said, Phrase) and said.determiner):
            return False
        item.look.patterns = tuple(dict.fromkeys((*item.look.patterns, "Letters")))
        while self.quoted(ahead + 1):
            ahead += 1
        return self.consume(item, ahead)

    def quoted(self, ahead: int) -> bool:
        """Whether what stands there is still said by a garment's letters, or how they are written."""
        chunk = self.chunk(ahead)
        if isinstance(chunk, Phrase):
            return not (chunk.garment or chunk.person or chunk.determiner)
        return self.text(ahead) == "in" or self.mark(ahead, "filler")

    def bare_adjectives(self, phrase: Phrase) -> None:
        """Adjectives without a noun: "in black", "wearing stripes", "in long sleeves"."""
        worn_words = self.mark(-1, "wear") or self.text(-1) in ("in", "with", "has", "have")
        back = 1
        while self.mark(-back, "filler"):
            back += 1
        worn_words = worn_words or self.mark(-back, "wear") or self.text(-back) == "in"
        if phrase.determiner in ("a", "an") and not self.mark(-back, "wear") and phrase.units[-1].entry.pattern_noun:
            worn_words = False  # "has a yellow flower in her hair"
        if self.text(1) in ("one", "ones") and self.items and self.items[-1].owner == self.owner:
            self.another_look(self.items[-1], phrase)
        elif phrase.look.sleeve:
            self.bare_sleeves(phrase)
        elif phrase.determiner == "the" and [unit.text for unit in phrase.uses] in (["dark"], ["light"]):
            pass  # "standing in the dark"
        elif self.text(-back) != "with" and worn_words and (phrase.look.colors or phrase.look.patterns):
            item = self.new_item(_CLOTHING, phrase.look, phrase)
            self.items.append(item)
            while self.after(item):
                pass
        elif self.mark(-back, "be") and self.text(-back - 1) == "it" and self.items:
            self.items[-1].look.add(phrase.look)
            self.items[-1].uses += phrase.uses

    def another_look(self, item: Item, phrase: Phrase) -> None:
        """ "a blue coat or a green one", "the coat, the long one"."""
        if self.or_before or self.mark(-1, "comma"):
            item.look.add(replace(phrase.look, either=self.or_before))
            item.uses += phrase.uses

    def bare_sleeves(self, phrase: Phrase) -> None:
        """ "with long sleeves" after its garment; without one it is a top itself."""
        says_more = phrase.determiner not in ("a", "an") and not phrase.look.colors
        for item in reversed(self.items):
            near = item.sentence == self.sentence and item.owner == self.owner
            if says_more and near and item.covers_torso and not item.look.sleeve:
                item.look.add(phrase.look)
                item.uses += phrase.uses
                return
        self.garment(phrase, _UPPER)


def phrase_possessed(chunk: Chunk | None) -> bool:
    """Whether "his" or "her" stands in the phrase: then it is the person's back, not the garment's."""
    return isinstance(chunk, Phrase) and bool(chunk.possessive)


def _carried(item: Item, reach: str, words: set[str]) -> bool:
    """Whether it lies in a hand or over an arm; the item is then not worn."""
    held = reach == "hand" and "in" in words
    on_arm = reach == "arm" and bool(words & {"over", "on", "under", "across"})
    if carried := held or (on_arm and not {"Hair", "Scarf"} & set(item.attributes)):
        item.worn = False
    return carried


def _length_to(reach: str, *, above: bool, hair: bool) -> Look:
    """The size of what comes down to, or ends above, a part of the body."""
    if hair:
        short = reach == "neck" or (reach == "shoulder" and above)
        return Look(size=("Short/small",) if short else ("Long/large",) if reach != "hand" else ())
    if reach == "knee" and not above:
        return Look(length="knee")
    if reach in ("thigh", "knee", "foot"):
        return Look(size=("Short/small",) if above or reach == "thigh" else ("Long/large",))
    return Look()


def _sleeve_of(noun: Unit, look: Look) -> tuple[str, ...]:
    return look.size if noun.text.startswith("sleeve") else ()


def _is_part_of(phrase: Phrase, item: Item) -> bool:
    """Whether a garment's name is a part of the item: shoes "with a low heel", a cap "with a visor"."""
    part = phrase.noun is not None and bool(phrase.noun.entry.part)
    return part and phrase.garment is not None and phrase.garment.attributes == item.attributes


def _is_auxiliary(unit: Unit) -> bool:
    return unit.text in ("do", "does", "did", "can", "could", "will", "would", "should", "must")
