"""Opening: a store is made, upgraded or refused with one clear sentence."""

import os
import sqlite3
import subprocess
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from index.database import (
    DatabaseURLError,
    DatabaseVersionError,
    NotOurDatabaseError,
    ReadOnlyError,
    StoreError,
    StoreUnavailableError,
    migrate,
    open_database,
)
from index.person_index import PersonIndex
from index.tables import Table
from tests.index_samples import new_image


def test_a_url_puts_the_records_elsewhere(tmp_path: Path) -> None:
    with PersonIndex.open(tmp_path / "home", database=f"sqlite:///{tmp_path / 'other.sqlite'}") as index:
        index.add([new_image("a.jpg", "Red")], gallery="g", checkpoint_hash="c")
    assert (tmp_path / "other.sqlite").exists()
    assert not (tmp_path / "home" / "signalement.sqlite").exists()


def test_two_databases_may_share_a_home(tmp_path: Path) -> None:
    folders = set()
    for name in ("one", "two"):
        with PersonIndex.open(tmp_path, database=f"sqlite:///{tmp_path / name}.sqlite") as index:
            folders.add(index.files.derived_folder(1))
    assert len(folders) == 2


def tables(path: Path) -> set[str]:
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    names = {name for (name,) in found}
    connection.close()
    return names


def execute(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement)
    connection.close()


def test_a_newer_database_is_refused_and_untouched(tmp_path: Path) -> None:
    open_database(tmp_path).close()
    file = tmp_path / "signalement.sqlite"
    execute(file, "UPDATE alembic_version SET version_num = '0999'")
    before = file.read_bytes()
    with pytest.raises(
        DatabaseVersionError, match=r"has schema 0999, but this program knows schemas up to 0\d+; use the"
    ):
        open_database(tmp_path)
    assert file.read_bytes() == before


def test_an_older_database_cannot_be_opened_read_only(tmp_path: Path) -> None:
    open_database(tmp_path).close()
    migrate(make_url(f"sqlite:///{tmp_path / 'signalement.sqlite'}"), "base")
    with pytest.raises(DatabaseVersionError, match="open it once for writing to upgrade it"):
        open_database(tmp_path, read_only=True)


def test_somebody_elses_database_is_refused_and_untouched(tmp_path: Path) -> None:
    file = tmp_path / "signalement.sqlite"
    execute(file, "CREATE TABLE recipe (name TEXT)")
    with pytest.raises(
        NotOurDatabaseError, match=r"expected a database made by signalement, but .* holds other tables"
    ):
        open_database(tmp_path)
    assert tables(file) == {"recipe"}


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "signalement.sqlite").write_text("dear diary " * 100)
    with pytest.raises(NotOurDatabaseError, match="expected an SQLite database, but"):
        open_database(tmp_path)


def test_read_only_reads_and_refuses_to_write(tmp_path: Path) -> None:
    with PersonIndex.open(tmp_path) as index:
        index.add([new_image("a.jpg", "Red")], gallery="g", checkpoint_hash="c")
    with PersonIndex.open(tmp_path, read_only=True) as index:
        assert index.status().people == 1
        with pytest.raises(ReadOnlyError, match=r"expected to write to .* but it is read-only; make it writable"):
            index.delete_people([1])
        assert index.status().people == 1


def test_a_database_that_turns_out_read_only_says_so(tmp_path: Path) -> None:
    open_database(tmp_path).close()
    url = f"sqlite:///file:{tmp_path / 'signalement.sqlite'}?mode=ro&uri=true"
    with (
        PersonIndex.open(tmp_path, database=url) as index,
        pytest.raises(ReadOnlyError, match="but it is read-only; make it writable"),
    ):
        index.add([new_image("a.jpg", "Red")], gallery="g", checkpoint_hash="c")


def test_a_medium_that_is_read_only_is_said_to_be(tmp_path: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "tmpfs", str(tmp_path)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("needs the right to mount")
    try:
        PersonIndex.open(tmp_path / "home").close()
        subprocess.run(["mount", "-o", "remount,ro", str(tmp_path)], check=True)
        for read_only in (False, True):
            with pytest.raises(ReadOnlyError, match="but it is read-only; make it writable"):
                PersonIndex.open(tmp_path / "home", read_only=read_only)
    finally:
        subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def test_read_only_needs_a_database(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no database at .*; make one with python -m app ingest"):
        open_database(tmp_path, read_only=True)


@pytest.mark.parametrize("url", ["nonsense", "cassandra://host/name", "mysql://user@host/name", "://"])
def test_a_wrong_url_says_what_one_looks_like(tmp_path: Path, url: str) -> None:
    with pytest.raises(DatabaseURLError, match="database URL must look like sqlite:///FILE or postgresql") as caught:
        open_database(tmp_path, url)
    assert url in str(caught.value)


def test_a_database_in_a_missing_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match=r"cannot open .*; check that it exists and may be opened"):
        open_database(tmp_path, f"sqlite:///{tmp_path / 'none' / 'file.sqlite'}")


def test_a_home_that_is_a_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(StoreError, match="cannot make the home folder"):
        open_database(tmp_path / "home")


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    with PersonIndex.open(tmp_path) as index:
        bad = new_image("b.jpg", "Red")
        object.__setattr__(bad.parsed.people[0].attributes[0], "probabilities", {"color": (1.0,)})
        with pytest.raises(ValueError, match="Coat must have 4 size probabilities, got 0"):
            index.add([new_image("a.jpg", "Red"), bad], gallery="g", checkpoint_hash="c")
        assert (index.status().images, index.status().galleries) == (0, {})


def test_readers_are_not_blocked_by_a_writer(tmp_path: Path) -> None:
    with PersonIndex.open(tmp_path) as index:
        index.add([new_image("a.jpg", "Red")], gallery="g", checkpoint_hash="c")
        with index.database.write() as session:
            session.execute(Table.metadata.tables["person"].delete())
            assert index.person(1).person.score == 0.75  # as committed before
            session.rollback()
