"""Who else is in CCP's photographs: our own labels of passers-by, whom the published annotation leaves out.

`passers_by.jsonl` holds a line for each photograph that was looked through: its number, height and width, the masks of
the people besides the main one (COCO's compressed run lengths, far to near), boxes (x0, y0, x1, y1, pixels) of people
without a mask, and boxes where it is not known who is there. All were marked by looking at the photographs; the masks
are a network's (ours, or MediaPipe's of poses, Apache-2.0) or GrabCut's, kept where one who looked found that they fit.

`passers_by_items.txt` says what they wear, in the words of CCP's `characteristics.txt`, as far as one who looked could
tell: `0014_5` is person 5 of photograph 0014, counted from 2, those with a box alone first.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from parsing.boxes import Box, box_of
from parsing.labels import IGNORE
from parsing.records import RunLengthMask
from training.ccp import Item, by_person, read_characteristics
from training.samples import Sample

TABLE = Path(__file__).with_name("passers_by.jsonl")
ITEMS = Path(__file__).with_name("passers_by_items.txt")
FIRST = 2  # number of the first passer-by; 1 is the main person


@dataclass(frozen=True)
class PassersBy:
    """Who is in a photograph of `height` x `width` besides the main person.

    Args:
        masks: of people, run lengths.
        boxes: of people without a mask.
        unknown: boxes where it is not known who is there.
    """

    height: int
    width: int
    masks: Sequence[str] = ()
    boxes: Sequence[Box] = ()
    unknown: Sequence[Box] = ()

    def all_masks(self) -> list[NDArray[np.bool_]]:
        """The masks, each (H, W)."""
        return [RunLengthMask(self.height, self.width, counts).decode() for counts in self.masks]

    def all_boxes(self) -> list[Box]:
        """The boxes of all people, of those with masks too."""
        return [*self.boxes, *map(box_of, self.all_masks())]


@cache
def read_passers_by(table: Path = TABLE) -> Mapping[str, PassersBy]:
    """The table, by the numbers of photographs (`0001`)."""
    entries = [json.loads(line) for line in table.read_text().splitlines()]
    return {
        entry["photo"]: PassersBy(
            entry["height"],
            entry["width"],
            entry.get("masks", ()),
            *([tuple(box) for box in entry.get(kind, ())] for kind in ("boxes", "unknown")),
        )
        for entry in entries
    }


@cache
def read_passers_by_items(table: Path = ITEMS) -> Mapping[str, Mapping[int, Sequence[Item]]]:
    """What each passer-by wears, by the number of the photograph and of the person in it, as `everyone` counts."""
    return by_person(read_characteristics(table))


def everyone(sample: Sample, known: Mapping[str, PassersBy]) -> Sample:
    """A sample of one labelled person with all others labelled too; as it is if its photograph was not looked through.

    Passers-by are numbered from 2, those with a box alone first; their clothes are not known. What was ignored stays so
    where they are not. A photograph of another size is another's.
    """
    others = known.get(sample.name)
    if others is None or (others.height, others.width) != sample.human.shape:
        return sample
    main = sample.human == 1
    human = np.where(main | (sample.human == IGNORE), sample.human, 0).astype(np.uint8)
    for x0, y0, x1, y1 in others.unknown:
        human[y0:y1, x0:x1] = IGNORE
    first_masked = FIRST + len(others.boxes)
    for number, (x0, y0, x1, y1) in enumerate(others.boxes, start=FIRST):
        human[y0:y1, x0:x1] = number
    for number, mask in enumerate(others.all_masks(), start=first_masked):
        human[mask] = number
    human[main] = 1
    tasks = {task: np.where(human > 1, IGNORE, labels).astype(np.uint8) for task, labels in sample.tasks.items()}
    boxed = frozenset(range(FIRST, first_masked))
    return replace(sample, human=human, tasks=tasks, everyone=True, boxed=boxed)
