"""Layers: a sweater over a shirt may be seen as a coat, a jacket under a coat as a top."""

from query.decoration import PEEPING
from query.items import Item
from query.phrases import Phrase, first_word
from query.postmodifiers import UNDER
from query.walk import Walk

_ON_TOP = frozenset({"over", "layered over", "on top of", "atop"})
_HANGING = frozenset({"hangs", "hanging", "hung", "worn", "up", "half", "pulled"})


def layer(walk: Walk, item: Item) -> None:
    """A sweater over a shirt may be seen as a coat, a jacket under a coat as a top."""
    over_it = walk.text(1) in _ON_TOP and walk.text(2) in ("it", "them")
    over_it = over_it and any(before.covers_torso and before.owner == item.owner for before in walk.items[:-1])
    item.layered = _is_put_on_over(walk, item)
    item.layered |= (over_it or _holds_another(walk)) and item.attributes == ("UpperClothes",)
    ahead = _leads_over(walk)
    following = walk.garment_at(ahead + 1)
    if following is None or following.garment is None:
        return
    other = set(following.garment.attributes)
    over = walk.text(ahead) in _ON_TOP or (
        walk.text(1) in ("with", "and", ",") and not UNDER.isdisjoint({walk.text(3), following.units[-1].text})
    )
    over = over or (walk.text(1) == "with" and first_word(walk.chunk(3)) in PEEPING)
    under = walk.text(1) in UNDER
    item.layered = (
        item.layered
        or (over and item.attributes == ("UpperClothes",) and "UpperClothes" in other)
        or (under and item.attributes == ("Coat",) and "Coat" in other)
    )


def _leads_over(walk: Walk) -> int:
    """Where "over" of "a shirt, unbuttoned, over a top" or "a jersey that hangs open over a top" stands; else 1."""
    for ahead in range(1, 6):
        chunk = walk.chunk(ahead)
        if walk.text(ahead) in _ON_TOP:
            return ahead
        loose = isinstance(chunk, Phrase) and not (
            chunk.garment or chunk.person or chunk.determiner or chunk.possessive
        )
        if not (loose or walk.mark(ahead, "comma", "filler", "relative", "be") or walk.text(ahead) in _HANGING):
            return 1
    return 1


def _holds_another(walk: Walk) -> bool:
    """ "a sweater, inside of which is a pink shirt"."""
    ahead = 2 if walk.mark(1, "comma") else 1
    inside = first_word(walk.chunk(ahead)) in UNDER | {"inside"}
    ahead += walk.text(ahead + 1) == "of"
    named = next((garment for more in range(2, 6) if (garment := walk.garment_at(ahead + more))), None)
    top = named is not None and named.garment is not None and "UpperClothes" in named.garment.attributes
    return inside and walk.mark(ahead + 1, "relative") and top


def _is_put_on_over(walk: Walk, item: Item) -> bool:
    """Whether it is the sweater of "over her white blouse she wears a pink cardigan"."""
    over_it = (walk.text(-2), walk.text(-1)) == ("over", "it") and item.attributes == ("UpperClothes",)
    if over_it and any(before.covers_torso for before in walk.items[-2:-1]):
        return True  # "in a pink top and over it a white cardigan"
    under = walk.items[-2] if len(walk.items) > 1 else None
    out_of = walk.text(-2) == "from" and walk.text(-1) in UNDER
    if under is not None and out_of and under.attributes == item.attributes == ("UpperClothes",):
        return True  # "a white shirt sticks out from under his sweater"
    if under is None or item.attributes != ("UpperClothes",) or under.attributes != item.attributes:
        return False
    place = walk.chunks.index(under.phrase) - walk.at
    begins = walk.chunk(place - 2) is None or walk.mark(place - 2, "stop", "and", "comma")
    together = under.sentence == item.sentence and under.owner == item.owner
    return walk.text(place - 1) == "over" and begins and together
