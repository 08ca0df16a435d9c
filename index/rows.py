"""Persons as rows and rows as persons: the one place that knows how a record lies in the tables."""

import math
import struct
from collections.abc import Mapping, Sequence
from itertools import accumulate
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.descriptor import encode
from index.palettes import pack, unpack
from index.tables import AttributeRow, PersonRow, PersonVector
from parsing.labels import ATTRIBUTES, CHARACTERISTICS, LABELS, label_id
from parsing.records import CharacterizedAttribute, Person, RunLengthMask

Row = dict[str, Any]

# What `restore_person` takes: of a person, and of each of its attributes, which begin with whose they are.
PERSON_COLUMNS = (
    *PersonRow.__table__.c["x0", "y0", "x1", "y1", "score", "mask", "presence"],
    PersonVector.__table__.c.appearance,
)
ATTRIBUTE_COLUMNS = tuple(
    AttributeRow.__table__.c["person_id", "attribute", "score", "area", "probabilities", "mask", "palette"]
)

_ENDS = list(accumulate(len(LABELS[task]) for task in CHARACTERISTICS))
_PARTS = itemgetter(*(slice(end - len(LABELS[task]), end) for task, end in zip(CHARACTERISTICS, _ENDS, strict=True)))
_PROBABILITIES = struct.Struct(f"<{_ENDS[-1]}f")


def person_row(person: Person, *, image_id: int, generation_id: int) -> Row:
    """The row of table `person`, without its id."""
    x0, y0, x1, y1 = (float(edge) for edge in person.box_xyxy)
    return {
        "generation_id": generation_id,
        "image_id": image_id,
        "x0": x0,
        "y0": y0,
        "x1": x1,
        "y1": y1,
        "score": float(person.score),
        "mask": person.mask.counts,
        "presence": _presence_bytes(person.presence),
    }


def vector_row(person: Person, *, person_id: int, generation_id: int) -> Row:
    """The row of table `person_vector`: descriptor and appearance, float16; no appearance is null."""
    return {
        "person_id": person_id,
        "generation_id": generation_id,
        "descriptor": encode(person).astype(np.float16).tobytes(),
        "appearance": person.appearance.astype(np.float16) if person.appearance.size else None,
    }


def attribute_row(record: CharacterizedAttribute, *, person_id: int) -> Row:
    """The row of table `characterized_attribute`."""
    return {
        "person_id": person_id,
        "attribute": label_id("attribute", record.attribute),
        **{task: _winner(record.probabilities.get(task, ())) for task in CHARACTERISTICS},
        "score": float(record.score),
        "area": int(record.area),
        "probabilities": _probability_bytes(record),
        "mask": record.mask.counts,
        "palette": pack(record.palette),
    }


def restore_person(person: Sequence[Any], attributes: Sequence[Sequence[Any]], *, height: int, width: int) -> Person:
    """The record that `person_row`, `vector_row` and `attribute_row` stored.

    Args:
        person: values of `PERSON_COLUMNS`.
        attributes: values of `ATTRIBUTE_COLUMNS`, of each attribute.
        height: of the image, and so of every mask.
        width: of the image.
    """
    x0, y0, x1, y1, score, mask, presence, appearance = person
    return Person(
        box_xyxy=(x0, y0, x1, y1),
        score=score,
        mask=RunLengthMask(height, width, mask),
        attributes=tuple([_restore_attribute(stored, height, width) for stored in attributes]),
        presence=_restore_presence(presence),
        appearance=_restore_appearance(appearance),
    )


def _restore_appearance(stored: NDArray[np.float16] | None) -> NDArray[np.float32]:
    return np.zeros(0, np.float32) if stored is None else stored.astype(np.float32)


def _presence_bytes(presence: Mapping[str, float]) -> bytes:
    return np.array([presence.get(attribute, np.nan) for attribute in ATTRIBUTES], np.float32).tobytes()


def _restore_presence(stored: bytes) -> dict[str, float]:
    values = np.frombuffer(stored, np.float32).tolist()
    return {attribute: value for attribute, value in zip(ATTRIBUTES, values, strict=True) if not math.isnan(value)}


def _winner(probabilities: Sequence[float]) -> int:
    """Label id of the most probable label; 0 where the task does not apply."""
    return int(np.argmax(probabilities)) + 1 if len(probabilities) else 0


def _probability_bytes(record: CharacterizedAttribute) -> bytes:
    """Size, pattern and color one after the other, float32; empty for skin, face and limbs."""
    if not any(record.probabilities.get(task) for task in CHARACTERISTICS):
        return b""
    parts = [_checked(record, task) for task in CHARACTERISTICS]
    return np.concatenate(parts).astype(np.float32).tobytes()


def _checked(record: CharacterizedAttribute, task: str) -> NDArray[np.float64]:
    values = np.asarray(record.probabilities.get(task, ()), np.float64)
    if values.shape != (len(LABELS[task]),):
        raise ValueError(
            f"{record.attribute} must have {len(LABELS[task])} {task} probabilities, got {values.size}; "
            "either all of size, pattern and color or none"
        )
    return values


def _restore_attribute(stored: Sequence[Any], height: int, width: int) -> CharacterizedAttribute:
    """Called five hundred times for a page, hence no keywords."""
    _, attribute, score, area, probabilities, mask, palette = stored
    return CharacterizedAttribute(
        ATTRIBUTES[attribute - 1],
        score,
        area,
        dict(zip(CHARACTERISTICS, _PARTS(_PROBABILITIES.unpack(probabilities)), strict=True)) if probabilities else {},
        RunLengthMask(height, width, mask),
        unpack(palette) if palette else (),
    )
