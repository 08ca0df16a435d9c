"""Corrections: the labels that readers give garments in the parser's place.

Each names the image, the person's box and the garment's mask, and so outlives the generation that it was made in.
"""

from collections.abc import Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from index.person_index import PersonIndex, StoredPerson
from index.tables import Correction
from parsing.labels import label_id, members
from parsing.records import CharacterizedAttribute

SAME_PERSON = 0.5  # least intersection over union of two boxes, as in PCP_50 of the paper


def correct(index: PersonIndex, stored: StoredPerson, *, group: str, task: str, label: str) -> None:
    """Remember the label that a person's garment has; an earlier correction of it is replaced.

    Args:
        group: one of `labels.ATTRIBUTE_GROUPS`; both sides of a pair are corrected.
        task: attribute, size, pattern or color.

    Raises:
        ValueError: the task has no such label, or there is no such garment to correct.
    """
    label_id(task, label)
    seen = [record for record in stored.person.attributes if record.attribute in members(group)]
    if not any(record.probabilities for record in seen):
        raise ValueError(
            f"expected clothes or hair that person {stored.person_id} shows, got {group!r}; choose another"
        )
    with index.database.write() as session:
        before = [row.id for row in _rows(session, stored) if row.task == task and row.attribute in members(group)]
        session.execute(delete(Correction).where(Correction.id.in_(before)))
        session.execute(insert(Correction), [_row(stored, record, task, label) for record in seen])


def corrections_of(index: PersonIndex, stored: StoredPerson) -> list[Correction]:
    """What readers have corrected of a person, in the order in which they did."""
    with index.database.read() as session:
        return _rows(session, stored)


def corrected_images(index: PersonIndex) -> list[int]:
    """Ids of the images in which somebody has been corrected, ascending."""
    with index.database.read() as session:
        return list(session.scalars(select(Correction.image_id).distinct().order_by(Correction.image_id)))


def forget_corrections(index: PersonIndex, people: Sequence[StoredPerson]) -> None:
    """Remove the corrections of people."""
    with index.database.write() as session:
        gone = [row.id for stored in people for row in _rows(session, stored)]
        session.execute(delete(Correction).where(Correction.id.in_(gone)))


def _row(stored: StoredPerson, record: CharacterizedAttribute, task: str, label: str) -> dict[str, object]:
    return {
        "image_id": stored.image_id,
        "box_xyxy": list(map(float, stored.person.box_xyxy)),
        "attribute": record.attribute,
        "task": task,
        "label": label,
        "mask": record.mask.counts,
    }


def _rows(session: Session, stored: StoredPerson) -> list[Correction]:
    """The corrections of a person, found by place."""
    here = select(Correction).where(Correction.image_id == stored.image_id).order_by(Correction.id)
    return [row for row in session.scalars(here) if _overlap(row.box_xyxy, stored.person.box_xyxy) >= SAME_PERSON]


def _overlap(first: Sequence[float], second: Sequence[float]) -> float:
    """Intersection over union of two boxes x0, y0, x1, y1."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    inside = max(width, 0.0) * max(height, 0.0)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second))
    return inside / (areas - inside) if areas > inside else 0.0
