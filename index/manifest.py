"""Manifest: the files that an ingestion finds, and what is to be done with each."""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from index.adding import Place
from index.database import StoreError
from index.deletion import chunks
from index.tables import Gallery, Generation, Image, ImageFile, Model, Parse, Quarantine
from parsing.images import SUFFIXES, UnreadableImageError, file_state, printable, reading


class NothingToIngestError(StoreError):
    """A path does not exist, or no file lies there."""


@dataclass(frozen=True)
class WorkItem:
    """Content to be parsed, and all the places where it was found."""

    content_hash: str
    places: tuple[Place, ...]


@dataclass
class Plan:
    """What an ingestion will do.

    Args:
        work: contents to parse, in the order found.
        known: files of content that the checkpoint has parsed, but that are new here or have changed their time.
        unchanged: how many files were ingested before and are as they were.
        failed: files that cannot be ingested, with the reason.
        failed_before: files in quarantine that have not changed since, with the reason.
    """

    work: list[WorkItem] = field(default_factory=list)
    known: list[tuple[Place, str]] = field(default_factory=list)
    unchanged: int = 0
    failed: list[tuple[Place, str]] = field(default_factory=list)
    failed_before: list[tuple[Place, str]] = field(default_factory=list)


def scan(paths: Sequence[Path], *, leave_out: Sequence[Path] = ()) -> list[Path]:
    """All files at `paths`, folders searched to the bottom, each once, in order of name; hidden ones are left out.

    Raises:
        NothingToIngestError: a path is missing or cannot be read, or there is no file at all.
    """
    check_paths(paths)
    skipped = set(map(os.path.abspath, leave_out))
    found: dict[str, Path] = {}
    for path in paths:
        for file in _files_at(path, skipped):
            found.setdefault(os.path.abspath(file), file)
    if not found:
        raise _no_files(paths)
    return list(found.values())


def check_paths(paths: Sequence[Path]) -> None:
    """Nothing, if there is something at every path, and a file at one of them.

    Raises:
        NothingToIngestError: there is not.
    """
    for path in paths:
        if not path.exists():
            raise NothingToIngestError(f"expected a photograph or a folder, but {path} does not exist; check the path")
    if not any(True for path in paths for _ in _files_at(path, set())):
        raise _no_files(paths)


def _no_files(paths: Sequence[Path]) -> NothingToIngestError:
    listed = ", ".join(map(str, paths)) or "no path"
    return NothingToIngestError(f"expected photographs in {listed}, but there are no files; choose another folder")


def make_plan(
    session: Session, files: Sequence[Path], *, gallery: str, checkpoint_hash: str, retry_failed: bool
) -> Plan:
    """Decide what to do with each file; reads the content only of those that are new or have changed."""
    plan = Plan()
    hashes: dict[Place, str] = {}
    placed: set[Place] = set()
    for chunk in chunks(files):
        places = _present(chunk, plan)
        known = _known_hashes(session, places, gallery)
        quarantined = {} if retry_failed else _quarantined(session, places, gallery)
        plan.failed_before += quarantined.items()
        unread = [place for place in places if place not in known and place not in quarantined]
        hashes |= known | _read_hashes(unread, plan)
        placed |= known.keys()
    parsed = _parsed_hashes(session, list(dict.fromkeys(hashes.values())), checkpoint_hash)
    _sort_out(plan, hashes, parsed, placed)
    return plan


def _sort_out(plan: Plan, hashes: Mapping[Place, str], parsed: set[str], placed: set[Place]) -> None:
    """Fill in work, known and unchanged."""
    work: dict[str, list[Place]] = {}
    for place, content_hash in hashes.items():
        if content_hash not in parsed:
            work.setdefault(content_hash, []).append(place)
        elif place in placed:
            plan.unchanged += 1
        else:
            plan.known.append((place, content_hash))
    plan.work = [WorkItem(content_hash, tuple(places)) for content_hash, places in work.items()]


def _files_at(path: Path, skipped: set[str]) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for folder, folders, names in os.walk(path, onerror=_cannot_read):
        here = os.path.abspath(folder)
        folders[:] = sorted(name for name in folders if _is_photographs(here, name, skipped))
        yield from (Path(folder, name) for name in sorted(names) if _is_photographs(here, name, skipped))


def _is_photographs(folder: str, name: str, skipped: set[str]) -> bool:
    """Whether a file or folder is neither hidden nor left out."""
    return not name.startswith(".") and os.path.join(folder, name) not in skipped


def _cannot_read(error: OSError) -> None:
    raise NothingToIngestError(f"cannot read {error.filename} ({error.strerror}); check its rights") from error


def _present(files: Sequence[Path], plan: Plan) -> list[Place]:
    """The files that may be images; the others are planned as failed."""
    places = []
    for file in files:
        if printable(file) != str(file):
            reason = f"expected a file name in UTF-8, but {printable(file)} is none; rename the file"
            plan.failed.append((Place(Path(printable(file))), reason))
            continue
        try:
            state = file_state(file)
        except UnreadableImageError as error:
            plan.failed.append((Place(file), str(error)))
            continue
        place = Place(file, state.st_size, state.st_mtime)
        if file.suffix and file.suffix.lower() not in SUFFIXES:
            reason = (
                f"expected an image, but {file} is a {file.suffix} file; convert it to JPEG, rename it if it is one "
                "already, or remove it"
            )
            plan.failed.append((place, reason))
        else:
            places.append(place)
    return places


def _known_hashes(session: Session, places: Sequence[Place], gallery: str) -> dict[Place, str]:
    """Content hashes of the files that this gallery has seen as they are."""
    statement = (
        select(ImageFile.location, ImageFile.bytes, ImageFile.mtime, Image.content_hash)
        .join(Image, Image.id == ImageFile.image_id)
        .join(Gallery, Gallery.id == ImageFile.gallery_id)
        .where(Gallery.name == gallery, ImageFile.location.in_([place.location for place in places]))
    )
    rows = {(location, size, mtime): content for location, size, mtime, content in session.execute(statement)}
    states = {place: (place.location, place.bytes, place.mtime) for place in places}
    return {place: rows[state] for place, state in states.items() if state in rows}


def _quarantined(session: Session, places: Sequence[Place], gallery: str) -> dict[Place, str]:
    """Reasons of the files that are in quarantine as they are."""
    statement = select(Quarantine.location, Quarantine.bytes, Quarantine.mtime, Quarantine.reason).where(
        Quarantine.gallery == gallery, Quarantine.location.in_([place.location for place in places])
    )
    rows = {(location, size, mtime): reason for location, size, mtime, reason in session.execute(statement)}
    states = {place: (place.location, place.bytes, place.mtime) for place in places}
    return {place: rows[state] for place, state in states.items() if state in rows}


def _parsed_hashes(session: Session, hashes: Sequence[str], checkpoint_hash: str) -> set[str]:
    """Those of the contents that the checkpoint has parsed."""
    parsed: set[str] = set()
    for chunk in chunks(hashes):
        statement = (
            select(Image.content_hash)
            .join(Parse, Parse.image_id == Image.id)
            .join(Generation, Generation.id == Parse.generation_id)
            .join(Model, Model.id == Generation.model_id)
            .where(Model.checkpoint_hash == checkpoint_hash, Image.content_hash.in_(chunk))
        )
        parsed.update(session.scalars(statement))
    return parsed


def _read_hashes(places: Sequence[Place], plan: Plan) -> dict[Place, str]:
    """Content hashes read from the files; those that cannot be read are planned as failed."""
    with ThreadPoolExecutor(2) as pool:
        read = list(pool.map(_hash_or_reason, places))
    plan.failed += [(place, reason) for place, (_, reason) in zip(places, read, strict=True) if reason]
    return {place: content for place, (content, _) in zip(places, read, strict=True) if content}


def _hash_or_reason(place: Place) -> tuple[str, str]:
    try:
        with reading(place.path), place.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest(), ""
    except UnreadableImageError as error:
        return "", str(error)
