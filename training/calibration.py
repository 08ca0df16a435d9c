"""Fits the calibration of a checkpoint on the calibration split, and draws how far its probabilities can be trusted.

    python -m training.calibration --checkpoint FILE --data DIR [--store] [--pictures DIR] [--json]

Per task a temperature, for size also the weight of what the proportions say (`training.proportions`, to be fitted
before); with it that weight for each attribute group, or a bias for each label, and for each label of each attribute
group, where five-fold cross-validation by photograph, inside the split, says that they lower the loss beyond chance.
Per attribute a logistic function from presence evidence to the probability that the person visibly has it. And the
color confusion table that queries back off by.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.optimize import minimize

from parsing.assemble import assemble
from parsing.calibration import Calibration, TaskCalibration, log_odds, softmax
from parsing.checkpoint import CheckpointError, read_info, save_info
from parsing.labels import ATTRIBUTES, CHARACTERISTICS, COLORS, SIZES, group_of
from parsing.parser import HumanParser
from parsing.proportions import FLOOR
from parsing.records import ParsedImage, Person
from training.ccp import CCPDataset, Item
from training.evaluation import labelled_people, open_data
from training.item_accuracy import ITEM_ATTRIBUTES, Answer, answers, probabilities_and_labels
from training.layouts import open_dataset
from training.miou import Counts, Floats
from training.reliability import calibration_error, error_by_chance, reliability
from training.samples import Sample

FOLDS = 5
SMOOTHING = 0.1  # of an item, added to every cell of the color confusion; more would invent confusions of rare colors
LEAST_PRESENT = 4  # persons with, and without, an attribute for a logistic function of its own
VISIBLE_SHARE = 0.0005  # of the person's pixels; fewer are not visibly there


@dataclass(frozen=True)
class Kind:
    """A kind of calibration: a temperature, and biases that are penalized by their squares.

    Args:
        label: penalty on the bias of each label, None without such biases.
        group: penalty on the bias of each label of each attribute group, None without.
        hint: penalty on each attribute group's own weight of the hints, None where all have the same.
    """

    label: float | None = None
    group: float | None = None
    hint: float | None = None


# Simplest first. Lighter penalties fit the people of CCP better still, and those of other photographs worse.
KINDS = {
    "temperature": Kind(),
    "group hints": Kind(hint=0.03),
    "label biases": Kind(0.02),
    "group biases, 0.03": Kind(0.02, 0.03),
    "group biases, 0.01": Kind(0.02, 0.01),
}


@dataclass(frozen=True)
class Observations:
    """What an uncalibrated parser says of the calibration split.

    Args:
        photos: how many there were.
        answers: of every labelled item.
        hints: the same items, their sizes by the proportions alone.
        evidence: (P, 19) presence evidence of each labelled person who was found.
        present: (P, 19) whether the person has the attribute.
    """

    photos: int
    answers: Sequence[Answer]
    hints: Sequence[Answer]
    evidence: Floats
    present: NDArray[np.bool_]


@dataclass(frozen=True)
class FoundItems:
    """The labelled items of one task that were found.

    Args:
        probabilities: (K, n).
        labels: (K,) indices from 0.
        groups: (K,) attribute groups.
        photos: (K,) where they were seen.
        hints: (K, n) of sizes, log-probabilities by the proportions alone, less their mean; otherwise 0.
    """

    probabilities: Floats
    labels: Counts
    groups: NDArray[np.str_]
    photos: NDArray[np.str_]
    hints: Floats

    def only(self, chosen: NDArray[np.bool_]) -> "FoundItems":
        """Some of the items."""
        return FoundItems(*(getattr(self, part.name)[chosen] for part in fields(self)))


def observe(parser: HumanParser, root: Path) -> Observations:
    """Parse the calibration split of a data set, without calibration: its label maps, and CCP's tagged photographs."""
    data = open_data(root, "calibration")
    said: list[Answer] = []
    hints: list[Answer] = []
    evidence, present, photos = [], [], 0
    for sample in data.samples:
        photos += 1
        labelled = data.items(sample)
        views = [labelled_people(sample, parsed, labelled) for parsed in uncalibrated(parser, sample)]
        for one, by_proportions in zip(*views, strict=True):
            said += answers(one.name, one.found, one.items)
            hints += answers(one.name, by_proportions.found, one.items)
            if one.found is not None:
                evidence.append([one.found.presence[attribute] for attribute in ATTRIBUTES])
                present.append(_present(sample, one.number))
    for sample, items in tagged(root):
        photos += 1
        raw, by_proportions = (largest(parsed) for parsed in uncalibrated(parser, sample))
        said += answers(sample.name, raw, items)
        hints += answers(sample.name, by_proportions, items)
    shape = (-1, len(ATTRIBUTES))
    return Observations(
        photos, said, hints, np.array(evidence, np.float64).reshape(shape), np.array(present, bool).reshape(shape)
    )


def uncalibrated(parser: HumanParser, sample: Sample) -> tuple[ParsedImage, ParsedImage]:
    """The people of a photograph with raw probabilities; and the same people, their sizes by the proportions alone."""
    output = next(iter(parser.outputs([sample.image])))
    alone = {"size": TaskCalibration(np.inf, np.zeros(len(SIZES)), hint_weight=1.0)}
    raw, by_proportions = (
        assemble(output, sample.path, parser.assemble_config, calibration)
        for calibration in (Calibration(), Calibration(alone, proportions=parser.calibration.proportions))
    )
    return raw, by_proportions


def largest(parsed: ParsedImage) -> Person | None:
    """Who covers most of a photograph."""
    return max(parsed.people, key=lambda person: person.mask.decode().sum(), default=None)


def tagged(root: Path) -> Iterable[tuple[Sample, Sequence[Item]]]:
    """Photographs of CCP's calibration split with tags only, and what their main person wears; elsewhere none."""
    data = open_dataset(root)
    return data.tagged("calibration") if isinstance(data, CCPDataset) else ()


def _present(sample: Sample, number: int) -> list[bool]:
    """For each attribute, whether a labelled person visibly has it."""
    person = sample.human == number
    pixels = np.bincount(sample.tasks["attribute"][person], minlength=256)
    least = VISIBLE_SHARE * np.count_nonzero(person)
    return [bool(pixels[label] > least) for label in range(1, len(ATTRIBUTES) + 1)]


def fit(observed: Observations) -> dict[str, Any]:
    """The calibration as plain values, ready for the checkpoint; `parsing.calibration` reads it."""
    tasks, quality = {}, {}
    for task in CHARACTERISTICS:
        items = found_items(observed.answers, observed.hints, task)
        if not len(items.labels):
            raise ValueError(
                f"expected labelled items with a {task} that the checkpoint finds, got none in {observed.photos} "
                "photographs of the calibration split; train it longer, or give a data set that labels them"
            )
        kind = best_kind(items)
        tasks[task] = {"kind": kind, **_plain(fit_task(items, KINDS[kind]))}
        quality[task] = _quality(items, cross_validated(items, KINDS[kind]))
    colors = found_items(observed.answers, observed.hints, "color")
    held_out = cross_validated(colors, KINDS[tasks["color"]["kind"]])
    return {
        "fitted_on": f"calibration split, {observed.photos} photographs",
        "tasks": tasks,
        "presence": fit_presence(observed.evidence, observed.present),
        "color_confusion": color_confusion(colors.labels, held_out.argmax(axis=1)).tolist(),
        "quality": quality,
    }


def found_items(given: Sequence[Answer], hints: Sequence[Answer], task: str) -> FoundItems:
    """The items of one task that were found, and what the proportions say of them."""
    found = [answer for answer in given if answer.task == task and answer.probabilities is not None]
    logs = np.log(np.maximum(probabilities_and_labels(hints, task)[0], FLOOR))
    return FoundItems(
        *probabilities_and_labels(found, task),
        np.array([item_group(answer.item, task) for answer in found], np.str_),
        np.array([answer.photo for answer in found], np.str_),
        logs - logs.mean(axis=1, keepdims=True) if task == "size" else np.zeros_like(logs),
    )


def item_group(item: str, task: str) -> str:
    """The attribute group of an item; the size of a dress is its Skirt's."""
    attributes = ITEM_ATTRIBUTES[item]
    return group_of(attributes[-1 if item == "dress" and task == "size" else 0])


def fit_task(items: FoundItems, kind: Kind) -> TaskCalibration:
    """The calibration of least loss, penalties included."""
    num_labels = items.probabilities.shape[1]
    groups = sorted(set(items.groups.tolist()))
    names = ([] if kind.label is None else [""]) + ([] if kind.group is None else groups)
    penalties = np.array([kind.group if name else kind.label for name in names], np.float64)[:, None]
    member = _members(items, names)
    hinted = ["", *([] if kind.hint is None else groups)]
    opinions = _members(items, hinted)[..., None] * items.hints
    hint_penalties = np.array([(kind.hint or 0.0) * bool(name) for name in hinted])
    logs = np.log(np.maximum(items.probabilities, FLOOR))
    hot = np.eye(num_labels)[items.labels]

    def objective(parameters: Floats) -> tuple[float, Floats]:
        scale, weights, biases = _parts(parameters, len(hinted), num_labels)
        logits = scale * logs + np.tensordot(weights, opinions, 1) + member.T @ biases
        error = (softmax(logits) - hot) / len(hot)
        of_weights = (opinions * error).sum((1, 2)) + 2 * hint_penalties * weights
        of_biases = (member @ error + 2 * penalties * biases).ravel()
        penalty = float((penalties * biases**2).sum() + (hint_penalties * weights**2).sum())
        return _loss(logits, items.labels) + penalty, np.r_[scale * (error * logs).sum(), of_weights, of_biases]

    found = minimize(objective, np.zeros(1 + len(hinted) + len(names) * num_labels), jac=True, method="L-BFGS-B")
    scale, weights, biases = _parts(found.x, len(hinted), num_labels)
    by_group, hints = dict(zip(names, biases, strict=True)), dict(zip(hinted, weights.tolist(), strict=True))
    return TaskCalibration(1 / scale, by_group.pop("", np.zeros(num_labels)), by_group, hints.pop(""), hints)


def _parts(parameters: Floats, num_weights: int, num_labels: int) -> tuple[float, Floats, Floats]:
    """The scale of the logarithms, the weights of the hints, and the biases."""
    weights, biases = np.split(parameters[1:], [num_weights])
    return float(np.exp(parameters[0])), weights, biases.reshape(-1, num_labels)


def _members(items: FoundItems, names: Sequence[str]) -> Floats:
    """(names, K) 1 where an item belongs to the group; all belong to ""."""
    member = np.array([(items.groups == name) | (name == "") for name in names], np.float64)
    return member.reshape(len(names), len(items.labels))


def best_kind(items: FoundItems) -> str:
    """The simplest kind of calibration whose cross-validated loss is within one standard error of the least.

    (Breiman et al., Classification and Regression Trees, 1984: section 3.4.3.) Biases fit the photographs that they are
    fitted on, so that they must pay for themselves.
    """
    losses = {name: item_losses(cross_validated(items, kind), items.labels) for name, kind in KINDS.items()}
    least = min(losses.values(), key=lambda loss: float(loss.mean()))
    excess = {name: loss - least for name, loss in losses.items()}
    return next(name for name, more in excess.items() if more.mean() <= more.std() / np.sqrt(len(more)))


def cross_validated(items: FoundItems, kind: Kind) -> Floats:
    """Probabilities (K, n), each calibrated by a fit on the other folds; photographs are never split."""
    _, numbers = np.unique(items.photos, return_inverse=True)
    calibrated = items.probabilities.copy()
    for fold in range(FOLDS):
        mine = numbers % FOLDS == fold
        if mine.any() and not mine.all():
            calibrated[mine] = calibrate(items.only(mine), fit_task(items.only(~mine), kind))
    return calibrated


def calibrate(items: FoundItems, fitted: TaskCalibration) -> Floats:
    """Calibrated probabilities (K, n)."""
    rows = zip(items.probabilities, items.groups.tolist(), items.hints, strict=True)
    return np.array([fitted.apply(*row) for row in rows])


def _quality(items: FoundItems, held_out: Floats) -> dict[str, float]:
    """Figures of found items, raw and calibrated by cross-validation."""
    figures: dict[str, float] = {"items": len(items.labels), "ece_by_chance": error_by_chance(held_out)}
    for name, probabilities in (("raw", items.probabilities), ("cross_validated", held_out)):
        figures[f"ece_{name}"] = calibration_error(probabilities, items.labels)
        figures[f"log_loss_{name}"] = log_loss(probabilities, items.labels)
        figures[f"top1_{name}"] = float((probabilities.argmax(axis=1) == items.labels).mean())
    return figures


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


def color_confusion(true: Counts, predicted: Counts) -> Floats:
    """P(predicted color | true color), 12 rows of true colors, from the color indices (K,) of items."""
    counts = np.full((len(COLORS), len(COLORS)), SMOOTHING)
    np.add.at(counts, (true, predicted), 1)
    shares: Floats = counts / counts.sum(axis=1, keepdims=True)
    return shares


def draw_reliability(observed: Observations, fitted: dict[str, Any], path: Path) -> None:
    """A reliability diagram for each task, raw and calibrated with cross-validation, as one PNG.

    Points are bins of the winner's probability, their area the share of the items in them.
    """
    figure = Figure(figsize=(11, 4.1), dpi=120, layout="constrained")
    for axes, task in zip(figure.subplots(1, len(CHARACTERISTICS)), CHARACTERISTICS, strict=True):
        items = found_items(observed.answers, observed.hints, task)
        held_out = cross_validated(items, KINDS[fitted["tasks"][task]["kind"]])
        axes.plot([0, 1], [0, 1], color="#aaaaaa", linewidth=1, label="perfect")
        for values, name, color in ((items.probabilities, "raw", "#d1793b"), (held_out, "calibrated", "#2f6fb5")):
            _, confidence, right, weight = reliability(values, items.labels)
            label = f"{name}, ECE {calibration_error(values, items.labels):.3f}"
            axes.plot(confidence, right, color=color, linewidth=1.5, label=label)
            axes.scatter(confidence, right, s=6 + 150 * weight / max(weight.sum(), 1), color=color, alpha=0.7)
        axes.set(title=f"{task}, {len(items.labels)} items", xlabel="probability of the winner", ylabel="share right")
        axes.set(xlim=(0, 1.02), ylim=(0, 1.02), aspect="equal")
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
        if options.pictures:
            draw_reliability(observed, fitted, options.pictures / "reliability.png")
    except (CheckpointError, OSError, ValueError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(json.dumps(fitted) if options.json else _summary(fitted))
    return 0


def _summary(fitted: dict[str, Any]) -> str:
    lines = []
    for task, figures in fitted["quality"].items():
        part = fitted["tasks"][task]
        weights = sorted(part["hint_weight"] + more for more in (part["group_hint"] or {"": 0.0}).values())
        hint = f", proportions weigh {weights[0]:.2f} to {weights[-1]:.2f}" if any(weights) else ""
        lines.append(f"{task}: {figures['items']} items, {part['kind']}, temperature {part['temperature']:.2f}{hint}")
        for name in ("raw", "cross_validated"):
            lines.append(
                f"  {name:15}  ECE {figures[f'ece_{name}']:.3f}  log-loss {figures[f'log_loss_{name}']:.3f}  "
                f"top-1 of found items {figures[f'top1_{name}']:.3f}"
            )
        lines.append(f"  (so few items show an ECE of {figures['ece_by_chance']:.3f} if all probabilities are right)")
    return "\n".join(lines)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.calibration", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, required=True, metavar="FILE")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="a CCP or CCIHP folder")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="draw the reliability diagram here")
    parser.add_argument("--store", action="store_true", help="write the calibration into the checkpoint's JSON file")
    parser.add_argument("--json", action="store_true", help="print the calibration as one JSON document")
    return parser.parse_args(arguments)


def log_loss(probabilities: Floats, labels: Counts) -> float:
    """Mean negative log-probability of the true labels."""
    return float(item_losses(probabilities, labels).mean())


def item_losses(probabilities: Floats, labels: Counts) -> Floats:
    """(K,) negative log-probability of each true label."""
    losses: Floats = -np.log(np.maximum(probabilities[np.arange(len(labels)), labels], FLOOR))
    return losses


def _loss(logits: Floats, labels: Counts) -> float:
    return log_loss(softmax(logits), labels)


def _plain(fitted: TaskCalibration) -> dict[str, Any]:
    group_bias = {group: bias.tolist() for group, bias in fitted.group_bias.items()}
    plain = {"temperature": fitted.temperature, "bias": fitted.bias.tolist(), "group_bias": group_bias}
    return {**plain, "hint_weight": fitted.hint_weight, "group_hint": dict(fitted.group_hint)}


if __name__ == "__main__":
    sys.exit(main())
