import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from parsing.labels import TASKS, label_id, num_classes
from parsing.model import HPTROutput
from training.losses import center_loss, layer_loss, mask_losses, region_losses, semantic_loss, total_loss
from training.matcher import MatchWeights, Targets, match, pairwise_giou

WEIGHTS = MatchWeights()


def test_perfect_labels_cost_next_to_nothing() -> None:
    labels = torch.randint(0, 5, (2, 8, 8), generator=torch.Generator().manual_seed(0))
    logits = torch.nn.functional.one_hot(labels, 5).movedim(-1, 1).float() * 40 - 20
    assert float(semantic_loss(logits, labels, torch.ones(5))) < 1e-3


def test_ignored_pixels_change_nothing() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 5, 8, 8), torch.randint(0, 5, (2, 8, 8))
    labels[:, :, 4:] = 255
    before = semantic_loss(logits, labels, torch.ones(5))
    logits[:, :, :, 4:] = 99 * torch.randn(2, 5, 8, 4)
    assert float(semantic_loss(logits, labels, torch.ones(5))) == pytest.approx(float(before))


def test_a_batch_without_known_labels_costs_nothing() -> None:
    logits = torch.randn(1, 5, 4, 4, requires_grad=True)
    loss = semantic_loss(logits, torch.full((1, 4, 4), 255), torch.ones(5))
    loss.backward()
    assert float(loss.detach()) == 0
    assert float(logits.grad.abs().sum()) == 0


def test_mask_losses_leave_out_what_is_not_known() -> None:
    truth = torch.zeros(1, 4, 4)
    truth[:, :2] = 1
    known = torch.ones(1, 4, 4)
    known[:, :, 3] = 0
    logits = truth * 40 - 20
    logits[:, :, 3] *= -1
    assert [float(part) for part in mask_losses(logits, truth, known)] == pytest.approx([0, 0], abs=1e-3)


@pytest.mark.parametrize(
    ("a", "b", "giou"),
    [
        ((0.0, 0.0, 1.0, 1.0), (0.0, 0.0, 1.0, 1.0), 1.0),
        ((0.0, 0.0, 1.0, 1.0), (1.0, 0.0, 2.0, 1.0), 0.0),
        ((0.0, 0.0, 1.0, 1.0), (2.0, 0.0, 3.0, 1.0), -1 / 3),
        ((0.0, 0.0, 2.0, 2.0), (1.0, 1.0, 3.0, 3.0), 1 / 7 - 2 / 9),
    ],
)
def test_generalized_iou(a: tuple[float, ...], b: tuple[float, ...], giou: float) -> None:
    assert float(pairwise_giou(torch.tensor([a]), torch.tensor([b]))) == pytest.approx(giou, abs=1e-5)


def test_every_group_is_matched_to_all_people() -> None:
    costs = np.array([[0, 9], [9, 0], [9, 0], [0, 9]], np.float32)
    queries, people = match(costs, num_queries=2)
    assert list(zip(queries.tolist(), people.tolist(), strict=True)) == [(0, 0), (1, 1), (2, 1), (3, 0)]


def people(count: int) -> Targets:
    masks = torch.zeros(count, 8, 8)
    for index in range(count):
        masks[index, :, index * 2 : index * 2 + 2] = 1
    boxes = torch.tensor([[(index * 2 + 1) / 8, 0.5, 0.25, 1.0] for index in range(count)]).reshape(-1, 4)
    nowhere = torch.zeros(8, 8, dtype=torch.bool)
    return Targets(boxes, masks, torch.ones(8, 8), nowhere, torch.ones(len(boxes), dtype=torch.bool))


def test_pixels_that_name_their_persons_center_cost_nothing_and_others_by_the_persons_size() -> None:
    targets = people(2)
    named = torch.zeros(1, 2, 8, 8)
    named[:, 1] = 0.5
    named[0, 0, :, :2], named[0, 0, :, 2:4] = 0.125, 0.375
    assert float(center_loss(named, [targets])) == pytest.approx(0)
    named[0, 0, :, :2] += 0.25  # one person's width, for one of two people
    assert float(center_loss(named, [targets])) == pytest.approx(0.5)


def test_nobody_has_no_center_to_name() -> None:
    named = torch.rand(2, 2, 8, 8, requires_grad=True)
    loss = center_loss(named, [people(0), people(0)])
    loss.backward()
    assert float(loss.detach()) == 0
    assert float(named.grad.abs().sum()) == 0


def test_right_people_in_any_order_cost_little() -> None:
    targets = people(3)
    order = [2, 0, 1]
    logits = torch.tensor([[[-9.0, 9.0]] * 3 + [[9.0, -9.0]]])
    boxes = torch.cat([targets.boxes_cxcywh[order], torch.rand(1, 4)])[None]
    masks = torch.cat([targets.masks[order] * 40 - 20, torch.randn(1, 8, 8)])[None]
    losses = layer_loss(logits, boxes, masks, [targets], 4, WEIGHTS)
    assert sum(float(value) for value in losses.values()) < 0.01


def test_images_without_people_ask_for_no_people() -> None:
    logits = torch.tensor([[[9.0, -9.0]] * 4])
    losses = layer_loss(logits, torch.rand(1, 4, 4), torch.randn(1, 4, 8, 8), [people(0)], 4, WEIGHTS)
    assert float(losses["classes"]) < 1e-4
    assert [float(losses[name]) for name in ("box", "giou", "mask", "dice")] == [0, 0, 0, 0]


def test_a_person_found_where_nobody_knows_who_is_there_costs_nothing() -> None:
    logits = torch.tensor([[[-9.0, 9.0]] * 4])
    targets = replace(people(0), unsure=torch.ones(8, 8, dtype=torch.bool))
    assert float(layer_loss(logits, torch.rand(1, 4, 4), None, [targets], 4, WEIGHTS)["classes"]) == 0
    assert float(layer_loss(logits, torch.rand(1, 4, 4), None, [people(0)], 4, WEIGHTS)["classes"]) > 5


def test_items_count_alike_whatever_their_area() -> None:
    red, blue = label_id("color", "Red"), label_id("color", "Blue")
    coat, hat = label_id("attribute", "Coat"), label_id("attribute", "Hat")
    attribute = torch.full((1, 8, 8), coat)
    attribute[:, 0, :2] = hat
    color = torch.where(attribute == coat, red, blue)
    everywhere_red = torch.full((1, num_classes("color"), 8, 8), 0.0)
    everywhere_red[:, red] = 20.0
    nothing = torch.zeros_like(color)
    labels = {"attribute": attribute, "size": nothing, "pattern": nothing, "color": color}
    semantic = {task: torch.zeros(1, num_classes(task), 8, 8) for task in TASKS} | {"color": everywhere_red}
    ones = {task: torch.ones(num_classes(task)) for task in TASKS}
    losses = region_losses(semantic, labels, torch.ones(1, 8, 8, dtype=torch.long), ones)
    assert [float(losses[f"{task}/items"]) for task in ("size", "pattern")] == [0, 0]
    assert float(losses["color/items"]) == pytest.approx(-math.log(1e-6) / 2, rel=1e-3)


def test_the_total_is_the_unweighted_sum_of_its_parts() -> None:
    torch.manual_seed(0)
    output = HPTROutput(
        semantic={task: torch.randn(1, num_classes(task), 8, 8) for task in TASKS},
        class_logits=[torch.randn(1, 4, 2)] * 2,
        boxes_cxcywh=[torch.rand(1, 4, 4)] * 2,
        mask_logits=torch.randn(1, 4, 8, 8),
        centers=torch.rand(1, 2, 8, 8),
        features=torch.zeros(1),
    )
    labels = {task: torch.randint(0, num_classes(task), (1, 8, 8)) for task in TASKS}
    ones = {task: torch.ones(num_classes(task)) for task in TASKS}
    human = torch.ones(1, 8, 8, dtype=torch.long)
    total, parts = total_loss(output, labels, human, [people(2)], ones, num_queries=4, weights=WEIGHTS)
    assert float(total) == pytest.approx(sum(parts.values()), rel=1e-5)
    assert {"attribute", "color", "human/dice", "human/box", "human/centers", "auxiliary0/giou"} <= set(parts)
    assert "auxiliary0/dice" not in parts
