"""Tests of facts: an index as a search sees it, from rows to columns, and through every change."""

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from index.adding import NewImage
from index.facts import IndexedPeople
from index.person_index import PersonIndex
from query.search import Searcher, search_document
from query.tree import And, Camera, Captured, Gallery, Not, People, Query, parse_query
from tests.index_samples import parsed

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
