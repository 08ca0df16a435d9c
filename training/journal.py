"""The journal of a training run: log.jsonl, TensorBoard and pictures of what the network predicts."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image
from torch.utils.tensorboard import SummaryWriter

from parsing.checkpoint import CheckpointError, CheckpointInfo, replacing
from parsing.model import HPTR
from parsing.parser import HumanParser
from parsing.preprocess import denormalize
from parsing.render import overlay
from training.dataset import Batch

SHOWN = ("loss", "attribute", "size", "pattern", "color", "human/classes", "human/box", "human/giou", "human/dice")
PICTURED = 2  # pictures of a batch that are parsed and painted


class Journal:
    """Writes what happens at each step of a run.

    Args:
        folder: of the run.
        step: at which the run starts or is resumed; what was noted after it is forgotten.

    Raises:
        CheckpointError: the journal cannot be written.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            forget_after(folder / "log.jsonl", step)
            self.log = (folder / "log.jsonl").open("a")
            self.board = SummaryWriter(folder / "tensorboard", purge_step=step + 1)
        except OSError as error:
            raise CheckpointError(
                f"cannot write the journal of {folder} ({error}); make room on its disk, or name another --output"
            ) from error

    def report(self, step: int, seconds: float, parts: Mapping[str, float]) -> None:
        """A line in the log, a point of each TensorBoard curve, and a line on standard error."""
        line = {"step": step, "seconds": round(seconds, 1), **{k: round(v, 5) for k, v in parts.items()}}
        self.log.write(json.dumps(line) + "\n")
        self.log.flush()
        for name, value in parts.items():
            self.board.add_scalar(name, value, step, new_style=True)
        shown = " ".join(f"{name.split('/')[-1]} {parts.get(name, 0):.3f}" for name in SHOWN)
        print(f"step {step} {seconds / 60:.1f} min {shown}", file=sys.stderr, flush=True)

    def picture(self, step: int, model: HPTR, batch: Batch) -> None:
        """What `model`, in evaluation mode, predicts on the first pictures of a batch, as a picture."""
        sheet = prediction_sheet(model, batch)
        path = self.folder / "pictures" / f"step_{step:07d}.png"
        path.parent.mkdir(exist_ok=True)
        sheet.save(path)
        self.board.add_image("predictions", np.asarray(sheet), step, dataformats="HWC")

    def close(self) -> None:
        """Write what is left to write."""
        self.log.close()
        self.board.close()


def forget_after(log: Path, step: int) -> None:
    """Drop the lines of steps after `step`, which a resumed run takes again, and a line cut short by a kill."""
    if log.is_file():
        kept = [line for line in log.read_text().splitlines(keepends=True) if noted_step(line) <= step]
        with replacing(log) as (partial,):
            partial.write_text("".join(kept))


def noted_step(line: str) -> float:
    """The step of a line of the log; infinite for a line that was cut short."""
    try:
        return float(json.loads(line)["step"])
    except ValueError:
        return float("inf")


def prediction_sheet(model: HPTR, batch: Batch) -> Image.Image:
    """The overlays of the first pictures of a batch, one below the other."""
    images = [denormalize(image.cpu().numpy()) for image in batch.images[:PICTURED]]
    long_side = max(batch.images.shape[-2:])
    parser = HumanParser(model, CheckpointInfo(model.config, inference={"long_side": long_side}), "in training")
    parsed = parser.parse(images, [Path(f"{number}") for number in range(len(images))])
    overlays = [overlay(image, people) for image, people in zip(images, parsed, strict=True)]
    sheet = Image.new("RGB", (overlays[0].width, sum(painted.height for painted in overlays)), "white")
    top = 0
    for painted in overlays:
        sheet.paste(painted, (0, top))
        top += painted.height
    return sheet
