"""Rasteriser of rendered people: splats the points of tube patches into a depth buffer and shades what is visible.

A patch is a tube sampled finer than the pixels, so every pixel that it covers is hit by a point and the nearest wins.
Only winners are shaded (deferred shading), so layers of clothes cost little.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from training.synthetic_body import Tube
from training.synthetic_specs import Camera, Light, PersonSpec

Array = NDArray[np.float32]
Keep = Callable[[Array, Array], NDArray[np.bool_]]

SPACING = 0.8  # distance of neighbouring points in subpixels; below 1 leaves no holes
LAYER_BIAS = 0.006  # metres by which each layer of clothes is preferred over the one below
FRONT = np.float32(np.pi / 2)


@dataclass(frozen=True)
class Decal:
    """A picture on a patch: RGBA (h, w, 4) in 0..1 over angles and shares of the length; `part` relabels its pixels."""

    image: Array
    angles: tuple[float, float]
    shares: tuple[float, float]
    part: int | None = None


@dataclass(frozen=True)
class Patch:
    """A piece of surface.

    Args:
        tube: its shape.
        part: index into the person's parts, which say attribute and characteristics.
        material: index into the person's materials.
        layer: which of two surfaces that nearly touch lies on top.
        keep: from (shares (Nv, 1), angles (1, Nu)) to the points that exist, all if None.
        displace: (m, n) metres outward over shares and angles, n spanning one full turn.
        decals: painted on in order.
        two_sided: whether its inner side can be seen.
        angles: the only range of angles that can be seen because something covers the rest, None for a full turn.
    """

    tube: Tube
    part: int
    material: int
    layer: int = 0
    keep: Keep | None = None
    displace: Array | None = None
    decals: tuple[Decal, ...] = ()
    two_sided: bool = False
    angles: tuple[float, float] | None = None


@dataclass(frozen=True)
class Materials:
    """Looks of the surfaces of one person, one row each.

    Args:
        tiles: (M, T, T, 3) linear colour, repeating.
        metres: (M,) width of a tile on the surface.
        grain: (M, G, G) brightness factor around 1, repeating every `grain_metres` (M,).
        gloss: (M,) strength of highlights.
        soft: (M,) how far light creeps around, as in wool and skin.
    """

    tiles: Array
    metres: Array
    grain: Array
    grain_metres: Array
    gloss: Array
    soft: Array


@dataclass
class Points:
    """Sampled patches: positions in the camera's axes and where each patch begins."""

    positions: list[Array] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    columns: list[int] = field(default_factory=list)
    angle_starts: list[float] = field(default_factory=list)
    angle_steps: list[float] = field(default_factory=list)
    hands: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Sprite:
    """A rendered person: linear colour (h, w, 3), cover (h, w) 0..1, part (h, w) or -1, and its top left pixel."""

    color: Array
    cover: Array
    part: NDArray[np.int16]
    row: int
    column: int


@dataclass(frozen=True)
class View:
    """How a person's axes fall on a canvas of subpixels."""

    basis: Array  # (3, 3) rows: left, up, front in the camera's axes
    origin: Array  # (3,)
    focal: float
    row: float
    column: float
    height: int
    width: int


def render_person(
    person: PersonSpec,
    patches: list[Patch],
    materials: Materials,
    camera: Camera,
    light: Light,
    frame: tuple[int, int],
    *,
    fine: bool,
) -> Sprite | None:
    """The person as seen by the camera, cut to the frame (height, width); None when wholly outside.

    Small people are drawn at twice the size and reduced, and so is everyone when `fine`.
    """
    scale = 2 if fine or camera.focal * person.stature / person.z < 150 else 1
    view, top, left = _view(person, camera, patches, frame, scale)
    if view.height <= 0 or view.width <= 0:
        return None
    points, winners = _splat(patches, view)
    seen = np.flatnonzero(winners)
    if not len(seen):
        return None
    color, part = _shade(seen, winners[seen], points, patches, materials, view, light)
    return _sprite(seen, color, part, view, scale, top, left)


def person_basis(yaw: float) -> Array:
    """Rows left, up, front of a person turned by `yaw`, in the camera's axes."""
    return np.array([(np.cos(yaw), 0, np.sin(yaw)), (0, 1, 0), (np.sin(yaw), 0, -np.cos(yaw))], np.float32)


def project(person: PersonSpec, camera: Camera, points: Array) -> tuple[Array, Array]:
    """Rows and columns (N,) of points (N, 3) in the person's axes."""
    placed = points @ person_basis(person.yaw) + np.array([person.x, 0, person.z], np.float32)
    depth = np.maximum(placed[:, 2], 0.05)
    rows = camera.row + camera.focal * (camera.height - placed[:, 1]) / depth
    return rows, camera.column + camera.focal * placed[:, 0] / depth


def _view(
    person: PersonSpec, camera: Camera, patches: list[Patch], frame: tuple[int, int], scale: int
) -> tuple[View, int, int]:
    outline = np.concatenate(
        [
            patch.tube.centers + sign * ring * 1.15
            for patch in patches
            for ring in (patch.tube.sides, patch.tube.fronts)
            for sign in (-1, 1)
        ]
    )
    rows, columns = project(person, camera, outline)
    top, left = max(0, int(rows.min()) - 3), max(0, int(columns.min()) - 3)
    bottom, right = min(frame[0], int(rows.max()) + 4), min(frame[1], int(columns.max()) + 4)
    view = View(
        person_basis(person.yaw),
        np.array([person.x, -camera.height, person.z], np.float32),
        camera.focal * scale,
        (camera.row - top) * scale,
        (camera.column - left) * scale,
        (bottom - top) * scale,
        (right - left) * scale,
    )
    return view, top, left


def _splat(patches: list[Patch], view: View) -> tuple[Points, NDArray[np.int64]]:
    """All points, and for each subpixel the index of the nearest plus one (0 for none)."""
    points, keys = Points(), np.zeros(view.height * view.width, np.int64)
    begin = 0
    for patch in patches:
        positions, keep = _sample(patch, view, points)
        x, y, z = positions
        inverse = view.focal / z
        column = (view.column + x * inverse).astype(np.int32)
        row = (view.row - y * inverse).astype(np.int32)
        inside = (column >= 0) & (column < view.width) & (row >= 0) & (row < view.height) & (z > 0.1)
        if keep is not None:
            inside &= keep
        index = np.flatnonzero(inside)
        near = ((200.0 - z.ravel()[index] + patch.layer * LAYER_BIAS) * 1e5).astype(np.int64)
        spot = row.ravel()[index].astype(np.int64) * view.width + column.ravel()[index]
        np.maximum.at(keys, spot, (near << 32) | (index + (begin + 1)))
        begin += x.size
    return points, keys & 0xFFFFFFFF


def _sample(patch: Patch, view: View, points: Points) -> tuple[tuple[Array, Array, Array], NDArray[np.bool_] | None]:
    """Camera positions of a patch's points as three (Nv, Nu) arrays, and which of them exist."""
    tube = patch.tube
    centers = tube.centers @ view.basis + view.origin
    sides, fronts = tube.sides @ view.basis, tube.fronts @ view.basis
    density = view.focal / max(0.3, float(centers[:, 2].mean()) - 0.1) / SPACING
    lines = np.stack([centers + sides, centers - sides, centers + fronts, centers - fronts])
    length = float(np.linalg.norm(np.diff(lines, axis=1), axis=2).sum(1).max()) + 1e-4
    radius = float(np.sqrt(((sides**2).sum(1) + (fronts**2).sum(1)) / 2).max())
    first, last = _visible_angles(patch, centers, sides, fronts)
    rows = max(4, int(length * density) + 2)
    columns = max(6, int(radius * (last - first) * density) + 2)
    angles = np.linspace(first, last, columns, dtype=np.float32)
    at = np.linspace(0, len(centers) - 1, rows, dtype=np.float32)
    arrays = _surface(patch, centers, sides, fronts, at, angles)
    points.positions.append(np.stack([a.ravel() for a in arrays], 1))
    points.counts.append(rows * columns)
    points.columns.append(columns)
    points.angle_starts.append(first)
    points.angle_steps.append((last - first) / (columns - 1))
    middle = len(centers) // 2
    direction = centers[min(middle + 1, len(centers) - 1)] - centers[middle - 1]
    points.hands.append(float(np.sign(np.linalg.det(np.stack([sides[middle], fronts[middle], direction])))) or 1.0)
    share = np.asarray(at / max(1, len(centers) - 1), np.float32)[:, None]
    return arrays, None if patch.keep is None else patch.keep(share, angles[None, :])


def _visible_angles(patch: Patch, centers: Array, sides: Array, fronts: Array) -> tuple[float, float]:
    """The range of angles that can face the camera; a full turn where the inside can be seen."""
    full = patch.angles or (-np.pi / 2, 1.5 * np.pi)
    if patch.two_sided or patch.angles:
        return full
    radii = np.linalg.norm(fronts, axis=1)
    if min(radii[0], radii[-1]) < 0.3 * radii.max():  # its end is closed by a face that no angle hides
        return full
    toward = -centers / (np.linalg.norm(centers, axis=1, keepdims=True) + 1e-9)
    side = (sides * toward).sum(1) / ((sides**2).sum(1) + 1e-9)
    front = (fronts * toward).sum(1) / ((fronts**2).sum(1) + 1e-9)
    facing = np.arctan2(front, side)
    strength = np.hypot(front * np.linalg.norm(fronts, axis=1), side * np.linalg.norm(sides, axis=1))
    middle = float(np.angle(np.exp(1j * facing).mean()))
    stray = np.abs(np.angle(np.exp(1j * (facing - middle))))
    reach = np.pi / 2 + 0.45 + float(stray.max())
    if reach > np.pi or float(strength.min()) < 0.5:
        return full
    return middle - reach, middle + reach


def _surface(
    patch: Patch, centers: Array, sides: Array, fronts: Array, at: Array, angles: Array
) -> tuple[Array, Array, Array]:
    low = np.minimum(at.astype(np.int32), len(centers) - 2)
    share = (at - low)[:, None]
    ring = [values[low] * (1 - share) + values[low + 1] * share for values in (centers, sides, fronts)]
    cosine, sine = np.cos(angles), np.sin(angles)
    if patch.tube.power != 2:
        swell = (np.abs(cosine) ** patch.tube.power + np.abs(sine) ** patch.tube.power) ** (-1 / patch.tube.power)
        cosine, sine = cosine * swell, sine * swell
    offsets = [
        np.multiply.outer(ring[1][:, axis], cosine) + np.multiply.outer(ring[2][:, axis], sine) for axis in range(3)
    ]
    if patch.displace is not None:
        bump = _spread(patch.displace, len(at), angles)
        radius = np.sqrt(((ring[1] ** 2).sum(1) + (ring[2] ** 2).sum(1)) / 2 + 1e-8)
        factor = 1 + bump / np.maximum(radius, 0.012)[:, None]
        offsets = [offset * factor for offset in offsets]
    x, y, z = (offset + ring[0][:, axis, None] for axis, offset in enumerate(offsets))
    return x, y, z


def _spread(displace: Array, rows: int, angles: Array) -> Array:
    """Displacement over the whole turn, resampled to rows x angles."""
    size = displace.shape[1]
    wrapped = np.concatenate([displace, displace, displace, displace[:, :1]], 1)
    scale = size / (2 * np.pi)
    first, last = (float(angles[0]) * scale + size) + 0.5, (float(angles[-1]) * scale + size) + 0.5
    image = Image.fromarray(np.ascontiguousarray(wrapped, np.float32))
    box = (max(0.0, first), 0.0, min(float(wrapped.shape[1]), last), float(displace.shape[0]))
    return np.asarray(image.resize((len(angles), rows), Image.Resampling.BICUBIC, box=box), np.float32)


def _shade(
    seen: NDArray[np.int64],
    winners: NDArray[np.int64],
    points: Points,
    patches: list[Patch],
    materials: Materials,
    view: View,
    light: Light,
) -> tuple[Array, NDArray[np.int16]]:
    """Linear colour (N, 3) and part (N,) of the visible subpixels."""
    ids = winners - 1
    position = np.concatenate(points.positions)
    counts = np.array(points.counts)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    patch_of = np.repeat(np.arange(len(patches), dtype=np.int16), counts)[ids]
    width = np.array(points.columns)[patch_of]
    local = ids - starts[patch_of]
    row = local // width
    column = local - row * width
    height = (counts // np.array(points.columns))[patch_of]
    normal, inner = _normals(position, ids, row, column, width, height, np.array(points.hands, np.float32)[patch_of])
    share = (row / np.maximum(height - 1, 1)).astype(np.float32)
    angle = (np.array(points.angle_starts)[patch_of] + column * np.array(points.angle_steps)[patch_of]).astype(
        np.float32
    )
    albedo, gloss, soft, part = _look(patch_of, share, angle, patches, materials)
    here = position[ids]
    open_sky = _openness(seen, here[:, 2], view)
    lit = _lit(position, here, normal, view, seen, light)
    return _light(albedo, normal, here, inner, gloss, soft, open_sky, lit, light), part


def _normals(
    position: Array,
    ids: NDArray[np.int64],
    row: NDArray[np.int64],
    column: NDArray[np.int64],
    width: NDArray[np.int64],
    height: NDArray[np.int64],
    hand: Array,
) -> tuple[Array, NDArray[np.bool_]]:
    """Unit normals toward the camera, and whether the inner side is seen."""
    step = 2
    across = position[ids + np.minimum(step, width - 1 - column)] - position[ids - np.minimum(step, column)]
    along = position[ids + width * np.minimum(step, height - 1 - row)] - position[ids - width * np.minimum(step, row)]
    normal = np.cross(across, along) * hand[:, None]
    normal /= np.sqrt((normal**2).sum(1, keepdims=True)) + 1e-12
    inner = (normal * position[ids]).sum(1) > 0
    normal[inner] *= -1
    return normal, inner


def _look(
    patch_of: NDArray[np.int16], share: Array, angle: Array, patches: list[Patch], materials: Materials
) -> tuple[Array, Array, Array, NDArray[np.int16]]:
    """Albedo (N, 3), gloss, softness and part (N,)."""
    material = np.array([patch.material for patch in patches])[patch_of]
    radius = np.array([_mean_radius(patch.tube) for patch in patches], np.float32)[patch_of]
    length = np.array([_length(patch.tube) for patch in patches], np.float32)[patch_of]
    across, along = (angle - FRONT) * radius, share * length
    tile = materials.tiles.shape[1]
    to_tile = tile / materials.metres[material]
    albedo = materials.tiles[material, _wrapped(along * to_tile, tile), _wrapped(across * to_tile, tile)]
    grain = materials.grain.shape[1]
    to_grain = grain / materials.grain_metres[material]
    albedo = (
        albedo
        * materials.grain[material, _wrapped(along * to_grain, grain), _wrapped(across * to_grain, grain)][:, None]
    )
    part = np.array([patch.part for patch in patches], np.int16)[patch_of]
    for index, patch in enumerate(patches):
        if patch.decals:
            where = np.flatnonzero(patch_of == index)
            for decal in patch.decals:
                _paint(decal, where, share[where], angle[where], albedo, part)
    return albedo, materials.gloss[material], materials.soft[material], part


def _wrapped(values: Array, size: int) -> NDArray[np.int64]:
    return np.mod(values.astype(np.int64), size)


def _mean_radius(tube: Tube) -> float:
    return float(np.sqrt(((tube.sides**2).sum(1) + (tube.fronts**2).sum(1)) / 2).mean())


def _length(tube: Tube) -> float:
    return float(np.linalg.norm(np.diff(tube.centers, axis=0), axis=1).sum())


def _paint(
    decal: Decal, where: NDArray[np.int64], share: Array, angle: Array, albedo: Array, part: NDArray[np.int16]
) -> None:
    """Paint a decal over the points `where`, in place."""
    turned = np.mod(angle - decal.angles[0], 2 * np.pi)
    across = turned / (decal.angles[1] - decal.angles[0])
    along = (share - decal.shares[0]) / (decal.shares[1] - decal.shares[0])
    hit = (across < 1) & (along >= 0) & (along < 1)
    height, width = decal.image.shape[:2]
    texel = decal.image[(along[hit] * height).astype(np.int32), (across[hit] * width).astype(np.int32)]
    spots, alpha = where[hit], texel[:, 3:]
    albedo[spots] = albedo[spots] * (1 - alpha) + texel[:, :3] ** 2.2 * alpha
    if decal.part is not None:
        part[spots[alpha[:, 0] > 0.5]] = decal.part


def _openness(seen: NDArray[np.int64], depth: Array, view: View) -> Array:
    """How much of the sky a subpixel sees, 0.4 to 1: less where its surroundings are nearer to the camera."""
    field_of_depth, mask = (
        np.zeros(view.height * view.width, np.float32),
        np.zeros(view.height * view.width, np.float32),
    )
    field_of_depth[seen], mask[seen] = depth, 1
    pixels_per_metre = view.focal / float(depth.mean())
    result = np.ones_like(depth)
    for radius, reach, weight in ((0.035, 0.03, 0.35), (0.11, 0.10, 0.35)):
        size = max(3, int(radius * pixels_per_metre)) | 1
        smooth = [
            _box(values.reshape(view.height, view.width), size).ravel()[seen] for values in (field_of_depth, mask)
        ]
        behind = depth - smooth[0] / np.maximum(smooth[1], 1e-3)
        result -= weight * np.clip(behind / reach, 0, 1)
    return result


def _box(values: Array, size: int) -> Array:
    """Two box blurs, close to a Gaussian."""
    once = ndimage.uniform_filter(values, size, mode="nearest")
    return np.asarray(ndimage.uniform_filter(once, size, mode="nearest"), np.float32)


def light_direction(light: Light) -> Array:
    """Unit vector toward the light, in the camera's axes."""
    flat = np.cos(light.elevation)
    return np.array([np.sin(light.azimuth) * flat, np.sin(light.elevation), -np.cos(light.azimuth) * flat], np.float32)


def _lit(position: Array, here: Array, normal: Array, view: View, seen: NDArray[np.int64], light: Light) -> Array:
    """Share of the direct light that reaches each visible subpixel past the person's other parts."""
    toward = light_direction(light)
    first = np.cross(toward, np.array([0, 1, 0], np.float32))
    first = first / np.linalg.norm(first)
    second = np.cross(toward, first)
    casters = position[::5]
    cell = max(0.007, 3.6 / (view.focal / float(here[:, 2].mean())))
    axes = np.stack([first, second], 1).astype(np.float32)
    flat = casters @ axes / cell
    low = flat.min(0) - 2
    size = (flat.max(0) - low).astype(int) + 3
    height = np.full(int(size[0] * size[1]), -1e9, np.float32)
    spot = (flat - low).astype(np.int64)
    np.maximum.at(height, spot[:, 0] * size[1] + spot[:, 1], casters @ toward)
    raised = here + normal * (1.5 * cell)
    at = np.clip((raised @ axes / cell - low).astype(np.int64), 0, size - 1)
    free = height[at[:, 0] * size[1] + at[:, 1]] - raised @ toward < 0.012 + cell
    return _softened(free, seen, view, float(here[:, 2].mean()))


def _softened(free: NDArray[np.bool_], seen: NDArray[np.int64], view: View, depth: float) -> Array:
    canvas, mask = np.zeros(view.height * view.width, np.float32), np.zeros(view.height * view.width, np.float32)
    canvas[seen], mask[seen] = free, 1
    size = max(3, int(0.012 * view.focal / depth)) | 1
    smooth = [_box(values.reshape(view.height, view.width), size).ravel()[seen] for values in (canvas, mask)]
    return np.asarray(smooth[0] / np.maximum(smooth[1], 1e-3), np.float32)


def light_colors(light: Light) -> tuple[Array, Array, Array]:
    """Linear colours of direct light, sky and light from the ground."""
    warm = light.warmth
    sun = np.array([1 + 0.12 * warm, 1.0, 1 - 0.2 * warm], np.float32) * light.sun
    sky = np.array([1 - 0.05 * warm, 1.0, 1.05], np.float32) * light.sky
    return sun, sky, np.array([1.0, 0.96, 0.9], np.float32) * (0.45 * light.sky + 0.12 * light.sun)


def _light(
    albedo: Array,
    normal: Array,
    here: Array,
    inner: NDArray[np.bool_],
    gloss: Array,
    soft: Array,
    open_sky: Array,
    lit: Array,
    light: Light,
) -> Array:
    """Colour that comes back: direct light with a soft edge, sky and ground, highlights, a faint rim."""
    toward = light_direction(light)
    sun, sky, ground = light_colors(light)
    facing = normal @ toward
    direct = np.clip((facing + soft) / (1 + soft), 0, 1) * lit
    up = (0.5 + 0.5 * normal[:, 1])[:, None]
    ambient = (ground * (1 - up) + sky * up) * open_sky[:, None]
    view = -here / np.sqrt((here**2).sum(1, keepdims=True))
    half = view + toward
    half /= np.sqrt((half**2).sum(1, keepdims=True)) + 1e-6
    shine = np.clip((normal * half).sum(1), 0, 1)
    highlight = gloss * (0.6 * shine**12 + shine**60) * lit
    rim = (0.25 * soft + 0.3 * gloss) * (1 - np.clip((normal * view).sum(1), 0, 1)) ** 3 * open_sky
    color = albedo * (direct[:, None] * sun + ambient)
    color += highlight[:, None] * sun * 0.35 + rim[:, None] * sky * (0.05 + 0.6 * albedo)
    color[inner] *= 0.45
    return np.asarray(color, np.float32)


def _sprite(
    seen: NDArray[np.int64], color: Array, part: NDArray[np.int16], view: View, scale: int, top: int, left: int
) -> Sprite:
    shape = (view.height, view.width)
    flat_color, cover = (
        np.zeros((view.height * view.width, 3), np.float32),
        np.zeros(view.height * view.width, np.float32),
    )
    parts = np.full(view.height * view.width, -1, np.int16)
    flat_color[seen], cover[seen], parts[seen] = color, 1, part
    colors, covers, grid = flat_color.reshape(*shape, 3), cover.reshape(shape), parts.reshape(shape)
    if scale == 1:
        return Sprite(*_softened_edges(colors, covers), grid, top, left)
    blocks = (view.height // scale, scale, view.width // scale, scale)
    mean_cover = covers.reshape(blocks).mean((1, 3))
    mean_color = colors.reshape(*blocks, 3).mean((1, 3)) / np.maximum(mean_cover, 1e-4)[..., None]
    return Sprite(mean_color, mean_cover, _majority(grid, scale, mean_cover), top, left)


def _softened_edges(colors: Array, covers: Array) -> tuple[Array, Array]:
    """Colour spread one pixel outward and a cover that fades over the edge, in place of finer sampling."""
    kernel = np.array([0.22, 0.56, 0.22], np.float32)
    smooth = ndimage.convolve1d(
        ndimage.convolve1d(covers, kernel, axis=0, mode="nearest"), kernel, axis=1, mode="nearest"
    )
    spread = ndimage.convolve1d(
        ndimage.convolve1d(colors, kernel, axis=0, mode="nearest"), kernel, axis=1, mode="nearest"
    )
    return np.asarray(spread / np.maximum(smooth, 1e-3)[..., None], np.float32), smooth


def _majority(grid: NDArray[np.int16], scale: int, cover: Array) -> NDArray[np.int16]:
    """The part at a pixel that is at least half covered, taken from one of its subpixels that shows any."""
    corners = [grid[i::scale, j::scale] for i in range(scale) for j in range(scale)]
    chosen = np.full(corners[0].shape, -1, np.int16)
    for corner in corners:
        chosen = np.where(chosen < 0, corner, chosen)
    return np.where(cover >= 0.5, chosen, np.int16(-1))
