"""Faces of rendered people: eyes, brows, nose and lips as a picture painted on the head. Nobody's likeness."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from training.synthetic_raster import Decal
from training.synthetic_specs import PersonSpec

SIZE = 320
SPAN = 1.35  # radians to each side of the front that the picture covers
EYES = ((70, 48, 34), (52, 36, 28), (92, 70, 44), (70, 96, 80), (74, 104, 136))


def face_decal(person: PersonSpec, *, fine: bool) -> Decal:
    """The face of a person: same seed, same face."""
    rng = np.random.default_rng([person.seed, 5])
    skin = np.array(person.skin) * 255
    image = Image.new("RGBA", (SIZE, SIZE), (*_rgb(skin), 0))
    _soft_shapes(image, skin, rng)
    _sharp_shapes(image, skin, person, rng, fine=fine)
    if not fine:
        image = image.resize((SIZE // 4, SIZE // 4), Image.Resampling.BOX)
    pixels = np.asarray(image, np.float32)[::-1, ::-1] / 255  # row 0 is the chin, column 0 the person's left
    return Decal(np.ascontiguousarray(pixels), (np.pi / 2 - SPAN, np.pi / 2 + SPAN), (0.02, 0.9))


def _rgb(values: NDArray[np.floating]) -> tuple[int, int, int]:
    red, green, blue = (int(v) for v in np.clip(values, 0, 255))
    return red, green, blue


def _point(across: float, share: float) -> tuple[float, float]:
    """Pixel of (radians to the side, share from chin to crown)."""
    return (0.5 + across / (2 * SPAN)) * SIZE, (1 - (share - 0.02) / 0.88) * SIZE


def _ellipse(
    draw: ImageDraw.ImageDraw, across: float, share: float, wide: float, high: float, fill: tuple[int, ...]
) -> None:
    x, y = _point(across, share)
    half_x, half_y = wide / (2 * SPAN) * SIZE, high / 0.88 * SIZE
    draw.ellipse((x - half_x, y - half_y, x + half_x, y + half_y), fill=fill)


def _soft_shapes(image: Image.Image, skin: NDArray[np.floating], rng: np.random.Generator) -> None:
    """Blush, sockets and the shade under nose and lip."""
    layer = Image.new("RGBA", image.size, (*_rgb(skin * (0.9, 0.7, 0.66)), 0))
    draw = ImageDraw.Draw(layer)
    dark, blush = _rgb(skin * (0.72, 0.62, 0.58)), _rgb(skin * (0.98, 0.76, 0.72))
    for side in (-1, 1):
        _ellipse(draw, 0.55 * side, 0.36, 0.22, 0.07, (*blush, int(rng.uniform(50, 110))))
        _ellipse(draw, 0.38 * side, 0.565, 0.20, 0.055, (*dark, 120))
        _ellipse(draw, 0.11 * side, 0.335, 0.06, 0.02, (*dark, 150))
    _ellipse(draw, 0, 0.305, 0.15, 0.02, (*dark, 130))
    _ellipse(draw, 0, 0.145, 0.20, 0.018, (*dark, 110))
    soft = layer.reduce(4).filter(ImageFilter.GaussianBlur(SIZE * 0.022 / 4))  # a quarter of the size: much faster
    image.alpha_composite(soft.resize(layer.size, Image.Resampling.BILINEAR))


def _sharp_shapes(
    image: Image.Image, skin: NDArray[np.floating], person: PersonSpec, rng: np.random.Generator, *, fine: bool
) -> None:
    layer = Image.new("RGBA", image.size, (*_rgb(skin * 0.4), 0))
    draw = ImageDraw.Draw(layer)
    hair = person.outfit.garments.get("Hair")
    brow = _rgb(np.array(hair.tint) * 255 * 0.6 + skin * 0.08) if hair else _rgb(skin * 0.35)
    iris = EYES[int(rng.integers(2 if skin.mean() < 130 else len(EYES)))]
    made_up = rng.random() < 0.5 * person.curve + 0.1
    for side in (-1, 1):
        _eye(draw, 0.37 * side, skin, iris, made_up)
        _brow(draw, side, brow, 2 if made_up else 4)
        _ellipse(draw, 0.075 * side, 0.325, 0.035, 0.011, (*_rgb(skin * 0.42), 220))
    lips = _rgb(np.array([176, 40, 56])) if made_up and rng.random() < 0.5 else _rgb(skin * (0.82, 0.60, 0.58))
    _mouth(draw, lips, skin, rng)
    image.alpha_composite(layer.filter(ImageFilter.GaussianBlur(SIZE * 0.004)) if fine else layer)


def _eye(
    draw: ImageDraw.ImageDraw, across: float, skin: NDArray[np.floating], iris: tuple[int, int, int], made_up: bool
) -> None:
    _ellipse(draw, across, 0.548, 0.155, 0.034, (*_rgb(skin * 0.34), 255))
    _ellipse(draw, across, 0.543, 0.14, 0.027, (236, 232, 226, 255))
    _ellipse(draw, across, 0.546, 0.066, 0.029, (*iris, 255))
    _ellipse(draw, across, 0.546, 0.032, 0.014, (14, 12, 12, 255))
    _ellipse(draw, across - 0.022, 0.556, 0.014, 0.006, (255, 255, 255, 230))
    x0, y0 = _point(across - 0.16, 0.580)
    x1, y1 = _point(across + 0.16, 0.512)
    draw.arc((x0, y0, x1, y1), 195, 345, fill=(*_rgb(skin * 0.2), 255), width=5 if made_up else 3)


def _brow(draw: ImageDraw.ImageDraw, side: int, tint: tuple[int, int, int], thick: int) -> None:
    points = [
        _point(side * across, share) for across, share in ((0.17, 0.618), (0.30, 0.638), (0.44, 0.637), (0.57, 0.612))
    ]
    draw.line(points, fill=(*tint, 225), width=4 + thick, joint="curve")


def _mouth(
    draw: ImageDraw.ImageDraw, lips: tuple[int, int, int], skin: NDArray[np.floating], rng: np.random.Generator
) -> None:
    smile, wide = rng.uniform(-0.002, 0.016), rng.uniform(0.19, 0.25)
    corners = [_point(side * wide, 0.207 + smile) for side in (-1, 1)]
    upper = [
        _point(across, share)
        for across, share in ((0.10, 0.226), (0.035, 0.232), (0, 0.227), (-0.035, 0.232), (-0.10, 0.226))
    ]
    lower = [_point(across, share) for across, share in ((-0.12, 0.186), (0, 0.176), (0.12, 0.186))]
    draw.polygon([corners[0], *upper[::-1], corners[1], *lower[::-1]], fill=(*lips, 235))
    middle = [
        _point(across, share)
        for across, share in ((-wide, 0.207 + smile), (-0.08, 0.204), (0, 0.206), (0.08, 0.204), (wide, 0.207 + smile))
    ]
    draw.line(middle, fill=(*_rgb(skin * 0.36), 230), width=3, joint="curve")
