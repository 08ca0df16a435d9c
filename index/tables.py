"""Tables of the store, for SQLite and PostgreSQL alike.

SQL is the truth: vectors, columns and thumbnails are derived from these rows and can be rebuilt. Ids of images
and people are never used twice, so that a derived file left over by a crash can never name somebody else.
"""

from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Text,
    TypeDecorator,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeEngine

APPLICATION = "signalement"

# SQLite numbers rows by itself only in a column of type INTEGER.
Id = BigInteger().with_variant(Integer(), "sqlite")


def utc_now() -> datetime:
    """The time now in UTC, without zone: the form in which every table keeps time."""
    return datetime.now(UTC).replace(tzinfo=None)


class HalfVector(TypeDecorator[NDArray[np.float16]]):
    """A vector of float16, (E,): pgvector's `halfvec` on PostgreSQL, its bytes on SQLite."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The database's own type."""
        return dialect.type_descriptor(HALFVEC() if dialect.name == "postgresql" else LargeBinary())

    def process_bind_param(self, value: NDArray[np.float16] | None, dialect: Dialect) -> Any:
        """What is sent to the database."""
        return value if value is None or dialect.name == "postgresql" else value.tobytes()

    def process_result_value(self, value: Any, dialect: Dialect) -> NDArray[np.float16] | None:
        """What came from the database."""
        if value is None:
            return None
        return np.frombuffer(value, np.float16) if isinstance(value, bytes) else np.array(value, np.float16)


class Table(DeclarativeBase):
    """Base of all tables; constraints get names, so that migrations can address them."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )


def _parent(column: str, *, index: bool = True) -> Mapped[int]:
    """A column that names a row of another table and disappears with it."""
    return mapped_column(Id, ForeignKey(column, ondelete="CASCADE"), index=index)


class Store(Table):
    """One row: whose database this is, and which generation is searched.

    `identity` is random: derived files carry it, so that two databases can share a home folder.
    Changing `live_generation_id` in this row is the one update that makes a generation live.
    """

    __tablename__ = "store"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    application: Mapped[str] = mapped_column(Text)
    identity: Mapped[str] = mapped_column(Text)
    live_generation_id: Mapped[int | None] = mapped_column(Id)
    previous_generation_id: Mapped[int | None] = mapped_column(Id)


class Gallery(Table):
    """A named collection of images."""

    __tablename__ = "gallery"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    created_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)


class Image(Table):
    """One image content, however many places it lies in.

    `height, width` are pixels after EXIF orientation; `captured_at` is the camera's own clock.
    """

    __tablename__ = "image"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    content_hash: Mapped[str] = mapped_column(Text, unique=True)
    height: Mapped[int]
    width: Mapped[int]
    camera: Mapped[str | None] = mapped_column(Text, index=True)
    captured_at: Mapped[datetime | None] = mapped_column(DateTime, index=True)
    created_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)


class ImageFile(Table):
    """A place where an image was ingested from, in one gallery.

    `path` is as ingested, `location` the same from the root; `bytes` and `mtime` tell if the file has changed since.
    """

    __tablename__ = "image_file"
    __table_args__ = (
        Index("uq_image_file_place", "gallery_id", "location", unique=True),
        Index("ix_image_file_gallery_image", "gallery_id", "image_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    image_id: Mapped[int] = _parent("image.id")
    gallery_id: Mapped[int] = _parent("gallery.id", index=False)
    path: Mapped[str] = mapped_column(Text, index=True)
    location: Mapped[str] = mapped_column(Text, index=True)
    bytes: Mapped[int] = mapped_column(BigInteger)
    mtime: Mapped[float]


class Model(Table):
    """A checkpoint that has parsed images."""

    __tablename__ = "model"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    checkpoint_hash: Mapped[str] = mapped_column(Text, unique=True)
    labels: Mapped[dict[str, Any]] = mapped_column(JSON)
    metrics: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)


class Generation(Table):
    """All people parsed by one checkpoint.

    `revision` grows with every commit and deletion: a derived file that carries another one is stale. `rewritten` is
    the revision since which people have only been added: a file of that one or a later one can be continued.
    """

    __tablename__ = "generation"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    model_id: Mapped[int] = mapped_column(Id, ForeignKey("model.id"), unique=True)
    revision: Mapped[int] = mapped_column(BigInteger, default=0)
    rewritten: Mapped[int] = mapped_column(BigInteger, default=0)
    images: Mapped[int] = mapped_column(BigInteger, default=0)
    people: Mapped[int] = mapped_column(BigInteger, default=0)
    verified_at: Mapped[datetime | None] = mapped_column(DateTime)
    created_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)


class Parse(Table):
    """An image has been parsed in a generation, whether or not anybody was seen in it."""

    __tablename__ = "parse"

    image_id: Mapped[int] = mapped_column(Id, ForeignKey("image.id", ondelete="CASCADE"), primary_key=True)
    generation_id: Mapped[int] = mapped_column(
        Id, ForeignKey("generation.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    people: Mapped[int]
    has_thumbnails: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)


class PersonRow(Table):
    """One person of one image in one generation. `presence` is float32, in the order of `labels.ATTRIBUTES`."""

    __tablename__ = "person"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    generation_id: Mapped[int] = _parent("generation.id")
    image_id: Mapped[int] = _parent("image.id")
    x0: Mapped[float]
    y0: Mapped[float]
    x1: Mapped[float]
    y1: Mapped[float]
    score: Mapped[float]
    mask: Mapped[str] = mapped_column(Text)
    presence: Mapped[bytes]


class PersonVector(Table):
    """The vectors of a person, float16, apart from the person so that reading either is one dense scan.

    On PostgreSQL every generation is a partition: see `index.partitions`. `appearance` is null where the parser
    gave none.
    """

    __tablename__ = "person_vector"

    person_id: Mapped[int] = mapped_column(
        Id, ForeignKey("person.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    generation_id: Mapped[int] = _parent("generation.id")
    descriptor: Mapped[bytes]
    appearance: Mapped[NDArray[np.float16] | None] = mapped_column(HalfVector)


class AttributeRow(Table):
    """A characterized attribute: the winning label ids (0 = none), all probabilities as float32, and its main colors.

    `palette` is packed by `index.palettes`; empty where the parser gave none.
    """

    __tablename__ = "characterized_attribute"
    __table_args__ = (Index("ix_characterized_attribute_labels", "attribute", "color", "size", "pattern"),)

    person_id: Mapped[int] = mapped_column(
        Id, ForeignKey("person.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    attribute: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    size: Mapped[int] = mapped_column(SmallInteger)
    pattern: Mapped[int] = mapped_column(SmallInteger)
    color: Mapped[int] = mapped_column(SmallInteger)
    score: Mapped[float]
    area: Mapped[int]
    probabilities: Mapped[bytes]
    mask: Mapped[str] = mapped_column(Text)
    palette: Mapped[bytes] = mapped_column(default=b"")


class IngestJob(Table):
    """One run of ingestion. The page writes `request` (run, pause, cancel), and how a lost run ended.

    The run writes all the rest.

    `state`: queued, running, paused, cancelled, done, failed, interrupted.
    """

    __tablename__ = "ingest_job"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    gallery: Mapped[str] = mapped_column(Text)
    paths: Mapped[list[str]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(Text, index=True)
    request: Mapped[str] = mapped_column(Text, default="run")
    total: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    skipped: Mapped[int] = mapped_column(default=0)
    quarantined: Mapped[int] = mapped_column(default=0)
    people: Mapped[int] = mapped_column(default=0)
    images_per_second: Mapped[float] = mapped_column(default=0.0)
    message: Mapped[str] = mapped_column(Text, default="")
    process: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)


class Quarantine(Table):
    """A file that could not be ingested, as it was then, and why."""

    __tablename__ = "quarantine"
    __table_args__ = (Index("uq_quarantine_place", "gallery", "location", unique=True),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    gallery: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(Text)
    location: Mapped[str] = mapped_column(Text)
    bytes: Mapped[int] = mapped_column(BigInteger)
    mtime: Mapped[float]
    reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)


class Correction(Table):
    """A user's better label for a person. It names place and image, so that it outlives a generation."""

    __tablename__ = "correction"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    image_id: Mapped[int] = _parent("image.id")
    box_xyxy: Mapped[list[float]] = mapped_column(JSON)
    attribute: Mapped[str] = mapped_column(Text)
    task: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(Text)
    mask: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)


class SavedSearch(Table):
    """A query that a user has kept, in its compact text form."""

    __tablename__ = "saved_search"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    query: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)


class AuditLog(Table):
    """What was done to the store. `details` hold counts and ids only, never anything of a deleted image."""

    __tablename__ = "audit_log"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime, default=utc_now)
    action: Mapped[str] = mapped_column(Text, index=True)
    details: Mapped[dict[str, Any]] = mapped_column(JSON)


class DoomedFile(Table):
    """A file below the home folder whose rows are gone and that must go too, even if the program is killed now."""

    __tablename__ = "doomed_file"

    path: Mapped[str] = mapped_column(Text, primary_key=True)
