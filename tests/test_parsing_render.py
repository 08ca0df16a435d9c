"""Pictures of what was seen."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from parsing.labels import LABELS
from parsing.records import CharacterizedAttribute, ParsedImage, Person, RunLengthMask
from parsing.render import (
    LABEL_COLORS,
    overlay,
    paint,
    person_colors,
    region_map,
    save_overlay,
    task_panel,
)

HEIGHT, WIDTH = 60, 80


def one_hot(task: str, label: str) -> tuple[float, ...]:
    return tuple(float(name == label) for name in LABELS[task])


def rectangle(left: int, right: int) -> RunLengthMask:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[10:50, left:right] = True
    return RunLengthMask.encode(mask)


def coat(mask: RunLengthMask, color: str) -> CharacterizedAttribute:
    probabilities = {"size": one_hot("size", "Long/large"), "pattern": one_hot("pattern", "Solid")}
    return CharacterizedAttribute("Coat", 0.9, 100, {**probabilities, "color": one_hot("color", color)}, mask)


def person(left: int = 5, right: int = 30, color: str = "Red") -> Person:
    mask = rectangle(left, right)
    return Person((left, 10, right, 50), 0.9, mask, (coat(mask, color),))


def parsed(*people: Person) -> ParsedImage:
    return ParsedImage(Path("street.jpg"), HEIGHT, WIDTH, people)


def gray() -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 3), 120, np.uint8)


@pytest.mark.parametrize("count", [0, 1, 40])
def test_an_overlay_has_six_panels_for_any_number_of_people(count: int) -> None:
    people = [person(index, index + 3) for index in range(count)]
    sheet = overlay(gray(), parsed(*people))
    assert sheet.mode == "RGB"
    assert sheet.width > 3 * WIDTH
    assert sheet.height > 2 * HEIGHT


def test_an_overlay_is_saved_under_the_image_s_name(tmp_path: Path) -> None:
    path = save_overlay(gray(), parsed(person()), tmp_path / "pictures")
    assert path == tmp_path / "pictures" / "street.jpg.png"
    with Image.open(path) as picture:
        assert picture.format == "PNG"


def test_an_image_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="must have the parsed size 80x60, got 80x59"):
        overlay(gray()[:-1], parsed())


def test_the_color_panel_is_painted_in_the_color_named() -> None:
    seen = [coat(rectangle(5, 30), "Green")]
    regions = region_map([seen[0].mask], (HEIGHT, WIDTH))
    panel = task_panel(gray(), regions, seen, "color")
    painted = panel.picture[30, 15].astype(int)
    assert np.abs(painted - LABEL_COLORS["color"]["Green"]).max() < 25
    assert [name for name, _ in panel.legend] == ["Green"]


def test_skin_has_no_color() -> None:
    face = CharacterizedAttribute("Face", 0.9, 100, {}, rectangle(5, 30))
    regions = region_map([face.mask], (HEIGHT, WIDTH))
    panel = task_panel(gray(), regions, [face], "color")
    assert panel.legend == []
    assert len(np.unique(panel.picture.reshape(-1, 3), axis=0)) == 1


def test_every_label_has_a_colour_of_its_own() -> None:
    for task, labels in LABELS.items():
        assert set(LABEL_COLORS[task]) == set(labels)
        assert len(set(LABEL_COLORS[task].values())) == len(labels)


def test_forty_people_have_forty_colours() -> None:
    assert len(set(person_colors(40))) == 40


def test_regions_are_rimmed_in_white() -> None:
    regions = region_map([rectangle(5, 30)], (HEIGHT, WIDTH))
    picture = paint(gray(), regions, [np.array([[[10, 20, 200]]], np.uint8)])
    assert tuple(picture[10, 15]) == (255, 255, 255)
    assert tuple(picture[30, 15]) != (255, 255, 255)
