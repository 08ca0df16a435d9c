"""The network as it runs fastest, for those who only look: it can no longer be trained.

Batch norms are folded into the convolutions before them, and the first layers of the semantic heads are one.
"""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from parsing.backbone import JoinLevels, keep_valid
from parsing.model import HPTR, SemanticHead, SemanticHeads

PAIRS = (("conv1", "bn1"), ("conv2", "bn2"), ("conv3", "bn3"), ("conv", "norm"), ("0", "1"))  # a norm follows


class JoinedHeads(nn.Module):
    """Semantic heads that share the enlargement of the pyramid."""

    def __init__(self, heads: SemanticHeads) -> None:
        super().__init__()
        self.heads = heads
        joins = [fold_join(head) for head in heads.values() if isinstance(head, SemanticHead)]
        self.widths = [levels_of(join)[0].out_channels for join in joins]
        self.join = concatenated(joins)

    def forward(self, pyramid: Sequence[Tensor], valid: Tensor | None) -> dict[str, Tensor]:
        """Per task, logits (B, N_task, H / 4, W / 4)."""
        parts = self.join(pyramid, valid).split(self.widths, 1)
        logits = {}
        for part, (task, head) in zip(parts, self.heads.items(), strict=True):
            assert isinstance(head, SemanticHead)
            logits[task] = head.classify(head.mix(keep_valid(part.relu(), valid), valid))
        return logits


def fused(model: HPTR) -> HPTR:
    """A copy that says the same up to rounding, in evaluation mode."""
    network = copy.deepcopy(model).eval().requires_grad_(False)
    for module in list(network.modules()):
        for convolution, norm in PAIRS:
            fold(module, convolution, norm)
    assert isinstance(network.semantic, SemanticHeads)
    network.semantic = JoinedHeads(network.semantic)
    return network


def fold(module: nn.Module, convolution: str, norm: str) -> None:
    """Fold the batch norm of that name, if there is one, into the convolution of that name."""
    first, second = getattr(module, convolution, None), getattr(module, norm, None)
    if not isinstance(first, nn.Conv2d | nn.Sequential) or not isinstance(second, nn.BatchNorm2d):
        return
    if isinstance(first, nn.Sequential):  # separable: depthwise, then pointwise
        pointwise = first[1]
        assert isinstance(pointwise, nn.Conv2d)
        first[1] = fuse_conv_bn_eval(pointwise, second)
    else:
        setattr(module, convolution, fuse_conv_bn_eval(first, second))
    setattr(module, norm, nn.Identity())


@torch.no_grad()
def fold_join(head: SemanticHead) -> JoinLevels:
    """A head's first layer with its norm folded in; the finest level adds what is constant."""
    norm, join = head.norm, head.join
    assert norm.running_var is not None
    assert norm.running_mean is not None
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    for part in levels_of(join):
        part.weight.mul_(scale[:, None, None, None])
    levels_of(join)[0].bias = nn.Parameter(norm.bias - norm.running_mean * scale, requires_grad=False)
    head.join, head.norm = nn.Identity(), nn.Identity()  # type: ignore[assignment]
    return join


@torch.no_grad()
def concatenated(joins: Sequence[JoinLevels]) -> JoinLevels:
    """One layer that gives the outputs of several, one after the other."""
    levels = list(zip(*(levels_of(join) for join in joins), strict=True))  # the layers of each level
    outputs = sum(part.out_channels for part in levels[0])
    joined = JoinLevels(len(levels), levels[0][0].in_channels, outputs).requires_grad_(False)
    for together, parts in zip(levels_of(joined), levels, strict=True):
        together.weight = nn.Parameter(torch.cat([part.weight for part in parts]), requires_grad=False)
    biases = [part.bias for part in levels[0] if part.bias is not None]
    levels_of(joined)[0].bias = nn.Parameter(torch.cat(biases), requires_grad=False)
    return joined


def levels_of(join: JoinLevels) -> list[nn.Conv2d]:
    """The convolution of each level, the finest first."""
    return [part for part in join.parts if isinstance(part, nn.Conv2d)]
