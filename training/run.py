"""A training run: its configuration, the state that it can be resumed from, and how that is kept.

The folder of a run holds `state.safetensors` (weights, their average, the optimizer's moments, random state) with
`state.json`, the checkpoint of the averaged weights, `log.jsonl`, TensorBoard's files and pictures of predictions.
"""

import copy
import json
import math
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from parsing.checkpoint import CheckpointError, CheckpointInfo, read_info, replacing, save
from parsing.model import CONFIGS, HPTR
from training.composite import CompositeConfig
from training.limits import Limits, check_limits
from training.matcher import MatchWeights
from training.processes import synchronize_norms, world
from training.state import read_state, write_state
from training.weights import load_encoder, load_fitting

STATE, POSITION, CHECKPOINT = "state.safetensors", "state.json", "checkpoint.safetensors"
NOT_NEGATIVE = (
    "final_side", "steps", "learning_rate", "warmup_steps", "decay_steps", "backbone_rate", "weight_decay", "clip",
    "seed", "rendered", "workers", "picture_steps", "save_seconds",
)  # fmt: skip
LIMITS: Limits = {
    **dict.fromkeys(NOT_NEGATIVE, (0, math.inf)), "side": (32, math.inf), "batch": (1, math.inf), "ema": (0, 1)
}  # fmt: skip


@dataclass(frozen=True)
class TrainConfig:
    """How to train; the only defaults.

    Args:
        side: typical height and width of training pictures, pixels; none is longer than 512.
        final_side: that in the last `decay_steps`, 0 for the same.
        batch: pictures of each process.
        schedule: of the learning rate, see `training.schedule`.
        warmup_steps: in which the learning rate rises.
        decay_steps: in which it falls at the end of the linear schedule.
        backbone_rate: the encoder's learning rate, relative to the others' (DETR: 0.1 with ImageNet weights).
        freeze_norms, freeze_stem: the encoder's batch norms, or its layers up to stride 4, stay as they are
            (DETR does both with ImageNet weights).
        ema: decay of the moving average of the weights, which is what is saved.
        rendered: rendered scenes among the pictures to train on.
        mixed_precision: run the network in bfloat16, which GPUs and some processors do much faster.
        workers: processes that compose pictures.
        picture_steps: steps between pictures of predictions, 0 for none.
        save_seconds: time between checkpoints.

    Raises:
        ValueError: a number is out of its limits.
    """

    model: str = "hptr-compact"
    side: int = 224
    final_side: int = 0
    batch: int = 12
    steps: int = 20_000
    learning_rate: float = 8e-4
    schedule: str = "linear"
    warmup_steps: int = 300
    decay_steps: int = 5_000
    backbone_rate: float = 1.0
    freeze_norms: bool = False
    freeze_stem: bool = False
    weight_decay: float = 1e-4
    clip: float = 1.0
    ema: float = 0.998
    seed: int = 0
    rendered: int = 0
    mixed_precision: bool = False
    workers: int = 1
    picture_steps: int = 500
    save_seconds: float = 120.0
    composite: CompositeConfig = field(default_factory=CompositeConfig)
    match: MatchWeights = field(default_factory=MatchWeights)

    def __post_init__(self) -> None:
        check_limits(self, LIMITS)


@dataclass
class Run:
    """What a training run is made of and where it stands; `network` is the model, maybe spread over processes."""

    folder: Path
    config: TrainConfig
    model: HPTR
    average: HPTR
    network: nn.Module
    optimizer: torch.optim.Optimizer
    device: torch.device
    step: int = 0
    seconds: float = 0.0


def start(
    folder: Path,
    config: TrainConfig,
    *,
    initial: Path | None = None,
    backbone: Path | None = None,
    device: torch.device | None = None,
) -> Run:
    """A new run, or, if `folder` holds one, that run where it stopped.

    Args:
        initial: weights to start from, as far as they fit.
        backbone: weights of the encoder, all of them.

    Raises:
        CheckpointError: weights or the state of the run cannot be used, or it has gone past `config.steps`.
    """
    torch.manual_seed(config.seed)
    device = torch.device("cpu") if device is None else device
    begun, saved = (folder / POSITION).is_file(), folder / CHECKPOINT
    model = HPTR(read_info(saved).config if begun and saved.is_file() else CONFIGS[config.model])  # its own shape
    if initial is not None:
        load_fitting(model, initial)
    if backbone is not None:
        load_encoder(model, backbone)
    model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = copy.deepcopy(model).requires_grad_(False).eval()
    run = Run(folder, config, model, average, model, make_optimizer(model, config), device)
    if begun:
        modules = {"model": model, "average": average}
        position = read_state(folder / STATE, modules, run.optimizer, device)
        run.step, run.seconds = int(position["step"]), position["seconds"]
        if run.step > config.steps:
            raise CheckpointError(
                f"{folder} holds a run of {run.step} steps, expected to go on to more, got --steps {config.steps}; "
                "give a larger number, or another --output"
            )
    spread(run)
    return run


def make_optimizer(model: HPTR, config: TrainConfig) -> torch.optim.Optimizer:
    """AdamW with DETR's weight decay for matrices, none for vectors; each group knows its share of the rate."""
    if config.freeze_norms:
        for module in model.encoder.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.requires_grad_(False)
    if config.freeze_stem:
        for module in model.encoder.stem_layers():
            module.requires_grad_(False)
    encoder = {id(parameter) for parameter in model.encoder.parameters()}
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = []
    for decayed in (True, False):
        for inside in (True, False):
            groups.append(
                {
                    "params": [p for p in trained if (p.ndim > 1) == decayed and (id(p) in encoder) == inside],
                    "weight_decay": config.weight_decay if decayed else 0.0,
                    "share": config.backbone_rate if inside else 1.0,
                }
            )
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=config.learning_rate)


def spread(run: Run) -> None:
    """Train `run.model` in all processes at once, if there are several."""
    if world()[1] > 1:
        synchronize_norms(run.model, run.device)
        run.network = DistributedDataParallel(run.model, forward_sync_buffers=False)


def store(run: Run, data: list[Path] | None = None, teacher: Path | None = None) -> None:
    """Write the run's state and its averaged weights as a checkpoint.

    Args:
        data: folders of the data sets, for resuming without naming them again.
        teacher: the checkpoint that labels what has no pixel labels, likewise.

    Raises:
        CheckpointError: they cannot be written; the previous ones are kept.
    """
    position = {"step": run.step, "seconds": run.seconds, "config": asdict(run.config)}
    with replacing(run.folder / STATE, run.folder / POSITION) as (state, description):
        where = {"step": run.step, "seconds": run.seconds}
        write_state(state, {"model": run.model, "average": run.average}, run.optimizer, run.device, where)
        roots = [str(root.resolve()) for root in data or []]
        named = {"data": roots, "teacher": str(teacher.resolve()) if teacher else None}
        description.write_text(json.dumps({**position, **named}, indent=1))
    info = CheckpointInfo(run.model.config, training=position)
    save(run.folder / CHECKPOINT, run.average.state_dict(), info)


def read_position(folder: Path) -> tuple[TrainConfig, list[Path], Path | None]:
    """The configuration of the run in `folder`, its data sets and its teacher.

    Raises:
        CheckpointError: there is none, or it cannot be read.
    """
    path = folder / POSITION
    if not path.is_file():
        raise CheckpointError(f"no training run in {folder}; expected {POSITION}, start one with --output")
    try:
        position = json.loads(path.read_text())
        config = config_from(position["config"])
        teacher = position.get("teacher")
        return config, [Path(root) for root in position.get("data", [])], Path(teacher) if teacher else None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{path} does not describe a training run ({error}); expected what training wrote, start anew with --output"
        ) from error


def config_from(document: dict[str, Any]) -> TrainConfig:
    """The configuration that a JSON document holds; what an older one lacks is at its default."""
    parts = {"composite": CompositeConfig, "match": MatchWeights}
    unknown = sorted(set(document) - {part.name for part in fields(TrainConfig)})
    if unknown:
        raise ValueError(f"unknown settings {', '.join(unknown)}")
    return replace(TrainConfig(), **{name: parts[name](**v) if name in parts else v for name, v in document.items()})


def update_average(run: Run) -> None:
    """Move the averaged weights towards the current ones, faster at the start."""
    decay = min(run.config.ema, (1 + run.step) / (10 + run.step))
    with torch.no_grad():
        for mean, value in zip(run.average.state_dict().values(), run.model.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)
