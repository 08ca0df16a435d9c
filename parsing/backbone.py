"""Common backbone (paper section 3.1): a ResNet encoder and a feature pyramid whose levels meet at stride 4.

Padding stays zero after every layer, as if the picture ended there, so that an image gives the same features
alone and in a batch of larger ones. The ResNet's parameter names are torchvision's: its weight files load as they are.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional


def keep_valid(features: Tensor, valid: Tensor | None) -> Tensor:
    """`features` (B, C, h, w) with zeros on padding; `valid` (B, 1, H, W) is 1 on the picture, or None if all is.

    `valid` may be finer than the features by a whole factor: a cell is valid if its first pixel is.
    """
    if valid is None:
        return features
    step = valid.shape[-1] // features.shape[-1]
    return features * valid[:, :, ::step, ::step].to(features.dtype)


def upsample(features: Tensor, height: int, width: int) -> Tensor:
    """Bilinear enlargement of (B, C, h, w) by a whole even factor (or none), to which all past the edge is zero.

    The ordinary one repeats the last cell at the edge, which a padded batch does not have. The factor is a constant of
    an exported network.
    """
    factor = int(height) // int(features.shape[-2])
    if factor == 1:
        return features
    if features.device.type == "cpu":
        return spread_cells(features, factor)
    padded = functional.pad(features, (1, 1, 1, 1))
    larger = functional.interpolate(padded, scale_factor=float(factor), mode="bilinear", align_corners=False)
    return larger[:, :, factor : factor + height, factor : factor + width]


def spread_cells(features: Tensor, factor: int) -> Tensor:
    """`upsample` as a transposed convolution: a third of the time on a CPU, its gradient a tenth (2 cores, AVX-512).

    In fp32, since bfloat16 has no fast kernel for it.
    """
    channels = int(features.shape[1])
    steps = (torch.arange(2 * factor, device=features.device) + 0.5) / factor
    slope = 1 - (steps - 1).abs()
    kernel = (slope[:, None] * slope).expand(channels, 1, -1, -1)
    with torch.autocast(features.device.type, enabled=False):
        larger = functional.conv_transpose2d(
            features.float(), kernel, stride=factor, padding=factor // 2, groups=channels
        )
    return larger.to(features.dtype)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (ResNet-18)."""

    expansion = 1

    def __init__(self, inputs: int, width: int, *, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, dilation, dilation, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = shortcut(inputs, width, stride)

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        """(B, inputs, h, w) to (B, width, h / stride, w / stride)."""
        y = keep_valid(self.bn1(self.conv1(x)).relu(), valid)
        y = self.bn2(self.conv2(y)) + self.downsample(x)
        return keep_valid(y.relu(), valid)


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolutions and a shortcut (ResNet-50), the stride on the 3x3 as in torchvision."""

    expansion = 4

    def __init__(self, inputs: int, width: int, *, stride: int, dilation: int) -> None:
        super().__init__()
        outputs = width * self.expansion
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = shortcut(inputs, outputs, stride)

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        """(B, inputs, h, w) to (B, 4 width, h / stride, w / stride)."""
        y = keep_valid(self.bn1(self.conv1(x)).relu(), valid)
        y = keep_valid(self.bn2(self.conv2(y)).relu(), valid)
        y = self.bn3(self.conv3(y)) + self.downsample(x)
        return keep_valid(y.relu(), valid)


BLOCKS: dict[str, type[BasicBlock] | type[Bottleneck]] = {"basic": BasicBlock, "bottleneck": Bottleneck}


def shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    """Identity where shapes agree, else a projection under torchvision's name."""
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


class ResNet(nn.Module):
    """Encoder: feature maps of four stages.

    Args:
        block: `basic` or `bottleneck`.
        blocks: blocks in each of the four stages.
        widths: block width of each stage.
        stem: `pool` is ResNet's 7x7 convolution and max-pooling; `convolutions` two 3x3 of stride 2,
            much cheaper on a CPU.
        dilate_last: the last stage keeps stride 16 and dilates its convolutions instead (DETR's DC5).
    """

    def __init__(
        self, *, block: str, blocks: Sequence[int], widths: Sequence[int], stem: str, dilate_last: bool
    ) -> None:
        super().__init__()
        kind, inputs = BLOCKS[block], widths[0]
        self.stem = stem
        if stem == "pool":
            self.conv1 = nn.Conv2d(3, inputs, 7, 2, 3, bias=False)
        else:
            self.conv1 = nn.Conv2d(3, inputs // 2, 3, 2, 1, bias=False)
            self.conv2 = nn.Conv2d(inputs // 2, inputs, 3, 2, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(inputs)
        self.bn1 = nn.BatchNorm2d(self.conv1.out_channels)
        self.channels: list[int] = []
        for stage, (count, width) in enumerate(zip(blocks, widths, strict=True)):
            dilated = dilate_last and stage == 3
            stride = 1 if stage == 0 or dilated else 2
            layers: list[nn.Module] = []
            for number in range(count):
                # The first block of a dilated stage is not dilated, as in torchvision.
                dilation = 2 if dilated and number > 0 else 1
                layers.append(kind(inputs, width, stride=stride if number == 0 else 1, dilation=dilation))
                inputs = width * kind.expansion
            setattr(self, f"layer{stage + 1}", nn.ModuleList(layers))
            self.channels.append(inputs)

    def stem_layers(self) -> list[nn.Module]:
        """The layers up to stride 4, which learned from any photographs what they need."""
        second = [self.conv2, self.bn2] if self.stem == "convolutions" else []
        assert isinstance(self.layer1, nn.Module)
        return [self.conv1, self.bn1, *second, self.layer1]

    def forward(self, images: Tensor, valid: Tensor | None) -> list[Tensor]:
        """Maps of strides 4, 8, 16 and 32 (16 if dilated) of `images` (B, 3, H, W), H and W multiples of 32."""
        x = keep_valid(self.bn1(self.conv1(images)).relu(), valid)
        x = functional.max_pool2d(x, 3, 2, 1) if self.stem == "pool" else self.bn2(self.conv2(x)).relu()
        x = keep_valid(x, valid)
        maps = []
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            assert isinstance(stage, nn.ModuleList)
            for block in stage:
                x = block(x, valid)
            maps.append(x)
        return maps


class ConvNorm(nn.Module):
    """3x3 convolution, batch normalization, ReLU, and zeros kept on padding.

    A `separable` one is a depthwise and a pointwise convolution (MobileNet), a quarter of the time on a CPU.
    """

    def __init__(self, width: int, *, separable: bool) -> None:
        super().__init__()
        self.conv: nn.Module = nn.Conv2d(width, width, 3, padding=1, bias=False)
        if separable:
            depthwise = nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False)
            self.conv = nn.Sequential(depthwise, nn.Conv2d(width, width, 1, bias=False))
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        """(B, width, h, w) to (B, width, h, w)."""
        return keep_valid(self.norm(self.conv(x)).relu_(), valid)


class FeaturePyramid(nn.Module):
    """Decoder: top-down pathway with lateral connections; every map then goes through four convolutional layers."""

    def __init__(self, channels: Sequence[int], width: int, *, separable: bool) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(inputs, width, 1, bias=False) for inputs in channels)
        self.towers = nn.ModuleList(
            nn.ModuleList(ConvNorm(width, separable=separable) for _ in range(4)) for _ in channels
        )

    def forward(self, maps: Sequence[Tensor], valid: Tensor | None) -> list[Tensor]:
        """Pyramid maps (B, width, h, w), finest first, each at its own resolution."""
        merged = [lateral(x) for lateral, x in zip(self.lateral, maps, strict=True)]
        for fine, coarse in reversed(list(pairwise(range(len(merged))))):
            height, width = merged[fine].shape[-2:]
            merged[fine] = keep_valid(merged[fine].add_(upsample(merged[coarse], height, width)), valid)
        return [self.tower(x, tower, valid) for x, tower in zip(merged, self.towers, strict=True)]

    @staticmethod
    def tower(x: Tensor, layers: nn.Module, valid: Tensor | None) -> Tensor:
        """The four convolutional layers of one level."""
        assert isinstance(layers, nn.ModuleList)
        for layer in layers:
            x = layer(x, valid)
        return x


class JoinLevels(nn.Module):
    """Concatenates the pyramid at its finest resolution and applies a 1x1 convolution, without doing so.

    A 1x1 convolution and a bilinear enlargement may change places, so each level is convolved at its own
    resolution, and the sum is enlarged on its way up: the same result for a fraction of the work.
    """

    def __init__(self, levels: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.parts = nn.ModuleList(nn.Conv2d(inputs, outputs, 1, bias=False) for _ in range(levels))

    def forward(self, pyramid: Sequence[Tensor], valid: Tensor | None) -> Tensor:
        """(B, outputs, H / 4, W / 4) from maps (B, inputs, h, w), finest first."""
        joined: Tensor | None = None
        for part, x in zip(reversed(self.parts), reversed(pyramid), strict=True):
            level = part(x)
            joined = level if joined is None else keep_valid(level.add_(upsample(joined, *x.shape[-2:])), valid)
        assert joined is not None
        return joined
