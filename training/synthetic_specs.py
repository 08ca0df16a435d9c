"""Specifications of rendered scenes: who stands where, in which pose and clothes, under which light.

Coordinates of a scene are metres: x to the right of the picture, y up from the ground, z away from the camera.
A person's own axes are (left, up, front); at yaw 0 the person faces the camera, so its left is the picture's right.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

Rgb = tuple[float, float, float]  # sRGB, each 0 to 1


@dataclass(frozen=True)
class Garment:
    """Something worn (or hair) with its exact labels and how to draw them.

    Args:
        size, pattern, color: labels of `parsing.labels`; size as it is, were nothing hidden.
        style: the cut, for example `beanie` or `pleated`; each garment kind has its own.
        tint: main cloth colour, within the range of its label.
        accents: further colours of a pattern.
        print_style: how the pattern is drawn, for example `stripes-h`; `plain` when solid.
        texture: `weave`, `knit`, `denim`, `leather`, `wool`, `silk` or `hair`.
        text: what is printed on it, for pattern Letters.
        reach: how far it comes down or out, 0 to 1 within its size.
        fit: 0 tight to 1 loose.
    """

    size: str
    pattern: str
    color: str
    style: str
    tint: Rgb
    accents: tuple[Rgb, ...] = ()
    print_style: str = "plain"
    texture: str = "weave"
    text: str = ""
    reach: float = 0.5
    fit: float = 0.5


@dataclass(frozen=True)
class Outfit:
    """Garments by what they are: an attribute label, or `Shoes` for the pair.

    Args:
        garments: keys among Hat, Hair, Glove, Glasses, UpperClothes, Mask, Coat, Socks, Pants, Scarf, Skirt, Shoes.
        dress: whether UpperClothes and Skirt are one piece of the same look.
        bag: `none`, `backpack`, `shoulder` or `hand`; bags belong to the person and have no attribute.
        bag_tint: its colour.
        belt: whether a belt (no attribute either) is worn.
    """

    garments: Mapping[str, Garment]
    dress: bool = False
    bag: str = "none"
    bag_tint: Rgb = (0.2, 0.15, 0.1)
    belt: bool = False

    @property
    def labels(self) -> dict[str, tuple[str, str, str]]:
        """Size, pattern and color by attribute label, `Shoes` written out as both shoes."""
        worn: dict[str, tuple[str, str, str]] = {}
        for name, garment in self.garments.items():
            for attribute in ("L-shoe", "R-shoe") if name == "Shoes" else (name,):
                worn[attribute] = (garment.size, garment.pattern, garment.color)
        return worn


@dataclass(frozen=True)
class LimbPose:
    """Angles of an arm or a leg in radians; all 0 hangs straight down.

    Args:
        swing: of the whole limb toward the front.
        spread: of the whole limb outward.
        bend: of elbow or knee.
        twist: where the forearm bends to: 0 to the front, pi/2 inward, -pi/2 outward; unused for legs.
    """

    swing: float = 0.0
    spread: float = 0.0
    bend: float = 0.0
    twist: float = 0.0


@dataclass(frozen=True)
class Pose:
    """Joint angles in radians; left and right are the person's own."""

    left_arm: LimbPose = LimbPose(spread=0.12, bend=0.2)
    right_arm: LimbPose = LimbPose(spread=0.12, bend=0.2)
    left_leg: LimbPose = LimbPose(spread=0.06)
    right_leg: LimbPose = LimbPose(spread=0.06)
    left_heel: float = 0.0  # how far the heel is lifted
    right_heel: float = 0.0
    lean: float = 0.0  # of the trunk to the front
    sway: float = 0.0  # of the hips to the left
    turn: float = 0.0  # of the chest to the left against the hips
    head_turn: float = 0.0  # to the left
    head_nod: float = 0.0  # down


@dataclass(frozen=True)
class PersonSpec:
    """One person: body, pose, clothes and place.

    Args:
        outfit: what is worn.
        skin: skin colour.
        stature: standing height in metres.
        girth: 0.85 slim to 1.3 heavy.
        curve: 0 straight build to 1 narrow waist and wide hips.
        pose: joint angles.
        yaw: radians by which the person is turned from facing the camera; pi is seen from behind.
        x, z: place on the ground in metres.
        seed: of folds, face and other small things.
    """

    outfit: Outfit
    skin: Rgb
    stature: float = 1.72
    girth: float = 1.0
    curve: float = 0.5
    pose: Pose = field(default_factory=Pose)
    yaw: float = 0.0
    x: float = 0.0
    z: float = 4.0
    seed: int = 0


@dataclass(frozen=True)
class Camera:
    """A level camera, so that upright things stay upright in the picture.

    Args:
        focal: focal length in pixels.
        column, row: where the horizon's middle is, in pixels.
        height: of the camera above the ground in metres.
    """

    focal: float
    column: float
    row: float
    height: float = 1.5


@dataclass(frozen=True)
class Light:
    """Sun or lamp and sky.

    Args:
        azimuth, elevation: where the light comes from, radians; azimuth 0 is from behind the camera, pi/2 the right.
        sun: strength of the direct light, 0 when overcast.
        sky: strength of the light from all sides.
        warmth: -1 blue to 1 orange.
    """

    azimuth: float = -0.7
    elevation: float = 0.8
    sun: float = 1.0
    sky: float = 0.55
    warmth: float = 0.2


@dataclass(frozen=True)
class Grade:
    """What the camera does to the picture: a photograph is never clean.

    Args:
        noise: standard deviation of sensor noise, 0 to 1.
        blur: radius of a slight blur in pixels.
        exposure: factor on all light.
        contrast: 1 leaves the tones as they are.
        jpeg_quality: of a pass through JPEG, 0 for none.
        depth_blur: radius of the far background's blur as a share of the picture's height.
    """

    noise: float = 0.008
    blur: float = 0.0
    exposure: float = 1.0
    contrast: float = 1.0
    jpeg_quality: int = 0
    depth_blur: float = 0.004


@dataclass(frozen=True)
class SceneSpec:
    """Everything that `synthetic.render` needs; the same spec gives the same picture.

    Args:
        height, width: of the picture in pixels.
        backdrop: `street`, `park`, `plaza`, `shop` or `wall`.
        camera, light, grade: how it is seen.
        people: in the order of their instance ids, 1..n.
        seed: of the backdrop and the noise.
    """

    height: int
    width: int
    backdrop: str
    camera: Camera
    people: tuple[PersonSpec, ...]
    light: Light = Light()
    grade: Grade = Grade()
    seed: int = 0
