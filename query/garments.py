"""Garments: what a noun phrase that names one says, and what it shares with its neighbours."""

from query.function_words import denial_goes_on
from query.items import OTHER, Item
from query.layers import layer
from query.lexicon import Garment
from query.people_words import COUNTED
from query.phrases import Look, Phrase, first_word, names_person
from query.postmodifiers import MATERIALS, UNDER, read_after
from query.walk import Walk

_CONSISTING = frozenset(
    {
        "consists of",
        "consisting of",
        "comprised of",
        "composed of",
        "comprises",
        "comprising",
        "combines",
        "combining",
        "made up of",
        "includes",
        "including",
        "of",
        "is",
        "are",
        ":",
    }
)


_TAKING = frozenset({"took", "takes", "taken", "stole", "steals", "stolen", "nicked", "snatched", "grabbed"})
_SWAPPED = frozenset({"swapped", "swaps", "traded", "exchanged", "changed", "ditched", "replaced"})
_LEFT = frozenset({"left", "dropped"})
_KNOWING = frozenset({"know", "tell", "say", "remember", "recall"})


def read_trait(walk: Walk, phrase: Phrase, garment: Garment) -> None:
    """Something that an adjective says the person has."""
    look = phrase.look if not phrase.person or not garment.trait else Look()
    if not phrase.person and phrase.garment is not None:
        look = Look()
    walk.subject_gender = walk.subject_gender or (
        "any" if phrase.determiner or _stands_for_somebody(walk, phrase) else ""
    )
    item = new_item(walk, garment, look, phrase)
    walk.items.append(item)
    _take_back(walk, item)
    if phrase.person and not garment.trait:
        phrase.look = Look()


def _stands_for_somebody(walk: Walk, phrase: Phrase) -> bool:
    """Whether a trait begins the sentence as a noun: "brunette left of the groom", "blonde next to a man"."""
    alone = phrase.noun is None and phrase.garment is None
    return alone and walk.at == 0 and walk.mark(1, "beside", "preposition", "wear", "relative")


def new_item(walk: Walk, garment: Garment, look: Look, phrase: Phrase) -> Item:
    """An item with what the present place says of it."""
    told = OTHER if _is_mine(walk, phrase) else walk.whose(phrase.possessive) if phrase.possessive else walk.owner
    owner = walk.owner_once or told
    walk.owner_once = ""
    item = Item(garment, look, owner, phrase, sentence=walk.sentence, uses=list(phrase.uses))
    if item.covers_torso and any(unit.text.startswith("#") for unit in phrase.units):
        look.patterns += ("Letters",)  # "a #7 jersey"
    item.plain = not look.says_something()
    item.negated = bool(walk.denial) or phrase.units[0].text == "nil"
    item.weight = walk.hedge
    clause = walk.mark(-1, "and", "comma") and bool(phrase.possessive) and walk.mark(1, "be")
    item.worn = not (
        (
            walk.holding and not clause and not (item.attributes == ("Hair",) and phrase.possessive)
        )  # "she carries a bag and her hair is put up"
        or _stands_beside(walk, phrase)
        or _is_in_doubt(walk)
        or (item.attributes != ("Hair",) and not phrase.person and _lies_in_something(walk))
    )
    instead = walk.chunk(2)
    other = isinstance(instead, Phrase) and (instead.garment or instead.determiner in ("a", "an"))
    swapped = first_word(walk.chunk(-1)) in _SWAPPED and walk.text(1) == "for" and bool(other)
    denied = walk.text(-1) == "not" and walk.mark(1, "but") and walk.garment_at(2) is not None
    if swapped or denied:
        item.worn = False  # "has swapped her trench for a jacket", "is not a shirt but a windbreaker"
    off = first_word(walk.chunk(-1)) == "off" and walk.text(-2) in ("took", "taken") and bool(phrase.possessive)
    if off or walk.text(-1) == "about" or (first_word(walk.chunk(-1)) in _LEFT and phrase.possessive):
        item.worn = False  # "I couldn't tell you about his shoes", "left her coat here", "took off his hat"
    if phrase.determiner in COUNTED and phrase.noun is not None and phrase.noun.text == "glasses":
        item.worn = False  # "a tray with four glasses"
    item.alternative = walk.or_before and bool(walk.items)
    walk.or_before = False
    return item


def _is_mine(walk: Walk, phrase: Phrase) -> bool:
    """Whether it is the speaker's: "I had my hood up", "who ran off with my jacket", not "who wears my jacket"."""
    taken = walk.text(-1) in _TAKING or (walk.text(-1) == "with" and first_word(walk.chunk(-2)) in ("off", "away"))
    return phrase.possessive in ("my", "our") and (taken or walk.text(-2) in ("i", "we"))


def _is_in_doubt(walk: Walk) -> bool:
    """Whether nobody knows: "whether she wears glasses", "I can't say if he had a hat on"."""
    for back in range(-1, walk.begin() - 1, -1):
        if walk.mark(back, "comma", "stop", "but"):
            return False
        doubted = first_word(walk.chunk(back - 1)) in _KNOWING or walk.text(back - 2) in _KNOWING
        if first_word(walk.chunk(back)) == "whether" or (walk.text(back) == "if" and doubted):
            return True
    return False


def _stands_beside(walk: Walk, phrase: Phrase) -> bool:
    """Whether it is only near the person; "behind his sunglasses", "face hidden behind goggles" is who wears them."""
    before = walk.chunk(-2)
    hidden = isinstance(before, Phrase) and any(unit.text in ("face", "eyes") for unit in before.units)
    return walk.beside and not (walk.text(-1) == "behind" and (phrase.possessive or hidden))


def _lies_in_something(walk: Walk) -> bool:
    """Whether it is "a rack of coats": some other noun and "of" stand before."""
    before = walk.chunk(-2)
    if walk.text(-1) != "of" or not isinstance(before, Phrase) or before.noun is None:
        return False
    entry = before.noun.entry
    return not (before.person or before.garment or entry.body or entry.part)


def read_garment(walk: Walk, phrase: Phrase, garment: Garment) -> None:
    """A garment, with all that follows and is said of it."""
    if walk.shared is not None and not phrase.look.says_something() and not phrase.determiner:
        phrase.look.add(walk.shared)
    walk.shared = None
    if phrase.determiner and phrase.noun is not None and phrase.noun.text == "cloth":
        return  # "wiping the table with a cloth"
    if _is_its_part(walk, phrase, garment):
        return
    if _labels_the_next(walk, phrase, garment) or _names_again(walk, phrase, garment) or _is_where(walk, phrase):
        return
    item = new_item(walk, garment, phrase.look, phrase)
    _take_sleeves_before(walk, item)
    walk.items.append(item)
    walk.beside = False
    if walk.mark(-1, "be") and walk.text(-2) in ("so", "as"):  # "so are her shoes"
        item.look.add(walk.said)
        walk.shared = walk.said if walk.mark(1, "and") else None
    if walk.text(-1) == "as" and walk.mark(-3, "be") and walk.adjectives(-2):  # "is the same red as her shoes"
        item.look.add(walk.said)
    _shown_on(walk, item)
    _told_before(walk, item)
    _share_color(walk, item)
    read_after(walk, item)
    layer(walk, item)
    _take_back(walk, item)
    if not item.worn and item.covers_torso and [unit.text for unit in phrase.units[:-1]] == ["the"]:
        for before in walk.items[:-1]:  # "a blue coat ..., the coat is over his arm"
            before.worn &= before.phrase.noun_text != phrase.noun_text or before.owner != item.owner
    if walk.denial and not denial_goes_on(walk):
        walk.denial = ""
    if not walk.mark(1, "or", "and"):
        walk.hedge = 1.0


def _is_its_part(walk: Walk, phrase: Phrase, garment: Garment) -> bool:
    """Whether it is the top of "a grey tracksuit, its top unzipped"."""
    whole = walk.items[-1] if walk.items else None
    if phrase.possessive != "its" or phrase.look.says_something() or whole is None or len(whole.garment.means) == 1:
        return False
    return garment.covers_torso or set(garment.attributes) <= set(whole.attributes)


def _names_again(walk: Walk, phrase: Phrase, garment: Garment) -> bool:
    """In "a black jacket, and a t-shirt under jacket", the last word is the first garment."""
    bare = not (phrase.determiner or phrase.possessive or phrase.look.says_something())
    named = any(old.attributes == garment.attributes and old.owner == walk.owner for old in walk.items)
    under = walk.text(-1) in UNDER or phrase.units[0].text in UNDER
    if bare and phrase.units[-1].text in ("zip up", "zip-up") and walk.mark(-1, "comma") and walk.items:
        return walk.items[-1].attributes == ("Coat",)  # "jacket: dark, zip up"
    return bare and under and named


def _is_where(walk: Walk, phrase: Phrase) -> bool:
    """In "on the top she has on an orange shirt" it is no garment."""
    begins = walk.chunk(-2) is None or walk.mark(-2, "stop", "comma", "and")
    begins = begins or names_person(walk.chunk(-2)) or (bool(walk.items) and walk.items[-1].attributes == ("Hair",))
    on_top = [unit.text for unit in phrase.units] == ["the", "top"] and walk.text(-1) == "on" and begins
    return on_top and walk.mark(1, "pronoun", "wear", "have", "comma", "and")


def _take_back(walk: Walk, item: Item) -> None:
    """In "a black hoodie, correction: a green hoodie", the first is not worn."""
    if not walk.corrects():
        return
    for before in walk.items[: walk.corrected]:
        if before is not item and before.owner == item.owner and before.attributes == item.attributes:
            before.worn = False


def _take_sleeves_before(walk: Walk, item: Item) -> None:
    """In "no sleeves, blue top", the sleeves are the top's."""
    before = walk.items[-1] if walk.items else None
    if before is None or not walk.mark(-1, "comma") or walk.chunk(-2) is not before.phrase:
        return
    sleeves_alone = before.phrase.only_adjectives and bool(before.look.sleeve)
    if sleeves_alone and item.covers_torso and before.owner == item.owner and not item.look.sleeve:
        item.look.add(before.look)
        item.uses += before.uses
        walk.items.remove(before)


def _labels_the_next(walk: Walk, phrase: Phrase, garment: Garment) -> bool:
    """Whether it only announces what follows: "Shoes: white sneakers", "an outfit consisting of a shirt"."""
    ahead = 2 if walk.mark(1, "comma") and walk.text(2) in _CONSISTING else 1
    following = walk.garment_at(ahead + 1)
    if following is None or following.garment is None or phrase.look.says_something():
        return False
    stuff = following.noun is not None and following.noun.text in MATERIALS  # "a suit of grey cloth"
    consists = garment.attributive and walk.text(ahead) in _CONSISTING and not stuff
    label = walk.text(1) in (":", "?") and bool(set(garment.attributes) & set(following.garment.attributes))
    if consists or label:
        following.uses += phrase.uses
    return consists or label


def _share_color(walk: Walk, item: Item) -> None:
    """In "black pants and shirt", black is said of both."""
    following = walk.garment_at(2)
    if not (item.garment.main and item.look.colors and walk.mark(1, "and") and following is not None):
        return
    plain = len(following.units) == 1 and following.noun is not None and " " not in following.noun.text
    told = walk.mark(3, "relative")  # "khaki shorts and trousers that are grey"
    if following.garment is not None and following.garment.main and plain and not told:
        walk.shared = Look(colors=list(item.look.colors), either=item.look.either)


def _shown_on(walk: Walk, item: Item) -> None:
    """In "the number 10 on his jersey" and "stripes on the sleeves of his top", they are the garment's pattern."""
    part = walk.chunk(-2)
    on_part = walk.text(-1) == "of" and isinstance(part, Phrase) and part.noun and part.noun.entry.part
    back = -3 if on_part else -1
    before = walk.chunk(back - 1)
    if walk.text(back) == "on" and walk.text(back - 1).isdigit() and item.covers_torso:
        item.look.patterns += ("Letters",)  # "with a 9 on his jersey"
    if walk.text(back) in ("in", "through") and isinstance(before, Phrase) and before.streaks:
        item.look.add(before.look)  # "pink highlights in her hair"
    pinned = walk.text(back) == "to" and isinstance(before, Phrase) and before.units[-1].text in ("pinned", "attached")
    if not (pinned or walk.text(back) in ("on", "down", "along", "across")) or not isinstance(before, Phrase):
        return
    if before.only_adjectives and before.look.patterns:  # "white stripes": the noun is an adjective too
        item.look.add(before.look)
        item.uses += before.uses
    elif before.units[0].text == "#":
        item.look.patterns += ("Letters",)
    elif pinned and _is_number(before):
        item.look.patterns += ("Letters",)  # "with the number 482 pinned to her top"
    elif not before.only_adjectives and before.noun is not None and before.noun.entry.pattern_noun:
        item.look.patterns += before.noun.entry.pattern_noun
        item.look.add(Look(colors=[] if "Letters" in item.look.patterns else before.look.colors))
        item.uses.append(before.noun)


def _is_number(phrase: Phrase) -> bool:
    """Whether "a 7 pinned" or "the number 482 pinned" is nothing else."""
    named = any(unit.entry.pattern_noun == ("Letters",) for unit in phrase.units)
    digits = [unit for unit in phrase.units[:-1] if not unit.plays("determiner")]
    return named or (bool(digits) and all(unit.text.isdigit() for unit in digits))


def _told_before(walk: Walk, item: Item) -> None:
    """In "red is the color of his jacket", "black was her dress", "black his suit", the color stands before."""
    leading = walk.adjectives(-1)
    if leading is not None and item.phrase.possessive and walk.mark(-2, "comma", "and") and not item.look.colors:
        item.look.add(leading.look)  # "black his suit and burgundy his tie"
        item.uses += leading.uses
    said = walk.adjectives(-2)
    first = walk.chunk(-3) is None or walk.mark(-3, "comma", "stop") or walk.text(-3) in (";", ":", "and")
    definite = item.phrase.possessive or item.phrase.determiner == "the"
    if said is None or not (walk.mark(-1, "be") and first and definite and said.look.colors) or item.look.colors:
        return
    item.look.add(said.look)
    item.uses += said.uses
