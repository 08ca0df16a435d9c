"""Self-training: a trained network, the teacher, labels the pixels of people whose items are known but not where.

CCP's tagged photographs, the labelled people of COCO groups and our labels of passers-by say which items a person wears
and what they look like. The teacher says where: the attribute that it finds most probable among those that the person
wears. What it is not sure of is ignored. On photographs where one person alone is labelled it finds the passers-by, who
are then ignored.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from parsing.assemble import AssembleConfig, ImageOutput, claim_pixels, enlarge, own_pixels
from parsing.boxes import box_of
from parsing.labels import ATTRIBUTES, CHARACTERISTICS, CHARACTERIZED, IGNORE, TASKS, label_id, num_classes
from training.ccp import Item
from training.item_accuracy import ITEM_ATTRIBUTES
from training.samples import Sample

SKIN = tuple(name for name in ATTRIBUTES if name not in CHARACTERIZED)
LEAST_SHARE = 0.03  # of the picture that the main person of a tagged photograph covers
LEAST_OWN = 0.8  # of a passer-by's pixels lie outside the main person
MARGIN = 6  # around a person who is looked at alone is seen the larger side of the box over this


class Parser(Protocol):
    """What a teacher needs of a HumanParser."""

    @property
    def assemble_config(self) -> AssembleConfig:
        """When a query is a person."""

    def outputs(self, images: Sequence[NDArray[np.uint8]]) -> Iterator[ImageOutput]:
        """The network's output for each image."""


@dataclass(frozen=True)
class Teacher:
    """Labels photographs with a trained network.

    Args:
        sure: least probability, among the attributes that the person can have, of a pixel that is labelled.
    """

    parser: Parser
    sure: float = 0.6

    def outputs(self, sample: Sample) -> tuple[ImageOutput, NDArray[np.int64]]:
        """What the network says of a photograph, and whose each pixel is, (H, W), 0 nobody's."""
        output = next(iter(self.parser.outputs([sample.image])))
        people = claim_pixels(output, self.parser.assemble_config)
        return output, own_pixels(output, people, output.height, output.width).numpy()

    def tagged(self, samples: Iterable[tuple[Sample, Sequence[Item]]]) -> Iterator[Sample]:
        """Photographs of one main person with known items; those in which the teacher sees nobody are left out."""
        for sample, items in samples:
            output, owner = self.outputs(sample)
            areas = np.bincount(owner.ravel())[1:]
            if not areas.size or areas.max() < LEAST_SHARE * owner.size:
                continue
            main = owner == areas.argmax() + 1
            others = (owner > 0) & ~main
            human = np.where(main, 1, np.where(others, IGNORE, 0)).astype(np.uint8)
            tasks = {task: np.where(others, IGNORE, 0).astype(np.uint8) for task in TASKS}
            # The mask is the teacher's own: what looks like background there may be a bag, or not the person.
            logits = attribute_logits(output)
            inside = main & (logits.softmax(0)[0].numpy() < self.sure)
            for task in TASKS:
                tasks[task][main & ~inside] = IGNORE
            for task, labels in dress(logits, inside, items, self.sure).items():
                tasks[task][inside] = labels[inside]
            yield replace(sample, human=human, tasks=tasks)

    def groups(self, samples: Iterable[tuple[Sample, Mapping[int, Sequence[Item]]]]) -> Iterator[Sample]:
        """Photographs of groups, each person whose items are known (by its id) looked at alone and dressed in them."""
        for sample, items in samples:
            tasks = {task: label_map.copy() for task, label_map in sample.tasks.items()}
            for number in np.intersect1d(sample.human, list(items)).tolist():  # who stands behind others is not there
                person = sample.human == number
                box = around(person)
                logits = attribute_logits(next(iter(self.parser.outputs([sample.image[box]]))))
                for task, labels in dress(logits, person[box], items[number], self.sure).items():
                    tasks[task][box][person[box]] = labels[person[box]]
            yield replace(sample, tasks=tasks)

    def passers_by(self, samples: Iterable[Sample]) -> Iterator[Sample]:
        """Photographs; where one person alone is labelled, whoever else the teacher sees is ignored from now on."""
        for sample in samples:
            if sample.everyone:
                yield sample
                continue
            _, owner = self.outputs(sample)
            areas = np.bincount(owner.ravel()).clip(1)
            alone = np.bincount(owner[sample.human == 0], minlength=len(areas)) / areas >= LEAST_OWN
            alone[0] = False
            others = alone[owner] & (sample.human == 0)
            tasks = {task: np.where(others, IGNORE, m).astype(np.uint8) for task, m in sample.tasks.items()}
            yield replace(sample, human=np.where(others, IGNORE, sample.human).astype(np.uint8), tasks=tasks)


def attribute_logits(output: ImageOutput) -> Tensor:
    """What the teacher says of every pixel's attribute, (N_A, H, W)."""
    return enlarge(output.semantic["attribute"], output.height, output.width)


def around(person: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Where to look at a person (H, W): the box and something around it."""
    x0, y0, x1, y1 = box_of(person)
    margin = max(x1 - x0, y1 - y0) // MARGIN
    return slice(max(y0 - margin, 0), y1 + margin), slice(max(x0 - margin, 0), x1 + margin)


def dress(
    logits: Tensor, inside: NDArray[np.bool_], items: Sequence[Item], sure: float
) -> dict[str, NDArray[np.uint8]]:
    """Label maps (H, W) of a person with known items; 255 outside the person and below probability `sure`.

    The probability is that among the attributes that the person can have: to the teacher a garment that it does not
    know is background, but nothing inside a person's mask is.
    """
    worn = [item for item in items if item.present and item.name in ITEM_ATTRIBUTES]
    possible = {name for item in worn for name in ITEM_ATTRIBUTES[item.name]} | set(SKIN)
    allowed = torch.tensor([False, *(name in possible for name in ATTRIBUTES)])
    probability, winner = logits.masked_fill(~allowed[:, None, None], -torch.inf).softmax(0).max(0)
    attribute = torch.where(probability >= sure, winner, IGNORE).numpy().astype(np.uint8)
    attribute[~inside] = IGNORE
    return {"attribute": attribute, **characteristics_of(attribute, worn)}


def characteristics_of(attribute: NDArray[np.uint8], worn: Sequence[Item]) -> dict[str, NDArray[np.uint8]]:
    """Size, pattern and color maps (H, W) from an attribute map; a dress gives its size to the Skirt alone."""
    maps = {}
    for task in CHARACTERISTICS:
        lookup = np.full(256, IGNORE, np.uint8)
        lookup[: num_classes("attribute")] = [0, *(IGNORE if name in CHARACTERIZED else 0 for name in ATTRIBUTES)]
        # Dresses first: a shirt or a skirt worn with one says more of its own pixels.
        for item in sorted(worn, key=lambda item: item.name != "dress"):
            for name in ITEM_ATTRIBUTES[item.name]:
                sleeves = item.name == "dress" and task == "size" and name == "UpperClothes"
                lookup[label_id("attribute", name)] = IGNORE if sleeves else item.ids[task]
        maps[task] = lookup[attribute]
    return maps
