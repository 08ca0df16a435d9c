"""Wardrobe of rendered people: turns an outfit on a posed body into surface patches, each with its exact label."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from parsing.labels import ATTRIBUTES
from training.synthetic_body import SIDES, Body, Tube, floats, path_tube, trunk_share
from training.synthetic_cloth import gloss_of, grain, grain_metres, lettering, smooth_noise, softness_of, tile
from training.synthetic_face import face_decal
from training.synthetic_raster import Decal, Keep, Materials, Patch
from training.synthetic_specs import Garment, Outfit, PersonSpec, Rgb

Array = NDArray[np.float32]

TILE_SIZES = {False: 64, True: 192}  # texels of a cloth tile, coarse and fine
HALF_PI = float(np.pi / 2)
SLEEVES = {"none": 0.0, "cap": 0.26, "short": 0.42, "elbow": 0.53, "long": 0.965}


@dataclass(frozen=True)
class Part:
    """What a pixel can belong to.

    Args:
        attribute: CCIHP id, 0 for bags and belts.
        garment: its looks and labels, None for skin.
        deciding: (N, 3) points, in the person's axes, that show the size: hems, sleeve ends, tips.
    """

    attribute: int
    garment: Garment | None = None
    deciding: Array = field(default_factory=lambda: np.zeros((0, 3), np.float32))


@dataclass(frozen=True)
class DressedBody:
    """Everything that the rasteriser needs of one person."""

    patches: list[Patch]
    parts: list[Part]
    materials: Materials


class _Tailor:
    """Collects the patches, parts and materials of one person while garments are put on."""

    def __init__(self, person: PersonSpec, body: Body, *, fine: bool) -> None:
        self.person, self.body, self.fine = person, body, fine
        self.rng = np.random.default_rng([person.seed, 17])
        self.patches: list[Patch] = []
        self.parts: list[Part] = [Part(0)]
        self.looks: list[tuple[Garment, Array, float]] = []

    def look(self, garment: Garment) -> int:
        """Index of a material for the garment's cloth."""
        cloth, metres = tile(garment, TILE_SIZES[self.fine], self.rng)
        self.looks.append((garment, cloth, metres))
        return len(self.looks) - 1

    def plain(self, tint: Rgb, texture: str) -> int:
        """Index of a material of one colour."""
        return self.look(Garment("", "Solid", "", "", tint, texture=texture))

    def part(self, attribute: str, garment: Garment | None = None) -> int:
        """Index of a new part."""
        self.parts.append(Part(ATTRIBUTES.index(attribute) + 1, garment))
        return len(self.parts) - 1

    def decide(self, part: int, *points: Array) -> None:
        """Add points that show the part's size."""
        known = self.parts[part]
        self.parts[part] = replace(
            known, deciding=np.concatenate([known.deciding, *(np.atleast_2d(p) for p in points)])
        )

    def add(self, patch: Patch) -> None:
        """Put a patch on."""
        self.patches.append(patch)

    def folds(self, height: float, *, along: float = 2.0, around: float = 2.0, cells: int = 32) -> Array:
        """Wrinkles of about `height` metres; larger `along` makes them run along the tube, `around` across it."""
        noise = smooth_noise(self.rng, (cells, cells), (along, around))
        ridged = 1 - np.abs(noise) * 1.3
        ends = np.clip(np.minimum(np.linspace(0, 1, cells), np.linspace(1, 0, cells) + 0.1) * 6, 0, 1)[:, None]
        return np.asarray(height * (0.55 * noise + 0.6 * ridged) * ends, np.float32)

    def materials(self) -> Materials:
        """All materials, stacked."""
        garments = [garment for garment, _, _ in self.looks]
        return Materials(
            np.stack([cloth for _, cloth, _ in self.looks]),
            np.array([metres for _, _, metres in self.looks], np.float32),
            np.stack([grain(garment.texture) for garment in garments]),
            np.array([grain_metres(garment.texture) for garment in garments], np.float32),
            np.array([gloss_of(garment.texture) for garment in garments], np.float32),
            np.array([softness_of(garment.texture) for garment in garments], np.float32),
        )


def dress(person: PersonSpec, body: Body, *, fine: bool = False) -> DressedBody:
    """The person's patches, parts and materials, from the skin outward."""
    tailor = _Tailor(person, body, fine=fine)
    _skin(tailor)
    for name, put_on in _PUT_ON.items():
        if garment := person.outfit.garments.get(name):
            put_on(tailor, garment)
    _carry(tailor, person.outfit)
    return DressedBody(tailor.patches, tailor.parts, tailor.materials())


def _ring(tube: Tube, share: float) -> Array:
    """Eight points around a tube at a share of its length."""
    ring = tube.part(share, share, 2)
    angles = np.arange(8)[:, None] * np.pi / 4
    return np.asarray(ring.centers[0] + np.cos(angles) * ring.sides[0] + np.sin(angles) * ring.fronts[0], np.float32)


def from_front(angle: Array) -> Array:
    """Distance of an angle from the front, 0 to pi."""
    return np.asarray(np.abs(np.mod(angle - HALF_PI + np.pi, 2 * np.pi) - np.pi), np.float32)


# --- skin ---


def _skin(tailor: _Tailor) -> None:
    person, body = tailor.person, tailor.body
    material = tailor.plain(person.skin, "skin")
    torso, face = tailor.part("Torso-skin"), tailor.part("Face")
    tailor.add(Patch(body.trunk.part(trunk_share(_bare_from(person.outfit)), 1.0, 32), torso, material))
    tailor.add(Patch(body.neck, torso, material))
    tailor.add(
        Patch(body.head, face, material, displace=_face_relief(), decals=(face_decal(person, fine=tailor.fine),))
    )
    for sign in (-1.0, 1.0):
        tailor.add(Patch(_ear(body, sign), face, material))
    for side, letter in zip(SIDES, "LR", strict=True):
        arm, leg = tailor.part(f"{letter}-arm"), tailor.part(f"{letter}-leg")
        tailor.add(Patch(body.arms[side].part(max(0.0, _sleeve_end(person.outfit) - 0.08), 1.0, 36), arm, material))
        tailor.add(Patch(body.hands[side], arm, material))
        tailor.add(Patch(_thumb(body, side), arm, material))
        tailor.add(Patch(body.legs[side].part(_legs_from(person.outfit), 1.0, 36), leg, material))
        if person.outfit.garments["Shoes"].style in ("pump", "ballet"):
            tailor.add(Patch(body.feet[side], leg, material))


def _sleeve_end(outfit: Outfit) -> float:
    ends = [SLEEVES["long"] if "Coat" in outfit.garments else 0.0]
    if upper := outfit.garments.get("UpperClothes"):
        ends.append(SLEEVES[sleeve_of(upper)])
    return max(ends)


def _bare_from(outfit: Outfit) -> float:
    """Height from which the trunk's skin can be seen."""
    upper = outfit.garments.get("UpperClothes")
    if upper is None or "crop" in upper.style:
        return 0.95
    return 1.2 if upper.style.split()[0] in ("vee", "scoop", "strap") else 1.38


def _legs_from(outfit: Outfit) -> float:
    """Share of the legs from which their skin can be seen."""
    if pants := outfit.garments.get("Pants"):
        return max(0.0, _pants_end(pants) - 0.06)
    skirt = outfit.garments["Skirt"]
    return 0.0 if skirt.size == "Short/small" else 0.3


def _face_relief() -> Array:
    """Nose, sockets, brow and lips as metres outward over (share, angle) of the head."""
    share, angle = (
        np.linspace(0, 1, 64, dtype=np.float32)[:, None],
        (np.arange(96, dtype=np.float32) + 0.5)[None, :] / 96 * float(2 * np.pi),
    )
    across = angle - HALF_PI

    def bump(at: float, low: float, high: float, side: float, width: float) -> Array:
        spread = np.where(share > at, high, low)
        return np.exp(-(((share - at) / spread) ** 2) - ((across - side) / width) ** 2)

    relief = 0.024 * bump(0.36, 0.035, 0.13, 0, 0.13) + 0.004 * bump(0.62, 0.05, 0.05, 0, 0.7)
    for side in (-0.38, 0.38):
        relief = relief - 0.007 * bump(0.54, 0.06, 0.06, side, 0.2) + 0.004 * bump(0.38, 0.1, 0.1, 1.6 * side, 0.25)
    relief = relief + 0.006 * bump(0.215, 0.05, 0.045, 0, 0.26) + 0.005 * bump(0.06, 0.06, 0.06, 0, 0.4)
    return np.asarray(relief, np.float32)


def _ear(body: Body, sign: float) -> Tube:
    left, up, front = body.head_frame
    ring = body.head.part(0.42, 0.42, 2)
    base = ring.centers[0] + sign * ring.sides[0] * 0.98 - front * 0.004 * body.scale
    heights = np.array([0.0, 0.006, 0.02, 0.038, 0.05, 0.056])[:, None] * body.scale
    size = np.array([0.003, 0.008, 0.011, 0.016, 0.013, 0.004])[:, None] * body.scale
    centers = base + up * heights + sign * left * size * 0.35
    return Tube(floats(centers), floats(left * size * 0.55), floats(front * size))


def _thumb(body: Body, side: str) -> Tube:
    arm, scale = body.limbs[f"{side} arm"], body.scale
    start = arm.end + arm.tip * 0.025 * scale + arm.front * 0.026 * scale
    points = np.stack(
        [
            start,
            start + (arm.tip * 0.032 + arm.front * 0.016) * scale,
            start + (arm.tip * 0.07 + arm.front * 0.014) * scale,
        ]
    )
    return path_tube(
        floats(points),
        np.array([(0, 0.013), (0.6, 0.0115), (0.9, 0.009), (1, 0.003)]) * (1, scale),
        arm.front,
        rings=10,
        smooth=1,
    )


# --- garments, from the inner to the outer ---


def _socks(tailor: _Tailor, garment: Garment) -> None:
    material = tailor.look(garment)
    part = tailor.part("Socks", garment)
    begin = 0.52 - 0.1 * garment.reach if garment.size == "Long/large" else 0.90 - 0.14 * garment.reach
    if pants := tailor.person.outfit.garments.get("Pants"):
        begin = max(begin, _pants_end(pants) - 0.04)
    for side in SIDES:
        tube = tailor.body.legs[side].part(begin, 1.0).grown(0.004)
        tailor.add(Patch(tube, part, material, layer=1, displace=tailor.folds(0.002, around=5)))
        tailor.add(Patch(tailor.body.feet[side].part(0.08, 0.82).grown(0.001).closed(), part, material, layer=1))
        tailor.decide(part, _ring(tube, 0.1))


def _pants(tailor: _Tailor, garment: Garment) -> None:
    body, material, part = tailor.body, tailor.look(garment), tailor.part("Pants", garment)
    tucked = 1.0 if _over_boots(tailor.person.outfit) else _boot_top(tailor.person.outfit)
    end = _pants_end(garment)
    waist = body.trunk.part(0.0, trunk_share(1.03 if garment.style != "low" else 0.98), 24).grown(
        0.008 + 0.008 * garment.fit
    )
    tailor.add(Patch(waist, part, material, layer=2, displace=tailor.folds(0.003, around=4), decals=_fly(garment)))
    for side in SIDES:
        tube = body.legs[side].part(0.02, end, 36).grown(_pants_slack(garment, end))
        wrinkles = tailor.folds(0.003 + 0.006 * garment.fit, along=1.6, around=5)
        tailor.add(
            Patch(
                tube,
                part,
                material,
                layer=2,
                displace=wrinkles,
                two_sided=garment.style == "wide",
                decals=_seam(garment),
            )
        )
        tailor.decide(part, _ring(tube, 0.98 if tucked >= end else max(0.05, (tucked - 0.06) / end)))


def _pants_end(garment: Garment) -> float:
    if garment.size == "Short/small":
        return 0.26 + 0.34 * garment.reach
    return 0.88 + 0.115 * garment.reach


def _pants_slack(garment: Garment, end: float) -> Array:
    along = np.linspace(0, end, 36)
    hip = 0.008 + 0.012 * garment.fit
    hem = {"skinny": 0.006, "straight": 0.02 + 0.02 * garment.fit, "wide": 0.06 + 0.05 * garment.fit, "flared": 0.07}
    knee = {"flared": 0.012, "wide": 0.04 + 0.04 * garment.fit}.get(
        garment.style, 0.5 * (hip + hem.get(garment.style, 0.02))
    )
    return np.asarray(np.interp(along, [0, 0.5, 0.95], [hip, knee, hem.get(garment.style, 0.02)]), np.float32)


def _stroke(
    height: int, width: int, tint: Array, boxes: list[tuple[float, float, float, float]], alpha: float
) -> Array:
    """RGBA picture with filled boxes given as shares (x0, y0, x1, y1)."""
    image = np.zeros((height, width, 4), np.float32)
    image[..., :3] = tint
    for x0, y0, x1, y1 in boxes:
        image[
            int(y0 * height) : max(int(y0 * height) + 1, int(y1 * height)),
            int(x0 * width) : max(int(x0 * width) + 1, int(x1 * width)),
            3,
        ] = alpha
    return image


def _fly(garment: Garment) -> tuple[Decal, ...]:
    dark = np.array(garment.tint, np.float32) * 0.55
    boxes = [(0.0, 0.86, 1.0, 0.875), (0.49, 0.4, 0.505, 0.98), (0.1, 0.66, 0.3, 0.675), (0.7, 0.66, 0.9, 0.675)]
    return (Decal(_stroke(120, 120, dark, boxes, 0.6), (0.35, np.pi - 0.35), (0.0, 1.0)),)


def _seam(garment: Garment) -> tuple[Decal, ...]:
    dark = np.array(garment.tint, np.float32) * 0.62
    side = _stroke(16, 32, dark, [(0.46, 0, 0.52, 1)], 0.5)
    hem = _stroke(64, 4, dark, [(0, 0.3, 1, 0.36)], 0.5)
    decals = [
        Decal(side, (-0.3, 0.3), (0, 1)),
        Decal(side, (np.pi - 0.3, np.pi + 0.3), (0, 1)),
        Decal(hem, (0, 2 * np.pi), (0.93, 1.0)),
    ]
    if garment.texture == "denim":
        worn = np.ones((48, 32, 4), np.float32)
        down, across = np.linspace(-1, 1, 48)[:, None], np.linspace(-1, 1, 32)[None, :]
        worn[..., 3] = 0.22 * np.exp(-2.5 * (down**2 + across**2)) * (abs(down) < 0.98) * (abs(across) < 0.98)
        decals.append(Decal(worn, (0.5, np.pi - 0.5), (0.08, 0.55)))
    return tuple(decals)


def _boot_top(outfit: Outfit) -> float:
    """Share of the leg where boots begin, 1 without."""
    shoes = outfit.garments.get("Shoes")
    if shoes is None or shoes.size != "Long/large":
        return 1.0
    return 0.90 - 0.36 * shoes.reach


def sleeve_of(upper: Garment) -> str:
    """Name of the sleeve length: the style of tops is `neckline sleeve hem`."""
    return upper.style.split()[1]


def _upper(tailor: _Tailor, garment: Garment) -> None:
    body, material, part = tailor.body, tailor.look(garment), tailor.part("UpperClothes", garment)
    neckline, sleeve, hem = garment.style.split()
    one_piece, slack = tailor.person.outfit.dress, 0.007 + 0.022 * garment.fit
    bottom = {"tucked": 1.0, "crop": 1.09, "hip": 0.87}[hem] if not one_piece else 1.03
    tube = body.trunk.part(trunk_share(bottom), trunk_share(1.497), 44)
    loose = np.interp(np.linspace(0, 1, 44), [0, 0.3, 0.75, 1], [slack, slack * 1.2, slack * 0.8, 0.004])
    layer = 4 if hem != "tucked" or one_piece else 1
    if "Coat" in tailor.person.outfit.garments:
        loose = np.minimum(loose, 0.010)
    elif layer == 4:
        loose = loose + np.interp(np.linspace(0, 1, 44), [0, 0.35, 0.5], [0.012, 0.012, 0])  # over the waistband
    tube = tube.grown(loose.astype(np.float32))
    decals = _front_of(garment, neckline)
    wrinkles = tailor.folds(0.003 + 0.004 * garment.fit, along=2.5, around=2.5)
    covered = (HALF_PI - 1.5, HALF_PI + 1.5) if "Coat" in tailor.person.outfit.garments else None
    tailor.add(Patch(tube, part, material, layer, _neckline(neckline), wrinkles, decals, angles=covered))
    _neck_finish(tailor, garment, neckline, material, part)
    for side in SIDES:
        _sleeve(
            tailor,
            garment,
            side,
            SLEEVES[sleeve],
            material,
            part,
            layer,
            covered="Coat" in tailor.person.outfit.garments,
        )
    if one_piece and (skirt := tailor.person.outfit.garments.get("Skirt")):
        tailor.decide(part, _ring(_skirt_tube(body, skirt), 0.98))


def _neckline(name: str) -> Keep:
    """Which points of a top exist: all below the neckline, shares of a top that ends at the neck."""

    def keep(share: Array, angle: Array) -> NDArray[np.bool_]:
        gap = from_front(angle)
        side = np.abs(gap - HALF_PI) / HALF_PI
        edge = {
            "crew": 0.955 - 0.05 * np.exp(-((gap / 0.9) ** 2)),
            "collar": 0.97 - 0.10 * np.exp(-((gap / 0.35) ** 2)),
        }.get(name)
        if name == "vee":
            edge = 0.955 - 0.28 * np.clip(1 - gap / 0.75, 0, 1)
        elif name == "scoop":
            edge = 0.945 - 0.16 * np.exp(-((gap / 0.85) ** 4))
        elif name == "strap":
            edge = np.where(np.abs(side - 0.50) < 0.16, 0.96, 0.72 + 0.05 * np.cos(2 * gap))
        elif edge is None:
            edge = np.ones_like(gap)
        return np.asarray(share < edge, np.bool_)

    return keep


def _neck_finish(tailor: _Tailor, garment: Garment, neckline: str, material: int, part: int) -> None:
    body = tailor.body
    if neckline == "turtle":
        tailor.add(
            Patch(
                body.neck.part(0.1, 0.72, 14).grown(0.009),
                part,
                material,
                layer=4,
                displace=tailor.folds(0.003, around=8),
            )
        )
    elif neckline in ("collar", "hood"):
        low, high = body.neck.part(0.12, 0.12, 2), body.neck.part(0.5, 0.5, 2)
        rise = np.linspace(0, 1, 9)[:, None]
        fold = 0.026 * np.sin(np.pi * np.clip(rise[:, 0] * 0.62 + 0.38, 0, 1))
        centers = low.centers[0] * (1 - rise) + high.centers[0] * rise
        tube = Tube(floats(centers), np.repeat(low.sides[:1], 9, 0), np.repeat(low.fronts[:1], 9, 0)).grown(
            floats(fold + 0.002)
        )
        tailor.add(
            Patch(
                tube,
                part,
                material,
                layer=4,
                keep=lambda share, angle: from_front(angle) > 0.12 + 0.5 * share * 0.6,
                two_sided=True,
            )
        )
    if neckline == "hood":
        _hood(tailor, material, part)


def _hood(tailor: _Tailor, material: int, part: int) -> None:
    """A hood lying on the back."""
    body = tailor.body
    ring = body.trunk.part(trunk_share(1.45), trunk_share(1.45), 2)
    left, back = ring.sides[0] / np.linalg.norm(ring.sides[0]), -ring.fronts[0] / np.linalg.norm(ring.fronts[0])
    angles = np.linspace(-1.25, 1.25, 15)[:, None]
    path = ring.centers[0] + (left * np.sin(angles) * 0.115 + back * (np.cos(angles) * 0.11 - 0.02)) * body.scale
    path = path + np.array([0, 0.012, 0]) * body.scale
    radii = np.array([(0, 0.02), (0.5, 0.05), (1, 0.02)]) * (1, body.scale)
    tailor.add(
        Patch(
            path_tube(floats(path), radii, floats([0, 1, 0.05]), rings=24, smooth=2),
            part,
            material,
            4,
            displace=tailor.folds(0.008),
        )
    )


def _front_of(garment: Garment, neckline: str) -> tuple[Decal, ...]:
    """Buttons on shirts, print on the chest, a hem seam."""
    tint = np.array(garment.tint, np.float32)
    decals = [Decal(_stroke(40, 4, tint * 0.7, [(0, 0.4, 1, 0.5)], 0.5), (0, 2 * np.pi), (0.0, 0.06))]
    if neckline == "collar":
        image = _stroke(160, 40, tint * 0.62, [(0.28, 0, 0.31, 1)], 0.45)
        for index in range(7):
            image[10 + 22 * index : 15 + 22 * index, 18:23] = (*np.clip(1.15 - tint, 0.15, 0.95), 1.0)
        decals.append(Decal(image, (HALF_PI - 0.22, HALF_PI + 0.22), (0.02, 0.9)))
    if garment.pattern == "Letters":
        decals.append(_chest_print(garment))
    return tuple(decals)


def _chest_print(garment: Garment) -> Decal:
    ink = garment.accents[0] if garment.accents else (0.95, 0.95, 0.95)
    image = lettering(garment.text, ink)[::-1, ::-1]
    wide = min(1.05, 0.62 * image.shape[1] / image.shape[0] * 0.5)
    high = min(0.24, 0.42 * wide * image.shape[0] / image.shape[1] * 2)
    return Decal(np.ascontiguousarray(image), (HALF_PI - wide, HALF_PI + wide), (0.60 - high / 2, 0.60 + high / 2))


def _sleeve(
    tailor: _Tailor, garment: Garment, side: str, end: float, material: int, part: int, layer: int, *, covered: bool
) -> None:
    """A sleeve down to a share of the arm; sleeveless tops get the armhole's edge as the deciding place."""
    arm = tailor.body.arms[side]
    if not covered:
        tailor.decide(part, _ring(arm.part(0, max(end, 0.1), 24).grown(0.012), 0.98))
    if end <= 0 or covered:
        return
    slack = np.interp(
        np.linspace(0, 1, 36),
        [0, 0.3, 1],
        [0.006, 0.010 + 0.016 * garment.fit, 0.007 + 0.022 * garment.fit * (end < 0.9)],
    )
    tube = arm.part(0, end, 36).grown(slack.astype(np.float32))
    tailor.add(
        Patch(tube, part, material, layer, displace=tailor.folds(0.002 + 0.005 * garment.fit, along=1.5, around=4))
    )


def _coat(tailor: _Tailor, garment: Garment) -> None:
    body, material, part = tailor.body, tailor.look(garment), tailor.part("Coat", garment)
    style = garment.style.split()
    slack = 0.026 + 0.02 * garment.fit
    opening = {"open": 0.42, "half": 0.12, "closed": 0.0}[style[1]]
    tall = trunk_share(0.86) if garment.size == "Short/small" else trunk_share(0.98)
    hip_length = 0.86 + 0.2 * (1 - garment.reach) if style[0] in ("bomber", "denim", "biker") else 0.82
    tall = trunk_share(hip_length) if garment.size == "Short/small" else tall
    tube = body.trunk.part(tall, trunk_share(1.485), 44)
    loose = np.interp(np.linspace(0, 1, 44), [0, 0.25, 0.8, 1], [slack, slack, slack * 0.9, 0.012]).astype(np.float32)
    wrinkles = tailor.folds(0.004, along=3, around=2)
    tailor.add(
        Patch(
            tube.grown(loose),
            part,
            material,
            5,
            _opened(opening, 0.62),
            wrinkles,
            _coat_front(garment, style),
            two_sided=style[1] == "open",
        )
    )
    if garment.size == "Long/large":
        _coat_skirt(tailor, garment, material, part, opening)
    else:
        tailor.decide(part, _ring(tube.grown(loose), 0.03))
    _lapels(tailor, garment, style, opening, tube.grown(loose + floats(0.007)), part)
    for side in SIDES:
        _coat_sleeve(tailor, garment, side, material, part)


def _coat_skirt(tailor: _Tailor, garment: Garment, material: int, part: int, opening: float) -> None:
    hem = 0.60 - 0.42 * garment.reach
    tube = drape(tailor.body, 1.0, hem, slack=0.036 + 0.02 * garment.fit, flare=0.05 + 0.07 * garment.fit)
    tailor.add(
        Patch(
            tube,
            part,
            material,
            5,
            _opened(opening, 5.0),
            _hanging_folds(tailor, 0.014, 7),
            two_sided=True,
            decals=_coat_front(garment, ["", ""]),
        )
    )
    tailor.decide(part, _ring(tube, 0.97))


def _coat_sleeve(tailor: _Tailor, garment: Garment, side: str, material: int, part: int) -> None:
    slack = np.interp(
        np.linspace(0, 1, 36), [0, 0.3, 1], [0.014, 0.020 + 0.012 * garment.fit, 0.016 + 0.012 * garment.fit]
    )
    tube = tailor.body.arms[side].part(0, 0.97, 36).grown(slack.astype(np.float32))
    tailor.add(Patch(tube, part, material, 5, displace=tailor.folds(0.005, along=1.5, around=4)))


def _opened(opening: float, narrow_at: float) -> Keep:
    """All but a gap in front, which closes from the share `narrow_at` upward only on coats that are buttoned."""

    def keep(share: Array, angle: Array) -> NDArray[np.bool_]:
        vee = np.clip((share - narrow_at) / (1 - narrow_at), 0, 1) if narrow_at < 1 else np.zeros_like(share)
        gap = opening + 0.42 * np.minimum(vee, 1 - vee) * 2 * (opening < 0.3) + 0.1 * vee
        return np.asarray(from_front(angle) >= gap, np.bool_)

    return keep


def _coat_front(garment: Garment, style: list[str]) -> tuple[Decal, ...]:
    tint = np.array(garment.tint, np.float32)
    image = _stroke(200, 60, tint * 0.5, [(0.49, 0, 0.515, 1)], 0.55)
    if style[0] == "down":
        quilt = _stroke(200, 8, tint * 0.55, [(0, i / 8, 1, i / 8 + 0.012) for i in range(8)], 0.55)
        return Decal(image, (HALF_PI - 0.3, HALF_PI + 0.3), (0, 0.95)), Decal(quilt, (0, 2 * np.pi), (0, 1))
    if style[1] != "open":
        for index in range(5):
            image[20 + 30 * index : 27 + 30 * index, 36:41] = (*np.clip(tint * 0.4, 0, 1), 1.0)
    pocket = _stroke(40, 20, tint * 0.55, [(0.1, 0.45, 0.9, 0.55)], 0.6)
    pockets = [Decal(pocket, (HALF_PI + turn - 0.25, HALF_PI + turn + 0.25), (0.06, 0.26)) for turn in (-0.75, 0.75)]
    return (Decal(image, (HALF_PI - 0.3, HALF_PI + 0.3), (0, 0.8)), *pockets)


def _lapels(tailor: _Tailor, garment: Garment, style: list[str], opening: float, tube: Tube, part: int) -> None:
    shade = replace(
        garment, tint=_scaled(garment.tint, 0.86), accents=tuple(_scaled(accent, 0.86) for accent in garment.accents)
    )
    material = tailor.look(shade)
    if style[0] in ("coat", "blazer", "trench", "biker"):
        upper = tube.part(0.5, 0.985, 24)

        def keep(share: Array, angle: Array) -> NDArray[np.bool_]:
            gap = from_front(angle)
            inner = opening + 0.42 * np.minimum(
                np.clip((share - 0.24) / 0.76, 0, 1), 1 - np.clip((share - 0.24) / 0.76, 0, 1)
            ) * 2 * (opening < 0.3)
            width = 0.30 * np.clip(share / 0.75, 0, 1) * np.where(np.abs(share - 0.72) < 0.02, 0.6, 1.0)
            return np.asarray((gap > inner + 0.02) & (gap < inner + width), np.bool_)

        tailor.add(Patch(upper, part, material, 6, keep))
    low = tailor.body.neck.part(0.0, 0.5, 9)
    rise = np.linspace(0, 1, 9)
    collar = low.grown(floats(0.022 + 0.016 * np.sin(np.pi * (0.3 + 0.6 * rise))))
    tailor.add(
        Patch(collar, part, material, 6, lambda share, angle: from_front(angle) > 0.55 + 0.15 * share, two_sided=True)
    )
    if style[0] in ("parka", "down"):
        _hood(tailor, material, part)


def _scaled(tint: Rgb, factor: float) -> Rgb:
    red, green, blue = (min(1.0, value * factor) for value in tint)
    return red, green, blue


def drape(body: Body, top: float, bottom: float, *, slack: float, flare: float, taper: bool = False) -> Tube:
    """Cloth around both legs, from a height of the trunk down to a height of the legs (of the reference stature)."""
    rings = 30
    waist = body.trunk.part(trunk_share(top), trunk_share(top), 2)
    hips = body.trunk.part(trunk_share(0.92), trunk_share(0.92), 2)
    down = np.linspace(0, 1, rings)
    heights = (top + (bottom - top) * down) * body.scale
    heights = heights + float(waist.centers[0, 1]) - top * body.scale
    left, right = (_at_heights(body.legs[side], heights) for side in SIDES)
    leg_radius = np.interp(heights / body.scale, [0.1, 0.5, 0.85], [0.05, 0.065, 0.09]) * body.scale
    share = np.clip((top - heights / body.scale) / max(0.05, top - 0.88), 0, 1)
    share = share * share * (3 - 2 * share)
    middle = (left + right) / 2
    middle[:, 1] = heights
    start, hip = waist.centers[0], hips.centers[0]
    trunk_path = start + (hip - start) * np.clip((top - heights / body.scale) / (top - 0.92), 0, 1)[:, None]
    centers = trunk_path * (1 - share[:, None]) + middle * share[:, None]
    centers[:, 1] = heights
    spans = []
    for axis, ring in ((0, "sides"), (2, "fronts")):
        legs = (np.abs(left[:, axis] - right[:, axis]) / 2 + leg_radius) * 1.12  # an ellipse cuts corners
        top_radius, hip_radius = (float(np.linalg.norm(getattr(tube, ring)[0])) for tube in (waist, hips))
        trunk_radius = np.interp(heights / body.scale, [0.92, top], [hip_radius, top_radius])
        below = np.interp(heights / body.scale, [0.60, 0.88], [0.0 if taper else hip_radius, hip_radius])
        span = np.where(heights / body.scale > 0.88, trunk_radius, np.maximum(legs, below))
        spans.append(_widening(span, taper) + slack * np.clip(down * 4, 0.3, 1) + flare * down**1.2)
    side, front = waist.sides[0] / np.linalg.norm(waist.sides[0]), waist.fronts[0] / np.linalg.norm(waist.fronts[0])
    front = front * np.array([1, 0, 1])
    return Tube(floats(centers), floats(spans[0][:, None] * side), floats(spans[1][:, None] * front), 2.15)


def _widening(span: NDArray[np.float64], taper: bool) -> NDArray[np.float64]:
    return span if taper else np.maximum.accumulate(span)


def _at_heights(leg: Tube, heights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points of a leg's middle line at heights; the line never turns back upward for long."""
    order = np.argsort(leg.centers[:, 1])
    return np.stack([np.interp(heights, leg.centers[order, 1], leg.centers[order, axis]) for axis in range(3)], 1)


def _hanging_folds(tailor: _Tailor, height: float, count: int) -> Array:
    """Vertical folds that grow toward the hem."""
    down, around = np.linspace(0, 1, 24)[:, None], np.arange(96)[None, :] / 96 * 2 * np.pi
    waves = np.sin(count * around + tailor.rng.uniform(0, 6)) + 0.6 * np.sin(
        (count + 3) * around + tailor.rng.uniform(0, 6) + 0.5 * down
    )
    return np.asarray(height * waves * (0.1 + 0.9 * down**1.3) * 0.6 + tailor.folds(height * 0.3)[:24, :1], np.float32)


def _skirt_tube(body: Body, garment: Garment) -> Tube:
    hem = (0.72 - 0.21 * garment.reach) if garment.size == "Short/small" else (0.40 - 0.30 * garment.reach)
    slack, flare = {"pencil": (0.012, 0.0), "a-line": (0.02, 0.09), "pleated": (0.02, 0.10), "flared": (0.022, 0.17)}[
        garment.style
    ]
    return drape(
        body, 1.045, hem, slack=slack, flare=flare * ((1.04 - hem) / 0.5) ** 0.35, taper=garment.style == "pencil"
    )


def _skirt(tailor: _Tailor, garment: Garment) -> None:
    outfit = tailor.person.outfit
    tube = _skirt_tube(tailor.body, garment)
    part = tailor.part("Skirt", garment)
    material = tailor.look(garment)
    tailor.add(
        Patch(
            tube,
            part,
            material,
            layer=2 if not outfit.dress else 3,
            displace=_skirt_folds(tailor, garment),
            two_sided=True,
        )
    )
    tailor.decide(part, _ring(tube, 0.98))


def _skirt_folds(tailor: _Tailor, garment: Garment) -> Array:
    if garment.style == "pleated":
        down, around = np.linspace(0, 1, 24)[:, None], np.arange(192)[None, :] / 192
        return np.asarray((around * 24 % 1 - 0.5) * 0.022 * (0.15 + 0.85 * down), np.float32)
    if garment.style == "pencil":
        return tailor.folds(0.003, along=2, around=5)
    return _hanging_folds(tailor, 0.014 if garment.style == "a-line" else 0.024, 8)


def _shoes(tailor: _Tailor, garment: Garment) -> None:
    material = tailor.look(garment)
    for side, letter in zip(SIDES, "LR", strict=True):
        part = tailor.part(f"{letter}-shoe", garment)
        foot = tailor.body.feet[side].grown(0.007).closed()
        keep = _low_cut if garment.style in ("pump", "ballet") else None
        tailor.add(Patch(foot, part, material, 4, keep, decals=_sole(garment)))
        tailor.decide(part, _ring(foot, 0.3), _ring(foot, 0.6))
        if garment.size == "Long/large":
            begin = _boot_top(tailor.person.outfit)
            slack = np.interp(np.linspace(0, 1, 20), [0, 1], [0.016, 0.014]).astype(np.float32)
            shaft = tailor.body.legs[side].part(begin, 1.0, 20).grown(slack)
            layer = 1 if _over_boots(tailor.person.outfit) else 4
            tailor.add(Patch(shaft, part, material, layer, displace=tailor.folds(0.004, around=6), two_sided=True))
        elif garment.style == "sneaker":
            tailor.add(
                Patch(tailor.body.legs[side].part(0.955, 1.0, 6).grown(0.012), part, material, 4, two_sided=True)
            )


def _over_boots(outfit: Outfit) -> bool:
    """Whether the legs of the pants hang over the shafts of boots."""
    pants = outfit.garments.get("Pants")
    return pants is not None and pants.size == "Long/large" and pants.style != "skinny"


def _low_cut(share: Array, angle: Array) -> NDArray[np.bool_]:
    return np.asarray(~((from_front(angle) < 1.15) & (share > 0.08) & (share < 0.72)), np.bool_)


def _sole(garment: Garment) -> tuple[Decal, ...]:
    light = garment.style == "sneaker"
    tint = np.array((0.9, 0.89, 0.86) if light else np.array(garment.tint) * 0.35, np.float32)
    sole = _stroke(4, 4, tint, [(0, 0, 1, 1)], 1.0)
    decals = [Decal(sole, (1.5 * np.pi - 0.85, 1.5 * np.pi + 0.85), (0, 1))]
    if garment.style in ("sneaker", "lace-up"):
        laces = _stroke(
            30,
            20,
            floats([0.92, 0.92, 0.9]) if light else tint,
            [(0.1, i / 6 + 0.05, 0.9, i / 6 + 0.11) for i in range(6)],
            0.85,
        )
        decals.append(Decal(laces, (HALF_PI - 0.5, HALF_PI + 0.5), (0.38, 0.7)))
    return tuple(decals)


def _gloves(tailor: _Tailor, garment: Garment) -> None:
    material, part = tailor.look(garment), tailor.part("Glove", garment)
    begin = 0.95 if garment.size == "Short/small" else 0.86 - 0.2 * garment.reach
    for side in SIDES:
        for tube in (tailor.body.hands[side], _thumb(tailor.body, side)):
            tailor.add(Patch(tube.grown(0.005), part, material, 6, displace=tailor.folds(0.001)))
        cuff = tailor.body.arms[side].part(begin, 1.0, 10).grown(0.008 if garment.size == "Short/small" else 0.027)
        tailor.add(Patch(cuff, part, material, 6, two_sided=True))
        tailor.decide(part, _ring(cuff, 0.05), _ring(cuff, 0.6), _ring(tailor.body.hands[side].grown(0.005), 0.3))


def _scarf(tailor: _Tailor, garment: Garment) -> None:
    material, part = tailor.look(garment), tailor.part("Scarf", garment)
    if garment.style == "tie":
        _tie(tailor, garment, material, part)
        return
    body, scale = tailor.body, tailor.body.scale
    bulk = (0.026 if garment.size == "Short/small" else 0.042) * scale
    coated = 0.018 if "Coat" in tailor.person.outfit.garments else 0.0
    ring = body.neck.part(0.32, 0.32, 2)
    angles = np.linspace(0, 2 * np.pi, 33)[:, None]
    reach = 0.072 * scale + bulk * 0.6 + coated
    side, front = (v[0] / np.linalg.norm(v[0]) for v in (ring.sides, ring.fronts))
    path = (
        ring.centers[0]
        + (np.cos(angles) * side + np.sin(angles) * front * 1.05) * reach
        - np.sin(angles) * floats([0, 0.028, 0]) * scale
    )
    loop = path_tube(floats(path), np.array([(0, bulk), (1, bulk)]), floats([0, 1, 0]), rings=48, smooth=1)
    tailor.add(Patch(loop, part, material, 8, displace=tailor.folds(0.010, along=1.5, around=2, cells=24)))
    tailor.decide(part, *(_ring(loop, share) for share in (0.1, 0.25, 0.4, 0.6, 0.75, 0.9)))
    if garment.size == "Long/large":
        for sign in (-1.0, 1.0):
            _scarf_tail(tailor, garment, sign, material, part)


def _scarf_tail(tailor: _Tailor, garment: Garment, sign: float, material: int, part: int) -> None:
    bottom = 1.10 - 0.25 * garment.reach - 0.06 * sign
    points = _down_the_front(tailor, 1.44, bottom, sign * 0.055, 0.03)
    tube = path_tube(
        points,
        np.array([(0, 0.035), (0.3, 0.052), (1, 0.062)]) * (1, tailor.body.scale),
        floats([0, 0, 1]),
        rings=30,
    )
    flat = replace(tube, fronts=tube.fronts * 0.32)
    tailor.add(Patch(flat, part, material, 7, displace=tailor.folds(0.006, along=4, around=1.5), two_sided=True))
    tailor.decide(part, _ring(flat, 0.95))


def _tie(tailor: _Tailor, garment: Garment, material: int, part: int) -> None:
    points = _down_the_front(tailor, 1.452, 1.04, 0.0, 0.012)
    radii = np.array([(0, 0.020), (0.06, 0.022), (0.1, 0.016), (0.85, 0.040), (0.93, 0.044), (1.0, 0.002)]) * (
        1,
        tailor.body.scale,
    )
    tube = path_tube(points, radii, floats([0, 0, 1]), rings=40, smooth=2)
    flat = replace(tube, fronts=tube.fronts * 0.25)
    tailor.add(Patch(flat, part, material, 4))
    tailor.decide(part, _ring(flat, 0.3), _ring(flat, 0.7))


def _down_the_front(tailor: _Tailor, top: float, bottom: float, aside: float, off: float) -> Array:
    """Points (P, 3) over the chest between two heights, `off` metres before what is worn."""
    trunk, scale = tailor.body.trunk, tailor.body.scale
    thick = off + (0.036 if "Coat" in tailor.person.outfit.garments and off > 0.02 else 0.014)
    points = []
    for height in np.linspace(top, bottom, 12).tolist():
        ring = trunk.part(trunk_share(max(0.84, height)), trunk_share(max(0.84, height)), 2)
        side, front = (v[0] / np.linalg.norm(v[0]) for v in (ring.sides, ring.fronts))
        shade = np.sqrt(max(0.3, 1 - (aside * scale / float(np.linalg.norm(ring.sides[0]))) ** 2))
        points.append(ring.centers[0] + ring.fronts[0] * shade + front * thick + side * aside * scale)
    return floats(points)


def _glasses(tailor: _Tailor, garment: Garment) -> None:
    material, part = tailor.look(garment), tailor.part("Glasses", garment)
    wide, high = (0.30, 0.072) if garment.size == "Long/large" else (0.25, 0.054)
    filled = garment.style == "sun"

    def keep(share: Array, angle: Array) -> NDArray[np.bool_]:
        gap = from_front(angle)
        lens = np.hypot((gap - 0.40) / wide, (share - 0.545) / high)
        bridge = (gap < 0.18) & (np.abs(share - 0.565) < 0.012)
        temple = (gap > 0.6) & (gap < 1.75) & (np.abs(share - 0.572) < 0.011)
        return np.asarray(((lens < 1) & (filled | (lens > 0.74))) | bridge | temple, np.bool_)

    tube = tailor.body.head.part(0.4, 0.7, 16).grown(0.009 * tailor.body.scale)
    tailor.add(Patch(tube, part, material, 5, lambda share, angle: keep(0.4 + 0.3 * share, angle)))
    left, right = (tube.centers[8] + tube.sides[8] * s * 0.39 + tube.fronts[8] * 0.92 for s in (1, -1))
    tailor.decide(part, left, right, *(_ring(tube, 0.55)[[1, 2, 3]],))


def _mask(tailor: _Tailor, garment: Garment) -> None:
    material, part = tailor.look(garment), tailor.part("Mask", garment)

    def keep(share: Array, angle: Array) -> NDArray[np.bool_]:
        gap = from_front(angle)
        cloth = (gap < 1.05) & (share < 0.455 - 0.10 * (gap / 1.05) ** 2)
        loop = (gap < 1.75) & (
            (np.abs(share - 0.375 - 0.05 * (gap - 1)) < 0.008) | (np.abs(share - 0.12 - 0.3 * (gap - 1)) < 0.008)
        )
        return np.asarray(cloth | loop, np.bool_)

    height = np.linspace(0, 1, 26)
    bulge = np.interp(height, [0, 0.25, 0.6, 1], [0.008, 0.014, 0.014, 0.008]).astype(np.float32)
    tube = tailor.body.head.part(0.02, 0.47, 26).grown(bulge)
    image = _stroke(
        60, 4, np.array(garment.tint, np.float32) * 0.8, [(0, 0.3, 1, 0.33), (0, 0.5, 1, 0.53), (0, 0.7, 1, 0.73)], 0.6
    )
    nose = np.asarray(_face_relief()[1:30] * 0.8, np.float32)
    tailor.add(
        Patch(
            tube,
            part,
            material,
            5,
            lambda share, angle: keep(0.02 + 0.45 * share, angle),
            nose,
            (Decal(image, (HALF_PI - 1, HALF_PI + 1), (0.1, 0.95)),),
        )
    )
    tailor.decide(part, _ring(tube, 0.5)[[1, 2, 3]])


# --- hats and hair ---


def _shell(body: Body, begin: float, end: float, by: float, rings: int = 30) -> Tube:
    """The head's surface pushed outward by `by` metres, rounded over the crown."""
    tube = body.head.part(begin, end, rings)
    share = np.linspace(begin, end, rings)
    rise = np.clip((share - 0.5) / 0.5, 0, 1) ** 2
    aside = np.sqrt(np.clip(1 - rise**2, 0, 1))
    sink = np.clip((0.45 - share) / 0.45, 0, 1) * 0.4
    lifted = tube.centers + (by * (rise - sink))[:, None] * body.head_frame[1]
    return replace(tube.grown((by * aside).astype(np.float32)), centers=floats(lifted))


def _hat(tailor: _Tailor, garment: Garment) -> None:
    body, material, part = tailor.body, tailor.look(garment), tailor.part("Hat", garment)
    if garment.style in ("beanie", "fur"):
        bulk = 0.030 if garment.style == "fur" else 0.017
        crown = _shell(body, 0.66, 1.0, bulk)
        ribs = np.sin(np.arange(192) / 192 * 2 * np.pi * 40)[None, :] * 0.0016
        shape = tailor.folds(0.012) if garment.style == "fur" else floats(ribs + np.zeros((8, 1)))
        tailor.add(Patch(crown, part, material, 6, displace=shape, decals=_word(garment)))
        band = body.head.part(0.64, 0.78, 8).grown(bulk + 0.006)
        tailor.add(Patch(band, part, material, 6, displace=shape, two_sided=True))
    else:
        _brimmed(tailor, garment, material, part)
    tailor.decide(part, *(_ring(body.head.part(0.7, 0.95, 8).grown(0.02), share) for share in (0.2, 0.6)))


def _word(garment: Garment) -> tuple[Decal, ...]:
    if garment.pattern != "Letters":
        return ()
    image = lettering(garment.text[:4], garment.accents[0] if garment.accents else (0.95, 0.95, 0.95))[::-1, ::-1]
    return (Decal(np.ascontiguousarray(image), (HALF_PI - 0.55, HALF_PI + 0.55), (0.08, 0.5)),)


def _brimmed(tailor: _Tailor, garment: Garment, material: int, part: int) -> None:
    """Caps with a peak in front; bucket hats, fedoras and sun hats with a brim all around."""
    body = tailor.body
    _, up, front = body.head_frame
    ring = body.head.part(0.70, 0.70, 2).grown(0.014)
    side, ahead = ring.sides[0], ring.fronts[0]
    tall = {"cap": 0.088, "bucket": 0.09, "fedora": 0.115, "sun": 0.105}[garment.style] * body.scale
    rise = np.linspace(0, 1, 14)[:, None]
    shrink = np.array(
        {"cap": 1 - rise**2.6, "bucket": 1 - 0.16 * rise - 0.84 * rise**12}.get(
            garment.style, 1 - 0.18 * rise - 0.82 * rise**9
        )
    )
    shrink = np.maximum(shrink, 0.02)
    centers = ring.centers[0] + up * tall * rise
    crown = Tube(floats(centers), floats(side * shrink), floats(ahead * shrink))
    band = Decal(_stroke(4, 4, floats(garment.tint) * 0.45, [(0, 0, 1, 1)], 1.0), (0, 2 * np.pi), (0.02, 0.24))
    decals = (*_word(garment), *((band,) if garment.style in ("fedora", "sun") else ()))
    tailor.add(Patch(crown, part, material, 6, displace=tailor.folds(0.002), decals=decals))
    out = np.linspace(0, 1, 8)[:, None]
    if garment.style == "cap":
        reach, droop = 0.075 * body.scale, 0.018
        brim = Tube(
            floats(ring.centers[0] + front * reach * out - up * droop * out**2),
            floats(side * (1 - 0.10 * out)),
            floats(ahead * (1.0 + 0 * out)),
        )
        tailor.add(
            Patch(brim, part, material, 6, lambda share, angle: from_front(angle) < 1.25 - 0.2 * share, two_sided=True)
        )
        return
    reach = {"bucket": 0.045, "fedora": 0.075, "sun": 0.16}[garment.style] * body.scale
    droop = {"bucket": 0.045, "fedora": 0.006, "sun": 0.03}[garment.style] * body.scale
    wide = [vector / np.linalg.norm(vector) * reach * out + vector for vector in (side, ahead)]
    brim = Tube(floats(ring.centers[0] - up * droop * out**1.5), floats(wide[0]), floats(wide[1]))
    tailor.add(Patch(brim, part, material, 6, displace=_brim_wave(tailor), two_sided=True))
    tailor.decide(part, _ring(brim, 0.9))


def _brim_wave(tailor: _Tailor) -> Array:
    around = np.arange(64)[None, :] / 64 * 2 * np.pi
    return np.asarray(0.004 * np.sin(2 * around + tailor.rng.uniform(0, 6)) * np.linspace(0, 1, 6)[:, None], np.float32)


HAIRLINE_GAPS = np.array([0.0, 0.55, 0.85, 1.05, 1.3, 1.55, 1.8, 2.2, np.pi])
HAIRLINES = {
    "short": np.array([0.865, 0.85, 0.79, 0.62, 0.47, 0.42, 0.30, 0.20, 0.17]),
    "fringe": np.array([0.70, 0.695, 0.67, 0.55, 0.40, 0.36, 0.28, 0.18, 0.15]),
    "tied": np.array([0.875, 0.86, 0.80, 0.66, 0.50, 0.45, 0.33, 0.24, 0.20]),
}


def _hair(tailor: _Tailor, garment: Garment) -> None:
    """Hair by style: crop, side, fringe, bob, long, wavy, afro, ponytail, bun, bald; `+beard` adds a beard."""
    style, _, extra = garment.style.partition("+")
    part = tailor.part("Hair", garment)
    shown = replace(garment, tint=_stubble(tailor, garment)) if style == "bald" else garment
    material = tailor.look(replace(shown, texture="skin" if style == "bald" else "hair"))
    _scalp(tailor, style, material, part)
    if extra:
        _beard(tailor, replace(garment, texture="hair"), extra, part)
    _LENGTHS.get(style, _no_length)(tailor, garment, material, part)
    if style in ("crop", "side", "fringe", "afro", "bald"):
        sides = tailor.body.head.part(0.5, 0.95, 10).grown(0.01)
        tailor.decide(part, *(_ring(sides, share) for share in (0.2, 0.5, 0.8)))


def _stubble(tailor: _Tailor, garment: Garment) -> Rgb:
    red, green, blue = (0.5 * a + 0.5 * b for a, b in zip(garment.tint, tailor.person.skin, strict=True))
    return red, green, blue


def _scalp(tailor: _Tailor, style: str, material: int, part: int) -> None:
    body, rng = tailor.body, tailor.rng
    line = HAIRLINES.get(
        {"fringe": "fringe", "bob": "fringe", "ponytail": "tied", "bun": "tied"}.get(style, "short"), HAIRLINES["short"]
    )
    if style in ("long", "wavy") and rng.random() < 0.4:
        line = HAIRLINES["fringe"]
    bulk = {
        "crop": 0.010,
        "side": 0.018,
        "fringe": 0.016,
        "bob": 0.020,
        "afro": 0.075,
        "bald": 0.0015,
        "ponytail": 0.009,
        "bun": 0.009,
    }.get(style, 0.017)
    wobble = (
        0.012 * smooth_noise(rng, (64, 1), (3, 0))[:, 0] if style not in ("bald", "tied") else np.zeros(64, np.float32)
    )
    hatted = "Hat" in tailor.person.outfit.garments

    def keep(share: Array, angle: Array) -> NDArray[np.bool_]:
        real = 0.1 + 0.9 * share
        edge = (
            np.interp(from_front(angle), HAIRLINE_GAPS, line)
            + wobble[np.mod((angle * 64 / (2 * np.pi)).astype(int), 64)]
        )
        return np.asarray((real > edge) & ((real < 0.72) | (not hatted)), np.bool_)

    tube = _shell(body, 0.1, 1.0, min(bulk, 0.012 if hatted else 1.0))
    strands = tailor.folds(
        0.4 * bulk if style != "afro" else 0.016,
        along=4 if style != "afro" else 1.3,
        around=1.0 if style != "afro" else 1.3,
        cells=64,
    )
    tailor.add(Patch(tube, part, material, 3, keep, strands))


def _beard(tailor: _Tailor, garment: Garment, extra: str, part: int) -> None:
    depth = {"stubble": 0.003, "beard": 0.012, "longbeard": 0.022}[extra]

    def keep(share: Array, angle: Array) -> NDArray[np.bool_]:
        gap, real = from_front(angle), 0.34 * share
        jaw = (real < 0.20 + 0.24 * np.clip((gap - 0.35) / 0.9, 0, 1)) & (gap < 1.5)
        moustache = (gap < 0.42) & (real > 0.245) & (real < 0.30)
        mouth = (gap < 0.26) & (real > 0.165) & (real < 0.245)
        return np.asarray((jaw | moustache) & ~mouth, np.bool_)

    tube = tailor.body.head.part(0.0, 0.34, 20).grown(depth)
    if extra == "longbeard":
        tube = replace(
            tube, centers=tube.centers - np.linspace(0.02, 0, 20, dtype=np.float32)[:, None] * tailor.body.head_frame[1]
        )
    tint = _stubble(tailor, garment) if extra == "stubble" else garment.tint
    material = tailor.look(replace(garment, tint=tint, pattern="Solid"))
    relief = np.asarray(_face_relief()[:22], np.float32)
    tailor.add(Patch(tube, part, material, 3, keep, relief))


def _falling(tailor: _Tailor, garment: Garment, material: int, part: int) -> None:
    """Hair that falls over neck, shoulders and back."""
    body = tailor.body
    _, up, front = body.head_frame
    bob = garment.style.startswith("bob")
    length = (0.20 if bob else 0.30 + 0.22 * garment.reach) * body.scale
    down = np.linspace(0, 1, 28)
    start = body.head.part(0.72, 0.72, 2)
    vertical = up * 0.5 + floats([0, 0.5, 0])
    centers = (
        start.centers[0]
        - vertical * (length * down)[:, None]
        - front * (0.028 * np.sin(np.pi * np.minimum(1, down * 1.2)) + 0.03 * down)[:, None]
    )
    wide = np.interp(down, [0, 0.3, 0.6, 1], [1.16, 1.28, 1.36 if not bob else 1.3, 1.45 if not bob else 1.15])
    deep = np.interp(down, [0, 0.4, 1], [1.12, 1.05, 0.92])
    tube = Tube(floats(centers), floats(start.sides[0] * wide[:, None]), floats(start.fronts[0] * deep[:, None]))
    parted = tailor.rng.uniform(0.95, 1.15)
    ragged = 0.06 * smooth_noise(tailor.rng, (64, 1), (1.5, 0))[:, 0]

    def keep(share: Array, angle: Array) -> NDArray[np.bool_]:
        fringe = ragged[np.mod((angle * 64 / (2 * np.pi)).astype(int), 64)]
        return np.asarray((from_front(angle) > parted - 0.25 * share) & (share < 0.97 + fringe), np.bool_)

    wave = 0.004 if garment.style.startswith("long") or bob else 0.012
    strands = tailor.folds(wave, along=6 if wave < 0.01 else 2.5, around=1.6, cells=64)
    tailor.add(Patch(tube, part, material, 4, keep, strands, two_sided=True))
    if bob:
        tailor.decide(part, _ring(tube, 0.5))
    else:
        tailor.decide(part, _ring(tube, float(0.21 * body.scale / length)), _ring(tube, 0.9))  # at the shoulders


def _ponytail(tailor: _Tailor, garment: Garment, material: int, part: int) -> None:
    body = tailor.body
    _, up, front = body.head_frame
    start = body.head.part(0.74, 0.74, 2)
    root = start.centers[0] - start.fronts[0] * 1.0
    length = (0.24 + 0.16 * garment.reach) * body.scale
    points = np.stack(
        [
            root,
            root - front * 0.055 - up * 0.02,
            root - front * 0.06 - floats([0, 0.5 * length, 0]),
            root - front * 0.02 - floats([0, length, 0]),
        ]
    )
    radii = np.array([(0, 0.018), (0.15, 0.032), (0.5, 0.040), (0.85, 0.028), (1, 0.006)]) * (1, body.scale)
    tube = path_tube(floats(points), radii, -floats(front), rings=30, smooth=4)
    tailor.add(Patch(tube, part, material, 4, displace=tailor.folds(0.006, along=6, around=1.2, cells=48)))
    tailor.decide(part, _ring(tube, 0.6), _ring(tube, 0.8))


def _bun(tailor: _Tailor, garment: Garment, material: int, part: int) -> None:
    body = tailor.body
    _, up, front = body.head_frame
    start = body.head.part(0.9, 0.9, 2)
    middle = start.centers[0] - front * 0.065 * body.scale + up * 0.012
    angle = np.linspace(0, np.pi, 12)[:, None]
    radius = 0.042 * body.scale
    centers = middle - up * radius * np.cos(angle)
    shape = np.maximum(np.sin(angle), 0.03) * radius
    tailor.add(
        Patch(
            Tube(floats(centers), floats(body.head_frame[0] * shape), floats(front * shape)),
            part,
            material,
            4,
            displace=tailor.folds(0.005),
        )
    )


def _no_length(tailor: _Tailor, garment: Garment, material: int, part: int) -> None:
    """Hair that ends on the scalp."""


_LENGTHS: dict[str, Callable[[_Tailor, Garment, int, int], None]] = {
    "long": _falling,
    "wavy": _falling,
    "bob": _falling,
    "ponytail": _ponytail,
    "bun": _bun,
}


# --- things carried ---


def _carry(tailor: _Tailor, outfit: Outfit) -> None:
    if outfit.belt:
        tube = tailor.body.trunk.part(trunk_share(0.985), trunk_share(1.025), 6).grown(0.022)
        tailor.add(Patch(tube, 0, tailor.plain((0.16, 0.1, 0.07), "leather"), layer=3))
    if outfit.bag == "none":
        return
    material = tailor.plain(outfit.bag_tint, "leather")
    {"backpack": _backpack, "shoulder": _shoulder_bag, "hand": _handbag}[outfit.bag](tailor, material)


def _backpack(tailor: _Tailor, material: int) -> None:
    body, scale = tailor.body, tailor.body.scale
    low, high = trunk_share(1.0), trunk_share(1.40)
    back = body.trunk.part(low, high, 14)
    front = back.fronts / np.linalg.norm(back.fronts, axis=1, keepdims=True)
    side = back.sides / np.linalg.norm(back.sides, axis=1, keepdims=True)
    shape = np.sqrt(np.clip(1 - np.abs(np.linspace(-1, 1, 14)) ** 6, 0.02, 1))[:, None]
    centers = back.centers - back.fronts - front * 0.085 * scale
    tailor.add(
        Patch(
            Tube(centers, side * floats(0.135 * scale) * shape, front * floats(0.085 * scale) * shape, 3.5),
            0,
            material,
            7,
        )
    )
    for sign in (-1.0, 1.0):
        points = _down_the_front(tailor, 1.43, 1.12, sign * 0.105, 0.024)
        top = body.trunk.part(trunk_share(1.44), trunk_share(1.44), 2)
        over = top.centers[0] + top.sides[0] * 0.7 * sign + floats([0, 0.03, 0])
        strap = path_tube(
            floats([over - top.fronts[0] * 1.2, over, *points]),
            np.array([(0, 0.02), (1, 0.02)]),
            floats([0, 0, 1]),
            rings=30,
            smooth=2,
        )
        tailor.add(Patch(replace(strap, fronts=strap.fronts * floats(0.3)), 0, material, 7))


def _bag_body(tailor: _Tailor, top: Array, width: float, height: float, depth: float, material: int) -> None:
    down = np.linspace(0, 1, 12)[:, None]
    shape = np.sqrt(np.clip(1 - np.abs(2 * down - 1) ** 8, 0.02, 1)) * (0.82 + 0.18 * down)
    centers = top - floats([0, 1, 0]) * height * down
    tube = Tube(floats(centers), floats([depth, 0, 0] * shape), floats([0, 0, width] * shape), 4.0)
    tailor.add(Patch(tube, 0, material, 9, displace=tailor.folds(0.004)))


def _handbag(tailor: _Tailor, material: int) -> None:
    side = SIDES[int(tailor.rng.integers(2))]
    arm, scale = tailor.body.limbs[f"{side} arm"], tailor.body.scale
    grip = arm.end + arm.tip * 0.09 * scale
    hang = floats([0, -1, 0]) * scale
    for shift in (-0.025, 0.025):
        ends = [grip + hang * 0.13 + floats([shift, 0, s * 0.07]) for s in (-1, 1)]
        points = floats([ends[0], grip + floats([shift * 0.3, 0, 0]), ends[1]])
        tailor.add(
            Patch(
                path_tube(points, np.array([(0, 0.006), (1, 0.006)]), floats([1, 0, 0]), rings=20, smooth=3),
                0,
                material,
                7,
            )
        )
    _bag_body(tailor, floats(grip + hang * 0.12), 0.14 * scale, 0.21 * scale, 0.055 * scale, material)


def _shoulder_bag(tailor: _Tailor, material: int) -> None:
    body, scale = tailor.body, tailor.body.scale
    sign = 1.0 if tailor.rng.random() < 0.5 else -1.0
    trunk = body.trunk.part(trunk_share(0.93), trunk_share(0.93), 2)
    bag = trunk.centers[0] + sign * (trunk.sides[0] * 1.0) + sign * floats([0.075 * scale, 0, 0])
    _bag_body(tailor, floats(bag + floats([0, 0.05, 0])), 0.13 * scale, 0.2 * scale, 0.05 * scale, material)
    shoulder = body.trunk.part(trunk_share(1.445), trunk_share(1.445), 2)
    over = shoulder.centers[0] + sign * -0.75 * shoulder.sides[0] + floats([0, 0.05, 0])
    chest = [
        ring.centers[0]
        + ring.fronts[0]
        + ring.fronts[0] / np.linalg.norm(ring.fronts[0]) * 0.05
        + sign * share * ring.sides[0]
        for height, share in ((1.3, -0.35), (1.15, 0.1), (1.03, 0.6))
        for ring in [body.trunk.part(trunk_share(height), trunk_share(height), 2)]
    ]
    points = floats([over, *chest, bag + floats([0, 0.04, 0])])
    tailor.add(
        Patch(
            path_tube(points, np.array([(0, 0.012), (1, 0.012)]), floats([0, 0, 1]), rings=40, smooth=3),
            0,
            material,
            9,
        )
    )


_PUT_ON: dict[str, Callable[[_Tailor, Garment], None]] = {
    "Socks": _socks,
    "Pants": _pants,
    "UpperClothes": _upper,
    "Skirt": _skirt,
    "Shoes": _shoes,
    "Coat": _coat,
    "Glove": _gloves,
    "Scarf": _scarf,
    "Hair": _hair,
    "Mask": _mask,
    "Glasses": _glasses,
    "Hat": _hat,
}
