"""Garments: what was seen of a person by attribute group, and which label won each of its tasks."""

from parsing.labels import ATTRIBUTE_GROUPS, LABELS, members
from parsing.records import CharacterizedAttribute, Person


def garments_of(person: Person) -> dict[str, CharacterizedAttribute]:
    """What was seen, by attribute group; of a pair the larger side."""
    found: dict[str, CharacterizedAttribute] = {}
    for group in ATTRIBUTE_GROUPS:
        records = [record for record in person.attributes if record.attribute in members(group)]
        if records:
            found[group] = max(records, key=lambda record: record.area)
    return found


def winner(record: CharacterizedAttribute, task: str) -> tuple[str, float] | None:
    """The most probable label and its probability; None where the task does not apply."""
    values = record.probabilities.get(task)
    if not values:
        return None
    best = max(range(len(values)), key=values.__getitem__)
    return LABELS[task][best], values[best]
