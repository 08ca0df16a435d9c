"""PersonIndex: remembers the people of parsed images, and gives them back by id or image."""

import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    BindParameter,
    LargeBinary,
    Row,
    Select,
    bindparam,
    func,
    select,
    type_coerce,
    update,
)
from sqlalchemy.orm import Session

from index.adding import AddedImage, NewImage, Place, add_images, add_places, quarantine
from index.database import Database, StoreError, open_database, retried
from index.deletion import chunks, delete_gallery, delete_generation, delete_images, delete_people, sweep
from index.descriptor import DIMENSIONS
from index.files import StoreFiles
from index.generations import GenerationError, GenerationInfo, Generations, live_generation_id
from index.rows import ATTRIBUTE_COLUMNS, PERSON_COLUMNS, restore_person
from index.tables import (
    AttributeRow,
    Gallery,
    Generation,
    Image,
    ImageFile,
    Parse,
    PersonRow,
    PersonVector,
    Quarantine,
    Store,
)
from parsing.labels import label_id
from parsing.records import Person

IdArray = NDArray[np.int64]

_ROWS = 10_000  # read at a time

# Statements of every search, made once: making one takes longer than running it.
_GENERATION, _LIVE = Generation.__table__, select(Store.__table__.c.live_generation_id).scalar_subquery()
_NOW = select(*_GENERATION.c["id", "revision", "rewritten"]).where(
    _GENERATION.c.id == func.coalesce(bindparam("pinned", type_=_GENERATION.c.id.type), _LIVE)
)
_IDS: BindParameter[int] = bindparam("ids", expanding=True)
_PERSON, _IMAGE = PersonRow.__table__, Image.__table__
_VECTOR, _ATTRIBUTE = PersonVector.__table__, AttributeRow.__table__
_FILE, _GALLERY = ImageFile.__table__, Gallery.__table__
_PEOPLE = (
    select(
        *_PERSON.c["id", "image_id", "generation_id"],
        *_IMAGE.c["height", "width", "camera", "captured_at"],
        *PERSON_COLUMNS,
    )
    .join_from(
        _PERSON,
        _VECTOR,
        (_VECTOR.c.person_id == _PERSON.c.id) & (_VECTOR.c.generation_id == _PERSON.c.generation_id),
    )
    .join(_IMAGE, _IMAGE.c.id == _PERSON.c.image_id)
    .where(_PERSON.c.id.in_(_IDS))
)
_ATTRIBUTES = (
    select(*ATTRIBUTE_COLUMNS)
    .where(_ATTRIBUTE.c.person_id.in_(_IDS))
    .order_by(_ATTRIBUTE.c.person_id, _ATTRIBUTE.c.attribute)
)
_SHOWN = _ATTRIBUTES.where(_ATTRIBUTE.c.attribute.in_(bindparam("labels", expanding=True)))
_PLACES = (
    select(_FILE.c.image_id, _FILE.c.path, _FILE.c.location, _GALLERY.c.name)
    .join(_GALLERY, _GALLERY.c.id == _FILE.c.gallery_id)
    .where(_FILE.c.image_id.in_(_IDS))
    .order_by(_FILE.c.id)
)


class UnknownPersonError(StoreError, LookupError):
    """No person has that id."""


class UnknownImageError(StoreError, LookupError):
    """No image has that id or path."""


class UnknownGalleryError(StoreError, LookupError):
    """No gallery has that name."""


@dataclass(frozen=True)
class StoredPerson:
    """A person as remembered. `gallery` and `image_path` are the first place of the image where a file still lies.

    `image_location` is the same path from the root, to open the photograph with.
    """

    person_id: int
    image_id: int
    generation_id: int
    image_path: Path
    image_location: Path
    gallery: str
    height: int
    width: int
    camera: str | None
    captured_at: datetime | None
    person: Person


@dataclass(frozen=True)
class QuarantinedFile:
    """A file that could not be ingested, and why."""

    path: Path
    gallery: str
    reason: str


@dataclass(frozen=True)
class StoreStatus:
    """What a store holds: images and people of the live generation, images by gallery, files in quarantine."""

    database: str
    images: int
    people: int
    galleries: Mapping[str, int]
    quarantined: int
    live: GenerationInfo | None
    generations: tuple[GenerationInfo, ...]


class PersonIndex:
    """The people of one store. Use `PersonIndex.open`; every method may be called from any thread.

    Reading methods answer from the live generation. Writing methods commit all that they were asked, or nothing.
    """

    def __init__(self, database: Database, home: Path) -> None:
        self.database = database
        self.pinned_id: int | None = None
        self.generations = Generations(database)
        with database.read() as session:
            self.files = StoreFiles(home, session.execute(select(Store.identity)).scalar_one())
        self.thumbnails = self.files.thumbnails
        if not database.read_only:
            self.sweep()

    @classmethod
    def open(cls, home: Path, *, database: str | None = None, read_only: bool = False) -> Self:
        """The store at `home`, made or upgraded if need be; `database` is a URL that puts the records elsewhere.

        Raises:
            StoreError: one sentence that says what is wrong and what to do.
        """
        opened = open_database(home, database, read_only=read_only)
        try:
            return cls(opened, home)
        except BaseException:
            opened.close()
            raise

    def close(self) -> None:
        """Close all connections."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def of_generation(self, generation_id: int) -> Self:
        """This index, with reading methods that answer from one generation, whichever is live.

        Raises:
            GenerationError: there is none of that id.
        """
        pinned = copy(self)
        pinned.pinned_id = self.generations.get(generation_id).generation_id
        return pinned

    @contextmanager
    def snapshot(self) -> Iterator[Self]:
        """This index as it is now: what its reading methods answer is of one revision; for one thread."""
        with self.database.snapshot() as database:
            still = copy(self)
            still.database, still.generations = database, Generations(database)
            yield still

    def _generation_id(self, session: Session) -> int | None:
        return live_generation_id(session) if self.pinned_id is None else self.pinned_id

    def _live_people(self, session: Session) -> Select[int]:
        """Ids of the people of the generation that is read, ascending."""
        here = PersonRow.generation_id == self._generation_id(session)
        return select(PersonRow.id).where(here).order_by(PersonRow.id)

    # Writing

    @retried
    def add(self, images: Sequence[NewImage], *, gallery: str, checkpoint_hash: str) -> list[AddedImage]:
        """Remember parsed images, in one transaction.

        Content that the checkpoint has parsed before is not added again; its new path is.
        """
        generation_id = self.generations.of_checkpoint(checkpoint_hash).generation_id
        with self.database.write() as session:
            added = add_images(session, self.files, images, gallery=gallery, generation_id=generation_id)
        self.sweep()
        return added

    @retried
    def add_places(self, places: Sequence[tuple[Place, str]], *, gallery: str) -> None:
        """Note, in one transaction, that files hold content known already; each comes with its content hash."""
        with self.database.write() as session:
            add_places(session, self.files, places, gallery=gallery)
        self.sweep()

    @retried
    def quarantine(self, failures: Sequence[tuple[Place, str]], *, gallery: str) -> None:
        """Keep the reasons, one sentence each, why files could not be ingested."""
        with self.database.write() as session:
            quarantine(session, failures, gallery=gallery)

    @retried
    def note_thumbnails(self, image_ids: Sequence[int], *, generation_id: int) -> None:
        """Remember that all thumbnails of these images and of their people in a generation have been written."""
        with self.database.write() as session:
            for ids in chunks(image_ids):
                here = Parse.image_id.in_(ids) & (Parse.generation_id == generation_id)
                session.execute(update(Parse).where(here).values(has_thumbnails=True))

    def delete_images(self, image_ids: Sequence[int]) -> int:
        """Delete images with their people, paths, vectors and thumbnails; returns people deleted.

        Raises:
            UnknownImageError: one of them does not exist; nothing is deleted.
        """
        with self.database.write() as session:
            _require(session, Image.id, image_ids, UnknownImageError)
            people = delete_images(session, self.files, list(dict.fromkeys(image_ids)))
        self.sweep()
        return people

    def delete_people(self, person_ids: Sequence[int]) -> int:
        """Delete people but not their photographs; returns how many.

        Raises:
            UnknownPersonError: one of them does not exist; nothing is deleted.
        """
        with self.database.write() as session:
            _require(session, PersonRow.id, person_ids, UnknownPersonError)
            people = delete_people(session, self.files, list(dict.fromkeys(person_ids)))
        self.sweep()
        return people

    def delete_gallery(self, name: str) -> int:
        """Delete a gallery, with all images that lie in no other; returns people deleted.

        Raises:
            UnknownGalleryError: there is none of that name.
        """
        with self.database.write() as session:
            people = delete_gallery(session, self.files, _find_gallery(session, name))
        self.sweep()
        return people

    def discard_generation(self, generation_id: int) -> int:
        """Delete a generation that is not searched, with its people and search files; returns people deleted.

        Raises:
            GenerationError: it does not exist, or is the one that is searched; nothing is deleted.
        """
        self.generations.get(generation_id)
        with self.database.write() as session:
            if live_generation_id(session) == generation_id:
                raise GenerationError(
                    f"expected a generation that is not searched, got {generation_id}, which is; search another first"
                )
            people = delete_generation(session, self.files, generation_id)
        self.sweep()
        return people

    def delete_captured_before(self, time: datetime) -> int:
        """Delete images captured before `time`, or ingested before it if the camera did not say; returns people."""
        when = func.coalesce(Image.captured_at, Image.created_at)
        with self.database.write() as session:
            people = delete_images(session, self.files, session.scalars(select(Image.id).where(when < time)).all())
        self.sweep()
        return people

    def sweep(self) -> None:
        """Remove the files of what was deleted, should a program have been killed before it did."""
        sweep(self.database, self.files)

    def vacuum(self) -> None:
        """Leave no byte of what was deleted in the database's files, and give the space back."""
        self.database.vacuum()

    # Reading

    def person(self, person_id: int) -> StoredPerson:
        """One person.

        Raises:
            UnknownPersonError: there is none of that id.
        """
        return self.people([person_id])[0]

    @retried
    def people(self, person_ids: Iterable[int], *, showing: Collection[str] | None = None) -> list[StoredPerson]:
        """People of any generation, in the order asked for.

        Args:
            person_ids: whom to read.
            showing: attribute labels; records of all others are left out, as most of a page is never looked at.
                None is all.

        Raises:
            UnknownPersonError: one of them does not exist.
        """
        wanted = [int(person_id) for person_id in person_ids]
        with self.database.read() as session:
            found: dict[int, StoredPerson] = {}
            for ids in chunks(list(dict.fromkeys(wanted))):
                found.update(_load_people(session, ids, showing))
        if missing := [person_id for person_id in wanted if person_id not in found]:
            raise UnknownPersonError(_unknown("person", missing))
        return [found[person_id] for person_id in wanted]

    def people_of_image(self, image_id: int) -> list[StoredPerson]:
        """Everyone in one image, in the parser's order."""
        with self.database.read() as session:
            return self.people(session.scalars(self._live_people(session).where(PersonRow.image_id == image_id)).all())

    @retried
    def find_image(self, path: Path) -> int:
        """Id of the image that was ingested from `path`.

        Raises:
            UnknownImageError: none was.
        """
        with self.database.read() as session:
            here = (ImageFile.path == str(path)) | (ImageFile.location == os.path.abspath(path))
            image_id = session.scalar(select(ImageFile.image_id).where(here).order_by(ImageFile.id).limit(1))
        if image_id is None:
            raise UnknownImageError(f"expected the path of an ingested image, got {path}; ingest it first")
        return image_id

    @retried
    def image_paths(self, image_id: int) -> list[Path]:
        """All places that the image was ingested from, first one first."""
        with self.database.read() as session:
            statement = select(ImageFile.path).where(ImageFile.image_id == image_id).order_by(ImageFile.id)
            return [Path(path) for path in session.scalars(statement)]

    @retried
    def person_ids(self, *, above: int = 0) -> IdArray:
        """Ids of people greater than `above`, (N,) int64 ascending."""
        with self.database.read() as session:
            statement = self._live_people(session).where(PersonRow.id > above)
            return np.fromiter(session.scalars(statement.execution_options(yield_per=_ROWS)), np.int64)

    @retried
    def revision(self) -> tuple[int, int]:
        """The live generation's id and revision, (0, 0) in an empty store.

        Read it in the `snapshot` that a derived file is computed from.
        """
        generation_id, revision, _ = self._now()
        return generation_id, revision

    @retried
    def rewritten(self) -> tuple[int, int]:
        """The live generation's id and the revision since which people have only been added to it."""
        generation_id, _, rewritten = self._now()
        return generation_id, rewritten

    def _now(self) -> tuple[int, int, int]:
        """Id, revision and `rewritten` of the generation that is read; zeros in an empty store."""
        with self.database.read() as session:
            row = session.execute(_NOW, {"pinned": self.pinned_id}).one_or_none()
        return (row[0], row[1], row[2]) if row else (0, 0, 0)

    def derived_folder(self) -> Path:
        """The folder for files computed from the live generation; removed whole whenever somebody is deleted."""
        return self.files.derived_folder(self.revision()[0])

    def descriptors(self, *, above: int = 0) -> tuple[IdArray, NDArray[np.float16]]:
        """Person ids greater than `above`, (N,) int64 ascending, and their descriptors, (N, DIMENSIONS)."""
        ids, stored = self._vectors(PersonVector.descriptor, above)
        return ids, _matrix(stored, len(ids), DIMENSIONS)

    @retried
    def descriptor(self, person_id: int) -> NDArray[np.float16]:
        """One person's descriptor, (DIMENSIONS,).

        Raises:
            UnknownPersonError: there is no such person.
        """
        with self.database.read() as session:
            stored = session.scalar(select(PersonVector.descriptor).where(PersonVector.person_id == person_id))
        if stored is None:
            raise UnknownPersonError(_unknown("person", [person_id]))
        return np.frombuffer(stored, np.float16)

    def appearances(self, *, above: int = 0) -> tuple[IdArray, NDArray[np.float16]]:
        """Person ids greater than `above`, (N,) int64 ascending, of who has an appearance vector, and these, (N, E)."""
        if self.database.engine.dialect.name != "postgresql":
            ids, stored = self._vectors(PersonVector.appearance, above)
            return ids, _matrix(stored, len(ids), None)
        ids, sent = self._vectors(func.halfvec_send(PersonVector.appearance), above)
        return ids, _matrix(sent, len(ids), None).view(">f2")[:, 2:].astype(np.float16)  # a head of 4 bytes each

    @retried
    def _vectors(self, column: Any, above: int) -> tuple[IdArray, bytearray]:
        """Ids above `above` of the live generation's people who have a vector, ascending, and all their bytes."""
        with self.database.read() as session:
            statement = (
                select(PersonVector.person_id, type_coerce(column, LargeBinary))
                .where(PersonVector.generation_id == self._generation_id(session), column.is_not(None))
                .where(PersonVector.person_id > above)
                .order_by(PersonVector.person_id)
                .execution_options(yield_per=_ROWS)
            )
            ids, stored = [np.zeros(0, np.int64)], bytearray()
            for part in session.execute(statement).partitions():
                person_ids, vectors = zip(*part, strict=True)
                ids.append(np.array(person_ids, np.int64))
                stored += b"".join(vectors)
        return np.concatenate(ids), stored

    @retried
    def quarantined(self) -> list[QuarantinedFile]:
        """Files that could not be ingested, by path."""
        with self.database.read() as session:
            rows = session.scalars(select(Quarantine).order_by(Quarantine.path))
            return [QuarantinedFile(Path(row.path), row.gallery, row.reason) for row in rows]

    @retried
    def status(self) -> StoreStatus:
        """What the store holds."""
        generations = self.generations.all()
        live = next((generation for generation in generations if generation.is_live), None)
        with self.database.read() as session:
            return StoreStatus(
                database=self.database.name,
                images=live.images if live else 0,
                people=live.people if live else 0,
                galleries=_gallery_counts(session),
                quarantined=session.execute(select(func.count()).select_from(Quarantine)).scalar_one(),
                live=live,
                generations=tuple(generations),
            )


def _load_people(
    session: Session, person_ids: Sequence[int], showing: Collection[str] | None
) -> dict[int, StoredPerson]:
    rows = session.execute(_PEOPLE, {"ids": person_ids}).all()
    attributes = _load_attributes(session, person_ids, showing)
    places = places_now(session, {row.image_id for row in rows})
    return {row.id: _stored_person(row, attributes[row.id], places[row.image_id]) for row in rows}


def _load_attributes(
    session: Session, person_ids: Sequence[int], showing: Collection[str] | None
) -> Mapping[int, list[Row[Any]]]:
    """Values of `ATTRIBUTE_COLUMNS` of each person's attributes."""
    if showing is None:
        rows = session.execute(_ATTRIBUTES, {"ids": person_ids})
    else:
        rows = session.execute(_SHOWN, {"ids": person_ids, "labels": [label_id("attribute", one) for one in showing]})
    attributes: defaultdict[int, list[Row[Any]]] = defaultdict(list)
    for row in rows.all():
        attributes[row[0]].append(row)
    return attributes


def places_now(session: Session, image_ids: Iterable[int]) -> dict[int, tuple[str, str, str]]:
    """Path, location and gallery where each image was ingested first, of the places where it still lies if it does."""
    places: defaultdict[int, list[tuple[str, str, str]]] = defaultdict(list)
    for image_id, *place in session.execute(_PLACES, {"ids": list(image_ids)}):
        places[image_id].append((place[0], place[1], place[2]))
    return {image_id: _standing(there) for image_id, there in places.items()}


def _standing(places: Sequence[tuple[str, str, str]]) -> tuple[str, str, str]:
    """The first place where a file is, or else the first; a single one is not looked for, as a disk may be slow."""
    first, *others = places
    return next((place for place in places if os.path.isfile(place[1])), first) if others else first


def _stored_person(
    row: Sequence[Any], attributes: Sequence[Sequence[Any]], place: tuple[str, str, str]
) -> StoredPerson:
    person_id, image_id, generation_id, height, width, camera, captured_at, *stored = row
    return StoredPerson(
        person_id=person_id,
        image_id=image_id,
        generation_id=generation_id,
        image_path=Path(place[0]),
        image_location=Path(place[1]),
        gallery=place[2],
        height=height,
        width=width,
        camera=camera,
        captured_at=captured_at,
        person=restore_person(stored, attributes, height=height, width=width),
    )


def _gallery_counts(session: Session) -> dict[str, int]:
    statement = (
        select(Gallery.name, func.count(ImageFile.image_id.distinct()))
        .outerjoin(ImageFile, ImageFile.gallery_id == Gallery.id)
        .group_by(Gallery.name)
        .order_by(Gallery.name)
    )
    return {name: count for name, count in session.execute(statement)}


def _find_gallery(session: Session, name: str) -> int:
    gallery_id = session.scalar(select(Gallery.id).where(Gallery.name == name))
    if gallery_id is None:
        known = ", ".join(session.scalars(select(Gallery.name).order_by(Gallery.name))) or "none yet"
        raise UnknownGalleryError(f"expected a gallery of this store ({known}), got {name!r}; choose one of them")
    return gallery_id


def _require(session: Session, column: Any, ids: Sequence[int], error: type[StoreError]) -> None:
    found: set[int] = set()
    for chunk in chunks(ids):
        found.update(session.scalars(select(column).where(column.in_(chunk))))
    if missing := [one for one in ids if one not in found]:
        raise error(_unknown("person" if error is UnknownPersonError else "image", missing))


def _unknown(what: str, ids: Sequence[int]) -> str:
    listed = ", ".join(map(str, ids[:5])) + (", …" if len(ids) > 5 else "")
    return f"expected ids of the store, but it has no {what} {listed}; it may have been deleted: search again"


def _matrix(stored: bytearray, count: int, dimensions: int | None) -> NDArray[np.float16]:
    """Rows of float16 vectors.

    Raises:
        StoreError: vectors of different lengths, as two checkpoints or layouts make them.
    """
    values = np.frombuffer(stored, np.float16)
    width = dimensions if dimensions is not None else len(values) // max(count, 1)
    if len(values) != count * width:
        raise StoreError(
            f"expected {count} vectors of {width} numbers, got {len(values)} numbers; "
            "they come from another version: ingest again into a new generation"
        )
    return values.reshape(count, width)
