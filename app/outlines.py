"""Outlines: masks as small SVG pictures that lie exactly on a thumbnail."""

import numpy as np
from numpy.typing import NDArray
from skimage.measure import approximate_polygon, find_contours

# Bright enough on any photograph; search.css has the same six for chips and bars.
COLORS = ("#ff5a36", "#18a5ff", "#ffc928", "#2fcf74", "#b06bff", "#ff5fae")

_TOLERANCE = 0.7  # pixels by which a simplified outline may leave the mask's edge
_LINE = 0.1  # width of a line, per square root of the long side: thinner, relatively, on larger pictures


def garment_svg(mask: NDArray[np.bool_], color: str) -> str:
    """The outline of a (H, W) mask, with a dark rim to be seen on light clothes; a tint would change their color."""
    line = _LINE * max(mask.shape) ** 0.5
    path = _path(mask)
    return _document(
        mask,
        f'<path d="{path}" fill="none" stroke="#000" stroke-opacity=".4" stroke-width="{2 * line:.2f}"/>'
        f'<path d="{path}" fill="none" stroke="{color}" stroke-width="{line:.2f}"/>',
    )


def spotlight_svg(mask: NDArray[np.bool_]) -> str:
    """A picture that dims everything outside a (H, W) mask and draws a thin white line around it."""
    height, width = mask.shape
    path = _path(mask)
    return _document(
        mask,
        f'<path d="M0 0H{width}V{height}H0Z{path}" fill="#0b0a08" fill-opacity=".5" fill-rule="evenodd"/>'
        f'<path d="{path}" fill="none" stroke="#fff" stroke-opacity=".85" stroke-width="{max(mask.shape) / 400:.2f}"/>',
    )


def _document(mask: NDArray[np.bool_], body: str) -> str:
    height, width = mask.shape
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'stroke-linejoin="round">{body}</svg>'
    )


def _path(mask: NDArray[np.bool_]) -> str:
    """SVG path data of the mask's outlines, holes included."""
    contours = find_contours(np.pad(mask, 1).astype(float), 0.5)  # type: ignore[no-untyped-call]
    simple = (approximate_polygon(contour, _TOLERANCE) for contour in contours)  # type: ignore[no-untyped-call]
    return "".join(_closed(points - 0.5) for points in simple)


def _closed(points: NDArray[np.floating]) -> str:
    """Path data of one outline given as (row, column) points."""
    return "M" + "L".join(f"{column:.1f} {row:.1f}" for row, column in points) + "Z"
