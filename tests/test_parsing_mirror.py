from pathlib import Path

import numpy as np
import pytest
import torch

from parsing.assemble import ImageOutput
from parsing.checkpoint import CheckpointInfo
from parsing.labels import TASKS, label_id
from parsing.mirror import EXCHANGED, LONE, join_people, unmirror
from parsing.model import HPTR
from parsing.parser import HumanParser
from tests.factories import photograph, tiny_config


def parser(*, mirrored_side: int) -> HumanParser:
    torch.manual_seed(0)
    info = CheckpointInfo(tiny_config(), inference={"long_side": 64, "mirrored_side": mirrored_side})
    return HumanParser(HPTR(tiny_config()).eval(), info, "hash")


def test_left_and_right_are_exchanged_and_back() -> None:
    assert EXCHANGED[label_id("attribute", "L-shoe")] == label_id("attribute", "R-shoe")
    assert EXCHANGED[label_id("attribute", "Coat")] == label_id("attribute", "Coat")
    assert [EXCHANGED[EXCHANGED[number]] for number in range(20)] == list(range(20))


def test_an_image_and_its_mirror_image_say_the_same_when_seen_twice() -> None:
    image = photograph(64, 48)
    twice = parser(mirrored_side=64)
    straight, mirrored = twice.outputs([image, np.ascontiguousarray(image[:, ::-1])])
    for task in TASKS:
        torch.testing.assert_close(straight.semantic[task], unmirror(task, mirrored.semantic[task]), atol=1e-4, rtol=0)


def test_seen_twice_is_the_mean_of_both_views() -> None:
    image = photograph(64, 48)
    once = parser(mirrored_side=0)
    straight, mirrored = (next(once.outputs([view])).semantic["color"] for view in (image, image[:, ::-1].copy()))
    twice = next(parser(mirrored_side=64).outputs([image])).semantic["color"]
    torch.testing.assert_close(twice, (straight + mirrored.flip(-1)) / 2, atol=1e-4, rtol=0)


@pytest.mark.parametrize("count", [1, 3])
def test_as_many_images_come_back(count: int) -> None:
    images = [photograph(64, 40 + 8 * n) for n in range(count)]
    assert len(parser(mirrored_side=64).parse(images, [Path(f"{n}.jpg") for n in range(count)])) == count


def test_the_second_view_may_be_larger() -> None:
    image = photograph(64, 48)
    once, twice = (next(parser(mirrored_side=side).outputs([image])) for side in (0, 96))
    assert twice.semantic["color"].shape == once.semantic["color"].shape
    assert twice.mask_logits.shape[1:] == once.mask_logits.shape[1:]
    assert not torch.allclose(twice.semantic["color"], once.semantic["color"])


def view(scores: list[float], *boxes: tuple[int, int]) -> ImageOutput:
    """People who cover the columns from one to another, 8 x 16 cells."""
    masks = torch.full((len(boxes), 8, 16), -4.0)
    for mask, (left, right) in zip(masks, boxes, strict=True):
        mask[:, left:right] = 4.0
    return ImageOutput({}, torch.tensor(scores), masks, torch.zeros(1, 2, 4), 32, 64)


def test_a_person_whom_both_views_see_is_one_person_with_the_mean_of_both() -> None:
    scores, masks = join_people(view([0.9, 0.6], (0, 6), (10, 16)), view([0.8, 0.7], (0, 6), (10, 14)))
    torch.testing.assert_close(scores, torch.tensor([0.8, 0.7]))  # the mirrored view's right is the image's left
    assert (masks[0, 0] > 0).nonzero().flatten().tolist() == [0, 1, 2, 3, 4, 5]  # the surer view counts more
    torch.testing.assert_close(masks[1, 0], torch.tensor([-4.0] * 10 + [4.0] * 6))


def test_whom_one_view_alone_sees_must_be_surer() -> None:
    scores, masks = join_people(view([0.9, 0.01], (0, 6), (7, 9)), view([0.8], (0, 4)))
    torch.testing.assert_close(scores, LONE * torch.tensor([0.9, 0.8]))
    assert (masks[1, 0] > 0).nonzero().flatten().tolist() == [12, 13, 14, 15]


@pytest.mark.parametrize("second", [0.04, 0.06, 0.2, 0.6])
def test_whom_one_view_is_sure_of_is_not_lost_because_the_other_sees_them_faintly(second: float) -> None:
    scores, _ = join_people(view([0.9], (0, 6)), view([second], (10, 16)))
    assert scores.max() > LONE * 0.9 - 1e-6


def test_two_weak_pairs_do_not_outbid_a_good_one() -> None:
    straight, mirrored = view([0.6, 0.6], (1, 16), (0, 4)), view([0.6, 0.6], (6, 15), (9, 13))
    scores, _ = join_people(straight, mirrored)
    assert scores.max() == pytest.approx(0.6)


def test_nobody_in_either_view_is_nobody() -> None:
    scores, masks = join_people(view([0.01], (0, 6)), view([0.02], (0, 4)))
    assert scores.shape == (0,)
    assert masks.shape == (0, 8, 16)
