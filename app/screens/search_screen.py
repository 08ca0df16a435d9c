"""Search screen: reads the address, shows the view, and turns what the reader does into the next address."""

from pathlib import Path
from typing import Any

import streamlit as st

from app.config import AppConfig
from app.corrections import correct
from app.screens.search_state import SearchState
from app.screens.search_view import search_view, sentence
from app.workspace import open_workspace
from index.database import StoreError

HERE = Path(__file__).parent
KEY = "search"
FAULT = "fault"  # why the last correction could not be kept
ANSWERS = "answers"  # which of what the reader did is answered next, as the page counts them
ASKED = "asked"  # the state that the reader has just asked for; the address follows once it has been read


def show() -> None:
    """Draw the search page."""
    st.html(HERE / "frame.css")
    state, view = search_view(_state(), open_workspace(AppConfig.from_environment()))
    view["answers"] = st.session_state.pop(ANSWERS, None)
    if fault := st.session_state.pop(FAULT, ""):
        view["notice"] = {"title": "That cannot be corrected", "sentence": fault}
    _set_address(state)
    st.set_page_config(page_title=f"{view['text']} · Signalement" if view["text"] else "Signalement")
    _component()(key=KEY, data=view, on_event_change=_follow)


def _state() -> SearchState:
    asked: SearchState | None = st.session_state.pop(ASKED, None)
    return asked or SearchState.from_parameters(st.query_params.to_dict())


def _set_address(state: SearchState) -> None:
    """Set once per step, so that the browser's Back undoes just that step."""
    if st.query_params.to_dict() != state.parameters():
        st.query_params.from_dict(state.parameters())


def _follow() -> None:
    """Called before the page is drawn again, when the reader has done something."""
    event: dict[str, Any] = st.session_state[KEY]["event"] or {}
    st.session_state[ASKED], st.session_state[ANSWERS] = _state().after(event), event.get("asked")
    if event.get("action") == "correct":
        index = open_workspace(AppConfig.from_environment()).index
        try:
            stored = index.person(int(event["person_id"]))
            correct(index, stored, group=str(event["group"]), task=str(event["task"]), label=str(event["label"]))
        except (ValueError, StoreError) as error:
            st.session_state[FAULT] = sentence(error)


def _component() -> Any:
    return st.components.v2.component(
        "signalement.search",
        css=(HERE / "search.css").read_text(),
        js=(HERE / "search.js").read_text(),
    )
