"""Calibration: fitted on labelled items, identity where nothing is stored."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from parsing.assemble import ImageOutput
from parsing.calibration import Calibration, softmax
from parsing.ccp_lists import TAGGED_LIST
from parsing.checkpoint import CheckpointInfo, read_info, save
from parsing.labels import ATTRIBUTES, CHARACTERIZED, LABELS, TASKS, group_of, label_id, num_classes
from parsing.model import HPTR
from parsing.parser import HumanParser
from parsing.proportions import NUM_ANSWERS, NUM_FEATURES, Proportions
from tests.factories import tiny_config, write_ccp
from training.calibration import (
    KINDS,
    FoundItems,
    Kind,
    Observations,
    _plain,
    best_kind,
    calibrate,
    color_confusion,
    cross_validated,
    draw_reliability,
    fit,
    fit_presence,
    fit_task,
    found_items,
    log_loss,
    main,
    observe,
    store,
    tagged,
)
from training.item_accuracy import Answer
from training.reliability import calibration_error, error_by_chance, reliability

TEMPERATURE, LABELS_TOO = KINDS["temperature"], KINDS["label biases"]


def overconfident(count: int, temperature: float, *, group_bias: float = 0.0, seed: int = 0) -> FoundItems:
    """Items with probabilities (count, 4) sharpened by `temperature`, labels drawn from the true ones.

    In truth, the first label of coats is more probable than their probabilities say, by `group_bias`; of hats, less.
    """
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (count, 4))
    groups = np.array(["Coat", "Hat"])[np.arange(count) % 2]
    bias = np.where(groups == "Coat", group_bias, -group_bias)[:, None] * np.eye(4)[0]
    labels = np.array([rng.choice(4, p=row) for row in softmax(logits + bias)])
    photos = np.array([str(index // 4) for index in range(count)])
    return FoundItems(softmax(logits * temperature), labels, groups, photos, np.zeros((count, 4)))


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
    return Observations(count // 5, said, said, evidence, rng.random(evidence.shape) < evidence)


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
    assert {"ece_raw", "ece_cross_validated", "ece_by_chance"} < set(fitted["quality"]["size"])


def test_a_calibration_for_other_labels_is_refused() -> None:
    with pytest.raises(ValueError, match=r"the size calibration's bias must have 4 values, got shape \(3,\)"):
        Calibration.from_dict({"tasks": {"size": {"temperature": 1.0, "bias": [0, 0, 0]}}})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"temperature": 0.0}, "must have a temperature above 0 and finite weights of hints, got 0.0, 0.0 and {}"),
        (
            {"hint_weight": float("nan")},
            "must have a temperature above 0 and finite weights of hints, got 1.0, nan and {}",
        ),
        ({"bias": [0, 0, 0, float("inf")]}, "bias must have finite values, got"),
    ],
)
def test_a_calibration_that_cannot_be_is_refused(changed: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Calibration.from_dict({"tasks": {"size": {"temperature": 1.0, "bias": [0, 0, 0, 0], **changed}}})


def test_a_calibration_for_other_groups_of_labels_is_refused() -> None:
    stored = {"temperature": 1.0, "bias": [0, 0, 0, 0], "group_bias": {"Coat": [0, 0]}}
    with pytest.raises(ValueError, match=r"the size calibration's bias must have 4 values, got shape \(2,\)"):
        Calibration.from_dict({"tasks": {"size": stored}})


def test_the_temperature_that_made_probabilities_overconfident_is_found() -> None:
    items = overconfident(3000, 2.5)
    for kind in KINDS.values():
        assert fit_task(items, kind).temperature == pytest.approx(2.5, rel=0.1)


def test_calibration_lowers_the_error_on_photographs_not_fitted_on() -> None:
    items = overconfident(1500, 3.0)
    held_out = cross_validated(items, TEMPERATURE)
    assert calibration_error(items.probabilities, items.labels) > 0.15
    assert calibration_error(held_out, items.labels) < 0.05


def test_a_biased_label_is_worth_a_bias_and_an_unbiased_one_is_not() -> None:
    items = overconfident(1500, 1.0)
    assert best_kind(items) == "temperature"
    biased = softmax(np.log(items.probabilities) + np.array([2.5, 0, 0, -1.5]))
    assert best_kind(replace(items, probabilities=biased)) != "temperature"


def test_a_group_that_differs_from_the_others_is_worth_biases_of_its_own() -> None:
    items = overconfident(1500, 1.5, group_bias=1.5)
    kind = best_kind(items)
    assert kind.startswith("group biases")
    gain = log_loss(cross_validated(items, LABELS_TOO), items.labels) - log_loss(
        cross_validated(items, KINDS[kind]), items.labels
    )
    assert gain > 0.1
    fitted = fit_task(items, KINDS[kind])
    assert fitted.group_bias["Coat"][0] > 0 > fitted.group_bias["Hat"][0]
    uniform = np.full(4, 0.25)
    assert fitted.apply(uniform, "Coat")[0] > fitted.apply(uniform)[0] > fitted.apply(uniform, "Hat")[0]


def test_a_heavy_penalty_leaves_groups_alike() -> None:
    fitted = fit_task(overconfident(300, 1.0, group_bias=1.5), Kind(0.02, 1e4))
    assert np.abs(fitted.group_bias["Coat"]).max() < 1e-3


def test_group_biases_reach_the_attributes_of_the_group() -> None:
    stored = {"temperature": 1.0, "bias": [0, 0, 0, 0], "group_bias": {"Shoes": [0, 2, 0, 0]}}
    calibration = Calibration.from_dict({"tasks": {"size": stored}})
    uniform = np.full(4, 0.25)
    np.testing.assert_array_equal(calibration.apply("size", uniform, "Coat"), uniform)
    for shoe in ("L-shoe", "R-shoe"):
        assert calibration.apply("size", uniform, shoe).argmax() == 1


def test_the_size_of_a_dress_is_calibrated_as_a_skirt_s() -> None:
    said = [Answer("1", "dress", task, 1, np.full(len(LABELS[task]), 0.1)) for task in ("size", "color")]
    assert found_items(said, said, "size").groups.tolist() == ["Skirt"]
    assert found_items(said, said, "color").groups.tolist() == ["UpperClothes"]


def test_few_items_show_an_error_by_chance() -> None:
    probabilities = softmax(np.random.default_rng(0).normal(0, 1, (1600, 4)))
    assert error_by_chance(probabilities) < error_by_chance(probabilities[:100]) < 0.25
    assert error_by_chance(np.eye(4)) == 0.0


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
    table = color_confusion(np.zeros(10, np.int64), np.array([0] * 8 + [9] * 2))
    np.testing.assert_allclose(table.sum(axis=1), 1)
    np.testing.assert_allclose(table[0, [0, 9, 1]], np.array([8.1, 2.1, 0.1]) / 11.2)
    np.testing.assert_allclose(table[4], 1 / 12)


def test_without_found_items_there_is_nothing_to_fit() -> None:
    with pytest.raises(ValueError, match="expected labelled items with a size"):
        fit(Observations(0, [], [], np.zeros((0, 19)), np.zeros((0, 19), bool)))


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


def test_a_checkpoint_is_calibrated_by_one_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.safetensors"
    save(path, HPTR(tiny_config()).state_dict(), CheckpointInfo(tiny_config(), inference={"score": 1.0}))
    data = write_ccp(tmp_path / "ccp", "0005", "0010")
    assert main(["--checkpoint", str(path), "--data", str(data), "--store"]) == 1
    assert "got none in 1 photographs of the calibration split" in capsys.readouterr().err
    assert read_info(path).calibration == {}


def test_the_largest_person_of_a_tagged_photograph_is_observed_too(tmp_path: Path) -> None:
    data = write_ccp(tmp_path / "ccp", "0005", "0010")
    (data / TAGGED_LIST).write_text("0010 hair long solid brown\n0015 hair long solid brown\n")
    Image.new("RGB", (40, 60)).save(data / "photos" / "0015.jpg")
    (found,) = tagged(data)
    assert (found[0].name, [item.name for item in found[1]]) == ("0015", ["hair"])
    model = HPTR(tiny_config()).eval()
    observed = observe(HumanParser(model, CheckpointInfo(tiny_config(), inference={"score": 1.0}), "hash"), data)
    assert observed.photos == 2
    assert [answer.probabilities for answer in observed.answers if answer.photo == "0015"] == [None] * 3


def test_data_without_tagged_photographs_has_none(tmp_path: Path) -> None:
    assert list(tagged(write_ccp(tmp_path / "ccp", "0005"))) == []


def test_a_second_opinion_weighs_as_much_as_it_knows() -> None:
    items = overconfident(1500, 1.0)
    assert fit_task(items, TEMPERATURE).hint_weight == 0
    rng = np.random.default_rng(3)
    informed = softmax(3.0 * np.eye(4)[items.labels] + rng.normal(0, 1, (1500, 4)))
    hinted = replace(items, hints=np.log(informed))
    fitted = fit_task(hinted, TEMPERATURE)
    assert fitted.hint_weight > 0.5
    guesses = replace(items, hints=np.log(softmax(rng.normal(0, 1, (1500, 4)))))
    assert abs(fit_task(guesses, TEMPERATURE).hint_weight) < 0.2
    before = cross_validated(items, TEMPERATURE).argmax(axis=1) == items.labels
    after = cross_validated(hinted, TEMPERATURE).argmax(axis=1) == items.labels
    assert after.mean() > before.mean() + 0.1


def test_the_weight_of_the_proportions_survives_json() -> None:
    stored = json.dumps({"tasks": {"size": {"temperature": 1.0, "bias": [0, 0, 0, 0], "hint_weight": 2.0}}})
    calibration = Calibration.from_dict(json.loads(stored))
    hints = np.log([0.1, 0.6, 0.2, 0.1])
    np.testing.assert_allclose(calibration.apply("size", np.full(4, 0.25), "Coat", hints), np.array([1, 36, 4, 1]) / 42)
    assert calibration.size_hints(np.zeros((2, 101))) == {}


def test_a_group_whose_sizes_the_proportions_know_better_trusts_them_more() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(4, size=200)
    groups = np.where(np.arange(200) < 100, "Coat", group_of("L-shoe"))
    known = np.where(groups == "Coat", labels, rng.integers(4, size=200))  # of shoes they say anything
    items = FoundItems(np.full((200, 4), 0.25), labels, groups, np.arange(200).astype(str), np.eye(4)[known] - 0.25)
    fitted = fit_task(items, KINDS["group hints"])
    weights = {group: fitted.hint_weight + more for group, more in fitted.group_hint.items()}
    assert weights["Coat"] > weights[group_of("L-shoe")] + 1
    fixed = Calibration.from_dict({"tasks": {"size": json.loads(json.dumps(_plain(fitted)))}})
    hints = np.array([2.0, 0, 0, 0])
    coat, shoe = (fixed.apply("size", np.full(4, 0.25), label, hints) for label in ("Coat", "L-shoe"))
    assert coat[0] > shoe[0]
    assert best_kind(items) == "group hints"


def test_what_is_fitted_is_what_a_search_will_see() -> None:
    observed = observations()
    fitted = fit(observed)
    calibration = Calibration.from_dict(fitted)
    for task in ("pattern", "color"):
        items = found_items(observed.answers, observed.hints, task)
        assert fitted["tasks"][task]["hint_weight"] == 0
        kind = KINDS[fitted["tasks"][task]["kind"]]
        np.testing.assert_allclose(
            calibration.apply(task, items.probabilities, "Coat"), calibrate(items, fit_task(items, kind)), atol=1e-6
        )


class Knowing(HumanParser):
    """Sees CCP's photograph of `write_ccp` as it is labelled."""

    def outputs(self, images: Sequence[NDArray[np.uint8]]) -> Iterator[ImageOutput]:
        for image in images:
            labels = {task: torch.zeros(24, 16, dtype=torch.long) for task in TASKS}
            labels["attribute"][2:5, 5:10] = label_id("attribute", "Hair")
            labels["attribute"][5:20, 5:10] = label_id("attribute", "Coat")
            for task, label in (("size", "Long/large"), ("pattern", "Solid"), ("color", "Red")):
                labels[task][2:20, 5:10] = label_id(task, label)
            semantic = {
                task: torch.nn.functional.one_hot(label_map, num_classes(task)).movedim(-1, 0) * 8.0
                for task, label_map in labels.items()
            }
            masks = (labels["attribute"] > 0)[None] * 20.0 - 10
            yield ImageOutput(semantic, torch.tensor([0.9]), masks, torch.ones(5, 6, 4), *image.shape[:2])


def test_what_the_pixels_and_what_the_proportions_say_of_an_item_go_together(tmp_path: Path) -> None:
    info = CheckpointInfo(tiny_config(), calibration={"proportions": short_coats().to_dict()})
    observed = observe(Knowing(HPTR(tiny_config()).eval(), info, "hash"), write_ccp(tmp_path / "ccp", "0005", "0010"))
    assert [replace(answer, probabilities=None) for answer in observed.answers] == [
        replace(answer, probabilities=None) for answer in observed.hints
    ]
    raw, hinted = (
        next(answer for answer in given if (answer.item, answer.task) == ("coat", "size"))
        for given in (observed.answers, observed.hints)
    )
    assert raw.probabilities is not None
    assert hinted.probabilities is not None
    assert raw.probabilities.argmax() == 1
    np.testing.assert_allclose(hinted.probabilities, softmax(np.array([2.0, 0, 0, 0])), atol=1e-3)


def short_coats() -> Proportions:
    """Every coat is short, hair of any size."""
    answers = np.zeros((2, NUM_ANSWERS))
    answers[-1, CHARACTERIZED.index("Coat") * 4] = 2.0
    return Proportions(np.zeros((NUM_FEATURES, 1)), np.zeros((NUM_FEATURES + 1, 1)), answers)
