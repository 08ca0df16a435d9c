"""Columns: all descriptors of a revision on disk, dimension by dimension, for a search that reads few of them.

Derived from the index and rebuilt from it when the file is missing, stale or damaged. One file holds:

    magic, header length, header checksum | header (JSON) | sections, each at a multiple of 64 bytes

A described search multiplies and adds probabilities, so columns hold these, not their logarithms: `codes` are P x 60000
as uint16, which costs half a per cent at the descriptor's floor and no logarithm at search time. `bits` are the
winning labels, packed, for counts. Rows are sorted by person id. A file is written aside, synced and renamed, one name
per revision, so that a reader's memory map never changes under it. It is read in one snapshot of the index, and mapped
before it gets its name, so that neither a writer nor another process that removes files can make a build fail.

Every file has room for more people than it holds. As long as people are only added to the index, whoever is new is
written into that room of the own map, which is private: it costs as much as there is new, and the file stays as it is.
When the room is used up, a file with more of it is written, and only the new people are read for it.
"""

import json
import logging
import mmap
import os
import struct
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, Self
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from index.database import retried
from index.descriptor import DIMENSIONS, FLOOR, PROBABILITIES, bits_of, winners
from index.disk import writing
from index.files import Changing, flush, leads_to_now, numbers, remove_stale, reserve, revision_path
from index.palettes import Palettes
from parsing.labels import ATTRIBUTE_GROUPS, LABELS

LOGGER = logging.getLogger(__name__)
SCALE = 60_000  # code of probability 1
NO_TIME = np.datetime64("NaT", "s")

_MAGIC = b"SIGCOL02"
_PREFIX = struct.Struct("<8sQI")
_ALIGNMENT = 64
_BLOCK = 1 << 16  # people that are transposed at a time
_ROOM = 8  # for one in so many people, there is room for another
_LEAST_ROOM = 256  # people
_ROOM_FOR_GALLERIES = 8
_LAG = 64  # a file that lacks one in so many people is written anew by the process that opens it
_NO_RESERVE = 0x4000 if sys.platform == "linux" else 0  # MAP_NORESERVE: pages that are never written need no swap
_CODES = np.rint(PROBABILITIES * SCALE).astype(np.uint16)  # of every float16
_LAYOUT = f"{DIMENSIONS}x{SCALE}/{FLOOR}/{zlib.crc32(repr((ATTRIBUTE_GROUPS, LABELS)).encode()):08x}"


class ColumnsError(Exception):
    """A column file cannot be used; it can be rebuilt from the index."""


class ColumnsMissingError(ColumnsError):
    """There is no column file of this revision yet."""


@dataclass(frozen=True)
class Facts:
    """What is known of the images that people were seen in, one entry per person.

    Args:
        image_ids: (N,) int64.
        captured_at: (N,) datetime64[s], the camera's local time; NaT where unknown.
        camera: (N,) int32 position in `camera_names`; -1 where unknown.
        people: (N,) int32, how many people the image shows.
        galleries: for every gallery (N,) bool, whether the image lies in it.
    """

    image_ids: NDArray[np.int64]
    captured_at: NDArray[np.datetime64]
    camera: NDArray[np.int32]
    camera_names: tuple[str, ...]
    people: NDArray[np.int32]
    galleries: Mapping[str, NDArray[np.bool_]]

    def take(self, rows: NDArray[np.intp]) -> "Facts":
        """The facts of some people, in the order of `rows`."""
        return Facts(
            self.image_ids[rows],
            self.captured_at[rows],
            self.camera[rows],
            self.camera_names,
            self.people[rows],
            {name: inside[rows] for name, inside in self.galleries.items()},
        )


class People(Changing, Protocol):
    """Where columns come from: the index of people."""

    def derived_folder(self) -> Path:
        """Where files computed from the people belong."""

    def snapshot(self) -> AbstractContextManager["People"]:
        """The people as they are now, whatever changes meanwhile."""

    def person_ids(self, *, above: int = 0) -> NDArray[np.int64]:
        """Everybody whose id is greater than `above`, (N,), ascending."""

    def descriptor_blocks(self, person_ids: NDArray[np.int64], size: int) -> Iterator[NDArray[np.float16]]:
        """Descriptors of these people in their order, `size` rows at a time, (n, DIMENSIONS).

        Raises:
            LookupError: somebody has been deleted meanwhile.
        """

    def facts(self, person_ids: NDArray[np.int64]) -> Facts:
        """Of the images that these people were seen in, in their order.

        Raises:
            LookupError: somebody has been deleted meanwhile.
        """


@dataclass(frozen=True)
class Rows:
    """People as rows of a store, from one row on.

    Args:
        start: the first row, a multiple of 8.
        person_ids: (n,) ascending.
        facts: of their images, in their order.
        blocks: their descriptors in the same order, each (m, DIMENSIONS) with m a multiple of 8 except in the last.
    """

    start: int
    person_ids: NDArray[np.int64]
    facts: Facts
    blocks: Iterable[NDArray[np.floating]]

    @property
    def end(self) -> int:
        """The row behind the last."""
        return self.start + len(self.person_ids)


class ColumnStore:
    """The open, memory-mapped columns of one revision.

    `codes` is (DIMENSIONS, N) uint16, probabilities x SCALE; `bits` is (DIMENSIONS, words x 8) uint8, winning labels in
    `np.packbits` order, in whole 64-bit words; what stands behind the last person means nothing. `shades` are
    everybody's, of `palettes`, which stores that continue each other share; None unless somebody has opened them.
    """

    palettes: Palettes | None = None
    shades: NDArray[np.uint32] | None = None

    def __init__(self, header: Mapping[str, Any], sections: Mapping[str, NDArray[Any]]) -> None:
        self.revision = str(header["revision"])
        self.count = int(header["count"])
        self.camera_names: tuple[str, ...] = tuple(header["camera_names"])
        self.gallery_names: tuple[str, ...] = tuple(header["gallery_names"])
        self._header, self._sections = header, sections
        self.person_ids: NDArray[np.int64] = self._section("person_ids", self.count)
        self.image_ids: NDArray[np.int64] = self._section("image_ids", self.count)
        self.captured_at: NDArray[np.datetime64] = self._section("captured_at", self.count).view("datetime64[s]")
        self.camera: NDArray[np.int32] = self._section("camera", self.count)
        self.people: NDArray[np.int32] = self._section("people", self.count)
        self.codes: NDArray[np.uint16] = self._section("codes", self.count)
        self.bits: NDArray[np.uint8] = self._section("bits", _packed_width(self.count))
        self._galleries: NDArray[np.uint8] = self._section("galleries", _packed_width(self.count))

    def _section(self, name: str, width: int) -> NDArray[Any]:
        section = self._sections[name][..., :width]
        section.flags.writeable = False
        return section

    @property
    def capacity(self) -> int:
        """How many people there is room for."""
        return int(self._header["capacity"])

    def has_room(self, rows: Rows) -> bool:
        """Whether `continued` can take these rows in."""
        galleries = _joined(self.gallery_names, rows.facts.galleries)
        return rows.end <= self.capacity and len(galleries) <= len(self._sections["galleries"])

    def continued(self, revision: str, rows: Rows) -> "ColumnStore":
        """A later revision in the same memory, which has its first rows from this one; this one stays as it is."""
        header = _header(revision, rows, self._header)
        _fill(self._sections, header, rows)
        store = ColumnStore(header, self._sections)
        store.palettes = self.palettes
        return store

    def in_gallery(self, name: str) -> NDArray[np.bool_]:
        """Whose image lies in the gallery, (N,); nobody's if there is no such gallery."""
        if name not in self.gallery_names:
            return np.zeros(self.count, bool)
        packed = self._galleries[self.gallery_names.index(name)]
        return np.unpackbits(packed, count=self.count).astype(bool)

    def part(self, rows: slice) -> Self:
        """Some of the rows as a store of their own; `rows.start` is a multiple of 8."""
        part = copy(self)
        part.count = rows.stop - rows.start
        for name in ("person_ids", "image_ids", "captured_at", "camera", "people"):
            setattr(part, name, getattr(self, name)[rows])
        part.codes = self.codes[:, rows]
        packed = slice(rows.start // 8, -(-rows.stop // 8))
        part.bits, part._galleries = self.bits[:, packed], self._galleries[:, packed]
        return part

    def row(self, person_id: int) -> int:
        """The row of a person.

        Raises:
            LookupError: there is no such person.
        """
        row = int(np.searchsorted(self.person_ids, person_id))
        if row == self.count or self.person_ids[row] != person_id:
            raise LookupError(f"no person {person_id} in the index; the image may have been deleted")
        return row


def pack(chosen: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Bits of (..., N) booleans, padded with zeros to whole 64-bit words."""
    packed = np.packbits(chosen, axis=-1)
    padding = -packed.shape[-1] % 8
    return np.pad(packed, [(0, 0)] * (packed.ndim - 1) + [(0, padding)])


def open_current(people: People, before: ColumnStore | None = None) -> ColumnStore:
    """The columns of the index as it is now.

    Continued from those opened `before` or from an earlier file, if people were only added since. A missing or damaged
    file is rebuilt, and older ones are removed.
    """
    if before is not None and leads_to_now(before.revision, people):
        return _continued(people, before, most=before.capacity)
    try:
        return open_columns(revision_path(people.derived_folder(), "columns", people.revision(), ".bin"))
    except ColumnsMissingError as error:
        if (earlier := _earlier(people)) is not None:
            return _continued(people, earlier, most=earlier.count + max(earlier.count // _LAG, _LEAST_ROOM))
        LOGGER.info("%s; rebuilding it from the index", error)
    except ColumnsError as error:
        LOGGER.warning("%s; rebuilding it from the index", error)
    return build_columns(people)


def _earlier(people: People) -> ColumnStore | None:
    """The latest file that the columns of now can be continued from."""
    for path in sorted(people.derived_folder().glob("columns-*.bin"), key=lambda path: numbers(path.name))[::-1]:
        if leads_to_now(path.stem, people):
            with suppress(ColumnsError):
                return open_columns(path)
    return None


@retried
def _continued(people: People, before: ColumnStore, *, most: int) -> ColumnStore:
    """`before` with whoever has been added since; in memory alone, unless these are more than `most` people then."""
    with people.snapshot() as still:
        if leads_to_now(before.revision, still):
            rows = _following(still, before)
            if rows.end <= most and before.has_room(rows):
                return before.continued(str(still.revision()), rows)
    return build_columns(people, before)


@retried
def build_columns(people: People, kept: ColumnStore | None = None) -> ColumnStore:
    """The columns of the index as it is now, written anew; they stay open if their file is stale by then and removed.

    People are read from the index, all but those who are `kept` as they are, if people were only added since.
    """
    with people.snapshot() as still:
        revision = str(still.revision())
        path = revision_path(still.derived_folder(), "columns", revision, ".bin")
        kept = kept if kept is not None and leads_to_now(kept.revision, still) else None
        store = write_rows(path, revision, _following(still, kept), kept=kept, spare=True)
    remove_stale(path, people.revision, people.rewritten)
    return store


def _following(people: People, before: ColumnStore | None) -> Rows:
    """Everybody from the last rows of `before` on that share a byte with whoever comes next."""
    start = 0 if before is None else before.count // 8 * 8
    person_ids = people.person_ids(above=int(before.person_ids[start - 1]) if before is not None and start else 0)
    return Rows(start, person_ids, people.facts(person_ids), people.descriptor_blocks(person_ids, _BLOCK))


def write_columns(
    path: Path,
    revision: str,
    person_ids: NDArray[np.int64],
    descriptors: NDArray[np.floating],
    facts: Facts,
) -> None:
    """Write a column file of people in memory, in any order.

    Raises:
        ValueError: lengths differ, or a person stands there twice.
    """
    if descriptors.shape != (len(person_ids), DIMENSIONS):
        raise ValueError(f"descriptors must have shape ({len(person_ids)}, {DIMENSIONS}), got {descriptors.shape}")
    _check_facts(person_ids, facts)
    order = np.argsort(person_ids, kind="stable")
    blocks = (descriptors[order[start : start + _BLOCK]] for start in range(0, len(order), _BLOCK))
    write_rows(path, revision, Rows(0, person_ids[order], facts.take(order), blocks))


def write_rows(
    path: Path, revision: str, rows: Rows, *, kept: ColumnStore | None = None, spare: bool = False
) -> ColumnStore:
    """Write a column file and open it: the whole of it stands under `path`, or nothing.

    Nothing does if another process removes the folder meanwhile, as a deletion does. No more than one block is held in
    memory.

    Args:
        path: of the file.
        revision: of the people.
        rows: what is new.
        kept: the store that has what stands before `rows.start`.
        spare: leave room to add people.

    Raises:
        ValueError: lengths differ, or a person stands there twice.
        DiskError: no space, or no right to write.
    """
    _check(rows)
    header = _header(revision, rows, kept._header if kept else None, spare=spare)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with writing(path), _made(temporary) as file:
            body = _body_start(header)
            reserve(file.fileno(), body + header["length"])
            sections = _map_sections(file.fileno(), header, body, shared=True)
            if kept is not None:
                _copy(kept, sections, rows.start)
            _fill(sections, header, rows)
            header["checksum"] = _checksum(file.fileno(), body)
            file.write(_packed_header(header))
            file.flush()
            os.fsync(file.fileno())
            store = ColumnStore(header, _map_sections(file.fileno(), header, body))
        with suppress(FileNotFoundError):
            temporary.replace(path)
            flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)
    return store


def _made(path: Path) -> BinaryIO:
    """A new file, open; its folder is made as often as another process removes it."""
    while True:
        with suppress(FileNotFoundError):
            path.parent.mkdir(parents=True, exist_ok=True)
            return path.open("wb+")


def _check(rows: Rows) -> None:
    ids = rows.person_ids
    _check_facts(ids, rows.facts)
    if (twice := ids[1:][ids[1:] <= ids[:-1]]).size:
        raise ValueError(f"each person must stand in the index once, ids ascending, got person {twice[0]} twice")


def _check_facts(person_ids: NDArray[np.int64], facts: Facts) -> None:
    if len(facts.image_ids) != len(person_ids):
        raise ValueError(f"facts must speak of {len(person_ids)} people, got {len(facts.image_ids)}")


def open_columns(path: Path) -> ColumnStore:
    """The columns in a file, after its length and checksums have been verified.

    Raises:
        ColumnsError: it is missing, damaged, or of another layout.
    """
    try:
        with path.open("rb") as file:
            header, body = _read_header(path, file.fileno())
            if (found := _checksum(file.fileno(), body)) != header["checksum"]:
                raise ColumnsError(f"{path} is damaged: expected checksum {header['checksum']}, got {found}")
            return ColumnStore(header, _map_sections(file.fileno(), header, body))
    except FileNotFoundError as error:
        raise ColumnsMissingError(f"no column file at {path}") from error


def _header(
    revision: str, rows: Rows, before: Mapping[str, Any] | None = None, *, spare: bool | None = None
) -> dict[str, Any]:
    """What a file says of itself: that `rows` follow what `before` speaks of.

    `spare`: plan a new file, with room to add people or without; None keeps the sections of `before`.
    """
    earlier = before or {"camera_names": (), "gallery_names": ()}
    galleries = _joined(earlier["gallery_names"], rows.facts.galleries)
    header = {
        "revision": revision,
        "count": rows.end,
        "layout": _LAYOUT,
        "camera_names": _joined(earlier["camera_names"], rows.facts.camera_names),
        "gallery_names": galleries,
        "checksum": "0" * 8,
    }
    if spare is None:
        return {**earlier, **header}
    capacity = rows.end + max(rows.end // _ROOM, _LEAST_ROOM) if spare else rows.end
    return header | _plan(capacity, len(galleries) + (_ROOM_FOR_GALLERIES if spare else 0))


def _joined(names: Iterable[str], others: Iterable[str]) -> list[str]:
    """Names, and those of the others that are new, behind them."""
    return list(dict.fromkeys((*names, *others)))


def _plan(capacity: int, galleries: int) -> dict[str, Any]:
    """For how many people a file has room, and where its sections lie, counted from the end of the header."""
    width = _packed_width(capacity)
    shapes: dict[str, tuple[str, tuple[int, ...]]] = {
        "person_ids": ("<i8", (capacity,)),
        "image_ids": ("<i8", (capacity,)),
        "captured_at": ("<i8", (capacity,)),
        "camera": ("<i4", (capacity,)),
        "people": ("<i4", (capacity,)),
        "galleries": ("|u1", (galleries, width)),
        "bits": ("|u1", (DIMENSIONS, width)),
        "codes": ("<u2", (DIMENSIONS, capacity)),
    }
    sections, offset = {}, 0
    for name, (dtype, shape) in shapes.items():
        sections[name] = [dtype, shape, offset]
        offset += _aligned(int(np.prod(shape)) * np.dtype(dtype).itemsize)
    return {"capacity": capacity, "sections": sections, "length": offset}


def _packed_width(count: int) -> int:
    """Bytes of so many bits, in whole 64-bit words."""
    return -(-count // 64) * 8


def _aligned(length: int) -> int:
    return -(-length // _ALIGNMENT) * _ALIGNMENT


def _packed_header(header: Mapping[str, Any]) -> bytes:
    text = json.dumps(header).encode()
    return _PREFIX.pack(_MAGIC, len(text), zlib.crc32(text)) + text


def _body_start(header: Mapping[str, Any]) -> int:
    return _aligned(len(_packed_header(header)))


def _read_header(path: Path, descriptor: int) -> tuple[dict[str, Any], int]:
    prefix = os.pread(descriptor, _PREFIX.size, 0)
    if len(prefix) < _PREFIX.size or not prefix.startswith(_MAGIC):
        raise ColumnsError(f"{path} is not a column file of this version")
    _, length, checksum = _PREFIX.unpack(prefix)
    text = os.pread(descriptor, length, _PREFIX.size)
    if zlib.crc32(text) != checksum:
        raise ColumnsError(f"{path} has a damaged header")
    header: dict[str, Any] = json.loads(text)
    if header["layout"] != _LAYOUT:
        raise ColumnsError(f"{path} has another layout: expected {_LAYOUT}, got {header['layout']}")
    body = _aligned(_PREFIX.size + length)
    if (size := os.fstat(descriptor).st_size) != body + header["length"]:
        raise ColumnsError(f"{path} is damaged: expected {body + header['length']} bytes, got {size}")
    return header, body


def _map_sections(
    descriptor: int, header: Mapping[str, Any], body: int, *, shared: bool = False
) -> dict[str, NDArray[Any]]:
    """The sections of a file: what is written there goes into it if `shared`, else no further than this memory."""
    if header["length"] == 0:
        return {name: np.zeros(shape, dtype) for name, (dtype, shape, _) in header["sections"].items()}
    flags = mmap.MAP_SHARED if shared else mmap.MAP_PRIVATE | _NO_RESERVE
    mapped = mmap.mmap(descriptor, body + header["length"], flags=flags, prot=mmap.PROT_READ | mmap.PROT_WRITE)
    return {
        name: np.ndarray(tuple(shape), np.dtype(dtype), mapped, body + offset)
        for name, (dtype, shape, offset) in header["sections"].items()
    }


def _copy(kept: ColumnStore, sections: Mapping[str, NDArray[Any]], rows: int) -> None:
    """Take the first rows, a multiple of 8, from another store."""
    for name, section in sections.items():
        width = rows // 8 if section.dtype == np.uint8 else rows
        source = kept._sections[name][..., :width]
        target = section[: len(source)] if name == "galleries" else section
        target[..., :width] = source


def _fill(sections: Mapping[str, NDArray[Any]], header: Mapping[str, Any], rows: Rows) -> None:
    """Write rows where they belong."""
    place, facts = slice(rows.start, rows.end), rows.facts
    cameras = np.array([*(header["camera_names"].index(name) for name in facts.camera_names), -1], np.int32)
    sections["person_ids"][place] = rows.person_ids
    sections["image_ids"][place] = facts.image_ids
    sections["captured_at"][place] = facts.captured_at.astype("datetime64[s]").view(np.int64)
    sections["camera"][place] = cameras[facts.camera]
    sections["people"][place] = facts.people
    packed = slice(rows.start // 8, -(-rows.end // 8))
    for name, inside in facts.galleries.items():
        sections["galleries"][header["gallery_names"].index(name), packed] = np.packbits(inside)
    start = rows.start
    for block in rows.blocks:
        _write_block(sections, start, block)
        start += len(block)
    if start != rows.end:
        raise ValueError(f"blocks must hold {len(rows.person_ids)} descriptors, got {start - rows.start}")


def _write_block(sections: Mapping[str, NDArray[Any]], start: int, block: NDArray[np.floating]) -> None:
    """Descriptors, (n, DIMENSIONS), as rows from `start` on, a multiple of 8."""
    codes, bits = sections["codes"], sections["bits"]
    codes[:, start : start + len(block)] = _CODES[bits_of(block.T)]
    packed = np.packbits(winners(block).T, axis=-1)
    bits[:, start // 8 : start // 8 + packed.shape[1]] = packed


def _checksum(descriptor: int, body: int) -> str:
    """CRC-32 of everything behind the header, read in pieces, so that checking a file does not keep it in memory."""
    checksum, position = 0, body
    while piece := os.pread(descriptor, 1 << 22, position):
        checksum = zlib.crc32(piece, checksum)
        position += len(piece)
    return f"{checksum:08x}"
