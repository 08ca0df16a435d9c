"""Calibration: turns the network's mean probabilities and presence evidence into probabilities that can be trusted.

Fitted by `training.calibration` on the calibration split, stored in the checkpoint's JSON; identity where nothing is
stored. Per task, p' is proportional to exp(log(p) / temperature + bias + bias of the attribute group), of sizes also
+ (weight + weight of the attribute group) x log(what the proportions say); presence is a logistic function of the
evidence's log-odds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from parsing.labels import ATTRIBUTES, LABELS, group_of
from parsing.proportions import FLOOR, Proportions

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TaskCalibration:
    """Of one task with n labels.

    Args:
        temperature: above 1 softens.
        bias: (n,) added to the log-probabilities.
        group_bias: attribute group -> (n,) added to those of its attributes: pants are long more often than shoes.
        hint_weight: of a second opinion.
        group_hint: attribute group -> what is added to that weight: where a coat ends says more than its pixels.
    """

    temperature: float
    bias: Floats
    group_bias: Mapping[str, Floats] = field(default_factory=dict)
    hint_weight: float = 0.0
    group_hint: Mapping[str, float] = field(default_factory=dict)

    def apply(self, probabilities: ArrayLike, group: str = "", hints: ArrayLike = 0.0) -> Floats:
        """Calibrated probabilities (..., n) of an attribute group from raw ones (..., n).

        Args:
            hints: (..., n) log-probabilities by a second opinion; 0 for none.
        """
        logs = np.log(np.maximum(np.asarray(probabilities, np.float64), FLOOR))
        biases = self.bias + self.group_bias.get(group, 0.0)
        weight = self.hint_weight + self.group_hint.get(group, 0.0)
        return softmax(logs / self.temperature + biases + weight * np.asarray(hints))


@dataclass(frozen=True)
class PresenceCalibration:
    """Of the 19 attributes: p' = sigmoid(weight x log-odds + bias), each (19,)."""

    weight: Floats
    bias: Floats


@dataclass(frozen=True)
class Calibration:
    """What was fitted; `Calibration()` changes nothing.

    Args:
        proportions: the second opinion on sizes.
    """

    tasks: Mapping[str, TaskCalibration] = field(default_factory=dict)
    presence_logits: PresenceCalibration | None = None
    proportions: Proportions | None = None

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Calibration":
        """From the "calibration" of a checkpoint, empty or missing parts being identity.

        Raises:
            ValueError: a part has another number of labels, or is of another shape.
        """
        tasks, by_task = {}, stored.get("tasks") or {}
        if not isinstance(by_task, dict):
            raise ValueError(f"the calibration must be by task, got {by_task!r}; fit it again")
        for task, fitted in by_task.items():
            biases = {"": fitted["bias"], **fitted.get("group_bias", {})}
            vectors = {
                name: vector(bias, len(LABELS[task]), f"the {task} calibration's bias") for name, bias in biases.items()
            }
            temperature, weight = float(fitted["temperature"]), float(fitted.get("hint_weight", 0.0))
            by_group = {group: float(more) for group, more in fitted.get("group_hint", {}).items()}
            if not (0 < temperature < np.inf and np.isfinite([weight, *by_group.values()]).all()):
                raise ValueError(
                    f"the {task} calibration must have a temperature above 0 and finite weights of hints, got "
                    f"{temperature}, {weight} and {by_group}; fit it again"
                )
            tasks[task] = TaskCalibration(temperature, vectors.pop(""), vectors, weight, by_group)
        proportions = Proportions.from_dict(stored["proportions"]) if stored.get("proportions") else None
        presence = stored.get("presence")
        if presence is None:
            return cls(tasks, proportions=proportions)
        weights, bias = (
            vector(presence[part], len(ATTRIBUTES), f"the presence calibration's {part}") for part in ("weight", "bias")
        )
        return cls(tasks, PresenceCalibration(weights, bias), proportions)

    def apply(self, task: str, probabilities: ArrayLike, attribute: str = "", hints: ArrayLike = 0.0) -> Floats:
        """Calibrated probabilities (..., n) of an attribute's task, summing to 1, from raw ones (..., n).

        Args:
            hints: (..., n) log-probabilities by a second opinion; 0 for none.
        """
        if task in self.tasks:
            return self.tasks[task].apply(probabilities, group_of(attribute), hints)
        raw = np.asarray(probabilities, np.float64)
        normalized: Floats = raw / np.maximum(raw.sum(axis=-1, keepdims=True), FLOOR)
        return normalized

    def size_hints(self, proportions: Floats) -> Mapping[str, Floats]:
        """For each attribute that has a size its log-probabilities (M, 4) by proportions (M, F); none if not fitted."""
        return {} if self.proportions is None else self.proportions.log_probabilities(proportions)

    def presence(self, features: ArrayLike) -> Floats:
        """P(the person visibly has it) (..., 19) from raw evidence between 0 and 1, (..., 19)."""
        raw = np.asarray(features, np.float64)
        if self.presence_logits is None:
            return raw
        logits: Floats = self.presence_logits.weight * log_odds(raw) + self.presence_logits.bias
        return 1 / (1 + np.exp(-logits))


def log_odds(probabilities: Floats) -> Floats:
    """log(p / (1 - p)), with p kept off 0 and 1."""
    kept = np.clip(probabilities, FLOOR, 1 - FLOOR)
    odds: Floats = np.log(kept / (1 - kept))
    return odds


def softmax(logits: Floats) -> Floats:
    """exp(logits) normalized over the last axis."""
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: Floats = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return shares


def vector(values: ArrayLike, length: int, name: str) -> Floats:
    """Finite numbers (length,) of a JSON document, whose `name` says what they are.

    Raises:
        ValueError: they are something else.
    """
    numbers = np.asarray(values, np.float64)
    if numbers.shape != (length,):
        raise ValueError(f"{name} must have {length} values, got shape {numbers.shape}; fit it again")
    if not np.isfinite(numbers).all():
        raise ValueError(f"{name} must have finite values, got {numbers.tolist()}; fit it again")
    return numbers
