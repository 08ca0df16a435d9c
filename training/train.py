"""Training, in one sitting: composites in, checkpoints out, resumed at the same step with the same numbers.

python -m training.train --data DIR... [--config NAME] [--output RUN] [--resume RUN]
"""

import argparse
import copy
import json
import logging
import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader

from parsing.checkpoint import CheckpointError, CheckpointInfo, replace_file, save
from parsing.model import CONFIGS, HPTR
from parsing.parser import HumanParser
from training.composite import CompositeConfig
from training.dataset import Batch, CompositeBatches, make_composer
from training.losses import total_loss
from training.matcher import MatchWeights
from training.self_labels import Teacher

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainConfig:
    """How to train; the only defaults.

    Args:
        side: typical height and width of training pictures, pixels.
        warmup_steps, decay_steps: of the learning rate, linear at the start and the end, constant between.
        ema: decay of the moving average of the weights, which is what is saved.
        rendered: rendered scenes among the pictures to train on.
        mixed_precision: run the network in bfloat16, which processors with AMX do ten times faster.
        save_seconds: time between checkpoints.
    """

    model: str = "hptr-compact"
    side: int = 224
    batch: int = 12
    steps: int = 20_000
    learning_rate: float = 8e-4
    warmup_steps: int = 300
    decay_steps: int = 5_000
    weight_decay: float = 1e-4
    clip: float = 1.0
    ema: float = 0.998
    seed: int = 0
    rendered: int = 0
    mixed_precision: bool = False
    save_seconds: float = 120.0
    composite: CompositeConfig = field(default_factory=CompositeConfig)
    match: MatchWeights = field(default_factory=MatchWeights)


@dataclass
class Run:
    """What a training run is made of, and where it stands."""

    folder: Path
    config: TrainConfig
    model: HPTR
    average: HPTR
    optimizer: torch.optim.Optimizer
    step: int = 0
    seconds: float = 0.0


def learning_rate(step: int, config: TrainConfig) -> float:
    """Learning rate of a step: warm-up, plateau, linear decay to zero at `config.steps`."""
    rising = min(1.0, (step + 1) / max(config.warmup_steps, 1))
    falling = min(1.0, (config.steps - step) / max(config.decay_steps, 1))
    return config.learning_rate * rising * falling


def start(folder: Path, config: TrainConfig, initial: Path | None) -> Run:
    """A new run, or, if `folder` holds one, that run where it stopped."""
    torch.manual_seed(config.seed)
    model = HPTR(CONFIGS[config.model]).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if initial is not None:
        load_weights(model, load_file(initial))
    decayed = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=config.learning_rate)
    run = Run(folder, config, model, copy.deepcopy(model).requires_grad_(False), optimizer)
    if (folder / "state.json").is_file():
        restore(run)
    return run


def load_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Take over the weights that fit by name and shape; the rest stay as they are."""
    own = model.state_dict()
    fitting = {k: v.to(own[k].dtype) for k, v in weights.items() if k in own and own[k].shape == v.shape}
    logger.info("taking over %d of %d weights", len(fitting), len(own))
    model.load_state_dict(fitting, strict=False)


def flatten_state(run: Run) -> dict[str, Tensor]:
    """Weights, their average and the optimizer's moments under one set of names."""
    state = {f"model/{k}": v for k, v in run.model.state_dict().items()}
    state |= {f"average/{k}": v for k, v in run.average.state_dict().items()}
    for index, moments in run.optimizer.state_dict()["state"].items():
        state |= {f"optimizer/{index}/{k}": torch.as_tensor(v) for k, v in moments.items()}
    return {k: v.contiguous() for k, v in state.items()}


def store(run: Run) -> None:
    """Write the run's state and its averaged weights as a checkpoint."""
    run.folder.mkdir(parents=True, exist_ok=True)
    partial = run.folder / "state.tmp"
    save_file(flatten_state(run), partial, metadata={"step": str(run.step), "seconds": str(run.seconds)})
    replace_file(partial, run.folder / "state.safetensors")
    position = {"step": run.step, "seconds": run.seconds, "config": asdict(run.config)}
    partial.write_text(json.dumps(position, indent=1))
    replace_file(partial, run.folder / "state.json")
    info = CheckpointInfo(run.model.config, training=position)
    save(run.folder / "checkpoint.safetensors", run.average.state_dict(), info)


def restore(run: Run) -> None:
    """Continue where `store` left off."""
    state = load_file(run.folder / "state.safetensors")
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "average": {}, "optimizer": {}}
    for name, tensor in state.items():
        part, key = name.split("/", 1)
        parts[part][key] = tensor
    run.model.load_state_dict(parts["model"])
    run.average.load_state_dict(parts["average"])
    moments: dict[int, dict[str, Tensor]] = {}
    for key, tensor in parts["optimizer"].items():
        index, name = key.split("/")
        moments.setdefault(int(index), {})[name] = tensor
    run.optimizer.load_state_dict({**run.optimizer.state_dict(), "state": moments})
    position = json.loads((run.folder / "state.json").read_text())
    run.step, run.seconds = position["step"], position["seconds"]


def update_average(run: Run) -> None:
    """Move the averaged weights towards the current ones, faster at the start."""
    decay = min(run.config.ema, (1 + run.step) / (10 + run.step))
    with torch.no_grad():
        for mean, value in zip(run.average.state_dict().values(), run.model.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)


def train_step(run: Run, batch: Batch, class_weights: Mapping[str, Tensor]) -> dict[str, float]:
    """One step of gradient descent; returns the parts of the loss.

    Raises:
        FloatingPointError: the loss is not finite; the batch is saved beside the run.
    """
    rate = learning_rate(run.step, run.config)
    for group in run.optimizer.param_groups:
        group["lr"] = rate
    with torch.autocast("cpu", torch.bfloat16, enabled=run.config.mixed_precision):
        output = run.model(batch.images.contiguous(memory_format=torch.channels_last))
    loss, parts = total_loss(
        output,
        batch.labels,
        batch.human,
        batch.targets,
        class_weights,
        num_queries=run.model.config.num_queries,
        weights=run.config.match,
    )
    if not bool(torch.isfinite(loss)):
        save_file({"images": batch.images, **batch.labels}, run.folder / "not_finite.safetensors")
        raise FloatingPointError(
            f"the loss of step {run.step} is {float(loss.detach())}, expected a finite number; its batch is in "
            f"{run.folder / 'not_finite.safetensors'}; resume with a lower --learning-rate"
        )
    run.optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    norm = nn.utils.clip_grad_norm_(run.model.parameters(), run.config.clip)
    run.optimizer.step()
    run.step += 1
    update_average(run)
    return {"loss": float(loss.detach()), "gradient": float(norm), "rate": rate, **parts}


def batches(run: Run, data: CompositeBatches) -> Iterator[Batch]:
    """Batches from a worker process that composes ahead."""
    loader = DataLoader(data, batch_size=None, num_workers=1, prefetch_factor=4)
    return iter(loader)


def train(run: Run, roots: list[Path], teacher: Teacher | None = None) -> None:
    """Train until `run.config.steps`, logging to log.jsonl and saving now and then.

    Args:
        teacher: labels the pixels of photographs that have none (self-training).
    """
    run.folder.mkdir(parents=True, exist_ok=True)
    composer, class_weights = make_composer(
        roots, run.config.composite, rendered=run.config.rendered, seed=run.config.seed, teacher=teacher
    )
    data = CompositeBatches(
        composer,
        batch=run.config.batch,
        side=run.config.side,
        seed=run.config.seed,
        first=run.step,
        last=run.config.steps,
    )
    run.model.train()
    saved = began = time.monotonic()
    before = run.seconds
    with (run.folder / "log.jsonl").open("a") as log:
        for batch in batches(run, data):
            parts = train_step(run, batch, class_weights)
            run.seconds = before + time.monotonic() - began
            if run.step % 20 == 0 or run.step < 10:
                report(log, run, parts)
            if time.monotonic() - saved > run.config.save_seconds:
                store(run)
                saved = time.monotonic()
    store(run)


def report(log: Any, run: Run, parts: Mapping[str, float]) -> None:
    """A line in the log and one on standard error."""
    line = {"step": run.step, "seconds": round(run.seconds, 1), **{k: round(v, 5) for k, v in parts.items()}}
    log.write(json.dumps(line) + "\n")
    log.flush()
    shown = " ".join(f"{name.split('/')[-1]} {parts.get(name, 0):.3f}" for name in SHOWN)
    print(f"step {run.step} {run.seconds / 60:.1f} min {shown}", file=sys.stderr, flush=True)


SHOWN = ("loss", "attribute", "size", "pattern", "color", "human/classes", "human/box", "human/giou", "human/dice")


NUMBERS = ("side", "batch", "steps", "warmup_steps", "decay_steps", "seed", "rendered", "learning_rate")


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, nargs="+", required=True, metavar="DIR", help="data set folders")
    parser.add_argument("--config", choices=sorted(CONFIGS), default=TrainConfig.model, help="network")
    parser.add_argument("--output", type=Path, default=Path("runs/hptr"), metavar="RUN", help="folder of a new run")
    parser.add_argument("--resume", type=Path, metavar="RUN", help="go on with the run in this folder")
    parser.add_argument("--teacher", type=Path, metavar="FILE", help="checkpoint that labels what has no pixel labels")
    parser.add_argument("--initial", type=Path, metavar="FILE", help="start from these weights (safetensors)")
    for name in NUMBERS:
        kind = type(getattr(TrainConfig, name))
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, help=f"default {getattr(TrainConfig, name)}")
    parser.add_argument("--mixed-precision", action="store_true", default=None, help="bfloat16 (AMX processors)")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    options = parse_arguments(arguments)
    folder = options.resume or options.output
    if options.resume and not (folder / "state.json").is_file():
        print(f"Error: no training run in {folder}; expected state.json, start one with --output", file=sys.stderr)
        return 1
    given = {name: value for name in (*NUMBERS, "mixed_precision") if (value := getattr(options, name)) is not None}
    config = replace(TrainConfig(model=options.config), **given)
    torch.set_num_threads(os.cpu_count() or 1)
    try:
        teacher = None if options.teacher is None else Teacher(HumanParser.load(options.teacher))
        train(start(folder, config, options.initial), options.data, teacher)
    except (CheckpointError, FileNotFoundError, FloatingPointError, ValueError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    torch.set_flush_denormal(True)  # before any thread starts; denormal gradients make a CPU ten times slower
    sys.exit(main())
