"""Kill -9 at random moments: the store opens, its counts agree, one whole generation is searched, nothing is lost."""

import random
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from databases import Postgres
from sqlalchemy.engine import make_url

from index.database import migrate
from tests.index_crashes import OPERATIONS, Place, check, copy_home, make_inputs, people_by_content, run_until

KILLS = {"sqlite": 9, "postgresql": 4}  # of each of the four operations: 52 in all
BEFORE = {"ingest": [], "reindex": ["ingest"], "delete": ["ingest"], "migrate": ["ingest"]}

Copies = Callable[[Place], Place]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return make_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(params=KILLS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def copies(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Copies:
    """Makes a copy of a store, in another folder or another database."""
    counter = iter(range(1000))

    def copy(template: Place) -> Place:
        place = copy_home(template, tmp_path / f"copy-{next(counter)}")
        if template.url is None:
            return place
        postgres: Postgres = request.getfixturevalue("postgres")
        return replace(place, url=postgres.make_database(like=make_url(template.url).database))

    return copy


@pytest.fixture
def template(kind: str, tmp_path: Path, inputs: Place, request: pytest.FixtureRequest) -> Place:
    url = None if kind == "sqlite" else request.getfixturevalue("postgres_url")
    return replace(inputs, home=tmp_path / "template", url=url)


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_killed_operation_loses_nothing_and_can_be_done_again(
    kind: str, template: Place, copies: Copies, operation: str
) -> None:
    for earlier in BEFORE[operation]:
        OPERATIONS[earlier](template)
    with template.open() as index:
        before, place = people_by_content(index), index.database.engine.url
    if operation == "migrate":
        migrate(place, "0001")
    whole = copies(template)
    undisturbed = run_until(operation, whole, None)
    assert undisturbed.code == 0, undisturbed.message
    check(whole)
    with whole.open() as index:
        after = people_by_content(index)
    dice = random.Random(f"{operation} {kind}")
    seconds, kills = undisturbed.seconds, 0
    for _ in range(2 * KILLS[kind]):
        killed = copies(template)
        outcome = run_until(operation, killed, dice.uniform(0.02, 1.0) * seconds)
        assert_recovers(killed, operation, before, after)
        if outcome.code == 0:  # done before the moment came: the machine is less busy than it was
            seconds = outcome.seconds
        kills += outcome.code == -signal.SIGKILL
        if kills == KILLS[kind]:
            break
    assert kills == KILLS[kind]


def assert_recovers(place: Place, operation: str, before: dict[str, object], after: dict[str, object]) -> None:
    """A store that was left in the middle is of before or after, and the operation can be done again."""
    check(place)
    with place.open() as index:
        assert_between(people_by_content(index), before, after)
    OPERATIONS[operation](place)
    check(place)
    with place.open() as index:
        assert people_by_content(index) == after


def assert_between(found: dict[str, object], before: dict[str, object], after: dict[str, object]) -> None:
    """Every photograph is as it was or as it was to become, and all are of one generation."""
    states = [before, after]
    assert found.keys() <= before.keys() | after.keys()
    assert before.keys() & after.keys() <= found.keys()
    assert any(all(found[name] == state[name] for name in found if name in state) for state in states)
