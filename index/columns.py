"""Columns: all descriptors of a revision on disk, dimension by dimension, for a search that reads few of them.

Derived from the index and rebuilt from it when the file is missing, stale or damaged. One file holds:

    magic, header length, header checksum | header (JSON) | sections, each at a multiple of 64 bytes

A described search multiplies and adds probabilities, so columns hold these, not their logarithms: `codes` are P x 60000
as uint16, which costs half a per cent at the descriptor's floor and no logarithm at search time. `bits` are the
winning labels, packed, for counts. Rows are sorted by person id. A file is written aside, synced and renamed, one name
per revision, so that a reader's memory map never changes under it. It is read in one snapshot of the index, and mapped
before it gets its name, so that neither a writer nor another process that removes files can make a build fail.
"""

import json
import logging
import mmap
import os
import re
import struct
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
from index.files import remove_stale
from parsing.labels import ATTRIBUTE_GROUPS, LABELS

LOGGER = logging.getLogger(__name__)
SCALE = 60_000  # code of probability 1
NO_TIME = np.datetime64("NaT", "s")

_MAGIC = b"SIGCOL01"
_PREFIX = struct.Struct("<8sQI")
_ALIGNMENT = 64
_BLOCK = 1 << 16  # people that are transposed at a time
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


class People(Protocol):
    """Where columns come from: the index of people."""

    def revision(self) -> object:
        """Another value after every change of the people."""

    def derived_folder(self) -> Path:
        """Where files computed from the people belong."""

    def snapshot(self) -> AbstractContextManager["People"]:
        """The people as they are now, whatever changes meanwhile."""

    def person_ids(self) -> NDArray[np.int64]:
        """Everybody, (N,), ascending."""

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


class ColumnStore:
    """The open, memory-mapped columns of one revision.

    `codes` is (DIMENSIONS, N) uint16, probabilities x SCALE; `bits` is (DIMENSIONS, words x 8) uint8, winning labels in
    `np.packbits` order, padded with zeros to whole 64-bit words. `shades` are everybody's `index.palettes`, None unless
    somebody has opened them.
    """

    shades: NDArray[np.uint32] | None = None

    def __init__(self, header: Mapping[str, Any], sections: Mapping[str, NDArray[Any]]) -> None:
        self.revision = str(header["revision"])
        self.count = int(header["count"])
        self.camera_names: tuple[str, ...] = tuple(header["camera_names"])
        self.gallery_names: tuple[str, ...] = tuple(header["gallery_names"])
        self.person_ids: NDArray[np.int64] = sections["person_ids"]
        self.image_ids: NDArray[np.int64] = sections["image_ids"]
        self.captured_at: NDArray[np.datetime64] = sections["captured_at"].view("datetime64[s]")
        self.camera: NDArray[np.int32] = sections["camera"]
        self.people: NDArray[np.int32] = sections["people"]
        self.codes: NDArray[np.uint16] = sections["codes"]
        self.bits: NDArray[np.uint8] = sections["bits"]
        self._galleries: NDArray[np.uint8] = sections["galleries"]

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


def open_current(people: People) -> ColumnStore:
    """The columns of the index as it is now; a missing, stale or damaged file is rebuilt, and older ones removed."""
    try:
        return open_columns(_path(people, people.revision()))
    except ColumnsError as error:
        level = logging.INFO if isinstance(error, ColumnsMissingError) else logging.WARNING
        LOGGER.log(level, "%s; rebuilding it from the index", error)
    return build_columns(people)


@retried
def build_columns(people: People) -> ColumnStore:
    """The columns of the index as it is now, read anew; they stay open if their file is stale by then and removed."""
    with people.snapshot() as still:
        revision = still.revision()
        path = _path(still, revision)
        person_ids = still.person_ids()
        blocks = still.descriptor_blocks(person_ids, _BLOCK)
        store = write_blocks(path, str(revision), person_ids, still.facts(person_ids), blocks)
    remove_stale(path, people.revision)
    return store


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
    write_blocks(path, revision, person_ids[order], facts.take(order), blocks)


def write_blocks(
    path: Path,
    revision: str,
    person_ids: NDArray[np.int64],
    facts: Facts,
    blocks: Iterable[NDArray[np.floating]],
) -> ColumnStore:
    """Write a column file and open it: the whole of it stands under `path`, or nothing.

    Nothing does if another process removes the folder meanwhile, as a deletion does. No more than one block is held in
    memory.

    Args:
        path: of the file.
        revision: of the people.
        person_ids: (N,), ascending.
        facts: of their images, in their order.
        blocks: their descriptors in the same order, each (n, DIMENSIONS) with n a multiple of 8 except in the last.

    Raises:
        ValueError: lengths differ, or a person stands there twice.
    """
    _check_facts(person_ids, facts)
    if (twice := person_ids[1:][person_ids[1:] <= person_ids[:-1]]).size:
        raise ValueError(f"each person must stand in the index once, ids ascending, got person {twice[0]} twice")
    plan = _plan(len(person_ids), len(facts.galleries))
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with _made(temporary) as file:
            header = _header(revision, person_ids, facts, plan)
            body = _body_start(header)
            _reserve(file.fileno(), body + plan.length)
            _write_sections(file.fileno(), plan, body, person_ids, facts, blocks)
            header["checksum"] = _checksum(file.fileno(), body)
            file.write(_packed_header(header))
            file.flush()
            os.fsync(file.fileno())
            store = ColumnStore(header, _map_sections(file.fileno(), header, body, mmap.ACCESS_READ))
        with suppress(FileNotFoundError):
            temporary.replace(path)
            _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)
    return store


def _made(path: Path) -> BinaryIO:
    """A new file, open; its folder is made as often as another process removes it."""
    while True:
        with suppress(FileNotFoundError):
            path.parent.mkdir(parents=True, exist_ok=True)
            return path.open("wb+")


def _reserve(descriptor: int, length: int) -> None:
    """Make a file so long; where the system can, in earnest: a full disk is an error now, not a crash while mapped."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, length)
    else:
        os.ftruncate(descriptor, length)


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
            return ColumnStore(header, _map_sections(file.fileno(), header, body, mmap.ACCESS_READ))
    except FileNotFoundError as error:
        raise ColumnsMissingError(f"no column file at {path}") from error


@dataclass(frozen=True)
class _Plan:
    """Where sections lie, counted from the end of the header: name -> dtype, shape, offset."""

    sections: Mapping[str, tuple[str, tuple[int, ...], int]]
    length: int


def _plan(count: int, galleries: int) -> _Plan:
    width = -(-count // 64) * 8
    shapes: dict[str, tuple[str, tuple[int, ...]]] = {
        "person_ids": ("<i8", (count,)),
        "image_ids": ("<i8", (count,)),
        "captured_at": ("<i8", (count,)),
        "camera": ("<i4", (count,)),
        "people": ("<i4", (count,)),
        "galleries": ("|u1", (galleries, width)),
        "bits": ("|u1", (DIMENSIONS, width)),
        "codes": ("<u2", (DIMENSIONS, count)),
    }
    sections, offset = {}, 0
    for name, (dtype, shape) in shapes.items():
        sections[name] = (dtype, shape, offset)
        offset += _aligned(int(np.prod(shape)) * np.dtype(dtype).itemsize)
    return _Plan(sections, offset)


def _aligned(length: int) -> int:
    return -(-length // _ALIGNMENT) * _ALIGNMENT


def _header(revision: str, person_ids: NDArray[np.int64], facts: Facts, plan: _Plan) -> dict[str, Any]:
    return {
        "revision": revision,
        "count": len(person_ids),
        "layout": _LAYOUT,
        "camera_names": list(facts.camera_names),
        "gallery_names": list(facts.galleries),
        "sections": {name: list(section) for name, section in plan.sections.items()},
        "length": plan.length,
        "checksum": "0" * 8,
    }


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


def _map_sections(descriptor: int, header: Mapping[str, Any], body: int, access: int) -> dict[str, NDArray[Any]]:
    if header["length"] == 0:
        return {name: np.zeros(shape, dtype) for name, (dtype, shape, _) in header["sections"].items()}
    mapped = mmap.mmap(descriptor, body + header["length"], access=access)
    return {
        name: np.ndarray(tuple(shape), np.dtype(dtype), mapped, body + offset)
        for name, (dtype, shape, offset) in header["sections"].items()
    }


def _write_sections(
    descriptor: int,
    plan: _Plan,
    body: int,
    person_ids: NDArray[np.int64],
    facts: Facts,
    blocks: Iterable[NDArray[np.floating]],
) -> None:
    header = {"sections": plan.sections, "length": plan.length}
    sections = _map_sections(descriptor, header, body, mmap.ACCESS_WRITE)
    sections["person_ids"][:] = person_ids
    sections["image_ids"][:] = facts.image_ids
    sections["captured_at"][:] = facts.captured_at.astype("datetime64[s]").view(np.int64)
    sections["camera"][:] = facts.camera
    sections["people"][:] = facts.people
    for packed, inside in zip(sections["galleries"], facts.galleries.values(), strict=True):
        packed[:] = pack(inside)
    start = 0
    for block in blocks:
        _write_block(sections, start, block)
        start += len(block)
    if start != len(person_ids):
        raise ValueError(f"blocks must hold {len(person_ids)} descriptors, got {start}")


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


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _path(people: People, revision: object) -> Path:
    name = "-".join(re.findall(r"\w+", str(revision)))
    return people.derived_folder() / f"columns-{name}.bin"
