"""Sampling of rendered scenes: plausible people, outfits, poses, places and light, rare classes as often as wanted."""

from dataclasses import replace

import numpy as np

from training.synthetic_cloth import FANCY, GEOMETRICAL, WORDS, sample_skin, sample_tint
from training.synthetic_specs import Camera, Garment, Grade, Light, LimbPose, Outfit, PersonSpec, Pose, Rgb, SceneSpec

BACKDROPS = ("street", "park", "plaza", "shop", "wall")
COMMON = {"Dark": 5.0, "Medium": 1.6, "Light": 3.2, "Brown": 2.0, "Red": 1.0, "Pink": 0.6, "Yellow": 0.6, "Orange": 0.4}
COMMON |= {"Green": 0.9, "Blue": 3.0, "Purple": 0.35}
RARE = {"Dark": 0.8, "Medium": 0.8, "Light": 0.8, "Brown": 0.8, "Red": 1.2, "Pink": 1.5, "Yellow": 1.5, "Orange": 1.7}
RARE |= {"Green": 1.5, "Blue": 1.0, "Purple": 1.8}
TEXTURES = {
    "UpperClothes": ("weave", "weave", "knit", "silk"),
    "Coat": ("wool", "wool", "weave", "leather"),
    "Pants": ("denim", "weave", "weave", "leather"),
    "Skirt": ("weave", "weave", "silk", "denim"),
    "Scarf": ("knit", "wool", "silk"),
    "Hat": ("wool", "weave"),
    "Glove": ("leather", "knit"),
    "Shoes": ("leather",),
    "Socks": ("knit",),
    "Mask": ("weave",),
    "Glasses": ("leather",),
}


def sample_scene(rng: np.random.Generator, *, height: int, width: int, num_people: int, rare: float = 0.0) -> SceneSpec:
    """A scene with `num_people` people, as varied as the generator.

    Args:
        rng: where all chance comes from.
        height, width: of the picture in pixels.
        num_people: 1 to 40 or more.
        rare: 0 everyday clothes to 1 mostly rare classes, colours and patterns.
    """
    if num_people < 0 or height < 8 or width < 8:
        raise ValueError(
            f"num_people must be at least 0 and a picture 8 pixels, got {num_people} people in {height}x{width}"
        )
    camera, nearest = sample_camera(rng, height, width, num_people)
    places = _places(rng, camera, nearest, width, num_people)
    people = tuple(sample_person(rng, x=x, z=z, rare=rare) for x, z in places)
    backdrop = BACKDROPS[int(rng.integers(len(BACKDROPS)))]
    return SceneSpec(
        height,
        width,
        backdrop,
        camera,
        people,
        sample_light(rng, backdrop),
        sample_grade(rng),
        int(rng.integers(2**31)),
    )


def sample_camera(rng: np.random.Generator, height: int, width: int, num_people: int) -> tuple[Camera, float]:
    """A level camera, higher up the more people there are, and the distance of the nearest of them in metres."""
    lift = min(1.35 + 0.09 * max(0, num_people - 3) + rng.uniform(-0.15, 0.25), 4.5)
    focal = max(height, 0.8 * width) * rng.uniform(1.25, 1.6)
    share = rng.uniform(0.95, 1.25) if rng.random() < (0.12 if num_people > 2 else 0.22) else rng.uniform(0.66, 0.88)
    pixels = height * share if num_people < 3 else height * min(share, 1.0) * 0.92
    top, bottom = height * rng.uniform(0.05, 0.10), height * 0.98
    if lift > 1.75:  # seen from above, those far away are the highest in the picture
        scale = (bottom - top) / (lift - (lift - 1.75) / _depth(num_people))
        pixels = min(pixels, 1.75 * scale)
        horizon = top - pixels / 1.75 / _depth(num_people) * (lift - 1.75)
    else:
        horizon = top + pixels * (1 - lift / 1.75)
    return Camera(focal, width * rng.uniform(0.4, 0.6), horizon, lift), focal * 1.75 / pixels


def _depth(num_people: int) -> float:
    """Distance of the farthest people as a multiple of that of the nearest."""
    return float(1.0 + 0.35 * np.sqrt(num_people))


def sample_light(rng: np.random.Generator, backdrop: str) -> Light:
    """Sunshine, overcast or indoor light."""
    if backdrop == "shop":
        return Light(
            rng.uniform(-0.8, 0.8),
            rng.uniform(1.0, 1.3),
            rng.uniform(0.5, 0.8),
            rng.uniform(0.6, 0.8),
            rng.uniform(0, 0.7),
        )
    sun = rng.uniform(0.15, 1.15)
    return Light(rng.uniform(-1.5, 1.5), rng.uniform(0.5, 1.15), sun, 0.95 - 0.45 * sun, rng.uniform(-0.5, 0.8))


def sample_grade(rng: np.random.Generator) -> Grade:
    """What the camera does: mostly little, sometimes much."""
    return Grade(
        noise=float(rng.exponential(0.009)),
        blur=float(max(0.0, rng.uniform(-0.6, 0.8))),
        exposure=float(rng.uniform(0.8, 1.25)),
        contrast=float(rng.uniform(0.9, 1.15)),
        jpeg_quality=int(rng.integers(55, 95)) if rng.random() < 0.6 else 0,
        depth_blur=float(rng.uniform(0.001, 0.010)),
    )


def _places(
    rng: np.random.Generator, camera: Camera, nearest: float, width: int, num_people: int
) -> list[tuple[float, float]]:
    """Places on the ground, near ones few; people keep some distance from each other."""
    farthest = nearest * _depth(num_people)
    places: list[tuple[float, float]] = []
    for index in range(num_people):
        best, most = (0.0, nearest), -1.0
        for _ in range(40):
            z = nearest + (farthest - nearest) * (rng.random() if index else 0.0)
            half = 0.5 * width * z / camera.focal
            x = (width / 2 - camera.column) * z / camera.focal + rng.uniform(-0.92, 0.92) * half
            if num_people == 1:
                x = (width / 2 - camera.column) * z / camera.focal + rng.uniform(-0.35, 0.35) * half
            gap = min((_apart(x, z, *place) for place in places), default=9.0)
            if gap > most:
                best, most = (float(x), float(z)), float(gap)
            if gap > 0.55 + 0.5 * rng.random():
                break
        places.append(best)
    return places


def _apart(x: float, z: float, other_x: float, other_z: float) -> float:
    """How far apart two places look, in metres beside the nearer one; some of the distance in depth counts too."""
    return abs(x / z - other_x / other_z) * min(z, other_z) + 0.12 * abs(z - other_z)


def sample_person(rng: np.random.Generator, *, x: float, z: float, rare: float = 0.0) -> PersonSpec:
    """A person at a place, with body, pose and outfit."""
    curve = float(rng.choice([rng.uniform(0, 0.25), rng.uniform(0.65, 1.0)]))
    skin = sample_skin(rng)
    outfit = sample_outfit(rng, curve=curve, skin=skin, rare=rare)
    return PersonSpec(
        outfit,
        skin,
        stature=float(rng.normal(1.77 - 0.11 * curve, 0.06)),
        girth=float(np.clip(rng.normal(0.98, 0.11), 0.84, 1.3)),
        curve=curve,
        pose=sample_pose(rng, outfit),
        yaw=sample_yaw(rng),
        x=x,
        z=z,
        seed=int(rng.integers(2**31)),
    )


def sample_yaw(rng: np.random.Generator) -> float:
    """Mostly toward the camera, sometimes sideways or from behind."""
    kind = rng.random()
    if kind < 0.62:
        return float(rng.normal(0, 0.35))
    if kind < 0.82:
        return float(rng.choice([-1, 1]) * rng.uniform(0.6, 1.7))
    return float(np.pi + rng.normal(0, 0.5))


def sample_pose(rng: np.random.Generator, outfit: Outfit) -> Pose:
    """Walking, standing, or standing with an arm doing something."""
    pose = _walking(rng) if rng.random() < 0.45 else _standing(rng)
    if outfit.bag == "hand":
        pose = replace(pose, left_arm=_hanging(rng), right_arm=_hanging(rng))
    elif rng.random() < 0.5:
        arm = _gesture(rng)
        pose = replace(pose, left_arm=arm) if rng.random() < 0.5 else replace(pose, right_arm=arm)
    return replace(
        pose,
        turn=float(rng.normal(0, 0.1)),
        head_turn=float(np.clip(rng.normal(0, 0.3), -0.8, 0.8)),
        head_nod=float(rng.normal(0.03, 0.1)),
    )


def _hanging(rng: np.random.Generator) -> LimbPose:
    return LimbPose(
        float(rng.normal(0.02, 0.08)),
        float(rng.uniform(0.10, 0.24)),
        float(rng.uniform(0.1, 0.4)),
        float(rng.uniform(-0.1, 0.5)),
    )


def _gesture(rng: np.random.Generator) -> LimbPose:
    """Hand on the hip, in a pocket, holding something up, waving, or before the belly."""
    gestures = (
        LimbPose(-0.35, 0.75, 1.75, 0.9),
        LimbPose(-0.25, 0.32, 0.75, 0.55),
        LimbPose(0.45, 0.15, 1.9, 0.45),
        LimbPose(0.2, 1.0, 2.2, -1.2),
        LimbPose(0.15, 0.15, 1.35, 0.95),
        LimbPose(-0.3, 0.15, 0.9, 1.2),
    )
    pose = gestures[int(rng.choice(len(gestures), p=[0.22, 0.26, 0.2, 0.06, 0.18, 0.08]))]
    jitter = rng.normal(0, 0.06, 4)
    return LimbPose(pose.swing + jitter[0], pose.spread + jitter[1], pose.bend + jitter[2], pose.twist + jitter[3])


def _walking(rng: np.random.Generator) -> Pose:
    stride, side = float(rng.uniform(0.2, 0.5)), rng.random() < 0.5
    front, back = LimbPose(stride, 0.02, 0.08), LimbPose(-stride * 0.75, 0.02, 0.25 + 0.3 * stride)
    ahead, behind = LimbPose(stride * 0.9, 0.12, 0.55, 0.2), LimbPose(-stride * 0.8, 0.12, 0.25, 0.2)
    return Pose(
        left_leg=front if side else back,
        right_leg=back if side else front,
        left_arm=behind if side else ahead,
        right_arm=ahead if side else behind,
        left_heel=-0.12 if side else 0.55,
        right_heel=0.55 if side else -0.12,
        lean=float(rng.uniform(0.0, 0.08)),
    )


def _standing(rng: np.random.Generator) -> Pose:
    sway = float(rng.normal(0, 0.06))
    relaxed = float(rng.uniform(0, 0.35))
    left_free = sway < 0
    straight, bent = (
        LimbPose(0.0, float(rng.uniform(0.03, 0.1))),
        LimbPose(relaxed * 0.6, float(rng.uniform(0.06, 0.2)), relaxed),
    )
    return Pose(
        left_leg=bent if left_free else straight,
        right_leg=straight if left_free else bent,
        left_arm=_hanging(rng),
        right_arm=_hanging(rng),
        sway=sway,
        lean=float(rng.normal(0, 0.03)),
    )


# --- outfits ---


def sample_color(rng: np.random.Generator, rare: float) -> str:
    """A color label other than Multicolor."""
    table = RARE if rng.random() < rare else COMMON
    weights = np.array(list(table.values()))
    return str(rng.choice(list(table), p=weights / weights.sum()))


def make_garment(
    rng: np.random.Generator,
    kind: str,
    *,
    size: str,
    style: str,
    color: str,
    pattern: str = "Solid",
    print_style: str | None = None,
    **cut: object,
) -> Garment:
    """A garment with the given labels; everything else is chosen."""
    accents, tint, label = _tints(rng, color, pattern)
    texture = str(rng.choice(TEXTURES[kind]))
    if pattern != "Solid" and texture in ("leather", "denim"):
        texture = "weave"
    if texture == "denim" and color not in ("Blue", "Dark", "Light"):
        texture = "weave"
    prints = {"Geometrical": GEOMETRICAL, "Fancy": FANCY}.get(pattern)
    print_style = print_style or (str(rng.choice(prints)) if prints else "plain")
    if label == "Multicolor" and print_style in ("breton", "checks", "grid", "houndstooth", "leopard", "zebra"):
        print_style = "stripes-h" if pattern == "Geometrical" else "floral"
    word = str(rng.choice(WORDS)) if pattern == "Letters" else ""
    garment = Garment(
        size, pattern, label, style, tint, accents, print_style, texture, word, float(rng.random()), float(rng.random())
    )
    return replace(garment, **cut)  # type: ignore[arg-type]


def _tints(rng: np.random.Generator, color: str, pattern: str) -> tuple[tuple[Rgb, ...], Rgb, str]:
    """Accents, main colour and color label; many bright accents make Multicolor."""
    if color == "Multicolor":
        names = rng.permutation(["Red", "Yellow", "Green", "Blue", "Purple", "Orange", "Pink", "Light"])[:4]
        first, *others = (sample_tint(rng, str(name)) for name in names)
        return tuple(others), first, color
    tint = sample_tint(rng, color)
    if pattern == "Solid":
        return (), tint, color
    contrast = "Light" if sum(tint) < 1.5 else "Dark"
    if pattern == "Letters" or rng.random() < 0.6:
        return (sample_tint(rng, contrast),), tint, color
    return (_related(rng, tint), sample_tint(rng, contrast)), tint, color


def _related(rng: np.random.Generator, tint: Rgb) -> Rgb:
    factor = rng.uniform(0.45, 0.7) if sum(tint) > 1.0 else rng.uniform(1.7, 2.6)
    red, green, blue = (float(np.clip(value * factor, 0, 1)) for value in tint)
    return red, green, blue


def sample_pattern(rng: np.random.Generator, rare: float, *, letters: bool = False) -> str:
    """A pattern label."""
    solid = 0.74 - 0.44 * rare
    rest = 1 - solid
    shares = [solid, rest * 0.45, rest * (0.35 if letters else 0.55), rest * 0.2 * letters]
    return str(rng.choice(["Solid", "Geometrical", "Fancy", "Letters"], p=np.array(shares) / sum(shares)))


def _any(rng: np.random.Generator, kind: str, rare: float, *, size: str, style: str, letters: bool = False) -> Garment:
    pattern = sample_pattern(rng, rare, letters=letters) if kind not in ("Shoes", "Glasses") else "Solid"
    color = sample_color(rng, rare)
    if pattern in ("Geometrical", "Fancy") and rng.random() < 0.22 + 0.2 * rare:
        color = "Multicolor"
    return make_garment(rng, kind, size=size, style=style, color=color, pattern=pattern)


def sample_outfit(rng: np.random.Generator, *, curve: float, skin: Rgb, rare: float) -> Outfit:
    """Clothes for the whole body."""
    womens = rng.random() < curve
    garments: dict[str, Garment] = {}
    hat = _hat(rng, rare) if rng.random() < 0.14 + 0.3 * rare else None
    garments["Hair"] = sample_hair(rng, womens=womens, hatted=hat is not None, skin=skin)
    dress = womens and rng.random() < 0.24
    garments |= _dress(rng, rare) if dress else _top_and_bottom(rng, rare, womens=womens)
    if rng.random() < 0.38:
        garments["Coat"] = sample_coat(rng, rare)
    boots = rng.random() < (0.3 if womens else 0.16)
    garments["Shoes"] = _shoes(rng, rare, boots=boots, womens=womens)
    garments |= _accessories(rng, rare, womens=womens)
    if hat is not None:
        garments["Hat"] = hat
    bag = str(rng.choice(["none", "backpack", "shoulder", "hand"], p=[0.6, 0.12, 0.12, 0.16]))
    belt = "Pants" in garments and garments["UpperClothes"].style.endswith("tucked") and rng.random() < 0.6
    return Outfit(garments, dress, bag, sample_tint(rng, sample_color(rng, 0.3)), belt)


def sample_hair(rng: np.random.Generator, *, womens: bool, hatted: bool, skin: Rgb) -> Garment:
    """Hair with its style; the size is Undetermined where it is tied up."""
    dark_skin = sum(skin) < 1.6
    colors = ["Dark", "Brown", "Yellow", "Orange", "Medium", "Light"]
    shares = [0.8, 0.14, 0.01, 0.0, 0.03, 0.02] if dark_skin else [0.3, 0.36, 0.17, 0.07, 0.06, 0.04]
    color = str(rng.choice(colors, p=shares))
    if rng.random() < 0.03:
        color = str(rng.choice(["Pink", "Blue", "Purple", "Green", "Red"]))
    if womens:
        style = str(
            rng.choice(
                ["long", "wavy", "bob", "ponytail", "bun", "side", "afro"], p=[0.3, 0.18, 0.16, 0.14, 0.1, 0.06, 0.06]
            )
        )
    else:
        style = str(
            rng.choice(["crop", "side", "fringe", "bald", "afro", "long"], p=[0.36, 0.28, 0.14, 0.12, 0.06, 0.04])
        )
    if hatted and style in ("afro", "bun"):
        style = "bob" if womens else "crop"
    if not womens and rng.random() < 0.38:
        style += "+" + str(rng.choice(["stubble", "beard", "longbeard"], p=[0.4, 0.45, 0.15]))
    return hair(rng, style, color)


def hair(rng: np.random.Generator, style: str, color: str) -> Garment:
    """Hair of a style and color label."""
    base = style.partition("+")[0]
    size = {
        "long": "Long/large",
        "wavy": "Long/large",
        "ponytail": "Long/large",
        "bun": "Undetermined",
        "bald": "Sparse/bald",
    }
    tint = sample_tint(rng, color, hair=True)
    return Garment(
        size.get(base, "Short/small"), "Solid", color, style, tint, texture="hair", reach=float(rng.random())
    )


def _dress(rng: np.random.Generator, rare: float) -> dict[str, Garment]:
    size = "Long/large" if rng.random() < 0.4 else "Short/small"
    style = str(rng.choice(["a-line", "flared", "pencil", "pleated"], p=[0.45, 0.3, 0.15, 0.1]))
    skirt = _any(rng, "Skirt", min(1.0, rare + 0.25), size=size, style=style)
    neckline = str(rng.choice(["crew", "vee", "scoop", "strap"]))
    sleeve = "none" if neckline == "strap" else str(rng.choice(["none", "cap", "short", "long"]))
    return {"Skirt": skirt, "UpperClothes": replace(skirt, style=f"{neckline} {sleeve} hip", fit=0.15)}


def _top_and_bottom(rng: np.random.Generator, rare: float, *, womens: bool) -> dict[str, Garment]:
    bottom = (
        {"Skirt": _skirt(rng, rare)} if womens and rng.random() < 0.38 + 0.15 * rare else {"Pants": _pants(rng, rare)}
    )
    return {**bottom, "UpperClothes": sample_top(rng, rare, tucked="Skirt" in bottom or rng.random() < 0.3)}


def _skirt(rng: np.random.Generator, rare: float) -> Garment:
    size = "Long/large" if rng.random() < 0.4 else "Short/small"
    return _any(rng, "Skirt", rare, size=size, style=str(rng.choice(["a-line", "flared", "pencil", "pleated"])))


def _pants(rng: np.random.Generator, rare: float) -> Garment:
    if rng.random() < 0.16:
        return _any(rng, "Pants", rare, size="Short/small", style="straight")
    style = str(rng.choice(["skinny", "straight", "wide", "flared"], p=[0.35, 0.4, 0.15, 0.1]))
    if rng.random() < 0.36 * (1 - 0.6 * rare):
        return make_garment(rng, "Pants", size="Long/large", style=style, color="Blue", texture="denim")
    return _any(rng, "Pants", 0.8 * rare, size="Long/large", style=style)


def sample_top(rng: np.random.Generator, rare: float, *, tucked: bool) -> Garment:
    """A shirt, t-shirt, blouse or sweater."""
    sleeve = str(rng.choice(["none", "cap", "short", "elbow", "long"], p=[0.1, 0.06, 0.3, 0.04, 0.5]))
    necklines = (
        ["crew", "vee", "scoop", "strap"] if sleeve == "none" else ["crew", "crew", "vee", "scoop", "collar", "collar"]
    )
    necklines += ["turtle", "hood"] if sleeve == "long" else []
    hem = "tucked" if tucked else str(rng.choice(["hip", "hip", "hip", "crop"]))
    size = "Long/large" if sleeve == "long" else "Short/small"
    return _any(rng, "UpperClothes", rare, size=size, style=f"{rng.choice(necklines)} {sleeve} {hem}", letters=True)


def sample_coat(rng: np.random.Generator, rare: float, *, size: str | None = None, color: str | None = None) -> Garment:
    """A coat or jacket; the style is `cut closure`."""
    size = size or ("Long/large" if rng.random() < 0.45 else "Short/small")
    cuts = ["coat", "trench", "parka"] if size == "Long/large" else ["bomber", "blazer", "denim", "down", "biker"]
    style = f"{rng.choice(cuts)} {rng.choice(['open', 'half', 'closed'], p=[0.5, 0.25, 0.25])}"
    pattern = "Solid" if rng.random() < 0.85 - 0.3 * rare else str(rng.choice(["Geometrical", "Fancy"]))
    garment = make_garment(rng, "Coat", size=size, style=style, color=color or sample_color(rng, rare), pattern=pattern)
    texture = {"biker": "leather", "denim": "denim", "down": "silk"}.get(style.split()[0])
    return replace(garment, texture=texture) if texture and pattern == "Solid" else garment


def _shoes(rng: np.random.Generator, rare: float, *, boots: bool, womens: bool) -> Garment:
    if boots:
        return make_garment(
            rng, "Shoes", size="Long/large", style="boot", color=_shoe_color(rng, rare), texture="leather"
        )
    style = str(rng.choice(["sneaker", "pump", "ballet"] if womens else ["sneaker", "lace-up"]))
    color = "Light" if style == "sneaker" and rng.random() < 0.45 else _shoe_color(rng, rare)
    return make_garment(
        rng, "Shoes", size="Short/small", style=style, color=color, texture="weave" if style == "sneaker" else "leather"
    )


def _shoe_color(rng: np.random.Generator, rare: float) -> str:
    return (
        sample_color(rng, rare) if rng.random() < 0.3 + 0.4 * rare else str(rng.choice(["Dark", "Brown"], p=[0.7, 0.3]))
    )


def _hat(rng: np.random.Generator, rare: float) -> Garment:
    style = str(rng.choice(["beanie", "cap", "bucket", "fedora", "sun", "fur"], p=[0.3, 0.28, 0.12, 0.14, 0.1, 0.06]))
    size = "Short/small" if style in ("beanie", "cap", "bucket") else "Long/large"
    return _any(rng, "Hat", rare, size=size, style=style, letters=style in ("beanie", "cap"))


def _accessories(rng: np.random.Generator, rare: float, *, womens: bool) -> dict[str, Garment]:
    found: dict[str, Garment] = {}
    if rng.random() < 0.22:
        size, sun = str(rng.choice(["Short/small", "Long/large"])), rng.random() < 0.65
        color = str(rng.choice(["Dark", "Brown", "Red", "Blue"], p=[0.75, 0.15, 0.05, 0.05]))
        found["Glasses"] = make_garment(rng, "Glasses", size=size, style="sun" if sun else "clear", color=color)
    if rng.random() < 0.12 + 0.2 * rare:
        if not womens and rng.random() < 0.5:
            found["Scarf"] = _any(rng, "Scarf", rare, size="Short/small", style="tie")
        else:
            found["Scarf"] = _any(rng, "Scarf", rare, size=str(rng.choice(["Short/small", "Long/large"])), style="wrap")
    if rng.random() < 0.05 + 0.3 * rare:
        found["Glove"] = _any(rng, "Glove", rare, size=str(rng.choice(["Short/small", "Long/large"])), style="glove")
    if rng.random() < 0.04 + 0.22 * rare:
        color = str(rng.choice(["Light", "Blue", "Dark", sample_color(rng, 1.0)]))
        found["Mask"] = make_garment(rng, "Mask", size="Short/small", style="mask", color=color)
    if rng.random() < 0.3 + 0.3 * rare:
        found["Socks"] = _any(rng, "Socks", rare, size=str(rng.choice(["Short/small", "Long/large"])), style="sock")
    return found
