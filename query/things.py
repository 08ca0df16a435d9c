"""Things: noun phrases that name no garment, and what they tell of one."""

from query.decoration import part_is, placed_pattern
from query.former import read_former
from query.garments import new_item, read_garment
from query.items import OTHER, SUBJECT
from query.lexicon import CLOTHING, some_garment
from query.phrases import Chunk, Look, Phrase, names_body, names_person
from query.postmodifiers import read_after
from query.units import Unit
from query.walk import HIM, Walk

_UPPER = some_garment("UpperClothes")
_HAIR = some_garment("Hair")
_HAT = some_garment("Hat")
_BANDS = frozenset({"sweatband", "sweatbands", "sweat band", "sweat bands"})
_BROW = frozenset({"head", "heads", "forehead", "foreheads", "brow"})
_PETS = frozenset({"dog", "dogs", "puppy", "cat", "kitten", "poodle", "chihuahua", "pug"})
_ANIMALS = _PETS | {"horse", "horses", "pony", "puppies", "cats", "monkey", "elephant", "camel", "donkey", "goat"}
_EVERYONE = frozenset({"everyone", "everybody"})  # "everyone around him was in black"
_LYING = frozenset({"lies", "lie", "sits", "sleeps"})
_TOYS = frozenset({"rabbit", "teddy bear", "teddy", "stuffed animal", "snowman", "scarecrow"})


def read_thing(walk: Walk, phrase: Phrase) -> None:
    """A part, a pattern, a number worn; or somebody else who wears what follows."""
    if read_former(walk, phrase):
        return
    if phrase.streaks and not _hair_follows(walk):
        read_garment(walk, phrase, _HAIR)
    elif _sleeves_alone(walk, phrase):
        read_garment(walk, phrase, _UPPER)
    elif _band_on_the_head(walk, phrase):
        walk.at += 2
        read_garment(walk, phrase, _HAT)
    elif _everything_is(walk, phrase):
        pass
    elif _number_worn(walk, phrase):
        walk.items.append(new_item(walk, CLOTHING, Look(patterns=("Letters",)), phrase))
    elif phrase.noun is not None and phrase.noun.entry.part == "colored":
        part_is(walk, phrase.noun)
    placed_pattern(walk, phrase)
    if _is_somebody(walk, phrase):
        walk.subject_gender, walk.subject_noun = "any", phrase.noun_text
    if _takes_up_by_body(walk, phrase):
        walk.owner = SUBJECT
    if _wears_what_follows(walk, phrase):
        walk.owner, walk.governed = OTHER, True
        first = walk.chunk(-1) is None or walk.text(-2) == "one"
        walk.other_leads = first or walk.mark(-1, "comma", "stop") or walk.text(-1) == "("
    whole = walk.chunk(2) if phrase.noun_text == "rest" and walk.text(1) == "of" and walk.items else None
    rest = isinstance(whole, Phrase) and not (whole.garment or whole.possessive)
    others = (phrase.noun_text == "others" or rest) and walk.sentence_start
    if others or (phrase.noun_text in _EVERYONE and walk.text(2) in HIM):
        walk.owner, walk.other_leads = OTHER, True


def _is_somebody(walk: Walk, phrase: Phrase) -> bool:
    """Whether an unknown word that begins the sentence wears something: "a mime in a beret"."""
    begins = walk.at == 0 and phrase.determiner in ("a", "an", "the") and not walk.subject_gender
    unknown = phrase.noun is not None and phrase.noun.unknown and phrase.noun.text not in _ANIMALS
    return begins and unknown and (walk.text(1) == "in" or walk.mark(1, "wear")) and walk.garment_at(2) is not None


def _takes_up_by_body(walk: Walk, phrase: Phrase) -> bool:
    """Whether "her mouth" behind "on the shoulder of a man in a suit," can only be the described person's."""
    gender = {"his": "male", "her": "female"}.get(phrase.possessive, "")
    others = walk.owner == OTHER and walk.other_gender not in ("", "any", gender)
    begins = others and bool(gender) and walk.mark(-1, "comma") and names_body(phrase)
    return begins and walk.whose(phrase.possessive) == SUBJECT


def _wears_what_follows(walk: Walk, phrase: Phrase) -> bool:
    """In "the man and the chair with pants", the pants are the chair's; a dog in a sweater wears it."""
    if phrase.noun is None:
        return False
    beside_the_person = phrase.determiner == "the" and walk.mark(-1, "and") and walk.text(1) == "with"
    told = (walk.text(1) in ("in", "that", "which") and not names_body(walk.chunk(2))) or (
        walk.mark(1, "wear") and not walk.subject_gender
    )
    told = told or (walk.text(1) == "dressed in" and walk.text(-1) in _LYING)  # "in her arms lies a puppy dressed in"
    first = walk.begin() == 0 or (walk.text(-2), walk.text(-1)) == ("one", "of")
    behind = 3 if walk.mark(1, "beside") and walk.text(2) in HIM else 1  # "The dog beside her has a tartan coat"
    if first and phrase.noun.text in _ANIMALS and (walk.mark(behind, "wear", "have") or walk.mark(2, "wear")):
        return True  # "The horse has a long blonde mane", "one of the dogs is wearing a sweater"
    bracket = walk.text(-1) == "("  # "with poodles (the poodles have coats on)"
    told = told or ((walk.mark(-1, "comma") or bracket) and walk.mark(1, "wear", "have"))  # "dog, dog has a scarf"
    pets = phrase.noun.text in _PETS or (bracket and phrase.noun.text.removesuffix("s") in _PETS)
    pet = (pets and told) or (phrase.noun.text in _TOYS and walk.text(1) in ("that", "which", "with"))
    dressed = phrase.noun.text in _TOYS - {"rabbit"} and walk.text(1) == "in" and walk.garment_at(2) is not None
    return pet or dressed or (beside_the_person and not phrase.noun.entry.body)


def _everything_is(walk: Walk, phrase: Phrase) -> bool:
    """In "everything he wears is black", black is said of clothes that are not named."""
    ahead = 1
    while _is_word_or_person(walk.chunk(ahead)) and not walk.mark(ahead, "stop", "comma"):
        ahead += 1
    said = walk.adjectives(ahead)
    denied = walk.mark(ahead - 1, "negation")
    told = ahead == 1 or walk.mark(ahead - 1, "be") or walk.mark(ahead - 2, "be")  # "everything black but his hat"
    if phrase.noun is None or phrase.noun.text not in ("everything", "the rest") or said is None or not told:
        return False
    if walk.text(ahead + 1) == ":" and not denied:
        return _each_of_them_is(walk, said, ahead + 1)
    owner = walk.owner_told(1, walk.owner)
    walk.at += ahead
    walk.items.append(item := new_item(walk, CLOTHING, said.look, said))
    item.owner, item.negated = owner, item.negated or denied
    read_after(walk, item)
    return True


def _is_word_or_person(chunk: Chunk | None) -> bool:
    """Whether it may stand in "that this person has on is"."""
    return isinstance(chunk, Unit) or names_person(chunk)


def _each_of_them_is(walk: Walk, said: Phrase, ahead: int) -> bool:
    """In "everything is black: jacket, trousers and shoes", black is said of all that are named."""
    walk.at += ahead
    ahead = 1
    while (chunk := walk.chunk(ahead)) is not None and not walk.mark(ahead, "stop"):
        if isinstance(chunk, Phrase) and chunk.garment is not None and not chunk.look.colors:
            chunk.look.add(said.look)
            chunk.uses += said.uses
        ahead += 1
    return True


def _number_worn(walk: Walk, phrase: Phrase) -> bool:
    """Whether it is a player "wearing number 12"."""
    letters = phrase.noun is not None and (phrase.noun.entry.pattern_noun == ("Letters",) or phrase.noun.text == "#")
    digits = any(unit.text.strip("#").isdigit() for unit in phrase.units)
    on_a_garment = walk.text(1) == "on" and walk.garment_at(2) is not None
    return letters and digits and not on_a_garment and (walk.mark(-1, "wear") or walk.text(-1) == "in")


def _band_on_the_head(walk: Walk, phrase: Phrase) -> bool:
    """Whether it is "a sweatband round her head", not on a wrist."""
    place = walk.chunk(2)
    on_it = walk.text(1) in ("on", "round", "around", "across", "over")
    if phrase.noun is None or phrase.noun.text not in _BANDS or not on_it:
        return False
    return isinstance(place, Phrase) and place.noun is not None and place.noun.text in _BROW


def _hair_follows(walk: Walk) -> bool:
    """Whether the hair that streaks are in is named behind them."""
    hair = walk.garment_at(2)
    return hair is not None and hair.garment is not None and "Hair" in hair.garment.attributes


def _sleeves_alone(walk: Walk, phrase: Phrase) -> bool:
    """Whether it is "with blue sleeves" or "his sleeves are short" of somebody whose top is not named."""
    sleeves = phrase.noun is not None and phrase.noun.text in ("sleeve", "sleeves")
    if not sleeves or any(item.covers_torso for item in walk.items):
        return False
    told = walk.mark(1, "be") and walk.adjectives(2) is not None
    led = phrase.noun is not None and phrase.noun.text == "sleeves" and walk.text(-1) in ("with", "in", "has", "and")
    alone = walk.text(1) == "of" or walk.mark(-1, "comma")
    return told or (bool(phrase.look.colors) and (led or alone))
