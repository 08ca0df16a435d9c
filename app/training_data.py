"""Training data: corrected people in CCIHP's layout, as `training.train --data` reads it.

Only what a reader has corrected is labelled; all else is 255, which every loss passes over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from app.corrections import corrected_images, corrections_of
from index.person_index import PersonIndex, StoredPerson
from index.tables import Correction
from parsing.images import UnreadableImageError, read_image
from parsing.labels import IGNORE, TASKS, label_id
from parsing.records import RunLengthMask
from training.ccihp import IMAGE_FOLDER, LABEL_MAPS, LISTS, OWN_LABEL_MAP, read_label_map
from training.export_ccihp import write_annotations
from training.samples import Sample

LABEL_MAP = LABEL_MAPS / "ccihp.toml"
PART = "Training"


@dataclass(frozen=True)
class Written:
    """How many photographs and labels were written, and how many photographs could not be."""

    photographs: int
    labels: int
    left_out: int


def write_training_data(index: PersonIndex, output: Path) -> Written:
    """Write every photograph with a corrected person into a CCIHP folder.

    A photograph is left out where it cannot be read any more, or where nobody is seen any more in the person's place.
    """
    label_map = read_label_map(LABEL_MAP)
    ids = {task: label_map.untranslate(task) for task in TASKS}
    images, names, labels = corrected_images(index), [], 0
    if not images:
        return Written(0, 0, 0)
    (output / PART / IMAGE_FOLDER).mkdir(parents=True, exist_ok=True)
    (output / OWN_LABEL_MAP).write_text(f"everyone = false\n\n{LABEL_MAP.read_text()}")
    for image_id in images:
        people = [(stored, corrections_of(index, stored)) for stored in index.people_of_image(image_id)]
        corrected = [(stored, rows) for stored, rows in people if rows]
        sample = _sample(corrected)
        if sample is not None:
            write_annotations(output / PART, sample, {task: ids[task][sample.tasks[task]] for task in TASKS})
            Image.fromarray(sample.image).save(output / PART / IMAGE_FOLDER / f"{sample.name}.jpg", quality=95)
            names.append(sample.name)
            labels += sum(len(rows) for _, rows in corrected)
    (output / PART / LISTS[PART]).write_text("".join(f"{name}\n" for name in names))
    return Written(len(names), labels, len(images) - len(names))


def _sample(corrected: Sequence[tuple[StoredPerson, Sequence[Correction]]]) -> Sample | None:
    """One photograph with its corrected people; None if there are none, or it cannot be read."""
    if not corrected:
        return None
    first = corrected[0][0]
    try:
        image = read_image(first.image_location).pixels
    except UnreadableImageError:
        return None
    if image.shape[:2] != (first.height, first.width):  # another photograph lies there now
        return None
    human = np.full(image.shape[:2], IGNORE, np.uint8)
    tasks = {task: human.copy() for task in TASKS}
    for number, (stored, rows) in enumerate(corrected, start=1):
        human[stored.person.mask.decode()] = number
        for row in sorted(rows, key=lambda row: row.task == "attribute"):  # which overrules what the others took it for
            region = RunLengthMask(stored.height, stored.width, row.mask or "").decode()
            tasks["attribute"][region] = label_id("attribute", row.attribute)
            tasks[row.task][region] = label_id(row.task, row.label)
    return Sample(f"image_{first.image_id:08d}", first.image_location, image, human, tasks, everyone=False)
