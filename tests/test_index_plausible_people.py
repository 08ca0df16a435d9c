"""Tests of plausible people: they wear what the photographs' people wear, and lie in a store like any others."""

from pathlib import Path

import numpy as np
import pytest

from index.descriptor import DIMENSIONS, column, encode
from index.person_index import PersonIndex
from index.plausible_people import draw_crowd, frequencies
from index.plausible_store import GALLERIES, fill
from parsing.labels import LABELS


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> PersonIndex:
    opened = PersonIndex.open(tmp_path_factory.mktemp("store"))
    fill(opened, 250)
    return opened


def test_garments_are_as_frequent_as_on_the_photographs() -> None:
    crowd = draw_crowd(20_000, np.random.default_rng(0))
    people, items = frequencies()["people"], frequencies()["items"]
    for item, group in {"coat": "Coat", "hair": "Hair", "glasses": "Glasses", "shoes": "Shoes"}.items():
        assert crowd.seen(group).mean() == pytest.approx(items[item]["worn"] / people, abs=0.03)
    colors = np.bincount(crowd.looks["Coat"][2][crowd.seen("Coat")].argmax(axis=1), minlength=len(LABELS["color"]))
    shares = dict(zip(LABELS["color"], colors / colors.sum(), strict=True))
    assert max(shares, key=shares.__getitem__) == "Dark"
    assert shares["Brown"] > shares["Green"] > shares["Pink"] > 0


def test_the_table_names_labels_only() -> None:
    for item in frequencies()["items"].values():
        for task in ("size", "pattern", "color"):
            assert set(item[task]) <= set(LABELS[task])
            assert sum(item[task].values()) == item["worn"]


def test_nobody_is_seen_with_everything_or_nothing() -> None:
    crowd = draw_crowd(500, np.random.default_rng(1))
    number = sum(crowd.seen(group).astype(int) for group in crowd.found)
    assert number.min() >= 1
    assert number.max() < len(crowd.found)


def test_a_store_holds_records_that_encode_to_its_vectors(index: PersonIndex) -> None:
    mixed = [column(group, "color", label) for group in ("Pants", "Skirt") for label in LABELS["color"]]
    kept = np.setdiff1d(np.arange(DIMENSIONS), mixed)  # of pants taken for skirts, `encode` joins the colors
    person_ids, descriptors = index.descriptors()
    for stored, descriptor in zip(index.people(person_ids[:40].tolist()), descriptors, strict=False):
        np.testing.assert_allclose(encode(stored.person)[kept], descriptor[kept].astype(np.float32), atol=3e-3)


def test_a_store_is_sound_and_counts_its_people(index: PersonIndex) -> None:
    live = index.generations.live()
    assert live is not None
    assert index.generations.verify(live.generation_id) == []
    assert live.people == 250
    assert set(index.status().galleries) == set(GALLERIES)


def test_indexes_of_the_database_are_there_afterwards(index: PersonIndex, tmp_path: Path) -> None:
    statement = "SELECT name FROM sqlite_master WHERE type = 'index' ORDER BY name"
    with PersonIndex.open(tmp_path) as empty:
        names = [
            [name for (name,) in one.database.engine.connect().exec_driver_sql(statement)] for one in (empty, index)
        ]
    assert names[0] == names[1]


def test_the_same_seed_draws_the_same_people() -> None:
    first, second = (draw_crowd(50, np.random.default_rng(3)).descriptors() for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_store_with_people_is_not_filled(index: PersonIndex) -> None:
    with pytest.raises(ValueError, match="expected an empty SQLite index to fill"):
        fill(index, 10)
