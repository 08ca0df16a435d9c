"""Migrations: up and down with data in the tables, on both databases, and nothing of it is lost."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.engine import URL

from index.adding import NewImage
from index.database import _alembic_config, migrate, open_database
from index.person_index import PersonIndex
from index.tables import Table
from tests.index_samples import new_image

REVISIONS = [script.revision for script in ScriptDirectory.from_config(_alembic_config()).walk_revisions()]
OLDER = REVISIONS[1:]
PARTITIONED_INDEX = "ix_person_vector_generation_id"  # a partition is its generation


def without_appearance(image: NewImage) -> NewImage:
    people = tuple(replace(person, appearance=np.zeros(0, np.float32)) for person in image.parsed.people)
    return replace(image, parsed=replace(image.parsed, people=people))


def fill(index: PersonIndex) -> None:
    """Two generations, two galleries, and a person without an appearance."""
    images = [new_image("a.jpg", "Red", "Blue"), new_image("b.jpg"), without_appearance(new_image("c.jpg", "Green"))]
    index.add(images, gallery="g", checkpoint_hash="c1")
    index.add(images[:1], gallery="other", checkpoint_hash="c1")
    index.add([new_image("a.jpg", "Dark")], gallery="g", checkpoint_hash="c2")


def contents(index: PersonIndex) -> bytes:
    """All that a store answers, in one comparable value."""
    generations = [index.of_generation(generation.generation_id) for generation in index.generations.all()]
    people = [[replace(one, person=None) for one in view.people(view.person_ids())] for view in generations]
    records = [
        [(one.person.box_xyxy, one.person.attributes, one.person.appearance.tobytes()) for one in view.people(ids)]
        for view in generations
        for ids in [view.person_ids()]
    ]
    vectors = [[array.tolist() for array in (*view.descriptors(), *view.appearances())] for view in generations]
    return pickle.dumps((index.status(), people, records, vectors))


def place_of(home: Path, url: str | None) -> URL:
    database = open_database(home, url)
    database.close()
    return database.engine.url


@pytest.mark.parametrize("revision", OLDER)
def test_data_survives_the_way_down_and_up_again(tmp_path: Path, database_url: str | None, revision: str) -> None:
    with PersonIndex.open(tmp_path, database=database_url) as index:
        fill(index)
        before = contents(index)
        place = index.database.engine.url
    migrate(place, revision)
    with PersonIndex.open(tmp_path, database=database_url) as index:  # which brings it up to date
        assert contents(index) == before
        assert [index.generations.verify(1), index.of_generation(2).person_ids().tolist()] == [[], [4]]
        index.add([new_image("d.jpg", "Red")], gallery="g", checkpoint_hash="c1")
        assert index.person_ids().tolist() == [1, 2, 3, 5]


def test_the_first_schema_kept_appearances_as_bytes(tmp_path: Path, database_url: str | None) -> None:
    with PersonIndex.open(tmp_path, database=database_url) as index:
        fill(index)
        place = index.database.engine.url
        expected = {person_id: vector.tobytes() for person_id, vector in zip(*index.appearances(), strict=True)}
        migrate(place, "0001")
        with index.database.engine.connect() as connection:
            rows = connection.execute(text("SELECT person_id, appearance FROM person_vector WHERE person_id < 4"))
            assert {person_id: bytes(stored) for person_id, stored in rows} == expected | {3: b""}


def test_the_schema_goes_down_to_nothing_and_up_again(tmp_path: Path, database_url: str | None) -> None:
    place = place_of(tmp_path, database_url)
    migrate(place, "base")
    with PersonIndex.open(tmp_path, database=database_url) as index:
        assert (index.status().people, index.generations.all()) == (0, [])
    migrate(place, "base")
    database = open_database(tmp_path, database_url)
    migrate(place, "base")
    assert inspect(database.engine).get_table_names() == ["alembic_version"]
    database.close()


def test_migrations_make_the_tables_that_the_code_uses(tmp_path: Path, database_url: str | None) -> None:
    def is_ours(_: object, name: str | None, kind: str, *rest: object) -> bool:
        is_partition = kind == "table" and str(name).startswith("person_vector_")
        return not (is_partition or (database_url and name == PARTITIONED_INDEX))

    with PersonIndex.open(tmp_path, database=database_url) as index:
        fill(index)
        with index.database.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"include_object": is_ours})
            assert compare_metadata(context, Table.metadata) == []
