"""Variety for photographs of groups, of which there are few: turned, two in one picture, elsewhere, hidden, unsharp."""

import io
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from parsing.boxes import box_of
from parsing.labels import IGNORE
from training.canvas import Layer, areas, copy, forget_hidden, paste, soften
from training.samples import people_in

CORNERS = 9  # of a piece of clutter
LARGEST_SCALE = 3.0  # of a photograph of which a part is shown


def turn(layer: Layer, degrees: float) -> Layer:
    """A photograph turned about its middle; what comes in at the corners is gray and background."""
    image = Image.fromarray(layer.image).rotate(degrees, Image.Resampling.BILINEAR, fillcolor=(114, 114, 114))
    maps = {name: np.asarray(Image.fromarray(m).rotate(degrees)) for name, m in layer.maps.items()}
    return Layer(np.asarray(image), maps)


def join(first: Layer, second: Layer, axis: int) -> Layer:
    """Two pictures as one, the second below (axis 0) or right of (1) the first; its people are numbered on."""
    human = second.maps["human"].astype(np.int64)
    someone = (human > 0) & (human < IGNORE)
    human[someone] += int(first.maps["human"][first.maps["human"] < IGNORE].max(initial=0))
    numbered = {**second.maps, "human": human.clip(0, IGNORE).astype(np.uint8)}
    maps = {name: np.concatenate([m, numbered[name]], axis) for name, m in first.maps.items()}
    return Layer(np.concatenate([first.image, second.image], axis), maps)


def close_up(layer: Layer, rng: np.random.Generator, height: int, width: int) -> Layer:
    """What is around one of the people of a photograph, who becomes a quarter to nine tenths as tall as the picture.

    A photograph is not shown smaller than fits the picture, nor very much enlarged.
    """
    human = layer.maps["human"]
    people = people_in(human)
    x0, y0, x1, y1 = box_of(human == rng.choice(people) if len(people) else human == 0)
    fit = min(height / layer.height, width / layer.width)
    scale = np.clip(rng.uniform(0.25, 0.9) * height / (y1 - y0), fit, max(fit, LARGEST_SCALE))
    shape = np.array([height, width]) / scale
    middle = np.array([y0 + y1, x0 + x1]) / 2
    corner = middle - shape / 2 + rng.uniform(-0.25, 0.25, 2) * shape
    beyond = np.array([layer.height, layer.width]) - shape
    top, left = np.clip(corner, np.minimum(beyond, 0), np.maximum(beyond, 0)).round().astype(int)
    cut = layer.crop(int(top), int(left), max(4, round(shape[0])), max(4, round(shape[1])))
    return forget_hidden(cut, areas(layer)).resize(height, width)


def elsewhere(picture: Layer, scene: Layer) -> Layer:
    """The people of a photograph, and what may be people, before a scene of the same size without any."""
    mask = ((picture.maps["human"] > 0) | (picture.maps["unsure"] > 0)).astype(np.uint8) * 255
    image = Image.composite(Image.fromarray(picture.image), Image.fromarray(scene.image), soften(Image.fromarray(mask)))
    return replace(picture, image=np.asarray(image))


def unsharp(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """An image (H, W, 3) as a poorer camera or a smaller file shows it: fewer pixels, JPEG's blocks."""
    height, width = image.shape[:2]
    factor = rng.uniform(1.0, 2.5)
    small = Image.fromarray(image).resize((round(width / factor), round(height / factor)), Image.Resampling.BOX)
    with io.BytesIO() as file:
        small.save(file, "JPEG", quality=int(rng.integers(25, 90)))
        read = Image.open(file).convert("RGB")
    return np.asarray(read.resize((width, height), Image.Resampling.BILINEAR))


def clutter(picture: Layer, scene: Layer, rng: np.random.Generator, count: int) -> Layer:
    """`picture` with `count` pieces of a photograph without people in front: not only people hide people."""
    canvas = copy(picture)
    for _ in range(count):
        height, width = (round(side * rng.uniform(0.08, 0.4)) for side in (picture.height, picture.width))
        height, width = max(min(height, scene.height), 4), max(min(width, scene.width), 4)
        top, left = rng.integers(scene.height - height + 1), rng.integers(scene.width - width + 1)
        outline = blob(rng, height, width)
        piece = scene.crop(int(top), int(left), height, width)
        piece = replace(piece, maps={**piece.maps, "human": (outline > 127).astype(np.uint8)})
        alpha = outline.astype(np.float32) / np.float32(255)
        row = int(rng.integers(-height // 2, picture.height - height // 2))
        column = int(rng.integers(-width // 2, picture.width - width // 2))
        paste(canvas, piece, row, column, 0, alpha)
    return forget_hidden(canvas, areas(picture))


def blob(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    """A random star-shaped outline, filled, (height, width), 0..255 with a soft edge."""
    angles = np.arange(CORNERS) * 2 * np.pi / CORNERS
    radii = rng.uniform(0.45, 1.0, CORNERS)
    corners = zip(
        ((np.cos(angles) * radii + 1) * width / 2).tolist(),
        ((np.sin(angles) * radii + 1) * height / 2).tolist(),
        strict=True,
    )
    drawn = Image.new("L", (width, height))
    ImageDraw.Draw(drawn).polygon(list(corners), fill=255)
    return np.asarray(soften(drawn))
