"""Place: where a noun phrase has been read up to, and what follows there."""

from collections.abc import Sequence
from dataclasses import dataclass

from query.phrases import Phrase
from query.units import Unit


@dataclass
class Place:
    """A place in a sentence, and the noun phrase that has been read before it."""

    units: Sequence[Unit]
    position: int
    phrase: Phrase

    def peek(self, ahead: int = 0) -> Unit | None:
        """The unit at the present position, or some further on."""
        index = self.position + ahead
        return self.units[index] if index < len(self.units) else None

    def take(self) -> Unit:
        """Moves behind the present unit, which joins the phrase."""
        unit = self.units[self.position]
        self.phrase.units.append(unit)
        self.position += 1
        return unit

    def before(self, back: int = 1) -> Unit | None:
        """The unit in front of the phrase, or one further back."""
        index = self.position - len(self.phrase.units) - back
        return self.units[index] if index >= 0 else None

    def next_noun(self, ahead: int = 0, *, over_commas: bool = True) -> Unit | None:
        """The next noun of this phrase from there on, skipping adjectives."""
        for unit in self.units[self.position + ahead :]:
            if unit.entry.garment or unit.entry.person:
                return unit
            skipped = unit.text.isdigit() or unit.entry.modifies or unit.plays("filler")
            if not (skipped or (over_commas and unit.plays("comma"))):
                return None
        return None

    def leads_on(self, ahead: int) -> bool:
        """Whether a new noun phrase begins there."""
        unit = self.peek(ahead)
        return unit is not None and (unit.plays("determiner") or unit.plays("possessive"))

    def is_verb_here(self, unit: Unit) -> bool:
        """Whether a word such as "running" is a verb: unless it stands between an adjective and a noun."""
        if not unit.plays("verb") and not unit.plays("wear") and not unit.plays("hold"):
            return False
        naming = unit.entry.roles == {"verb"} and not unit.text.endswith("s")
        naming = naming and not (
            self.phrase.units and self.phrase.units[-1].entry.pattern_noun
        )  # "a stripe going down"
        if self.phrase.determiner in ("a", "an") and self.phrase.only_adjectives and naming:
            return False  # "a red building"
        following = self.peek(1)
        bare = self.phrase.determiner in ("a", "an") and len(self.phrase.units) == 1 and naming
        if bare and following is not None and following.entry.person:
            return False  # "a lean man"
        pictured = following is not None and following.entry.pattern_noun and unit.text.endswith("ing")
        if self.phrase.determiner in ("a", "an") and len(self.phrase.units) == 1 and pictured:
            return False  # "a flaming skull"
        if self.leads_on(1):
            return True  # "he sports a beard"
        noun = self.next_noun(1, over_commas=False)
        noun_follows = noun is not None and noun.entry.garment is not None
        before = self.before()
        sporty = unit.text == "sports" and not (before is not None and before.text == "in")
        adjective = sporty or unit.text.endswith(("ing", "ed"))  # "purple sports t-shirt", not "in red sports jeans"
        return not (noun_follows and self.phrase.units and adjective)
