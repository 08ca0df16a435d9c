"""Fitting: what a search takes from its checkpoint, chosen on the calibration photographs.

    python -m query.fitting --data CCP_ROOT [--checkpoint FILE] [--json] [--write]

In this order: how far colors back off to those that they are taken for (0 where that does not help), the thresholds of
the modes from the precision-recall curve, and how many right people there are below each threshold for one that the
probabilities promise. Run it after `training.calibration --store`, which learns the color confusion and what the
probabilities mean. Photographs whose figures are read (`query.benchmark`) are never looked at.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.columns import ColumnStore
from index.descriptor import encode
from parsing.checkpoint import DEFAULT_CHECKPOINT, read_info, save_info
from parsing.records import Person
from query.benchmark import is_calibration, open_people, parse_main_people
from query.scan import scores_of_all
from query.scoring import Confusion, mass, strength
from query.search import SearchConfig
from query.truth import Question, questions, read_truth

STRICT_PRECISION = 0.9
RECALL_RECALL = 0.95
STRENGTHS = (0.0, 0.05, 0.1, 0.2, 0.3)  # of the back-off, tried in turn
LEAST_GAIN = 0.01  # in F1 for a stronger back-off; less is chance among a few hundred questions

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FittedThreshold:
    """A mode's threshold, with the precision and recall that it has on the photographs it was chosen on.

    `further` is how many right people are below it for each one that the probabilities promise there.
    """

    threshold: float
    precision: float
    recall: float
    further: float


@dataclass(frozen=True)
class Fitted:
    """Strength of the back-off, the best F1 with each strength that was tried, and what belongs to each mode."""

    back_off: float
    f1_by_back_off: Mapping[float, float]
    modes: Mapping[str, FittedThreshold]


@dataclass(frozen=True)
class _Judged:
    """Of whom it is known whether a question means them: P(query), mean clause probability, whether it does."""

    scores: Floats
    means: Floats
    right: NDArray[np.bool_]


@dataclass(frozen=True)
class _Curve:
    """Precision and recall at each distinct mean probability over all (question, person) pairs, highest first."""

    means: Floats
    precision: Floats
    recall: Floats

    @property
    def f1(self) -> Floats:
        return 2 * self.precision * self.recall / np.maximum(self.precision + self.recall, 1e-12)


def fit(people: Sequence[Person], asked: Sequence[Question], confusion: Confusion | None) -> Fitted:
    """The best settings for these people, in the order of the questions' answers.

    Args:
        people: as parsed.
        asked: what is asked of them.
        confusion: P(seen color | true color), 12 rows of true colors; None if it was never learned.
    """
    with open_people(np.stack([encode(person) for person in people])) as store:
        strengths = STRENGTHS if confusion is not None else STRENGTHS[:1]
        configs = {strength: SearchConfig(color_confusion=confusion, back_off=strength) for strength in strengths}
        f1 = {strength: float(_curve(_judge(store, asked, config)).f1.max()) for strength, config in configs.items()}
        chosen = _best_strength(f1)
        return Fitted(chosen, f1, _fit_modes(_judge(store, asked, configs[chosen]), SearchConfig().further_minimum))


def _best_strength(f1: Mapping[float, float]) -> float:
    """The weakest back-off; a stronger one must be better by LEAST_GAIN."""
    best = 0.0
    for one, value in f1.items():
        if value >= f1[best] + LEAST_GAIN:
            best = one
    return best


def _judge(store: ColumnStore, asked: Sequence[Question], config: SearchConfig) -> list[_Judged]:
    return [_judge_one(store, question, config) for question in asked]


def _judge_one(store: ColumnStore, question: Question, config: SearchConfig) -> _Judged:
    scores = scores_of_all(question.query, store, config.back_off_table()).astype(np.float64)[question.known]
    means = scores ** (strength(question.query) / mass(question.query))
    return _Judged(scores, means, question.right[question.known])


def _curve(judged: Sequence[_Judged]) -> _Curve:
    means = np.concatenate([one.means for one in judged])
    right = np.concatenate([one.right for one in judged])
    order = np.argsort(-means, kind="stable")
    means, right = means[order], right[order]
    last = np.append(means[1:] < means[:-1], True)  # a threshold takes all equal scores or none
    hits, taken = np.cumsum(right)[last], np.flatnonzero(last) + 1
    return _Curve(means[last], hits / taken, hits / max(right.sum(), 1))


def _fit_modes(judged: Sequence[_Judged], further_minimum: float) -> dict[str, FittedThreshold]:
    """What belongs to each mode.

    strict: the lowest threshold at which precision is STRICT_PRECISION; balanced: the best F1; recall: the highest that
    keeps RECALL_RECALL. Where they would cross, strict is never below balanced, nor recall above it.
    """
    curve = _curve(judged)
    balanced = int(np.argmax(curve.f1))
    precise = np.flatnonzero(curve.precision >= STRICT_PRECISION)
    strict = min(int(precise.max()), balanced) if len(precise) else 0
    complete = max(int(np.argmax(curve.recall >= RECALL_RECALL)), balanced)
    return {
        mode: FittedThreshold(
            threshold=float(curve.means[place]),
            precision=float(curve.precision[place]),
            recall=float(curve.recall[place]),
            further=_further(judged, float(curve.means[place]), further_minimum),
        )
        for mode, place in {"strict": strict, "balanced": balanced, "recall": complete}.items()
    }


def _further(judged: Sequence[_Judged], threshold: float, minimum: float) -> float:
    """Right people below the threshold for each one promised there; 1 where nobody is promised."""
    promised = sum(float(one.scores[(one.means < threshold) & (one.scores >= minimum)].sum()) for one in judged)
    there = sum(int(one.right[one.means < threshold].sum()) for one in judged)
    return there / promised if promised else 1.0


def search_description(fitted: Fitted, confusion: Confusion | None) -> dict[str, Any]:
    """`search` of the checkpoint's JSON, as `SearchConfig.from_checkpoint` reads it."""
    return {
        "fitted_on": "CCP photographs whose number ends in 5",
        "thresholds": {mode: one.threshold for mode, one in fitted.modes.items()},
        "further": {mode: one.further for mode, one in fitted.modes.items()},
        **({"back_off": fitted.back_off, "color_confusion": confusion} if fitted.back_off else {}),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    options = _options().parse_args(arguments)
    info = read_info(options.checkpoint)
    confusion = info.calibration.get("color_confusion")
    truth = read_truth(options.data, is_calibration)
    people = list(parse_main_people(options.data, list(truth), options.checkpoint))
    fitted = fit(people, questions(list(truth.values())), confusion)
    if options.write:
        save_info(options.checkpoint, replace(info, search=search_description(fitted, confusion)))
    print(json.dumps(asdict(fitted)) if options.json else "\n".join(_lines(fitted)))


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m query.fitting", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="a clone of Clothing Co-Parsing")
    parser.add_argument("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT, help="the shipped one by default")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of text")
    parser.add_argument("--write", action="store_true", help="keep what was chosen in the checkpoint's JSON")
    return parser


def _lines(fitted: Fitted) -> Iterator[str]:
    tried = ", ".join(f"{strength:g}: {f1:.3f}" for strength, f1 in fitted.f1_by_back_off.items())
    yield f"back-off {fitted.back_off:g} (best F1 with {tried})"
    for mode, one in fitted.modes.items():
        figures = f"precision {one.precision:.2f}, recall {one.recall:.2f}"
        yield f"{mode:9} threshold {one.threshold:.3f}, {figures}; {one.further:.2f} further for one that is promised"


if __name__ == "__main__":
    main()
