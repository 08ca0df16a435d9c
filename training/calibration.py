"""Fits the calibration of a checkpoint on the calibration split, and draws how far its probabilities can be trusted.

    python -m training.calibration --checkpoint FILE --data DIR [--json] [--output DIR] [--store]

Per task a temperature, or a temperature and a bias for each label where five-fold cross-validation by photograph,
inside the split, gives it the smaller loss. Per attribute a logistic function from presence evidence to the
probability that the person visibly has it. And the color confusion table that queries back off by.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

from parsing.assemble import assemble
from parsing.calibration import FLOOR, Calibration, TaskCalibration, log_odds, softmax
from parsing.checkpoint import CheckpointError, read_info, save_info
from parsing.labels import ATTRIBUTES, CHARACTERISTICS, COLORS, LABELS
from parsing.parser import HumanParser
from training.ccp import CCPDataset
from training.evaluation import labelled_people
from training.item_accuracy import Answer, answers, item_confusion
from training.miou import Counts, Floats, ratio
from training.samples import Sample

BINS = 15
FOLDS = 5
BIAS_PENALTY = 0.02  # on squared biases, so that labels seen once or twice keep theirs near 0
SMOOTHING = 0.1  # of an item, added to every cell of the color confusion; more would invent confusions of rare colors
LEAST_PRESENT = 4  # persons with, and without, an attribute for a logistic function of its own
VISIBLE_SHARE = 0.0005  # of the person's pixels; fewer are not visibly there


@dataclass(frozen=True)
class Observations:
    """What an uncalibrated parser says of the calibration split.

    Args:
        answers: of every labelled item.
        evidence: (P, 19) presence evidence of each labelled person who was found.
        present: (P, 19) whether the person has the attribute.
    """

    answers: Sequence[Answer]
    evidence: Floats
    present: NDArray[np.bool_]


def observe(parser: HumanParser, root: Path) -> Observations:
    """Parse the calibration split of the CCP folder `root`, without calibration."""
    data = CCPDataset(root)
    said: list[Answer] = []
    evidence, present = [], []
    for sample in data.samples("calibration"):
        output = next(iter(parser.outputs([sample.image])))
        parsed = assemble(output, sample.path, parser.assemble_config, Calibration())
        for name, person, items in labelled_people(sample, parsed, data.characteristics):
            said += answers(name, person, items)
            if person is not None:
                evidence.append([person.presence[attribute] for attribute in ATTRIBUTES])
                present.append(_present(sample))
    shape = (-1, len(ATTRIBUTES))
    return Observations(said, np.array(evidence, np.float64).reshape(shape), np.array(present, bool).reshape(shape))


def _present(sample: Sample) -> list[bool]:
    """For each attribute, whether the labelled person visibly has it."""
    pixels = np.bincount(sample.tasks["attribute"].ravel(), minlength=256)
    least = VISIBLE_SHARE * np.count_nonzero(sample.human)
    return [bool(pixels[number] > least) for number in range(1, len(ATTRIBUTES) + 1)]


def fit(observed: Observations) -> dict[str, Any]:
    """The calibration as plain values, ready for the checkpoint; `parsing.calibration` reads it."""
    tasks = {}
    quality = {}
    for task in CHARACTERISTICS:
        probabilities, labels, photos = found_items(observed.answers, task)
        if not len(labels):
            raise ValueError(
                f"expected labelled items with a {task} that the checkpoint finds, got none; train it longer"
            )
        kind = better_kind(probabilities, labels, photos)
        tasks[task] = {"kind": kind, **_plain(FITS[kind](probabilities, labels))}
        held_out = cross_validated(probabilities, labels, photos, FITS[kind])
        quality[task] = {
            "items": len(labels),
            "ece_raw": calibration_error(probabilities, labels),
            "ece_cross_validated": calibration_error(held_out, labels),
        }
    return {
        "fitted_on": "CCP photographs whose number ends in 5",
        "tasks": tasks,
        "presence": fit_presence(observed.evidence, observed.present),
        "color_confusion": color_confusion(item_confusion(observed.answers, "color")).tolist(),
        "quality": quality,
    }


def found_items(given: Sequence[Answer], task: str) -> tuple[Floats, Counts, NDArray[np.str_]]:
    """Probabilities (K, n), label indices from 0 (K,) and photograph (K,) of the items of one task that were found."""
    found = [answer for answer in given if answer.task == task and answer.probabilities is not None]
    probabilities = np.array([answer.probabilities for answer in found]).reshape(-1, len(LABELS[task]))
    labels = np.array([answer.label_id - 1 for answer in found], np.int64)
    return probabilities, labels, np.array([answer.photo for answer in found], np.str_)


def fit_temperature(probabilities: Floats, labels: Counts) -> TaskCalibration:
    """The temperature of least loss."""
    logs = np.log(np.maximum(probabilities, FLOOR))
    found = minimize_scalar(lambda scale: _loss(np.exp(scale) * logs, labels), bounds=(-3, 3), method="bounded")
    return TaskCalibration(float(np.exp(-found.x)), np.zeros(probabilities.shape[1]))


def fit_vector(probabilities: Floats, labels: Counts) -> TaskCalibration:
    """A temperature and a bias for each label, of least loss with a small penalty on the biases."""
    logs = np.log(np.maximum(probabilities, FLOOR))
    hot = np.eye(probabilities.shape[1])[labels]

    def objective(parameters: Floats) -> tuple[float, Floats]:
        scale, bias = np.exp(parameters[0]), parameters[1:]
        error = (softmax(scale * logs + bias) - hot) / len(labels)
        gradient = np.concatenate([[scale * (error * logs).sum()], error.sum(axis=0) + 2 * BIAS_PENALTY * bias])
        return _loss(scale * logs + bias, labels) + BIAS_PENALTY * float(bias @ bias), gradient

    found = minimize(objective, np.zeros(1 + probabilities.shape[1]), jac=True, method="L-BFGS-B")
    return TaskCalibration(float(np.exp(-found.x[0])), found.x[1:])


Fit = Callable[[Floats, Counts], TaskCalibration]
FITS: dict[str, Fit] = {"temperature": fit_temperature, "vector": fit_vector}


def better_kind(probabilities: Floats, labels: Counts, photos: NDArray[np.str_]) -> str:
    """The kind of calibration with the least cross-validated loss."""

    def loss(kind: str) -> float:
        held_out = cross_validated(probabilities, labels, photos, FITS[kind])
        return _loss(np.log(np.maximum(held_out, FLOOR)), labels)

    return min(FITS, key=loss)


def cross_validated(probabilities: Floats, labels: Counts, photos: NDArray[np.str_], fit_task: Fit) -> Floats:
    """Probabilities of each item, calibrated by a fit on the other folds; photographs are never split."""
    _, numbers = np.unique(photos, return_inverse=True)
    calibrated = probabilities.copy()
    for fold in range(FOLDS):
        mine = numbers % FOLDS == fold
        if mine.any() and not mine.all():
            calibrated[mine] = fit_task(probabilities[~mine], labels[~mine]).apply(probabilities[mine])
    return calibrated


def calibration_error(probabilities: Floats, labels: Counts) -> float:
    """Expected calibration error of the winners, in 15 bins of equal width."""
    _, confidence, right, weight = reliability(probabilities, labels)
    return ratio(float((weight * np.abs(confidence - right)).sum()), float(weight.sum()))


def reliability(probabilities: Floats, labels: Counts) -> tuple[Counts, Floats, Floats, Counts]:
    """Bins that hold winners, each with its mean confidence, share of right winners, and number."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    weight = np.bincount(bins, minlength=BINS)
    filled = np.flatnonzero(weight)
    sums = (np.bincount(bins, weights=values, minlength=BINS)[filled] for values in (confidence, right))
    mean_confidence, share_right = (total / weight[filled] for total in sums)
    return filled, mean_confidence, share_right, weight[filled]


def fit_presence(evidence: Floats, present: NDArray[np.bool_]) -> dict[str, list[float]]:
    """Weights and biases (19,); an attribute that nearly all or nearly no one has takes those of all together."""
    odds = log_odds(evidence)
    together = _logistic(odds.ravel(), present.ravel())
    fitted = [
        _logistic(odds[:, column], present[:, column])
        if min(present[:, column].sum(), (~present[:, column]).sum()) >= LEAST_PRESENT
        else together
        for column in range(len(ATTRIBUTES))
    ]
    return {"weight": [weight for weight, _ in fitted], "bias": [bias for _, bias in fitted]}


def _logistic(odds: Floats, present: NDArray[np.bool_]) -> tuple[float, float]:
    """Weight > 0 and bias of P(present) = sigmoid(weight x odds + bias), by maximum likelihood."""
    if not len(odds):
        return 1.0, 0.0

    def loss(parameters: Floats) -> float:
        logits = np.exp(parameters[0]) * odds + parameters[1]
        penalty = 0.01 * float(parameters[0] ** 2)  # keeps the weight finite where the evidence separates all
        return float(np.logaddexp(0, np.where(present, -logits, logits)).mean()) + penalty

    found = minimize(loss, np.zeros(2), method="Nelder-Mead")
    return float(np.exp(found.x[0])), float(found.x[1])


def color_confusion(counts: Counts) -> Floats:
    """P(predicted color | true color), 12 rows of true colors, from items (12, 13) of which the last were not found."""
    smooth = counts[:, : len(COLORS)] + SMOOTHING
    shares: Floats = smooth / smooth.sum(axis=1, keepdims=True)
    return shares


def draw_reliability(observed: Observations, fitted: dict[str, Any], path: Path) -> None:
    """A reliability diagram for each task, raw and calibrated with cross-validation, as one PNG."""
    figure = Figure(figsize=(11, 3.9), dpi=120, layout="constrained")
    for axes, task in zip(figure.subplots(1, len(CHARACTERISTICS)), CHARACTERISTICS, strict=True):
        probabilities, labels, photos = found_items(observed.answers, task)
        held_out = cross_validated(probabilities, labels, photos, FITS[fitted["tasks"][task]["kind"]])
        axes.plot([0, 1], [0, 1], color="#aaaaaa", linewidth=1)
        for values, name, color in ((probabilities, "raw", "#d1793b"), (held_out, "calibrated", "#2f6fb5")):
            _, confidence, right, weight = reliability(values, labels)
            label = f"{name}, ECE {calibration_error(values, labels):.3f}"
            axes.plot(confidence, right, color=color, linewidth=1.5, label=label)
            axes.scatter(confidence, right, s=6 + 150 * weight / max(weight.sum(), 1), color=color, alpha=0.7)
        axes.set(title=task, xlabel="confidence", ylabel="share right", xlim=(0, 1), ylim=(0, 1))
        axes.legend(loc="upper left", fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def store(checkpoint: Path, fitted: dict[str, Any]) -> None:
    """Write the calibration into the checkpoint's description; other parts of it, search thresholds too, stay."""
    info = read_info(checkpoint)
    save_info(checkpoint, replace(info, calibration={**info.calibration, **fitted}))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    options = _options(arguments)
    try:
        observed = observe(HumanParser.load(options.checkpoint), options.data)
        fitted = fit(observed)
        if options.store:
            store(options.checkpoint, fitted)
    except (CheckpointError, FileNotFoundError, ValueError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    if options.output:
        draw_reliability(observed, fitted, options.output / "reliability.png")
    print(json.dumps(fitted) if options.json else _summary(fitted))
    return 0


def _summary(fitted: dict[str, Any]) -> str:
    lines = []
    for task, figures in fitted["quality"].items():
        part = fitted["tasks"][task]
        lines.append(
            f"{task:8} {figures['items']} items, {part['kind']}, temperature {part['temperature']:.2f}, "
            f"ECE {figures['ece_raw']:.3f} -> {figures['ece_cross_validated']:.3f} (cross-validated)"
        )
    return "\n".join(lines)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.calibration", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, required=True, metavar="FILE")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="a CCP folder")
    parser.add_argument("--output", type=Path, metavar="DIR", help="write the reliability diagram here")
    parser.add_argument("--store", action="store_true", help="write the calibration into the checkpoint's JSON file")
    parser.add_argument("--json", action="store_true", help="print the calibration as one JSON document")
    return parser.parse_args(arguments)


def _loss(logits: Floats, labels: Counts) -> float:
    """Mean negative log-probability of the true labels."""
    probabilities = softmax(logits)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(probabilities, FLOOR)).mean())


def _plain(fitted: TaskCalibration) -> dict[str, Any]:
    return {"temperature": fitted.temperature, "bias": fitted.bias.tolist()}


if __name__ == "__main__":
    sys.exit(main())
