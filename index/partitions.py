"""Partitions: on PostgreSQL the vectors of every generation lie in a table of their own, `person_vector_N`.

By generation and not by gallery, because a photograph may lie in several galleries but was parsed once by each
checkpoint: no person is stored twice, every scan reads one partition, vectors of one partition have one length (as an
HNSW index needs), and a generation that is no longer wanted goes at once. SQLite has no partitions, and an index.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session


def add_partition(session: Session, generation_id: int) -> None:
    """Make the table for a new generation's vectors; attached afterwards, so that no reader waits."""
    if session.get_bind().dialect.name != "postgresql":
        return
    name = _name(generation_id)
    session.execute(text(f"CREATE TABLE {name} (LIKE person_vector INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"))
    session.execute(text(f"ALTER TABLE person_vector ATTACH PARTITION {name} FOR VALUES IN ({generation_id:d})"))


def drop_partition(session: Session, generation_id: int) -> None:
    """Remove a generation's vectors at once."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"DROP TABLE IF EXISTS {_name(generation_id)}"))


def _name(generation_id: int) -> str:
    return f"person_vector_{generation_id:d}"
