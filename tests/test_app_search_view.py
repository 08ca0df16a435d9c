import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from rendered import RenderedGallery

from app.config import AppConfig
from app.screens.search_state import SearchState
from app.screens.search_view import View, _relaxation_views, search_view
from app.workspace import Workspace, open_workspace
from query.relaxation import relaxed
from query.search import Relaxation, SearchResult
from query.tree import parse_query


@pytest.fixture(scope="module")
def workspace(rendered_gallery: RenderedGallery) -> Workspace:
    return open_workspace(AppConfig(home=rendered_gallery.home))


def view_of(text: str, workspace: Workspace) -> View:
    return search_view(SearchState(text=text), workspace)[1]


def test_the_start_page_counts_everybody_and_shows_some(workspace: Workspace) -> None:
    state, view = search_view(SearchState(), workspace)
    held = workspace.index.status()
    assert state == SearchState()
    assert view["totals"] == {"people": held.people, "images": held.images}
    assert 0 < len(view["wall"]) <= held.people
    assert view["results"] is None


def test_a_sentence_becomes_a_query_in_the_address_and_chips(workspace: Workspace) -> None:
    state, view = search_view(SearchState(text="man with a red coat and no hat"), workspace)
    assert state.query == "coat:red -hat"
    assert [(chip["label"], chip["without"]) for chip in view["chips"]] == [
        ("red coat", "-hat"),
        ("no hat", "coat:red"),
    ]
    assert view["unknown"] == ["man"]
    assert view["error"] is None


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"q": "red coat"}, SearchState(query="coat:red", text="red coat")),
        ({"q": "red coat", "text": "hat", "page": "1"}, SearchState(query="coat:red", text="red coat")),
        ({"q": "coat hat"}, SearchState(query="coat hat")),
        ({"q": "coat:mauve"}, SearchState(query="coat:(purple|pink)", text="coat:mauve")),
        ({"q": "like:0 red coat", "mode": "strict"}, SearchState("coat:red like:0", "like:0 red coat", "strict")),
    ],
)
def test_a_link_may_hold_a_sentence_where_compact_text_belongs(
    parameters: dict[str, str], expected: SearchState, workspace: Workspace
) -> None:
    assert search_view(SearchState.from_parameters(parameters), workspace)[0] == expected


@pytest.mark.parametrize(("typed", "said"), [("xyzzy", "got only xyzzy"), ("   ", "got an empty text")])
def test_a_link_that_asks_nothing_is_told_what_can_be_asked(typed: str, said: str, workspace: Workspace) -> None:
    state, view = search_view(SearchState.from_parameters({"q": typed}), workspace)
    assert state.query == ""
    assert said in view["error"]["sentence"]
    assert view["results"] is None


def test_the_first_hit_wears_what_was_asked_and_shows_where(workspace: Workspace) -> None:
    view = view_of("red coat", workspace)
    first = view["results"]["matches"][0]
    assert first["clauses"][0]["label"] == "red coat"
    assert first["clauses"][0]["p"] > 0.9
    assert first["clauses"][0]["outline"] == f"/pictures/outlines/crop/{first['person_id']}/Coat/0.svg"


@pytest.mark.parametrize("text", ["red coat", "orange coat and yellow skirt"])
def test_those_who_are_less_sure_are_offered_with_their_exact_count(workspace: Workspace, text: str) -> None:
    results = view_of(text, workspace)["results"]
    everybody = search_view(SearchState(text=text, mode="recall"), workspace)[1]["results"]
    assert results["less_sure"] == everybody["total"] - results["total"]
    assert everybody["less_sure"] == 0


def test_everything_sent_to_the_browser_is_json(workspace: Workspace) -> None:
    state, view = search_view(SearchState(text="coat"), workspace)
    opened = search_view(replace(state, person_id=view["results"]["matches"][0]["person_id"]), workspace)[1]
    assert json.loads(json.dumps(opened))["person"]["name"].startswith("scene_")


@pytest.mark.parametrize("mode", ["strict", "balanced", "recall"])
@pytest.mark.parametrize("text", ["coat", "dark top", "no hat"])
def test_each_facet_leads_to_exactly_the_people_it_counts(workspace: Workspace, text: str, mode: str) -> None:
    view = search_view(SearchState(text=text, mode=mode), workspace)[1]
    values = [value for facet in view["facets"] for value in facet["values"]]
    assert values
    for value in values:
        clicked = search_view(SearchState(query=value["query"], mode=mode), workspace)[1]
        assert clicked["results"]["total"] == value["count"] < view["results"]["total"]


def test_what_would_split_the_matches_best_is_asked_first(workspace: Workspace) -> None:
    view = view_of("coat", workspace)
    question, *others = view["facets"]
    assert question["title"].endswith("?")
    assert len(question["values"]) > 1
    assert not any(facet["title"].endswith("?") for facet in others)
    for value in question["values"]:
        assert value["query"].startswith("coat")


def test_nobody_found_offers_relaxations_with_exact_counts(workspace: Workspace) -> None:
    view = view_of("orange coat and yellow skirt", workspace)
    assert view["results"]["total"] == 0
    assert view["relaxations"]
    for way in view["relaxations"]:
        assert search_view(SearchState(query=way["query"]), workspace)[1]["results"]["total"] == way["count"]


def test_where_several_clauses_have_to_go_the_page_says_what_remains(workspace: Workspace) -> None:
    view = view_of("purple gloves, a pink scarf and an orange striped coat", workspace)
    assert view["results"]["total"] == 0
    assert all(way["label"].startswith("only “") for way in view["relaxations"])
    assert view["relaxations"]


def test_relaxations_are_told_apart_in_the_words_of_the_chips() -> None:
    query = parse_query("coat:dark,long shoes:long hat:medium,letters")
    ways = [Relaxation(dropped, rest, 3) for dropped, rest in relaxed(query)]
    result = SimpleNamespace(query=query, relaxations=ways, total=0)
    labels = [way["label"] for way in _relaxation_views(cast("SearchResult", result))]
    assert sorted(labels) == [
        "dark coat without “long”",
        "shoes without “long”",
        "without “dark”",
        "without “gray lettered hat”",
        "without “gray”",
        "without “lettered”",
        "without “long dark coat”",
        "without “long shoes”",
    ]


def test_an_empty_gallery_is_no_fault_of_the_description(tmp_path: Path) -> None:
    results = view_of("red coat", open_workspace(AppConfig(home=tmp_path)))["results"]
    assert (results["searched"], results["total"]) == (0, 0)


@pytest.mark.parametrize("text", ["   ", "tall man", "<script>alert(1)</script>"])
def test_what_cannot_be_asked_is_answered_with_one_sentence(workspace: Workspace, text: str) -> None:
    view = view_of(text, workspace)
    assert view["error"]["sentence"].startswith("Expected ")
    assert view["results"] is None


@pytest.mark.parametrize("query", ["((", "gallery:nowhere", "like:999999"])
def test_a_broken_address_is_answered_with_one_sentence(workspace: Workspace, query: str) -> None:
    view = search_view(SearchState(query=query), workspace)[1]
    assert view["error"]["sentence"].endswith(".")
    assert view["results"] is None


@pytest.mark.parametrize("query", ["", "hair"])
def test_a_person_who_is_gone_is_said_to_be_gone_beside_the_rest(query: str, workspace: Workspace) -> None:
    state, view = search_view(SearchState(query=query, person_id=999_999), workspace)
    assert state.person_id is None
    assert view["notice"] == {
        "title": "This person is gone",
        "sentence": "Person 999999 has been deleted or was never here; choose somebody else.",
    }
    assert view["error"] is None
    assert view["results"]["matches"] if query else view["wall"]


def test_words_not_understood_go_once_the_query_is_edited(workspace: Workspace) -> None:
    state, view = search_view(SearchState(query="coat", text="man in a red coat"), workspace)
    assert state.text == ""
    assert view["unknown"] == []
    assert view["text"] == "coat"


def test_pages_are_cut_without_loss(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.screens.search_view.PAGE_SIZE", 3)
    state, view = search_view(SearchState(text="hair"), workspace)
    pages = [search_view(replace(state, page=page), workspace)[1] for page in range(1, view["results"]["pages"] + 1)]
    shown = [match["person_id"] for page in pages for match in page["results"]["matches"]]
    assert len(shown) == len(set(shown)) == view["results"]["total"]


@pytest.mark.parametrize(("query", "last"), [("hair", True), ("coat:orange skirt:yellow", False)])
def test_a_page_beyond_the_last_is_the_last(
    query: str, last: bool, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.screens.search_view.PAGE_SIZE", 3)
    state, view = search_view(SearchState(query=query, page=10**15 - 1), workspace)
    assert state.page == view["page"] == max(view["results"]["pages"], 1)
    assert bool(view["results"]["matches"]) == last
