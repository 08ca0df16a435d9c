"""Telegrams: lists without any other word, in which each garment comes before what is said of it."""

from collections.abc import Sequence
from dataclasses import replace

from query.lexicon import NOTHING
from query.units import Unit

_LEADING = frozenset({"in", "with", "wearing", "wears", "has"})
_JOINING = frozenset({"and", "&", "/", "-"})
_COMMA = replace(NOTHING, roles=frozenset({"comma"}))

_Told = list[list[Unit]]  # each a garment, and its adjectives behind it


def adjectives_first(units: Sequence[Unit]) -> list[Unit]:
    """The units with "jacket red jeans blue" put as "red jacket, blue jeans"; "jeans blue shirt" stays as it is."""
    result: list[Unit] = []
    position = 0
    while position < len(units):
        told = _read_list(units, position) if _begins(units, position) else []
        for garment, *adjectives in told:
            comma = Unit(",", adjectives[-1].end, adjectives[-1].end, _COMMA)
            result += [*adjectives, garment, comma]
        if told:
            result.pop()
        else:
            result.append(units[position])
        position += sum(map(len, told)) or 1
    return result


def _read_list(units: Sequence[Unit], start: int) -> _Told:
    """The list that begins there, [] where none does; each of two or more garments has a look behind it."""
    told: _Told = []
    position = start
    while position < len(units) and (_is_noun(units, position) or (told and _is_of_look(units, position))):
        if _is_noun(units, position):
            told.append([])
        told[-1].append(units[position])
        position += 1
    ends = position == len(units) or any(units[position].plays(role) for role in ("stop", "comma", "negation"))
    if ends and len(told) > 1 and len(told[-1]) == 1 and position < len(units):
        told.pop()  # "hat red coat no"
    looks = [any(_shows(unit) for unit in adjectives) for _, *adjectives in told]
    return told if ends and len(told) > 1 and all(looks) and _shows(told[-1][-1]) else []


def _begins(units: Sequence[Unit], position: int) -> bool:
    """Whether a list may begin there: nothing stands before that could be said of the first garment."""
    before = units[position - 1] if position else None
    apart = before is None or before.plays("stop") or before.plays("comma") or before.text in _LEADING
    return apart or (before is not None and bool(before.entry.person))


def _is_noun(units: Sequence[Unit], position: int) -> bool:
    """Whether something may be said of it behind it: "dress green", "umbrella red", not "denim jacket"."""
    entry = units[position].entry
    told = not entry.modifies or (position + 1 < len(units) and _shows(units[position + 1]))
    garment = entry.garment is not None and not entry.garment.trait
    return (garment or entry.object) and told


def _is_of_look(units: Sequence[Unit], position: int) -> bool:
    """Whether it is an adjective, or stands between two: "black and white"."""
    unit = units[position]
    following = units[position + 1] if position + 1 < len(units) else None
    between = unit.text in _JOINING and _shows(units[position - 1]) and following is not None and _shows(following)
    return unit.entry.modifies or _shows(unit) or between


def _shows(unit: Unit) -> bool:
    """Whether it tells a color, pattern or size."""
    entry = unit.entry
    trait = entry.garment is not None and entry.garment.trait
    return bool(entry.color or entry.pattern or entry.size or entry.shade) or trait
