"""Documents: records as JSON for other programs, in the forms that the design fixes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from parsing.labels import CHARACTERISTICS, LABELS
from parsing.records import CharacterizedAttribute, ParsedImage, Person, RunLengthMask

Document = dict[str, Any]


def parse_document(images: Sequence[ParsedImage], failures: Sequence[tuple[Path, str]] = ()) -> Document:
    """What `parse --json` prints; `failures` are the files that could not be read, with the reason."""
    left_out = [{"path": str(path), "reason": reason} for path, reason in failures]
    return {"images": [image_document(image) for image in images], "failures": left_out}


def image_document(image: ParsedImage) -> Document:
    """One image with everyone in it."""
    return {
        "path": str(image.path),
        "width": image.width,
        "height": image.height,
        "people": [person_document(person) for person in image.people],
    }


def person_document(person: Person) -> Document:
    """One person: box in pixels, masks as COCO run lengths."""
    return {
        "box_xyxy": [round(float(edge), 2) for edge in person.box_xyxy],
        "score": _rounded(person.score),
        "mask": _mask_document(person.mask),
        "attributes": [attribute_document(record) for record in person.attributes],
    }


def attribute_document(record: CharacterizedAttribute) -> Document:
    """One characterized attribute; size, pattern and color are empty for skin, face and limbs."""
    return {
        "attribute": record.attribute,
        "score": _rounded(record.score),
        "area": int(record.area),
        **{task: _by_label(task, record) for task in CHARACTERISTICS},
        "mask": _mask_document(record.mask),
    }


def _by_label(task: str, record: CharacterizedAttribute) -> dict[str, float]:
    values = record.probabilities.get(task, ())
    return {label: _rounded(value) for label, value in zip(LABELS[task], values, strict=bool(values))}


def _mask_document(mask: RunLengthMask) -> Document:
    return {"size": [mask.height, mask.width], "counts": mask.counts}


def _rounded(value: float) -> float:
    return round(float(value), 4)
