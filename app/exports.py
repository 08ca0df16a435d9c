"""Exports: everybody who matches a query, as a table, as records, or as pictures with both.

People are read and written in parts, so that an export of a million takes no more memory than one of ten.
"""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import IO

from app.workspace import Workspace
from index.person_index import StoredPerson
from query.search import SearchResult, search, search_document
from query.tree import Query

Page = tuple[SearchResult, Sequence[StoredPerson]]

KINDS = ("csv", "json", "zip")
COLUMNS = ("rank", "person_id", "image", "x0", "y0", "x1", "y1", "captured_at", "probability")
PAGE_SIZE = 500  # people in memory at once


def export(
    workspace: Workspace, query: Query, file: IO[bytes], *, kind: str, mode: str = "balanced", sort: str = "score"
) -> int:
    """Write everybody who matches into a file, and return how many they are.

    Raises:
        ValueError: no such kind, mode or sort.
        LookupError: the query names what the store has not, or somebody was deleted meanwhile.
    """
    if kind not in KINDS:
        raise ValueError(f"expected an export as one of {', '.join(KINDS)}, got {kind!r}; choose one of them")
    found = workspace.searcher.search(query, mode=mode, sort=sort, limit=0)
    if kind == "zip":
        _write_archive(workspace, found, sort, file)
    else:
        _write_lines((table if kind == "csv" else records)(_pages(workspace, found, sort)), file)
    return found.total


def _pages(workspace: Workspace, found: SearchResult, sort: str) -> Iterator[Page]:
    """Everybody who was found, page by page, from the same state of the store; one page at least."""
    for offset in range(0, max(found.total, 1), PAGE_SIZE):
        result = search(
            found.query,
            found.store,
            config=workspace.searcher.config,
            mode=found.mode,
            limit=PAGE_SIZE,
            offset=offset,
            sort=sort,
        )
        yield result, workspace.searcher.people(result)


def table(pages: Iterable[Page]) -> Iterator[str]:
    """Lines of CSV: one per person, with one column per clause."""
    rank = 0
    for result, people in pages:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if not rank:
            clauses = [clause.clause for clause in result.matches[0].clauses] if result.matches else []
            writer.writerow([*COLUMNS, *clauses])
        for match, stored in zip(result.matches, people, strict=True):
            rank += 1
            box = [round(edge, 1) for edge in stored.person.box_xyxy]
            parts = [round(clause.probability, 4) for clause in match.clauses]
            taken = stored.captured_at.isoformat() if stored.captured_at else ""
            image = _inert(str(stored.image_path))
            writer.writerow([rank, match.person_id, image, *box, taken, round(match.probability, 4), *parts])
        yield text.getvalue()


def records(pages: Iterable[Page]) -> Iterator[str]:
    """Lines of JSON: the document of `search --json`, with one match on a line."""
    comma = ""
    for number, (result, people) in enumerate(pages):
        document = search_document(result, people)
        matches = document.pop("matches")
        if not number:
            yield f'{_json(document)[:-1]}, "matches": ['
        for match in matches:
            yield f"{comma}\n{_json(match)}"
            comma = ","
    yield "\n]}\n"


def _json(document: object) -> str:
    return json.dumps(document, ensure_ascii=False)


def _write_lines(lines: Iterable[str], file: IO[bytes]) -> None:
    file.writelines(line.encode() for line in lines)


def _write_archive(workspace: Workspace, found: SearchResult, sort: str, file: IO[bytes]) -> None:
    """Crops named by rank, with the table and the records."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, lines in (("matches.csv", table), ("matches.json", records)):
            with archive.open(name, "w", force_zip64=True) as member:
                _write_lines(lines(_pages(workspace, found, sort)), member)
        everybody = (stored for _, people in _pages(workspace, found, sort) for stored in people)
        for rank, stored in enumerate(everybody, start=1):
            crop = workspace.index.thumbnails.person_path(stored.image_id, stored.person_id)
            if crop.is_file():
                archive.write(crop, f"people/{rank:04d}-person-{stored.person_id}.webp")


def _inert(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t")) else text
