"""PersonIndex: what goes in comes out, once, and what is deleted is gone."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import delete

from index.adding import OtherVectorsError, Place
from index.descriptor import DIMENSIONS, encode
from index.generations import GenerationError
from index.person_index import PersonIndex, UnknownGalleryError, UnknownImageError, UnknownPersonError
from index.tables import PersonVector
from tests.index_samples import HEIGHT, WIDTH, new_image, person


@pytest.fixture
def index(tmp_path: Path, database_url: str | None) -> Iterator[PersonIndex]:
    with PersonIndex.open(tmp_path / "home", database=database_url) as opened:
        yield opened


def add(index: PersonIndex, *images: object, gallery: str = "g", checkpoint: str = "c1") -> list[tuple[int, ...]]:
    return [added.person_ids for added in index.add(images, gallery=gallery, checkpoint_hash=checkpoint)]


def test_a_person_comes_back_as_it_was(index: PersonIndex) -> None:
    time = datetime(2024, 5, 6, 7, 8)
    add(index, replace(new_image("photos/a.jpg", "Red", "Blue"), camera="Acme", captured_at=time))
    stored, sent = index.person(2), person("Blue", left=16)
    assert (stored.image_path, stored.gallery) == (Path("photos/a.jpg"), "g")
    assert (stored.camera, stored.captured_at) == ("Acme", time)
    assert (stored.height, stored.width, stored.generation_id) == (HEIGHT, WIDTH, 1)
    assert stored.image_location == Path("photos/a.jpg").absolute()
    assert replace(stored.person, appearance=sent.appearance) == sent
    assert np.array_equal(stored.person.appearance, sent.appearance)


def test_people_come_in_the_order_asked_for(index: PersonIndex) -> None:
    add(index, new_image("a.jpg", "Red", "Blue"), new_image("b.jpg", "Green"))
    assert [one.person_id for one in index.people([3, 1, 2, 1])] == [3, 1, 2, 1]
    assert [one.person_id for one in index.people_of_image(1)] == [1, 2]


@pytest.mark.parametrize("showing", [{"Coat"}, {"Face", "Hat"}, set()])
def test_people_come_with_the_attributes_asked_for_and_no_others(index: PersonIndex, showing: set[str]) -> None:
    add(index, new_image("a.jpg", "Red", "Blue"))
    for whole, part in zip(index.people([2, 1]), index.people([2, 1], showing=showing), strict=True):
        kept = tuple(record for record in whole.person.attributes if record.attribute in showing)
        assert replace(part.person, appearance=whole.person.appearance) == replace(whole.person, attributes=kept)
        assert replace(part, person=whole.person) == whole


def test_descriptors_are_those_of_the_records(index: PersonIndex) -> None:
    add(index, new_image("a.jpg", "Red", "Blue"), new_image("b.jpg"))
    ids, descriptors = index.descriptors()
    assert (ids.tolist(), descriptors.shape, descriptors.dtype) == ([1, 2], (2, DIMENSIONS), np.float16)
    assert np.allclose(descriptors[1], encode(person("Blue", left=16)), atol=2e-3)
    assert np.array_equal(index.descriptor(2), descriptors[1])


def test_an_empty_store_answers_with_nothing(index: PersonIndex) -> None:
    assert index.descriptors()[1].shape == (0, DIMENSIONS)
    assert index.appearances()[1].shape == (0, 0)
    assert (index.person_ids().tolist(), index.revision(), index.status().people) == ([], (0, 0), 0)


def test_the_same_content_is_added_once_but_keeps_both_paths(index: PersonIndex) -> None:
    image = new_image("a.jpg", "Red")
    again = replace(image, parsed=replace(image.parsed, path=Path("copy.jpg")))
    first, second = index.add([image, again], gallery="g", checkpoint_hash="c1")
    assert (first.is_new, second.is_new, second.person_ids) == (True, False, (1,))
    assert index.image_paths(1) == [Path("a.jpg"), Path("copy.jpg")]
    assert (index.status().images, index.status().people) == (1, 1)


def test_one_content_may_lie_in_two_galleries(index: PersonIndex) -> None:
    add(index, new_image("a.jpg", "Red"), gallery="one")
    add(index, new_image("a.jpg", "Red"), gallery="two")
    assert index.status().galleries == {"one": 1, "two": 1}
    assert index.person_ids().tolist() == [1]
    index.delete_gallery("one")
    assert (index.status().people, index.person(1).gallery) == (1, "two")


def test_a_file_that_changed_replaces_its_image(index: PersonIndex) -> None:
    add(index, new_image("a.jpg", "Red"))
    add(index, replace(new_image("a.jpg", "Blue"), content_hash="another"))
    assert index.person_ids().tolist() == [2]
    with pytest.raises(UnknownPersonError):
        index.person(1)


def test_every_change_makes_derived_files_stale(index: PersonIndex) -> None:
    revisions = [index.revision()]
    add(index, new_image("a.jpg", "Red", "Blue"))
    revisions.append(index.revision())
    index.add_places([(Place(Path("copy.jpg")), "hash of a.jpg")], gallery="other")
    revisions.append(index.revision())
    index.delete_people([1])
    revisions.append(index.revision())
    assert len(set(revisions)) == 4
    add(index, new_image("a.jpg", "Red", "Blue"))  # nothing new
    assert index.revision() == revisions[-1]


def test_ids_are_never_used_twice(index: PersonIndex) -> None:
    add(index, new_image("a.jpg", "Red"))
    index.delete_images([1])
    assert add(index, new_image("b.jpg", "Red")) == [(2,)]


def test_a_deleted_person_leaves_the_others(index: PersonIndex) -> None:
    add(index, new_image("a.jpg", "Red", "Blue"))
    assert index.delete_people([1]) == 1
    assert (index.person_ids().tolist(), index.status().people, index.status().images) == ([2], 1, 1)
    assert index.generations.verify(1) == []


def test_retention_deletes_what_was_captured_before(index: PersonIndex) -> None:
    add(index, replace(new_image("old.jpg", "Red"), captured_at=datetime(2020, 1, 1)))
    add(index, replace(new_image("new.jpg", "Red"), captured_at=datetime(2024, 1, 1)), new_image("undated.jpg", "Red"))
    assert index.delete_captured_before(datetime(2022, 1, 1)) == 1
    assert index.person_ids().tolist() == [2, 3]


def test_more_ids_than_a_statement_takes(index: PersonIndex) -> None:
    add(index, *(new_image(f"{number}.jpg") for number in range(1200)))
    assert index.delete_images(range(1, 1101)) == 0
    assert index.status().images == 100


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda index: index.person(9), UnknownPersonError, "has no person 9; it may have been deleted: search again"),
        (lambda index: index.people([1, 8, 9]), UnknownPersonError, "has no person 8, 9;"),
        (lambda index: index.descriptor(9), UnknownPersonError, "has no person 9;"),
        (lambda index: index.delete_people([1, 9]), UnknownPersonError, "has no person 9;"),
        (lambda index: index.delete_images([1, 9]), UnknownImageError, "has no image 9;"),
        (
            lambda index: index.delete_gallery("x"),
            UnknownGalleryError,
            r"a gallery of this store \(g\), got 'x'",
        ),
        (lambda index: index.find_image(Path("no.jpg")), UnknownImageError, "got no.jpg; ingest it first"),
    ],
)
def test_unknown_names_are_refused_and_nothing_changes(
    index: PersonIndex, act: object, error: type, message: str
) -> None:
    add(index, new_image("a.jpg", "Red"))
    with pytest.raises(error, match=message):
        act(index)
    assert index.person_ids().tolist() == [1]


def test_a_generation_is_built_aside_and_switched(index: PersonIndex) -> None:
    add(index, new_image("a.jpg", "Red"), new_image("b.jpg", "Blue"))
    add(index, new_image("a.jpg", "Green"), checkpoint="c2")
    assert index.person_ids().tolist() == [1, 2]  # the old one is still searched
    with pytest.raises(GenerationError, match="1 images of the live generation are not yet parsed"):
        index.generations.make_live(2)
    add(index, new_image("b.jpg", "Green"), checkpoint="c2")
    index.generations.make_live(2)
    assert index.person_ids().tolist() == [3, 4]
    assert index.generations.rollback().generation_id == 1
    assert index.person_ids().tolist() == [1, 2]


def test_verify_finds_rows_that_are_missing(index: PersonIndex) -> None:
    add(index, new_image("a.jpg", "Red"))
    with index.database.write() as session:
        session.execute(delete(PersonVector))
    assert index.generations.verify(1) == ["generation 1 should have 1 vectors, found 0"]


def test_there_is_nothing_to_roll_back_to_at_first(index: PersonIndex) -> None:
    add(index, new_image("a.jpg", "Red"))
    with pytest.raises(GenerationError, match="expected a previous generation to go back to, but there is none"):
        index.generations.rollback()
    with pytest.raises(GenerationError, match=r"expected a generation of the store \(1\), got 7; choose one"):
        index.generations.make_live(7)


def test_vectors_of_another_checkpoint_are_refused(index: PersonIndex) -> None:
    add(index, new_image("a.jpg", "Red"))
    other = new_image("b.jpg", "Blue")
    people = tuple(replace(one, appearance=np.ones(16, np.float32)) for one in other.parsed.people)
    with pytest.raises(
        OtherVectorsError,
        match=r"expected appearance vectors of 8 numbers in generation 1, got 16; they come from anoth",
    ):
        add(index, replace(other, parsed=replace(other.parsed, people=people)))
    assert index.person_ids().tolist() == [1]
