"""Palettes: the main colors of everybody's garments as columns, for queries that ask a free color.

Derived from the index when the first such query of a revision comes, and kept in its own file, so that other queries
carry no weight of it. A shade is one uint32: its cell of `parsing.palette` in the upper bits, its share in the lower 8.
"""

import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from index.descriptor import CHARACTERIZED_GROUPS
from index.disk import writing
from index.files import remove_stale, reserve, revision_path
from parsing.labels import ATTRIBUTES, group_of
from parsing.palette import SHADES, Shade

Shades = NDArray[np.uint32]

_SHARE_BITS = 8
_SHARE = (1 << _SHARE_BITS) - 1
_BLOCK = 1 << 16  # people whose palettes are read at a time
_PAIR = 2 * SHADES  # a left and a right shoe
_WIDTHS = {group: _PAIR if group == "Shoes" else SHADES for group in CHARACTERIZED_GROUPS}
_STARTS = dict(zip(_WIDTHS, np.cumsum([0, *_WIDTHS.values()])[:-1].tolist(), strict=True))
COLUMNS = sum(_WIDTHS.values())


class People(Protocol):
    """Where palettes come from: the index of people."""

    def revision(self) -> object:
        """Another value after every change of the people."""

    def derived_folder(self) -> Path:
        """Where files computed from the people belong."""

    def palettes(self, person_ids: NDArray[np.int64]) -> Iterable[tuple[int, int, bytes]]:
        """Person id, attribute id and packed palette of every garment of these people, in any order."""


def pack(palette: Iterable[Shade]) -> bytes:
    """A palette as it lies in the store."""
    return np.array([shade.cell << _SHARE_BITS | shade.share for shade in palette], "<u4").tobytes()


def unpack(stored: bytes) -> tuple[Shade, ...]:
    """The palette that `pack` stored."""
    shades = struct.unpack(f"<{len(stored) // 4}I", stored)
    return tuple([Shade(shade >> _SHARE_BITS, shade & _SHARE) for shade in shades])


def split(shades: Shades) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Cells and shares of packed shades, both of the same shape."""
    return shades >> np.uint32(_SHARE_BITS), shades & np.uint32(_SHARE)


class Palettes:
    """Everybody's shades, with room for people who are added.

    Args:
        shades: (COLUMNS, people there is room for) packed, 0 is no shade; this object alone writes to it.
        known: how many people's stand there.
    """

    def __init__(self, shades: Shades, known: int) -> None:
        self._shades = shades
        self._known = known

    def of(self, people: People, person_ids: NDArray[np.int64]) -> Shades:
        """Shades (COLUMNS, N) of the people known and of those added since, ids ascending; the latter are read.

        Whoever has been deleted since has no shades.
        """
        if (missing := len(person_ids) - self._shades.shape[1]) > 0:  # another process left less room
            self._shades = np.pad(self._shades, ((0, 0), (0, missing)))
        _fill(self._shades, people, person_ids, self._known)
        self._known = max(self._known, len(person_ids))
        shades = self._shades[:, : len(person_ids)]
        shades.flags.writeable = False
        return shades


def open_palettes(people: People, revision: str, person_ids: NDArray[np.int64], capacity: int) -> Palettes:
    """Memory-mapped palettes of everybody of a revision, ids ascending, with room for so many in all.

    The revision's file is made if it is missing, and stale ones are removed.

    Raises:
        DiskError: no space, or no right to write.
    """
    path = revision_path(people.derived_folder(), "palettes", revision, ".npy")
    try:
        shades: Shades = np.load(path, mmap_mode="c")
    except FileNotFoundError:
        shades = _write(path, people, person_ids, capacity)
        remove_stale(path, people.revision)
    return Palettes(shades, len(person_ids))


def rows_of(group: str) -> slice:
    """The columns of a group's shades."""
    return slice(_STARTS[group], _STARTS[group] + _WIDTHS[group])


def _write(path: Path, people: People, person_ids: NDArray[np.int64], capacity: int) -> Shades:
    """The shades as written and mapped; no file stays if another process removes the folder meanwhile."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            written = open_memmap(temporary, mode="w+", dtype=np.uint32, shape=(COLUMNS, capacity))
            with temporary.open("rb+") as file:
                reserve(file.fileno(), temporary.stat().st_size)
            _fill(written, people, person_ids, 0)
            written.flush()
            shades: Shades = np.load(temporary, mmap_mode="c")
            with suppress(FileNotFoundError):
                temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    return shades


def _fill(shades: Shades, people: People, person_ids: NDArray[np.int64], known: int) -> None:
    """Write the shades of all but the first `known` people where they belong."""
    for start in range(known, len(person_ids), _BLOCK):
        ids = person_ids[start : start + _BLOCK]
        for row, column, stored in _placed(people, ids):
            shades[column : column + len(stored), start + row] = stored


def _placed(people: People, ids: NDArray[np.int64]) -> Iterator[tuple[int, int, Shades]]:
    """Row among `ids`, first column and shades of each garment; the right shoe's stand behind the left one's."""
    for person_id, attribute_id, packed in people.palettes(ids):
        attribute = ATTRIBUTES[attribute_id - 1]
        column = _STARTS[group_of(attribute)] + (SHADES if attribute == "R-shoe" else 0)
        yield int(np.searchsorted(ids, person_id)), column, np.frombuffer(packed, "<u4")
