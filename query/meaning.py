"""Meaning: the query tree of the garments that a sentence speaks of."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

from query.grammar import Reading
from query.items import SUBJECT, Item
from query.phrases import Look
from query.tree import Clause, Has, Not, Or, Query

_LARGE = {"large": ("Long/large",), "small": ("Short/small",)}
_KNEE_IS_SHORT = frozenset({"Pants", "Skirt"})
_LONG_AT_THE_WAIST = frozenset({"Hair", "Scarf", "Shoes", "Socks"})
_CARRIES_LARGE = frozenset({"Hat", "Glasses", "Scarf"})
_GENERIC = frozenset({"footwear", "headwear", "headgear"})
_SPORTS = frozenset(
    [
        "player",
        "players",
        "skier",
        "skiers",
        "batter",
        "catcher",
        "pitcher",
        "umpire",
        "referee",
        "goalie",
        "snowboarder",
        "skateboarder",
        "surfer",
        "runner",
        "golfer",
        "boxer",
        "athlete",
        "rider",
    ]
)


def garment_terms(reading: Reading) -> tuple[tuple[Query, ...], tuple[Item, ...]]:
    """Terms for what the described person wears, and the items that are left out (other people's, or not worn)."""
    mine = [item for item in reading.items if item.owner == SUBJECT and item.worn and not _bare_chin(item)]
    ignored = tuple(item for item in reading.items if all(item is not other for other in mine))
    terms: list[Query] = []
    kept = _merged(mine)
    _share_between_alternatives(kept)
    for item in kept:
        new = _terms(item, sporty=reading.gender == "male" or reading.person in _SPORTS)
        if item.alternative and terms and len(new) == 1 and not item.negated:
            terms[-1] = _either(terms[-1], new[0])
        else:
            terms += [term for term in new if term not in terms or not item.negated]  # "without a cap, so no cap"
    return tuple(terms), ignored


def _bare_chin(item: Item) -> bool:
    """Whether it is "no beard": the labels know hair, and hair on the head would contradict its denial."""
    return item.garment.facial and item.negated


def _share_between_alternatives(items: list[Item]) -> None:
    """In "a red jacket or coat" and "a jacket or coat, brown", the look is said of both."""
    for first, second in pairwise(items):
        either = first.phrase.determiner == "either"
        kinds = (
            either
            or (first.attributes == second.attributes != ("Hair",))
            or (first.garment.main and second.garment.main)
        )
        doubted = second.weight < 1  # "a tan jacket, or possibly a heavy shirt"
        doubted = doubted and first.look.says_something()
        akin = kinds and second.alternative and (doubted or either or not second.phrase.determiner)
        if akin and first.look.says_something() != second.look.says_something():
            first.look = second.look = first.look if first.look.says_something() else second.look


def _merged(items: Iterable[Item]) -> list[Item]:
    """Items with what is said of one thing in two places put together."""
    kept: list[Item] = []
    for item in items:
        earlier = next((old for old in reversed(kept) if _same_thing(old, item)), None)
        if earlier is None:
            kept.append(item)
        else:
            earlier.look.add(_whole_look(item))
            earlier.uses += item.uses
    return kept


def _same_thing(old: Item, new: Item) -> bool:
    """Whether the second item says more of the first: head hair, or a garment taken up again."""
    if _is_part_of_suit(old, new):
        return True
    if old.attributes != new.attributes or old.negated != new.negated or old.garment.facial != new.garment.facial:
        return False
    if new.alternative or old.garment.facial or len(new.garment.means) != len(old.garment.means):
        return False
    hair = new.attributes == ("Hair",)
    implied = new.garment.means[0].has.size
    if implied and implied != old.garment.means[0].has.size and not hair:
        return False  # "long johns under his jean shorts"
    definite = new.phrase.determiner in ("the", "this")
    says_more = new.sentence > old.sentence or not new.look.says_something()  # "goggles resting on her beanie"
    taken_up = definite or (says_more and bool(new.phrase.possessive))
    same_word = (
        old.phrase.noun is not None and new.phrase.noun is not None and old.phrase.noun.text == new.phrase.noun.text
    )
    generic = old.plain and old.phrase.noun is not None and old.phrase.noun.text in _GENERIC
    if generic and not old.look.says_something():
        return True  # "as for his footwear, he has on brown shoes"
    one_says = not (old.look.says_something() and new.look.says_something())
    if not new.phrase.determiner and same_word and new.sentence > old.sentence and one_says:
        return True  # "trilby and trench coat. Trench coat beige"
    if taken_up and new.plain and same_word and new.sentence > old.sentence:
        return True  # "navy joggers. The joggers have a white stripe"
    return (hair or taken_up) and not _conflict(_whole_look(old), _whole_look(new))


def _is_part_of_suit(old: Item, new: Item) -> bool:
    """Whether it is "the jacket" of a pantsuit named before."""
    part = new.phrase.determiner == "the" and not new.look.says_something() and not new.negated
    one_of_several = len(old.garment.means) > 1 and len(new.garment.means) == 1
    return part and one_of_several and set(new.attributes) < set(old.attributes)


def _whole_look(item: Item) -> Look:
    """What is said of the item, with what its noun implies."""
    has = item.garment.means[0].has
    look = Look(list(item.look.colors), item.look.either, item.look.size, item.look.sleeve, item.look.length)
    look.patterns = item.look.patterns
    if item.attributes == ("Hair",):
        look.size = look.size or has.size or (("Long/large",) if look.length == "shoulder" else ())
        if has.color and not look.colors:
            look.colors = [has.color]
    return look


def _conflict(one: Look, other: Look) -> bool:
    """Whether both name a color, or both a size: then they are two things."""
    colors = bool(one.colors and other.colors and one.colors != other.colors)
    sizes = bool(one.size and other.size and one.size != other.size)
    return colors or sizes


def _terms(item: Item, *, sporty: bool) -> list[Query]:
    """The item's clauses; what it is not becomes a denied clause of its own."""
    parts = [_characterized(item, index, item.look) for index in range(len(item.garment.means))]
    if sporty and [part.attribute for part in parts] == [("UpperClothes",), ("Skirt",)]:
        parts = [
            replace(parts[0], attribute=("UpperClothes", "Coat")),
            replace(parts[1], attribute=("Skirt", "Pants")),
        ]
    negated = [item.negated != clause.negated for clause in item.garment.means]
    terms: list[Query] = [Not(part) if no else part for part, no in zip(parts, negated, strict=True)]
    if item.denied is not None:
        terms += [Not(_characterized(item, index, item.denied)) for index in range(len(parts))]
    return terms


def _characterized(item: Item, index: int, look: Look) -> Has:
    clause: Clause = item.garment.means[index]
    has = clause.has
    attribute = has.attribute
    if item.layered:
        attribute = ("UpperClothes", "Coat") if attribute == ("UpperClothes",) else ("Coat", "UpperClothes")
    if set(attribute) & {"Arms", "Legs", "Face", "Torso-skin"}:
        return replace(has, weight=item.weight)
    return Has(
        attribute,
        () if item.garment.facial else _size(item, index, look),
        tuple(dict.fromkeys(look.patterns)) or has.pattern,
        _color(attribute, look) or has.color,
        item.weight,
    )


def _color(attribute: tuple[str, ...], look: Look) -> tuple[str, ...]:
    """Acceptable colors; red hair may be seen as orange."""
    labels = look.color_labels()
    return ("Red", "Orange") if attribute == ("Hair",) and labels == ("Red",) else labels


def _size(item: Item, index: int, look: Look) -> tuple[str, ...]:
    """The size of one part: sleeves belong to the upper one, length to the lower one."""
    has = item.garment.means[index].has
    several = len(item.garment.means) > 1
    torso = bool({"UpperClothes", "Coat"} & set(has.attribute))
    if look.sleeve and torso:
        return look.sleeve
    if several and (torso or "Coat" in item.attributes):
        return has.size
    if has.attribute == ("Pants",) and has.size == ("Short/small",):
        return has.size  # "long shorts" are shorts
    size = () if look.size == ("Sparse/bald",) and has.attribute != ("Hair",) else look.size
    return size or _length(has.attribute, look.length) or has.size


def _length(attribute: tuple[str, ...], length: str) -> tuple[str, ...]:
    """The size that a length means on this garment."""
    if length in _LARGE:
        return _LARGE[length] if set(attribute) & _CARRIES_LARGE else ()
    if length == "shoulder":
        return ("Long/large",) if attribute == ("Hair",) else ()
    if length == "waist":
        return ("Long/large",) if set(attribute) & _LONG_AT_THE_WAIST else ("Short/small",)
    if length == "high":
        return ("Long/large",) if attribute == ("Socks",) else ()
    if length == "knee":
        return ("Short/small",) if set(attribute) & _KNEE_IS_SHORT else ("Long/large",)
    return ()


def _look_alike(first: Has, second: Has) -> bool:
    """Whether at most the attribute differs, and how sure it is."""
    one, other = ((has.size, has.pattern, has.color) for has in (first, second))
    return one == other


def _either(first: Query, second: Query) -> Query:
    """Two alternatives as one clause where only the attribute differs, as Or otherwise."""
    if isinstance(first, Has) and isinstance(second, Has) and first == replace(second, weight=first.weight):
        return first  # "black trousers, or possibly black leggings"
    if isinstance(first, Has) and isinstance(second, Has) and _look_alike(first, second):
        return replace(first, attribute=tuple(dict.fromkeys(first.attribute + second.attribute)))
    return Or((*first.terms, second)) if isinstance(first, Or) else Or((first, second))
