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
        self.widths = [join.parts[0].out_channels for join in joins]
        self.join = concatenated(joins)

    def forward(self, pyramid: Sequence[Tensor], valid: Tensor | None) -> dict[str, Tensor]:
        """Per task, logits (B, N_task, H / 4, W / 4)."""
        parts = self.join(pyramid, valid).split(self.widths, 1)
        inputs = (keep_valid(part.relu(), valid) for part in parts)
        return {
            task: head.classify(head.mix(x, valid)) for x, (task, head) in zip(inputs, self.heads.items(), strict=True)
        }


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
        first[1] = fuse_conv_bn_eval(first[1], second)
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
    for part in join.parts:
        part.weight.mul_(scale[:, None, None, None])
    join.parts[0].bias = nn.Parameter(norm.bias - norm.running_mean * scale, requires_grad=False)
    head.join, head.norm = nn.Identity(), nn.Identity()  # type: ignore[assignment]
    return join


@torch.no_grad()
def concatenated(joins: Sequence[JoinLevels]) -> JoinLevels:
    """One layer that gives the outputs of several, one after the other."""
    first, *_ = joins
    outputs = sum(join.parts[0].out_channels for join in joins)
    joined = JoinLevels(len(first.parts), first.parts[0].in_channels, outputs).requires_grad_(False)
    for level, part in enumerate(joined.parts):
        part.weight.copy_(torch.cat([join.parts[level].weight for join in joins]))
    bias = torch.cat([join.parts[0].bias for join in joins])
    joined.parts[0].bias = nn.Parameter(bias, requires_grad=False)
    return joined.to(bias.device)
