import pytest

from app.screens.search_state import SearchState

STATE = SearchState(query="coat:red", text="red coat", mode="strict", sort="time", page=3, person_id=7)


def test_an_address_says_the_same_state_again() -> None:
    assert SearchState.from_parameters(STATE.parameters()) == STATE


def test_the_start_page_has_a_bare_address() -> None:
    assert SearchState().parameters() == {}


@pytest.mark.parametrize("nonsense", [{"mode": "best"}, {"sort": "me"}, {"page": "-4"}, {"page": "x"}, {"person": "²"}])
def test_nonsense_in_an_address_is_passed_over(nonsense: dict[str, str]) -> None:
    assert SearchState.from_parameters(nonsense) == SearchState()


@pytest.mark.parametrize(
    ("event", "after"),
    [
        ({"action": "search", "text": "hat"}, SearchState(text="hat", mode="strict", sort="time")),
        ({"action": "query", "query": "hat"}, SearchState(query="hat", mode="strict", sort="time")),
        ({"action": "query", "query": "hat", "mode": "balanced"}, SearchState(query="hat", sort="time")),
        ({"action": "search", "text": ""}, SearchState(text=" ", mode="strict", sort="time")),
        ({"action": "open", "person_id": 9}, SearchState("coat:red", "red coat", "strict", "time", 3, 9)),
        ({"action": "close"}, SearchState("coat:red", "red coat", "strict", "time", 3)),
        ({"action": "set", "page": 2}, SearchState("coat:red", "red coat", "strict", "time", 2, 7)),
        ({"action": "set", "mode": "recall"}, SearchState("coat:red", "red coat", "recall", "time", 1, 7)),
        ({"action": "home"}, SearchState()),
        ({}, SearchState()),
    ],
)
def test_what_the_reader_does_leads_to_the_next_address(event: dict[str, object], after: SearchState) -> None:
    assert STATE.after(event) == after


def test_more_like_this_begins_with_everybody_and_what_follows_does_not() -> None:
    alike = STATE.after({"action": "query", "query": "like:7"})
    assert (alike.query, alike.mode) == ("like:7", "recall")
    surer = alike.after({"action": "set", "mode": "strict"})
    assert surer.after({"action": "query", "query": "like:7 coat"}).mode == "strict"
    assert alike.after({"action": "query", "query": "like:9"}).mode == "recall"
    assert alike.after({"action": "search", "text": "hat"}).mode == "balanced"
    assert alike.after({"action": "query", "query": ""}).parameters() == {"sort": "time"}


def test_an_export_asks_what_the_page_asks() -> None:
    assert STATE.export_url("csv") == "/exports/matches.csv?q=coat%3Ared&mode=strict&sort=time"
