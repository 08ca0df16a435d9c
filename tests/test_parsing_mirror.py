from pathlib import Path

import numpy as np
import pytest
import torch

from parsing.checkpoint import CheckpointInfo
from parsing.labels import TASKS, label_id
from parsing.mirror import EXCHANGED, unmirror
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


def test_the_second_view_may_be_larger_and_changes_no_shape() -> None:
    image = photograph(64, 48)
    once, twice = (next(parser(mirrored_side=side).outputs([image])) for side in (0, 96))
    assert twice.semantic["color"].shape == once.semantic["color"].shape
    torch.testing.assert_close(twice.mask_logits, once.mask_logits)
    assert not torch.allclose(twice.semantic["color"], once.semantic["color"])
