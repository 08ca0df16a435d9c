"""Walk: a place in a sentence, and who and what is spoken of there."""

from query.items import OTHER, SUBJECT, Item
from query.phrases import Chunk, Look, Phrase
from query.units import Unit

HIM = frozenset({"him", "her", "them"})
_GENDER_OF = {"he": "male", "his": "male", "she": "female", "her": "female", "hers": "female"}
_OPPOSITE = {"male": "female", "female": "male"}


class Walk:
    """Walks over a sentence's chunks, and knows at each who and what is spoken of."""

    def __init__(self, sentence: list[Chunk]) -> None:
        self.chunks = sentence
        self.at = 0
        self.items: list[Item] = []
        self.subject_noun = ""
        self.subject_gender = ""
        self.subject_side = ""  # "left" of "the woman on the left"
        self.several = False  # whether the described person was named as one of a group
        self.other_gender = ""
        self.other_sentence = -1  # the last one that names another person
        self.other_nouns: set[str] = set()
        self.sentence = 0
        self.corrected = 0  # how many items have been taken back: "no wait, it was red"
        self.corrected_until = -1  # the last sentence that says what is instead
        self.said = Look()  # the last predicate, for "so are her shoes"
        self.new_sentence()

    def new_sentence(self) -> None:
        """Forgets everything but the described person."""
        self.owner = SUBJECT
        self.owner_once = ""
        self.governed = False  # the other person hangs on a preposition or a verb
        self.main_verb = False
        self.relative = False
        self.other_acts = False
        self.told_apart = False  # "not the one in red" was read
        self.other_leads = False  # the other person begins a clause of their own
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

    def behind_possessive(self, ahead: int) -> int:
        """How far ahead stands what is behind "'s"; the same place where there is none."""
        while self.text(ahead) in ("'", "’", "'s", "’s", "s"):
            ahead += 1
        return ahead

    def begin(self, ahead: int = 0) -> int:
        """How far ahead, or back, the sentence of that place begins."""
        while self.chunk(ahead - 1) is not None and not self.mark(ahead - 1, "stop"):
            ahead -= 1
        return ahead

    def until(self, *roles: str) -> int:
        """How far ahead stands the next word with one of the roles, or the end."""
        ahead = 1
        while self.chunk(ahead) is not None and not self.mark(ahead, *roles):
            ahead += 1
        return ahead

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

    def corrects(self) -> bool:
        """Whether what is said now takes the place of what was said before."""
        return self.corrected > 0 and self.sentence <= self.corrected_until

    def learn_gender(self, pronoun: str) -> None:
        """Whoever "he" or "she" is where nobody was named is described, and of several people the first one."""
        gender = _GENDER_OF.get(pronoun, "")
        if gender and self.several and self.subject_gender == "any":
            self.subject_gender, self.other_gender = gender, _OPPOSITE[gender]
        self.subject_gender = self.subject_gender or gender

    def whose(self, pronoun: str) -> str:
        """Who is meant by "he", "his", "she" or "her"."""
        gender = _GENDER_OF.get(pronoun, "")
        if pronoun == "their" and (self.relative or self.other_leads) and self.owner == OTHER:
            return OTHER  # "the others, who all have their jackets buttoned", "the porters in their smocks"
        fits = not gender or self.subject_gender in ("", "any", gender)
        if self.relative and self.owner == OTHER and self.other_gender == gender and self.subject_gender == "any":
            return OTHER  # "the child behind a man who has a rope around his coat"
        met = self.other_gender == "any" and self.other_sentence == self.sentence
        other = self.other_gender == gender or met
        return SUBJECT if fits or not other else OTHER

    def owner_told(self, ahead: int, owner: str) -> str:
        """Whose the garment is that "he" or "she" there wears; the `owner` where neither stands there."""
        return self.whose(self.text(ahead)) if self.text(ahead) in _GENDER_OF else owner

    def consume(self, item: Item, count: int) -> bool:
        """Moves over `count` chunks, which the item stands on too; True."""
        for ahead in range(1, count + 1):
            chunk = self.chunk(ahead)
            if isinstance(chunk, Phrase):
                item.uses += chunk.uses
        self.at += count
        return True
