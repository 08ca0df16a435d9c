"""Checkpoints: safetensors weights and, beside them, a JSON file that says what they are. Nothing is unpickled."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from parsing.labels import LABELS
from parsing.model import HPTR, HPTRConfig

FORMAT = 1
PARTS = ("inference", "calibration", "search", "metrics", "training")
DEFAULT_CHECKPOINT = Path(__file__).parent / "weights" / "hptr-compact.safetensors"


class CheckpointError(Exception):
    """A checkpoint cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class CheckpointInfo:
    """What the JSON file says.

    Args:
        config: shape of the network.
        inference: `long_side` of the input and fields of AssembleConfig, chosen on the calibration split.
        calibration: as fitted by `training.proportions` and `training.calibration`, empty before.
        search: thresholds and color confusion for queries, empty before they are fitted.
        metrics: validation figures by name.
        training: data, steps, time and seed.
    """

    config: HPTRConfig
    inference: Mapping[str, Any] = field(default_factory=dict)
    calibration: Mapping[str, Any] = field(default_factory=dict)
    search: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)


def describe(path: Path) -> Path:
    """The JSON file beside a weights file."""
    return path.with_suffix(".json")


def save(path: Path, weights: Mapping[str, Tensor], info: CheckpointInfo, *, half: bool = False) -> None:
    """Write weights and description; a failed or interrupted write leaves the previous files as they were.

    Args:
        half: store floating-point weights as fp16.

    Raises:
        CheckpointError: they cannot be written.
    """
    kept = {
        name: (tensor.half() if half and tensor.is_floating_point() else tensor).contiguous()
        for name, tensor in weights.items()
    }
    with replacing(path, describe(path)) as (new_weights, new_info):
        save_file(kept, new_weights)
        write_info(new_info, info)


def save_info(path: Path, info: CheckpointInfo) -> None:
    """Write the description of the weights at `path`.

    Raises:
        CheckpointError: it cannot be written.
    """
    with replacing(describe(path)) as (new_info,):
        write_info(new_info, info)


def write_info(path: Path, info: CheckpointInfo) -> None:
    """Write a description as JSON to the file `path`."""
    document = {"format": FORMAT, "labels": LABELS, **asdict(info)}
    path.write_text(json.dumps(document, indent=1) + "\n")


@contextmanager
def replacing(*paths: Path) -> Iterator[list[Path]]:
    """Files to write instead of `paths`, of which they take the places, durably, once all are written.

    Raises:
        CheckpointError: they cannot be written; then nothing has changed.
    """
    partials = [path.with_name(path.name + ".tmp") for path in paths]
    try:
        paths[0].parent.mkdir(parents=True, exist_ok=True)
        yield partials
        for partial in partials:
            with partial.open("rb+") as file:
                os.fsync(file.fileno())
        for partial, path in zip(partials, paths, strict=True):
            partial.replace(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"cannot save {paths[0]} ({error}); what was there before is kept, make room on its disk and try again"
        ) from error
    finally:
        with suppress(OSError):
            for partial in partials:
                partial.unlink(missing_ok=True)


def read_info(path: Path) -> CheckpointInfo:
    """The description of the weights at `path`.

    Raises:
        CheckpointError: there is none, or it is of another format or other labels.
    """
    if not path.is_file():
        raise CheckpointError(f"no checkpoint at {path}; make one with python -m training.train")
    if not describe(path).is_file():
        raise CheckpointError(
            f"expected {describe(path)} beside the weights {path}, but there is no such file; copy both files together"
        )
    try:
        document = json.loads(describe(path).read_text())
        if document["format"] != FORMAT:
            raise CheckpointError(
                f"{path} has format {document['format']}, expected {FORMAT}; use a checkpoint of this version"
            )
        if wrong := [name for name in ("labels", "config", *PARTS) if not isinstance(document[name], dict)]:
            raise ValueError(f"{wrong[0]} is {document[wrong[0]]!r:.80}, expected an object")
        if {task: tuple(labels) for task, labels in document["labels"].items()} != dict(LABELS):
            raise CheckpointError(
                f"{path} was trained for other labels than CCIHP's; train one with python -m training.train"
            )
        config: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in document["config"].items()
        }
        return CheckpointInfo(HPTRConfig(**config), **{name: document[name] for name in PARTS})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{describe(path)} does not describe a checkpoint ({error}); expected the JSON file written by training, "
            "copy both files together"
        ) from error


def check_finite(path: Path, weights: Mapping[str, Tensor]) -> None:
    """Raise CheckpointError unless all numbers of the weights read from `path` are finite."""
    if lost := [name for name, tensor in weights.items() if not bool(torch.isfinite(tensor).all())]:
        raise CheckpointError(
            f"{path} holds numbers that are not finite, first in {lost[0]!r}; expected trained weights, restore or "
            "retrain them"
        )


def load(path: Path, device: torch.device | str = "cpu") -> tuple[HPTR, CheckpointInfo]:
    """The network in evaluation mode, and its description.

    Raises:
        CheckpointError: missing, corrupt, or of another configuration.
    """
    info = read_info(path)
    try:
        weights = {
            name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in load_file(path).items()
        }
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path} is damaged ({error}); expected safetensors weights, restore or retrain them"
        ) from error
    check_finite(path, weights)
    try:
        model = HPTR(info.config)
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        raise CheckpointError(
            f"{describe(path)} describes no network of this version ({error}); use the JSON written with the weights"
        ) from error
    own = {name: tensor.shape for name, tensor in model.state_dict().items()}
    given = {name: tensor.shape for name, tensor in weights.items()}
    if differing := sorted(name for name in own.keys() | given.keys() if own.get(name) != given.get(name)):
        raise CheckpointError(
            f"{path} does not fit configuration {info.config.name}: {len(differing)} weights differ, "
            f"first {differing[0]!r}; use the JSON file that was written with it"
        )
    model.load_state_dict(weights)
    return model.to(device).eval(), info


def checkpoint_hash(path: Path) -> str:
    """SHA-256 of weights and description: it names what a parse depends on."""
    digest = hashlib.sha256(path.read_bytes())
    digest.update(describe(path).read_bytes())
    return digest.hexdigest()
