"""Garments: what was seen of a person by attribute group."""

from parsing.labels import ATTRIBUTE_GROUPS, members
from parsing.records import CharacterizedAttribute, Person


def garments_of(person: Person) -> dict[str, CharacterizedAttribute]:
    """What was seen, by attribute group; of a pair the larger side."""
    found: dict[str, CharacterizedAttribute] = {}
    for group in ATTRIBUTE_GROUPS:
        records = [record for record in person.attributes if record.attribute in members(group)]
        if records:
            found[group] = max(records, key=lambda record: record.area)
    return found
