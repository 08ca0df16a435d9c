"""Thumbnails: the right pixels, and masks that lie on them."""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from index.thumbnails import PERSON_SIDE, Crop, Thumbnails, crop_of

SIDES = st.integers(1, 3000)
EDGES = st.floats(-50, 3050)


@given(height=SIDES, width=SIDES, edges=st.tuples(EDGES, EDGES, EDGES, EDGES))
def test_a_crop_lies_in_its_image_and_is_never_empty(
    height: int, width: int, edges: tuple[float, float, float, float]
) -> None:
    x0, x1 = sorted(edges[:2])
    y0, y1 = sorted(edges[2:])
    crop = crop_of((x0, y0, x1, y1), height=height, width=width)
    assert 0 <= crop.x0 < crop.x1 <= width
    assert 0 <= crop.y0 < crop.y1 <= height
    assert min(crop.height, crop.width) >= 1
    assert max(crop.height, crop.width) <= PERSON_SIDE


def test_a_crop_has_a_margin_and_the_proportions_of_the_box() -> None:
    assert crop_of((100, 100, 300, 1100), height=2000, width=1000) == Crop(88, 40, 312, 1160, 384, 77)


def test_written_pictures_show_the_person(tmp_path: Path) -> None:
    pixels = np.zeros((400, 300, 3), np.uint8)
    pixels[100:200, 50:100] = (255, 0, 0)
    thumbnails = Thumbnails(tmp_path)
    thumbnails.write(2034, pixels, {7: (50, 100, 100, 200)})
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")) == [
        "000002/2034-7.webp",
        "000002/2034.webp",
    ]
    with Image.open(thumbnails.person_path(2034, 7)) as picture:
        crop = crop_of((50, 100, 100, 200), height=400, width=300)
        assert picture.size == (crop.width, crop.height)
        assert np.abs(np.asarray(picture)[50, 25].astype(int) - (255, 0, 0)).max() < 20


def test_a_mask_lies_on_the_thumbnail_as_on_the_image() -> None:
    mask = np.zeros((1000, 800), bool)
    mask[200:800, 300:500] = True
    crop = crop_of((300, 200, 500, 800), height=1000, width=800)
    small = crop.of_mask(mask)
    assert small.shape == (crop.height, crop.width)
    scale = crop.height / (crop.y1 - crop.y0)
    assert abs(small.sum() / (mask.sum() * scale**2) - 1) < 0.02
