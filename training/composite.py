"""Composites: training pictures made of annotated photographs, whole ones, crops, and crowds of pasted cut-outs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from parsing.boxes import area, box_of
from parsing.labels import IGNORE, label_id
from training.accessories import accessories_of, put_on, put_on_gloves
from training.canvas import MAYBE_PEOPLE, NO_OUTLINE, Layer, areas, blank, copy, forget_hidden, opacity, paste
from training.packed import PackedLayer
from training.recolor import recolor_some
from training.samples import Sample
from training.variety import close_up, clutter, elsewhere, join, turn, unsharp

SOLID, MULTICOLOR = label_id("pattern", "Solid"), label_id("color", "Multicolor")
HAIR = label_id("attribute", "Hair")
SHOES = (label_id("attribute", "L-shoe"), label_id("attribute", "R-shoe"))
MEMORY_HEIGHT = 480  # photographs are kept at this height, those of groups as they are
WHOLE_BOX = 0.8  # least share of a box that is seen; the box of the rest is then hardly smaller


@dataclass(frozen=True)
class CompositeConfig:
    """What training pictures are like.

    Args:
        whole, crowd, group: shares of whole photographs of one person, of pasted crowds, of photographs of groups;
            the rest are rendered scenes, where there are any.
        double: share of the pictures of groups that show two photographs.
        close: share of photographs of groups that are cut around one of the people.
        elsewhere: share of photographs of groups whose people stand before another scene.
        unsharp: share of pictures with few pixels and JPEG's blocks.
        clutter: share of pictures with things in front of the people.
        recolor: share of plain garments that are repainted.
        gloves: share of people with bare hands and long sleeves who get gloves.
        lent: share of pasted people who wear the hat or the scarf of somebody else.
        unlabelled: share of pasted people who come from groups, most without labels of clothes, where there are any.
        dense: share of pasted crowds that have more than a handful of people.
        most_people: people pasted into one picture.
        smallest_person: visible pixels below which a person is neither required nor punished.
    """

    whole: float = 0.23
    crowd: float = 0.3
    group: float = 0.42
    double: float = 0.25
    close: float = 0.4
    elsewhere: float = 0.25
    unsharp: float = 0.25
    clutter: float = 0.25
    recolor: float = 0.2
    gloves: float = 0.2
    lent: float = 0.25
    unlabelled: float = 0.3
    dense: float = 0.15
    most_people: int = 20
    smallest_person: int = 80


@dataclass(frozen=True)
class Source:
    """A photograph in memory, and how often it is wanted."""

    photograph: PackedLayer
    weight: float

    @classmethod
    def of(cls, layer: Layer, weight: float) -> "Source":
        """A photograph whose person is number 1."""
        return cls(PackedLayer.of(layer), weight)

    @property
    def layer(self) -> Layer:
        """The photograph."""
        return self.photograph.unpack()

    @property
    def cutout(self) -> Layer:
        """What its person covers, alone."""
        return cut_out(self.layer, 1)


def cut_out(layer: Layer, number: int) -> Layer:
    """What person `number` of a photograph covers, alone."""
    left, top, right, bottom = box_of(layer.maps["human"] == number)
    cut = layer.crop(top, left, bottom - top, right - left)
    return Layer(cut.image, {**cut.maps, "human": (cut.maps["human"] == number).astype(np.uint8)})


def shares(sources: Sequence[Source]) -> NDArray[np.float64]:
    """How often each photograph is wanted, of 1 in all."""
    weights = np.array([source.weight for source in sources])
    parts: NDArray[np.float64] = weights / weights.sum()
    return parts


def in_memory(sample: Sample) -> Layer:
    """A sample no higher than `MEMORY_HEIGHT`."""
    layer = Layer.of(sample)
    if layer.height <= MEMORY_HEIGHT:
        return layer
    return layer.resize(MEMORY_HEIGHT, round(layer.width * MEMORY_HEIGHT / layer.height))


class Composer:
    """Makes training pictures.

    Args:
        people: photographs whose person number 1 has labelled clothes.
        groups: photographs of groups, may be empty.
        scenes: photographs without people, at most about `MEMORY_HEIGHT` high.
        rendered: scenes with exact labels, may be empty.
        strangers: cut-outs of the people of groups, may be empty.
    """

    def __init__(
        self,
        people: Sequence[Source],
        groups: Sequence[Source],
        scenes: Sequence[Layer],
        rendered: Sequence[Layer],
        config: CompositeConfig,
        strangers: Sequence[Layer] = (),
    ) -> None:
        self.people, self.groups, self.scenes, self.rendered = people, groups, scenes, rendered
        self.strangers = strangers
        self.config = config
        self.people_shares, self.group_shares = shares(people), shares(groups)
        self.accessories = [thing for source in people for thing in accessories_of(source.layer)]

    def compose(self, rng: np.random.Generator, height: int, width: int) -> Layer:
        """One picture of `height` x `width` pixels with its label maps."""
        kind = rng.random()
        if kind < self.config.whole:
            picture = self.whole_photograph(rng, height, width)
        elif kind < self.config.whole + self.config.crowd or not self.groups:
            picture = self.crowd(rng, height, width)
        elif kind < self.config.whole + self.config.crowd + self.config.group or not self.rendered:
            picture = self.group_photograph(rng, height, width)
        else:
            picture = self.zoom(self.rendered[int(rng.integers(len(self.rendered)))], rng, height, width, 1.0, 1.5)
        if self.scenes and rng.random() < self.config.clutter:
            scene = self.scenes[int(rng.integers(len(self.scenes)))]
            picture = clutter(picture, scene, rng, int(rng.integers(1, 4)))
        if rng.random() < 0.5:
            picture = picture.mirror()
        image = unsharp(picture.image, rng) if rng.random() < self.config.unsharp else picture.image
        return Layer(self.light(image, rng), self.drop_slivers(picture))

    def draw(self, rng: np.random.Generator) -> Source:
        """A photograph, those with rare labels more often."""
        return self.people[rng.choice(len(self.people), p=self.people_shares)]

    def whole_photograph(self, rng: np.random.Generator, height: int, width: int) -> Layer:
        """A photograph of one person, at a random scale, cropped where it is too large."""
        layer = copy(self.draw(rng).layer)
        if rng.random() < self.config.gloves:
            put_on_gloves(layer, rng)
        recolor_some(layer, plain_garments(layer), rng, self.config.recolor)
        return self.zoom(layer, rng, height, width, 0.95, 1.8)

    def group_photograph(self, rng: np.random.Generator, height: int, width: int) -> Layer:
        """A photograph of a group, or two of them side by side; now and then people are pasted in."""
        if rng.random() < self.config.double:
            axis = int(width > height) if width != height else int(rng.integers(2))
            half = (height // 2, width) if axis == 0 else (height, width // 2)
            rest = (height - half[0], width) if axis == 0 else (height, width - half[1])
            picture = join(self.one_group(rng, *half), self.one_group(rng, *rest), axis)
        else:
            picture = self.one_group(rng, height, width)
        return self.add_people(picture, rng, int(rng.integers(1, 3))) if rng.random() < 0.3 else picture

    def one_group(self, rng: np.random.Generator, height: int, width: int) -> Layer:
        """A photograph of a group, perhaps turned a little, at a random scale."""
        layer = self.groups[rng.choice(len(self.groups), p=self.group_shares)].layer
        boxed = (layer.maps["unsure"] == NO_OUTLINE).any()  # a turned box is no box, and one elsewhere shows its edges
        if rng.random() < 0.5 and not boxed:
            layer = turn(layer, rng.normal(0, 6))
        close = rng.random() < self.config.close
        picture = close_up(layer, rng, height, width) if close else self.zoom(layer, rng, height, width, 0.95, 2.2)
        picture = copy(picture)
        recolor_some(picture, plain_garments(picture), rng, self.config.recolor)
        if self.scenes and rng.random() < self.config.elsewhere and not boxed:
            return elsewhere(picture, self.backdrop(rng, height, width))
        return picture

    @staticmethod
    def zoom(layer: Layer, rng: np.random.Generator, height: int, width: int, least: float, most: float) -> Layer:
        """`layer` scaled to `least`..`most` of what just fits, slightly stretched, and cut at random."""
        fit = min(height / layer.height, width / layer.width)
        scale = fit * np.exp(rng.uniform(np.log(least), np.log(most)))
        stretch = rng.uniform(0.92, 1.08)
        scaled = layer.resize(max(8, round(layer.height * scale)), max(8, round(layer.width * scale * stretch)))
        top, left = (
            slack_offset(rng, inner, outer) for inner, outer in ((scaled.height, height), (scaled.width, width))
        )
        return forget_hidden(scaled.crop(top, left, height, width), areas(scaled))

    def crowd(self, rng: np.random.Generator, height: int, width: int) -> Layer:
        """People pasted on a scene without any."""
        dense = rng.random() < self.config.dense
        count = int(rng.integers(6, self.config.most_people + 1)) if dense else min(1 + rng.poisson(1.6), 6)
        largest = 0.5 if dense else 1.15
        return self.add_people(self.backdrop(rng, height, width), rng, count, largest)

    def backdrop(self, rng: np.random.Generator, height: int, width: int) -> Layer:
        """A part of a scene without people."""
        scene = self.scenes[int(rng.integers(len(self.scenes)))] if self.scenes else blank(height, width)
        cover = max(height / scene.height, width / scene.width) * rng.uniform(1.0, 1.6)
        scaled = scene.resize(int(np.ceil(scene.height * cover)), int(np.ceil(scene.width * cover)))
        top, left = rng.integers(scaled.height - height + 1), rng.integers(scaled.width - width + 1)
        return scaled.crop(int(top), int(left), height, width)

    def add_people(self, canvas: Layer, rng: np.random.Generator, count: int, largest: float = 1.15) -> Layer:
        """`count` cut-outs pasted, the distant ones first, up to `largest` of the canvas high."""
        canvas = copy(canvas)
        first = int(canvas.maps["human"][canvas.maps["human"] < IGNORE].max(initial=0)) + 1
        base = canvas.height * np.exp(rng.uniform(np.log(largest * 0.26), np.log(largest)))
        heights = np.sort(np.clip(base * np.exp(rng.normal(0, 0.25, count)), 32, canvas.height * 1.6))
        full: dict[tuple[int, int], int] = {}
        for number, person_height in enumerate(heights, start=first):
            person, alpha = self.cut_person(rng, int(person_height))
            full |= {(number, attribute): area for (human, attribute), area in areas(person).items() if human}
            top, left = place(rng, person, canvas)
            paste(canvas, person, top, left, number, alpha)
        return forget_hidden(canvas, full)

    def cut_person(self, rng: np.random.Generator, height: int) -> tuple[Layer, NDArray[np.float32]]:
        """A cut-out of the given height, perhaps repainted, relit or mirrored, and its soft outline."""
        stranger = self.strangers and rng.random() < self.config.unlabelled
        cutout = self.strangers[int(rng.integers(len(self.strangers)))] if stranger else self.draw(rng).cutout
        width = max(4, round(cutout.width * height / cutout.height * rng.uniform(0.9, 1.1)))
        person = self.dress(copy(cutout.resize(height, width)), rng)
        recolor_some(person, plain_garments(person), rng, self.config.recolor)
        if rng.random() < 0.5:
            person = person.mirror()
        gain = rng.uniform(0.8, 1.2)
        image = np.clip(person.image * gain, 0, 255).astype(np.uint8)
        return Layer(image, person.maps), opacity(person)

    def dress(self, person: Layer, rng: np.random.Generator) -> Layer:
        """A cut-out person, perhaps with gloves and somebody else's hat or scarf; may be written to."""
        if rng.random() < self.config.gloves:
            put_on_gloves(person, rng)
        if self.accessories and rng.random() < self.config.lent:
            return put_on(person, self.accessories[int(rng.integers(len(self.accessories)))], rng)
        return person

    def drop_slivers(self, picture: Layer) -> dict[str, NDArray[np.uint8]]:
        """Maps in which people with next to no visible pixels, or whose boxes are no longer whole, are ignored."""
        human, unsure = picture.maps["human"].copy(), picture.maps["unsure"].copy()
        counts = np.bincount(human.ravel(), minlength=256)
        slivers = np.flatnonzero((counts > 0) & (counts < self.config.smallest_person))
        for number in {*slivers.tolist(), *cut_boxes(human, unsure)} - {0, IGNORE}:
            unsure[human == number] = MAYBE_PEOPLE
            human[human == number] = IGNORE
        return {**picture.maps, "human": human, "unsure": unsure}

    @staticmethod
    def light(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        """Brightness, contrast, a little tint and noise; hues keep their names."""
        gamma, gain = np.exp(rng.uniform(-0.3, 0.3)), np.exp(rng.normal(0, 0.025, 3))
        curve = np.clip(255 * (np.arange(256)[:, None] / 255.0) ** gamma * gain, 0, 255)  # (256, 3)
        lit = np.asarray(Image.fromarray(image).point(curve.astype(np.uint8).T.ravel().tolist()))
        if rng.random() < 0.3:
            noise = rng.standard_normal(image.shape, np.float32) * np.float32(rng.uniform(1, 6))
            lit = np.clip(lit + noise, 0, 255).astype(np.uint8)
        return lit


def cut_boxes(human: NDArray[np.uint8], unsure: NDArray[np.uint8]) -> list[int]:
    """People of whom the box alone is known (maps as in `Layer`), where an edge or somebody else hides part of it."""
    height, width = human.shape
    cut = []
    for number in np.unique(human[unsure == NO_OUTLINE]).tolist():
        seen = human == number
        box = box_of(seen)
        at_edge = box[0] == 0 or box[1] == 0 or box[2] == width or box[3] == height
        if at_edge or np.count_nonzero(seen) < WHOLE_BOX * area(box):
            cut.append(number)
    return cut


def slack_offset(rng: np.random.Generator, inner: int, outer: int) -> int:
    """Where to cut `outer` pixels out of `inner`; negative where `inner` is smaller and lies inside."""
    low, high = sorted((0, inner - outer))
    return int(rng.integers(low, high + 1))


def place(rng: np.random.Generator, person: Layer, canvas: Layer) -> tuple[int, int]:
    """Row and column for a person: mostly inside, sometimes cut by an edge."""
    left = int(rng.integers(-person.width // 4, max(canvas.width - 3 * person.width // 4, 1)))
    slack = canvas.height - person.height
    if slack > 0:
        return int(slack * rng.beta(4, 1.5)), left
    # Too tall: show the upper body more often than the legs alone.
    return int(slack * (rng.random() if rng.random() < 0.4 else rng.random() * 0.15)), left


def plain_garments(layer: Layer) -> list[NDArray[np.bool_]]:
    """Regions of each person's items of one plain color, hair left alone; both shoes are one."""
    maps = layer.maps
    plain = (maps["pattern"] == SOLID) & (maps["color"] != MULTICOLOR) & (maps["color"] != IGNORE)
    plain &= ~np.isin(maps["attribute"], (0, HAIR, IGNORE))
    attributes = np.where(maps["attribute"] == SHOES[1], SHOES[0], maps["attribute"])
    keys = np.where(plain, maps["human"].astype(np.int32) * 256 + attributes, -1)
    return [keys == key for key in np.unique(keys[plain])]
