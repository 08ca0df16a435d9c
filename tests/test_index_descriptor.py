"""Tests of the descriptor: what a person's log-probabilities say, and where they stand."""

import numpy as np
import pytest

from index.descriptor import CHARACTERIZED_GROUPS, DIMENSIONS, FLOOR, column, encode, slot
from parsing.labels import ATTRIBUTE_GROUPS, CHARACTERISTICS, LABELS
from parsing.records import CharacterizedAttribute, Person, RunLengthMask

HEIGHT, WIDTH = 100, 50
BLANK = RunLengthMask.encode(np.zeros((HEIGHT, WIDTH), bool))


def item(attribute: str, *, score: float = 0.9, area: int = 100, **labels: str | dict[str, float]) -> object:
    """A record whose `size`, `pattern`, `color` are surely one label, or spread as a dict says."""
    spread = {task: value if isinstance(value, dict) else {value: 1.0} for task, value in labels.items()}
    probabilities = {task: tuple(spread[task].get(label, 0.0) for label in LABELS[task]) for task in spread}
    return CharacterizedAttribute(attribute, score, area, probabilities, BLANK)


def person(*items: object, bottom: float = 80, presence: dict[str, float] | None = None) -> Person:
    return Person((5, 5, 45, bottom), 0.9, BLANK, tuple(items), presence or {})  # type: ignore[arg-type]


def probability(someone: Person, group: str, task: str, label: str) -> float:
    return float(np.exp(encode(someone)[column(group, task, label)]))


def test_every_dimension_belongs_to_one_label() -> None:
    columns = [column(group, "attribute", label) for group in ATTRIBUTE_GROUPS for label in ("seen", "absent")]
    columns += [
        column(g, task, label) for g in CHARACTERIZED_GROUPS for task in CHARACTERISTICS for label in LABELS[task]
    ]
    assert sorted(columns) == list(range(DIMENSIONS))


def test_slots_follow_each_other_without_gaps() -> None:
    slots = [slot(group) for group in ATTRIBUTE_GROUPS]
    assert [part.start for part in slots] == [0, *(part.stop for part in slots[:-1])]
    assert slots[-1].stop == DIMENSIONS


@pytest.mark.parametrize(
    "key", [("Coat", "color", "Mauve"), ("Face", "color", "Red"), ("L-shoe", "attribute", "seen"), ("Hat", "size", "")]
)
def test_unknown_dimension_is_refused(key: tuple[str, str, str]) -> None:
    with pytest.raises(ValueError, match="the descriptor has no"):
        column(*key)


def test_vector_is_finite_float32_between_the_floor_and_zero() -> None:
    vector = encode(person())
    assert (vector.shape, vector.dtype) == ((DIMENSIONS,), np.float32)
    assert vector.min() >= np.float32(np.log(FLOOR))
    assert vector.max() <= 0


def test_probabilities_are_written_as_given() -> None:
    someone = person(item("Coat", color={"Red": 0.7, "Pink": 0.3}, size="Long/large", pattern="Solid"))
    assert probability(someone, "Coat", "color", "Red") == pytest.approx(0.7)
    assert probability(someone, "Coat", "color", "Pink") == pytest.approx(0.3)
    assert probability(someone, "Coat", "color", "Blue") == pytest.approx(FLOOR)
    assert probability(someone, "Coat", "size", "Long/large") == pytest.approx(1)


def test_hat_is_absent_on_a_bare_head_and_unknown_without_a_head() -> None:
    hatless, headless, hatted = person(item("Face")), person(item("Coat")), person(item("Hat"), item("Face"))
    absent = [probability(someone, "Hat", "attribute", "absent") for someone in (hatless, headless, hatted)]
    seen = [probability(someone, "Hat", "attribute", "seen") for someone in (hatted, headless, hatless)]
    assert absent == sorted(absent, reverse=True)
    assert seen == sorted(seen, reverse=True)
    assert absent[0] > 0.8 > 0.3 > absent[1] > 1.5 * absent[2]


def test_glasses_are_unknown_from_behind() -> None:
    behind, before = person(item("Hair")), person(item("Hair"), item("Face"))
    assert probability(behind, "Glasses", "attribute", "absent") < 0.3
    assert probability(before, "Glasses", "attribute", "absent") > 0.8


def test_shoes_are_absent_only_where_the_feet_are_in_the_picture() -> None:
    legs = item("Pants")
    assert probability(person(legs, bottom=80), "Shoes", "attribute", "absent") > 0.8
    assert probability(person(legs, bottom=HEIGHT), "Shoes", "attribute", "absent") < 0.3
    assert probability(person(item("Coat"), bottom=80), "Shoes", "attribute", "absent") < 0.3


def test_a_coat_hides_the_clothes_under_it() -> None:
    bare, coated = person(item("Torso-skin")), person(item("Torso-skin"), item("Coat"))
    assert probability(bare, "UpperClothes", "attribute", "absent") > 0.8
    assert probability(coated, "UpperClothes", "attribute", "absent") < 0.3


def test_undetermined_size_speaks_neither_for_nor_against_any_size() -> None:
    someone = person(item("Coat", size={"Undetermined": 0.8, "Long/large": 0.2}))
    assert probability(someone, "Coat", "size", "Long/large") == pytest.approx(0.6)
    assert probability(someone, "Coat", "size", "Short/small") == pytest.approx(0.4)


def test_sparse_hair_is_unlikely_but_possible_where_its_size_is_unknown() -> None:
    someone = person(item("Hair", size="Undetermined"))
    sizes = [probability(someone, "Hair", "size", name) for name in ("Short/small", "Long/large", "Sparse/bald")]
    assert sizes == pytest.approx([0.45, 0.45, 0.1])


def test_left_and_right_are_joined_by_their_area() -> None:
    someone = person(item("L-shoe", area=300, color="Red"), item("R-shoe", area=100, color="Blue", score=0.5))
    assert probability(someone, "Shoes", "color", "Red") == pytest.approx(0.75)
    assert probability(someone, "Shoes", "color", "Blue") == pytest.approx(0.25)
    assert probability(someone, "Shoes", "attribute", "seen") == pytest.approx(0.9, abs=0.01)


def test_calibrated_presence_is_preferred_to_the_score() -> None:
    someone = person(item("Hat", score=0.9), presence={"Hat": 0.3, "Face": 0.95})
    assert probability(someone, "Hat", "attribute", "seen") == pytest.approx(0.3, abs=0.01)


def test_presence_without_pixels_knows_no_color() -> None:
    someone = person(presence={"Scarf": 0.4, "Face": 0.9})
    assert probability(someone, "Scarf", "attribute", "seen") == pytest.approx(0.4, abs=0.02)
    assert probability(someone, "Scarf", "color", "Red") == pytest.approx(1 / 12)


def test_a_skirt_lends_its_color_to_the_pants_that_it_may_be() -> None:
    skirt = item("Skirt", color="Red", size="Short/small", pattern="Solid")
    pants = item("Pants", color="Blue", size="Long/large", pattern="Solid")
    assert probability(person(skirt), "Pants", "color", "Red") == pytest.approx(1)
    assert probability(person(skirt), "Pants", "size", "Short/small") == pytest.approx(0.5)
    assert probability(person(skirt, pants), "Pants", "color", "Blue") == pytest.approx(1 / 1.3, rel=1e-3)
    assert probability(person(skirt, pants), "Pants", "size", "Long/large") == pytest.approx(1)
