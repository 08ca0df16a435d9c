"""Clothing Co-Parsing (Yang, Luo & Lin, CVPR 2014) in its published layout, read as characterized people.

Its 59 clothing tags become CCIHP attributes by rule; `characteristics.txt` (ours) gives size, pattern and color of
each item. Every photograph has one annotated person. Photographs are split by number: NNNN % 10 == 0 validates,
== 5 calibrates, the rest trains.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.io import loadmat

from parsing.ccp_lists import CHARACTERISTICS_LIST, TAGGED_LIST, is_there, list_for
from parsing.labels import ATTRIBUTES, CHARACTERISTICS, IGNORE, label_id
from training.samples import Sample, check_split, read_rgb, read_text, unknown_maps

logger = logging.getLogger(__name__)

ITEM_TAGS: Mapping[str, tuple[str, ...]] = {
    "hat": ("hat",),
    "hair": ("hair",),
    "gloves": ("gloves",),
    "glasses": ("glasses", "sunglasses"),
    "scarf": ("scarf", "tie"),
    "socks": ("socks", "stockings"),
    "coat": ("blazer", "cape", "coat", "jacket", "suit"),
    "upper": (
        "blouse", "bodysuit", "bra", "cardigan", "hoodie", "intimate", "jumper", "shirt", "sweater", "sweatshirt",
        "swimwear", "t-shirt", "top", "vest",
    ),
    "dress": ("dress", "romper"),
    "skirt": ("skirt",),
    "pants": ("jeans", "leggings", "pants", "panties", "shorts", "tights"),
    "shoes": ("boots", "clogs", "flats", "heels", "loafers", "pumps", "sandals", "shoes", "sneakers", "wedges"),
}  # fmt: skip
ITEMS = tuple(ITEM_TAGS)
LISTED = (*ITEMS, "mask", "none")  # in `characteristics.txt`; none: of this person nothing can be named
ITEM_ATTRIBUTE = {
    "hat": "Hat", "hair": "Hair", "gloves": "Glove", "glasses": "Glasses", "scarf": "Scarf", "socks": "Socks",
    "coat": "Coat", "upper": "UpperClothes", "skirt": "Skirt", "pants": "Pants",
}  # fmt: skip
WORDS = {
    "size": {"short": "Short/small", "long": "Long/large", "undet": "Undetermined", "sparse": "Sparse/bald"},
    "pattern": {"solid": "Solid", "geom": "Geometrical", "fancy": "Fancy", "letters": "Letters"},
    "color": {
        "dark": "Dark", "medium": "Medium", "light": "Light", "brown": "Brown", "red": "Red", "pink": "Pink",
        "yellow": "Yellow", "orange": "Orange", "green": "Green", "blue": "Blue", "purple": "Purple",
        "multi": "Multicolor",
    },
}  # fmt: skip

# Heights on the body as fractions of the person's height, from the top.
WAIST, FACE_END, CHEST_END, HIP, CHEST_HALF_WIDTH = 0.42, 0.16, 0.30, 0.58, 0.07
SMALLEST_PERSON = 500  # pixels; 0536 upstream is empty


@dataclass(frozen=True)
class Item:
    """One line of `characteristics.txt`; `present` is False for a tag that turned out wrong."""

    name: str
    present: bool
    ids: Mapping[str, int]


def read_characteristics(path: Path) -> dict[str, list[Item]]:
    """Items per photograph (or photograph_person), `none` values read as ignored.

    Raises:
        ValueError: it cannot be read, or a line is of another form.
    """
    items: dict[str, list[Item]] = {}
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if words := line.split():
            check_words(words, f"{path}, line {number}")
            items.setdefault(words[0], []).append(item_of(words[1], words[2:]))
    return items


def by_person(items: Mapping[str, Sequence[Item]]) -> dict[str, dict[int, Sequence[Item]]]:
    """Items of `photograph_person` by the photograph and the person's number."""
    worn: dict[str, dict[int, Sequence[Item]]] = {}
    for name, those in items.items():
        photo, person = name.split("_")
        worn.setdefault(photo, {})[int(person)] = those
    return worn


def check_words(words: list[str], where: str) -> None:
    """Raise ValueError unless `words` are a line of `characteristics.txt`."""
    allowed = [LISTED, (*WORDS["size"], "absent", "none"), *((*WORDS[task], "none") for task in ("pattern", "color"))]
    if len(words) != len(allowed) + 1:
        raise ValueError(f"{where} must be `photograph item size pattern color`, got {' '.join(words)!r}; correct it")
    for word, known in zip(words[1:], allowed, strict=True):
        if word not in known:
            raise ValueError(f"{where} says {word!r}, expected one of {', '.join(known)}; correct it")


def item_of(name: str, words: list[str]) -> Item:
    """An item of the size, pattern and color that three words say."""
    ids = {
        task: label_id(task, WORDS[task][word]) if word in WORDS[task] else IGNORE
        for task, word in zip(CHARACTERISTICS, words, strict=True)
    }
    return Item(name, words[0] != "absent", ids)


def read_mat(path: Path, name: str) -> NDArray[Any]:
    """An array of a MATLAB file.

    Raises:
        FileNotFoundError: there is no file.
        ValueError: it holds no such array, or is damaged.
    """
    try:
        array: NDArray[Any] = loadmat(path)[name]
    except FileNotFoundError:
        raise FileNotFoundError(f"no annotation at {path}; download it again") from None
    except Exception as error:  # loadmat raises whatever a damaged file makes it stumble on
        raise ValueError(
            f"{path} must be a MATLAB file with {name!r}, but cannot be read: {error}; download it again"
        ) from error
    return array


def read_tag_names(path: Path) -> list[str]:
    """The names of the tags in `label_list.mat`, by id.

    Raises:
        ValueError: it holds no list of names, or skin is none of them.
    """
    names = read_mat(path, "label_list")
    tags = [str(cell[0]) if getattr(cell, "size", 0) else "" for cell in names.ravel()]
    if "skin" not in tags:
        raise ValueError(f"{path} must name the tags, skin among them, got {', '.join(tags)!r}; download it again")
    return tags


def read_tags(path: Path, count: int) -> NDArray[np.uint8]:
    """The tag ids (H, W), each below `count`, in an annotation.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it holds something else.
    """
    tags = read_mat(path, "groundtruth")
    if tags.ndim != 2 or tags.dtype.kind not in "iuf" or (tags % 1).any():
        raise ValueError(
            f"{path} must hold one tag for each pixel, got {tags.dtype} of shape {tags.shape}; download it again"
        )
    least, most = tags.min(initial=0), tags.max(initial=0)
    if least < 0 or most >= count:
        raise ValueError(
            f"{path} holds tag {least if least < 0 else most}, expected 0 to {count - 1}, the last that label_list.mat "
            "names; use files of one download"
        )
    return tags.astype(np.uint8)


def photograph_number(name: str, where: Path) -> int:
    """The number by which a photograph belongs to a split.

    Raises:
        ValueError: `name` is none.
    """
    if not name.isdecimal():
        raise ValueError(f"{where} names a photograph {name!r}, expected a number such as 0001; rename or remove it")
    return int(name)


def split_of(number: int) -> str:
    """Split of photograph NNNN."""
    return {0: "validation", 5: "calibration"}.get(number % 10, "train")


class CCPDataset:
    """Pixel-annotated photographs of CCP.

    Raises:
        FileNotFoundError: `root` is not laid out as the published repository.
    """

    def __init__(self, root: Path) -> None:
        if not (root / "label_list.mat").is_file() or not (root / "photos").is_dir():
            raise FileNotFoundError(
                f"{root} is not a CCP folder: expected label_list.mat, photos/ and annotations/; "
                "clone the public clothing-co-parsing repository and pass its folder"
            )
        self.root = root
        self.tags = read_tag_names(root / "label_list.mat")
        self.characteristics = read_characteristics(list_for(root, CHARACTERISTICS_LIST))

    def numbers(self, split: str) -> list[str]:
        """Numbers (`0001`) of the pixel-annotated photographs of a split; none, with a warning, of a folder of tags.

        Raises:
            FileNotFoundError: there are neither pixel labels nor tags.
            ValueError: an annotation is not named by its photograph.
        """
        check_split(split)
        folder = self.root / "annotations" / "pixel-level"
        if not folder.is_dir():
            expected = f"no pixel labels of photographs at {folder}; download them"
            if not (self.root / TAGGED_LIST).is_file():
                raise FileNotFoundError(expected)
            logger.warning("%s; without, nothing is read but what %s says", expected, TAGGED_LIST)
        files = sorted(folder.glob("*.mat"))
        return [file.stem for file in files if split_of(photograph_number(file.stem, file)) == split]

    def tagged(self, split: str) -> Iterator[tuple[Sample, Sequence[Item]]]:
        """Photographs of a split that have only tags, nobody marked in them yet, and what their main person wears.

        Of our own list only those that are there.
        """
        check_split(split)
        tagged = list_for(self.root, TAGGED_LIST)
        for number, items in read_characteristics(tagged).items():
            path = self.root / "photos" / f"{number}.jpg"
            if split_of(photograph_number(number, tagged)) == split and is_there(self.root, tagged, number):
                image = read_rgb(path)
                nobody = np.zeros(image.shape[:2], np.uint8)
                yield Sample(number, path, image, nobody, unknown_maps(nobody == 0), everyone=False), items

    def samples(self, split: str) -> Iterator[Sample]:
        """The split's photographs, those without a person left out."""
        for number in self.numbers(split):
            sample = self.sample(number)
            if np.count_nonzero(sample.human) >= SMALLEST_PERSON:
                yield sample

    def sample(self, number: str) -> Sample:
        """One photograph.

        Raises:
            FileNotFoundError: it or its annotation is missing.
            ValueError: one of them cannot be read, or they differ in size, or a tag has no name.
        """
        path = self.root / "photos" / f"{number}.jpg"
        annotation = self.root / "annotations" / "pixel-level" / f"{number}.mat"
        tags = read_tags(annotation, len(self.tags))
        human = (tags > 0).astype(np.uint8)
        items = item_map(tags, self.tags)
        tasks = {"attribute": attribute_map(tags, items, self.tags)}
        tasks |= characteristic_maps(items, tasks["attribute"], self.characteristics.get(number, []))
        return Sample(number, path, read_rgb(path), human, tasks, everyone=False)


@cache
def item_of_tag(tags: tuple[str, ...]) -> NDArray[np.uint8]:
    """Lookup from tag id to item number, counted from 1; 0 for skin, bags, belts, jewellery."""
    number = {tag: index + 1 for index, item in enumerate(ITEMS) for tag in ITEM_TAGS[item]}
    return np.array([number.get(tag, 0) for tag in tags], np.uint8)


def item_map(tag_map: NDArray[np.uint8], tags: list[str]) -> NDArray[np.uint8]:
    """Item numbers (index into ITEMS + 1) of a (H, W) map of tag ids."""
    return item_of_tag(tuple(tags))[tag_map]


def attribute_map(tag_map: NDArray[np.uint8], items: NDArray[np.uint8], tags: list[str]) -> NDArray[np.uint8]:
    """CCIHP attribute ids (H, W) by rule."""
    attributes = np.zeros(tag_map.shape, np.uint8)
    rows, columns = np.nonzero(tag_map)
    if rows.size == 0:
        return attributes
    height = rows.max() - rows.min() + 1
    relative = ((np.arange(tag_map.shape[0]) - rows.min()) / height)[:, None]
    middle = np.median(columns)
    for item, attribute in ITEM_ATTRIBUTE.items():
        attributes[items == ITEMS.index(item) + 1] = label_id("attribute", attribute)
    dress, shoes = items == ITEMS.index("dress") + 1, items == ITEMS.index("shoes") + 1
    attributes[dress & (relative < WAIST)] = label_id("attribute", "UpperClothes")
    attributes[dress & (relative >= WAIST)] = label_id("attribute", "Skirt")
    # The person faces the camera in nearly all photographs: the left of the image is the person's right.
    right = (np.arange(tag_map.shape[1]) < middle)[None, :]
    attributes[shoes & right] = label_id("attribute", "R-shoe")
    attributes[shoes & ~right] = label_id("attribute", "L-shoe")
    skin = tag_map == tags.index("skin")
    near_middle = (np.abs(np.arange(tag_map.shape[1]) - middle) < CHEST_HALF_WIDTH * height)[None, :]
    paint_skin(attributes, skin, relative, right, near_middle)
    return attributes


def paint_skin(
    attributes: NDArray[np.uint8],
    skin: NDArray[np.bool_],
    relative: NDArray[np.float64],
    right: NDArray[np.bool_],
    near_middle: NDArray[np.bool_],
) -> None:
    """Write Face, Torso-skin, arms and legs into `attributes` where there is skin, component by component."""
    components, count = ndimage.label(skin)
    heights = np.broadcast_to(relative, skin.shape)
    mean = np.zeros(count + 1)
    if count:
        mean[1:] = ndimage.mean(heights, components, np.arange(1, count + 1))
    face = skin & (relative < FACE_END)
    chest = skin & (relative >= FACE_END) & (relative < CHEST_END) & near_middle
    legs = skin & ~face & ~chest & (relative > HIP) & (mean[components] > 0.5)
    arms = skin & ~face & ~chest & ~legs
    for region, label in (
        (face, "Face"), (chest, "Torso-skin"), (legs & right, "R-leg"), (legs & ~right, "L-leg"),
        (arms & right, "R-arm"), (arms & ~right, "L-arm"),
    ):  # fmt: skip
        attributes[region] = label_id("attribute", label)


def characteristic_maps(
    items: NDArray[np.uint8], attributes: NDArray[np.uint8], characteristics: list[Item]
) -> dict[str, NDArray[np.uint8]]:
    """Size, pattern and color ids (H, W); items without a line are ignored.

    A dress has one size, by its hem: it is the Skirt's; of the sleeves nothing is known.
    """
    lookup = {task: np.full(len(ITEMS) + 1, IGNORE, np.uint8) for task in CHARACTERISTICS}
    for task in CHARACTERISTICS:
        lookup[task][0] = 0
        for item in characteristics:
            if item.present and item.name in ITEMS:
                lookup[task][ITEMS.index(item.name) + 1] = item.ids[task]
    maps = {task: lookup[task][items] for task in CHARACTERISTICS}
    dress_top = (items == ITEMS.index("dress") + 1) & (attributes == ATTRIBUTES.index("UpperClothes") + 1)
    maps["size"][dress_top] = IGNORE
    return maps
