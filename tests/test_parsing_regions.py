import numpy as np
import pytest

from parsing.records import RunLengthMask
from parsing.regions import regions_of


@pytest.mark.parametrize(
    ("height", "width", "labels", "block"),
    [
        (7, 5, 3, 1),
        (40, 60, 30, 4),
        (200, 150, 800, 10),
        (1, 90, 2, 3),
        (90, 1, 2, 3),
        (64, 64, 1, 64),
        (600, 700, 3, 200),
    ],
)
def test_every_label_has_the_mask_area_and_box_of_its_pixels(height: int, width: int, labels: int, block: int) -> None:
    rng = np.random.default_rng(height)
    coarse = rng.integers(0, labels + 1, (-(-height // block), -(-width // block)))
    label_map = coarse.repeat(block, 0).repeat(block, 1)[:height, :width]
    regions = regions_of(label_map)
    assert set(regions) == set(np.unique(label_map).tolist()) - {0}
    for label, region in regions.items():
        mask = label_map == label
        assert region.mask == RunLengthMask.encode(mask)
        assert region.area == mask.sum()
        rows, columns = np.nonzero(mask)
        assert region.box_xyxy == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


def test_nothing_has_no_regions() -> None:
    assert regions_of(np.zeros((4, 6), np.int64)) == {}
