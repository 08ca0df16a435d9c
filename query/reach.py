"""Reach: how far down a garment or hair comes, and what lies in a hand."""

from query.items import Item
from query.phrases import Look, Phrase
from query.walk import Walk

_STEMS = ("fall", "reach", "hang", "end", "flow", "extend", "cover", "touch", "go", "com", "come", "stop", "hit")
_REACHING = frozenset(
    {stem + ending for stem in _STEMS for ending in ("", "s", "es", "ing")}
    | {"hung", "cut", "stopping", "hitting", "goes down", "comes down"}
)
_DIRECTIONS = frozenset(
    {"to", "above", "below", "past", "over", "down", "down to", "down past", "up to", "beyond", "at"}
)
_TO_A_PLACE = (
    _REACHING
    | _DIRECTIONS
    | frozenset(
        {"that", "which", "in", "on", "under", "across", "around", "and", "pulled", "rolled", "up"}
        | {"slung", "draped", "thrown", "folded", "hung"}
    )
)


def read_place(walk: Walk, item: Item) -> bool:
    """ "that reaches above the knee", "down her back", "in his hand"."""
    ahead = 2 if walk.mark(1, "comma") and (walk.text(2) in _REACHING or walk.mark(2, "relative")) else 1
    words = set()
    while ahead < 8 and (walk.text(ahead) in _TO_A_PLACE or walk.mark(ahead, "filler")):
        words.add(walk.text(ahead))
        ahead += 1
    body = walk.chunk(ahead)
    if not isinstance(body, Phrase):
        return False
    if body.only_adjectives and words & _REACHING and (body.look.size or body.look.length):
        item.look.add(body.look)
        return walk.consume(item, ahead)
    if not body.reach:
        return False
    if not (_carried(item, body.reach, words) or _reaches(walk, item, body.reach, words)):
        return False
    item.uses += [unit for unit in body.units if unit.entry.reach]
    return walk.consume(item, ahead)


def _reaches(walk: Walk, item: Item, reach: str, words: set[str]) -> bool:
    """Whether the garment or hair comes down to a part of the body, which tells its size."""
    at_the_garment = walk.chunk() is item.phrase or "at" not in words or bool(words & _REACHING)
    if not (words & (_REACHING | _DIRECTIONS) and at_the_garment):
        return False
    length = _length_to(reach, above="above" in words, hair=item.attributes == ("Hair",))
    if item.attributes == ("Hair",) and words & {"cover", "covers", "covering"}:
        return False  # over the ears
    item.look.add(length)
    return length.says_something()


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
