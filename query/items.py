"""Items: the garments that a sentence speaks of, and whose they are."""

from dataclasses import dataclass, field
from functools import cached_property

from query.lexicon import Garment
from query.phrases import Look, Phrase
from query.units import Unit

SUBJECT, OTHER = "subject", "other"


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
        plain: it was named without an adjective, whatever is said of it behind.
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
    plain: bool = False
    uses: list[Unit] = field(default_factory=list)

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """Every attribute group that the garment may be."""
        return self.garment.attributes

    @property
    def covers_torso(self) -> bool:
        """Whether it has sleeves to speak of."""
        return self.garment.covers_torso
