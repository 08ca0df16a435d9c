"""Corrections: the labels that readers give garments in the parser's place.

Each names the image, the person's box and the garment's mask, and so outlives the generation that it was made in.
"""

from sqlalchemy import insert, select

from app.garments import garments_of
from index.corrections import corrections_at, forget_corrections
from index.person_index import PersonIndex, StoredPerson
from index.tables import Correction
from parsing.labels import label_id, members
from parsing.records import CharacterizedAttribute


def correct(index: PersonIndex, stored: StoredPerson, *, group: str, task: str, label: str) -> None:
    """Remember the label that a person's garment has; an earlier correction of it is replaced.

    The label that was seen takes the earlier correction back.

    Args:
        group: one of `labels.ATTRIBUTE_GROUPS`; both sides of a pair are corrected.
        task: attribute, size, pattern or color.
        label: one of the task's, or the group itself, as which it was seen.

    Raises:
        ValueError: the task has no such label, or there is no such garment to correct.
    """
    as_seen = label == _seen(stored, group, task)
    if not as_seen:
        label_id(task, label)
    seen = [record for record in stored.person.attributes if record.attribute in members(group)]
    if not any(record.probabilities for record in seen):
        raise ValueError(
            f"expected clothes or hair that person {stored.person_id} shows, got {group!r}; choose another"
        )
    with index.database.write() as session:
        here = corrections_at(session, stored.image_id, stored.person.box_xyxy)
        forget_corrections(session, [row for row in here if row.task == task and row.attribute in members(group)])
        if not as_seen:
            session.execute(insert(Correction), [_row(stored, record, task, label) for record in seen])


def corrections_of(index: PersonIndex, stored: StoredPerson) -> list[Correction]:
    """What readers have corrected of a person, in the order in which they did."""
    with index.database.read() as session:
        return corrections_at(session, stored.image_id, stored.person.box_xyxy)


def corrected_images(index: PersonIndex) -> list[int]:
    """Ids of the images in which somebody has been corrected, ascending."""
    with index.database.read() as session:
        return list(session.scalars(select(Correction.image_id).distinct().order_by(Correction.image_id)))


def _seen(stored: StoredPerson, group: str, task: str) -> str | None:
    """The label under which a garment was seen; None if it was not."""
    record = garments_of(stored.person).get(group)
    if record is None or task == "attribute":
        return None if record is None else group
    won = record.winner(task)
    return won and won[0]


def _row(stored: StoredPerson, record: CharacterizedAttribute, task: str, label: str) -> dict[str, object]:
    return {
        "image_id": stored.image_id,
        "box_xyxy": list(map(float, stored.person.box_xyxy)),
        "attribute": record.attribute,
        "task": task,
        "label": label,
        "mask": record.mask.counts,
    }
