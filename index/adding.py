"""Adding: parsed images as rows of all tables, in the caller's transaction."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from index.deletion import delete_images, without_place
from index.files import StoreFiles
from index.generations import touch
from index.rows import attribute_row, person_row, vector_row
from index.tables import AttributeRow, Gallery, Generation, Image, ImageFile, Parse, PersonRow, PersonVector, Quarantine
from parsing.records import ParsedImage, Person


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
    """Insert parsed images, their people and their places."""
    gallery_id = gallery_row(session, gallery)
    added = [_add_parsed(session, image, generation_id) for image in images]
    new = [result for result in added if result.is_new]
    if new:
        touch(session, generation_id, images=len(new), people=sum(len(result.person_ids) for result in new))
    for image, result in zip(images, added, strict=True):
        for place in image.places:
            add_place(session, files, place, gallery_id=gallery_id, image_id=result.image_id)
    return added


def add_places(session: Session, files: StoreFiles, places: Sequence[tuple[Place, str]], *, gallery: str) -> None:
    """Insert files of known content, each given with its content hash; unknown content is passed over."""
    gallery_id = gallery_row(session, gallery)
    for place, content_hash in places:
        image_id = session.scalar(select(Image.id).where(Image.content_hash == content_hash))
        if image_id is not None:
            add_place(session, files, place, gallery_id=gallery_id, image_id=image_id)


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


def add_place(session: Session, files: StoreFiles, place: Place, *, gallery_id: int, image_id: int) -> None:
    """Note that an image lies at a path. If another content lay there, and nowhere else, it is deleted."""
    here = (ImageFile.gallery_id == gallery_id) & (ImageFile.location == place.location)
    values = {"image_id": image_id, "bytes": place.bytes, "mtime": place.mtime}
    before = session.scalar(select(ImageFile.image_id).where(here))
    if before is None:
        names = {"gallery_id": gallery_id, "path": str(place.path), "location": place.location}
        session.execute(insert(ImageFile), names | values)
    else:
        session.execute(update(ImageFile).where(here).values(values))
    if before != image_id:
        parsed_in = select(Parse.generation_id).where(Parse.image_id.in_([image_id, before or image_id]))
        stale = update(Generation).where(Generation.id.in_(parsed_in))
        session.execute(stale.values(revision=Generation.revision + 1))
    if before is not None and before != image_id:
        delete_images(session, files, without_place(session, [before]))
    session.execute(delete(Quarantine).where(Quarantine.location == place.location))


def _add_parsed(session: Session, image: NewImage, generation_id: int) -> AddedImage:
    image_id = session.scalar(select(Image.id).where(Image.content_hash == image.content_hash))
    if image_id is None:
        image_id = _insert_image(session, image)
    parsed = session.get(Parse, (image_id, generation_id))
    if parsed is not None:
        people = select(PersonRow.id).where(PersonRow.image_id == image_id, PersonRow.generation_id == generation_id)
        return AddedImage(image_id, tuple(session.scalars(people.order_by(PersonRow.id))), is_new=False)
    person_ids = _insert_people(session, image.parsed.people, image_id, generation_id)
    row = {"image_id": image_id, "generation_id": generation_id, "people": len(person_ids)}
    session.execute(insert(Parse), row)
    return AddedImage(image_id, person_ids, is_new=True)


def _insert_image(session: Session, image: NewImage) -> int:
    row = {
        "content_hash": image.content_hash,
        "height": image.parsed.height,
        "width": image.parsed.width,
        "camera": image.camera,
        "captured_at": image.captured_at,
    }
    return session.execute(insert(Image).returning(Image.id), row).scalar_one()


def _insert_people(session: Session, people: Sequence[Person], image_id: int, generation_id: int) -> tuple[int, ...]:
    if not people:
        return ()
    rows = [person_row(person, image_id=image_id, generation_id=generation_id) for person in people]
    returning = insert(PersonRow).returning(PersonRow.id, sort_by_parameter_order=True)
    person_ids = tuple(session.scalars(returning, rows))
    owners = list(zip(person_ids, people, strict=True))
    vectors = [vector_row(person, person_id=owner, generation_id=generation_id) for owner, person in owners]
    session.execute(insert(PersonVector), vectors)
    attributes = [attribute_row(record, person_id=owner) for owner, person in owners for record in person.attributes]
    if attributes:
        session.execute(insert(AttributeRow), attributes)
    return person_ids
