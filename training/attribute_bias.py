"""Which attributes does the network see too often? Biases of the attribute logits, fitted on the calibration split.

    python -m training.attribute_bias --checkpoint FILE --data CCP_DIR [--store]

Composites and class weights show rare attributes far more often than photographs do. One number for each attribute,
added to its logits, sets that right: the one that gives the highest attribute mIoU over the data set, found by
coordinate ascent; a label that none of them shows is made less likely by `UNSEEN`. Half of the photographs tell what
the biases of the other half are worth.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from parsing.assemble import enlarge
from parsing.checkpoint import CheckpointError, read_info, save_info
from parsing.labels import IGNORE, num_classes
from parsing.parser import HumanParser
from training.ccp import CCPDataset
from training.miou import class_iou, mean_defined

STEPS = (-2.0, -1.0, -0.5, -0.25, 0.25, 0.5, 1.0)
LEAST_GAIN = 1e-4
UNSEEN = -1.5  # of a label that no photograph shows: rendered scenes alone teach it, and far too often
SPACING = 4  # pixels between those that are looked at, each way
CLASSES = num_classes("attribute")

Pixels = tuple[Tensor, Tensor]  # logits (P, N_A), labels (P,)


def read_pixels(parser: HumanParser, data: CCPDataset) -> list[Pixels]:
    """Every few pixels of each calibration photograph."""
    photographs = []
    for sample in data.samples("calibration"):
        output = next(parser.outputs([sample.image]))
        logits = enlarge(output.semantic["attribute"], output.height, output.width)[:, ::SPACING, ::SPACING]
        labels = torch.from_numpy(sample.tasks["attribute"][::SPACING, ::SPACING].astype(np.int64))
        known = labels != IGNORE
        photographs.append((logits[:, known].T.contiguous(), labels[known]))
    return photographs


def joined(photographs: Sequence[Pixels]) -> Pixels:
    """The pixels of several photographs as one."""
    return torch.cat([logits for logits, _ in photographs]), torch.cat([labels for _, labels in photographs])


def miou(pixels: Pixels, bias: Tensor) -> float:
    """Attribute mIoU over all pixels, with `bias` (N_A,) added to the logits."""
    logits, labels = pixels
    counts = torch.bincount(labels * CLASSES + (logits + bias).argmax(1), minlength=CLASSES**2)
    return mean_defined(class_iou(counts.reshape(CLASSES, CLASSES).numpy()))


def fit_bias(pixels: Pixels, rounds: int = 2) -> Tensor:
    """The biases (N_A,), background 0, of the highest mIoU that single steps lead to."""
    shown = np.union1d(0, pixels[1].numpy()).tolist()
    bias = torch.full((CLASSES,), UNSEEN)
    bias[shown] = 0.0
    best = miou(pixels, bias)
    for label_id in shown[1:] * rounds:
        for step in STEPS:
            tried = bias.clone()
            tried[label_id] += step
            if (value := miou(pixels, tried)) > best + LEAST_GAIN:
                best, bias = value, tried
    return bias


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    options = parse_arguments(arguments)
    try:
        info = read_info(options.checkpoint)
        plain = {name: value for name, value in info.inference.items() if name != "attribute_bias"}
        parser = HumanParser.load(options.checkpoint)
        parser.attribute_bias = torch.zeros(CLASSES)
        photographs = read_pixels(parser, CCPDataset(options.data))
    except (CheckpointError, FileNotFoundError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(json.dumps(report(photographs)))
    if options.store:
        bias = [round(float(value), 2) for value in fit_bias(joined(photographs))]
        save_info(options.checkpoint, replace(info, inference={**plain, "attribute_bias": bias}))
    return 0


def report(photographs: Sequence[Pixels]) -> dict[str, float]:
    """Attribute mIoU without biases and with those fitted on the other half of the photographs, mean of both halves."""
    halves = joined(photographs[::2]), joined(photographs[1::2])
    without = [miou(half, torch.zeros(CLASSES)) for half in halves]
    held_out = [miou(half, fit_bias(other)) for half, other in (halves, halves[::-1])]
    return {"without": sum(without) / 2, "held_out": sum(held_out) / 2}


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.attribute_bias", description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, required=True, metavar="FILE", help="the checkpoint to fit it for")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="a CCP folder")
    parser.add_argument("--store", action="store_true", help="keep the biases of all photographs in the checkpoint")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
