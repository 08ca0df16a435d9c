import numpy as np
import pytest

from parsing.records import RunLengthMask
from parsing.regions import Runs


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
    regions = Runs.of(label_map).regions()
    assert set(regions) == set(np.unique(label_map).tolist()) - {0}
    for label, region in regions.items():
        mask = label_map == label
        assert region.mask == RunLengthMask.encode(mask)
        assert region.area == mask.sum()
        rows, columns = np.nonzero(mask)
        assert region.box_xyxy == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


def test_a_sample_is_of_each_region_and_spread_over_it() -> None:
    label_map = np.zeros((40, 30), np.int64)
    label_map[2:4, 5:8], label_map[10:40, ::2], label_map[0, 29] = 7, 3, 9
    runs = Runs.of(label_map)
    rows, columns, counts = runs.sample(50)
    assert (runs.labels.tolist(), counts.tolist()) == ([3, 7, 9], [50, 6, 1])
    assert label_map[rows, columns].tolist() == [3] * 50 + [7] * 6 + [9]
    assert len(set(zip(rows.tolist(), columns.tolist(), strict=True))) == 57
    assert set(columns[:50].tolist()) == set(range(0, 30, 2))


def test_a_sample_of_a_rectangle_sees_all_its_stripes() -> None:
    stripes = np.zeros((200, 128), bool)
    stripes[::20] = stripes[1::20] = True  # a tenth of the rows
    rows, columns, _ = Runs.of(np.ones((200, 128), np.int64)).sample(128)
    assert 0.05 < stripes[rows, columns].mean() < 0.2
    assert len(set(rows.tolist())) > 60


def test_nothing_has_no_regions() -> None:
    runs = Runs.of(np.zeros((4, 6), np.int64))
    assert runs.regions() == {}
    assert [part.size for part in runs.sample(5)] == [0, 0, 0]


def test_the_runs_of_some_regions_are_those_of_a_map_without_the_others() -> None:
    label_map = np.random.default_rng(0).integers(0, 5, (30, 20))
    every = Runs.of(label_map)
    some = every.only(np.isin(every.labels, [2, 4]))
    alone = Runs.of(np.where(np.isin(label_map, [2, 4]), label_map, 0))
    assert some.regions() == alone.regions()
    for before, after in zip(alone.sample(20), some.sample(20), strict=True):
        np.testing.assert_array_equal(after, before)
    assert every.only(np.zeros(len(every.labels), bool)).regions() == {}
