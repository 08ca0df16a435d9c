"""Switching: a generation is built aside, checked, searched, and left again; damaged files are made anew."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from index.generations import GenerationError
from index.likeness import Likeness
from index.person_index import PersonIndex, UnknownPersonError
from index.switching import promote, verify_files
from index.tables import PersonVector
from index.vectors import KINDS
from query.search import Searcher
from query.tree import parse_query
from tests.index_samples import new_image

COLORS = ("Red", "Blue", "Green")


@pytest.fixture
def index(tmp_path: Path, database_url: str | None) -> Iterator[PersonIndex]:
    """Three people in generation 1, which is searched, and the same three in generation 2."""
    with PersonIndex.open(tmp_path / "home", database=database_url) as opened:
        for checkpoint in ("c1", "c2"):
            images = [new_image(f"{color}.jpg", color) for color in COLORS]
            opened.add(images, gallery="g", checkpoint_hash=checkpoint)
        yield opened


def answers(index: PersonIndex) -> tuple[list[int], list[int], list[int]]:
    """What the three engines find."""
    searcher, likeness = Searcher(index), Likeness(index)
    found = searcher.search(parse_query("coat"), mode="recall")
    (first, *_) = index.person_ids().tolist()
    alike = [likeness.more_like(first, 10), likeness.dressed_like(first, 10)]
    return sorted(match.person_id for match in found.matches), *(
        sorted(one.person_id for one in each) for each in alike
    )


def test_a_generation_is_searched_with_files_that_were_built_before(
    index: PersonIndex, caplog: pytest.LogCaptureFixture
) -> None:
    assert promote(index, 2).is_live
    files = {path: path.stat().st_ino for path in index.derived_folder().iterdir()}
    with caplog.at_level(logging.INFO):
        caplog.clear()
        assert answers(index) == ([4, 5, 6], [5, 6], [5, 6])
    assert "rebuilding" not in caplog.text
    assert {path: path.stat().st_ino for path in files} == files
    assert index.generations.rollback().generation_id == 1
    assert answers(index) == ([1, 2, 3], [2, 3], [2, 3])


def test_vectors_that_are_not_of_their_people_are_not_switched_to(index: PersonIndex) -> None:
    with index.database.write() as session:
        blue = session.scalar(select(PersonVector.descriptor).where(PersonVector.person_id == 5))
        session.execute(update(PersonVector).where(PersonVector.person_id == 4).values(descriptor=blue))
    with pytest.raises(
        GenerationError, match="cannot make generation 2 live: the descriptor of person 4 is not that of its labels; re"
    ):
        promote(index, 2)
    assert index.revision()[0] == 1


def test_an_empty_generation_has_no_files_to_check(tmp_path: Path) -> None:
    with PersonIndex.open(tmp_path) as index:
        index.add([new_image("nobody.jpg")], gallery="g", checkpoint_hash="c1")
        assert verify_files(index) == []


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) * 2 // 3] ^= 0xFF
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [cut, flip, Path.unlink], ids=["cut", "flipped", "missing"])
def test_damaged_files_are_found_at_the_start_and_made_anew_with_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: object
) -> None:
    with PersonIndex.open(tmp_path) as index:
        index.add([new_image(f"{color}.jpg", color) for color in COLORS], gallery="g", checkpoint_hash="c1")
        before, folder = answers(index), index.derived_folder()
    files = sorted(path for path in folder.iterdir() if path.is_file())
    assert len(files) > 2 * len(KINDS)
    for path in files:
        damage(path)
        caplog.clear()
        with caplog.at_level(logging.INFO), PersonIndex.open(tmp_path) as index:
            assert answers(index) == before
        assert "rebuilding" in caplog.text, path


def test_files_of_an_earlier_revision_are_made_anew(tmp_path: Path) -> None:
    with PersonIndex.open(tmp_path) as index:
        index.add([new_image("a.jpg", "Red")], gallery="g", checkpoint_hash="c1")
        assert answers(index) == ([1], [], [])
        stale = {path.name: path.read_bytes() for path in index.derived_folder().iterdir()}
        index.add([new_image("b.jpg", "Red")], gallery="g", checkpoint_hash="c1")
        for name, content in stale.items():
            (index.derived_folder() / name).write_bytes(content)
        assert answers(index) == ([1, 2], [2], [2])


def test_a_generation_that_is_not_searched_can_be_discarded(index: PersonIndex) -> None:
    promote(index, 2)
    derived, people = index.of_generation(1).derived_folder(), index.of_generation(1).people([1, 2, 3])
    thumbnails = [index.thumbnails.person_path(person.image_id, person.person_id) for person in people]
    for path in (derived / "columns-1-1.bin", *thumbnails):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert index.discard_generation(1) == 3
    assert [generation.generation_id for generation in index.generations.all()] == [2]
    assert not any(path.exists() for path in (derived, *thumbnails))
    assert answers(index) == ([4, 5, 6], [5, 6], [5, 6])
    with pytest.raises(UnknownPersonError):
        index.person(1)
    with pytest.raises(GenerationError, match="expected a previous generation to go back to, but there is none"):
        index.generations.rollback()
    index.add([new_image("Red.jpg", "Red")], gallery="g", checkpoint_hash="c1")
    assert index.generations.verify(index.generations.all()[-1].generation_id)[0].startswith("2 images of the live")


def test_the_generation_that_is_searched_is_not_discarded(index: PersonIndex) -> None:
    with pytest.raises(GenerationError, match="expected a generation that is not searched, got 1, which is; search"):
        index.discard_generation(1)
    with pytest.raises(GenerationError, match=r"expected a generation of the store \(1, 2\), got 7"):
        index.discard_generation(7)
    assert answers(index) == ([1, 2, 3], [2, 3], [2, 3])
