"""Training, in one sitting: composites in, checkpoints out, resumed at the same step with the same numbers.

python -m training.train --data DIR... [--config NAME] [--output RUN] [--resume RUN]
torchrun --nproc-per-node N -m training.train ...    # N GPUs, or N processes on a CPU
"""

import argparse
import logging
import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader

from parsing.checkpoint import CheckpointError, replacing
from parsing.memory import keep_freed_memory
from parsing.model import CONFIGS
from parsing.parser import HumanParser
from training.dataset import Batch, CompositeBatches, make_composer
from training.journal import Journal
from training.losses import total_loss
from training.precision import add_mixed_precision, warn_where_slower
from training.processes import choose_device, joined, world
from training.run import POSITION, Run, TrainConfig, read_position, start, store, update_average
from training.schedule import SCHEDULES, learning_rate
from training.self_labels import Teacher

logger = logging.getLogger(__name__)

LARGEST_SIDE = 448  # canvases are up to 8/7 of it long: the paper's limit of 512
REPORT_STEPS = 20


def train_step(run: Run, batch: Batch, class_weights: Mapping[str, Tensor]) -> dict[str, float]:
    """One step of gradient descent; returns the parts of the loss.

    Raises:
        FloatingPointError: the loss or its gradient is not finite; the batch is saved beside the run.
    """
    rate = learning_rate(run.step, run.config)
    for group in run.optimizer.param_groups:
        group["lr"] = rate * group["share"]
    with torch.autocast(run.device.type, torch.bfloat16, enabled=run.config.mixed_precision):
        output = run.network(batch.images.contiguous(memory_format=torch.channels_last))
    loss, parts = total_loss(
        output,
        batch.labels,
        batch.human,
        batch.targets,
        class_weights,
        num_queries=run.model.config.num_queries,
        weights=run.config.match,
    )
    check_finite(run, batch, "loss", loss.detach())
    run.optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    norm = nn.utils.clip_grad_norm_(run.model.parameters(), run.config.clip)
    check_finite(run, batch, "gradient", norm)
    run.optimizer.step()
    run.step += 1
    update_average(run)
    return {"loss": float(loss.detach()), "gradient": float(norm), "rate": rate, **parts}


def check_finite(run: Run, batch: Batch, name: str, value: Tensor) -> None:
    """Save the batch and raise FloatingPointError if `value` is not finite."""
    if bool(torch.isfinite(value)):
        return
    process, processes = world()
    path = run.folder / ("not_finite.safetensors" if processes == 1 else f"not_finite_{process}.safetensors")
    try:
        with replacing(path) as (partial,):
            save_file({"images": batch.images.contiguous(), "human": batch.human, **batch.labels}, partial)
        kept = f"is in {path}"
    except CheckpointError as error:
        kept = f"is lost: {error}"
    raise FloatingPointError(
        f"the {name} of step {run.step} is {float(value)}, expected a finite number; its batch {kept}; "
        f"{'resume' if (run.folder / POSITION).is_file() else 'start'} with a lower --learning-rate"
    )


def set_training(run: Run) -> None:
    """Training mode, in which frozen batch norms keep their statistics."""
    run.network.train()
    encoder = run.model.encoder
    kept = [encoder] if run.config.freeze_norms else encoder.stem_layers() if run.config.freeze_stem else []
    for module in (module for layer in kept for module in layer.modules()):
        if isinstance(module, nn.modules.batchnorm._BatchNorm):  # one that is synchronized is no BatchNorm2d
            module.eval()


def batches(run: Run, roots: list[Path], teacher: Path | None) -> tuple[Iterator[Batch], dict[str, Tensor]]:
    """The batches that are left, from processes that compose ahead, and the class weights of the data."""
    config = run.config
    labelling = Teacher(HumanParser.load(teacher, mixed_precision=None)) if teacher else None
    composer, weights = make_composer(
        roots, config.composite, rendered=config.rendered, seed=config.seed, teacher=labelling
    )
    data = CompositeBatches(
        composer,
        batch=config.batch,
        side=config.side,
        final_side=config.final_side or config.side,
        final_from=config.steps - config.decay_steps,
        seed=config.seed,
        first=run.step,
        last=config.steps,
        process=world()[0],
    )
    loader = DataLoader(
        data, batch_size=None, num_workers=config.workers, prefetch_factor=4 if config.workers else None
    )
    on_device = (batch.to(run.device) for batch in loader)
    return on_device, {task: weight.to(run.device) for task, weight in weights.items()}


def train(run: Run, roots: list[Path], teacher: Path | None = None) -> None:
    """Train until `run.config.steps`, keeping a journal and saving now and then (the first of several processes does).

    Args:
        teacher: checkpoint that labels the pixels of photographs that have none (self-training).
    """
    run.folder.mkdir(parents=True, exist_ok=True)
    rest, class_weights = batches(run, roots, teacher)
    journal = Journal(run.folder, run.step) if world()[0] == 0 else None
    set_training(run)
    saved = began = time.monotonic()
    before = run.seconds
    for batch in rest:
        parts = train_step(run, batch, class_weights)
        run.seconds = before + time.monotonic() - began
        if journal is None:
            continue
        if run.step % REPORT_STEPS == 0 or run.step < 10:
            journal.report(run.step, run.seconds, parts)
        if run.config.picture_steps and run.step % run.config.picture_steps == 0:
            journal.picture(run.step, run.average, batch)
        if time.monotonic() - saved > run.config.save_seconds:
            store(run, roots, teacher)
            saved = time.monotonic()
    if journal is not None:
        journal.close()
        store(run, roots, teacher)


NUMBERS = (
    "side", "final_side", "batch", "steps", "warmup_steps", "decay_steps", "seed", "rendered", "workers",
    "picture_steps", "learning_rate", "backbone_rate", "weight_decay", "clip", "ema", "save_seconds",
)  # fmt: skip
CHOICES = ("schedule", "mixed_precision", "freeze_norms", "freeze_stem")


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, nargs="+", metavar="DIR", help="data set folders")
    parser.add_argument("--config", choices=sorted(CONFIGS), help=f"network, default {TrainConfig.model}")
    parser.add_argument("--output", type=Path, default=Path("runs/hptr"), metavar="RUN", help="folder of a new run")
    parser.add_argument("--resume", type=Path, metavar="RUN", help="go on with the run in this folder")
    parser.add_argument("--teacher", type=Path, metavar="FILE", help="checkpoint that labels what has no pixel labels")
    parser.add_argument("--initial", type=Path, metavar="FILE", help="start from these weights, as far as they fit")
    parser.add_argument(
        "--backbone-weights", type=Path, metavar="FILE", help="start the encoder from ImageNet (torchvision's names)"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--schedule", choices=sorted(SCHEDULES), help=f"default {TrainConfig.schedule}")
    for name in NUMBERS:
        kind = type(getattr(TrainConfig, name))
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, help=f"default {getattr(TrainConfig, name)}")
    add_mixed_precision(parser)
    parser.add_argument("--freeze-norms", action="store_true", default=None, help="keep the encoder's batch norms")
    parser.add_argument("--freeze-stem", action="store_true", default=None, help="keep its layers up to stride 4")
    return parser.parse_args(arguments)


def configure(options: argparse.Namespace) -> tuple[Path, TrainConfig, list[Path], Path | None]:
    """Folder, configuration, data and teacher of the run that the options ask for.

    A run that is there already keeps its settings where the options do not name others.

    Raises:
        CheckpointError: there is no run to resume, or it trains another network.
        ValueError: no data sets are named, or pictures would be too large.
    """
    folder: Path = options.resume or options.output
    config: TrainConfig = TrainConfig()
    data: list[Path] = []
    teacher: Path | None = None
    if options.resume or (folder / POSITION).is_file():
        config, data, teacher = read_position(folder)
        if options.config not in (None, config.model):
            raise CheckpointError(
                f"{folder} holds a run of {config.model}, expected one of {options.config}; name another --output"
            )
    given = {name: value for name in (*NUMBERS, *CHOICES) if (value := getattr(options, name)) is not None}
    if options.backbone_weights:
        given.setdefault("backbone_rate", 0.1)
    config = replace(config, **given, model=options.config or config.model)
    roots = options.data or data
    if not roots:
        raise ValueError("expected data sets to train on, got none; name their folders with --data")
    if (side := max(config.side, config.final_side)) > LARGEST_SIDE:
        raise ValueError(f"a side of {side} makes pictures longer than 512 pixels; expected at most {LARGEST_SIDE}")
    if teacher is not None and options.teacher is None and not teacher.is_file():
        raise CheckpointError(f"the teacher of {folder}, {teacher}, is gone; name it, or another, with --teacher")
    return folder, config, roots, options.teacher or teacher


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    options = parse_arguments(arguments)
    keep_freed_memory()
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))))
    try:
        folder, config, data, teacher = configure(options)
        device = choose_device(options.device)
        warn_where_slower(config.mixed_precision, device)
        with joined(device):
            run = start(folder, config, initial=options.initial, backbone=options.backbone_weights, device=device)
            train(run, data, teacher)
    except (CheckpointError, OSError, FloatingPointError, ValueError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    torch.set_flush_denormal(True)  # before any thread starts; denormal gradients make a CPU ten times slower
    sys.exit(main())
