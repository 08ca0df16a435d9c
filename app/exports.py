"""Exports: everybody who matches a query, as a table, as records, or as pictures with both."""

import csv
import io
import json
import zipfile
from collections.abc import Sequence
from typing import Any

from app.workspace import Workspace
from index.person_index import StoredPerson
from query.search import SearchResult, search_document
from query.tree import Query

KINDS = ("csv", "json", "zip")
MAXIMUM = 5000  # people in one export


def export(workspace: Workspace, query: Query, *, kind: str, mode: str = "balanced", sort: str = "score") -> bytes:
    """The file that holds the first `MAXIMUM` people who match.

    Raises:
        ValueError: no such kind, mode or sort.
    """
    if kind not in KINDS:
        raise ValueError(f"expected an export as one of {', '.join(KINDS)}, got {kind!r}; choose one of them")
    result = workspace.searcher.search(query, mode=mode, sort=sort, limit=MAXIMUM)
    people = workspace.searcher.people(result)
    if kind == "csv":
        return table(result, people).encode()
    if kind == "json":
        return records(result, people).encode()
    return _archive(workspace, result, people)


def table(result: SearchResult, people: Sequence[StoredPerson]) -> str:
    """One line per person, with one column per clause."""
    clauses = [clause.clause for clause in result.matches[0].clauses] if result.matches else []
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["rank", "person_id", "image", "x0", "y0", "x1", "y1", "captured_at", "probability", *clauses])
    for rank, (match, stored) in enumerate(zip(result.matches, people, strict=True), start=1):
        box = [round(edge, 1) for edge in stored.person.box_xyxy]
        parts = [round(clause.probability, 4) for clause in match.clauses]
        taken = stored.captured_at.isoformat() if stored.captured_at else ""
        image = _inert(str(stored.image_path))
        writer.writerow([rank, match.person_id, image, *box, taken, round(match.probability, 4), *parts])
    return text.getvalue()


def records(result: SearchResult, people: Sequence[StoredPerson]) -> str:
    """The document of `search --json`."""
    document: dict[str, Any] = search_document(result, people)
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _archive(workspace: Workspace, result: SearchResult, people: Sequence[StoredPerson]) -> bytes:
    """Crops named by rank, with the table and the records."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("matches.csv", table(result, people))
        archive.writestr("matches.json", records(result, people))
        for rank, stored in enumerate(people, start=1):
            crop = workspace.index.thumbnails.person_path(stored.image_id, stored.person_id)
            if crop.is_file():
                archive.write(crop, f"people/{rank:04d}-person-{stored.person_id}.webp")
    return file.getvalue()


def _inert(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t")) else text
