"""Fixtures that several test files share."""

from collections.abc import Iterator

import pytest
from databases import Postgres
from rendered import RenderedGallery, make_gallery


@pytest.fixture(scope="session")
def rendered_gallery(tmp_path_factory: pytest.TempPathFactory) -> RenderedGallery:
    """Five rendered scenes with known people, ingested. Read only: it is shared by all tests."""
    return make_gallery(tmp_path_factory.mktemp("gallery"), count=5, long_side=288)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server with pgvector."""
    server = Postgres()
    yield server
    server.close()


@pytest.fixture
def postgres_url(postgres: Postgres) -> str:
    """URL of an empty database on the server."""
    return postgres.make_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str | None:
    """URL of an empty database of each kind; None is SQLite in the home folder."""
    return None if request.param == "sqlite" else request.getfixturevalue("postgres_url")
