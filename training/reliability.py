"""How far probabilities of labels can be trusted: expected calibration error, and the bins of a reliability diagram."""

import numpy as np

from training.miou import Counts, Floats, ratio

BINS = 15
CHANCE_DRAWS = 50


def calibration_error(probabilities: Floats, labels: Counts) -> float:
    """Expected calibration error of the winners, in 15 bins of equal width; NaN without items.

    Args:
        probabilities: (K, n).
        labels: (K,) indices of the true labels.
    """
    _, confidence, right, weight = reliability(probabilities, labels)
    return ratio(float((weight * np.abs(confidence - right)).sum()), float(weight.sum()))


def error_by_chance(probabilities: Floats) -> float:
    """Mean calibration error of labels drawn from the probabilities themselves: what so few items show in any case."""
    rng = np.random.default_rng(0)
    edges = probabilities.cumsum(axis=1)[:, :-1]
    draws = (rng.random((CHANCE_DRAWS, len(probabilities), 1)) > edges).sum(axis=2)
    return float(np.mean([calibration_error(probabilities, labels) for labels in draws]))


def reliability(probabilities: Floats, labels: Counts) -> tuple[Counts, Floats, Floats, Counts]:
    """Bins that hold winners, each with its mean confidence, share of right winners, and number."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    weight = np.bincount(bins, minlength=BINS)
    filled = np.flatnonzero(weight)
    sums = (np.bincount(bins, weights=values, minlength=BINS)[filled] for values in (confidence, right))
    mean_confidence, share_right = (total / weight[filled] for total in sums)
    return filled, mean_confidence, share_right, weight[filled]
