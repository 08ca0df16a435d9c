"""Pictures under construction: an image and its label maps cut, resized, mirrored and pasted as one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from parsing.boxes import box_of
from parsing.labels import IGNORE, TASKS, label_id
from parsing.mirror import EXCHANGED
from training.samples import Sample

MAYBE_PEOPLE, NO_OUTLINE = 1, 2  # values of the map `unsure`
UNDETERMINED = label_id("size", "Undetermined")


MIRRORED = np.arange(256, dtype=np.uint8)  # left and right attributes exchanged
MIRRORED[: len(EXCHANGED)] = EXCHANGED


@dataclass(frozen=True)
class Layer:
    """An image (H, W, 3) uint8 with maps `human`, `unsure` and one per task, all (H, W) uint8; 255 is ignored.

    `unsure` is 1 where there may be people who are not labelled, 2 inside the box of somebody without an outline.
    """

    image: NDArray[np.uint8]
    maps: Mapping[str, NDArray[np.uint8]]

    @classmethod
    def of(cls, sample: Sample) -> "Layer":
        """A sample as a layer; where only the main person is labelled, others may be outside that person's box."""
        unsure = sample.human == IGNORE
        if not sample.everyone:
            unsure = np.ones(sample.human.shape, bool)
            known = (sample.human > 0) & (sample.human < IGNORE)
            if known.any():
                x0, y0, x1, y1 = box_of(known)
                unsure[y0:y1, x0:x1] = False
        values = np.where(np.isin(sample.human, list(sample.boxed)), NO_OUTLINE, unsure * MAYBE_PEOPLE)
        return cls(sample.image, {"human": sample.human, "unsure": values.astype(np.uint8), **sample.tasks})

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.image.shape[0])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.image.shape[1])

    def resize(self, height: int, width: int) -> "Layer":
        """Area-averaged image, nearest labels."""
        image = Image.fromarray(self.image).resize((width, height), Image.Resampling.BOX, reducing_gap=2.0)
        if height > self.height:
            image = Image.fromarray(self.image).resize((width, height), Image.Resampling.BILINEAR)
        rows = ((np.arange(height) + 0.5) * self.height / height).astype(int)
        columns = ((np.arange(width) + 0.5) * self.width / width).astype(int)
        return Layer(np.asarray(image), {name: m.take(rows, 0).take(columns, 1) for name, m in self.maps.items()})

    def crop(self, top: int, left: int, height: int, width: int) -> "Layer":
        """A part; what lies outside is gray and background."""
        box = (slice(max(top, 0), max(top + height, 0)), slice(max(left, 0), max(left + width, 0)))
        cut = Layer(self.image[box], {name: m[box] for name, m in self.maps.items()})
        if cut.image.shape[:2] == (height, width):
            return cut
        canvas = blank(height, width)
        top, left = max(-top, 0), max(-left, 0)
        place = (slice(top, top + cut.height), slice(left, left + cut.width))
        canvas.image[place] = cut.image
        for name, m in canvas.maps.items():
            m[place] = cut.maps[name]
        return canvas

    def mirror(self) -> "Layer":
        """Left and right exchanged, in the labels too."""
        maps = {name: m[:, ::-1] for name, m in self.maps.items()}
        maps["attribute"] = MIRRORED[maps["attribute"]]
        return Layer(self.image[:, ::-1], maps)


def blank(height: int, width: int) -> Layer:
    """A gray layer with nobody on it."""
    maps = {name: np.zeros((height, width), np.uint8) for name in ("human", "unsure", *TASKS)}
    return Layer(np.full((height, width, 3), 114, np.uint8), maps)


def copy(layer: Layer) -> Layer:
    """A layer that may be written to."""
    return Layer(layer.image.copy(), {name: m.copy() for name, m in layer.maps.items()})


def soften(outline: Image.Image) -> Image.Image:
    """An outline, 0 to 255, with the soft edge that a thing in a photograph has."""
    return outline.filter(ImageFilter.GaussianBlur(0.7))


def opacity(cutout: Layer) -> NDArray[np.float32]:
    """How much of a cut-out person or thing is seen, (h, w), 0 to 1, softer at the outline than the labels are."""
    mask = Image.fromarray((cutout.maps["human"] > 0).astype(np.uint8) * 255)
    return np.asarray(soften(mask), np.float32) / np.float32(255)


def paste(canvas: Layer, person: Layer, top: int, left: int, number: int, alpha: NDArray[np.float32]) -> None:
    """Put a cut-out person onto `canvas`, in place, as person `number`.

    Args:
        person: `human` is nonzero on the cut-out's pixels.
        alpha: (h, w) opacity 0..1, softer at the outline than the labels are.
    """
    y0, x0 = max(top, 0), max(left, 0)
    y1, x1 = min(top + person.height, canvas.height), min(left + person.width, canvas.width)
    if y0 >= y1 or x0 >= x1:
        return
    there = (slice(y0, y1), slice(x0, x1))
    here = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
    opacity = alpha[here][..., None]
    canvas.image[there] = (person.image[here] * opacity + canvas.image[there] * (1 - opacity)).astype(np.uint8)
    inside = person.maps["human"][here] > 0
    for name, m in canvas.maps.items():
        m[there][inside] = number if name == "human" else person.maps[name][here][inside]


def forget_hidden(layer: Layer, full_area: Mapping[tuple[int, int], int]) -> Layer:
    """Sizes that the picture no longer shows: Undetermined below half of an item's pixels, ignored below 0.8.

    Args:
        full_area: pixels of each (person, attribute) at this scale before anything was cut off or covered.
    """
    sizes = layer.maps["size"].copy()
    key = layer.maps["human"].astype(np.int32) * 256 + layer.maps["attribute"]
    visible = np.bincount(key.ravel(), minlength=1)
    for (person, attribute), area in full_area.items():
        index = person * 256 + attribute
        fraction = visible[index] / max(area, 1) if index < len(visible) else 0.0
        if 0 < fraction < 0.8:
            region = (key == index) & (sizes != IGNORE) & (sizes > 0)
            sizes[region] = UNDETERMINED if fraction < 0.5 else IGNORE
    return replace(layer, maps={**layer.maps, "size": sizes})


def areas(layer: Layer) -> dict[tuple[int, int], int]:
    """Pixels of each (person, attribute)."""
    key = layer.maps["human"].astype(np.int32) * 256 + layer.maps["attribute"]
    counts = np.bincount(key.ravel())
    return {(int(k) // 256, int(k) % 256): int(counts[k]) for k in np.nonzero(counts)[0]}
