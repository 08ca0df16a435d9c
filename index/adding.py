"""Adding: parsed images as rows of all tables, in the caller's transaction."""

import os
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from index.bulk import insert_rows, reserve_ids
from index.database import StoreError
from index.deletion import chunks, delete_images, make_stale, without_place
from index.files import StoreFiles
from index.generations import grow
from index.rows import attribute_row, person_row, vector_row
from index.tables import (
    AttributeRow,
    Gallery,
    Image,
    ImageFile,
    Parse,
    PersonRow,
    PersonVector,
    Quarantine,
    utc_now,
)
from parsing.records import ParsedImage, Person


class OtherVectorsError(StoreError):
    """Vectors of another checkpoint than the generation's."""


@dataclass(frozen=True)
class Place:
    """A file, by its path as ingested, and how it was when it was read."""

    path: Path
    bytes: int = 0
    mtime: float = 0.0

    @property
    def location(self) -> str:
        """The path from the root: the same file, whatever folder the program was called from."""
        return os.path.abspath(self.path)


@dataclass(frozen=True)
class NewImage:
    """A parsed image and the file that it came from. `parsed.path` is kept as ingested.

    `also_at` are other files of the same content.
    """

    parsed: ParsedImage
    content_hash: str
    bytes: int = 0
    mtime: float = 0.0
    camera: str | None = None
    captured_at: datetime | None = None
    also_at: tuple[Place, ...] = ()

    @property
    def places(self) -> tuple[Place, ...]:
        """All files of this content."""
        return Place(self.parsed.path, self.bytes, self.mtime), *self.also_at


@dataclass(frozen=True)
class AddedImage:
    """The ids that an image and its people have got, `person_ids` in the order of `ParsedImage.people`.

    `is_new` is False if the same content had been parsed by the same checkpoint before: then nothing was added.
    """

    image_id: int
    person_ids: tuple[int, ...]
    is_new: bool


def add_images(
    session: Session, files: StoreFiles, images: Sequence[NewImage], *, gallery: str, generation_id: int
) -> list[AddedImage]:
    """Insert parsed images, their people and their places.

    Raises:
        OtherVectorsError: appearance vectors are not as long as those of the generation.
    """
    gallery_id = gallery_row(session, gallery)
    _check_vectors(session, images, generation_id)
    added = _add_parsed(session, images, generation_id)
    new = [result for result in added if result.is_new]
    if new:
        grow(session, generation_id, images=len(new), people=sum(len(result.person_ids) for result in new))
    placed = [(place, result.image_id) for image, result in zip(images, added, strict=True) for place in image.places]
    _set_places(session, files, placed, gallery_id, {result.image_id for result in new}, generation_id)
    return added


def add_places(session: Session, files: StoreFiles, places: Sequence[tuple[Place, str]], *, gallery: str) -> None:
    """Insert files of known content, each given with its content hash; unknown content is passed over."""
    known = _image_ids(session, [content_hash for _, content_hash in places])
    placed = [(place, known[content_hash]) for place, content_hash in places if content_hash in known]
    _set_places(session, files, placed, gallery_row(session, gallery))


def quarantine(session: Session, failures: Sequence[tuple[Place, str]], *, gallery: str) -> None:
    """Insert or renew the reasons why files could not be ingested."""
    for place, reason in failures:
        here = (Quarantine.gallery == gallery) & (Quarantine.location == place.location)
        session.execute(delete(Quarantine).where(here))
        file = {"path": str(place.path), "location": place.location, "bytes": place.bytes, "mtime": place.mtime}
        session.execute(insert(Quarantine), {"gallery": gallery, "reason": reason, **file})


def gallery_row(session: Session, name: str) -> int:
    """Id of the gallery of that name, made if there is none."""
    gallery_id = session.scalar(select(Gallery.id).where(Gallery.name == name))
    if gallery_id is None:
        gallery_id = session.execute(insert(Gallery).returning(Gallery.id), {"name": name}).scalar_one()
    return gallery_id


def _set_places(
    session: Session,
    files: StoreFiles,
    placed: Sequence[tuple[Place, int]],
    gallery_id: int,
    new: Set[int] = frozenset(),
    generation_id: int | None = None,
) -> None:
    """Note at which paths images lie. If another content lay there, and nowhere else, it is deleted.

    `new` images have just been added to the generation, where nothing derived speaks of them yet.
    """
    for chunk in chunks(list({place.location: (place, image_id) for place, image_id in placed}.values())):
        locations = [place.location for place, _ in chunk]
        here = (ImageFile.gallery_id == gallery_id) & ImageFile.location.in_(locations)
        known = session.execute(select(ImageFile.location, ImageFile.image_id).where(here))
        before = {location: image_id for location, image_id in known}
        rows = [_file_row(place, image_id, gallery_id) for place, image_id in chunk]
        insert_rows(session, ImageFile, [row for row in rows if row["location"] not in before])
        for row in rows:
            if row["location"] in before:
                there = (ImageFile.gallery_id == gallery_id) & (ImageFile.location == row["location"])
                seen = {name: row[name] for name in ("image_id", "bytes", "mtime")}
                session.execute(update(ImageFile).where(there).values(seen))
        moved = {row["location"]: row["image_id"] for row in rows if before.get(row["location"]) != row["image_id"]}
        displaced = sorted({before[location] for location in moved if location in before})
        make_stale(session, [*(set(moved.values()) - new), *displaced])
        make_stale(session, [*(set(moved.values()) & new)], but=generation_id)
        delete_images(session, files, without_place(session, displaced))
        session.execute(delete(Quarantine).where(Quarantine.location.in_(locations)))


def _file_row(place: Place, image_id: int, gallery_id: int) -> dict[str, Any]:
    return {
        "image_id": image_id,
        "gallery_id": gallery_id,
        "path": str(place.path),
        "location": place.location,
        "bytes": place.bytes,
        "mtime": place.mtime,
    }


def _check_vectors(session: Session, images: Sequence[NewImage], generation_id: int) -> None:
    stored = select(PersonVector.appearance).where(PersonVector.generation_id == generation_id)
    sample = session.scalar(stored.where(PersonVector.appearance.is_not(None)).limit(1))
    lengths = {person.appearance.size for image in images for person in image.parsed.people} - {0}
    expected = len(sample) if sample is not None else min(lengths, default=0)
    if others := lengths - {expected}:
        raise OtherVectorsError(
            f"expected appearance vectors of {expected} numbers in generation {generation_id}, got {min(others)}; "
            "they come from another checkpoint: give its own hash, and they make their own generation"
        )


def _add_parsed(session: Session, images: Sequence[NewImage], generation_id: int) -> list[AddedImage]:
    """Insert what is new; the same content twice gets the same ids."""
    contents: dict[str, NewImage] = {}
    for image in images:
        contents.setdefault(image.content_hash, image)
    ids = _image_ids(session, list(contents))
    ids |= _insert_images(session, [image for content, image in contents.items() if content not in ids])
    person_ids = _parsed(session, list(ids.values()), generation_id)
    new = {ids[content]: image.parsed.people for content, image in contents.items() if ids[content] not in person_ids}
    person_ids |= _insert_people(session, new, generation_id)
    return [
        AddedImage(image_id, person_ids[image_id], is_new=new.pop(image_id, None) is not None)
        for image_id in (ids[image.content_hash] for image in images)
    ]


def _image_ids(session: Session, contents: Sequence[str]) -> dict[str, int]:
    """Ids of those contents that are known."""
    found: dict[str, int] = {}
    for chunk in chunks(contents):
        rows = session.execute(select(Image.content_hash, Image.id).where(Image.content_hash.in_(chunk)))
        found.update((content, image_id) for content, image_id in rows)
    return found


def _insert_images(session: Session, images: Sequence[NewImage]) -> dict[str, int]:
    ids = reserve_ids(session, Image, len(images))
    now = utc_now()
    rows = [
        {
            "id": image_id,
            "content_hash": image.content_hash,
            "height": image.parsed.height,
            "width": image.parsed.width,
            "camera": image.camera,
            "captured_at": image.captured_at,
            "created_at": now,
        }
        for image_id, image in zip(ids, images, strict=True)
    ]
    insert_rows(session, Image, rows)
    return {image.content_hash: image_id for image_id, image in zip(ids, images, strict=True)}


def _parsed(session: Session, image_ids: Sequence[int], generation_id: int) -> dict[int, tuple[int, ...]]:
    """Those of the images that the generation's checkpoint has parsed, with the ids of their people."""
    found: dict[int, tuple[int, ...]] = {}
    for ids in chunks(image_ids):
        parses = select(Parse.image_id).where(Parse.image_id.in_(ids), Parse.generation_id == generation_id)
        found.update((image_id, ()) for image_id in session.scalars(parses))
        here = PersonRow.image_id.in_(ids) & (PersonRow.generation_id == generation_id)
        people = select(PersonRow.image_id, PersonRow.id).where(here).order_by(PersonRow.id)
        for image_id, person_id in session.execute(people):
            found[image_id] += (person_id,)
    return found


def _insert_people(
    session: Session, people: Mapping[int, Sequence[Person]], generation_id: int
) -> dict[int, tuple[int, ...]]:
    """Note that images, by id, have been parsed, and insert their people; returns these people's ids."""
    ids = iter(reserve_ids(session, PersonRow, sum(map(len, people.values()))))
    person_ids = {image_id: tuple(islice(ids, len(persons))) for image_id, persons in people.items()}
    owners = [
        (image_id, person_id, person)
        for image_id, persons in people.items()
        for person_id, person in zip(person_ids[image_id], persons, strict=True)
    ]
    insert_rows(
        session, Parse, [_parse_row(image_id, len(persons), generation_id) for image_id, persons in people.items()]
    )
    rows = [
        {"id": person_id, **person_row(person, image_id=image_id, generation_id=generation_id)}
        for image_id, person_id, person in owners
    ]
    insert_rows(session, PersonRow, rows)
    vectors = [vector_row(person, person_id=owner, generation_id=generation_id) for _, owner, person in owners]
    insert_rows(session, PersonVector, vectors)
    attributes = [attribute_row(record, person_id=owner) for _, owner, person in owners for record in person.attributes]
    insert_rows(session, AttributeRow, attributes)
    return person_ids


def _parse_row(image_id: int, people: int, generation_id: int) -> dict[str, Any]:
    return {
        "image_id": image_id,
        "generation_id": generation_id,
        "people": people,
        "has_thumbnails": False,
        "created_at": utc_now(),
    }
