"""The shared store on PostgreSQL: one writer at a time, lost connections are survived, all machines see a switch."""

import multiprocessing
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest
from databases import Postgres
from sqlalchemy import text
from sqlalchemy.engine import make_url

from index.database import (
    ConnectionLostError,
    DatabaseVersionError,
    NotOurDatabaseError,
    ReadOnlyError,
    StoreUnavailableError,
)
from index.ingest import ingest
from index.person_index import PersonIndex
from index.tables import Table
from query.search import Searcher
from query.tree import parse_query
from tests.index_samples import SampleParser, new_image, photograph

PROCESSES = 3
SECONDS = 1.0  # in which everybody sees a new generation


def test_vectors_lie_in_a_partition_of_their_generation_as_halfvec(
    tmp_path: Path, postgres: Postgres, postgres_url: str
) -> None:
    with PersonIndex.open(tmp_path, database=postgres_url) as index:
        index.add([new_image("a.jpg", "Red", "Blue")], gallery="g", checkpoint_hash="c1")
        index.add([new_image("a.jpg", "Red")], gallery="g", checkpoint_hash="c2")
    counts = [postgres.execute(f"SELECT count(*) FROM person_vector_{n}", url=postgres_url)[0][0] for n in (1, 2)]
    assert counts == [2, 1]
    (kind, dimensions), *_ = postgres.execute(
        "SELECT pg_typeof(appearance)::text, vector_dims(appearance) FROM person_vector", url=postgres_url
    )
    assert (kind, dimensions) == ("halfvec", 8)
    plan = postgres.execute("EXPLAIN SELECT * FROM person_vector WHERE generation_id = 2", url=postgres_url)
    assert "person_vector_2" in str(plan)
    assert "person_vector_1" not in str(plan)


def test_pgvector_finds_who_looks_alike(tmp_path: Path, postgres: Postgres, postgres_url: str) -> None:
    with PersonIndex.open(tmp_path, database=postgres_url) as index:
        index.add([new_image("a.jpg", "Red", "Blue", "Green")], gallery="g", checkpoint_hash="c1")
        _, appearances = index.appearances()
    vector = appearances[1].astype(float).tolist()
    nearest = f"SELECT person_id FROM person_vector ORDER BY appearance <=> '{vector}' LIMIT 1"
    assert postgres.execute(nearest, url=postgres_url) == [(2,)]


def test_writers_take_turns(tmp_path: Path, postgres_url: str) -> None:
    with PersonIndex.open(tmp_path, database=postgres_url) as index:
        index.add([new_image("first.jpg", "Red")], gallery="g", checkpoint_hash="c")
        batches = [[new_image(f"{n}.jpg", "Red") for n in range(start, start + 20)] for start in (0, 10, 20, 30)]
        writers = [
            threading.Thread(target=index.add, args=(batch,), kwargs={"gallery": "g", "checkpoint_hash": "c"})
            for batch in batches
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert (index.status().images, index.status().people, index.status().galleries) == (51, 51, {"g": 51})
        assert index.generations.verify(1) == []


def test_a_reader_keeps_one_view_and_waits_for_no_writer(tmp_path: Path, postgres_url: str) -> None:
    with PersonIndex.open(tmp_path, database=postgres_url) as index:
        index.add([new_image("a.jpg", "Red")], gallery="g", checkpoint_hash="c")
        with index.database.read() as reader:
            count = text("SELECT count(*) FROM person")
            assert reader.scalar(count) == 1
            with index.database.write() as session:
                session.execute(Table.metadata.tables["person"].delete())
                assert reader.scalar(count) == 1
            assert reader.scalar(count) == 1
        assert index.person_ids().tolist() == []


def test_a_connection_that_was_ended_is_made_anew(tmp_path: Path, postgres: Postgres, postgres_url: str) -> None:
    with PersonIndex.open(tmp_path, database=postgres_url) as index:
        index.add([new_image("a.jpg", "Red")], gallery="g", checkpoint_hash="c")
        postgres.end_connections(postgres_url)
        assert index.person(1).person.score == 0.75
        postgres.end_connections(postgres_url)
        index.add([new_image("b.jpg", "Red")], gallery="g", checkpoint_hash="c")
        assert index.person_ids().tolist() == [1, 2]


def test_a_transaction_cut_short_changes_nothing_and_says_so(
    tmp_path: Path, postgres: Postgres, postgres_url: str
) -> None:
    with PersonIndex.open(tmp_path, database=postgres_url) as index:
        index.add([new_image("a.jpg", "Red")], gallery="g", checkpoint_hash="c")
        with pytest.raises(ConnectionLostError, match=r"lost the connection to .* see if the server runs"):
            delete_everybody(index, meanwhile=lambda: postgres.end_connections(postgres_url))
        assert index.person_ids().tolist() == [1]


def delete_everybody(index: PersonIndex, *, meanwhile: Callable[[], None]) -> None:
    with index.database.write() as session:
        session.execute(Table.metadata.tables["person"].delete())
        meanwhile()
        session.execute(text("SELECT 1"))


def test_ingestion_goes_on_after_its_connections_were_ended(
    tmp_path: Path, postgres: Postgres, postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(6):
        photograph(tmp_path / "photos" / f"{number}.png", shade=number)
    parser = SampleParser()
    parser.before_parse = lambda paths: postgres.end_connections(postgres_url)
    with PersonIndex.open(tmp_path / "home", database=postgres_url) as index:
        assert ingest([tmp_path / "photos"], parser, index).state == "done"
        assert (index.status().images, index.generations.verify(1)) == (6, [])


def test_a_server_that_restarts_is_waited_for(
    tmp_path: Path, postgres: Postgres, postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with PersonIndex.open(tmp_path, database=postgres_url) as index:
        index.add([new_image("a.jpg", "Red")], gallery="g", checkpoint_hash="c")
        postgres.stop()
        restart = threading.Timer(0.5, postgres.start)
        restart.start()
        try:
            assert index.person_ids().tolist() == [1]
        finally:
            restart.join()
    assert "does not answer; trying again in" in caplog.text


def test_a_server_that_never_answered_is_not_waited_for(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(
        StoreUnavailableError, match=r"cannot reach .*//u:\*\*\*@127.0.0.1:1/x\?connect_timeout=2 .*; check host"
    ):
        PersonIndex.open(tmp_path, database="postgresql+psycopg://u:secret@127.0.0.1:1/x?connect_timeout=2")
    assert time.monotonic() - started < 15


def search_on_request(home: Path, url: str, pipe: Connection) -> None:
    """A search process: says whom it finds, whenever it is asked."""
    with PersonIndex.open(home, database=url, read_only=True) as index:
        searcher = Searcher(index)
        while pipe.recv() == "search":
            found = searcher.search(parse_query("coat"), mode="recall")
            pipe.send(sorted(match.person_id for match in found.matches))


def test_search_processes_see_a_new_generation_within_a_second(tmp_path: Path, postgres_url: str) -> None:
    context = multiprocessing.get_context("spawn")
    with PersonIndex.open(tmp_path / "writer", database=postgres_url) as index:
        index.add([new_image("a.jpg", "Red")], gallery="g", checkpoint_hash="old")
        index.add([new_image("a.jpg", "Blue")], gallery="g", checkpoint_hash="new")
        pipes, processes = [], []
        for number in range(PROCESSES):
            ours, theirs = context.Pipe()
            pipes.append(ours)
            arguments = (tmp_path / f"machine {number}", postgres_url, theirs)
            processes.append(context.Process(target=search_on_request, args=arguments, daemon=True))
            processes[-1].start()
        try:
            assert ask_all(pipes) == [[1]] * PROCESSES
            index.generations.make_live(2)
            started = time.monotonic()
            assert ask_all(pipes) == [[2]] * PROCESSES
            assert time.monotonic() - started < SECONDS
            index.generations.rollback()
            assert ask_all(pipes) == [[1]] * PROCESSES
        finally:
            for process in processes:
                process.kill()
                process.join()


def ask_all(pipes: list[Connection]) -> list[list[int]]:
    for pipe in pipes:
        pipe.send("search")
    return [pipe.recv() for pipe in pipes]


def test_a_thousand_people_are_copied_in_one_transaction(tmp_path: Path, postgres_url: str) -> None:
    images = [new_image(f"{n}.jpg", "Red", "Blue") for n in range(500)]
    with PersonIndex.open(tmp_path, database=postgres_url) as index:
        index.add(images, gallery="g", checkpoint_hash="c")
        ids, descriptors = index.descriptors()
        assert (len(ids), np.isfinite(descriptors).all(), index.generations.verify(1)) == (1000, True, [])


def test_somebody_elses_database_is_refused_and_untouched(
    tmp_path: Path, postgres: Postgres, postgres_url: str
) -> None:
    postgres.execute("CREATE TABLE recipe (name text)", url=postgres_url)
    with pytest.raises(
        NotOurDatabaseError, match=r"expected a database made by signalement, but .* holds other tables; choose another"
    ):
        PersonIndex.open(tmp_path, database=postgres_url)
    tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    assert postgres.execute(tables, url=postgres_url) == [("recipe",)]


def test_a_newer_database_is_refused(tmp_path: Path, postgres: Postgres, postgres_url: str) -> None:
    PersonIndex.open(tmp_path, database=postgres_url).close()
    postgres.execute("UPDATE alembic_version SET version_num = '0999'", url=postgres_url)
    with pytest.raises(DatabaseVersionError, match=r"has schema 0999, but this program knows schemas up to 0\d+; use"):
        PersonIndex.open(tmp_path, database=postgres_url)


def test_a_read_only_database_reads_and_refuses_to_write(tmp_path: Path, postgres: Postgres, postgres_url: str) -> None:
    with PersonIndex.open(tmp_path, database=postgres_url) as index:
        index.add([new_image("a.jpg", "Red")], gallery="g", checkpoint_hash="c")
    name = make_url(postgres_url).database
    postgres.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with PersonIndex.open(tmp_path, database=postgres_url) as index:
        assert index.person_ids().tolist() == [1]
        with pytest.raises(ReadOnlyError, match=r"expected to write to .*, but it is read-only; make it writable or"):
            index.delete_people([1])


def test_a_user_without_rights_is_told_so(tmp_path: Path, postgres: Postgres, postgres_url: str) -> None:
    postgres.execute("DROP ROLE IF EXISTS guest")
    postgres.execute("CREATE ROLE guest LOGIN")
    url = make_url(postgres_url).set(username="guest").render_as_string(hide_password=False)
    with pytest.raises(
        ReadOnlyError, match=r"expected the rights to use .*, but permission denied .*; ask its owner to grant them"
    ):
        PersonIndex.open(tmp_path, database=url)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"database": "nowhere"}, 'database "nowhere" does not exist'),
        ({"username": "nobody"}, 'role "nobody" does not'),
    ],
)
def test_a_wrong_name_says_which(tmp_path: Path, postgres_url: str, change: dict[str, str], reason: str) -> None:
    url = make_url(postgres_url).set(**change).render_as_string(hide_password=False)
    with pytest.raises(StoreUnavailableError, match=f"cannot reach .*{reason}.*; check host, port, user, password and"):
        PersonIndex.open(tmp_path, database=url)
