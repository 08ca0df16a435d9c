"""Tests of the scan: leaving people out early, in pieces and by several threads, changes nothing of the answer."""

from datetime import datetime, time
from pathlib import Path

import numpy as np
import pytest

from index.columns import ColumnStore, open_current
from index.descriptor import column
from index.facts import IndexedPeople
from index.person_index import PersonIndex
from index.plausible_store import fill
from query.described import SENTENCES, DescribedSearch
from query.facets import facet_counts
from query.language import QueryParser
from query.scan import best_rows, count_matches, least_score, scan, scores_of_all
from query.scoring import image_condition, planner_for, strength
from query.search import SearchConfig, search
from query.shortfall import reach_plan
from query.tree import And, Camera, Captured, Daytime, Gallery, Not, People, Query, parse_query

PEOPLE = 2000
FURTHER = SearchConfig().further_minimum
IMAGE_TERMS: list[Query] = [
    Camera("camera 3"),
    Not(Camera("camera 3")),
    Gallery("market"),
    People(2, 3),
    Captured(datetime(2024, 6, 1), datetime(2025, 2, 1)),
    Daytime(time(18), time(2)),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    with PersonIndex.open(folder) as index:
        fill(index, PEOPLE)
    return folder


@pytest.fixture(scope="module")
def store(home: Path) -> ColumnStore:
    with PersonIndex.open(home) as index:
        return open_current(IndexedPeople(index))


@pytest.fixture(params=[64, 1 << 16])
def in_pieces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("query.scan._CHUNK", request.param)


def queries() -> list[Query]:
    parser = QueryParser()
    described = [tree for text in SENTENCES if (tree := parser.parse(text).tree) is not None]
    filtered = [And((parse_query("coat:dark"), term)) for term in IMAGE_TERMS]
    return [*described, *filtered, *IMAGE_TERMS, parse_query("-coat:red -hat"), parse_query("coat or hat:red")]


@pytest.mark.usefixtures("in_pieces")
@pytest.mark.parametrize("threshold", [0.85, 0.25, 0.02])
def test_a_scan_is_a_sort_of_all_scores(store: ColumnStore, threshold: float) -> None:
    for query in queries():
        everybody = scores_of_all(query, store)
        fits = everybody >= least_score(threshold, query)
        found = scan(query, store, threshold=threshold, count=50, further_minimum=FURTHER)
        np.testing.assert_array_equal(found.matched, fits)
        assert found.total == fits.sum()
        np.testing.assert_array_equal(found.best, best_rows(np.flatnonzero(fits), everybody, 50))
        np.testing.assert_array_equal(found.scores, everybody[found.best])
        below = everybody[~fits & (everybody >= FURTHER)].sum(dtype=np.float64)
        assert found.further == pytest.approx(below, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("term", ["", "market", "neighbours"])
def test_of_very_many_people_a_part_tells_what_is_expected_further(
    store: ColumnStore, monkeypatch: pytest.MonkeyPatch, term: str
) -> None:
    monkeypatch.setattr("query.scan._SAMPLED", PEOPLE // 4)
    monkeypatch.setattr("query.scan._RUN", 8)
    monkeypatch.setattr("query.scan._CHUNK", 512)
    monkeypatch.setattr("query.scan.image_condition", condition if term == "neighbours" else image_condition)
    query = And((parse_query("coat:dark"), Gallery("market"))) if term else parse_query("coat:dark")
    everybody = scores_of_all(query, store)
    below = everybody[(everybody < least_score(0.25, query)) & (everybody >= FURTHER)].sum(dtype=np.float64)
    found = scan(query, store, threshold=0.25, count=50, further_minimum=FURTHER)
    assert found.further == pytest.approx(below, rel=1e-4 if term else 0.2)
    assert (found.further == pytest.approx(below, rel=1e-6)) == bool(term)  # those whom a term leaves are all counted


def condition(term: Query, negated: bool, part: ColumnStore) -> np.ndarray:
    """Holds for a hundred people who lie side by side."""
    return (part.person_ids > 600) & (part.person_ids <= 700)


@pytest.mark.parametrize("least", [0.5, 0.06, 0.02])
def test_whoever_reaches_a_score_is_within_reach_by_single_columns(store: ColumnStore, least: float) -> None:
    shut_out = 0
    for query in queries():
        reach = reach_plan(query, least, planner_for(store, None, strength(query)))
        if reach is not None:
            passing = reach(store.codes)
            assert passing[scores_of_all(query, store) >= least].all()
            shut_out += int((~passing).sum())
    assert shut_out > 1000


@pytest.mark.usefixtures("in_pieces")
@pytest.mark.parametrize("count", [0, 1, 100, PEOPLE])
def test_the_latest_come_first_however_many_are_wanted(store: ColumnStore, count: int) -> None:
    query = parse_query("hair:brown")
    fits = np.flatnonzero(scores_of_all(query, store) >= least_score(0.25, query))
    found = scan(query, store, threshold=0.25, count=count, by_time=True)
    np.testing.assert_array_equal(found.best, best_rows(fits, store.captured_at.view(np.int64), count))


@pytest.mark.usefixtures("in_pieces")
@pytest.mark.parametrize("threshold", [0.85, 0.25])
def test_counts_of_several_queries_are_those_of_each(store: ColumnStore, threshold: float) -> None:
    asked = queries()
    totals = [scan(query, store, threshold=threshold, count=0).total for query in asked]
    assert count_matches(asked, store, threshold=threshold) == totals
    assert count_matches([], store, threshold=threshold) == []


@pytest.mark.parametrize("term", IMAGE_TERMS)
def test_terms_about_images_hold_for_a_part_as_for_the_whole(store: ColumnStore, term: Query) -> None:
    leaf, negated = (term.term, True) if isinstance(term, Not) else (term, False)
    whole = image_condition(leaf, negated, store)
    parts = [image_condition(leaf, negated, store.part(part)) for part in (slice(0, 1024), slice(1024, PEOPLE))]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert 0 < whole.sum() < PEOPLE


def test_a_part_is_a_store_of_some_rows(store: ColumnStore) -> None:
    part = store.part(slice(64, 200))
    assert part.count == 136
    np.testing.assert_array_equal(part.person_ids, store.person_ids[64:200])
    np.testing.assert_array_equal(part.codes, store.codes[:, 64:200])
    np.testing.assert_array_equal(part.in_gallery("market"), store.in_gallery("market")[64:200])
    bits = np.unpackbits(part.bits, axis=1, count=136)
    np.testing.assert_array_equal(bits, np.unpackbits(store.bits, axis=1)[:, 64:200])


def test_facets_of_plausible_people_agree_with_a_count(store: ColumnStore) -> None:
    result = search(parse_query("coat:dark"), store)
    chosen = np.unpackbits(store.bits, axis=1, count=store.count).astype(bool)[:, result.matched]
    counted = {
        facet.attribute: facet.counts for facet in facet_counts(store, result.matched) if facet.task == "attribute"
    }
    for group, counts in counted.items():
        assert counts["seen"] == chosen[column(group, "attribute", "seen")].sum()


def test_a_page_holds_the_best_records_with_their_thumbnails(home: Path, store: ColumnStore) -> None:
    described = DescribedSearch(home, QueryParser())
    result, document = described.page("dark coat and blue jeans")
    described.index.close()
    scores = scores_of_all(result.query, store)
    best = best_rows(np.flatnonzero(scores >= least_score(result.threshold, result.query)), scores, 50)
    assert [shown["person_id"] for shown in document["matches"]] == store.person_ids[best].tolist()
    assert document["total"] == result.matched.sum() > 0
    assert all(shown["thumbnail"].endswith(f"-{shown['person_id']}.webp") for shown in document["matches"])
