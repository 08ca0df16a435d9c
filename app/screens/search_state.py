"""Search state: what the address of a search page says, so that every page can be sent as a link."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self
from urllib.parse import urlencode

from query.search import MODES, SORTS

EXAMPLE = "like:"  # what a query begins with that asks for people like one of them


@dataclass(frozen=True)
class SearchState:
    """One search page.

    Args:
        query: compact text of the tree; empty on the start page.
        text: the sentence as typed, while it still says what `query` says.
        mode, sort: of the search.
        page: from 1.
        person_id: whose details are open.
    """

    query: str = ""
    text: str = ""
    mode: str = "balanced"
    sort: str = "score"
    page: int = 1
    person_id: int | None = None

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, str]) -> Self:
        """The state that an address asks for; what it does not say, or says wrongly, is as at the start."""
        mode, sort = parameters.get("mode", ""), parameters.get("sort", "")
        person_id = _number(parameters.get("person"))
        return cls(
            query=parameters.get("q", ""),
            text=parameters.get("text", ""),
            mode=mode if mode in MODES else cls.mode,
            sort=sort if sort in SORTS else cls.sort,
            page=max(1, _number(parameters.get("page")) or 1),
            person_id=person_id,
        )

    def parameters(self) -> dict[str, str]:
        """The address, without what is as at the start."""
        said = {"q": self.query, "text": self.text, "mode": self.mode, "sort": self.sort, "page": self.page}
        start = {"q": "", "text": "", "mode": "balanced", "sort": "score", "page": 1}
        kept = {name: str(value) for name, value in said.items() if value != start[name]}
        return kept if self.person_id is None else kept | {"person": str(self.person_id)}

    def after(self, event: Mapping[str, Any]) -> "SearchState":
        """The state after something that the reader did, as the page reports it."""
        match event.get("action"):
            case "search":
                text = str(event.get("text", "")) or " "  # which asks nothing, and is told so
                return replace(self, query="", text=text, mode=self._mode_for(text), page=1, person_id=None)
            case "query":
                query = str(event.get("query", ""))
                mode = str(event.get("mode") or self._mode_for(query))
                return replace(self, query=query, text="", mode=mode, page=1, person_id=None)
            case "set":
                parameters = self.parameters() | {"page": "1"}
                parameters |= {name: str(event[name]) for name in ("mode", "sort", "page") if name in event}
                return self.from_parameters(parameters)
            case "open":
                return replace(self, person_id=_number(str(event.get("person_id"))))
            case "correct":
                return self
            case "close":
                return replace(self, person_id=None)
            case _:
                return SearchState()

    def _mode_for(self, query: str) -> str:
        """The mode goes on, except that "more like this" begins with everybody: few are surely like an example."""
        before, after = self.query.startswith(EXAMPLE), query.startswith(EXAMPLE)
        return self.mode if before == after else "recall" if after else SearchState.mode

    def export_url(self, kind: str) -> str:
        """Where this search can be downloaded."""
        return f"/exports/matches.{kind}?" + urlencode({"q": self.query, "mode": self.mode, "sort": self.sort})


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 else None
