"""Pre-training: the encoder learns to classify pictures, as the paper's starts from ImageNet weights.

    python -m training.pretrain --data DATA [--held-out DATA] [--config NAME] [--output RUN] [--resume RUN]

DATA is a folder with one folder of pictures for each class (torchvision's ImageFolder), a zip file of such folders, or
a folder of zip files, of which those named val* or test* are held out. `encoder.safetensors` of the run serves as
`--backbone-weights` or `--initial` of `training.train`. Colours are kept: an encoder that is taught to ignore them
cannot name them.
"""

import argparse
import json
import logging
import math
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

from parsing.checkpoint import CheckpointError, CheckpointInfo, replacing, save
from parsing.model import CONFIGS, HPTR
from training.limits import Limits, check_limits
from training.pictures import ClassifiedBatches, Picture, find_pictures, middle, stack
from training.precision import add_mixed_precision, warn_where_slower
from training.processes import choose_device
from training.state import read_state, write_state

STATE, SETTINGS, ENCODER, LOG = "state.safetensors", "state.json", "encoder.safetensors", "log.jsonl"
REPORT_STEPS = 20
STRIDE = 32  # of an encoder's last map
NOT_NEGATIVE = ("learning_rate", "warmup_steps", "weight_decay", "seed", "workers", "save_seconds")
LIMITS: Limits = {
    **dict.fromkeys(NOT_NEGATIVE, (0, math.inf)),
    **dict.fromkeys(("epochs", "batch"), (1, math.inf)),
    "side": (STRIDE, math.inf),
}
HELD_OUT_SHARE = 20  # one picture in so many, where none are held out by name


@dataclass(frozen=True)
class PretrainConfig:
    """How to pre-train; the only defaults.

    Args:
        side: height and width of the pictures, a multiple of 32 pixels.
        smoothing: of the labels.
        workers: processes that read pictures.
        save_seconds: time between checkpoints.

    Raises:
        ValueError: a number is out of its limits.
    """

    model: str = "hptr-compact"
    side: int = 64
    batch: int = 128
    epochs: int = 20
    learning_rate: float = 2e-3
    warmup_steps: int = 200
    weight_decay: float = 0.05
    smoothing: float = 0.1
    seed: int = 0
    mixed_precision: bool = False
    workers: int = 1
    save_seconds: float = 300.0

    def __post_init__(self) -> None:
        check_limits(self, LIMITS)
        if self.side % STRIDE:
            raise ValueError(f"--side must be a multiple of {STRIDE}, got {self.side}")


@dataclass(frozen=True)
class Pictures:
    """What is trained on, what is held out, and the names of the classes."""

    trained: list[Picture]
    held_out: list[Picture]
    classes: tuple[str, ...]


class Classifier(nn.Module):
    """The encoder of a configuration and a linear layer on its mean features."""

    def __init__(self, model: str, classes: int) -> None:
        super().__init__()
        self.encoder = HPTR(CONFIGS[model]).encoder
        self.fc = nn.Linear(self.encoder.channels[-1], classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, classes) of images (B, 3, H, W)."""
        logits: Tensor = self.fc(self.encoder(images, None)[-1].mean((2, 3)))
        return logits


@dataclass
class Pretraining:
    """A run of pre-training, and where it stands."""

    folder: Path
    config: PretrainConfig
    model: Classifier
    optimizer: torch.optim.Optimizer
    device: torch.device
    step: int = 0
    seconds: float = 0.0


def read_pictures(data: Path, held_out: Path | None) -> Pictures:
    """Pictures to train on and to hold out; one in twenty is held out where none are by name."""
    trained, tested = find_pictures(data)
    if held_out is not None:
        tested = find_pictures(held_out)[0]
    if not tested:
        tested = trained[::HELD_OUT_SHARE]
        trained = [picture for number, picture in enumerate(trained) if number % HELD_OUT_SHARE]
    classes = tuple(sorted({picture.label for picture in trained}))
    if unknown := {picture.label for picture in tested} - set(classes):
        raise ValueError(
            f"class {min(unknown)!r} is held out but never trained on, expected one of the {len(classes)} that are; "
            "add more pictures of it to --data, or name others with --held-out"
        )
    if len(classes) < 2:
        raise ValueError(
            f"expected pictures of at least 2 classes in {data}, got {', '.join(classes) or 'none'}; give a folder or "
            "zip files of CLASS/PICTURE.jpg"
        )
    return Pictures(trained, tested, classes)


def start(folder: Path, config: PretrainConfig, classes: int, device: torch.device) -> Pretraining:
    """A new run, or, if `folder` holds one, that run where it stopped.

    Raises:
        CheckpointError: the run in `folder` cannot be gone on with.
    """
    torch.manual_seed(config.seed)
    model = Classifier(config.model, classes).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    groups = [
        {"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in model.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    run = Pretraining(folder, config, model, torch.optim.AdamW(groups, lr=config.learning_rate), device)
    if (folder / STATE).is_file():
        position = read_state(folder / STATE, {"model": model}, run.optimizer, device)
        run.step, run.seconds = int(position["step"]), position["seconds"]
    return run


def store(run: Pretraining, top1: float | None = None) -> None:
    """Write the state of the run, and its encoder and classifier as a checkpoint.

    Raises:
        CheckpointError: they cannot be written; the previous ones are kept.
    """
    with replacing(run.folder / STATE, run.folder / SETTINGS) as (state, settings):
        position = {"step": run.step, "seconds": run.seconds}
        write_state(state, {"model": run.model}, run.optimizer, run.device, position)
        settings.write_text(json.dumps(asdict(run.config), indent=1))
    metrics = {} if top1 is None else {"top1": top1}
    training = {"step": run.step, "seconds": run.seconds, "config": asdict(run.config)}
    info = CheckpointInfo(CONFIGS[run.config.model], metrics=metrics, training=training)
    save(run.folder / ENCODER, run.model.state_dict(), info)


def learning_rate(step: int, last: int, config: PretrainConfig) -> float:
    """Learning rate of a step: warm-up, then half a cosine to zero at step `last`."""
    rising = min(1.0, (step + 1) / max(config.warmup_steps, 1))
    return config.learning_rate * rising * 0.5 * (1 + math.cos(math.pi * min(step / last, 1.0)))


def train_step(run: Pretraining, images: Tensor, labels: Tensor, last: int) -> float:
    """One step of gradient descent; returns the loss.

    Raises:
        FloatingPointError: it is not finite.
    """
    for group in run.optimizer.param_groups:
        group["lr"] = learning_rate(run.step, last, run.config)
    images = images.to(run.device, memory_format=torch.channels_last)
    with torch.autocast(run.device.type, torch.bfloat16, enabled=run.config.mixed_precision):
        logits = run.model(images)
    loss = functional.cross_entropy(logits.float(), labels.to(run.device), label_smoothing=run.config.smoothing)
    if not bool(torch.isfinite(loss)):
        raise FloatingPointError(
            f"the loss of step {run.step} is {float(loss)}, expected a finite number; resume with a lower "
            "--learning-rate"
        )
    run.optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(run.model.parameters(), 1.0)
    run.optimizer.step()
    run.step += 1
    return float(loss.detach())


def measure_top1(run: Pretraining, pictures: Pictures) -> float:
    """Share of the held-out pictures whose class comes first."""
    ids = {label: number for number, label in enumerate(pictures.classes)}
    run.model.eval()
    right = 0
    for begin in range(0, len(pictures.held_out), run.config.batch):
        chosen = pictures.held_out[begin : begin + run.config.batch]
        images, labels = stack([middle(p.read(), run.config.side) for p in chosen], [ids[p.label] for p in chosen])
        with (
            torch.inference_mode(),
            torch.autocast(run.device.type, torch.bfloat16, enabled=run.config.mixed_precision),
        ):
            guesses = run.model(images.to(run.device, memory_format=torch.channels_last)).argmax(1)
        right += int((guesses.cpu() == labels).sum())
    run.model.train()
    return right / len(pictures.held_out)


def pretrain(run: Pretraining, pictures: Pictures) -> float:
    """Train for all epochs, with a line in the log now and then; returns the top-1 accuracy on held-out pictures.

    Raises:
        CheckpointError: the run has gone past its last epoch.
        FloatingPointError: the loss is not finite.
        PictureError: a picture cannot be read.
    """
    run.folder.mkdir(parents=True, exist_ok=True)
    epoch_steps = max(len(pictures.trained) // run.config.batch, 1)
    last = run.config.epochs * epoch_steps
    if run.step > last:
        raise CheckpointError(
            f"{run.folder} holds a run of {run.step // epoch_steps} epochs, expected to go on to more, got --epochs "
            f"{run.config.epochs}; give a larger number, or another --output"
        )
    data = ClassifiedBatches(
        pictures.trained,
        pictures.classes,
        batch=run.config.batch,
        side=run.config.side,
        seed=run.config.seed,
        first=run.step,
        last=last,
    )
    run.model.train()
    saved = began = time.monotonic()
    before, top1 = run.seconds, 0.0
    for images, labels in DataLoader(data, batch_size=None, num_workers=run.config.workers):
        loss = train_step(run, images, labels, last)
        run.seconds = before + time.monotonic() - began
        if run.step % REPORT_STEPS == 0:
            report(run, last, loss=loss)
        if run.step % epoch_steps == 0:
            top1 = measure_top1(run, pictures)
            report(run, last, top1=top1)
            store(run, top1)
        elif time.monotonic() - saved > run.config.save_seconds:
            store(run)
            saved = time.monotonic()
    return top1 or measure_top1(run, pictures)


def report(run: Pretraining, last: int, **figures: float) -> None:
    """A line in the log and one on standard error, with the time that is left."""
    rounded = {name: round(value, 4) for name, value in figures.items()}
    with (run.folder / LOG).open("a") as log:
        log.write(json.dumps({"step": run.step, "seconds": round(run.seconds, 1), **rounded}) + "\n")
    left = run.seconds / max(run.step, 1) * (last - run.step) / 60
    shown = " ".join(f"{name} {value}" for name, value in rounded.items())
    print(f"step {run.step} of {last}, {left:.0f} min left, {shown}", file=sys.stderr, flush=True)


NUMBERS = (
    "side",
    "batch",
    "epochs",
    "warmup_steps",
    "seed",
    "workers",
    "learning_rate",
    "weight_decay",
    "save_seconds",
)


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.pretrain", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, metavar="DATA", help="folder or zip of CLASS/PICTURE.jpg")
    parser.add_argument("--held-out", type=Path, metavar="DATA", help="pictures to measure top-1 accuracy on")
    parser.add_argument("--config", choices=sorted(CONFIGS), help=f"network, default {PretrainConfig.model}")
    parser.add_argument("--output", type=Path, default=Path("runs/encoder"), metavar="RUN", help="folder of a new run")
    parser.add_argument("--resume", type=Path, metavar="RUN", help="go on with the run in this folder")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    for name in NUMBERS:
        default = getattr(PretrainConfig, name)
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), help=f"default {default}")
    add_mixed_precision(parser)
    return parser.parse_args(arguments)


def configure(options: argparse.Namespace) -> tuple[Path, PretrainConfig]:
    """Folder and configuration of the run; one that is there already keeps what the options do not name.

    Raises:
        CheckpointError: there is no run to resume, or it cannot be read.
    """
    folder: Path = options.resume or options.output
    config = PretrainConfig()
    if options.resume or (folder / SETTINGS).is_file():
        try:
            config = PretrainConfig(**json.loads((folder / SETTINGS).read_text()))
        except (OSError, ValueError, TypeError) as error:
            raise CheckpointError(
                f"no run of pre-training in {folder} ({error}); expected {SETTINGS}, start one with --output"
            ) from error
    names = (*NUMBERS, "mixed_precision")
    given = {name: value for name in names if (value := getattr(options, name)) is not None}
    return folder, replace(config, **given, model=options.config or config.model)


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    options = parse_arguments(arguments)
    try:
        folder, config = configure(options)
        device = choose_device(options.device)
        warn_where_slower(config.mixed_precision, device)
        pictures = read_pictures(options.data, options.held_out)
        run = start(folder, config, len(pictures.classes), device)
        top1 = pretrain(run, pictures)
    except (CheckpointError, OSError, FloatingPointError, ValueError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    figures = {"top1": top1, "classes": len(pictures.classes), "held_out": len(pictures.held_out)}
    print(json.dumps({**figures, "checkpoint": str(folder / ENCODER)}))
    return 0


if __name__ == "__main__":
    torch.set_flush_denormal(True)
    sys.exit(main())
