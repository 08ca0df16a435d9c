"""Search view: everything that the search screen shows for one address, as plain data for the browser."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from app.editing import without
from app.exports import KINDS
from app.pictures import crop_url, outline_url, thumbnail_crop
from app.reading import query_parser
from app.resembling import like_queries
from app.screens.facet_view import facet_views
from app.screens.person_view import person_view
from app.screens.search_state import SearchState
from app.wording import describe, describe_text, label_words
from app.workspace import Workspace
from index.database import StoreError
from index.person_index import StoredPerson, UnknownPersonError
from parsing.labels import group_of
from query.search import ClauseMatch, Match, Relaxation, SearchResult
from query.tree import CHARACTERISTIC_WORDS, Has, Like, Query, Swatch, format_query, leaves, parse_query

if TYPE_CHECKING:
    from query.language import Interpretation

View = dict[str, Any]

PAGE_SIZE = 48
WALL_SIZE = 36
EXAMPLES = (
    "red coat", "blue jeans without a hat", "striped shirt", "long dark coat and boots", "yellow skirt",
    "glasses and a scarf",
)  # fmt: skip
LINKS = (("./", "Search"), ("./ingest", "Add photographs"))


def search_view(state: SearchState, workspace: Workspace) -> tuple[SearchState, View]:
    """What to show, and the address it has once the sentence has been read."""
    view = _empty_view()
    query_parser()  # loaded out here, so that a fault in it is not taken for the reader's
    state = _sentence_apart(state)
    try:
        state = _read(state, view)
        if state.query:
            state = _add_results(state, workspace, view)
        else:
            _add_start(workspace, view)
        state = _add_person(state, workspace, view)
    except (ValueError, LookupError, StoreError) as error:
        view["error"] = {"title": "That cannot be searched", "sentence": sentence(error)}
    view |= {"query": state.query, "text": (view["text"] or state.text).strip(), "mode": state.mode, "sort": state.sort}
    return state, view | {"page": state.page, "serial": time.monotonic_ns()}


def sentence(error: Exception) -> str:
    """What an error says, as one sentence."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _empty_view() -> View:
    return {
        "text": "",
        "chips": [],
        "unknown": [],
        "corrections": [],
        "error": None,
        "notice": None,
        "results": None,
        "facets": [],
        "relaxations": [],
        "person": None,
        "wall": [],
        "totals": {"people": 0, "images": 0},
        "examples": EXAMPLES,
        "links": [{"href": href, "label": label, "current": label == "Search"} for href, label in LINKS],
    }


def _read(state: SearchState, view: View) -> SearchState:
    """The state with the sentence read into a query, and what was understood of it in the view."""
    if state.text and not state.query:
        view["text"] = state.text
        found = query_parser().parse(state.text)
        state = replace(state, query=found.query)
        _add_reading(view, found)
    elif state.query:
        state = _keep_text(state, view)
    if state.query:
        query = parse_query(state.query)
        view["chips"] = _chips(query)
        view["text"] = state.text or _box_text(query)
    return state


def _sentence_apart(state: SearchState) -> SearchState:
    """The state with a sentence out of the query's place: a reader who types a link knows no compact text."""
    try:
        if state.query:
            parse_query(state.query)
    except ValueError:
        return replace(state, query="", text=state.query)
    return state


def _keep_text(state: SearchState, view: View) -> SearchState:
    """The sentence goes once the query has been edited, and no longer says the same."""
    found = _reading_of(state.text, state.query)
    if found is None:
        return replace(state, text="")
    _add_reading(view, found)
    return state


def _reading_of(text: str, query: str) -> "Interpretation | None":
    """What is understood of a sentence, if it still says what the query says."""
    found = query_parser().interpret(text) if text else None
    return found if found is not None and found.query == query else None


def _add_reading(view: View, found: "Interpretation") -> None:
    view["unknown"] = list(dict.fromkeys(word for word, _, _ in found.not_understood))
    view["corrections"] = [{"typed": typed, "read": read} for typed, read, _, _ in found.corrections]


def _box_text(query: Query) -> str:
    """What the search box says of a query that nobody typed: words if they are read back the same."""
    words = describe(query)
    return words if _reading_of(words, format_query(query)) else format_query(query)


def _chips(query: Query) -> list[View]:
    """One chip per leaf of the tree; those that a garment can show get the colors of outlines and bars."""
    chips, color = [], 0
    for position, (leaf, negated) in enumerate(leaves(query)):
        rest = without(query, position)
        chips.append(
            {
                "label": f"no {describe(leaf)}" if negated else describe(leaf),
                "clause": format_query(leaf),
                "negated": negated,
                "weight": getattr(leaf, "weight", 1.0),
                "color": color,
                "without": "" if rest is None else format_query(rest),
            }
        )
        color += isinstance(leaf, Has | Swatch | Like)
    return chips


def _add_person(state: SearchState, workspace: Workspace, view: View) -> SearchState:
    """The state without a person who is gone, which is said beside everything else."""
    if state.person_id is None:
        return state
    try:
        view["person"] = person_view(state.person_id, workspace, view["results"])
    except UnknownPersonError:
        gone = f"Person {state.person_id} has been deleted or was never here; choose somebody else."
        view["notice"] = {"title": "This person is gone", "sentence": gone}
        return replace(state, person_id=None)
    return state


def _add_results(state: SearchState, workspace: Workspace, view: View) -> SearchState:
    """The state on the last page, where it asks for one beyond."""
    query = parse_query(state.query)
    offset = (state.page - 1) * PAGE_SIZE
    result = workspace.searcher.search(query, mode=state.mode, sort=state.sort, limit=PAGE_SIZE, offset=offset)
    last = -(-result.total // PAGE_SIZE)
    if state.page > max(last, 1):
        return _add_results(replace(state, page=max(last, 1)), workspace, view)
    people = workspace.searcher.people(result)
    view["results"] = {
        "total": result.total,
        "searched": result.store.count,
        "pages": last,
        "less_sure": _less_sure(result, workspace) if state.page >= last else 0,
        "expected_further": round(result.expected_further),
        "matches": _match_views(offset, result, people),
        "exports": {kind: state.export_url(kind) for kind in KINDS},
    }
    view["relaxations"] = _relaxation_views(result)
    view["facets"] = facet_views(workspace, result)
    return state


def _less_sure(result: SearchResult, workspace: Workspace) -> int:
    """How many more people would be found by asking for everybody who may fit."""
    return workspace.searcher.search(result.query, mode="recall", limit=0).total - result.total


def _match_views(offset: int, result: SearchResult, people: Sequence[StoredPerson]) -> list[View]:
    likes = like_queries([match.person_id for match in result.matches], result.store)
    found = enumerate(zip(result.matches, people, likes, strict=True), start=offset + 1)
    return [_match_view(rank, match, stored) | {"like": like} for rank, (match, stored, like) in found]


def _match_view(rank: int, match: Match, stored: StoredPerson) -> View:
    return {
        "rank": rank,
        "person_id": match.person_id,
        "crop": crop_url(stored.image_id, stored.person_id),
        "image": str(stored.image_path),
        "name": stored.image_path.name,
        "clauses": [_clause_view(color, clause, stored) for color, clause in enumerate(match.clauses)],
    }


def _clause_view(color: int, clause: ClauseMatch, stored: StoredPerson) -> View:
    seen = {record.attribute for record in stored.person.attributes}
    shown = list(dict.fromkeys(group_of(attribute) for attribute in clause.attributes if attribute in seen))
    return {
        "label": describe_text(clause.clause),
        "clause": clause.clause,
        "p": clause.probability,
        "color": color,
        "negated": clause.clause.startswith("-"),
        "group": shown[0] if len(shown) == 1 else None,
        "outline": outline_url(stored.person_id, shown[0], color) if len(shown) == 1 else None,
    }


def _relaxation_views(result: SearchResult) -> list[View]:
    """What to leave out, most people first; ways that lead to nobody are not offered."""
    ways = sorted((way for way in result.relaxations if way.total > result.total), key=lambda way: -way.total)
    labels = [_relaxation_label(way) for way in ways]
    return [
        {
            "label": label if labels.count(label) == 1 else f"{_relaxed_leaf(result.query, way.query)} {label}".strip(),
            "count": way.total,
            "query": format_query(way.query),
        }
        for way, label in zip(ways, labels, strict=True)
    ]


def _relaxation_label(way: Relaxation) -> str:
    """What is left out, a label or a term; where that is several, what remains."""
    if ", " in way.dropped:
        return f"only “{describe_text(format_query(way.query))}”"
    labels = [CHARACTERISTIC_WORDS[word][1] for word in way.dropped.split("|") if word in CHARACTERISTIC_WORDS]
    return f"without “{' or '.join(map(label_words, labels)) or describe_text(way.dropped)}”"


def _relaxed_leaf(before: Query, after: Query) -> str:
    """What remains of the clause of which a label is left out: `dark coat`, where `long dark coat` was asked."""
    pairs = zip(leaves(before), leaves(after), strict=False)
    return next((describe(new) for (old, _), (new, _) in pairs if old != new), "")


def _add_start(workspace: Workspace, view: View) -> None:
    store = workspace.searcher.store()
    view["totals"] = {"people": store.count, "images": len(np.unique(store.image_ids))}
    rows = np.unique(np.linspace(0, store.count - 1, min(store.count, 3 * WALL_SIZE)).astype(int))
    view["wall"] = wall_view(workspace.index.people(store.person_ids[rows]))


def wall_view(people: Sequence[StoredPerson]) -> list[View]:
    """The people who are best to look at, in the order given."""
    largest = sorted(people, key=lambda stored: -_height(stored) * stored.person.score)[:WALL_SIZE]
    chosen = {stored.person_id for stored in largest}
    return [_tile(stored) for stored in people if stored.person_id in chosen]


def _height(stored: StoredPerson) -> float:
    return stored.person.box_xyxy[3] - stored.person.box_xyxy[1]


def _tile(stored: StoredPerson) -> View:
    crop = thumbnail_crop(stored)
    return {
        "person_id": stored.person_id,
        "crop": crop_url(stored.image_id, stored.person_id),
        "width": crop.width,
        "height": crop.height,
    }
