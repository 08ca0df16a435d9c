"""Bodies of rendered people: a posed skeleton and the tubes of rings that trunk, head and limbs are made of.

Everything is in the person's own axes (left, up, front) in metres, feet on the ground at height 0. A tube is a stack of
elliptic rings: at angle a a ring's point is `center + side * cos(a) + front * sin(a)`, so 0 is the person's left,
pi/2 its front.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from training.synthetic_specs import LimbPose, PersonSpec

Array = NDArray[np.float32]

REFERENCE_STATURE = 1.75
# Height, half width (straight, curved), half depth (straight, curved), shift to the front, of a 1.75 m trunk.
TRUNK = np.array(
    [
        (0.795, 0.040, 0.042, 0.050, 0.050, 0.000),
        (0.82, 0.128, 0.138, 0.088, 0.092, -0.004),
        (0.87, 0.160, 0.172, 0.110, 0.118, -0.008),
        (0.92, 0.166, 0.178, 0.116, 0.122, -0.010),
        (0.97, 0.162, 0.168, 0.112, 0.112, -0.006),
        (1.02, 0.154, 0.148, 0.106, 0.098, 0.000),
        (1.08, 0.147, 0.126, 0.102, 0.088, 0.004),
        (1.14, 0.149, 0.126, 0.104, 0.090, 0.004),
        (1.20, 0.157, 0.136, 0.109, 0.104, 0.004),
        (1.26, 0.166, 0.146, 0.115, 0.122, 0.006),
        (1.32, 0.174, 0.152, 0.116, 0.116, 0.003),
        (1.38, 0.178, 0.154, 0.106, 0.096, -0.004),
        (1.42, 0.170, 0.146, 0.092, 0.082, -0.010),
        (1.45, 0.138, 0.118, 0.078, 0.070, -0.013),
        (1.475, 0.094, 0.078, 0.066, 0.058, -0.013),
        (1.50, 0.066, 0.055, 0.062, 0.054, -0.010),
    ]
)
# Share of the way from chin to crown, half width, half depth, shift to the front, of the head.
HEAD = np.array(
    [
        (0.00, 0.012, 0.012, 0.055),
        (0.02, 0.026, 0.026, 0.052),
        (0.06, 0.040, 0.045, 0.042),
        (0.14, 0.054, 0.066, 0.026),
        (0.26, 0.064, 0.084, 0.010),
        (0.40, 0.070, 0.092, 0.004),
        (0.55, 0.0745, 0.096, 0.000),
        (0.70, 0.075, 0.096, -0.003),
        (0.82, 0.068, 0.087, -0.005),
        (0.91, 0.053, 0.067, -0.006),
        (0.97, 0.032, 0.041, -0.006),
        (1.00, 0.006, 0.008, -0.006),
    ]
)
HEAD_HEIGHT = 0.226
SIDES = ("left", "right")
# Metres from the ankle to the toes, half width, half height, height of the middle, of a foot.
FOOT = (
    (-0.062, 0.010, 0.016, 0.030),
    (-0.055, 0.026, 0.036, 0.036),
    (-0.02, 0.034, 0.048, 0.046),
    (0.03, 0.036, 0.046, 0.044),
    (0.08, 0.040, 0.033, 0.031),
    (0.13, 0.045, 0.025, 0.024),
    (0.17, 0.040, 0.020, 0.019),
    (0.195, 0.024, 0.015, 0.015),
    (0.203, 0.006, 0.006, 0.012),
)
LEG_RADII = np.array(
    [(0.0, 0.086), (0.25, 0.079), (0.5, 0.056), (0.56, 0.053), (0.68, 0.056), (0.9, 0.037), (1, 0.035)]
)
ARM_RADII = np.array(
    [(0.0, 0.050), (0.12, 0.053), (0.35, 0.044), (0.52, 0.037), (0.65, 0.039), (0.92, 0.026), (1, 0.026)]
)


@dataclass(frozen=True)
class Tube:
    """A stack of K rings, each array (K, 3); `power` 2 is an ellipse, more is boxier."""

    centers: Array
    sides: Array
    fronts: Array
    power: float = 2.0

    def grown(self, by: float | Array) -> "Tube":
        """The tube with all radii larger by `by` metres, a number or one for each ring."""
        grow = np.broadcast_to(np.asarray(by, np.float32), (len(self.centers),))[:, None]
        return replace(self, sides=_lengthened(self.sides, grow), fronts=_lengthened(self.fronts, grow))

    def part(self, begin: float, end: float, rings: int = 24) -> "Tube":
        """The stretch between two shares of its length, resampled to `rings` rings."""
        at = np.linspace(begin, end, rings) * (len(self.centers) - 1)
        low = np.clip(at.astype(np.intp), 0, len(self.centers) - 2)
        share = (at - low).astype(np.float32)[:, None]
        centers, sides, fronts = (
            values[low] * (1 - share) + values[low + 1] * share for values in (self.centers, self.sides, self.fronts)
        )
        return Tube(centers, sides, fronts, self.power)

    def flipped(self) -> "Tube":
        """The same tube from the other end."""
        return replace(self, centers=self.centers[::-1], sides=self.sides[::-1], fronts=self.fronts[::-1])

    def closed(self) -> "Tube":
        """The tube with its first and last ring drawn to a point."""
        factor = np.ones((len(self.centers), 1), np.float32)
        factor[[0, -1]] = 0.02
        return replace(self, sides=self.sides * factor, fronts=self.fronts * factor)

    def capped(self) -> "Tube":
        """The tube with its far end rounded off to a point."""
        bend = np.array([0.87, 0.5, 0.0], np.float32)
        direction = self.centers[-1] - self.centers[-2]
        direction = direction / (np.linalg.norm(direction) + 1e-9)
        radius = float(np.linalg.norm(self.fronts[-1]))
        tips = self.centers[-1] + direction * radius * np.sqrt(1 - bend**2)[:, None]
        return Tube(
            np.concatenate([self.centers, tips]).astype(np.float32),
            np.concatenate([self.sides, self.sides[-1] * bend[:, None]]).astype(np.float32),
            np.concatenate([self.fronts, self.fronts[-1] * bend[:, None]]).astype(np.float32),
            self.power,
        )


@dataclass(frozen=True)
class Limb:
    """Joints (3,) of one arm or leg and which way the inner side of the joint looks."""

    top: Array
    middle: Array
    end: Array
    front: Array
    tip: Array  # direction of hand or foot


def trunk_share(height: float) -> float:
    """Share of the trunk's length at a height on a body of reference stature, 0.8 crotch to 1.5 neck."""
    return float(np.interp(height, TRUNK[:, 0], np.linspace(0, 1, len(TRUNK))))


@dataclass(frozen=True)
class Body:
    """A posed body as tubes; arms and legs by side, `left` and `right` being the person's own."""

    scale: float
    trunk: Tube
    neck: Tube
    head: Tube
    head_frame: Array  # rows left, up, front
    limbs: dict[str, Limb]
    arms: dict[str, Tube]
    legs: dict[str, Tube]
    feet: dict[str, Tube]
    hands: dict[str, Tube]


def build_body(person: PersonSpec) -> Body:
    """The body of a person in its pose, feet on the ground."""
    scale = person.stature / REFERENCE_STATURE
    pelvis, chest, head_frame = _frames(person)
    profile = _trunk_profile(person, scale)
    centers = _spine(profile, pelvis, chest, scale)
    blend = _chest_share(profile[:, 0] / scale)[:, None]
    sides = _unit(pelvis[0] * (1 - blend) + chest[0] * blend)
    fronts = _unit(pelvis[2] * (1 - blend) + chest[2] * blend)
    trunk = Tube(
        floats(centers + fronts * profile[:, 3:4]),
        floats(sides * profile[:, 1:2]),
        floats(fronts * profile[:, 2:3]),
        2.3,
    )
    limbs = _limbs(person, scale, trunk, profile[:, 0] / scale, pelvis, chest)
    drop = min(_sole(limbs[f"{side} leg"], scale) for side in ("left", "right"))
    return _assembled(person, scale, trunk, head_frame, limbs, drop)


def _assembled(
    person: PersonSpec, scale: float, trunk: Tube, head_frame: Array, limbs: dict[str, Limb], drop: float
) -> Body:
    lift = np.array([0, -drop, 0], np.float32)
    trunk = replace(trunk, centers=trunk.centers + lift)
    limbs = {name: _lifted(limb, lift) for name, limb in limbs.items()}
    girth = scale * (0.4 + 0.6 * person.girth)
    neck_base = trunk.centers[-3]
    chin = trunk.centers[-1] + floats(head_frame[1]) * 0.022 * scale
    head = _head(chin, head_frame, scale * (1.0 + 0.35 * max(0.0, 1.6 - person.stature)))
    return Body(
        scale,
        trunk,
        _neck(neck_base, chin, head_frame, girth * (1.0 - 0.1 * person.curve)),
        head,
        head_frame,
        limbs,
        {side: _limb_tube(limbs[f"{side} arm"], ARM_RADII * (1, girth * (1 - 0.1 * person.curve))) for side in SIDES},
        {side: _limb_tube(limbs[f"{side} leg"], LEG_RADII * (1, girth)) for side in SIDES},
        {side: _foot(limbs[f"{side} leg"], scale) for side in SIDES},
        {side: _hand(limbs[f"{side} arm"], scale) for side in SIDES},
    )


def floats(values: object) -> Array:
    """An array of 32-bit numbers."""
    return np.asarray(values, np.float32)


def _unit(vectors: NDArray[np.floating]) -> Array:
    return floats(vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-9))


def _lengthened(vectors: Array, by: NDArray[np.floating]) -> Array:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return floats(vectors * np.maximum(length + by, 1e-4) / np.maximum(length, 1e-6))


def _rotation(turn: float, nod: float, tilt: float) -> Array:
    """Rows left, up, front of a frame turned to the left, nodded to the front and tilted to the left."""
    front = np.array([np.sin(turn) * np.cos(nod), -np.sin(nod), np.cos(turn) * np.cos(nod)])
    up = np.array(
        [
            np.sin(tilt) * np.cos(turn) + np.sin(turn) * np.sin(nod),
            np.cos(nod) * np.cos(tilt),
            np.cos(turn) * np.sin(nod),
        ]
    )
    up = up - front * (up @ front)
    up = up / np.linalg.norm(up)
    return floats([np.cross(up, front), up, front])


def _frames(person: PersonSpec) -> tuple[Array, Array, Array]:
    pose = person.pose
    return (
        _rotation(0.0, pose.lean * 0.4, 0.5 * pose.sway),
        _rotation(pose.turn, pose.lean, -0.5 * pose.sway),
        _rotation(pose.turn + pose.head_turn, pose.lean * 0.4 + pose.head_nod, 0.3 * pose.sway),
    )


def _trunk_profile(person: PersonSpec, scale: float) -> NDArray[np.float64]:
    """Rows (height, half width, half depth, shift) of the trunk."""
    curve = person.curve
    heights = np.interp(np.linspace(0, 1, 40), np.linspace(0, 1, len(TRUNK)), TRUNK[:, 0])

    def column(index: int) -> NDArray[np.float64]:
        return np.asarray(np.interp(heights, TRUNK[:, 0], TRUNK[:, index]))

    belly = np.exp(-(((heights - 1.05) / 0.13) ** 2)) * max(0.0, person.girth - 1.0)
    width = (column(1) * (1 - curve) + column(2) * curve) * (0.35 + 0.65 * person.girth) + 0.06 * belly
    depth = (column(3) * (1 - curve) + column(4) * curve) * (0.25 + 0.75 * person.girth) + 0.16 * belly
    collar = np.clip((heights - 1.42) / 0.08, 0, 1)
    width = width * (1 - collar) + collar * (column(1) * (1 - curve) + column(2) * curve)
    return np.stack([heights, width, depth, column(5) + 0.10 * belly], 1) * scale


def _chest_share(heights: NDArray[np.floating]) -> NDArray[np.float64]:
    share = np.clip((heights - 0.93) / 0.34, 0, 1)
    return np.asarray(share * share * (3 - 2 * share))


def _spine(profile: NDArray[np.float64], pelvis: Array, chest: Array, scale: float) -> Array:
    blend = _chest_share(profile[:, 0] / scale)[:, None]
    ups = _unit(pelvis[1] * (1 - blend) + chest[1] * blend)
    steps = np.diff(profile[:, 0], prepend=profile[0, 0])[:, None] * ups
    return floats(np.cumsum(steps, 0) + np.array([0, profile[0, 0], 0]))


def _limbs(
    person: PersonSpec, scale: float, trunk: Tube, heights: NDArray[np.float64], pelvis: Array, chest: Array
) -> dict[str, Limb]:
    limbs = {}
    shoulder_ring, hip_ring = int(np.argmin(abs(heights - 1.392))), int(np.argmin(abs(heights - 0.89)))
    shoulder_width = float(np.linalg.norm(trunk.sides[int(np.argmin(abs(heights - 1.38)))]))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        arm, leg = (
            (person.pose.left_arm, person.pose.left_leg) if sign > 0 else (person.pose.right_arm, person.pose.right_leg)
        )
        shoulder = trunk.centers[shoulder_ring] + sign * chest[0] * (shoulder_width - 0.018 * scale)
        hip = trunk.centers[hip_ring] + sign * pelvis[0] * 0.084 * scale * (0.6 + 0.4 * person.girth)
        limbs[f"{side} arm"] = _arm(shoulder, arm, sign, chest, scale)
        heel = person.pose.left_heel if sign > 0 else person.pose.right_heel
        limbs[f"{side} leg"] = _leg(hip, leg, sign, pelvis, scale, heel)
    return limbs


def _limb_axes(pose: LimbPose, sign: float, frame: Array) -> tuple[Array, Array, Array]:
    """Direction of the upper half, its front, and inward, for a limb hanging from a frame."""
    local = np.array(
        [
            sign * np.sin(pose.spread),
            -np.cos(pose.spread) * np.cos(pose.swing),
            np.cos(pose.spread) * np.sin(pose.swing),
        ]
    )
    direction = _unit(local @ frame)
    front = np.array([0, np.sin(pose.swing), np.cos(pose.swing)]) @ frame
    front = _unit(front - direction * (front @ direction))
    inward = _unit(np.cross(direction, front) * sign)
    return direction, front, inward


def _arm(shoulder: Array, pose: LimbPose, sign: float, frame: Array, scale: float) -> Limb:
    direction, front, inward = _limb_axes(pose, sign, frame)
    bend_to = np.cos(pose.twist) * front + np.sin(pose.twist) * inward
    elbow = shoulder + direction * 0.30 * scale
    forearm = _unit(np.cos(pose.bend) * direction + np.sin(pose.bend) * bend_to)
    wrist = elbow + forearm * 0.25 * scale
    return Limb(floats(shoulder), floats(elbow), floats(wrist), front, forearm)


def _leg(hip: Array, pose: LimbPose, sign: float, frame: Array, scale: float, heel: float) -> Limb:
    direction, front, _ = _limb_axes(pose, sign, frame)
    knee = hip + direction * 0.415 * scale
    shin = _unit(np.cos(pose.bend) * direction - np.sin(pose.bend) * front)
    ankle = knee + shin * 0.395 * scale
    foot = _unit(np.array([sign * 0.18, -np.sin(heel), np.cos(heel)]))
    return Limb(floats(hip), floats(knee), floats(ankle), front, foot)


def _sole(leg: Limb, scale: float) -> float:
    """Height of the lowest point of a foot."""
    ball = leg.end[1] + leg.tip[1] * 0.15 * scale
    return float(min(leg.end[1] + leg.tip[1] * 0.02, ball) - 0.075 * scale * max(0.4, float(leg.tip[2])))


def _lifted(limb: Limb, lift: Array) -> Limb:
    return replace(limb, top=limb.top + lift, middle=limb.middle + lift, end=limb.end + lift)


def path_tube(points: Array, radii: NDArray[np.floating], front: Array, *, rings: int = 40, smooth: int = 5) -> Tube:
    """A round tube along a polyline whose corners are rounded.

    Args:
        points: (P, 3) corners.
        radii: (R, 2) rows of (share of the length, radius).
        front: (3,) what the rings' front should look to.
    """
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    at = np.linspace(0, along[-1], rings)
    path = np.stack([np.interp(at, along, points[:, axis]) for axis in range(3)], 1)
    padded = np.concatenate([2 * path[:1] - path[smooth:0:-1], path, 2 * path[-1:] - path[-2 : -smooth - 2 : -1]])
    kernel = np.ones(2 * smooth + 1) / (2 * smooth + 1)
    path = np.stack([np.convolve(padded[:, axis], kernel, "valid") for axis in range(3)], 1)
    directions = _unit(np.gradient(path, axis=0))
    fronts = _unit(front - directions * (directions @ front)[:, None])
    sides = np.cross(fronts, directions)
    radius = np.interp(np.linspace(0, 1, rings), radii[:, 0], radii[:, 1])[:, None]
    return Tube(floats(path), floats(sides * radius), floats(fronts * radius))


def _limb_tube(limb: Limb, radii: NDArray[np.floating]) -> Tube:
    tube = path_tube(np.stack([limb.top, limb.middle, limb.end]), radii, limb.front, smooth=4)
    return tube.flipped().capped().flipped()


def _neck(base: Array, chin: Array, head_frame: Array, girth: float) -> Tube:
    top = chin + head_frame[1] * 0.06 * girth - head_frame[2] * 0.012 * girth
    radii = np.array([(0, 0.066), (0.35, 0.056), (1, 0.053)]) * (1, girth)
    return path_tube(np.stack([base, top]), radii, head_frame[2], rings=16, smooth=3)


def _head(chin: Array, frame: Array, scale: float) -> Tube:
    share = np.linspace(0, 1, 49)
    wide, deep, shift = (np.interp(share, HEAD[:, 0], HEAD[:, index]) for index in (1, 2, 3))
    kernel = np.array([0.25, 0.5, 0.25])
    wide, deep = (np.concatenate([v[:1], np.convolve(v, kernel, "valid"), v[-1:]]) for v in (wide, deep))
    centers = chin + scale * (share[:, None] * HEAD_HEIGHT * frame[1] + shift[:, None] * frame[2])
    return Tube(
        floats(centers), floats(scale * wide[:, None] * frame[0]), floats(scale * deep[:, None] * frame[2]), 2.1
    )


def _foot(leg: Limb, scale: float) -> Tube:
    """From heel to toe; rings stand upright across the foot."""
    shape = np.array(FOOT)
    along = np.linspace(shape[0, 0], shape[-1, 0], 28)
    half_width, half_height, middle = (
        np.interp(along, shape[:, 0], shape[:, index])[:, None] * scale for index in (1, 2, 3)
    )
    up = _unit(np.array([0, 1.0, 0]) - leg.tip * leg.tip[1])
    side = _unit(np.cross(up, leg.tip))
    base = leg.end - up * 0.078 * scale
    centers = base + leg.tip * along[:, None] * scale + up * middle
    return Tube(floats(centers), floats(side * half_width), floats(up * half_height), 2.5)


def _hand(arm: Limb, scale: float) -> Tube:
    """A relaxed hand, slightly curled, from the wrist to the fingertips."""
    curl = _unit(arm.tip + 0.35 * arm.front)
    points = np.stack([arm.end, arm.end + arm.tip * 0.085 * scale, arm.end + (arm.tip * 0.085 + curl * 0.085) * scale])
    radii = np.array([(0, 0.026), (0.3, 0.039), (0.55, 0.038), (0.85, 0.028), (0.95, 0.019), (1, 0.006)]) * (1, scale)
    tube = path_tube(floats(points), radii, arm.front, rings=20, smooth=2)
    return replace(
        tube,
        sides=tube.sides * np.interp(np.linspace(0, 1, 20), [0, 0.3, 1], [1.0, 0.52, 0.5]).astype(np.float32)[:, None],
    )
