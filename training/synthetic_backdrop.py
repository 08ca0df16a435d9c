"""Backdrops of rendered scenes: a street, a park, a plaza, a shop or a wall in perspective, blurred by its distance.

Every pixel's ray meets the ground, a side wall, the back wall, a ceiling or the sky; what it meets is painted by a
function of metres. Shadows of people fall on the ground along the light.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from training.synthetic_cloth import smooth_noise
from training.synthetic_raster import Patch, light_direction, person_basis
from training.synthetic_specs import Camera, PersonSpec, SceneSpec

Array = NDArray[np.float32]
Numbers = NDArray[np.floating[Any]]
NOISE_SIZE = 256


@dataclass(frozen=True)
class Backdrop:
    """What is behind the people: linear colour (H, W, 3), and which pixels are ground, (H, W) bool."""

    color: Array
    ground: NDArray[np.bool_]


@dataclass(frozen=True)
class Hall:
    """The box that the camera looks into, in metres: walls at the sides, one at the back, maybe a ceiling."""

    left: float
    right: float
    back: float
    wall_height: float
    ceiling: float | None = None


@dataclass(frozen=True)
class Hits:
    """Where the rays of the pixels end: which surface, (x, y, z) in metres, each (H, W)."""

    ground: NDArray[np.bool_]
    wall: NDArray[np.bool_]
    back: NDArray[np.bool_]
    ceiling: NDArray[np.bool_]
    x: Array
    y: Array
    z: Array


def paint_backdrop(scene: SceneSpec) -> Backdrop:
    """The scene's backdrop without its people."""
    rng = np.random.default_rng([scene.seed, 3])
    step = 2 if scene.height * scene.width > 400_000 else 1
    height, width = -(-scene.height // step), -(-scene.width // step)
    camera = Camera(scene.camera.focal / step, scene.camera.column / step, scene.camera.row / step, scene.camera.height)
    hall, paint = _PLACES[scene.backdrop]
    farthest = max((person.z for person in scene.people), default=5.0)
    hits = _hits(camera, hall(rng, farthest), height, width)
    color = paint(hits, camera, rng) * _brightness(scene)
    color = np.asarray(_focused(color, hits, scene, height), np.float32)
    ground = hits.ground
    if step > 1:
        color = _enlarged(color, step)[: scene.height, : scene.width]
        ground = np.repeat(np.repeat(ground, step, 0), step, 1)[: scene.height, : scene.width]
    return Backdrop(np.asarray(color, np.float32), ground)


def _enlarged(color: Array, step: int) -> Array:
    """The picture `step` times as large, smoothly."""
    size = color.shape[1] * step, color.shape[0] * step
    bands = [Image.fromarray(np.ascontiguousarray(color[..., band])) for band in range(3)]
    return np.stack([np.asarray(band.resize(size, Image.Resampling.BILINEAR)) for band in bands], 2)


def _brightness(scene: SceneSpec) -> Array:
    light = scene.light
    level = 0.62 * light.sun + 0.75 * light.sky
    return np.array([level * (1 + 0.05 * light.warmth), level, level * (1 - 0.09 * light.warmth)], np.float32)


def _hits(camera: Camera, hall: Hall, height: int, width: int) -> Hits:
    rows, columns = (
        np.arange(height, dtype=np.float32)[:, None] + 0.5,
        np.arange(width, dtype=np.float32)[None, :] + 0.5,
    )
    down, aside = (rows - camera.row) / camera.focal, (columns - camera.column) / camera.focal
    depth_wall = np.where(aside < 0, -hall.left / np.minimum(aside, -1e-6), hall.right / np.maximum(aside, 1e-6))
    depth_ground = np.where(down > 1e-4, camera.height / np.maximum(down, 1e-4), 1e6)
    depth_roof = np.full_like(depth_ground, 1e6)
    if hall.ceiling is not None:
        depth_roof = np.where(down < -1e-4, (hall.ceiling - camera.height) / np.maximum(-down, 1e-4), 1e6)
    z = np.minimum(np.minimum(depth_ground, depth_roof), np.minimum(depth_wall, hall.back))
    x, y = np.asarray(aside * z, np.float32), np.asarray(camera.height - down * z, np.float32)
    ground, ceiling = np.broadcast_to(z >= depth_ground, x.shape), np.broadcast_to(z >= depth_roof, x.shape)
    standing = ~ground & ~ceiling & (y < hall.wall_height)
    wall = standing & (z >= np.broadcast_to(depth_wall, x.shape))
    return Hits(ground, wall, standing & ~wall, ceiling, x, y, np.asarray(np.broadcast_to(z, x.shape), np.float32))


@lru_cache(maxsize=1)
def _noise() -> Array:
    rng = np.random.default_rng(11)
    layers = [
        weight * smooth_noise(rng, (NOISE_SIZE, NOISE_SIZE), sigma)
        for sigma, weight in ((1, 0.35), (4, 0.4), (14, 0.5), (36, 0.5))
    ]
    total = np.sum(layers, axis=0)
    return np.asarray(total / total.std(), np.float32)


def _noise_at(u: Numbers, v: Numbers, metres: float) -> Array:
    """Noise of mean 0 that repeats every `metres`."""
    scale = NOISE_SIZE / metres
    return _noise()[np.mod((u * scale).astype(np.int64), NOISE_SIZE), np.mod((v * scale).astype(np.int64), NOISE_SIZE)]


def _cell_noise(u: Numbers, v: Numbers, salt: int) -> Array:
    """A number in 0..1 for each integer cell."""
    value = (u.astype(np.int64) * 73856093) ^ (v.astype(np.int64) * 19349663) ^ (salt * 83492791)
    return np.asarray(np.mod(value * 2654435761, 100003) / 100003.0, np.float32)


def _rgb(*tint: float) -> Array:
    """Linear colour of an sRGB one in 0..255."""
    return np.asarray((np.array(tint) / 255) ** 2.2, np.float32)


def _sky(hits: Hits, camera: Camera, rng: np.random.Generator) -> Array:
    height, width = hits.x.shape
    up = np.clip((camera.row - np.arange(height, dtype=np.float32)) / max(60.0, camera.row + 0.15 * height), 0, 1)[
        :, None
    ]
    top, low = (
        (_rgb(112, 158, 208), _rgb(214, 226, 236))
        if rng.random() < 0.65
        else (_rgb(190, 198, 206), _rgb(226, 229, 230))
    )
    sky = low + (top - low) * up[..., None]
    rows, columns = (
        np.arange(height, dtype=np.float32)[:, None] / height,
        np.arange(width, dtype=np.float32)[None, :] / height,
    )
    cloud = np.clip(_noise_at(rows * 2.2 + rng.uniform(0, 9), columns * 0.8 + rng.uniform(0, 9), 2.5) * 0.5, 0, 0.75)[
        ..., None
    ]
    return np.asarray((sky * (1 - cloud) + _rgb(243, 243, 243) * cloud) * 1.15, np.float32)


def _lines(values: Array, period: float, thick: float, depth: Array) -> Array:
    """Joints of slabs, 0 or 1, fading with the distance."""
    gap = np.mod(values, period)
    return np.asarray((gap < thick) * np.clip(9 / depth, 0, 1), np.float32)


def _paving(hits: Hits, rng: np.random.Generator, tint: Array, slab: float) -> Array:
    x, z = hits.x + 50, hits.z
    stagger = np.floor(z / slab) % 2 * 0.5 * slab
    tone = 1 + 0.10 * _noise_at(x, z, 3.1) + 0.06 * _noise_at(x, z, 0.6)
    tone = tone + 0.12 * (_cell_noise((x + stagger) / slab, z / slab, 5) - 0.5)
    joints = np.maximum(_lines(x + stagger, slab, 0.018, z), _lines(z, slab, 0.025, z * 0.7))
    return np.asarray(tint * (tone * (1 - 0.35 * joints))[..., None], np.float32)


def _asphalt(hits: Hits, rng: np.random.Generator) -> Array:
    tone = 1 + 0.12 * _noise_at(hits.x + 40, hits.z, 4.0) + 0.10 * _noise_at(hits.x + 40, hits.z, 0.5)
    return np.asarray(_rgb(118, 118, 120) * tone[..., None], np.float32)


def _facade(along: Array, y: Array, rng: np.random.Generator, depth: Array) -> Array:
    """House fronts: plaster or brick by house, windows by floor, shop fronts below."""
    house = np.floor(along / 9.0)
    palette = np.stack(
        [
            _rgb(*t)
            for t in (
                (206, 192, 170),
                (176, 120, 96),
                (188, 188, 184),
                (222, 210, 188),
                (150, 104, 84),
                (160, 170, 178),
            )
        ]
    )
    tint = palette[(_cell_noise(house, house, int(rng.integers(1000))) * len(palette)).astype(int)]
    brick = np.maximum(_lines(y, 0.14, 0.02, depth), _lines(along + np.floor(y / 0.14) % 2 * 0.15, 0.3, 0.02, depth))
    wall = tint * (1 + 0.08 * _noise_at(along, y, 5.0) - 0.12 * brick)[..., None]
    u, v = np.mod(along, 3.0) / 3.0, np.mod(y - 4.2, 3.3) / 3.3
    frame = (u > 0.24) & (u < 0.76) & (v > 0.16) & (v < 0.80) & (y > 4.2)
    glass = (u > 0.29) & (u < 0.71) & (v > 0.21) & (v < 0.76) & (np.abs(u - 0.5) > 0.015) & (y > 4.2)
    shine = 0.35 + 0.9 * _cell_noise(along / 3.0, y / 3.3, 9) * (0.4 + 0.6 * v)
    color = np.where(frame[..., None], _rgb(232, 230, 224), wall)
    color = np.where(glass[..., None], _rgb(96, 116, 134) * shine[..., None], color)
    return np.asarray(_shop_fronts(color, along, y, rng), np.float32)


def _shop_fronts(color: Array, along: Array, y: Array, rng: np.random.Generator) -> Array:
    shop = np.floor(along / 4.5)
    u, hue = np.mod(along, 4.5) / 4.5, _cell_noise(shop, shop, int(rng.integers(1000)))
    signs = np.stack(
        [_rgb(*t) for t in ((150, 40, 44), (36, 92, 70), (40, 66, 120), (212, 166, 60), (60, 58, 62), (196, 110, 60))]
    )
    sign = signs[(hue * len(signs)).astype(int)]
    goods = 0.25 + 0.8 * _cell_noise(along / 0.5, y / 0.7, 4)
    window = (
        np.stack([_rgb(250, 226, 180) * 0.5, _rgb(170, 190, 200) * 0.6])[(hue > 0.5).astype(int)] * goods[..., None]
    )
    awning = np.where((np.mod(along, 0.6) < 0.3)[..., None], sign, _rgb(236, 232, 224))
    color = np.where(((y < 3.0) & (u > 0.06) & (u < 0.94))[..., None], window, color)
    color = np.where(((y < 3.0) & (u > 0.70) & (u < 0.74) | (y < 0.45))[..., None], sign * 0.5, color)
    color = np.where(((y > 3.0) & (y < 3.75))[..., None], sign, color)
    return np.where(((y > 2.45) & (y < 3.0) & (hue > 0.35))[..., None], awning, color)


def _hazed(color: Array, depth: Array, strength: float) -> Array:
    share = (1 - np.exp(-depth * strength))[..., None]
    return np.asarray(color * (1 - share) + _rgb(206, 214, 222) * share, np.float32)


def _street(hits: Hits, camera: Camera, rng: np.random.Generator) -> Array:
    color = _sky(hits, camera, rng)
    shift = rng.uniform(0, 90)
    color = np.where(
        hits.wall[..., None],
        _facade(hits.z + shift + 40 * (hits.x > 0), hits.y, rng, hits.z) * (0.72 + 0.28 * (hits.x > 0))[..., None],
        color,
    )
    color = np.where(hits.back[..., None], _facade(hits.x + 300 + shift, hits.y, rng, hits.z), color)
    road = np.abs(hits.x + rng.uniform(-2.5, 2.5)) < 2.6
    mark = (np.abs(hits.x) < 0.07) & (np.mod(hits.z, 4) < 2)
    walk = _paving(hits, rng, _rgb(172, 168, 162), 0.9)
    ground = np.where(
        (road & (rng.random() < 0.75))[..., None],
        np.where(mark[..., None], _rgb(226, 226, 220), _asphalt(hits, rng)),
        walk,
    )
    color = np.where(hits.ground[..., None], ground, color)
    color = _hazed(color, np.where(hits.ground | hits.wall | hits.back, hits.z, 0), 0.010)
    for _ in range(int(rng.integers(1, 5))):
        _tree(color, camera, rng, x=float(rng.choice([-1, 1]) * rng.uniform(3.2, 5.5)), z=float(rng.uniform(12, 30)))
    return color


def _park(hits: Hits, camera: Camera, rng: np.random.Generator) -> Array:
    color = _sky(hits, camera, rng)
    bend = rng.uniform(-1, 1) + np.sin(hits.z * 0.12 + rng.uniform(0, 6)) * 1.4
    path = np.abs(hits.x - bend) < 1.7 + 0.12 * _noise_at(hits.x + 60, hits.z, 2.0)
    blades = 1 + 0.20 * _noise_at(hits.x + 60, hits.z, 0.9) + 0.16 * _noise_at(hits.x + 60, hits.z, 6)
    grass = _rgb(104, 138, 62) * (0.85 * blades)[..., None]
    gravel = (
        _rgb(196, 180, 152)
        * (1 + 0.10 * _noise_at(hits.x + 60, hits.z, 0.5) + 0.06 * _noise_at(hits.x, hits.z, 3))[..., None]
    )
    color = np.where(hits.ground[..., None], np.where(path[..., None], gravel, grass), color)
    hedge = _rgb(66, 98, 52) * (0.8 + 0.3 * _noise_at(hits.x + 90, hits.y, 5.0))[..., None]
    edge = 3.0 + 1.6 * _noise_at(hits.x + 90, np.zeros_like(hits.x), 40.0)
    color = np.where((hits.back & (hits.y < edge) | hits.wall & (hits.y < edge))[..., None], hedge, color)
    color = _hazed(np.clip(color, 0, None), np.where(hits.ground, hits.z, 0), 0.008)
    for z in sorted(rng.uniform(11, 40, int(rng.integers(6, 13))), reverse=True):
        _tree(color, camera, rng, x=float(rng.choice([-1, 1]) * rng.uniform(2.5, 5 + 0.35 * z)), z=float(z))
    return color


def _tree(color: Array, camera: Camera, rng: np.random.Generator, *, x: float, z: float) -> None:
    """A tree whose crown is noise, lit from above, painted in place."""
    scale = camera.focal / z
    tall, wide = rng.uniform(4.5, 8.5), rng.uniform(1.6, 2.8)
    foot, middle = camera.row + camera.height * scale, camera.column + x * scale
    crown_row, radius_row, radius_column = foot - tall * 0.66 * scale, tall * 0.36 * scale, wide * scale
    trunk = (
        slice(max(0, int(crown_row)), max(0, int(foot))),
        slice(max(0, int(middle - 0.13 * scale)), max(0, int(middle + 0.13 * scale) + 1)),
    )
    color[trunk] = _rgb(86, 70, 56)
    top, bottom = max(0, int(crown_row - 1.4 * radius_row)), min(color.shape[0], int(crown_row + 1.4 * radius_row))
    left, right = max(0, int(middle - 1.4 * radius_column)), min(color.shape[1], int(middle + 1.4 * radius_column))
    if top >= bottom or left >= right:
        return
    v = (np.arange(top, bottom, dtype=np.float32)[:, None] - crown_row) / radius_row
    u = (np.arange(left, right, dtype=np.float32)[None, :] - middle) / radius_column
    shift = rng.uniform(10, 40, 2)
    clumps = _noise_at(v + shift[0] + 0 * u, u + shift[1] + 0 * v, 3.0)
    leafy = np.hypot(u, v) + 0.20 * clumps + 0.12 * _noise_at(v + shift[1], u + shift[0], 1.1) < 0.92
    shade = np.clip(0.75 - 0.35 * v - 0.25 * clumps, 0.25, 1.5)
    tints = ((88, 126, 58), (116, 140, 60), (70, 108, 62), (160, 130, 60))
    green = _rgb(*tints[int(rng.choice(4, p=[0.4, 0.3, 0.25, 0.05]))]) * shade[..., None]
    window = color[top:bottom, left:right]
    window[leafy] = _hazed(green, np.full(green.shape[:2], z, np.float32), 0.012)[leafy]


def _plaza(hits: Hits, camera: Camera, rng: np.random.Generator) -> Array:
    color = _sky(hits, camera, rng)
    u, v = np.mod(hits.x + 60, 4.0) / 4.0, hits.y
    stone = (
        _rgb(*((214, 200, 176) if rng.random() < 0.6 else (196, 190, 184)))
        * (1 + 0.07 * _noise_at(hits.x + 60, hits.y, 6.0))[..., None]
    )
    arch = (np.abs(u - 0.5) < 0.30) & ((v < 3.2) | (np.hypot((u - 0.5) * 4.0, v - 3.2) < 1.2))
    window = (np.abs(u - 0.5) < 0.16) & (np.mod(v - 5.5, 3.6) > 0.6) & (np.mod(v - 5.5, 3.6) < 2.8) & (v > 5.5)
    cornice = (np.mod(v - 5.0, 3.6) < 0.28) & (v > 4.9)
    wall = np.where(cornice[..., None], stone * 1.18, stone)
    wall = np.where(arch[..., None], stone * (0.16 + 0.10 * _cell_noise(hits.x / 4, hits.x / 4, 3))[..., None], wall)
    wall = np.where(window[..., None], _rgb(84, 98, 112), wall)
    color = np.where((hits.back | hits.wall)[..., None], wall, color)
    slabs = _paving(hits, rng, _rgb(190, 182, 170), float(rng.uniform(0.6, 1.2)))
    dark = (np.floor((hits.x + 60) / 3.6) + np.floor(hits.z / 3.6)) % 2 < 1
    color = np.where(hits.ground[..., None], slabs * np.where(dark, 0.82, 1.0)[..., None], color)
    color = _hazed(color, np.where(hits.ground | hits.back | hits.wall, hits.z, 0), 0.009)
    for _ in range(int(rng.integers(0, 4))):
        _tree(color, camera, rng, x=float(rng.uniform(-9, 9)), z=float(rng.uniform(14, 24)))
    return color


def _shop(hits: Hits, camera: Camera, rng: np.random.Generator) -> Array:
    along = np.where(hits.wall, hits.z, hits.x + 80)
    shelf, rise = np.floor(hits.y / 0.46), np.mod(hits.y, 0.46)
    slot = along / 0.17
    salt = int(rng.integers(1000))
    tall = 0.18 + 0.22 * _cell_noise(slot, shelf, salt)
    goods_tints = np.stack(
        [
            _rgb(*t)
            for t in (
                (196, 70, 60),
                (232, 190, 80),
                (80, 130, 170),
                (240, 236, 226),
                (110, 150, 96),
                (220, 140, 150),
                (90, 76, 120),
            )
        ]
    )
    pick = (_cell_noise(np.floor(slot / 4), shelf, salt + 1) * 4 + _cell_noise(slot, shelf, salt + 2) * 2.9).astype(
        int
    ) % len(goods_tints)
    goods = goods_tints[pick] * (0.55 + 0.35 * _cell_noise(slot, shelf, salt + 3))[..., None]
    stocked = (rise > 0.05) & (rise < tall) & (np.mod(slot, 1) > 0.08) & (hits.y < 2.2)
    board = (rise < 0.05) & (hits.y < 2.35)
    wall = np.where((hits.y < 2.3)[..., None], _rgb(126, 116, 104) * 0.6, _rgb(228, 222, 212))
    wall = np.where(stocked[..., None], goods, wall)
    wall = np.where(board[..., None], _rgb(206, 180, 146), wall)
    tiles = np.maximum(_lines(hits.x + 80, 0.6, 0.012, hits.z), _lines(hits.z, 0.6, 0.015, hits.z))
    floor = (
        _rgb(*((206, 198, 186) if rng.random() < 0.6 else (150, 118, 88)))
        * (1 - 0.25 * tiles + 0.03 * _noise_at(hits.x + 80, hits.z, 2.0))[..., None]
    )
    sheen = 0.22 * np.exp(-(((np.mod(hits.x + 80, 2.4) - 1.2) / 0.35) ** 2))[..., None]
    lamp = (np.abs(np.mod(hits.x + 80, 2.4) - 1.2) < 0.12) & (np.mod(hits.z, 2.2) < 1.5)
    roof = np.where(lamp[..., None], np.float32(1.9), _rgb(224, 222, 218) * 0.75)
    color = np.where(hits.ground[..., None], floor + sheen, wall)
    return np.asarray(np.where(hits.ceiling[..., None], roof, color), np.float32)


def _wall(hits: Hits, camera: Camera, rng: np.random.Generator) -> Array:
    x, y = hits.x + 80, hits.y
    if rng.random() < 0.55:
        tint = _rgb(*((156, 92, 72), (186, 178, 168), (120, 76, 62))[int(rng.integers(3))])
        joints = np.maximum(
            _lines(y, 0.085, 0.014, hits.z), _lines(x + np.floor(y / 0.085) % 2 * 0.12, 0.24, 0.014, hits.z)
        )
        each = 0.75 + 0.5 * _cell_noise((x + np.floor(y / 0.085) % 2 * 0.12) / 0.24, y / 0.085, 8)
        wall = (
            tint * (each + 0.08 * _noise_at(x, y, 3.0))[..., None] * (1 - joints[..., None])
            + _rgb(188, 182, 172) * joints[..., None]
        )
    else:
        tints = ((196, 188, 176), (120, 150, 160), (206, 172, 132), (150, 160, 140), (214, 206, 200), (190, 140, 128))
        wall = (
            _rgb(*tints[int(rng.integers(len(tints)))])
            * (1 + 0.08 * _noise_at(x, y, 4.0) + 0.05 * _noise_at(x, y, 0.8))[..., None]
        )
    wall = wall * np.clip(0.75 + 0.25 * y, 0.7, 1.05)[..., None]
    wall = np.where((y < 0.16)[..., None], wall * 0.55, wall)
    color = np.where(hits.ground[..., None], _paving(hits, rng, _rgb(168, 164, 158), 0.7), wall)
    return np.asarray(color, np.float32)


Painter = Callable[[Hits, Camera, np.random.Generator], Array]
_PLACES: dict[str, tuple[Callable[[np.random.Generator, float], Hall], Painter]] = {
    "street": (
        lambda rng, far: Hall(rng.uniform(4.5, 8), rng.uniform(4.5, 8), rng.uniform(45, 80), rng.uniform(11, 17)),
        _street,
    ),
    "park": (lambda rng, far: Hall(60, 60, rng.uniform(38, 60), 9), _park),
    "plaza": (lambda rng, far: Hall(40, 40, far + rng.uniform(14, 28), rng.uniform(12, 20)), _plaza),
    "shop": (
        lambda rng, far: Hall(
            rng.uniform(3, 5), rng.uniform(3, 5), far + rng.uniform(4, 9), 9, 3.0 + max(0.0, 0.12 * far - 0.6)
        ),
        _shop,
    ),
    "wall": (lambda rng, far: Hall(60, 60, far + rng.uniform(1.2, 3), 60), _wall),
}


def _focused(color: Array, hits: Hits, scene: SceneSpec, height: int) -> Array:
    """Blurred where it is farther than the people, the more the farther."""
    radius = scene.grade.depth_blur * height
    if radius < 0.3:
        return color
    farthest = max((person.z for person in scene.people), default=5.0)
    bytes_ = Image.fromarray((np.clip(color / 2, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8))
    soft = (np.asarray(bytes_.filter(ImageFilter.GaussianBlur(radius)), np.float32) / 255) ** 2.2 * 2
    share = np.clip((hits.z / farthest - 1.0) * 1.5, 0, 1)[..., None]
    return np.asarray(color * (1 - share) + soft * share, np.float32)


def cast_shadows(ground: Backdrop, scene: SceneSpec, clothes: list[list[Patch]]) -> None:
    """Darken the ground where people keep the light away, in place; one list of patches for each person."""
    if not scene.people:
        return
    mask = Image.new("L", (scene.width // 2 + 1, scene.height // 2 + 1), 0)
    draw = ImageDraw.Draw(mask)
    for person, patches in zip(scene.people, clothes, strict=True):
        _draw_shadow(draw, scene, person, patches)
    distance = float(np.median([person.z for person in scene.people]))
    mask = mask.filter(ImageFilter.GaussianBlur(max(0.6, 0.012 * scene.camera.focal / distance)))
    soft = mask.resize((mask.width * 2, mask.height * 2), Image.Resampling.BILINEAR)
    shade = np.asarray(soft, np.float32)[: scene.height, : scene.width] / 255
    light = scene.light
    depth = 0.85 * light.sun / (light.sun + 0.8 * light.sky + 1e-6)
    ground.color[...] *= np.where(ground.ground, 1 - shade * depth, 1)[..., None]
    for person in scene.people:
        _darken_below(ground, scene, person)


def _draw_shadow(draw: ImageDraw.ImageDraw, scene: SceneSpec, person: PersonSpec, patches: list[Patch]) -> None:
    """Fill the person's shadow on a mask of half the picture's size."""
    toward, camera = light_direction(scene.light), scene.camera
    angles = np.arange(7) * (2 * np.pi / 6)
    for patch in patches:
        rings = patch.tube.part(0, 1, 7)
        around = np.cos(angles)[:, None] * rings.sides[:, None] + np.sin(angles)[:, None] * rings.fronts[:, None]
        placed = (rings.centers[:, None] + around) @ person_basis(person.yaw) + np.array([person.x, 0, person.z])
        fallen = placed - toward * (placed[..., 1:2] / toward[1])
        depth = np.maximum(fallen[..., 2], 0.5 * camera.focal * camera.height / scene.height)
        columns = (camera.column + camera.focal * fallen[..., 0] / depth) / 2
        rows = (camera.row + camera.focal * camera.height / depth) / 2
        for strip in range(6):
            first = zip(columns[:, strip].tolist(), rows[:, strip].tolist(), strict=True)
            second = zip(columns[::-1, strip + 1].tolist(), rows[::-1, strip + 1].tolist(), strict=True)
            draw.polygon([*first, *second], fill=255)


def _darken_below(ground: Backdrop, scene: SceneSpec, person: PersonSpec) -> None:
    """The soft dark patch below a standing person."""
    camera, reach = scene.camera, 0.8
    near, far = (camera.row + camera.focal * camera.height / max(0.3, person.z + side * reach) for side in (-1, 1))
    middle, half = camera.column + camera.focal * person.x / person.z, camera.focal * reach / person.z
    top, bottom = max(0, int(far), int(camera.row) + 2), min(scene.height, int(near) + 1)
    left, right = max(0, int(middle - half)), min(scene.width, int(middle + half) + 1)
    if top >= bottom or left >= right:
        return
    rows, columns = np.arange(top, bottom, dtype=np.float32)[:, None], np.arange(left, right, dtype=np.float32)[None, :]
    z = camera.focal * camera.height / (rows - camera.row)
    across = (columns - camera.column) / camera.focal * z - person.x
    dark = 0.5 * np.exp(-((across / 0.27) ** 2) - ((z - person.z) / 0.30) ** 2)
    window = slice(top, bottom), slice(left, right)
    ground.color[window] *= np.where(ground.ground[window], 1 - dark, 1)[..., None].astype(np.float32)
