import xml.etree.ElementTree as ET

import numpy as np
import pytest

from app.outlines import garment_svg, spotlight_svg


@pytest.mark.parametrize("mask", [np.zeros((20, 30), bool), np.ones((20, 30), bool), np.eye(20, 30, dtype=bool)])
def test_outlines_are_pictures_of_the_masks_size(mask: np.ndarray[tuple[int, int], np.dtype[np.bool_]]) -> None:
    for document in (garment_svg(mask, "#ff5a36"), spotlight_svg(mask)):
        assert ET.fromstring(document).get("viewBox") == "0 0 30 20"


def test_an_outline_runs_along_the_edge_of_the_mask() -> None:
    mask = np.zeros((10, 12), bool)
    mask[2:8, 3:9] = True
    path = next(element.get("d") for element in ET.fromstring(garment_svg(mask, "#ff5a36")).iter() if element.get("d"))
    assert path is not None
    points = [tuple(map(float, point.split())) for point in path.strip("MZ").split("L")]
    columns, rows = zip(*points, strict=True)
    assert (min(columns), max(columns), min(rows), max(rows)) == pytest.approx((2.5, 8.5, 1.5, 7.5), abs=0.5)


def test_an_outline_leaves_the_color_inside_as_it_is() -> None:
    paths = [
        element for element in ET.fromstring(garment_svg(np.ones((9, 9), bool), "#ff5a36")).iter() if element.get("d")
    ]
    assert [path.get("fill") for path in paths] == ["none", "none"]
