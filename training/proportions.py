"""Fits how the sizes of garments and hair are read off the proportions of a body, and stores it in a checkpoint.

    python -m training.proportions --checkpoint FILE --data DIR [DIR ...] [--store]

It learns from the training splits: from label maps where there are any; where items are known but not their pixels
(CCP's tagged photographs and passers-by, COCO's groups) the checkpoint itself says where they are. What it is worth
beside the pixels, `training.calibration` finds on the calibration split; until that has run again, it has no weight.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from tqdm import tqdm

from parsing.checkpoint import CheckpointError, read_info, save_info
from parsing.labels import ATTRIBUTES, CHARACTERIZED, IGNORE, PAIRS, SIZES, label_id, num_classes
from parsing.parser import HumanParser
from parsing.proportions import EDGES, NUM_ANSWERS, NUM_FEATURES, Proportions, features, in_pieces
from parsing.regions import Runs
from training.ccp import CCPDataset
from training.coco_people import COCOPeopleDataset
from training.dataset import ccp_people
from training.layouts import open_dataset
from training.miou import Counts, Floats
from training.samples import Sample
from training.self_labels import Teacher

UNKNOWN = -1
UNITS = 48
DROPPED, DROPPED_FEATURES = 0.3, 0.05  # shares left out in each step
NOISE = 0.02  # of lengths, in heights of the person
EPOCHS, BATCH, RATE, DECAY = 30, 128, 3e-3, 0.3
PIECES = 5  # of each length, as many people in each
SHORTEST = 0.01  # of a piece, in heights of the person
LONGEST = 4.0  # that an edge is stored: of longer ones half precision cannot tell SHORTEST
LEAST_SPREAD = 0.2  # what hardly varies is not stretched further


@dataclass(frozen=True)
class Examples:
    """Labelled people.

    Args:
        features: (P, NUM_FEATURES).
        labels: (P, 13) size of each attribute that has one, from 0, `UNKNOWN` where none is known.
    """

    features: Floats
    labels: Counts


def training_samples(roots: Sequence[Path], teacher: Teacher) -> Iterator[Sample]:
    """The training photographs of all data folders.

    Raises:
        FileNotFoundError: a folder is of no known layout.
    """
    for data in map(open_dataset, roots):
        if isinstance(data, COCOPeopleDataset):
            yield from teacher.groups((sample, data.items(sample.name)) for sample in data.samples("train"))
        elif isinstance(data, CCPDataset):
            yield from ccp_people(data, teacher)
        else:
            yield from data.samples("train")


def read_examples(samples: Iterable[Sample]) -> Examples:
    """The people of some photographs of whom a size is known."""
    found = [people_of(sample) for sample in tqdm(samples, desc="people", mininterval=5)]
    every = Examples(
        np.concatenate([np.zeros((0, NUM_FEATURES)), *(one.features for one in found)]),
        np.concatenate([np.zeros((0, len(CHARACTERIZED)), np.int64), *(one.labels for one in found)]),
    )
    known = (every.labels != UNKNOWN).any(axis=1)
    return Examples(every.features[known], every.labels[known])


def people_of(sample: Sample) -> Examples:
    """Everyone in one photograph; an attribute has the most frequent size of its pixels."""
    classes = num_classes("attribute")
    human, attribute = (np.where(m == IGNORE, 0, m).astype(np.int64) for m in (sample.human, sample.tasks["attribute"]))
    keys = np.where(human > 0, human * classes + attribute, 0)
    count = int(human.max())
    parts = {divmod(key, classes): region for key, region in Runs.of(keys).regions().items() if key % classes}
    pairs = (keys * (IGNORE + 1) + sample.tasks["size"]).ravel()
    pixels = np.bincount(pairs, minlength=(count + 1) * classes * (IGNORE + 1)).reshape(count + 1, classes, -1)
    pixels = pixels[:, [label_id("attribute", label) for label in CHARACTERIZED], 1:]  # of each size, from 0, or IGNORE
    frequent = pixels.argmax(-1)
    known = (frequent < len(SIZES)) & (pixels.max(-1) > 0)
    proportions = features(Runs.of(human).regions(), parts, count, human.shape)
    return Examples(proportions[1:], np.where(known, frequent, UNKNOWN)[1:])


def mirrored(people: Examples) -> Examples:
    """The same people as in a mirror: left and right exchanged."""
    order, columns = np.arange(NUM_FEATURES), np.arange(len(CHARACTERIZED))
    order[[2, 4]] = 4, 2  # whether the left and the right edge of the picture are touched
    parts = order[2 + EDGES :].reshape(len(ATTRIBUTES), -1)
    for left, right in PAIRS.values():
        sides = [ATTRIBUTES.index(left), ATTRIBUTES.index(right)]
        parts[sides] = parts[sides[::-1]]
        if left in CHARACTERIZED:
            sides = [CHARACTERIZED.index(left), CHARACTERIZED.index(right)]
            columns[sides] = columns[sides[::-1]]
    return Examples(people.features[:, order], people.labels[:, columns])


def fit(people: Examples, *, seed: int = 0, epochs: int = EPOCHS) -> Proportions:
    """The network that says the sizes of these people, and of the mirrored ones.

    Raises:
        ValueError: there are none.
    """
    if not len(people.labels):
        raise ValueError("expected training people with a known size, got none; give a data set that labels sizes")
    both = [people, mirrored(people)]
    inputs = np.concatenate([one.features for one in both])
    edges = edges_of(inputs)
    pieces = torch.from_numpy(in_pieces(inputs, edges)).float()
    labels = torch.from_numpy(np.concatenate([one.labels for one in both]))
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    mean, scale = pieces.mean(0), pieces.std(0) + LEAST_SPREAD
    hidden, answers = nn.Linear(edges.size, UNITS), nn.Linear(UNITS, NUM_ANSWERS)
    nn.init.zeros_(answers.weight)  # of an attribute that nobody has nothing is said
    nn.init.zeros_(answers.bias)
    optimizer = torch.optim.AdamW([*hidden.parameters(), *answers.parameters()], RATE, weight_decay=DECAY)
    steps = max(epochs * len(inputs) // BATCH, 2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    for _ in range(steps):
        chosen = rng.integers(len(inputs), size=BATCH)
        seen = torch.from_numpy(in_pieces(disturbed(inputs[chosen], rng), edges)).float()
        seen = functional.dropout((seen - mean) / scale, DROPPED_FEATURES)
        logits = answers(functional.dropout(hidden(seen).relu(), DROPPED)).unflatten(1, (-1, len(SIZES)))
        loss = functional.cross_entropy(logits.flatten(0, 1), labels[chosen].flatten(), ignore_index=UNKNOWN)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        varied = pieces.std(0, keepdim=True) > 0  # what is always the same has taught nothing
        first = (hidden.weight * varied / scale).T
        return Proportions(
            edges,
            np.concatenate([first, (hidden.bias - mean @ first)[None]]).astype(np.float64),
            np.concatenate([answers.weight.T, answers.bias[None]]).astype(np.float64),
        )


def edges_of(inputs: Floats) -> Floats:
    """Where the pieces of each feature begin and end, (F, PIECES + 1): of what is there, as many in each piece."""
    there = [column[column != 0] for column in inputs.T]
    shares = np.linspace(0, 1, PIECES + 1)
    edges = np.stack([np.quantile(column, shares) if column.size else np.zeros(PIECES + 1) for column in there])
    edges = edges.clip(max=LONGEST)
    steps = SHORTEST * np.arange(PIECES + 1)
    ascending: Floats = np.maximum.accumulate(edges - steps, axis=1) + steps  # each at least SHORTEST behind the last
    return ascending


def disturbed(inputs: Floats, rng: np.random.Generator) -> Floats:
    """Features that are a little off; zeros stay so."""
    off: Floats = inputs + NOISE * rng.standard_normal(inputs.shape) * (inputs != 0)
    return off


def store(checkpoint: Path, fitted: Proportions) -> None:
    """Write the network into the checkpoint's description; the weight of an earlier one goes, the rest stays."""
    info = read_info(checkpoint)
    tasks = {
        task: {**part, "hint_weight": 0.0, "group_hint": {}} for task, part in info.calibration.get("tasks", {}).items()
    }
    calibration = {**info.calibration, "tasks": tasks, "proportions": fitted.to_dict()}
    save_info(checkpoint, replace(info, calibration=calibration))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    options = parse_arguments(arguments)
    try:
        people = read_examples(
            training_samples(
                options.data, Teacher(HumanParser.load(options.checkpoint, mixed_precision=None, calibrated=False))
            )
        )
        fitted = fit(people)
        if options.store:
            store(options.checkpoint, fitted)
    except (CheckpointError, OSError, ValueError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(json.dumps({"people": len(people.labels), "sizes": int((people.labels != UNKNOWN).sum())}))
    return 0


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.proportions", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, required=True, metavar="FILE")
    parser.add_argument("--data", type=Path, required=True, nargs="+", metavar="DIR", help="CCP, COCO people or CCIHP")
    parser.add_argument("--store", action="store_true", help="write it into the checkpoint's JSON file")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
