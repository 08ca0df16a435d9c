import numpy as np
import pytest

from parsing.labels import IGNORE
from tests.factories import two_people_sample
from training.canvas import Layer, blank
from training.variety import blob, close_up, clutter, elsewhere, join, turn, unsharp


def group() -> Layer:
    return Layer.of(two_people_sample())


@pytest.mark.parametrize("axis", [0, 1])
def test_people_of_joined_pictures_keep_numbers_of_their_own(axis: int) -> None:
    second = group()
    second.maps["human"][0, 0] = IGNORE
    joined = join(group(), second, axis)
    halves = np.split(joined.maps["human"], 2, axis)
    assert set(np.unique(halves[0])) == {0, 1, 2}
    assert set(np.unique(halves[1])) == {0, 3, 4, IGNORE}
    np.testing.assert_array_equal(np.split(joined.image, 2, axis)[1], second.image)


def test_turning_takes_labels_along() -> None:
    layer = group()
    layer.image[...] = layer.maps["human"][..., None] * 100
    turned = turn(layer, 8.0)
    assert turned.maps["human"].shape == layer.maps["human"].shape
    assert not np.array_equal(turned.maps["human"], layer.maps["human"])
    inside = turned.maps["human"] == 2
    assert abs(int(inside.sum()) - int((layer.maps["human"] == 2).sum())) < 0.1 * inside.sum()
    assert np.median(turned.image[inside]) == 200


def test_clutter_hides_people_and_nothing_else_changes() -> None:
    picture, scene = group(), blank(64, 64)
    cluttered = clutter(picture, scene, np.random.default_rng(3), 3)
    changed = cluttered.maps["human"] != picture.maps["human"]
    assert changed.any()
    assert (cluttered.maps["human"][changed] == 0).all()
    assert (cluttered.maps["attribute"][changed] == 0).all()
    np.testing.assert_array_equal(picture.maps["human"], two_people_sample().human)


@pytest.mark.parametrize("seed", range(5))
def test_a_piece_of_clutter_covers_much_of_its_box_but_not_its_corners(seed: int) -> None:
    outline = blob(np.random.default_rng(seed), 40, 30)
    assert outline.shape == (40, 30)
    assert 0.2 < (outline > 127).mean() < 0.9
    assert outline[0, 0] == outline[-1, -1] == 0


def test_elsewhere_keeps_people_and_those_who_may_be_people() -> None:
    picture, scene = group(), blank(64, 64)
    picture.image[...] = 200
    picture.maps["unsure"][:5, :5] = 1
    moved = elsewhere(picture, scene)
    kept = (picture.maps["human"] > 0) | (picture.maps["unsure"] > 0)
    assert np.median(moved.image[kept]) == 200
    assert np.median(moved.image[~kept]) == 114
    assert moved.maps == picture.maps


def test_an_unsharp_picture_keeps_its_shape_and_its_colors() -> None:
    image = np.zeros((60, 40, 3), np.uint8)
    image[:, :20], image[:, 20:] = (200, 40, 40), (40, 40, 200)
    image[::2] //= 2
    poorer = unsharp(image, np.random.default_rng(0))
    assert poorer.shape == image.shape
    assert not np.array_equal(poorer, image)
    np.testing.assert_allclose(poorer[:, :15].mean((0, 1)), image[:, :15].mean((0, 1)), atol=12)


@pytest.mark.parametrize("seed", range(8))
def test_a_close_up_shows_one_of_the_people_at_the_size_asked_for(seed: int) -> None:
    sample = two_people_sample(320, 320)
    small = np.zeros((320, 320), np.uint8)
    small[200:240, 30:50], small[60:100, 250:270] = 1, 2
    sample.human[...] = small
    layer = Layer.of(sample)
    close = close_up(layer, np.random.default_rng(seed), 96, 128)
    assert close.image.shape == (96, 128, 3)
    heights = [np.ptp(np.nonzero(close.maps["human"] == n)[0]) + 1 for n in (1, 2) if (close.maps["human"] == n).any()]
    assert 0.24 * 96 <= max(heights) <= 0.92 * 96


def test_a_photograph_without_people_can_be_shown_closely() -> None:
    assert close_up(blank(80, 60), np.random.default_rng(0), 32, 32).image.shape == (32, 32, 3)
