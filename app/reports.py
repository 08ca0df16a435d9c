"""Reports: results of commands as lines for people, and as documents where no library has one."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.wording import counted, describe_text, speed_words

if TYPE_CHECKING:
    from app.training_data import Written
    from index.ingest import IngestReport
    from index.person_index import StoredPerson, StoreStatus
    from index.reindex import ReindexReport
    from index.vectors import Neighbour
    from parsing.records import ParsedImage, Person
    from query.search import SearchResult


NOT_LIVE = (
    "they were found by another checkpoint than those who are searched; "
    "parse all photographs with it by python -m app reindex --parse"
)


def ingest_document(report: "IngestReport") -> dict[str, Any]:
    """What `ingest --json` prints."""
    return {
        "state": report.state,
        "found": report.found,
        "parsed": report.parsed,
        "people": report.people,
        "unchanged": report.unchanged,
        "duplicates": report.duplicates,
        "failures": [{"path": str(path), "reason": reason} for path, reason in report.failures],
        "generation": report.generation_id,
        "live": report.is_live,
        "seconds": round(report.seconds, 2),
    }


def ingest_lines(report: "IngestReport") -> Iterator[str]:
    """A summary, and each file that was left out with its reason."""
    speed = f", {speed_words(report.images_per_second)}" if report.parsed and report.seconds else ""
    found, people = counted(report.found, "file"), counted(report.people, "person", "people")
    done = "would be parsed" if report.state == "dry run" else f"parsed, {people}{speed}"
    yield f"{report.state}: {report.parsed} of {found} {done}"
    if report.unchanged or report.duplicates:
        yield f"{report.unchanged} unchanged since last time, {report.duplicates} with content that was there already"
    if report.people and not report.is_live:
        yield f"the {counted(report.people, 'person', 'people')} cannot be searched for yet: {NOT_LIVE}"
    for path, reason in report.failures:
        yield f"left out {path}: {reason}"


def search_lines(
    result: "SearchResult", people: "Sequence[StoredPerson]", not_understood: Sequence[str]
) -> Iterator[str]:
    """A table of people, the best first."""
    yield from _unknown_lines(not_understood)
    if not result.total:
        yield "nobody matches"
    else:
        yield f"{counted(result.total, 'person matches', 'people match')}"
        yield f"{'rank':>4} {'fit':>5}  {'person':>7}  {'box':<21} {'clauses':<40} image"
    for rank, (match, stored) in enumerate(zip(result.matches, people, strict=True), start=1):
        box = _box_text(stored.person)
        clauses = ", ".join(f"{describe_text(one.clause)} {one.probability:.0%}" for one in match.clauses)
        yield f"{rank:>4} {match.probability:>5.0%}  {match.person_id:>7}  {box:<21} {clauses:<40} {stored.image_path}"
    for way in result.relaxations:
        if way.total > result.total:
            yield f'without "{way.dropped}": {way.total}'


def alike_document(
    person_id: int, by: str, found: "Sequence[Neighbour]", people: "Sequence[StoredPerson]"
) -> dict[str, Any]:
    """What `alike --json` prints."""
    matches = [
        {
            "person_id": one.person_id,
            "image": str(stored.image_path),
            "box_xyxy": [float(edge) for edge in stored.person.box_xyxy],
            "similarity": one.similarity,
        }
        for one, stored in zip(found, people, strict=True)
    ]
    return {"person_id": person_id, "by": by, "matches": matches}


def alike_lines(found: "Sequence[Neighbour]", people: "Sequence[StoredPerson]") -> Iterator[str]:
    """A table of people, the most alike first."""
    yield f"{'rank':>4} {'alike':>5}  {'person':>7}  {'box':<21} image" if found else "nobody can be compared"
    for rank, (one, stored) in enumerate(zip(found, people, strict=True), start=1):
        box = _box_text(stored.person)
        yield f"{rank:>4} {one.similarity:>5.0%}  {one.person_id:>7}  {box:<21} {stored.image_path}"


def parse_lines(images: "Sequence[ParsedImage]") -> Iterator[str]:
    """Every image with its people, one line each."""
    for image in images:
        people = counted(len(image.people), "person", "people")
        yield f"{image.path} ({image.width}x{image.height}): {people}"
        yield from (_person_line(number, person) for number, person in enumerate(image.people, start=1))


def _box_text(person: "Person") -> str:
    return ",".join(f"{edge:.0f}" for edge in person.box_xyxy)


def _person_line(number: int, person: "Person") -> str:
    box = _box_text(person)
    seen = ", ".join(f"{record.attribute} {record.score:.0%}" for record in person.attributes)
    return f"  {number}. {person.score:.0%} at {box}: {seen}"


def explain_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """The query, its clauses in words, and what was not understood."""
    if "error" in document:
        yield f"Error: {document['error']}"
        return
    yield f"query: {document['query']}"
    for term in document["terms"]:
        yield f"  {describe_text(term)}"
    for typed, read, *_ in document["corrections"]:
        yield f'"{typed}" read as "{read}"'
    yield from _unknown_lines(document["not_understood"])


def _unknown_lines(words: Sequence[str]) -> Iterator[str]:
    """The words that were not understood, each once."""
    if words:
        yield f"not understood: {', '.join(dict.fromkeys(words))}"


def status_document(status: "StoreStatus") -> dict[str, Any]:
    """What `status --json` prints."""
    return {
        "database": status.database,
        "images": status.images,
        "people": status.people,
        "galleries": dict(status.galleries),
        "quarantined": status.quarantined,
        "checkpoint": status.live.checkpoint_hash if status.live else None,
        "generations": [
            {"id": one.generation_id, "checkpoint": one.checkpoint_hash, "people": one.people, "live": one.is_live}
            for one in status.generations
        ],
    }


def status_lines(status: "StoreStatus") -> Iterator[str]:
    """What a store holds."""
    people, images = counted(status.people, "person", "people"), counted(status.images, "image")
    yield f"{people} in {images} ({status.database})"
    for name, number in status.galleries.items():
        yield f"  gallery {name}: {counted(number, 'image')}"
    if status.quarantined:
        yield f"  {counted(status.quarantined, 'file')} could not be read"
    yield from generation_lines(status)


def generation_lines(status: "StoreStatus") -> Iterator[str]:
    """What each generation holds, and which is searched."""
    for one in status.generations:
        live = " (searched)" if one.is_live else ""
        people = counted(one.people, "person", "people")
        yield f"  generation {one.generation_id}: {people}, checkpoint {one.checkpoint_hash[:12]}{live}"


def reindex_document(report: "ReindexReport") -> dict[str, Any]:
    """What `reindex --json` prints."""
    return {"people": report.people, "thumbnails": report.thumbnails, "lost": [str(path) for path in report.lost]}


def reindex_lines(report: "ReindexReport") -> Iterator[str]:
    """What was rebuilt, and the photographs that are gone."""
    yield f"rebuilt the index of {counted(report.people, 'person', 'people')}"
    if report.thumbnails:
        yield f"made the thumbnails of {counted(report.thumbnails, 'image')} again"
    for path in report.lost:
        yield f"{path} cannot be read any more; its thumbnails stay missing"


def written_lines(written: "Written", output: Path) -> Iterator[str]:
    """What there is to train with, and how to."""
    photographs = counted(written.photographs, "photograph")
    yield f"wrote {photographs} with {counted(written.labels, 'corrected label')} to {output}"
    if written.left_out:
        yield f"left out {counted(written.left_out, 'photograph')} that cannot be read any more, or show nobody there"
    yield f"train with python -m training.train --data {output}, beside other data"
