"""The SQL database of a store: found by home folder or URL, brought to the current schema when it is opened.

One writer, many readers: a writer takes its lock when its transaction begins, so that it waits for its turn instead
of failing half-way, and a reader sees the rows as they were when it began and waits for nobody. SQLite does that with
a write-ahead log, PostgreSQL with an advisory lock and snapshots. A server that went away is waited for.
"""

import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, Self, TypeVar

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, Dialect, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError
from sqlalchemy.orm import Session

from index.tables import APPLICATION, Table

LOGGER = logging.getLogger(__name__)

FILE_NAME = "signalement.sqlite"
MIGRATIONS = Path(__file__).with_name("migrations")
BUSY_SECONDS = 30.0
RETRY_SECONDS = 30.0  # how long a server that went away is waited for
ATTEMPTS = 3  # of an operation whose connection was lost
WRITER_LOCK = 0x5167  # any number, the same for all programs that write

# Columns of our tables, but keys, of which PostgreSQL keeps statistics: in a table, or in a partition of a `whole` one.
_STATISTICS = text("""
    SELECT CAST(CAST(one.oid AS regclass) AS text) AS name,
           CAST(CAST(whole.oid AS regclass) AS text) AS whole,
           quote_ident(kept.attname) AS column,
           format_type(place.atttypid, place.atttypmod) AS kind
    FROM pg_stats kept
    JOIN pg_class one ON one.relname = kept.tablename AND one.relnamespace = to_regnamespace(kept.schemaname)
    JOIN pg_class whole ON whole.oid = coalesce(pg_partition_root(one.oid), one.oid)
    JOIN pg_attribute place ON place.attrelid = one.oid AND place.attname = kept.attname
    WHERE kept.schemaname = current_schema() AND whole.relname = ANY(:tables) AND NOT EXISTS (
        SELECT FROM pg_constraint
        WHERE conrelid = one.oid AND contype IN ('p', 'f') AND place.attnum = ANY(conkey)
    )
""")

P = ParamSpec("P")
T = TypeVar("T")


class StoreError(Exception):
    """The store cannot do what was asked; the message is one sentence for the user."""


class DatabaseURLError(StoreError):
    """The database URL cannot be used."""


class NotOurDatabaseError(StoreError):
    """The database exists, but this program did not make it."""


class DatabaseVersionError(StoreError):
    """The schema is newer than this program, or older and not to be changed."""


class ReadOnlyError(StoreError):
    """The database may be read only."""


class StoreUnavailableError(StoreError):
    """The database cannot be reached, is locked for too long, or its disk is full."""


class ConnectionLostError(StoreUnavailableError):
    """The server went away in the middle of an operation; whether it was done is not known."""


def retried(operation: Callable[P, T]) -> Callable[P, T]:
    """An operation that is begun again if its connection is lost; doing it twice must be the same as once."""

    @wraps(operation)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(ATTEMPTS - 1):
            try:
                return operation(*args, **kwargs)
            except ConnectionLostError as error:
                LOGGER.warning("%s: trying again", error)
        return operation(*args, **kwargs)

    return call


class Database:
    """A connection pool to one store. Use `open_database`."""

    def __init__(self, engine: Engine, *, read_only: bool) -> None:
        self.engine = engine
        self.read_only = read_only
        self.name = _name(engine.url)
        self._snapshot: Session | None = None

    @contextmanager
    def read(self) -> Iterator[Session]:
        """One consistent view of the rows."""
        if self._snapshot is not None:
            yield self._snapshot  # whose errors are made plain where it was begun
            return
        with _plain_errors(self.name), Session(self.engine) as session:
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[Self]:
        """This database with one view of the rows for every `read`, whatever is committed meanwhile; for one thread."""
        with self.read() as session:
            still = copy(self)
            still._snapshot = session
            yield still

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction: committed at the end, or nothing of it if anything fails."""
        if self.read_only:
            raise ReadOnlyError(_read_only_sentence(self.name))
        with _plain_errors(self.name), Session(_writer(self.engine)) as session, session.begin():
            yield session

    def vacuum(self) -> None:
        """Give freed space back, and leave no byte of deleted rows in the files.

        A plain VACUUM of PostgreSQL leaves deleted bytes where they lay, so there the tables are written anew, each
        locked meanwhile, and then the planner's statistics, which quote values, even of tables that are empty now; its
        write-ahead log forgets them when the server recycles it.
        """
        with _plain_errors(self.name):
            if self.engine.dialect.name == "sqlite":
                self._run_bare("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)")
            else:
                with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                    _forget_statistics(connection)
                    connection.execute(text(f"VACUUM (FULL, ANALYZE) {', '.join(Table.metadata.tables)}"))
                    connection.execute(text("VACUUM (FULL) pg_statistic"))

    def truncate_log(self) -> None:
        """Move the write-ahead log into the database file and empty it; readers still at work delay that."""
        if self.engine.dialect.name == "sqlite":
            with _plain_errors(self.name):
                self._run_bare("PRAGMA wal_checkpoint(TRUNCATE)")

    def _run_bare(self, *statements: str) -> None:
        """Run statements that SQLite refuses inside a transaction."""
        connection = self.engine.raw_connection()
        try:
            for statement in statements:
                connection.cursor().execute(statement).close()
        finally:
            connection.close()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def open_database(home: Path, url: str | None = None, *, read_only: bool = False) -> Database:
    """The database of the store at `home`, made or upgraded if need be.

    Args:
        home: the folder that holds `signalement.sqlite`; made if missing.
        url: an SQLAlchemy URL that puts the records elsewhere.
        read_only: promise not to write; the database must exist and be current.

    Raises:
        StoreError: one of its kinds, with a message of one sentence.
    """
    place = _parse_url(url) if url else _home_url(home, read_only=read_only)
    if read_only and place.get_backend_name() == "sqlite":
        place = _read_only_url(place)
    database = Database(_engine(place), read_only=read_only)
    try:
        _bring_up_to_date(database, place)
    except BaseException:
        database.close()
        raise
    return database


def _name(url: URL) -> str:
    """What to call a database in messages: its file, or its URL without password."""
    if url.get_backend_name() == "sqlite" and url.database:
        return url.database.removeprefix("file:")
    return url.render_as_string(hide_password=True)


def _parse_url(url: str) -> URL:
    try:
        place = make_url(url)
        place.get_dialect()
    except (ArgumentError, NoSuchModuleError):
        raise _bad_url(url) from None
    if place.get_backend_name() not in ("sqlite", "postgresql"):
        raise _bad_url(url)
    if place.get_backend_name() == "sqlite" and place.database in (None, "", ":memory:"):
        raise DatabaseURLError(f"database URL must name a file, such as sqlite:///FILE, got {url!r}")
    return place


def _bad_url(url: str) -> DatabaseURLError:
    return DatabaseURLError(
        f"database URL must look like sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME, got {url!r}"
    )


def _home_url(home: Path, *, read_only: bool) -> URL:
    if not read_only:
        try:
            home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot make the home folder {home} ({error.strerror}); choose another --home") from error
    return URL.create("sqlite", database=str(home / FILE_NAME))


def _read_only_url(place: URL) -> URL:
    path = Path(str(place.database).removeprefix("file:"))
    if not path.exists():
        raise StoreError(f"no database at {path}; make one with python -m app ingest")
    return place.set(database=f"file:{path}", query={"mode": "ro", "uri": "true"})


def _engine(place: URL, *, foreign_keys: bool = True) -> Engine:
    is_sqlite = place.get_backend_name() == "sqlite"
    options: dict[str, Any] = (
        {"connect_args": {"timeout": BUSY_SECONDS}}
        if is_sqlite
        else {"pool_pre_ping": True, "isolation_level": "REPEATABLE READ"}
    )
    try:
        engine = create_engine(place, **options)
    except ModuleNotFoundError as error:
        raise DatabaseURLError(
            f"{_name(place)} needs the Python package {error.name}, which is not installed; pip install {error.name}"
        ) from error
    if is_sqlite:
        _set_up_sqlite(engine, foreign_keys=foreign_keys)
    else:
        _set_up_postgresql(engine)
    return engine


def _writer(engine: Engine) -> Engine:
    """The engine for transactions that write.

    On PostgreSQL such a one must see what was committed while it waited for its turn; a snapshot would not.
    """
    isolation = {} if engine.dialect.name == "sqlite" else {"isolation_level": "READ COMMITTED"}
    return engine.execution_options(writes=True, **isolation)


def _set_up_sqlite(engine: Engine, *, foreign_keys: bool) -> None:
    """Make every SQLite connection log ahead, overwrite what it deletes, and begin transactions when told to."""
    read_only = engine.url.query.get("mode") == "ro"

    def connect(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # the driver would begin transactions late, and not at all for DDL
        if not read_only:
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")

    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine, "connect", connect)
    event.listen(engine, "begin", begin)


def _set_up_postgresql(engine: Engine) -> None:
    """Let writers take turns, and wait for a server that answered before and does not now."""
    has_answered = False

    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("writes", False):
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{BUSY_SECONDS:.0f}s'")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")

    def connect(dialect: Dialect, _: Any, arguments: Any, options: Any) -> Any:
        nonlocal has_answered
        attempt = _patiently(dialect.connect, engine) if has_answered else dialect.connect
        connection = attempt(*arguments, **options)
        has_answered = True
        return connection

    event.listen(engine, "begin", begin)
    event.listen(engine, "do_connect", connect)


def _forget_statistics(connection: Connection) -> None:
    """Drop PostgreSQL's statistics of tables that are empty, which ANALYZE leaves as they were.

    Before version 18 no command does that, but to give a column the type that it has.
    """
    known = connection.execute(_STATISTICS, {"tables": list(Table.metadata.tables)}).all()
    empty = {
        name
        for name in {row.name for row in known}
        if not connection.execute(text(f"SELECT EXISTS (SELECT FROM {name})")).scalar_one()
    }
    for whole, column, kind in {(row.whole, row.column, row.kind) for row in known if row.name in empty}:
        connection.execute(text(f"ALTER TABLE {whole} ALTER COLUMN {column} TYPE {kind}"))


def _patiently(connect: Callable[..., Any], engine: Engine) -> Callable[..., Any]:
    """`connect`, tried again for `RETRY_SECONDS`."""

    def attempt(*arguments: Any, **options: Any) -> Any:
        until = time.monotonic() + RETRY_SECONDS
        pause = 0.05
        while True:
            try:
                return connect(*arguments, **options)
            except engine.dialect.loaded_dbapi.OperationalError:
                if time.monotonic() + pause > until:
                    raise
                LOGGER.warning("%s does not answer; trying again in %.2f s", _name(engine.url), pause)
            time.sleep(pause)
            pause = min(2 * pause, 2.0)

    return attempt


def _bring_up_to_date(database: Database, place: URL) -> None:
    """Check whose database this is and upgrade it to the newest schema."""
    scripts = ScriptDirectory.from_config(_alembic_config())
    with _plain_errors(database.name), database.engine.connect() as connection:
        current = _schema_version(connection, database.name)
    head = scripts.get_current_head()
    if current == head:
        return
    if current and current not in {script.revision for script in scripts.walk_revisions()}:
        raise DatabaseVersionError(
            f"{database.name} has schema {current}, but this program knows schemas up to {head}; "
            "use the newer program that wrote it"
        )
    if database.read_only:
        raise DatabaseVersionError(
            f"{database.name} has schema {current}, expected {head}; open it once for writing to upgrade it"
        )
    migrate(place, "head")


def _schema_version(connection: Connection, name: str) -> str | None:
    """The schema that a database is at; None if it is empty."""
    tables = set(inspect(connection).get_table_names())
    if not tables - {"alembic_version"}:  # all that is left of a database taken down to "base"
        return None
    ours = {"store", "alembic_version"} <= tables and connection.execute(
        text("SELECT COUNT(*) FROM store WHERE application = :application"), {"application": APPLICATION}
    ).scalar_one()
    if not ours:
        raise NotOurDatabaseError(
            f"expected a database made by {APPLICATION}, but {name} holds other tables; "
            "choose another --database or --home"
        )
    version: str = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    return version


def migrate(place: URL, revision: str) -> None:
    """Take a database up or down to a schema revision, in one transaction.

    Foreign keys are off meanwhile, because SQLite changes a table by copying and dropping it.
    """
    engine = _engine(place, foreign_keys=False)
    try:
        with (
            _plain_errors(_name(place)),
            _writer(engine).connect() as connection,
            connection.begin(),
        ):
            config = _alembic_config(connection)
            at = connection.dialect.has_table(connection, "alembic_version") and _schema_version(
                connection, _name(place)
            )
            is_down = revision == "base" or (revision != "head" and bool(at) and revision < str(at))
            (command.downgrade if is_down else command.upgrade)(config, revision)
    finally:
        engine.dispose()


def _alembic_config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _read_only_sentence(name: str) -> str:
    return f"expected to write to {name}, but it is read-only; make it writable or choose another --database"


@contextmanager
def _plain_errors(name: str) -> Iterator[None]:
    """Turn the driver's errors that a user can mend into one sentence each."""
    try:
        yield
    except DatabaseError as error:
        raise _explain(name, error) from error


def _explain(name: str, error: DatabaseError) -> Exception:
    reason = str(error.orig).strip().splitlines()[0].removeprefix("connection failed: ")
    state = getattr(error.orig, "sqlstate", None) or ""
    if state == "25006" or "readonly" in reason or "read-only" in reason:
        return ReadOnlyError(_read_only_sentence(name))
    if state == "42501":
        return ReadOnlyError(f"expected the rights to use {name}, but {reason}; ask its owner to grant them")
    if "file is not a database" in reason or "malformed" in reason:
        return NotOurDatabaseError(f"expected an SQLite database, but {name} is not one ({reason}); choose another")
    if state == "53100" or "disk is full" in reason:
        return StoreUnavailableError(f"the disk of {name} is full; nothing was changed: free some space and try again")
    if "disk I/O error" in reason:
        return StoreUnavailableError(f"cannot read or write {name} ({reason}); is its disk full or damaged?")
    if state == "55P03" or "database is locked" in reason:
        return StoreUnavailableError(
            f"{name} has been locked by another program for {BUSY_SECONDS:.0f} seconds; try again when it is done"
        )
    if error.connection_invalidated or state.startswith(("08", "57P")):
        return ConnectionLostError(f"lost the connection to {name} ({reason}); see if the server runs and try again")
    if "unable to open" in reason and Path(name).is_file() and not os.access(Path(name).parent, os.W_OK):
        return ReadOnlyError(_read_only_sentence(name))  # SQLite keeps its log beside the file, even to read it
    if "unable to open" in reason:
        return StoreUnavailableError(f"cannot open {name} ({reason}); check that it exists and may be opened")
    if "connection" in reason or "FATAL" in reason:
        return StoreUnavailableError(
            f"cannot reach {name} ({reason}); check host, port, user, password and name of the database"
        )
    return error
