"""Appearance may be missing; on PostgreSQL it is a `halfvec`, and every generation's vectors are a partition."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa
from alembic import op
from pgvector.sqlalchemy import HALFVEC

from index.database import StoreError

revision = "0002"
down_revision = "0001"

ROWS = 5000  # converted at a time
PGVECTOR = (0, 7)  # the first with halfvec


def upgrade() -> None:
    """An empty vector becomes null."""
    if op.get_bind().dialect.name == "postgresql":
        _require_pgvector()
        _set_aside()
        _make_partitioned()
        _copy(_to_half, HALFVEC())
        op.drop_table("person_vector_old")
        return
    with op.batch_alter_table("person_vector") as table:
        table.alter_column("appearance", existing_type=sa.LargeBinary(), nullable=True)
    op.execute("UPDATE person_vector SET appearance = NULL WHERE length(appearance) = 0")


def downgrade() -> None:
    """Null becomes an empty vector."""
    if op.get_bind().dialect.name == "postgresql":
        _set_aside()
        _make_plain()
        _copy(_to_bytes, sa.LargeBinary())
        op.drop_table("person_vector_old")
        return
    op.execute("UPDATE person_vector SET appearance = x'' WHERE appearance IS NULL")
    with op.batch_alter_table("person_vector") as table:
        table.alter_column("appearance", existing_type=sa.LargeBinary(), nullable=False)


def _require_pgvector() -> None:
    found = op.get_bind().scalar(sa.text("SELECT default_version FROM pg_available_extensions WHERE name = 'vector'"))
    if found is None or tuple(map(int, found.split(".")[:2])) < PGVECTOR:
        raise StoreError(
            f"expected the extension pgvector 0.7 or newer on the PostgreSQL server, got {found or 'none'}; "
            "install it there, or keep the records in SQLite"
        )
    op.execute("CREATE EXTENSION IF NOT EXISTS vector")


def _set_aside() -> None:
    """Rename the table, and give up the names of its indexes."""
    op.rename_table("person_vector", "person_vector_old")
    op.execute("ALTER TABLE person_vector_old RENAME CONSTRAINT pk_person_vector TO pk_person_vector_old")
    op.execute("DROP INDEX IF EXISTS ix_person_vector_generation_id")


def _columns(appearance: sa.types.TypeEngine[Any], *, nullable: bool) -> Sequence[sa.schema.SchemaItem]:
    return (
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("generation_id", sa.BigInteger(), nullable=False),
        sa.Column("descriptor", sa.LargeBinary(), nullable=False),
        sa.Column("appearance", appearance, nullable=nullable),
        sa.ForeignKeyConstraint(
            ["generation_id"], ["generation.id"], name="fk_person_vector_generation_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_person_vector_person_id", ondelete="CASCADE"),
    )


def _make_partitioned() -> None:
    op.create_table(
        "person_vector",
        *_columns(HALFVEC(), nullable=True),
        sa.PrimaryKeyConstraint("person_id", "generation_id", name="pk_person_vector"),
        postgresql_partition_by="LIST (generation_id)",
    )
    for (generation_id,) in op.get_bind().execute(sa.text("SELECT id FROM generation")).all():
        op.execute(
            f"CREATE TABLE person_vector_{generation_id:d} PARTITION OF person_vector FOR VALUES IN ({generation_id:d})"
        )


def _make_plain() -> None:
    op.create_table(
        "person_vector",
        *_columns(sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name="pk_person_vector"),
    )
    op.create_index("ix_person_vector_generation_id", "person_vector", ["generation_id"], unique=False)


def _copy(convert: Callable[[Any], Any], appearance: sa.types.TypeEngine[Any]) -> None:
    """Fill the new table from the old one."""
    into = sa.table(
        "person_vector",
        sa.column("person_id"),
        sa.column("generation_id"),
        sa.column("descriptor"),
        sa.column("appearance", appearance),
    )
    for rows in _old_rows():
        op.bulk_insert(into, [{**row, "appearance": convert(row["appearance"])} for row in rows])


def _old_rows() -> Iterator[list[dict[str, Any]]]:
    """Rows of the old table, some at a time, by id; `halfvec` as its binary form."""
    is_half = op.get_bind().scalar(sa.text("SELECT pg_typeof(appearance) = 'halfvec'::regtype FROM person_vector_old"))
    appearance = "halfvec_send(appearance)" if is_half else "appearance"
    statement = sa.text(
        f"SELECT person_id, generation_id, descriptor, {appearance} AS appearance FROM person_vector_old "
        f"WHERE person_id > :last ORDER BY person_id LIMIT {ROWS}"
    )
    last = -1
    while rows := [dict(row) for row in op.get_bind().execute(statement, {"last": last}).mappings()]:
        yield rows
        last = rows[-1]["person_id"]


def _to_half(stored: bytes) -> Any:
    return np.frombuffer(stored, np.float16) if stored else None


def _to_bytes(sent: bytes | None) -> bytes:
    """From pgvector's binary form: two numbers of 16 bits, then big-endian float16."""
    return b"" if sent is None else np.frombuffer(sent, ">f2")[2:].astype("<f2").tobytes()
