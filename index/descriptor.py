"""Descriptor: a person as one vector of log-probabilities, the only place that lays it out.

One slot after the other, in the order of `labels.ATTRIBUTE_GROUPS`. Every slot begins with two numbers:

    log P(seen), log P(visibly absent)

What is neither is *unknown* (a head outside the picture may wear a hat). A slot of clothes or hair goes on with 20
more, given that it is seen, in the order of `labels.LABELS`:

    4 log P(size | seen), 4 log P(pattern | seen), 12 log P(color | seen)

Skin, face and limbs have no characteristics, so their slots end after two. All numbers lie in [log FLOOR, 0].
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from parsing.labels import ATTRIBUTE_GROUPS, CHARACTERISTICS, CHARACTERIZED, LABELS, members
from parsing.records import CharacterizedAttribute, Person

Floats = NDArray[np.floating]
Flags = NDArray[np.bool_]
_Weighted = tuple[CharacterizedAttribute, float]

FLOOR = 1e-3  # of every probability, so that one clause that fails does not outweigh all others
UNKNOWN_SEEN = 0.05  # what "it is there" is worth where nobody can tell: more than visibly absent, less than seen
UNKNOWN_ABSENT = 0.2  # the same for "it is not there"
PRESENCE = ("seen", "absent")  # the labels of task `attribute` in `column`

CHARACTERIZED_GROUPS = tuple(group for group in ATTRIBUTE_GROUPS if members(group)[0] in CHARACTERIZED)

_HEAD = ("Face", "Hair")
_UPPER_BODY = ("UpperClothes", "Coat", "Torso-skin", "Arms")
_LOWER_BODY = ("Pants", "Skirt", "Legs", "Shoes", "Socks")
# Whoever shows one of these shows the place where the group would be, if it were there.
WITNESSES: Mapping[str, tuple[str, ...]] = {
    "Hat": _HEAD,
    "Hair": ("Face", "Hat"),
    "Glove": ("Arms",),
    "Glasses": ("Face",),  # from behind, nobody can tell
    "UpperClothes": ("Torso-skin", "Arms"),
    "Mask": ("Face",),
    "Coat": _UPPER_BODY,
    "Socks": _LOWER_BODY,
    "Pants": _LOWER_BODY,
    "Torso-skin": _UPPER_BODY,
    "Scarf": (*_UPPER_BODY, "Face"),
    "Skirt": _LOWER_BODY,
    "Face": ("Hair", "Hat"),
    "Arms": _UPPER_BODY,
    "Legs": _LOWER_BODY,
    "Shoes": _LOWER_BODY,
}
_FEET = ("Shoes", "Socks")  # absent only where the picture does not end above them
_COVER: Mapping[str, str] = {"UpperClothes": "Coat"}  # a closed coat hides what is under it
# Of these, one is easily taken for the other, so its pixels say something about the other's color too.
_TAKEN_FOR: Mapping[str, str] = {"Pants": "Skirt", "Skirt": "Pants"}
_STAND_IN = 0.3  # what such a pixel counts; chosen on the calibration photographs
_EDGE = 0.01  # of the image's height: a box that ends nearer to its bottom is cut off by it

# An undetermined size is neither true nor false: its mass is spread like this over the sizes.
_NEUTRAL_SIZE = np.array([0.5, 0.5, 0.0, 0.0])
_NEUTRAL_HAIR_SIZE = np.array([0.45, 0.45, 0.0, 0.1])
_UNDETERMINED = LABELS["size"].index("Undetermined")
NOTHING_KNOWN: Mapping[str, NDArray[np.float64]] = {
    "size": np.eye(len(LABELS["size"]))[_UNDETERMINED],
    "pattern": np.full(len(LABELS["pattern"]), 1 / len(LABELS["pattern"])),
    "color": np.full(len(LABELS["color"]), 1 / len(LABELS["color"])),
}

# Of every float16, by its bits: to look a probability up costs less than to reckon it.
_LOGARITHMS = np.arange(1 << 16).astype(np.uint16).view(np.float16).astype(np.float32)
PROBABILITIES: NDArray[np.float32] = np.exp(np.nan_to_num(_LOGARITHMS).clip(-np.inf, 0))


def _slot_keys(group: str) -> list[tuple[str, str, str]]:
    tasks: dict[str, tuple[str, ...]] = {"attribute": PRESENCE}
    if group in CHARACTERIZED_GROUPS:
        tasks |= {task: LABELS[task] for task in CHARACTERISTICS}
    return [(group, task, label) for task, labels in tasks.items() for label in labels]


_KEYS = [key for group in ATTRIBUTE_GROUPS for key in _slot_keys(group)]
_COLUMNS = {key: position for position, key in enumerate(_KEYS)}
_SLOT_SIZES = {group: len(_slot_keys(group)) for group in ATTRIBUTE_GROUPS}
DIMENSIONS = len(_KEYS)


def column(group: str, task: str, label: str) -> int:
    """The dimension of one log P: `column("Coat", "color", "Red")`, `column("Hat", "attribute", "seen")`.

    Raises:
        ValueError: the layout has no such dimension.
    """
    if (group, task, label) not in _COLUMNS:
        raise ValueError(f"the descriptor has no {task} {label!r} of {group!r}; see index/descriptor.py for its layout")
    return _COLUMNS[group, task, label]


def slot(group: str) -> slice:
    """All dimensions of one attribute group.

    Raises:
        ValueError: the layout has no such group.
    """
    first = column(group, "attribute", "seen")
    return slice(first, first + _SLOT_SIZES[group])


def encode(person: Person) -> NDArray[np.float32]:
    """The person's descriptor, (DIMENSIONS,), in the layout of this module."""
    found = {group: np.array([_probability_seen(group, person)]) for group in ATTRIBUTE_GROUPS}
    looks = {group: _looks(group, person) for group in CHARACTERIZED_GROUPS}
    descriptor: NDArray[np.float32] = encode_many(found, looks, np.array([_cut_at_bottom(person)]))[0]
    return descriptor


def encode_many(found: Mapping[str, Floats], looks: Mapping[str, Sequence[Floats]], cut: Flags) -> NDArray[np.float32]:
    """Descriptors of N people, (N, DIMENSIONS).

    Args:
        found: for each attribute group, (N,) P(the parser sees it).
        looks: for each group with characteristics, P(size), P(pattern) and P(color) of what is seen, (N, labels) each.
        cut: (N,), whether the picture ends above the person's feet.
    """
    seen, absent = presence(found, cut)
    parts: list[Floats] = []
    for group in ATTRIBUTE_GROUPS:
        parts.append(np.stack([seen[group], absent[group]], axis=1))
        if group in CHARACTERIZED_GROUPS:
            size, pattern, color = looks[group]
            neutral = _NEUTRAL_HAIR_SIZE if group == "Hair" else _NEUTRAL_SIZE
            parts += [size + size[:, _UNDETERMINED, None] * neutral, pattern, color]
    probabilities = np.concatenate(parts, axis=1, dtype=np.float32)
    np.clip(probabilities, FLOOR, 1.0, out=probabilities)
    return np.log(probabilities, out=probabilities)


def presence(found: Mapping[str, Floats], cut: Flags) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """For each attribute group P(seen) and P(visibly absent), (N,); what they lack to 1 is mostly unknown.

    Unknown mass counts a little as seen (`UNKNOWN_SEEN`) and a little as absent (`UNKNOWN_ABSENT`), so that
    whoever cannot be judged ranks between those who have the thing and those who have not.
    """
    seen: dict[str, Floats] = {}
    absent: dict[str, Floats] = {}
    for group in ATTRIBUTE_GROUPS:
        missing = _probability_missing(group, found, cut)
        unknown = 1 - found[group] - missing
        seen[group] = found[group] + unknown * UNKNOWN_SEEN
        absent[group] = missing + unknown * UNKNOWN_ABSENT
    return seen, absent


def _probability_seen(group: str, person: Person) -> float:
    """Calibrated presence where the person has it, else the confidence of the pixels won; of a pair, the surer side."""
    scores = {record.attribute: record.score for record in person.attributes}
    sides = [person.presence.get(attribute, scores.get(attribute, 0.0)) for attribute in members(group)]
    return min(max(0.0, *sides), 1.0)


def _probability_missing(group: str, found: Mapping[str, Floats], cut: Flags) -> Floats:
    """P(its place is in the picture, and it is not there)."""
    in_sight = np.maximum.reduce([found[witness] for witness in WITNESSES[group]])
    if group in _FEET:
        in_sight = np.where(cut, 0.0, in_sight)
    if group in _COVER:
        in_sight = in_sight * (1 - found[_COVER[group]])
    missing: Floats = in_sight * (1 - found[group])
    return missing


def _cut_at_bottom(person: Person) -> bool:
    height = person.mask.height
    return person.box_xyxy[3] >= height * (1 - _EDGE)


def _looks(group: str, person: Person) -> list[Floats]:
    """P(size | seen), P(pattern | seen), P(color | seen), (1, labels) each; left and right joined by their area."""
    records: list[_Weighted] = [(record, max(record.area, 1)) for record in _records(group, person)]
    stand_ins = _records(_TAKEN_FOR[group], person) if group in _TAKEN_FOR else []
    others = [(record, max(record.area, 1) * _STAND_IN) for record in stand_ins]
    return [_merged(records + others if task == "color" else records, task)[None] for task in CHARACTERISTICS]


def _records(group: str, person: Person) -> list[CharacterizedAttribute]:
    return [record for record in person.attributes if record.attribute in members(group)]


def _merged(records: Sequence[_Weighted], task: str) -> NDArray[np.float64]:
    """The records' probabilities, averaged with their weights; nothing known where there is no record."""
    known = [(record.probabilities[task], weight) for record, weight in records if record.probabilities.get(task)]
    if not known:
        return NOTHING_KNOWN[task]
    probabilities, weights = zip(*known, strict=True)
    return np.average(probabilities, axis=0, weights=weights)


def bits_of(logarithms: NDArray[np.floating]) -> NDArray[np.uint16]:
    """Where PROBABILITIES has those of logarithms: their bits as float16, of the same shape."""
    return np.ascontiguousarray(logarithms, np.float16).view(np.uint16)


def winners(descriptors: NDArray[np.floating]) -> NDArray[np.bool_]:
    """What hard labels would say, (N, DIMENSIONS).

    Seen or absent where it is likelier than not; if seen, of each characteristic the likeliest label alone, which may
    be Undetermined.
    """
    probabilities = PROBABILITIES[bits_of(descriptors.T)]
    chosen = np.zeros(probabilities.shape, bool)  # (DIMENSIONS, N)
    for group in ATTRIBUTE_GROUPS:
        seen, absent = (column(group, "attribute", label) for label in PRESENCE)
        chosen[[seen, absent]] = probabilities[[seen, absent]] > 0.5
        for task in CHARACTERISTICS if group in CHARACTERIZED_GROUPS else ():
            part = slice(first := column(group, task, LABELS[task][0]), first + len(LABELS[task]))
            best = _likeliest(probabilities[part], group, task)
            chosen[part] = (best == np.arange(len(LABELS[task]))[:, None]) & chosen[seen]
    return chosen.T


def _likeliest(probabilities: NDArray[np.float32], group: str, task: str) -> NDArray[np.intp]:
    """Index of the label that the parser gave the most, (N,), before the undetermined size was spread."""
    if task == "size":
        neutral = _NEUTRAL_HAIR_SIZE if group == "Hair" else _NEUTRAL_SIZE
        probabilities = probabilities - probabilities[_UNDETERMINED] * neutral[:, None].astype(np.float32)
    highest, best = probabilities[0].copy(), np.zeros(probabilities.shape[1], np.intp)
    for position, row in enumerate(probabilities[1:], start=1):  # an argmax over few rows of many people
        best[row > highest] = position
        np.maximum(highest, row, out=highest)
    return best
