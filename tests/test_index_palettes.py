"""Tests of palettes: a garment's colors come back from the store, and queries for a free color follow every change."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from index.adding import NewImage
from index.facts import IndexedPeople
from index.palettes import COLUMNS, open_palettes, pack, rows_of, split, unpack
from index.person_index import PersonIndex
from parsing.palette import Shade
from parsing.records import ParsedImage
from query.search import Searcher
from query.tree import parse_query
from tests.factories import palette
from tests.index_samples import parsed

CRIMSON, NAVY = (160, 48, 32), (30, 40, 90)


def dressed(path: str, *colors: tuple[int, int, int]) -> NewImage:
    """An image whose people wear coats of these sRGB colors, all labelled red."""
    image = parsed(path, *["Red"] * len(colors))
    people = []
    for one, color in zip(image.people, colors, strict=True):
        coat, *rest = one.attributes
        shades = palette(np.tile(np.array(color, np.uint8), (50, 1)))
        people.append(replace(one, attributes=(replace(coat, palette=shades), *rest)))
    return NewImage(ParsedImage(image.path, image.height, image.width, tuple(people)), content_hash=path)


@pytest.fixture
def index(tmp_path: Path) -> PersonIndex:
    opened = PersonIndex.open(tmp_path)
    images = [dressed("door.jpg", CRIMSON, NAVY), dressed("yard.jpg", CRIMSON)]
    opened.add(images, gallery="all", checkpoint_hash="checkpoint 1")
    return opened


def shades_of(index: PersonIndex, revision: str, person_ids: np.ndarray) -> np.ndarray:
    people = IndexedPeople(index)
    return open_palettes(people, revision, person_ids, len(person_ids)).of(people, person_ids)


def test_a_palette_survives_packing() -> None:
    shades = (Shade(65535, 200), Shade(0, 55))
    assert unpack(pack(shades)) == shades
    assert unpack(b"") == ()


def test_records_come_back_with_their_palettes(index: PersonIndex) -> None:
    stored = index.people(index.person_ids())
    assert [one.person.attributes[0].palette for one in stored] == [
        palette(np.array([color], np.uint8)) for color in (CRIMSON, NAVY, CRIMSON)
    ]
    assert all(one.person.attributes[1].palette == () for one in stored)


def test_shades_stand_in_the_columns_of_their_garment(index: PersonIndex) -> None:
    shades = shades_of(index, str(index.revision()), index.person_ids())
    cells, shares = split(shades[rows_of("Coat")])
    assert shades.shape == (COLUMNS, 3)
    assert (cells[0, 0], cells[0, 1]) == tuple(palette(np.array([c], np.uint8))[0].cell for c in (CRIMSON, NAVY))
    assert shares[0].tolist() == [255, 255, 255]
    assert not shades[rows_of("Pants")].any()


def test_a_free_color_is_searched_in_pixels_and_follows_changes(index: PersonIndex) -> None:
    searcher, query = Searcher(index), parse_query("coat:#a03020")
    first, navy, second = index.person_ids().tolist()
    assert sorted(match.person_id for match in searcher.search(query).matches) == [first, second]
    assert [match.person_id for match in searcher.search(parse_query("coat:#1e285a")).matches] == [navy]
    index.delete_people([first])
    assert [match.person_id for match in searcher.search(query).matches] == [second]
    index.add([dressed("gate.jpg", CRIMSON)], gallery="all", checkpoint_hash="checkpoint 1")
    assert searcher.search(query).total == 2


def test_palettes_of_those_who_were_added_are_read_alone(index: PersonIndex) -> None:
    searcher, query = Searcher(index), parse_query("coat:#a03020")
    assert searcher.search(query).total == 2
    before, (path,) = searcher.store(), index.derived_folder().glob("palettes-*")
    written = path.read_bytes()
    index.add([dressed("gate.jpg", CRIMSON)], gallery="all", checkpoint_hash="checkpoint 1")
    assert searcher.search(query).total == 3
    assert searcher.store().palettes is before.palettes
    assert before.shades is not None
    assert before.shades.shape == (COLUMNS, 3)
    assert path.read_bytes() == written


def test_there_is_room_for_more_than_was_reserved(index: PersonIndex) -> None:
    people, person_ids = IndexedPeople(index), index.person_ids()
    palettes = open_palettes(people, str(index.revision()), person_ids, len(person_ids))
    index.add([dressed("gate.jpg", CRIMSON, NAVY)], gallery="all", checkpoint_hash="checkpoint 1")
    shares = split(palettes.of(people, index.person_ids())[rows_of("Coat")])[1]
    assert shares[0].tolist() == [255] * 5


def test_queries_without_a_free_color_make_no_palette_file(index: PersonIndex) -> None:
    searcher = Searcher(index)
    searcher.search(parse_query("coat:red"))
    assert not list(index.derived_folder().glob("palettes-*"))
    searcher.search(parse_query("coat:#a03020"))
    assert len(list(index.derived_folder().glob("palettes-*"))) == 1


def test_shades_are_good_though_their_revision_is_gone(index: PersonIndex) -> None:
    person_ids, revision = index.person_ids(), str(index.revision())
    index.add([dressed("gate.jpg", CRIMSON)], gallery="all", checkpoint_hash="checkpoint 1")
    newer = shades_of(index, str(index.revision()), index.person_ids())
    (path,) = index.derived_folder().iterdir()
    shades = shades_of(index, revision, person_ids)
    np.testing.assert_array_equal(shades, newer[:, :3])
    assert list(index.derived_folder().iterdir()) == [path]
