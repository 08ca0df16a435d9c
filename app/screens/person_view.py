"""Person view: one person marked in the photograph, with all that was seen of them."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from app.corrections import corrections_of
from app.garments import garments_of
from app.pictures import crop_url, original_url, photo_outline_url, photo_url, spotlight_url
from app.resembling import OUTFIT, OUTFIT_MODE, like_queries, outfit_query
from app.wording import ATTRIBUTES, label_words
from app.workspace import Workspace
from index.database import StoreError
from index.person_index import StoredPerson
from parsing.labels import CHARACTERISTICS, CHARACTERIZED, LABELS, TASKS, group_of, members
from parsing.records import CharacterizedAttribute

LOGGER = logging.getLogger(__name__)

View = dict[str, Any]

ALIKE = 6  # people shown who look alike
LEAST_ALIKE = 0.5  # cosine similarity of their appearances
CORRECTABLE = tuple(label for label in CHARACTERIZED if group_of(label) == label)


def person_view(person_id: int, workspace: Workspace, results: Mapping[str, Any] | None) -> View:
    """Everything that the details of a person show.

    Args:
        person_id: whose details.
        workspace: where they are.
        results: the page of results that they were opened from, for the clauses; None from elsewhere.

    Raises:
        UnknownPersonError: there is no such person.
    """
    stored = workspace.index.person(person_id)
    everyone = workspace.index.people_of_image(stored.image_id)
    matches: list[View] = results["matches"] if results else []
    clauses: list[View] = next((match["clauses"] for match in matches if match["person_id"] == person_id), [])
    garments, corrected = garments_of(stored.person), corrections_of(workspace.index, stored)
    return {
        "person_id": person_id,
        "title": _title(garments),
        "subtitle": _subtitle(len(everyone), stored),
        "name": stored.image_path.name,
        "photo": photo_url(stored.image_id),
        "photo_full": original_url(stored.image_id),
        "spotlight": spotlight_url(person_id),
        "outlines": _outlines(person_id, clauses),
        "clauses": clauses,
        "attributes": [
            _attribute_view(
                person_id, group, record, {row.task: row.label for row in corrected if row.attribute in members(group)}
            )
            for group, record in garments.items()
        ],
        "choices": CHOICES,
        "alike": _look_alike(workspace, stored, beside=len(everyone)),
        "others": [_place(other) for other in everyone if other.person_id != person_id],
        **_searches(workspace, person_id, garments),
        "facts": _facts(stored),
    }


def _look_alike(workspace: Workspace, stored: StoredPerson, *, beside: int) -> list[View]:
    """People in other photographs whose whole appearance is most like a person's; `beside` are in the same one."""
    try:
        nearest = workspace.likeness.more_like(stored.person_id, ALIKE + beside)
        found = [one for one in nearest if one.similarity >= LEAST_ALIKE]
        people = workspace.index.people((one.person_id for one in found), showing=())
    except (StoreError, LookupError) as error:
        LOGGER.warning("nobody can be compared with person %d: %s", stored.person_id, error)
        return []
    elsewhere = [(one, person) for one, person in zip(found, people, strict=True) if person.image_id != stored.image_id]
    return [
        {"person_id": one.person_id, "crop": crop_url(person.image_id, one.person_id), "similarity": one.similarity}
        for one, person in elsewhere[:ALIKE]
    ]


def _words(group: str, record: CharacterizedAttribute) -> str:
    color = record.winner("color")
    return f"{label_words(color[0])} {ATTRIBUTES[group]}" if color else ATTRIBUTES[group]


def _title(garments: Mapping[str, CharacterizedAttribute]) -> str:
    """The most visible clothes in words."""
    worn = sorted((group for group in garments if group in OUTFIT), key=lambda group: -garments[group].area)
    words = [_words(group, garments[group]) for group in worn[:2]]
    return " and ".join(words).capitalize() if words else "Person"


def _subtitle(number: int, stored: StoredPerson) -> str:
    alone = "alone in this photograph" if number == 1 else f"one of {number} people in this photograph"
    return f"Person {stored.person_id}, {alone}"


def _outlines(person_id: int, clauses: Sequence[Mapping[str, Any]]) -> list[View]:
    return [
        {"group": clause["group"], "url": photo_outline_url(person_id, clause["group"], clause["color"])}
        for clause in clauses
        if clause["group"]
    ]


def _attribute_view(person_id: int, group: str, record: CharacterizedAttribute, corrected: Mapping[str, str]) -> View:
    """What was seen of a garment, and the labels that a reader has given it instead, by task."""
    winners = {task: record.winner(task) for task in CHARACTERISTICS}
    return {
        "group": group,
        "corrected": {task: {"label": label, "words": _corrected(task, label)} for task, label in corrected.items()},
        "name": ATTRIBUTES[group].capitalize(),
        "score": record.score,
        "outline": photo_outline_url(person_id, group, 1),
        **{task: _label_view(*found) if found else None for task, found in winners.items()},
    }


def _corrected(task: str, label: str) -> str:
    """A corrected label, written like those that were seen."""
    return _choice(task, label).capitalize() if task == "attribute" else _choice(task, label)


def _choice(task: str, label: str) -> str:
    return ATTRIBUTES[group_of(label)] if task == "attribute" else label_words(label)


# What a garment can be corrected to: labels of each task with their words; of a pair nobody can tell the side.
CHOICES: Mapping[str, Sequence[tuple[str, str]]] = {
    task: [(label, _choice(task, label)) for label in LABELS[task] if task != "attribute" or label in CORRECTABLE]
    for task in TASKS
}


def _label_view(label: str, probability: float) -> View:
    return {"label": label, "words": label_words(label), "p": probability}


def _place(stored: StoredPerson) -> View:
    """Where a person is, as fractions of the photograph."""
    x0, y0, x1, y1 = stored.person.box_xyxy
    return {
        "person_id": stored.person_id,
        "left": x0 / stored.width,
        "top": y0 / stored.height,
        "width": (x1 - x0) / stored.width,
        "height": (y1 - y0) / stored.height,
    }


def _searches(workspace: Workspace, person_id: int, garments: Mapping[str, CharacterizedAttribute]) -> View:
    """The searches that begin with a person, as far as they find anybody."""
    try:
        store = workspace.searcher.store()
        (like,) = like_queries([person_id], store)
        outfit = outfit_query(person_id, garments, workspace.searcher, store)
    except LookupError:  # of a generation that is not searched
        like = outfit = None
    return {"like": like, "outfit": outfit, "outfit_mode": OUTFIT_MODE}


def _facts(stored: StoredPerson) -> list[tuple[str, str]]:
    taken = stored.captured_at.strftime("%d %B %Y, %H:%M") if stored.captured_at else "unknown"
    return [
        ("File", stored.image_path.name),
        ("Gallery", stored.gallery),
        ("Taken", taken),
        *([("Camera", stored.camera)] if stored.camera else []),
        ("Size", f"{stored.width} × {stored.height} pixels"),
    ]
