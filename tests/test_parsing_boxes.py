import pytest

from parsing.boxes import area, box_iou, common_area


@pytest.mark.parametrize(
    ("first", "second", "shared", "iou"),
    [
        ((0, 0, 4, 4), (2, 2, 6, 6), 4, 4 / 28),
        ((0, 0, 4, 4), (0, 0, 4, 4), 16, 1.0),
        ((0, 0, 4, 4), (4, 0, 8, 4), 0, 0.0),
        ((0, 0, 4, 4), (9, 9, 12, 12), 0, 0.0),
        ((3, 3, 3, 3), (3, 3, 3, 3), 0, 0.0),
    ],
)
def test_boxes_share_what_lies_in_both(first: tuple, second: tuple, shared: float, iou: float) -> None:
    assert common_area(first, second) == shared
    assert box_iou(first, second) == pytest.approx(iou)


def test_a_box_that_ends_before_it_begins_has_no_area() -> None:
    assert area((4, 0, 2, 8)) == 0
