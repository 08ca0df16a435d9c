"""Calibration: fitted on labelled items, identity where nothing is stored."""

import json
from pathlib import Path

import numpy as np
import pytest

from parsing.calibration import Calibration, softmax
from parsing.checkpoint import CheckpointInfo, read_info, save
from parsing.labels import ATTRIBUTES, LABELS
from parsing.model import HPTR
from tests.factories import tiny_config
from training.calibration import (
    Observations,
    better_kind,
    calibration_error,
    color_confusion,
    cross_validated,
    draw_reliability,
    fit,
    fit_presence,
    fit_temperature,
    fit_vector,
    reliability,
    store,
)
from training.item_accuracy import Answer, item_confusion


def overconfident(count: int, temperature: float, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities (count, 4) sharpened by `temperature`, labels drawn from the true ones, and photographs."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (count, 4))
    labels = np.array([rng.choice(4, p=row) for row in softmax(logits)])
    return softmax(logits * temperature), labels, np.array([str(index // 4) for index in range(count)])


def observations(count: int = 200) -> Observations:
    rng = np.random.default_rng(1)
    said = []
    for task in ("size", "pattern", "color"):
        for index in range(count):
            label = int(rng.integers(1, len(LABELS[task]) + 1))
            logits = rng.normal(0, 1, len(LABELS[task]))
            logits[label - 1] += 2
            said.append(Answer(str(index // 5), "coat", task, label, softmax(3 * logits)))
    evidence = rng.random((count, len(ATTRIBUTES)))
    return Observations(said, evidence, rng.random(evidence.shape) < evidence)


def test_without_a_calibration_nothing_changes() -> None:
    identity = Calibration.from_dict({})
    np.testing.assert_allclose(identity.apply("size", [0.5, 0.2, 0.2, 0.1]), [0.5, 0.2, 0.2, 0.1])
    np.testing.assert_array_equal(identity.presence(np.full((2, 19), 0.3)), np.full((2, 19), 0.3))


def test_a_stored_calibration_survives_json() -> None:
    fitted = fit(observations())
    calibration = Calibration.from_dict(json.loads(json.dumps(fitted)))
    for task in ("size", "pattern", "color"):
        probabilities = np.full((2, 3, len(LABELS[task])), 1 / len(LABELS[task]))
        np.testing.assert_allclose(calibration.apply(task, probabilities).sum(axis=-1), 1)
    presence = calibration.presence(np.linspace(0, 1, 19))
    assert ((presence >= 0) & (presence <= 1)).all()


def test_a_calibration_for_other_labels_is_refused() -> None:
    with pytest.raises(ValueError, match=r"the size calibration's bias must have 4 values, got shape \(3,\)"):
        Calibration.from_dict({"tasks": {"size": {"temperature": 1.0, "bias": [0, 0, 0]}}})


def test_the_temperature_that_made_probabilities_overconfident_is_found() -> None:
    probabilities, labels, _ = overconfident(3000, 2.5)
    assert fit_temperature(probabilities, labels).temperature == pytest.approx(2.5, rel=0.1)
    assert fit_vector(probabilities, labels).temperature == pytest.approx(2.5, rel=0.1)


def test_calibration_lowers_the_error_on_photographs_not_fitted_on() -> None:
    probabilities, labels, photos = overconfident(1500, 3.0)
    held_out = cross_validated(probabilities, labels, photos, fit_temperature)
    assert calibration_error(probabilities, labels) > 0.15
    assert calibration_error(held_out, labels) < 0.05


def test_a_biased_label_is_worth_a_bias_and_an_unbiased_one_is_not() -> None:
    probabilities, labels, photos = overconfident(1500, 1.0)
    assert better_kind(probabilities, labels, photos) == "temperature"
    biased = softmax(np.log(probabilities) + np.array([2.5, 0, 0, -1.5]))
    assert better_kind(biased, labels, photos) == "vector"


def test_calibration_error_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.4, 0.6]])
    labels = np.array([0, 1, 0, 1])
    assert calibration_error(probabilities, labels) == pytest.approx(0.5 * 0.4 + 0.5 * 0.4)
    _, confidence, right, weight = reliability(probabilities, labels)
    np.testing.assert_allclose(confidence, [0.6, 0.9])
    np.testing.assert_array_equal(right, [1, 0.5])
    np.testing.assert_array_equal(weight, [2, 2])


def test_presence_becomes_a_probability() -> None:
    rng = np.random.default_rng(0)
    evidence = rng.random((400, 19))
    chance = evidence**2 / (evidence**2 + (1 - evidence) ** 2)  # weight 2 on the log-odds
    present = rng.random(evidence.shape) < chance
    fitted = Calibration.from_dict({"presence": fit_presence(evidence, present)})
    assert np.abs(fitted.presence(evidence) - chance).mean() < 0.05


def test_an_attribute_that_nobody_has_takes_the_common_function() -> None:
    rng = np.random.default_rng(0)
    evidence = rng.random((100, 19))
    present = evidence > 0.5
    present[:, 5] = False
    fitted = fit_presence(evidence, present)
    assert fitted["weight"][5] != fitted["weight"][0]
    assert all(weight > 0 for weight in fitted["weight"])


def test_the_color_confusion_is_smoothed_and_sums_to_one() -> None:
    said = [Answer("1", "coat", "color", 1, np.eye(12)[0])] * 8 + [Answer("1", "coat", "color", 1, np.eye(12)[9])] * 2
    table = color_confusion(item_confusion([*said, Answer("2", "hat", "color", 1, None)], "color"))
    np.testing.assert_allclose(table.sum(axis=1), 1)
    np.testing.assert_allclose(table[0, [0, 9, 1]], np.array([8.1, 2.1, 0.1]) / 11.2)
    np.testing.assert_allclose(table[4], 1 / 12)


def test_without_found_items_there_is_nothing_to_fit() -> None:
    with pytest.raises(ValueError, match="expected labelled items with a size"):
        fit(Observations([], np.zeros((0, 19)), np.zeros((0, 19), bool)))


def test_the_reliability_diagram_is_drawn(tmp_path: Path) -> None:
    observed = observations()
    draw_reliability(observed, fit(observed), tmp_path / "reliability.png")
    assert (tmp_path / "reliability.png").stat().st_size > 10_000


def test_storing_keeps_what_else_the_checkpoint_says(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    info = CheckpointInfo(tiny_config(), calibration={"search_thresholds": {"strict": 0.5}}, metrics={"miou": 0.5})
    save(path, HPTR(tiny_config()).state_dict(), info)
    fitted = fit(observations())
    store(path, fitted)
    assert read_info(path).calibration["search_thresholds"] == {"strict": 0.5}
    assert read_info(path).calibration["color_confusion"] == fitted["color_confusion"]
    assert read_info(path).metrics == {"miou": 0.5}
