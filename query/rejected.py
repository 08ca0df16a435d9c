"""Rejected: adjectives that are only named to be ruled out, "a brown rather than black jacket"."""

from collections.abc import Sequence

from query.units import Unit

_RATHER = frozenset({"rather than", "instead of", "not"})


def without_rejected(units: Sequence[Unit]) -> list[Unit]:
    """The units without "rather than black" of "a brown rather than black jacket", "a brown, not black, jacket"."""
    result: list[Unit] = []
    position = 0
    while position < len(units):
        behind = _behind_rejected(units, position)
        if behind == position:
            result.append(units[position])
            behind += 1
        position = behind
    return result


def _behind_rejected(units: Sequence[Unit], start: int) -> int:
    """Where the garment's other adjectives go on behind a color that is ruled out there; `start` where none is."""
    rather = start + units[start].plays("comma")
    if not start or not units[start - 1].entry.color or rather >= len(units) or units[rather].text not in _RATHER:
        return start
    color = next((at for at in range(rather + 1, len(units)) if not units[at].entry.shade), len(units))
    if color == len(units) or not units[color].entry.color:
        return start
    behind = color + 1
    if rather > start and behind < len(units) and units[behind].plays("comma"):
        behind += 1  # the comma that encloses it
    return behind if _leads_to_garment(units[behind:]) else start


def _leads_to_garment(units: Sequence[Unit]) -> bool:
    """Whether a garment follows, or adjectives and then a garment."""
    noun = next((unit for unit in units if unit.entry.garment or not unit.entry.modifies), None)
    return noun is not None and noun.entry.garment is not None
