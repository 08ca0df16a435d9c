"""Things that few people wear, put on people who do not: gloves on bare hands, hats and scarves of others."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects, label

from parsing.boxes import box_of
from parsing.labels import IGNORE, TASKS, label_id
from training.canvas import Layer, opacity, paste
from training.recolor import draw_label, recolor

HAT, SCARF, HAIR, FACE, GLOVE = (label_id("attribute", name) for name in ("Hat", "Scarf", "Hair", "Face", "Glove"))
ARMS = tuple(label_id("attribute", name) for name in ("L-arm", "R-arm"))
SHORT, SOLID = label_id("size", "Short/small"), label_id("pattern", "Solid")
GLOVE_COLORS: Mapping[str, float] = {
    "Dark": 0.5, "Brown": 0.15, "Medium": 0.08, "Light": 0.08, "Red": 0.05, "Pink": 0.03, "Green": 0.03, "Blue": 0.03,
    "Yellow": 0.02, "Purple": 0.03,
}  # fmt: skip
LEAST_PIXELS = 40  # of a face that a thing is measured by, and of the thing
HAND_LENGTH = 0.13  # of a person's height: a longer piece of bare arm is more than a hand
HAND_AREA = 0.0004  # of a person's height squared, at least
HAND_PLACE = (0.33, 0.75)  # where hands are, from the top of a person, of their height


@dataclass(frozen=True)
class Accessory:
    """A thing that somebody wears, cut out.

    Args:
        thing: its pixels, where `human` is 1.
        attribute: id of what it is.
        top, left: of the cut-out, from the middle of the wearer's face, in pixels.
        face: the root of the number of the face's pixels.
    """

    thing: Layer
    attribute: int
    top: float
    left: float
    face: float

    def mirror(self) -> "Accessory":
        """Left and right exchanged."""
        return replace(self, thing=self.thing.mirror(), left=-self.left - self.thing.width)


def face_of(person: Layer) -> tuple[float, float, float] | None:
    """Row and column of the middle of a person's face, and the root of its pixels; nothing where none is seen."""
    rows, columns = np.nonzero((person.maps["attribute"] == FACE) & (person.maps["human"] == 1))
    return (rows.mean(), columns.mean(), np.sqrt(rows.size)) if rows.size >= LEAST_PIXELS else None


def accessories_of(photograph: Layer) -> Iterator[Accessory]:
    """The hat and the scarf above and below the face of person number 1, all of whose pixels were labelled by hand."""
    attribute, mine = photograph.maps["attribute"], photograph.maps["human"] == 1
    face = face_of(photograph)
    if face is None or (attribute[mine] == IGNORE).any():
        return
    for worn in (HAT, SCARF):
        region = mine & (attribute == worn)
        if np.count_nonzero(region) < LEAST_PIXELS:
            continue
        x0, y0, x1, y1 = box_of(region)
        if x0 <= face[1] <= x1:
            marked = Layer(photograph.image, {**photograph.maps, "human": region.astype(np.uint8)})
            yield Accessory(marked.crop(y0, x0, y1 - y0, x1 - x0), worn, y0 - face[0], x0 - face[1], face[2])


def put_on(person: Layer, accessory: Accessory, rng: np.random.Generator) -> Layer:
    """A person alone on a layer, wearing one thing more; as they are where no face is seen or one is worn already."""
    face = face_of(person)
    if face is None or (person.maps["attribute"] == accessory.attribute).any():
        return person
    worn = accessory.mirror() if rng.random() < 0.5 else accessory
    scale = face[2] / worn.face * rng.uniform(0.95, 1.1)
    thing = worn.thing.resize(max(2, round(worn.thing.height * scale)), max(2, round(worn.thing.width * scale)))
    margin = max(thing.height, thing.width) + 2  # the face is somewhere above or below the thing
    canvas = person.crop(-margin, -margin, person.height + 2 * margin, person.width + 2 * margin)
    top, left = round(face[0] + worn.top * scale) + margin, round(face[1] + worn.left * scale) + margin
    if worn.attribute == HAT:
        tuck_hair(canvas, thing.maps["human"], top, left)
    paste(canvas, thing, top, left, 1, opacity(thing))
    x0, y0, x1, y1 = box_of(canvas.maps["human"] > 0)
    return canvas.crop(y0, x0, y1 - y0, x1 - x0)


def tuck_hair(person: Layer, hat: NDArray[np.uint8], top: int, left: int) -> None:
    """Take away the hair above a hat (h, w) that is put on at row `top` and column `left`, in place."""
    crown = np.full(person.width, top + hat.shape[0] // 2)  # beside the hat, from its middle on
    crown[left : left + hat.shape[1]] = np.where(hat.any(0), top + hat.argmax(0), crown[left : left + hat.shape[1]])
    hair = (person.maps["attribute"] == HAIR) & (np.arange(person.height)[:, None] < crown)
    for name in ("human", *TASKS):
        person.maps[name][hair] = 0


def put_on_gloves(person: Layer, rng: np.random.Generator) -> None:
    """Paint the bare hands of person number 1 as gloves, in place; nothing where more of an arm is bare."""
    hands = hands_of(person)
    if hands is None:
        return
    recolor(person, hands, draw_label(rng, GLOVE_COLORS), rng)
    for task, value in (("attribute", GLOVE), ("size", SHORT), ("pattern", SOLID)):
        person.maps[task][hands] = value


def hands_of(person: Layer) -> NDArray[np.bool_] | None:
    """The hands (H, W) of person number 1 whose sleeves are long; nothing where it is not sure that they are hands."""
    mine = person.maps["human"] == 1
    bare = mine & np.isin(person.maps["attribute"], ARMS)
    if not bare.any():
        return None
    _, top, _, bottom = box_of(mine)
    height = bottom - top
    pieces = np.zeros(bare.shape, np.int32)
    label(bare, output=pieces)
    hands = np.zeros_like(bare)
    for number, box in enumerate(find_objects(pieces), start=1):
        piece = pieces[box] == number
        middle = ((box[0].start + box[0].stop) / 2 - top) / height
        if np.count_nonzero(piece) < HAND_AREA * height**2:
            continue
        if max(piece.shape) > HAND_LENGTH * height or not HAND_PLACE[0] <= middle <= HAND_PLACE[1]:
            return None
        hands[box] |= piece
    return hands if hands.any() else None
