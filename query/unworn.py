"""Unworn: garments that are held, hung up, put away, taken off or out of sight."""

from query.adjective_links import DASHES
from query.items import Item
from query.phrases import Chunk, Phrase, first_word, names_body
from query.walk import Walk

_STORES = frozenset(
    {"bag", "backpack", "pocket", "basket", "rack", "table", "chair", "hook", "hanger", "suitcase", "box", "purse"}
    | {"handbag", "bench", "floor", "ground"}
)
_CARRYING = frozenset({"carries", "carried", "holds", "held", "carry", "hold"})
_KEPT = frozenset({"kept", "left", "stuck", "stuffed", "shoved"})
_HOLDING = frozenset({"hand", "hands", "arm", "arms", "head", "teeth", "lap", "shoulder"})
_LAID = frozenset({"hung", "folded"})  # what is draped or slung may be worn
_DRAPED = frozenset({"draped", "slung"})
_ARMS = frozenset({"arm", "arms", "forearm"})
_HIDING = frozenset({"covered", "hidden", "concealed", "hiding", "obscured"})
_LYING = frozenset({"lies", "lying", "lay", "laying"})
_UNSEEN = [
    ["can't", "be", "made out"],
    ["cannot", "be", "made out"],
    ["can not", "be", "seen"],
    ["cannot", "be", "seen"],
    ["can't", "be", "seen"],
    ["cannot", "be", "told"],
    ["can't", "be", "told"],
]
NO = frozenset({"no", "none", "nope", "nah", "nil", "❌", "✗", "✘", "🚫"})
_ABOUT = ("in", "across", "under", "by")


def not_worn(walk: Walk, item: Item) -> bool:
    """ "goggles not worn", not "a cap not worn backwards"."""
    worn = walk.chunk(2)
    ends = walk.chunk(3) is None or walk.mark(3, "comma", "stop", "and", "but")
    alone = isinstance(worn, Phrase) and [unit.text for unit in worn.units] == ["worn"]
    if not (walk.text(1) == "not" and alone and ends):
        return False
    item.negated = True
    return walk.consume(item, 2)


def none_of_it(walk: Walk, item: Item) -> bool:
    """ "hat: none", "glasses: no", "tie = no", "scarf none, tie no"."""
    ends = not isinstance(walk.chunk(3), Phrase) or walk.text(4) in (":", "=")
    none = walk.text(2) == "none" or (walk.text(2) == "no" and ends)
    unseen = walk.text(2) == "not" and walk.text(3) in ("seen", "visible", "known") and walk.text(1) == ":"
    if unseen:
        item.worn = False  # "footwear: not seen"
        return walk.consume(item, 3)
    last = walk.chunk(2) is None or walk.mark(2, "comma", "stop")
    if walk.text(1) == "yes" and not item.look.says_something():
        return walk.consume(item, 1)  # "helmet yes, yellow"
    if (walk.text(1) == "none" and walk.text(2) != "of") or (first_word(walk.chunk(1)) in NO and last):
        item.negated = True
        return walk.consume(item, 1)
    if not (none and (walk.mark(1, "comma") or walk.text(1) in DASHES or walk.text(1) == "=")):
        return False
    item.negated = True
    return walk.consume(item, 2)


def on_something_else(walk: Walk, item: Item) -> bool:
    """ "a motorcycle with a helmet on it", "a coat with a hat on it"."""
    if walk.text(1) != "on" or walk.text(2) not in ("it", "them"):
        return False
    item.worn = item.worn and (walk.chunk() is not item.phrase or names_body(walk.chunk(-2)))
    return walk.consume(item, 2)


def taken_off(walk: Walk, item: Item) -> bool:
    """ "with his shirt off", "had his shirt off, and", not "has her hair off her face"."""
    off = walk.chunk(1)
    is_off = isinstance(off, Phrase) and [unit.text for unit in off.units] == ["off"]
    ends = walk.chunk(2) is None or walk.mark(2, "comma", "stop", "and")
    led = walk.text(-1) == "with" or (walk.mark(-1, "have") and ends)
    if not is_off or not item.phrase.possessive or not led:
        return False
    item.negated = True
    return walk.consume(item, 1)


def lies_elsewhere(walk: Walk, item: Item) -> bool:
    """ "a shirt hanging from his pocket", "whose jacket hangs over the chair", "a hat is lying on it" is not worn."""
    first = walk.at == 0 or walk.mark(-1, "stop")  # what lies is the subject: "a man in a hat lies on the table"
    begins = first or walk.mark(-1, "subordinate", "and")  # not "a climber in a helmet is hanging on the rope"
    begins = begins or (walk.mark(-1, "comma") and bool(item.phrase.possessive))
    verb = 1 + (walk.mark(1, "be") and begins)
    hangs, lies = walk.text(verb) in ("hanging", "hangs"), first and walk.text(verb) in _LYING
    where, place = first_word(walk.chunk(verb + 1)), walk.chunk(verb + 2)
    if isinstance(place, Phrase) and place.garment is not None and place.possessive:
        return False  # "his shirt hangs out of his shorts"
    led = walk.chunks.index(item.phrase) - walk.at - 1 if item.phrase in walk.chunks else -1
    clad = walk.mark(led, "preposition", "wear", "negation") if walk.text(verb) == "hangs" else walk.text(led) == "in"
    if clad:
        return False  # "a gymnast in white pants hangs from the rings", "in leggings hanging from the bars"
    body = {unit.text for unit in place.units} if isinstance(place, Phrase) else set[str]()
    if where in ("from", "off") and item.covers_torso and body & {"shoulder", "shoulders", "waist", "hips"}:
        return False  # "her sweater hangs off one shoulder"
    on_it = where in ("over", "on", *_ABOUT * first) and _is_furniture(place)
    beside = first and walk.mark(verb + 1, "beside") and (not isinstance(place, Phrase) or _is_nobodys(place))
    if not (hangs or lies) or not (on_it or beside or (hangs and where in ("from", "out of", "off"))):
        return False
    item.worn = bool(({"Hair"} if lies else {"Hair", "Scarf", "Glasses"}) & set(item.attributes))
    return walk.consume(item, verb + (not beside))


def _is_furniture(chunk: Chunk | None) -> bool:
    """Whether it is neither worn nor a part of anybody."""
    if not isinstance(chunk, Phrase) or chunk.noun is None or chunk.garment or chunk.person:
        return False
    return _is_nobodys(chunk) and not chunk.noun.entry.part


def _is_nobodys(phrase: Phrase) -> bool:
    """Whether it is no part of a body, nor told whose it is."""
    return not (phrase.possessive or (phrase.noun is not None and phrase.noun.entry.body))


def carried_by(walk: Walk, item: Item) -> bool:
    """ "his jacket he carries over one arm": it is not worn."""
    if not (walk.mark(1, "pronoun") and walk.text(2) in _CARRYING and _begins(walk)):
        return False
    item.worn = "Hair" in item.attributes
    return walk.consume(item, 2)


def _begins(walk: Walk) -> bool:
    """Whether the garment begins a clause."""
    led = walk.mark(-1, "comma", "stop", "and", "but", "subordinate")
    return walk.chunk(-1) is None or led or walk.text(-1) in ("'s", "’s")


def held_up(walk: Walk, item: Item) -> bool:
    """ "with his jacket held over his head", "her hat is carried under her arm": it is not worn."""
    told = walk.mark(1, "be")
    own = item.phrase.possessive or item.phrase.determiner == "the" or (told and _begins(walk))
    where = 2 if told and walk.text(2) in ("over", "on") else 2 + told  # "the coat is over his arm"
    place = walk.chunk(where + 1)
    if not own or not isinstance(place, Phrase) or not (place.possessive or place.determiner in ("one", "the")):
        return False
    verb = first_word(walk.chunk(where - 1))
    held = verb in ("held", "carried") and walk.text(where) in ("over", "above", "in", "under")
    laid = (verb in _LAID or walk.mark(where - 1, "be")) and walk.text(where) in ("over", "on", "across")
    places = _HOLDING if held else _ARMS if laid and item.attributes != ("Glove",) else frozenset[str]()
    if place.noun_text not in places:
        return False
    item.worn = "Hair" in item.attributes
    return walk.consume(item, where + 1)


def put_away(walk: Walk, item: Item) -> bool:
    """ "the scarf is in her bag", "jackets are kept on the rack", "a coat draped over a chair": they are not worn."""
    draped = walk.text(1) in _DRAPED
    ahead = 2 + (not draped and first_word(walk.chunk(2)) in _KEPT)
    place = walk.chunk(ahead + 1)
    stored = isinstance(place, Phrase) and place.noun is not None and place.noun.text.split()[-1] in _STORES
    if not ((draped or walk.mark(1, "be")) and walk.text(ahead) in ("in", "inside", "on", "over") and stored):
        return False
    item.worn = False
    return walk.consume(item, ahead + 1)


def hidden(walk: Walk, item: Item) -> bool:
    """ "her hair is covered by a veil": what cannot be seen is not asked for."""
    ahead = 2 if walk.mark(1, "be") else 1
    hidden = walk.text(ahead) in _HIDING and walk.mark(ahead + 1, "preposition")
    hidden = hidden or walk.text(ahead) == "covered with" or (ahead == 2 and first_word(walk.chunk(2)) in _HIDING)
    if not hidden or item.attributes != ("Hair",):
        return False
    item.worn = False
    return walk.consume(item, ahead)


def on_the_lap(walk: Walk, item: Item) -> bool:
    """ "a man on a bench, hat on his knee": it is not worn."""
    place = walk.chunk(2)
    if item.attributes != ("Hat",) or walk.text(1) != "on" or not isinstance(place, Phrase):
        return False
    if place.noun_text not in ("knee", "knees", "lap"):
        return False
    item.worn = False
    return walk.consume(item, 2)


def out_of_sight(walk: Walk, item: Item) -> bool:
    """ "one of her mittens is missing", "his shoes cannot be seen"."""
    missing = walk.mark(1, "be") and first_word(walk.chunk(2)) == "missing"
    unseen = [walk.text(at) for at in (1, 2, 3)] in _UNSEEN
    if not (missing or unseen):
        return False
    item.worn = False
    return walk.consume(item, 2 if missing else 3)
