"""Tests of palettes: the colors of a garment come out with their shares, and survive being stored as cells."""

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from parsing.palette import CELLS, SHADES, cells_of_lab, lab_of_cells
from tests.factories import palette


def pixels(*parts: tuple[tuple[int, int, int], int]) -> np.ndarray:
    return np.concatenate([np.tile(np.array(color, np.uint8), (count, 1)) for color, count in parts])


def delta_e(first: str, second: tuple[int, int, int]) -> float:
    channels = [int(first[start : start + 2], 16) for start in (1, 3, 5)]
    return float(deltaE_ciede2000(rgb2lab(np.array([channels]) / 255), rgb2lab(np.array([second]) / 255))[0])


def test_two_colors_come_out_with_their_shares() -> None:
    red, white = palette(pixels(((160, 48, 32), 300), ((240, 240, 240), 100)))
    assert (red.share, white.share) == (191, 64)
    assert delta_e(red.color, (160, 48, 32)) < 4
    assert delta_e(white.color, (240, 240, 240)) < 4


def test_folds_of_one_cloth_are_one_color_or_two() -> None:
    shading = np.linspace(0.7, 1.0, 400)[:, None]
    found = palette((shading * np.array([40, 60, 160])).astype(np.uint8))
    assert 1 <= len(found) <= 2
    assert all(delta_e(shade.color, (34, 51, 136)) < 12 for shade in found)


def test_specks_are_left_out_and_many_colors_bounded() -> None:
    assert len(palette(pixels(((160, 48, 32), 980), ((0, 200, 0), 20)))) == 1
    noise = np.random.default_rng(0).integers(0, 256, (3000, 3), dtype=np.uint8)
    assert len(palette(noise)) <= SHADES


def test_no_pixels_have_no_palette() -> None:
    assert palette(np.zeros((0, 3), np.uint8)) == ()


def test_every_cell_is_the_cell_of_its_color() -> None:
    cells = np.arange(CELLS)
    assert np.array_equal(cells_of_lab(lab_of_cells(cells)), cells)


@pytest.mark.parametrize("color", [(0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 128, 128)])
def test_a_cell_is_near_to_what_is_put_in_it(color: tuple[int, int, int]) -> None:
    assert delta_e(palette(pixels((color, 10)))[0].color, color) < 4
