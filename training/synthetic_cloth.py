"""Cloth of rendered garments: tints of every color label, repeating tiles of each pattern, grain of fabrics."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from training.synthetic_specs import Garment, Rgb

Array = NDArray[np.float32]

# sRGB anchors of what people call by each color label (semantics of the project's labelling rules: navy that is visibly
# blue is Blue, beige and camel are Brown, cream is Light, olive Green, burgundy Red, mustard Yellow).
TINTS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "Dark": ((18, 18, 20), (30, 30, 33), (44, 44, 47), (27, 25, 28), (36, 35, 36)),
    "Medium": ((106, 106, 110), (126, 127, 131), (142, 140, 137), (92, 93, 96)),
    "Light": ((242, 242, 240), (228, 226, 220), (250, 249, 244), (206, 207, 210), (240, 232, 216)),
    "Brown": ((92, 60, 38), (122, 84, 54), (194, 160, 118), (174, 138, 96), (70, 46, 33), (208, 184, 148)),
    "Red": ((178, 24, 34), (206, 34, 38), (120, 20, 36), (150, 16, 28), (212, 50, 46)),
    "Pink": ((238, 150, 180), (244, 188, 204), (222, 84, 142), (246, 118, 164), (232, 168, 178)),
    "Yellow": ((246, 206, 58), (234, 188, 38), (208, 162, 36), (250, 226, 108), (248, 214, 84)),
    "Orange": ((234, 112, 28), (244, 140, 46), (208, 88, 26), (250, 158, 84)),
    "Green": ((38, 112, 60), (88, 140, 68), (94, 104, 54), (30, 82, 60), (118, 172, 92), (52, 150, 112)),
    "Blue": ((30, 60, 132), (58, 110, 182), (36, 50, 104), (118, 160, 206), (76, 110, 156), (36, 130, 192)),
    "Purple": ((98, 48, 132), (130, 78, 162), (172, 132, 192), (86, 34, 94), (118, 58, 110)),
}  # fmt: skip
HAIR_TINTS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "Dark": ((22, 18, 17), (32, 26, 24), (16, 15, 18)),
    "Brown": ((70, 46, 31), (98, 66, 43), (122, 84, 56)),
    "Yellow": ((202, 166, 102), (224, 194, 134), (180, 144, 86)),
    "Orange": ((166, 78, 36), (190, 96, 46)),
    "Medium": ((130, 130, 132), (112, 111, 110)),
    "Light": ((226, 224, 220), (208, 206, 202)),
}
SKINS = (
    (246, 214, 192), (238, 200, 172), (228, 184, 152), (214, 166, 130), (196, 146, 110), (172, 122, 88), (146, 98, 68),
    (118, 76, 52), (92, 58, 40), (70, 44, 32),
)  # fmt: skip

GEOMETRICAL = ("stripes-h", "stripes-v", "breton", "checks", "plaid", "dots", "zigzag", "argyle", "grid", "houndstooth")
FANCY = ("floral", "camouflage", "leopard", "zebra", "tie-dye", "leaves")
WORDS = (
    "PARIS",
    "ROMA",
    "1984",
    "LOVE",
    "23",
    "NYC",
    "SURF",
    "HELLO",
    "88",
    "WILD",
    "TEAM",
    "ROCK",
    "LIMA",
    "JAZZ",
    "07",
)
GRAIN_SIZE = 128
_GRAIN_METRES = {
    "weave": 0.10,
    "knit": 0.16,
    "denim": 0.14,
    "leather": 0.20,
    "wool": 0.14,
    "silk": 0.3,
    "hair": 0.09,
    "skin": 0.2,
}
_GLOSS = {
    "leather": 0.55,
    "silk": 0.45,
    "hair": 0.20,
    "skin": 0.10,
    "denim": 0.0,
    "weave": 0.02,
    "knit": 0.0,
    "wool": 0.0,
}
_SOFT = {"wool": 0.5, "knit": 0.35, "skin": 0.4, "hair": 0.35, "leather": 0.1}


def sample_tint(rng: np.random.Generator, color: str, *, hair: bool = False) -> Rgb:
    """An sRGB colour within a label's range: between two of its anchors, slightly off."""
    anchors = (HAIR_TINTS if hair and color in HAIR_TINTS else TINTS)[color]
    first, second = (np.array(anchors[index]) for index in rng.integers(len(anchors), size=2))
    share = rng.uniform(0, 0.35)
    tint = (first * (1 - share) + second * share) / 255 * rng.normal(1, 0.03) + rng.normal(0, 0.008, 3)
    red, green, blue = np.clip(tint, 0.02, 0.99)
    return float(red), float(green), float(blue)


def sample_skin(rng: np.random.Generator) -> Rgb:
    """A skin colour."""
    at = rng.uniform(0, len(SKINS) - 1)
    low = min(int(at), len(SKINS) - 2)
    tint = np.array(SKINS[low]) * (1 - at + low) + np.array(SKINS[low + 1]) * (at - low)
    red, green, blue = np.clip(tint / 255 + rng.normal(0, 0.01, 3), 0, 1)
    return float(red), float(green), float(blue)


def gloss_of(texture: str) -> float:
    """Strength of highlights of a texture."""
    return _GLOSS.get(texture, 0.0)


def softness_of(texture: str) -> float:
    """How far light creeps around its folds."""
    return _SOFT.get(texture, 0.18)


def grain_metres(texture: str) -> float:
    """Width of a texture's grain tile on the surface."""
    return _GRAIN_METRES[texture]


@lru_cache(maxsize=16)
def grain(texture: str) -> Array:
    """Brightness factor (G, G) around 1, repeating, of a texture."""
    rng = np.random.default_rng(sum(map(ord, texture)))
    return np.asarray(np.clip(_GRAINS[texture](rng), 0.4, 1.6), np.float32)


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], sigma: float | tuple[float, float]) -> Array:
    """Repeating noise of mean 0 and standard deviation 1."""
    noise = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), sigma, mode="wrap")
    return np.asarray((noise - noise.mean()) / (noise.std() + 1e-9), np.float32)


def _axes(size: int) -> tuple[Array, Array]:
    values = np.asarray(np.arange(size) / size * 2 * np.pi, np.float32)
    return values[:, None], values[None, :]


def _weave_grain(rng: np.random.Generator) -> Array:
    return (
        1
        + 0.025 * smooth_noise(rng, (GRAIN_SIZE, GRAIN_SIZE), 0.7)
        + 0.03 * smooth_noise(rng, (GRAIN_SIZE, GRAIN_SIZE), 6)
    )


def _knit_grain(rng: np.random.Generator) -> Array:
    down, across = _axes(GRAIN_SIZE)
    ribs = np.sin(across * 16 + 0.9 * np.sin(down * 24))
    return np.asarray(1 + 0.13 * ribs + 0.04 * smooth_noise(rng, (GRAIN_SIZE, GRAIN_SIZE), 1), np.float32)


def _denim_grain(rng: np.random.Generator) -> Array:
    down, across = _axes(GRAIN_SIZE)
    twill = np.sin((across + down) * 28)
    worn = smooth_noise(rng, (GRAIN_SIZE, GRAIN_SIZE), (9, 4))
    return np.asarray(
        1 + 0.05 * twill + 0.09 * smooth_noise(rng, (GRAIN_SIZE, GRAIN_SIZE), 0.8) + 0.06 * worn, np.float32
    )


def _leather_grain(rng: np.random.Generator) -> Array:
    return (
        1
        + 0.06 * smooth_noise(rng, (GRAIN_SIZE, GRAIN_SIZE), 1.2)
        + 0.06 * smooth_noise(rng, (GRAIN_SIZE, GRAIN_SIZE), 9)
    )


def _wool_grain(rng: np.random.Generator) -> Array:
    return (
        1
        + 0.11 * smooth_noise(rng, (GRAIN_SIZE, GRAIN_SIZE), 0.9)
        + 0.05 * smooth_noise(rng, (GRAIN_SIZE, GRAIN_SIZE), 4)
    )


def _silk_grain(rng: np.random.Generator) -> Array:
    return 1 + 0.05 * smooth_noise(rng, (GRAIN_SIZE, GRAIN_SIZE), (16, 5))


def _hair_grain(rng: np.random.Generator) -> Array:
    fine = smooth_noise(rng, (GRAIN_SIZE, GRAIN_SIZE), (22, 0.8))
    return 1 + 0.20 * fine + 0.12 * smooth_noise(rng, (GRAIN_SIZE, GRAIN_SIZE), (30, 4))


def _skin_grain(rng: np.random.Generator) -> Array:
    return (
        1
        + 0.015 * smooth_noise(rng, (GRAIN_SIZE, GRAIN_SIZE), 1)
        + 0.03 * smooth_noise(rng, (GRAIN_SIZE, GRAIN_SIZE), 12)
    )


_GRAINS: dict[str, Callable[[np.random.Generator], Array]] = {
    "weave": _weave_grain,
    "knit": _knit_grain,
    "denim": _denim_grain,
    "leather": _leather_grain,
    "wool": _wool_grain,
    "silk": _silk_grain,
    "hair": _hair_grain,
    "skin": _skin_grain,
}


def tile(garment: Garment, size: int, rng: np.random.Generator) -> tuple[Array, float]:
    """The cloth's repeating picture (size, size, 3) in linear light, and its width on the body in metres."""
    base = np.array(garment.tint, np.float32)
    if garment.pattern in ("Solid", "Letters") or garment.print_style == "plain":
        return np.broadcast_to(base**2.2, (size, size, 3)).astype(np.float32), 0.3
    accents = [np.array(accent, np.float32) for accent in garment.accents]
    image, metres = _PRINTS[garment.print_style](size, base, accents, rng)
    return np.asarray(np.clip(image, 0, 1) ** 2.2, np.float32), metres


def _layered(base: Array, layers: list[tuple[NDArray[np.bool_], Array]], size: int) -> Array:
    image = np.broadcast_to(base, (size, size, 3)).copy()
    for mask, tint in layers:
        image[np.broadcast_to(mask, (size, size))] = tint
    return image


Print = Callable[[int, Array, list[Array], np.random.Generator], tuple[Array, float]]


def _stripes(size: int, base: Array, accents: list[Array], rng: np.random.Generator) -> tuple[Array, float]:
    """Stripes along the tube's length axis index 0; even when accents make it multicoloured."""
    count = int(rng.integers(2, 5)) if len(accents) == 1 else 1
    down = np.arange(size)[:, None] / size * count % 1
    edges = np.linspace(0, 1, len(accents) + 2)[1:] if len(accents) > 1 else np.array([rng.uniform(0.58, 0.72), 1.0])
    layers = [((down >= edges[i]) & (down < edges[i + 1]), accent) for i, accent in enumerate(accents)]
    return _layered(base, layers, size), float(rng.uniform(0.05, 0.075)) * (
        count if len(accents) == 1 else len(accents) + 1
    )


def _stripes_vertical(size: int, base: Array, accents: list[Array], rng: np.random.Generator) -> tuple[Array, float]:
    image, metres = _stripes(size, base, accents, rng)
    return np.ascontiguousarray(image.transpose(1, 0, 2)), metres * 0.8


def _breton(size: int, base: Array, accents: list[Array], rng: np.random.Generator) -> tuple[Array, float]:
    down = np.arange(size)[:, None] / size * 4 % 1
    return _layered(base, [(down > 0.68, accents[0])], size), float(rng.uniform(0.12, 0.17))


def _checks(size: int, base: Array, accents: list[Array], rng: np.random.Generator) -> tuple[Array, float]:
    down, across = (
        (np.arange(size) / size * 4 % 1 < 0.45).astype(np.float32)[:, None],
        (np.arange(size) / size * 4 % 1 < 0.45)[None, :],
    )
    cover = ((down + across) / 2)[..., None].astype(np.float32)
    return base * (1 - cover) + accents[0] * cover, float(rng.uniform(0.14, 0.24))


def _plaid(size: int, base: Array, accents: list[Array], rng: np.random.Generator) -> tuple[Array, float]:
    image = np.broadcast_to(base, (size, size, 3)).copy()
    position = np.arange(size) / size
    bands = [(0.08, 0.34, 0), (0.5, 0.56, -1), (0.66, 0.72, -1), (0.86, 0.89, 0)]
    for low, high, which in bands:
        band = ((position >= low) & (position < high)).astype(np.float32)
        cover = 0.42 * (band[:, None] + band[None, :])[..., None]
        image = image * (1 - cover) + accents[which] * cover
    return image.astype(np.float32), float(rng.uniform(0.11, 0.18))


def _dots(size: int, base: Array, accents: list[Array], rng: np.random.Generator) -> tuple[Array, float]:
    down, across = np.meshgrid(np.arange(size) / size * 3, np.arange(size) / size * 3, indexing="ij")
    radius = rng.uniform(0.17, 0.27)
    first = np.hypot(down % 1 - 0.5, across % 1 - 0.5) < radius
    second = np.hypot((down + 0.5) % 1 - 0.5, (across + 0.5) % 1 - 0.5) < radius
    return _layered(base, [(first, accents[0]), (second, accents[-1])], size), float(rng.uniform(0.12, 0.22))


def _zigzag(size: int, base: Array, accents: list[Array], rng: np.random.Generator) -> tuple[Array, float]:
    down, across = np.arange(size)[:, None] / size, np.arange(size)[None, :] / size
    wave = (down * 3 + abs(across * 3 % 1 - 0.5)) % 1
    return _layered(base, [(wave > 0.66, accents[0]), (wave < 0.2, accents[-1])], size), float(rng.uniform(0.16, 0.24))


def _argyle(size: int, base: Array, accents: list[Array], rng: np.random.Generator) -> tuple[Array, float]:
    down, across = np.arange(size)[:, None] / size, np.arange(size)[None, :] / size
    diamond = abs(down * 2 % 1 - 0.5) + abs(across * 2 % 1 - 0.5) < 0.32
    line = abs(abs(down * 2 % 1 - 0.5) - abs(across * 2 % 1 - 0.5)) < 0.03
    return _layered(base, [(diamond, accents[0]), (line, accents[-1])], size), float(rng.uniform(0.16, 0.22))


def _grid(size: int, base: Array, accents: list[Array], rng: np.random.Generator) -> tuple[Array, float]:
    line = np.arange(size) / size * 3 % 1 < 0.16
    return _layered(base, [(line[:, None] | line[None, :], accents[0])], size), float(rng.uniform(0.12, 0.20))


def _houndstooth(size: int, base: Array, accents: list[Array], rng: np.random.Generator) -> tuple[Array, float]:
    down, across = np.meshgrid(np.arange(size) / size * 16, np.arange(size) / size * 16, indexing="ij")
    row, column = down % 4, across % 4
    twill = (np.floor(down) + np.floor(across)) % 4 < 2
    mask = ((row < 2) & (column < 2)) | ((row < 2) ^ (column < 2)) & twill
    return _layered(base, [(mask, accents[0])], size), float(rng.uniform(0.10, 0.16))


def _floral(size: int, base: Array, accents: list[Array], rng: np.random.Generator) -> tuple[Array, float]:
    image = Image.new("RGB", (size * 2, size * 2), _bytes(base))
    draw = ImageDraw.Draw(image)
    leaf = _bytes(np.array([0.25, 0.42, 0.22]) * 0.6 + base * 0.4)
    spots = [(row, column) for row in range(3) for column in range(3)]
    for index, (row, column) in enumerate(spots):
        x = (column + 0.5 * (row % 2) + rng.uniform(0.2, 0.6)) / 3 * size * 2
        y = (row + rng.uniform(0.2, 0.6)) / 3 * size * 2
        radius = size * rng.uniform(0.10, 0.17)
        for shift_x in (-2 * size, 0, 2 * size):
            for shift_y in (-2 * size, 0, 2 * size):
                _flower(draw, x + shift_x, y + shift_y, radius, accents[index % len(accents)], leaf, index)
    return _reduced(image, size), float(rng.uniform(0.20, 0.32))


def _reduced(image: Image.Image, size: int) -> Array:
    """A drawn tile at its final size, 0 to 1."""
    return np.asarray(np.asarray(image.resize((size, size), Image.Resampling.BOX)) / 255, np.float32)


def _flower(
    draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, tint: Array, leaf: tuple[int, int, int], turn: int
) -> None:
    for side in (-1, 1):
        end_x, end_y = x + side * radius * 1.9, y + radius * 1.3
        draw.ellipse((min(x, end_x), min(y, end_y), max(x, end_x), max(y, end_y)), fill=leaf)
    for petal in range(5):
        angle = petal * 2 * np.pi / 5 + turn
        px, py = x + radius * 0.75 * np.cos(angle), y + radius * 0.75 * np.sin(angle)
        shade = _bytes(tint * (0.88 + 0.05 * petal))
        draw.ellipse((px - radius * 0.7, py - radius * 0.7, px + radius * 0.7, py + radius * 0.7), fill=shade)
    draw.ellipse((x - radius * 0.4, y - radius * 0.4, x + radius * 0.4, y + radius * 0.4), fill=(236, 200, 90))


def _bytes(tint: NDArray[np.floating]) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in np.clip(tint * 255, 0, 255))
    return red, green, blue


def _leaves(size: int, base: Array, accents: list[Array], rng: np.random.Generator) -> tuple[Array, float]:
    image = Image.new("RGB", (size * 2, size * 2), _bytes(base))
    draw = ImageDraw.Draw(image)
    for index in range(16):
        x, y, angle = rng.uniform(0, 2 * size), rng.uniform(0, 2 * size), rng.uniform(0, 2 * np.pi)
        length, width = size * rng.uniform(0.3, 0.55), size * rng.uniform(0.06, 0.12)
        along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        for shift in [(i, j) for i in (-2 * size, 0, 2 * size) for j in (-2 * size, 0, 2 * size)]:
            start = np.array([x, y]) + shift
            outline = [
                start,
                start + along * length * 0.4 + across * width,
                start + along * length,
                start + along * length * 0.4 - across * width,
            ]
            draw.polygon([(float(p[0]), float(p[1])) for p in outline], fill=_bytes(accents[index % len(accents)]))
    return _reduced(image, size), float(rng.uniform(0.22, 0.34))


def _camouflage(size: int, base: Array, accents: list[Array], rng: np.random.Generator) -> tuple[Array, float]:
    layers = [
        (smooth_noise(rng, (size, size), (size * 0.045, size * 0.075)) > 0.55 + 0.1 * i, accent)
        for i, accent in enumerate(accents)
    ]
    return _layered(base, layers, size), float(rng.uniform(0.32, 0.48))


def _leopard(size: int, base: Array, accents: list[Array], rng: np.random.Generator) -> tuple[Array, float]:
    noise = smooth_noise(rng, (size, size), size * 0.032)
    ring = (noise > 0.75) & (noise < 1.55)
    broken = smooth_noise(rng, (size, size), size * 0.025) > -0.6
    return _layered(base, [(noise >= 1.55, base * 0.72), (ring & broken, accents[0])], size), float(
        rng.uniform(0.24, 0.36)
    )


def _zebra(size: int, base: Array, accents: list[Array], rng: np.random.Generator) -> tuple[Array, float]:
    down, across = _axes(size)
    wave = np.sin(down * 6 + 1.3 * smooth_noise(rng, (size, size), size * 0.07) + np.sin(across * 2))
    return _layered(base, [(wave > 0.15, accents[0])], size), float(rng.uniform(0.26, 0.4))


def _tie_dye(size: int, base: Array, accents: list[Array], rng: np.random.Generator) -> tuple[Array, float]:
    image = np.broadcast_to(base, (size, size, 3)).astype(np.float32)
    for accent in accents:
        cover = np.clip(smooth_noise(rng, (size, size), size * 0.07) * 0.9 - 0.1, 0, 1)[..., None]
        image = image * (1 - cover) + accent * cover
    return image, float(rng.uniform(0.35, 0.5))


_PRINTS: dict[str, Print] = {
    "stripes-h": _stripes,
    "stripes-v": _stripes_vertical,
    "breton": _breton,
    "checks": _checks,
    "plaid": _plaid,
    "dots": _dots,
    "zigzag": _zigzag,
    "argyle": _argyle,
    "grid": _grid,
    "houndstooth": _houndstooth,
    "floral": _floral,
    "leaves": _leaves,
    "camouflage": _camouflage,
    "leopard": _leopard,
    "zebra": _zebra,
    "tie-dye": _tie_dye,
}


def lettering(text: str, tint: Rgb, height: int = 96) -> Array:
    """Text as an RGBA picture (height, w, 4) in 0..1."""
    font = ImageFont.load_default(height * 0.8)
    width = int(font.getlength(text)) + 8
    image = Image.new("L", (width, height), 0)
    ImageDraw.Draw(image).text((4, 0), text, fill=255, font=font, stroke_width=max(1, height // 40))
    alpha = np.asarray(image, np.float32)[..., None] / 255
    return np.concatenate([np.broadcast_to(np.array(tint, np.float32), (*alpha.shape[:2], 3)), alpha], 2)
