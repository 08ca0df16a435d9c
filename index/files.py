"""Files of a store: where derived files lie below the home folder, and how they are replaced whole or not at all."""

import os
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from index.database import FILE_NAME
from index.disk import writing
from index.thumbnails import Thumbnails, unfinished

UPLOADS = "uploads"  # in the home folder: photographs that were given to a page


class StoreFiles:
    """The files of one store: `vectors/` and `thumbnails/`, each with a folder named by the store's identity.

    Two databases that share a home folder can so never show each other's people. Uploads are copies of the store's own.
    """

    def __init__(self, home: Path, identity: str) -> None:
        self.home = home
        self.identity = identity
        self.thumbnails = Thumbnails(home / "thumbnails" / identity)

    def derived_folder(self, generation_id: int) -> Path:
        """The folder for everything computed from a generation's rows; deleting people removes it whole."""
        return self.home / "vectors" / self.identity / f"generation-{generation_id:06d}"

    def own_places(self) -> list[Path]:
        """What in the home folder is the store's own and no photograph, should somebody ingest the folder around it."""
        return [self.home / "thumbnails", self.home / "vectors", *self.home.glob(f"{FILE_NAME}*")]

    def uploaded(self, locations: Iterable[str]) -> list[Path]:
        """Those of the files, given by their paths from the root, that are uploads, below the home folder."""
        folder = self.home / UPLOADS
        roots = [f"{root}{os.sep}" for root in self.locations(folder)]
        return [folder / one.removeprefix(root) for one in locations for root in roots if one.startswith(root)]

    def locations(self, path: Path) -> set[str]:
        """The paths from the root by which the store may know a file: with links followed, as the page does, or not."""
        return {os.path.abspath(path), os.path.realpath(path)}

    def relative(self, path: Path) -> str:
        """`path` as the database names it."""
        return path.relative_to(self.home).as_posix()

    def remove(self, relative: str) -> None:
        """Remove a file or folder below the home folder, if it is there."""
        path = self.home / relative
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
            if path.is_relative_to(self.thumbnails.folder):
                unfinished(path).unlink(missing_ok=True)


def reserve(descriptor: int, length: int) -> None:
    """Make a file so long; where the system can, in earnest: a full disk is an error now, not a crash while mapped."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, length)
    else:
        os.ftruncate(descriptor, length)


def remove_stale(path: Path, newest: Callable[[], object], usable: Callable[[], object] | None = None) -> None:
    """Remove the files of the kind of `path`, KIND-REVISION.SUFFIX, that nobody will open any more.

    Later ones may be of another process, which has seen a later revision, and stay; but none is later than the `newest`
    revision, unless the database was put back. `path` itself goes if it is stale, for it may show people deleted since:
    if it is not of the newest revision, or earlier than the first `usable` one, where that is told.
    """
    own, kind = numbers(path.name), path.name.partition("-")[0]
    found = list(path.parent.glob(f"{kind}-*{path.suffix}"))
    last = numbers(str(newest()))  # read after the folder: what lies there by now is not later
    first = last if usable is None else numbers(str(usable()))
    for other in found:
        revision = numbers(other.name)
        is_good = revision == last or (revision == own and first <= own <= last)
        if not is_good and not own < revision < last:
            other.unlink(missing_ok=True)


class Changing(Protocol):
    """People who change, as derived files see it."""

    def revision(self) -> object:
        """Another value after every change of the people."""

    def rewritten(self) -> object:
        """The revision since which people have only been added."""


def leads_to_now(revision: object, people: Changing) -> bool:
    """Whether people have only been added since a revision."""
    return numbers(str(people.rewritten())) <= numbers(str(revision)) <= numbers(str(people.revision()))


def numbers(text: str) -> tuple[int, ...]:
    """The numbers in a revision, or in the name of its file; they compare as revisions do."""
    return tuple(map(int, re.findall(r"\d+", text)))


def revision_path(folder: Path, kind: str, revision: object, suffix: str) -> Path:
    """KIND-REVISION.SUFFIX, the file of a kind that was derived from a revision."""
    return folder / ("-".join((kind, *re.findall(r"\w+", str(revision)))) + suffix)


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file, flush that and rename it to `path`: readers see the whole file or the old one.

    The old file's content stays valid for whoever has it mapped.
    """
    temporary = path.with_name(f"{path.name}.{uuid4().hex}.tmp")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(temporary)
            flush(temporary)
            os.replace(temporary, path)
            flush(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Make what a file, or a folder, holds outlive a crash."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
