import pytest
import torch
from torch.nn import functional

from parsing.efficientnet import EfficientNetLite, halve, into_phases, out_of_phases

BLOCKS, WIDTHS = (1, 1, 1, 1, 1, 3, 1), (8, 8, 8, 8, 16, 16, 24)


def test_phases_are_undone() -> None:
    x = torch.randn(3, 5, 4, 6)
    assert torch.equal(out_of_phases(into_phases(x)), x)


def test_a_convolution_of_the_phases_is_a_dilated_one() -> None:
    x, weight = torch.randn(2, 4, 8, 6), torch.randn(4, 1, 5, 5)
    dilated = functional.conv2d(x, weight, padding=4, dilation=2, groups=4)
    torch.testing.assert_close(out_of_phases(functional.conv2d(into_phases(x), weight, padding=2, groups=4)), dilated)


@pytest.mark.parametrize("kernel", [3, 5])
def test_halving_pads_as_tensorflow_does_one_more_right_and_below(kernel: int) -> None:
    convolution = torch.nn.Conv2d(2, 2, kernel, 2, groups=2)
    x, before, after = torch.randn(1, 2, 8, 6), kernel // 2 - 1, kernel // 2
    padded = functional.pad(x, (before, after, before, after))
    torch.testing.assert_close(halve(x, convolution), convolution(padded))


def test_the_last_map_keeps_its_resolution_where_it_is_dilated() -> None:
    images = torch.randn(1, 3, 64, 96)
    for dilated, last in ((True, (4, 6)), (False, (2, 3))):
        encoder = EfficientNetLite(blocks=BLOCKS, widths=WIDTHS, dilate_last=dilated).eval()
        maps = encoder(images, None)
        assert [tuple(x.shape[2:]) for x in maps] == [(16, 24), (8, 12), (4, 6), last]
        assert [x.shape[1] for x in maps] == encoder.channels


def test_the_finest_map_holds_the_colors_of_the_picture() -> None:
    images = torch.randn(1, 3, 32, 32)
    finest = EfficientNetLite(blocks=BLOCKS, widths=WIDTHS, dilate_last=True).eval()(images, None)[0]
    torch.testing.assert_close(finest[:, -3:], functional.avg_pool2d(images, 4))


def test_training_says_what_evaluation_says() -> None:
    torch.manual_seed(0)
    encoder = EfficientNetLite(blocks=BLOCKS, widths=WIDTHS, dilate_last=True).eval()
    images = torch.randn(1, 3, 64, 64)
    seen = encoder(images, None)[-1]
    for block in encoder.blocks:
        block.conv2.train()
    torch.testing.assert_close(encoder(images, None)[-1], seen)
