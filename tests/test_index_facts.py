"""Tests of facts: an index as a search sees it, from rows to columns, and through every change."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from index.adding import NewImage
from index.columns import build_columns
from index.disk import DiskError
from index.facts import IndexedPeople
from index.person_index import PersonIndex
from query.search import Searcher, search_document
from query.tree import And, Camera, Captured, Gallery, Not, People, Query, parse_query
from tests.index_samples import new_image, parsed

DAY = datetime(2026, 5, 1, 8, 30)


@pytest.fixture
def index(tmp_path: Path) -> PersonIndex:
    """Two in red and blue at the door, one in red in the yard, both in two galleries."""
    opened = PersonIndex.open(tmp_path)
    door = NewImage(parsed("door.jpg", "Red", "Blue"), content_hash="a", camera="door", captured_at=DAY)
    yard = NewImage(parsed("yard.jpg", "Red"), content_hash="b")
    opened.add([door], gallery="north", checkpoint_hash="checkpoint 1")
    opened.add([yard], gallery="south", checkpoint_hash="checkpoint 1")
    return opened


def test_facts_are_those_of_each_persons_image(index: PersonIndex) -> None:
    with index:
        people = IndexedPeople(index)
        person_ids = people.person_ids()
        facts = people.facts(person_ids)
    assert facts.image_ids.tolist()[0] == facts.image_ids.tolist()[1] != facts.image_ids.tolist()[2]
    np.testing.assert_array_equal(facts.captured_at, np.array([DAY, DAY, "NaT"], "datetime64[s]"))
    assert facts.camera.tolist() == [0, 0, -1]
    assert facts.camera_names == ("door",)
    assert facts.people.tolist() == [2, 2, 1]
    assert {name: inside.tolist() for name, inside in facts.galleries.items()} == {
        "north": [True, True, False],
        "south": [False, False, True],
    }


def test_people_deleted_meanwhile_are_an_error(index: PersonIndex) -> None:
    with index:
        people = IndexedPeople(index)
        person_ids = people.person_ids()
        index.delete_people([int(person_ids[0])])
        with pytest.raises(LookupError, match="people were deleted while their images were read"):
            people.facts(person_ids)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (parse_query("coat:red"), [0, 2]),
        (And((parse_query("coat:red"), Gallery("north"))), [0]),
        (And((parse_query("coat:red"), Not(Gallery("north")))), [2]),
        (Camera("door"), [0, 1]),
        (Captured(DAY, None), [0, 1]),
        (People(1, 1), [2]),
    ],
)
def test_an_index_is_searched_by_clothes_and_by_facts(index: PersonIndex, query: Query, expected: list[int]) -> None:
    with index:
        person_ids = index.descriptors()[0].tolist()
        found = Searcher(index).search(query)
    assert sorted(match.person_id for match in found.matches) == [person_ids[row] for row in expected]


def test_a_search_follows_what_is_added_and_deleted(index: PersonIndex) -> None:
    with index:
        searcher, query = Searcher(index), parse_query("coat:red")
        assert searcher.search(query).total == 2
        index.add([NewImage(parsed("new.jpg", "Red"), content_hash="c")], gallery="n", checkpoint_hash="checkpoint 1")
        after_adding = searcher.search(query)
        index.delete_people([after_adding.matches[0].person_id])
        assert (after_adding.total, searcher.search(query).total) == (3, 2)
        color = next(f for f in searcher.facets(after_adding)[0] if (f.attribute, f.task) == ("Coat", "color"))
        assert color.counts["Red"] == 3  # as it was when it was searched


def test_an_empty_index_matches_nobody(tmp_path: Path) -> None:
    with PersonIndex.open(tmp_path) as index:
        assert Searcher(index).search(parse_query("coat:red")).total == 0


def test_a_document_offers_the_question_that_splits_the_matches(index: PersonIndex) -> None:
    with index:
        searcher = Searcher(index)
        result = searcher.search(parse_query("coat"))
        document = search_document(result, searcher.people(result), question=searcher.facets(result)[1])
    assert document["question"] == {
        "attribute": "Coat",
        "task": "color",
        "gain": 0.918,
        "answers": [{"label": "Red", "count": 2}, {"label": "Blue", "count": 1}],
    }


def test_the_document_of_a_search_has_the_form_of_the_contract(index: PersonIndex) -> None:
    with index:
        searcher = Searcher(index)
        result = searcher.search(parse_query("coat:blue"))
        document = search_document(result, searcher.people(result), ["man"])
        coat = searcher.people(result)[0].person.attributes[0]
    [match] = result.matches
    assert (document["query"], document["not_understood"], document["total"]) == ("coat:blue", ["man"], 1)
    assert document["matches"] == [
        {
            "person_id": match.person_id,
            "image": "door.jpg",
            "box_xyxy": [16.0, 4.0, 32.0, 60.0],
            "score": match.score,
            "clauses": [
                {
                    "clause": "coat:blue",
                    "p": match.clauses[0].probability,
                    "evidence": [{"attribute": "Coat", "mask": {"size": [64, 48], "counts": coat.mask.counts}}],
                }
            ],
        }
    ]


def test_facets_of_an_index_count_its_matches(index: PersonIndex) -> None:
    with index:
        searcher = Searcher(index)
        facets, question = searcher.facets(searcher.search(parse_query("coat")))
    colors = next(facet.counts for facet in facets if (facet.attribute, facet.task) == ("Coat", "color"))
    assert {color: count for color, count in colors.items() if count} == {"Red": 2, "Blue": 1}
    assert question is not None
    assert (question.facet.attribute, question.facet.task) == ("Coat", "color")


def test_a_snapshot_stays_as_it_was(tmp_path: Path, database_url: str | None) -> None:
    with PersonIndex.open(tmp_path, database=database_url) as index:
        index.add([new_image("a.jpg", "Red", "Blue")], gallery="north", checkpoint_hash="c1")
        people = IndexedPeople(index)
        with people.snapshot() as still:
            before = still.revision()
            index.delete_people([1])
            index.add([new_image("b.jpg", "Red")], gallery="south", checkpoint_hash="c1")
            person_ids, facts = still.person_ids(), still.facts(still.person_ids())
            assert (still.revision(), person_ids.tolist(), facts.people.tolist()) == (before, [1, 2], [2, 2])
            assert sum(len(block) for block in still.descriptor_blocks(person_ids, 1)) == 2
            assert list(facts.galleries) == ["north"]
        assert people.revision() > before
        assert people.person_ids().tolist() == [2, 3]


def test_columns_are_built_whatever_is_ingested_meanwhile(tmp_path: Path) -> None:
    class Ingested(IndexedPeople):
        def descriptor_blocks(self, person_ids: NDArray[np.int64], size: int) -> Iterator[NDArray[np.float16]]:
            for block in super().descriptor_blocks(person_ids, size):
                with PersonIndex.open(tmp_path) as other:
                    other.add([new_image("b.jpg", "Red")], gallery="g", checkpoint_hash="c1")
                yield block

        @contextmanager
        def snapshot(self) -> Iterator[IndexedPeople]:
            with self.index.snapshot() as still:
                yield Ingested(still)

    with PersonIndex.open(tmp_path) as index:
        index.add([new_image("a.jpg", "Red")], gallery="g", checkpoint_hash="c1")
        before = index.revision()
        store = build_columns(Ingested(index))
        assert (store.revision, store.person_ids.tolist()) == (str(before), [1])
        assert index.revision() > before


def test_a_search_goes_on_with_what_was_opened_last(
    index: PersonIndex, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    with index:
        searcher, query = Searcher(index), parse_query("coat:red")
        assert searcher.search(query).total == 2
        index.delete_people([int(searcher.search(query).matches[0].person_id)])
        with monkeypatch.context() as patch:
            patch.setattr("index.columns.os.posix_fallocate", full)
            assert searcher.search(query).total == 2
            with pytest.raises(DiskError, match="is full; the records are safe"):
                Searcher(index).search(query)
        assert "searching columns of revision (1, 2), as later ones cannot be built" in caplog.text
        assert searcher.search(query).total == 1


def test_a_search_follows_what_is_added_without_reading_the_others_again(index: PersonIndex) -> None:
    with index:
        searcher, query = Searcher(index), parse_query("coat:red")
        before = searcher.store()
        files = {path.name for path in index.derived_folder().iterdir()}
        index.add([new_image("new.jpg", "Red")], gallery="attic", checkpoint_hash="checkpoint 1")
        assert searcher.search(query).total == 3
        assert searcher.search(parse_query("gallery:attic coat:red")).total == 1
        assert np.shares_memory(searcher.store().codes, before.codes)
        assert {path.name for path in index.derived_folder().iterdir()} == files


def test_columns_are_made_anew_when_a_known_image_comes_into_another_gallery(index: PersonIndex) -> None:
    with index:
        searcher = Searcher(index)
        searcher.store()
        added = index.add([new_image("new.jpg", "Red")], gallery="attic", checkpoint_hash="checkpoint 1")
        assert searcher.search(parse_query("gallery:attic coat:red")).total == 1
        index.add([new_image("new.jpg", "Red")], gallery="cellar", checkpoint_hash="checkpoint 1")
        index.add([new_image("other.jpg", "Red")], gallery="attic", checkpoint_hash="checkpoint 1")
        assert searcher.search(parse_query("gallery:cellar coat:red")).total == 1
        index.delete_gallery("attic")
        assert added[0].image_id in searcher.store().image_ids
        assert "attic" not in searcher.store().gallery_names
