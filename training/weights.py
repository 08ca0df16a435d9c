"""Weights to start from: an ImageNet encoder under its published names, or whatever fits of another checkpoint."""

import logging
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from parsing.checkpoint import CheckpointError, check_finite
from parsing.model import HPTR
from training.lite_weights import is_lite, renamed

logger = logging.getLogger(__name__)

CLASSIFIER = "fc."  # torchvision's last layer, which an encoder does without
COUNTER = "num_batches_tracked"  # of batch norms; older files of torchvision have none


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, or of a PyTorch file that holds nothing else.

    Raises:
        CheckpointError: there is no such file, or it holds something else.
    """
    if not path.is_file():
        raise CheckpointError(f"no weights at {path}; expected a .safetensors file or a .pth file of tensors by name")
    try:
        read = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except Exception as error:  # what unpickling a damaged file raises is not bounded
        said = str(error).strip().splitlines() if isinstance(error, OSError | RuntimeError | SafetensorError) else []
        reason = said[0] if said else type(error).__name__
        raise CheckpointError(
            f"{path} cannot be read ({reason}); expected safetensors, or tensors by name as torch.save writes them"
        ) from error
    if isinstance(read, dict) and all(isinstance(n, str) and isinstance(value, Tensor) for n, value in read.items()):
        check_finite(path, read)
        return read
    inner = [name for name, value in read.items() if isinstance(value, dict)] if isinstance(read, dict) else []
    remedy = f"save its {inner[0]!r} alone" if inner else "save a network's state_dict()"
    raise CheckpointError(f"{path} holds a {type(read).__name__}, expected nothing but tensors by name; {remedy}")


def load_encoder(model: HPTR, path: Path) -> None:
    """Start the encoder from the weights at `path`: torchvision's ResNet, a published EfficientNet-Lite, or one that
    `training.pretrain` wrote.

    Raises:
        CheckpointError: the file is none, or of another encoder.
    """
    read = read_weights(path)
    read = renamed(read) if is_lite(read) else read
    weights = {name.removeprefix("encoder."): tensor for name, tensor in read.items()}
    given = {k: v for k, v in weights.items() if not k.startswith(CLASSIFIER) and not k.endswith(COUNTER)}
    own = {k: v for k, v in model.encoder.state_dict().items() if not k.endswith(COUNTER)}
    wrong = [
        k for k in sorted(own.keys() | given.keys()) if k not in own or k not in given or own[k].shape != given[k].shape
    ]
    if wrong:
        raise CheckpointError(
            f"{path} does not fit the encoder of {model.config.name}: {len(wrong)} of {len(own)} weights differ, first "
            f"{wrong[0]!r} ({shape(given, wrong[0])}, expected {shape(own, wrong[0])}); "
            "use the weights of the same encoder: torchvision's ResNet, or EfficientNet-Lite as it is published"
        )
    model.encoder.load_state_dict(given, strict=False)


def shape(weights: Mapping[str, Tensor], name: str) -> str:
    """How large a weight is, for messages."""
    return "x".join(map(str, weights[name].shape)) or "a number" if name in weights else "none"


def load_fitting(model: nn.Module, path: Path) -> None:
    """Take over the weights at `path` that fit by name and shape; the rest stay as they are.

    Raises:
        CheckpointError: the file is none, or nothing in it fits.
    """
    own = model.state_dict()
    fitting = read_fitting(path, own)
    logger.info("taking over %d of %d weights", len(fitting), len(own))
    model.load_state_dict(fitting, strict=False)


def read_fitting(path: Path, own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights at `path` that fit those of a network by name and shape, in its precision.

    Raises:
        CheckpointError: the file is none, or nothing in it fits.
    """
    weights = read_weights(path)
    fitting = {k: v.to(own[k].dtype) for k, v in weights.items() if k in own and own[k].shape == v.shape}
    if not fitting:
        raise CheckpointError(
            f"none of the {len(weights)} weights in {path} fits this network; expected a checkpoint of the same "
            "configuration, or an encoder's from python -m training.pretrain"
        )
    return fitting
