"""Pictures of what was seen: panels of people, attributes, size, pattern and color as the paper's Fig. 1.

Labels keep their colours in every picture; the color task is painted in the colours that it names.
"""

import colorsys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from parsing.labels import LABELS
from parsing.records import CharacterizedAttribute, ParsedImage, RunLengthMask

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Regions = NDArray[np.int32]  # (h, w) numbers of regions, 0 none
Rgb = tuple[int, int, int]

ATTRIBUTE_COLORS: Mapping[str, Rgb] = {
    "Hat": (228, 26, 28), "Hair": (122, 68, 34), "Glove": (255, 152, 51), "Glasses": (20, 20, 20),
    "UpperClothes": (31, 119, 200), "Mask": (0, 200, 200), "Coat": (20, 60, 135), "Socks": (240, 98, 175),
    "Pants": (46, 140, 70), "Torso-skin": (255, 226, 182), "Scarf": (250, 210, 40), "Skirt": (150, 70, 190),
    "Face": (245, 178, 128), "L-arm": (250, 150, 135), "R-arm": (205, 92, 80), "L-leg": (190, 215, 120),
    "R-leg": (135, 165, 65), "L-shoe": (135, 140, 158), "R-shoe": (74, 78, 94),
}  # fmt: skip
LABEL_COLORS: Mapping[str, Mapping[str, Rgb]] = {
    "attribute": ATTRIBUTE_COLORS,
    "size": {
        "Short/small": (253, 174, 60), "Long/large": (60, 110, 200),
        "Undetermined": (170, 170, 175), "Sparse/bald": (215, 60, 120),
    },
    "pattern": {
        "Solid": (85, 150, 215), "Geometrical": (245, 190, 40), "Fancy": (225, 75, 140), "Letters": (60, 165, 100),
    },
    "color": {
        "Dark": (35, 35, 38), "Medium": (128, 128, 132), "Light": (245, 245, 242), "Brown": (139, 90, 50),
        "Red": (214, 34, 40), "Pink": (250, 150, 190), "Yellow": (250, 215, 45), "Orange": (248, 135, 30),
        "Green": (50, 150, 65), "Blue": (40, 95, 205), "Purple": (125, 60, 165), "Multicolor": (255, 255, 255),
    },
}  # fmt: skip
MULTICOLOR_STRIPES: tuple[Rgb, ...] = ((214, 34, 40), (250, 215, 45), (50, 150, 65), (40, 95, 205), (125, 60, 165))

PANEL = 460  # longest side of a panel, pixels
MARGIN = 18
PAPER, INK = (250, 250, 248), (32, 33, 36)
MOST_PEOPLE_IN_LEGEND = 12


@dataclass(frozen=True)
class Panel:
    """One picture of the overlay: what it shows and what its colours mean.

    Args:
        picture: (h, w, 3) uint8.
        legend: (name, swatch (s, s, 3)) in order.
    """

    title: str
    picture: Pixels
    legend: Sequence[tuple[str, Pixels]]


def save_overlay(image: Pixels, parsed: ParsedImage, directory: Path) -> Path:
    """Write the overlay of an image as `<name>.png` into `directory`; where it was written."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{parsed.path.name}.png"
    overlay(image, parsed).save(path)
    return path


def overlay(image: Pixels, parsed: ParsedImage) -> Image.Image:
    """The photograph with panels of people, attributes, size, pattern and color, each with its legend.

    Args:
        image: (H, W, 3) uint8, the image that was parsed.
    """
    if image.shape[:2] != (parsed.height, parsed.width):
        raise ValueError(
            f"image must have the parsed size {parsed.width}x{parsed.height}, got {image.shape[1]}x{image.shape[0]}"
        )
    photograph = _shrunk(image)
    shape = photograph.shape[:2]
    people = region_map([person.mask for person in parsed.people], shape)
    seen = [attribute for person in parsed.people for attribute in person.attributes]
    regions = region_map([attribute.mask for attribute in seen], shape)
    return _sheet(
        [
            Panel(f"Photograph  {parsed.width} x {parsed.height}", photograph, []),
            people_panel(photograph, people, [person.score for person in parsed.people]),
            *(task_panel(photograph, regions, seen, task) for task in LABELS),
        ]
    )


def people_panel(photograph: Pixels, people: Regions, scores: Sequence[float]) -> Panel:
    """Each person in a colour of their own, numbered from the best score; the first of them in the legend."""
    textures = [_solid(color) for color in person_colors(len(scores))]
    picture = Image.fromarray(paint(photograph, people, textures))
    for number in range(1, len(scores) + 1):
        _write_inside(picture, people == number, str(number))
    legend = [
        (f"{number}  {score:.2f}", _swatch(texture))
        for number, (score, texture) in enumerate(zip(scores, textures, strict=True), start=1)
    ]
    if len(legend) > MOST_PEOPLE_IN_LEGEND:
        more = f"and {len(legend) - MOST_PEOPLE_IN_LEGEND} more"
        legend = [*legend[:MOST_PEOPLE_IN_LEGEND], (more, _swatch(_solid(PAPER)))]
    return Panel(f"People  {len(scores)}", np.asarray(picture), legend or [("nobody found", _swatch(_solid(PAPER)))])


def task_panel(photograph: Pixels, regions: Regions, seen: Sequence[CharacterizedAttribute], task: str) -> Panel:
    """The winning label of one task on every region; `regions` numbers what was `seen` from 1."""
    labels = [_winner(task, attribute) for attribute in seen]
    textures = [None if label is None else _texture(task, label) for label in labels]
    legend = [(label, _swatch(_texture(task, label))) for label in LABELS[task] if label in labels]
    return Panel(task.capitalize(), paint(photograph, regions, textures), legend)


def person_colors(count: int) -> list[Rgb]:
    """Colours for persons 1..count, neighbours far apart in hue."""
    colors = []
    for index in range(count):
        hue, lightness = (0.58 + index * 0.618034) % 1.0, (0.52, 0.42, 0.64)[index // 8 % 3]
        red, green, blue = colorsys.hls_to_rgb(hue, lightness, 0.75)
        colors.append((round(red * 255), round(green * 255), round(blue * 255)))
    return colors


def region_map(masks: Sequence[RunLengthMask], shape: tuple[int, ...]) -> Regions:
    """(h, w) number of the mask that covers each pixel, counted from 1, the last one where several do; 0 for none.

    Args:
        shape: h, w to which the masks are brought, by nearest neighbour.
    """
    regions = np.zeros(shape, np.int32)
    for number, mask in enumerate(masks, start=1):
        rows = (np.arange(shape[0]) * mask.height) // shape[0]
        columns = (np.arange(shape[1]) * mask.width) // shape[1]
        regions[mask.decode()[rows[:, None], columns]] = number
    return regions


def paint(photograph: Pixels, regions: Regions, textures: Sequence[Pixels | None]) -> Pixels:
    """The photograph paled, with regions filled and rimmed in white.

    Args:
        photograph: (h, w, 3) uint8.
        regions: (h, w) numbers as `region_map` gives them.
        textures: the (s, s, 3) uint8 tile of each region from 1; None leaves it unpainted.
    """
    gray = photograph.mean(axis=2, keepdims=True)
    canvas = np.repeat(gray * 0.35 + 155, 3, axis=2)  # (h, w, 3)
    shading = 0.89 + 0.22 * gray / 255
    painted = np.array([False, *(texture is not None for texture in textures)])[regions]
    for number, texture in enumerate(textures, start=1):
        if texture is not None:
            rows, columns = np.nonzero(regions == number)
            canvas[rows, columns] = _texels(texture, rows, columns) * shading[rows, columns]
    canvas[painted & _borders(regions)] = (255, 255, 255)
    pixels: Pixels = np.clip(canvas, 0, 255).astype(np.uint8)
    return pixels


def _borders(regions: Regions) -> Mask:
    """Pixels whose right or lower, left or upper neighbour belongs to another region."""
    borders = np.zeros(regions.shape, bool)
    across, down = regions[:, 1:] != regions[:, :-1], regions[1:] != regions[:-1]
    borders[:, 1:] |= across & (regions[:, 1:] > 0)
    borders[:, :-1] |= across & (regions[:, 1:] == 0)
    borders[1:] |= down & (regions[1:] > 0)
    borders[:-1] |= down & (regions[1:] == 0)
    return borders


def _winner(task: str, seen: CharacterizedAttribute) -> str | None:
    """The label of `task` that a region is painted in."""
    if task == "attribute":
        return seen.attribute
    won = seen.winner(task)
    return won and won[0]


def _texture(task: str, label: str) -> Pixels:
    """The (s, s, 3) tile that stands for a label."""
    if label == "Multicolor":
        x, y = np.meshgrid(np.arange(30), np.arange(30))
        stripes: Pixels = np.array(MULTICOLOR_STRIPES, np.uint8)[(x + y) // 6 % len(MULTICOLOR_STRIPES)]
        return stripes
    return _solid(LABEL_COLORS[task][label])


def _solid(color: Rgb) -> Pixels:
    return np.array([[color]], np.uint8)


def _texels(texture: Pixels, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Pixels:
    """Colours of the tiled texture at some pixels."""
    texels: Pixels = texture[rows % len(texture), columns % texture.shape[1]]
    return texels


def _swatch(texture: Pixels) -> Pixels:
    rows, columns = np.indices((16, 16))
    swatch = _texels(texture, rows, columns).copy()
    swatch[[0, -1], :] = swatch[:, [0, -1]] = (150, 150, 150)
    return swatch


def _shrunk(image: Pixels) -> Pixels:
    """The image at panel size; a small image stays as it is."""
    picture = Image.fromarray(image)
    picture.thumbnail((PANEL, PANEL), Image.Resampling.LANCZOS)
    return np.asarray(picture)


def _font(height: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=height)


def _write_inside(picture: Image.Image, region: Mask, text: str) -> None:
    """Write at the innermost place of a region, if it has any pixel."""
    if region.any():
        depth = ndimage.distance_transform_cdt(np.pad(region, 1))[1:-1, 1:-1]
        y, x = np.unravel_index(int(depth.argmax()), region.shape)
        draw = ImageDraw.Draw(picture)
        draw.text((int(x), int(y)), text, fill="white", font=_font(15), anchor="mm", stroke_width=2, stroke_fill=INK)


def _sheet(panels: Sequence[Panel]) -> Image.Image:
    """Panels in rows of three, each row as high as its longest legend needs."""
    width = max(max(panel.picture.shape[1] for panel in panels), 220)
    tiles = [_tile(panel, width) for panel in panels]
    rows = [tiles[start : start + 3] for start in range(0, len(tiles), 3)]
    heights = [max(tile.height for tile in row) for row in rows]
    size = (3 * width + 4 * MARGIN, sum(heights) + MARGIN * (len(rows) + 1))
    sheet = Image.new("RGB", size, PAPER)
    top = MARGIN
    for row, height in zip(rows, heights, strict=True):
        for column, tile in enumerate(row):
            sheet.paste(tile, (MARGIN + column * (width + MARGIN), top))
        top += height + MARGIN
    return sheet


def _tile(panel: Panel, width: int) -> Image.Image:
    """Title, picture and legend, one below the other."""
    legend = _legend(panel.legend, width)
    picture = Image.fromarray(panel.picture)
    tile = Image.new("RGB", (width, 26 + picture.height + legend.height), PAPER)
    ImageDraw.Draw(tile).text((0, 2), panel.title, fill=INK, font=_font(16))
    tile.paste(picture, (0, 26))
    tile.paste(legend, (0, 26 + picture.height))
    return tile


def _legend(entries: Sequence[tuple[str, Pixels]], width: int) -> Image.Image:
    """Swatches with names, flowing over as many lines as they need."""
    font, line_height = _font(13), 24
    places: list[tuple[int, int]] = []
    x, y = 0, 8
    for name, _ in entries:
        needed = 16 + 6 + int(font.getlength(name)) + 14
        if x and x + needed > width:
            x, y = 0, y + line_height
        places.append((x, y))
        x += needed
    picture = Image.new("RGB", (width, y + line_height if entries else 1), PAPER)
    draw = ImageDraw.Draw(picture)
    for (name, swatch), (x, y) in zip(entries, places, strict=True):
        picture.paste(Image.fromarray(swatch), (x, y))
        draw.text((x + 22, y), name, fill=INK, font=font)
    return picture
