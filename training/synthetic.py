"""Rendered scenes of people whose clothes are exactly known: sample gallery, rare training classes, tests with truth.

People are posed bodies of tubes dressed layer by layer (`synthetic_wardrobe`), splatted into a depth buffer
(`synthetic_raster`) before a backdrop in perspective (`synthetic_backdrop`). Left and right are the person's own. A
dress is UpperClothes and Skirt of one look, and its size, that of its hem, is the size of both.
"""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from parsing.boxes import box_of
from parsing.labels import ATTRIBUTES, CHARACTERISTICS, CHARACTERIZED, LABELS, label_id
from parsing.records import CharacterizedAttribute, Person, RunLengthMask
from training.synthetic_backdrop import Backdrop, cast_shadows, paint_backdrop
from training.synthetic_body import build_body
from training.synthetic_raster import Sprite, project, render_person
from training.synthetic_specs import Grade, PersonSpec, SceneSpec
from training.synthetic_wardrobe import Part, dress

Array = NDArray[np.float32]
Labels = NDArray[np.uint8]

BRIGHTEST = 2.0  # linear light at which the tone curve is white in any case
TONES = 16384  # steps of the tone curve
UNDETERMINED = label_id("size", "Undetermined")


@dataclass(frozen=True)
class RenderedScene:
    """A picture and its exact truth, all (height, width).

    Args:
        image: (H, W, 3) uint8 sRGB.
        human: uint8 instance ids 1..n in the order of the scene's people, 0 none.
        attribute: uint8 CCIHP ids, 0 outside people and on bags and belts.
        size, pattern, color: uint8 ids, 0 except on clothes, hair and accessories.
    """

    image: Labels
    human: Labels
    attribute: Labels
    size: Labels
    pattern: Labels
    color: Labels


def render(scene: SceneSpec, *, backdrop: Labels | None = None, fine: bool = False) -> RenderedScene:
    """The scene's picture and truth; the same scene gives the same pixels.

    Args:
        scene: what to draw.
        backdrop: (H, W, 3) uint8 photograph without people to draw on instead of the scene's own backdrop.
        fine: smoother and four times slower, for pictures that people look at.
    """
    if len(scene.people) > 255:
        raise ValueError(f"a scene holds at most 255 people, got {len(scene.people)}; split it")
    ground = _photograph(scene, backdrop) if backdrop is not None else paint_backdrop(scene)
    dressed = [dress(person, build_body(person), fine=fine) for person in scene.people]
    cast_shadows(ground, scene, [clothes.patches for clothes in dressed])
    human, part_map = np.zeros((scene.height, scene.width), np.uint8), np.zeros((scene.height, scene.width), np.int16)
    for index in sorted(range(len(dressed)), key=lambda i: -scene.people[i].z):
        clothes, frame = dressed[index], (scene.height, scene.width)
        sprite = render_person(
            scene.people[index], clothes.patches, clothes.materials, scene.camera, scene.light, frame, fine=fine
        )
        if sprite is not None:
            _place(sprite, index + 1, ground.color, human, part_map)
    labels = _labels(scene, human, part_map, {index + 1: clothes.parts for index, clothes in enumerate(dressed)})
    return RenderedScene(_developed(ground.color, scene), human, *labels)


def people_records(scene: RenderedScene) -> tuple[Person, ...]:
    """Exact records of everyone with a visible pixel, in the order of their instance ids."""
    return tuple(_record(scene, int(person)) for person in np.unique(scene.human) if person)


def _photograph(scene: SceneSpec, backdrop: Labels) -> Backdrop:
    if backdrop.shape != (scene.height, scene.width, 3):
        raise ValueError(
            f"backdrop must have shape {(scene.height, scene.width, 3)}, got {backdrop.shape}; resize it first"
        )
    below = np.arange(scene.height)[:, None] > scene.camera.row
    return Backdrop(
        np.asarray((backdrop.astype(np.float32) / 255) ** 2.2, np.float32), np.broadcast_to(below, backdrop.shape[:2])
    )


def _place(sprite: Sprite, person: int, color: Array, human: Labels, part_map: NDArray[np.int16]) -> None:
    """Composite a person over everything farther away, in place."""
    height, width = sprite.cover.shape
    window = slice(sprite.row, sprite.row + height), slice(sprite.column, sprite.column + width)
    alpha = sprite.cover[..., None]
    color[window] = color[window] * (1 - alpha) + sprite.color * alpha
    solid = sprite.part >= 0
    human[window][solid] = person
    part_map[window][solid] = sprite.part[solid]


def _labels(
    scene: SceneSpec, human: Labels, part_map: NDArray[np.int16], parts: dict[int, list[Part]]
) -> tuple[Labels, Labels, Labels, Labels]:
    """Maps of attribute, size, pattern and color."""
    most = max((len(known) for known in parts.values()), default=1)
    table = np.zeros((4, len(scene.people) + 1, most), np.uint8)
    for person, known in parts.items():
        for index, part in enumerate(known):
            table[0, person, index] = part.attribute
    attribute = table[0][human, part_map]
    for person, known in parts.items():
        for index, part in enumerate(known):
            if part.garment is not None:
                seen = _decided(part, scene.people[person - 1], scene, human, attribute, person)
                size = (
                    label_id("size", part.garment.size) if seen or part.garment.size == "Sparse/bald" else UNDETERMINED
                )
                table[1:, person, index] = (
                    size,
                    label_id("pattern", part.garment.pattern),
                    label_id("color", part.garment.color),
                )
    return attribute, table[1][human, part_map], table[2][human, part_map], table[3][human, part_map]


def _decided(part: Part, spec: PersonSpec, scene: SceneSpec, human: Labels, attribute: Labels, person: int) -> bool:
    """Whether any point that shows the size is in the picture and not hidden."""
    rows, columns = project(spec, scene.camera, part.deciding)
    reach = max(1, round(0.025 * scene.camera.focal / spec.z))
    for row, column in zip(rows.round().astype(int), columns.round().astype(int), strict=True):
        if 0 <= row < scene.height and 0 <= column < scene.width:
            window = slice(max(0, row - reach), row + reach + 1), slice(max(0, column - reach), column + reach + 1)
            if ((human[window] == person) & (attribute[window] == part.attribute)).any():
                return True
    return False


def _developed(color: Array, scene: SceneSpec) -> Labels:
    """Linear light to an sRGB photograph: exposure, tone curve, vignette, blur, noise, JPEG."""
    grade, rng = scene.grade, np.random.default_rng([scene.seed, 99])
    down, across = (
        np.linspace(-1, 1, scene.height, dtype=np.float32)[:, None],
        np.linspace(-1, 1, scene.width, dtype=np.float32)[None, :],
    )
    light = np.clip(color * (grade.exposure * (1 - 0.13 * (down**2 + across**2)))[..., None], 0, BRIGHTEST)
    curve = np.linspace(0, BRIGHTEST, TONES, dtype=np.float32)
    curve = np.clip(curve * (1 + curve / 2.2) / (1 + curve * 0.8), 0, 1) ** (1 / 2.2)
    curve = np.clip(0.5 + (curve - 0.5) * grade.contrast, 0, 1).astype(np.float32)
    taken = _blurred(curve[(light * ((TONES - 1) / BRIGHTEST)).astype(np.uint16)], grade)
    noise = rng.standard_normal((scene.height, scene.width, 2), dtype=np.float32)
    noise = noise[..., :1] + 0.6 * noise[..., 1:] * np.array([1, -0.3, -1], np.float32)
    image = (np.clip(taken + grade.noise * noise, 0, 1) * 255 + 0.5).astype(np.uint8)
    return _compressed(image, grade.jpeg_quality) if grade.jpeg_quality else image


def _blurred(picture: Array, grade: Grade) -> Array:
    if grade.blur <= 0:
        return picture
    image = Image.fromarray((picture * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(grade.blur))
    return np.asarray(np.asarray(image) / 255, np.float32)


def _compressed(image: Labels, quality: int) -> Labels:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    with Image.open(buffer) as decoded:
        return np.asarray(decoded.convert("RGB"), np.uint8).copy()


def _record(scene: RenderedScene, person: int) -> Person:
    mask = scene.human == person
    x0, y0, x1, y1 = map(float, box_of(mask))
    worn = [int(attribute) for attribute in np.unique(scene.attribute[mask]) if attribute]
    attributes = tuple(_attribute(scene, mask, attribute) for attribute in worn)
    presence = {name: float(index + 1 in worn) for index, name in enumerate(ATTRIBUTES)}
    return Person((x0, y0, x1, y1), 1.0, RunLengthMask.encode(mask), attributes, presence)


def _attribute(scene: RenderedScene, person_mask: NDArray[np.bool_], attribute: int) -> CharacterizedAttribute:
    mask = person_mask & (scene.attribute == attribute)
    name = ATTRIBUTES[attribute - 1]
    probabilities = {}
    if name in CHARACTERIZED:
        for task in CHARACTERISTICS:
            truth = int(getattr(scene, task)[mask][0])
            probabilities[task] = tuple(float(index + 1 == truth) for index in range(len(LABELS[task])))
    return CharacterizedAttribute(name, 1.0, int(mask.sum()), probabilities, RunLengthMask.encode(mask))
