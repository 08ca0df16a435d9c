"""Proportions: where on a person the attributes lie, and the network that reads sizes off them."""

import json
from dataclasses import replace

import numpy as np
import pytest

from parsing.labels import ATTRIBUTES, CHARACTERIZED, label_id
from parsing.proportions import NUM_ANSWERS, NUM_FEATURES, Proportions, features, in_pieces
from parsing.records import RunLengthMask
from parsing.regions import Region


def region(x0: float, y0: float, x1: float, y1: float) -> Region:
    mask = np.zeros((200, 100), bool)
    mask[int(y0) : int(y1), int(x0) : int(x1)] = True
    return Region(int(mask.sum()), (x0, y0, x1, y1), RunLengthMask.encode(mask))


def network(units: int = 3) -> Proportions:
    rng = np.random.default_rng(0)
    edges = np.cumsum(rng.random((NUM_FEATURES, 3)) + 0.1, axis=1)
    return Proportions(edges, rng.normal(0, 0.1, (edges.size + 1, units)), rng.normal(0, 1, (units + 1, NUM_ANSWERS)))


def test_the_proportions_of_a_person_by_hand() -> None:
    coat = label_id("attribute", "Coat")
    rows = features({2: region(20, 100, 60, 200)}, {(2, coat): region(30, 120, 50, 170)}, 3, (200, 100))
    assert rows.shape == (4, NUM_FEATURES)
    np.testing.assert_array_equal(rows[[0, 1, 3]], 0)
    np.testing.assert_allclose(rows[2, :6], [0.5, 0.4, 0, 0, 0, 1])  # half the picture's height, touching its bottom
    start = 6 + 5 * ATTRIBUTES.index("Coat")
    np.testing.assert_allclose(rows[2, start : start + 5], [1, 0.5, 0.2, 0.7, 0.2])
    assert np.count_nonzero(rows[2]) == 3 + 5


def test_where_and_how_large_a_person_is_changes_nothing_but_the_height() -> None:
    coat = label_id("attribute", "Coat")
    small = features({1: region(20, 20, 40, 60)}, {(1, coat): region(20, 30, 40, 50)}, 1, (200, 100))
    large = features({1: region(40, 40, 80, 120)}, {(1, coat): region(40, 60, 80, 100)}, 1, (200, 100))
    assert small[1, 0] == 0.2
    assert large[1, 0] == 0.4
    np.testing.assert_allclose(small[1, 1:], large[1, 1:])


def test_every_attribute_that_has_a_size_gets_log_probabilities() -> None:
    said = network().log_probabilities(np.random.default_rng(1).normal(0, 1, (5, NUM_FEATURES)))
    assert tuple(said) == CHARACTERIZED
    for logs in said.values():
        np.testing.assert_allclose(np.exp(logs).sum(axis=1), np.ones(5))


def test_a_stored_network_says_the_same() -> None:
    before = network()
    after = Proportions.from_dict(json.loads(json.dumps(before.to_dict())))
    rows = np.random.default_rng(1).random((4, NUM_FEATURES))
    for label, logs in before.log_probabilities(rows).items():
        np.testing.assert_allclose(after.log_probabilities(rows)[label], logs, atol=0.01)


def test_how_far_a_length_has_come_through_each_piece() -> None:
    edges = np.array([[0.2, 0.4, 0.8], [0.0, 0.5, 1.0]])
    np.testing.assert_allclose(in_pieces(np.array([[0.5, 0.25]]), edges), [[0.5, 0.25, 1, 0.25, 0.5, 0]])


def test_of_nobody_nothing_is_said() -> None:
    assert network().log_probabilities(np.zeros((0, NUM_FEATURES)))["Coat"].shape == (0, 4)


def test_a_network_stored_before_there_were_pieces_says_what_it_said() -> None:
    without = Proportions(np.zeros((NUM_FEATURES, 1)), network().hidden[: NUM_FEATURES + 1], network().answers)
    stored = {name: text for name, text in without.to_dict().items() if name != "edges"}
    rows = np.random.default_rng(1).random((4, NUM_FEATURES))
    said = Proportions.from_dict(stored).log_probabilities(rows)
    np.testing.assert_allclose(said["Coat"], without.log_probabilities(rows)["Coat"], atol=0.01)


def test_pieces_that_do_not_ascend_are_refused() -> None:
    with pytest.raises(ValueError, match="the edges of the proportions must ascend, but do not; fit them again"):
        Proportions.from_dict(
            {**network().to_dict(), "edges": replace(network(), edges=-network().edges).to_dict()["edges"]}
        )


def test_a_network_of_another_shape_is_refused() -> None:
    stored = Proportions(np.zeros((NUM_FEATURES, 1)), np.zeros((50, 3)), np.zeros((4, NUM_ANSWERS))).to_dict()
    with pytest.raises(ValueError, match=r"101 features and 52 answers, got 101 edges, 150 and 208 weights; fit"):
        Proportions.from_dict(stored)
