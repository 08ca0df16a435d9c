"""EfficientNet-Lite (Tan and Le, ICML 2019, without squeeze-and-excitation): an encoder that is cheap on a CPU.

ImageNet weights are published under the Apache licence: `training.lite_weights` gives them our names.
"""

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor, nn
from torch.nn import functional

from parsing.backbone import keep_valid

KERNELS = (3, 3, 5, 3, 5, 5, 3)  # of each stage's depthwise convolutions
STRIDES = (1, 2, 2, 2, 1, 2, 1)
EXPANSION = 6  # of every stage but the first
STEM = 32  # channels
LAST_OF_STRIDE = (1, 2, 4, 6)  # stages whose maps have strides 4, 8, 16 and 32
DILATED = 5  # the first stage that may keep stride 16
NORM_EPSILON = 1e-3


class Depthwise(nn.Conv2d):
    """A convolution of each channel by itself, padded as TensorFlow does: with stride 2 more right and below."""

    def __init__(self, channels: int, kernel: int, stride: int) -> None:
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(channels, channels, kernel, stride, padding, groups=channels, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, h, w) to (B, C, h / stride, w / stride)."""
        if not (self.training and input.device.type == "cpu"):
            return self.convolve(input)
        # The bfloat16 gradients of oneDNN's depthwise convolutions take ten times as long as the float32 ones.
        with torch.autocast("cpu", enabled=False):
            return self.convolve(input.float()).to(input.dtype)

    def convolve(self, x: Tensor) -> Tensor:
        """`forward` in the precision of `x`."""
        return halve(x, self) if self.stride[0] == 2 else super().forward(x)


def halve(x: Tensor, convolution: nn.Conv2d) -> Tensor:
    """A convolution of stride 2 and an odd kernel of (B, C, h, w), h and w even, with one more zero right and below.

    A zero row and column before the kernel say the same without a padded copy of `x`.
    """
    kernel = functional.pad(convolution.weight, (1, 0, 1, 0))
    padding = convolution.kernel_size[0] // 2
    return functional.conv2d(x, kernel, convolution.bias, 2, padding, groups=convolution.groups)


class InvertedResidual(nn.Module):
    """1x1 convolution to many channels, a depthwise one, 1x1 to few; a shortcut where the shapes agree."""

    def __init__(self, inputs: int, outputs: int, *, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        width = inputs * expansion
        self.conv1: nn.Module = nn.Identity()
        self.bn1: nn.Module = nn.Identity()
        if expansion > 1:
            self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(width, NORM_EPSILON)
        self.conv2, self.bn2 = Depthwise(width, kernel, stride), nn.BatchNorm2d(width, NORM_EPSILON)
        self.conv3, self.bn3 = nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs, NORM_EPSILON)
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        """(B, inputs, h, w) to (B, outputs, h / stride, w / stride)."""
        y = x
        if isinstance(self.conv1, nn.Conv2d):
            y = keep_valid(functional.relu6(self.bn1(self.conv1(x)), inplace=True), valid)
        y = keep_valid(functional.relu6(self.bn2(self.conv2(y)), inplace=True), valid)
        y = self.bn3(self.conv3(y))
        return keep_valid(y.add_(x) if self.shortcut else y, valid)


class EfficientNetLite(nn.Module):
    """Encoder: feature maps of four strides; the finest also holds the picture's own colors, averaged.

    Args:
        blocks: blocks in each of the seven stages.
        widths: channels of each stage.
        dilate_last: the last two stages keep stride 16 and dilate their convolutions instead.
    """

    def __init__(self, *, blocks: Sequence[int], widths: Sequence[int], dilate_last: bool) -> None:
        super().__init__()
        self.dilate_last = dilate_last
        self.conv1 = nn.Conv2d(3, STEM, 3, 2, bias=False)
        self.bn1 = nn.BatchNorm2d(STEM, NORM_EPSILON)
        inputs, layers = STEM, []
        for stage, (count, width, kernel, stride) in enumerate(zip(blocks, widths, KERNELS, STRIDES, strict=True)):
            expansion = EXPANSION if stage else 1
            for number in range(count):
                step = stride if number == 0 and not (dilate_last and stage == DILATED) else 1
                layers.append(InvertedResidual(inputs, width, expansion=expansion, kernel=kernel, stride=step))
                inputs = width
        self.blocks = nn.ModuleList(layers)
        ends = list(accumulate(blocks))
        self.ends = [ends[stage] for stage in LAST_OF_STRIDE]
        self.dilated_from = ends[DILATED - 1] + 1  # the first block of a dilated stage is not dilated
        self.channels = [widths[stage] for stage in LAST_OF_STRIDE]
        self.channels[0] += 3

    def stem_layers(self) -> list[nn.Module]:
        """The layers up to stride 4, which learned from any photographs what they need."""
        return [self.conv1, self.bn1, *self.blocks[: self.ends[0]]]

    def forward(self, images: Tensor, valid: Tensor | None) -> list[Tensor]:
        """Maps of strides 4, 8, 16 and 32 (16 if dilated) of `images` (B, 3, H, W), H and W multiples of 32."""
        x = keep_valid(functional.relu6(self.bn1(halve(images, self.conv1)), inplace=True), valid)
        maps, fine = [], valid
        for number, block in enumerate(self.blocks, start=1):
            if self.dilate_last and number == self.dilated_from + 1:
                x, fine = into_phases(x), None if valid is None else phases_of(valid, x)
            x = block(x, fine)
            if number in self.ends:
                maps.append(x)
        if self.dilate_last:
            maps[-1] = out_of_phases(maps[-1])
        colors = keep_valid(functional.avg_pool2d(images, 4), valid).to(maps[0].dtype)
        maps[0] = torch.cat([maps[0], colors], 1)
        return maps


def into_phases(x: Tensor) -> Tensor:
    """(B, C, h, w) as (4 B, C, h / 2, w / 2): a convolution of every second cell is then an ordinary one.

    It says the same as a dilated one, of which the gradients are slow on a CPU.
    """
    return torch.cat([x[:, :, row::2, column::2] for row in (0, 1) for column in (0, 1)])


def out_of_phases(x: Tensor) -> Tensor:
    """What `into_phases` was given."""
    height, width = x.shape[-2:]
    quarters = torch.stack(x.chunk(4)).reshape(2, 2, -1, *x.shape[1:])  # (2, 2, B, C, h, w)
    whole: Tensor = quarters.permute(2, 3, 4, 0, 5, 1).reshape(-1, x.shape[1], 2 * height, 2 * width)
    return whole


def phases_of(valid: Tensor, like: Tensor) -> Tensor:
    """`valid` (B, 1, H, W) for the phases `like` (4 B, C, h, w) of a map, at their resolution."""
    step = valid.shape[-1] // (2 * like.shape[-1])
    return into_phases(valid[:, :, ::step, ::step])
