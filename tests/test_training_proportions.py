"""Sizes learnt from the proportions of labelled people."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from parsing.calibration import Calibration
from parsing.checkpoint import CheckpointInfo, read_info, save
from parsing.labels import ATTRIBUTES, CHARACTERIZED, IGNORE, TASKS, label_id
from parsing.model import HPTR
from parsing.proportions import NUM_FEATURES
from tests.factories import tiny_config, write_ccp
from training.proportions import SHORTEST, UNKNOWN, Examples, edges_of, fit, main, mirrored, people_of, read_examples
from training.samples import Sample

COAT = CHARACTERIZED.index("Coat")


def coated(end: int, size: int, *, left: int = 10) -> Sample:
    """Someone 60 pixels tall, in pants, whose coat ends in row `end`."""
    human = np.zeros((80, 40), np.uint8)
    human[10:70, left : left + 16] = 1
    tasks = {task: np.zeros_like(human) for task in TASKS}
    for label, rows in (("Coat", slice(20, end)), ("Pants", slice(end, 70))):
        tasks["attribute"][rows, left : left + 16] = label_id("attribute", label)
    tasks["size"][20:end, left : left + 16] = size
    tasks["size"][end:70, left : left + 16] = IGNORE
    return Sample("one", Path("one.jpg"), np.zeros((80, 40, 3), np.uint8), human, tasks)


def test_a_person_s_labels_are_the_most_frequent_of_each_attribute() -> None:
    people = people_of(coated(50, 2))
    assert people.features.shape == (1, NUM_FEATURES)
    assert people.labels[0, COAT] == 1
    assert (np.delete(people.labels[0], COAT) == UNKNOWN).all()  # pants of an unknown size among them


def test_people_without_known_sizes_are_left_out() -> None:
    nobody = coated(50, IGNORE)
    empty = replace(nobody, human=np.zeros_like(nobody.human))
    assert read_examples([nobody, empty, coated(40, 1)]).labels[:, COAT].tolist() == [0]


def test_twice_mirrored_is_as_before_and_once_is_what_a_mirror_shows() -> None:
    sample = coated(50, 2, left=0)
    shoe = label_id("attribute", "L-shoe")
    sample.tasks["attribute"][66:70, 0:4] = shoe
    sample.tasks["size"][66:70, 0:4] = 1
    people, there = people_of(sample), mirrored(people_of(sample))
    tasks = {task: label_map[:, ::-1].copy() for task, label_map in sample.tasks.items()}
    tasks["attribute"][tasks["attribute"] == shoe] = label_id("attribute", "R-shoe")
    seen = people_of(replace(sample, human=sample.human[:, ::-1].copy(), tasks=tasks))
    np.testing.assert_array_equal(there.features, seen.features)
    np.testing.assert_array_equal(there.labels, seen.labels)
    np.testing.assert_array_equal(mirrored(there).features, people.features)
    np.testing.assert_array_equal(mirrored(there).labels, people.labels)


def test_how_far_down_a_coat_is_long_is_learnt() -> None:
    rng = np.random.default_rng(0)
    ends = rng.integers(28, 66, 80)
    people = read_examples([coated(int(end), 2 if end > 46 else 1, left=int(end) % 20) for end in ends])
    network = fit(people, epochs=40)
    tried = [people_of(coated(end, 1)).features for end in (32, 38, 54, 62)]
    sizes = network.log_probabilities(np.concatenate(tried))["Coat"].argmax(axis=1)
    assert sizes.tolist() == [0, 0, 1, 1]
    masked = people_of(coated(32, 1)).features
    masked[:, 6 + 5 * ATTRIBUTES.index("Mask") :][:, :5] = 1  # nobody wore one
    said, before = network.log_probabilities(masked), network.log_probabilities(tried[0])
    np.testing.assert_array_equal(said["Coat"], before["Coat"])
    np.testing.assert_allclose(np.exp(said["Mask"]), np.full((1, 4), 0.25))


def test_pieces_hold_as_many_people_each_and_are_never_too_short() -> None:
    lengths = np.concatenate([np.zeros(50), np.linspace(0.1, 0.6, 101)])
    edges = edges_of(np.stack([lengths, np.ones(151), np.zeros(151), np.full(151, 20.0)], 1))
    np.testing.assert_allclose(edges[0], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    np.testing.assert_allclose(np.diff(edges[1:]), SHORTEST)
    assert (np.diff(edges.astype(np.float16)) > 0).all()  # as they are stored


def test_without_people_there_is_nothing_to_learn() -> None:
    nobody = Examples(np.zeros((0, NUM_FEATURES)), np.zeros((0, len(CHARACTERIZED)), np.int64))
    with pytest.raises(ValueError, match="expected training people with a known size, got none"):
        fit(nobody)


def test_one_command_stores_it_and_keeps_the_rest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.safetensors"
    weighed = {"size": {"temperature": 1.0, "bias": [0, 0, 0, 0], "hint_weight": 1.0}}
    broken = {"tasks": weighed, "proportions": {"hidden": "", "answers": ""}, "search_thresholds": {"strict": 0.5}}
    info = CheckpointInfo(tiny_config(), inference={"score": 1.0}, calibration=broken)
    save(path, HPTR(tiny_config()).state_dict(), info)
    data = write_ccp(tmp_path / "ccp", "0001", "0005")
    assert main(["--checkpoint", str(path), "--data", str(data), "--store"]) == 0
    assert json.loads(capsys.readouterr().out)["people"] == 1
    stored = read_info(path).calibration
    assert stored["search_thresholds"] == {"strict": 0.5}
    assert Calibration.from_dict(stored).proportions is not None
    assert stored["tasks"]["size"]["hint_weight"] == 0  # until it is calibrated again


def test_a_folder_of_no_known_layout_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.safetensors"
    save(path, HPTR(tiny_config()).state_dict(), CheckpointInfo(tiny_config()))
    assert main(["--checkpoint", str(path), "--data", str(tmp_path)]) == 1
    assert "is no data set that is known; expected a CCP folder" in capsys.readouterr().err
