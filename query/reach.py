"""Reach: how far down a garment or hair comes, and what lies in a hand."""

from query.items import Item
from query.phrases import Chunk, Look, Phrase, first_word
from query.reach_words import REACHING, SWEEPING
from query.walk import Walk

_DIRECTIONS = frozenset(
    {"to", "above", "below", "past", "over", "down", "down to", "down past", "up to", "beyond", "at", "till", "until"}
)
_CATCHING = frozenset({"catcher", "pitcher", "player", "fielder", "outfielder", "infielder", "shortstop", "baseman"})
_COMBED = frozenset({"combed", "brushed", "slicked", "swept", "gelled"})
_HANGING = frozenset({"Coat", "UpperClothes", "Skirt", "Pants"})
_LOOSE = frozenset({"right", "well", "just", "slightly", "loose", "straight", "freely", "open"})
_ROLLED = frozenset({"rolled", "rolled up"})
_TO_A_PLACE = (
    REACHING
    | _DIRECTIONS
    | frozenset(
        {"that", "which", "in", "on", "under", "across", "around", "about", "and", "pulled", "up"}
        | _ROLLED
        | {"slung", "draped", "thrown", "folded", "hung", "tucked"}
    )
)


def read_place(walk: Walk, item: Item) -> bool:
    """ "that reaches above the knee", "down her back", "in his hand"."""
    words = set[str]()
    ahead = 2 if walk.mark(1, "comma") and (_word(walk.chunk(2)) in REACHING or walk.mark(2, "relative")) else 1
    ahead += (
        walk.mark(1, "comma") and walk.text(2) in ("to", "down to") and item.covers_torso | ("Skirt" in item.attributes)
    )
    ahead += walk.mark(1, "comma") and _word(walk.chunk(3)) in REACHING and walk.chunk() is not item.phrase
    if walk.text(1) in ("that", "which") and _word(walk.chunk(2)) in SWEEPING:
        words.add("reaches")  # "a dress that sweeps the floor"
        ahead = 3
    cut = walk.text(ahead + 1) in REACHING  # "is cut very short"
    cut = cut or (item.attributes == ("Hair",) and walk.text(ahead + 1) in ("down", "down to", "down past", "past"))
    hangs = bool(_HANGING & set(item.attributes)) and walk.text(ahead + 1) in _DIRECTIONS - {"over", "at"}
    ahead += walk.mark(ahead, "be") and (cut or hangs or walk.text(ahead + 1) == "in")  # "are in her hand"
    while ahead < 8 and _leads_to_a_place(walk, ahead):
        words.add(_word(walk.chunk(ahead)))
        ahead += 1
    body = walk.chunk(ahead)
    acts = bool(words & {"ended", "reached", "touched"}) and walk.mark(-1, "preposition", "wear", "have")
    if not isinstance(body, Phrase) or acts:
        return False  # "a climber in an orange jacket reached the ground"
    cut = bool(words & REACHING) or (item.phrase.units[-1].text == "hair cut" and "to" in words)
    if body.only_adjectives and cut and (body.look.size or body.look.length):
        item.look.add(body.look)
        return walk.consume(item, ahead)
    reach = body.reach or _to_the_shoes(body, words, item)
    if not (reach and (_carried(walk, item, reach, words) or _reaches(walk, item, reach, words))):
        return False
    item.uses += [unit for unit in body.units if unit.entry.reach]
    more = walk.mark(ahead + 1, "relative") or (walk.mark(ahead + 1, "comma") and walk.mark(ahead + 2, "relative"))
    told_of_too = body.garment is not None and (body.look.says_something() or more)  # "down to her brown boots"
    return walk.consume(item, ahead - told_of_too)


def _leads_to_a_place(walk: Walk, ahead: int) -> bool:
    """Whether it may stand between a garment and how far it reaches: "that hangs loose down to"."""
    word = _word(walk.chunk(ahead))
    return word in _TO_A_PLACE or walk.mark(ahead, "filler") or (word in _LOOSE and ahead > 1)


def _word(chunk: Chunk | None) -> str:
    """A word of the grammar, or an adjective that stands alone: "rolled" of "rolled up to the knee"."""
    if isinstance(chunk, Phrase):
        return chunk.units[0].text if len(chunk.units) == 1 else ""
    return "" if chunk is None else chunk.text


def _to_the_shoes(body: Phrase, words: set[str], item: Item) -> str:
    """The reach of a coat that comes down to its wearer's shoes, "" for another garment."""
    shoes = body.garment is not None and body.garment.attributes == ("Shoes",) and bool(body.possessive)
    return "foot" if shoes and _HANGING & set(item.attributes) and words & (REACHING | {"to", "down to"}) else ""


def _reaches(walk: Walk, item: Item, reach: str, words: set[str]) -> bool:
    """Whether the garment or hair comes down to a part of the body, which tells its size."""
    at_the_garment = walk.chunk() is item.phrase or "at" not in words or bool(words & REACHING)
    if not (words & (REACHING - {"kept"} | _DIRECTIONS) and at_the_garment):
        return False
    if item.attributes == ("Hair",) and (words & {"cover", "covers", "covering"} or _is_combed(walk, words)):
        return False  # over the ears
    length = _length_to(reach, words, item.attributes[-1])
    item.look.add(length)
    return length.says_something()


def _is_combed(walk: Walk, words: set[str]) -> bool:
    """Whether hair is only laid somewhere: "combed to the back"."""
    return "to" in words and any(first_word(walk.chunk(ahead)) in _COMBED for ahead in (1, 2))


def _carried(walk: Walk, item: Item, reach: str, words: set[str]) -> bool:
    """Whether it lies in a hand or over an arm; the item is then not worn."""
    catching = item.attributes == ("Glove",) and walk.subject_noun.split(" ")[-1] in _CATCHING
    held = reach == "hand" and "in" in words and not catching  # "a brown glove in his left hand"
    across = bool(words & {"over", "under", "across"}) or ("on" in words and walk.chunk() is item.phrase)
    on_arm = reach == "arm" and across  # not "with dots on his arms"
    if carried := held or (on_arm and not {"Hair", "Scarf"} & set(item.attributes)):
        item.worn = False
    return carried


def _length_to(reach: str, words: set[str], attribute: str) -> Look:
    """The size of what comes down to, or ends above, a part of the body."""
    above = "above" in words
    if attribute == "Hair":
        short = reach == "neck" or (reach == "shoulder" and above)
        return Look(size=("Short/small",) if short else ("Long/large",) if reach != "hand" else ())
    if attribute in ("Shoes", "Socks") and reach in ("knee", "thigh"):
        return Look(size=("Long/large",))  # "boots to the thigh"
    if above and attribute in ("Coat", "UpperClothes"):
        return Look()  # neither short nor long
    if reach == "knee" and not above:
        return Look(length="knee")
    if reach in ("thigh", "knee") or (reach == "foot" and not words & _ROLLED):
        return Look(size=("Short/small",) if above or reach == "thigh" else ("Long/large",))
    return Look()
