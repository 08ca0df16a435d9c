"""Uploads: photographs that a page was given, kept below the home folder in a folder of their gallery.

The same file again is kept once; another file of the same name gets a name of its own, so that none is lost. They are
copies that belong to the store, and go when it is told to delete what is in them.
"""

import hashlib
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO
from urllib.parse import quote

from index.disk import writing
from index.files import UPLOADS

MAX_BYTES = 500_000_000  # of one file in an archive; the largest image that is decoded has half of it
MAX_NAME = 120  # bytes
APART = "copy what is in it into a folder of this computer and choose that"
UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)


@dataclass
class Received:
    """What became of an upload: files that are new, that lay there already, and names left out with the reason."""

    new: list[Path] = field(default_factory=list)
    known: list[Path] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)


def gallery_folder(home: Path, gallery: str) -> Path:
    """Where the uploads of a gallery lie.

    Raises:
        ValueError: the gallery has no name, or one too long.
    """
    name = quote(gallery.strip(), safe=" ")
    if not name:
        raise ValueError("expected a name for the gallery, got none; give it one")
    if len(name) > MAX_NAME:
        raise ValueError(f"expected a name of at most {MAX_NAME} letters for the gallery, got more; shorten it")
    return home / UPLOADS / (f"%2E{name[1:]}" if name.startswith(".") else name)


def receive(files: Iterable[tuple[str, IO[bytes]]], folder: Path) -> Received:
    """Keep files, given by name and content, in `folder`; of ZIP archives what is in them.

    Raises:
        DiskError: the disk is full or may not be written to; the files before are kept.
    """
    received = Received()
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".incoming-") as incoming:  # hidden: an ingestion passes it over
            part = Path(incoming, "part")
            for name, content in files:
                if name.lower().endswith(".zip"):
                    _unpack(name, content, folder, part, received)
                else:
                    _keep(Path(name).name.lstrip("."), content, folder, part, received)
    return received


def _unpack(archive: str, content: IO[bytes], folder: Path, part: Path, received: Received) -> None:
    """Keep what is in an archive; hidden files are passed over, as in any folder."""
    try:
        opened = zipfile.ZipFile(content)
    except UNREADABLE as error:
        reason = f"expected a ZIP archive, but it is none or damaged ({error}); pack it again"
        received.failures.append((archive, reason))
        return
    with opened:
        if sum(member.file_size for member in opened.infolist()) > shutil.disk_usage(folder).free // 2:
            reason = f"expected an archive that fills half of the free disk at most, but this is larger; {APART}"
            received.failures.append((archive, reason))
            return
        for member in opened.infolist():
            parts = [one for one in member.filename.replace("\\", "/").split("/") if one not in ("", ".", "..")]
            if not member.is_dir() and not any(one.startswith((".", "__MACOSX")) for one in parts):
                reason = _unpack_member(opened, member, "-".join(parts), folder, part, received)
                received.failures += [(f"{archive}/{member.filename}", reason)] if reason else []


def _unpack_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, folder: Path, part: Path, received: Received
) -> str:
    """Keep one file of an archive; the reason if that cannot be done, else nothing."""
    if member.flag_bits & 1:
        return "expected an archive without a password, but this file has one; pack it again without"
    if member.file_size > MAX_BYTES:
        return f"expected at most {MAX_BYTES:,} bytes, got {member.file_size:,}; {APART}"
    try:
        with archive.open(member) as content:
            _keep(name, content, folder, part, received)
    except UNREADABLE as error:
        return f"cannot be unpacked ({error}); pack it again"
    return ""


def _keep(name: str, content: IO[bytes], folder: Path, part: Path, received: Received) -> None:
    """Copy a file to `part`, and from there to a name that no other content has."""
    with part.open("wb") as file:
        shutil.copyfileobj(content, file)
        file.flush()
        os.fsync(file.fileno())
    digest = _digest(part)
    stem, suffix = os.path.splitext(name.replace("\0", ""))
    stem, suffix = _shortened(stem or "photograph", MAX_NAME), _shortened(suffix, 12)
    for path in (folder / f"{stem}{suffix}", folder / f"{stem}-{digest[:12]}{suffix}"):
        if not path.exists():
            os.replace(part, path)
            received.new.append(path)
            return
        if _digest(path) == digest:
            received.known.append(path)
            return


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _shortened(text: str, length: int) -> str:
    return text.encode("utf-8", "replace")[:length].decode(errors="ignore")
