from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from parsing.assemble import AssembleConfig, ImageOutput
from parsing.labels import CHARACTERISTICS, IGNORE, TASKS, label_id, num_classes
from tests.factories import two_people_sample
from training.ccp import Item
from training.self_labels import Teacher, attribute_logits, characteristics_of, dress

COAT, PANTS, HAT = (label_id("attribute", name) for name in ("Coat", "Pants", "Hat"))
RED = {"size": 2, "pattern": 1, "color": label_id("color", "Red")}


def coat(**changes: Any) -> Item:
    return Item(**{"name": "coat", "present": True, "ids": RED, **changes})


def seen(attribute: torch.Tensor, masks: torch.Tensor) -> ImageOutput:
    """A network's output at a quarter of 64 x 64 pixels: sure of `attribute` (16, 16) and of people `masks`."""
    semantic = {task: torch.zeros(num_classes(task), 16, 16) for task in TASKS}
    semantic["attribute"] = torch.nn.functional.one_hot(attribute, 20).movedim(-1, 0).float() * 10
    return ImageOutput(semantic, torch.ones(len(masks)), masks * 20 - 10, torch.rand(5, 4, 4), 64, 64)


class Seeing:
    """A parser that sees the same in every picture, of whatever size."""

    assemble_config = AssembleConfig()

    def __init__(self, output: ImageOutput) -> None:
        self.output = output

    def outputs(self, images: Sequence[np.ndarray]) -> Iterator[ImageOutput]:
        yield from (replace(self.output, height=image.shape[0], width=image.shape[1]) for image in images)


def two_masks() -> torch.Tensor:
    masks = torch.zeros(2, 16, 16)
    masks[0, 2:14, 2:6] = 1  # the left person of `two_people_sample`
    masks[1, 2:14, 10:14] = 1
    return masks


def test_pixels_go_to_the_items_that_the_person_wears() -> None:
    attribute = torch.full((16, 16), PANTS)  # the teacher is wrong: there are no pants
    attribute[:, :8] = COAT
    inside = np.zeros((64, 64), bool)
    inside[8:56, 8:56] = True
    labels = dress(attribute_logits(seen(attribute, two_masks())), inside, [coat()], 0.6)
    assert set(np.unique(labels["attribute"][inside])) <= {COAT, IGNORE}
    assert (labels["attribute"][12:52, 12:28] == COAT).all()
    assert (labels["color"][12:52, 12:28] == RED["color"]).all()
    assert (labels["attribute"][~inside] == IGNORE).all()


def test_what_the_teacher_is_not_sure_of_is_ignored() -> None:
    output = seen(torch.full((16, 16), COAT), two_masks())
    output.semantic["attribute"].zero_()
    assert (dress(attribute_logits(output), np.ones((64, 64), bool), [coat()], 0.6)["attribute"] == IGNORE).all()


def test_an_item_that_turned_out_absent_is_not_worn() -> None:
    logits = attribute_logits(seen(torch.full((16, 16), COAT), two_masks()))
    labels = dress(logits, np.ones((64, 64), bool), [coat(present=False)], 0.6)
    assert not (labels["attribute"] == COAT).any()


def test_the_size_of_a_dress_is_its_skirts() -> None:
    upper, skirt = label_id("attribute", "UpperClothes"), label_id("attribute", "Skirt")
    maps = characteristics_of(np.array([[upper, skirt, 0, HAT]], np.uint8), [coat(name="dress")])
    assert maps["size"].tolist() == [[IGNORE, RED["size"], 0, IGNORE]]
    assert maps["color"].tolist() == [[RED["color"], RED["color"], 0, IGNORE]]


def test_passers_by_are_ignored_and_the_labelled_person_stays() -> None:
    sample = replace(two_people_sample(), everyone=False)
    sample.human[sample.human == 2] = 0
    for label_map in sample.tasks.values():
        label_map[sample.human == 0] = 0
    (left,) = Teacher(Seeing(seen(torch.full((16, 16), COAT), two_masks()))).passers_by([sample])
    assert left.human[32, 16] == 1
    assert left.human[32, 48] == IGNORE
    assert left.tasks["attribute"][32, 48] == IGNORE
    assert left.human[32, 2] == 0
    assert left.tasks["color"][32, 16] == sample.tasks["color"][32, 16]


def test_where_everybody_is_labelled_the_teacher_changes_nothing() -> None:
    sample = two_people_sample()
    (left,) = Teacher(Seeing(seen(torch.full((16, 16), COAT), two_masks()))).passers_by([sample])
    assert left is sample


def test_the_largest_person_of_a_tagged_photograph_wears_its_items() -> None:
    masks = two_masks()
    masks[1, :, 12:] = 0
    samples = [(two_people_sample(), [coat()])]
    (left,) = Teacher(Seeing(seen(torch.full((16, 16), COAT), masks))).tagged(samples)
    assert left.human[32, 16] == 1
    assert left.human[32, 44] == IGNORE
    assert left.tasks["attribute"][32, 16] == COAT
    assert {task: int(left.tasks[task][32, 16]) for task in CHARACTERISTICS} == RED
    assert left.tasks["attribute"][2, 2] == 0


def test_a_tagged_photograph_without_people_is_left_out() -> None:
    empty = seen(torch.full((16, 16), COAT), torch.zeros(0, 16, 16))
    assert list(Teacher(Seeing(empty)).tagged([(two_people_sample(), [coat()])])) == []


def test_groups_are_dressed_person_by_person() -> None:
    sample = two_people_sample()
    for label_map in sample.tasks.values():
        label_map[sample.human > 0] = IGNORE
    (left,) = Teacher(Seeing(seen(torch.full((16, 16), COAT), two_masks()))).groups([(sample, {2: [coat()]})])
    assert (left.tasks["attribute"][sample.human == 1] == IGNORE).all()
    assert left.tasks["attribute"][32, 48] == COAT
    assert left.tasks["color"][32, 48] == RED["color"]
