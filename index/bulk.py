"""Bulk: ids reserved and rows inserted many at a time, on PostgreSQL by COPY."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Table as SQLTable
from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from index.tables import Table

Convert = Callable[[Any], Any]


def reserve_ids(session: Session, table: type[Table], count: int) -> list[int]:
    """Ids for `count` new rows, ascending, that nobody else gets; the transaction must hold the writer's lock."""
    if session.get_bind().dialect.name == "postgresql":
        statement = "SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :count)"
        return list(session.scalars(text(statement), {"name": table.__tablename__, "count": count}))
    statement = "SELECT seq FROM sqlite_sequence WHERE name = :name"  # grows with the ids that are inserted
    last = session.scalar(text(statement), {"name": table.__tablename__}) or 0
    return list(range(last + 1, last + 1 + count))


def insert_rows(session: Session, table: type[Table], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same columns."""
    if not rows:
        return
    if session.get_bind().dialect.name == "postgresql":
        _copy(session, Table.metadata.tables[table.__tablename__], rows)
    else:
        session.execute(insert(table), rows)


def _copy(session: Session, table: SQLTable, rows: Sequence[Mapping[str, Any]]) -> None:
    connection = session.connection()
    dialect = connection.dialect
    processors = {name: table.columns[name].type.dialect_impl(dialect).bind_processor(dialect) for name in rows[0]}
    statement = f"COPY {table.name} ({', '.join(processors)}) FROM STDIN"
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row([_converted(row[name], processor) for name, processor in processors.items()])


def _converted(value: Any, processor: Convert | None) -> Any:
    return processor(value) if processor else value
