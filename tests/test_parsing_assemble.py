from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from parsing.assemble import (
    AssembleConfig,
    ImageOutput,
    assemble,
    claim_pixels,
    dress,
    enlarge,
    own_pixels,
    predict,
    without_specks,
)
from parsing.calibration import Calibration, TaskCalibration
from parsing.labels import CHARACTERIZED, LABELS, SIZES, TASKS, label_id, num_classes
from parsing.proportions import NUM_ANSWERS, NUM_FEATURES, Proportions
from tests.factories import palette

CONFIG = AssembleConfig()


def logits_of(label_map: torch.Tensor, classes: int) -> torch.Tensor:
    return torch.nn.functional.one_hot(label_map, classes).movedim(-1, 0).float() * 12 - 6


def output_of(
    masks: torch.Tensor, scores: torch.Tensor, labels: dict[str, torch.Tensor], *, height: int, width: int
) -> ImageOutput:
    semantic = {task: logits_of(labels[task], num_classes(task)) for task in TASKS}
    return ImageOutput(semantic, scores, masks * 20 - 10, torch.rand(5, 4, 4) + 0.1, height, width)


def blank_labels() -> dict[str, torch.Tensor]:
    return {task: torch.zeros(16, 16, dtype=torch.long) for task in TASKS}


def left_and_right() -> torch.Tensor:
    masks = torch.zeros(3, 16, 16)
    masks[0, 2:14, 1:6] = 1
    masks[1, 2:14, 9:14] = 1
    return masks


def coats(color_left: str, color_right: str) -> dict[str, torch.Tensor]:
    labels = blank_labels()
    labels["attribute"][2:10] = label_id("attribute", "Coat")
    labels["color"][:, :8] = label_id("color", color_left)
    labels["color"][:, 8:] = label_id("color", color_right)
    labels["size"][:] = label_id("size", "Long/large")
    labels["pattern"][:] = label_id("pattern", "Solid")
    return labels


def test_each_person_gets_the_color_inside_its_own_mask() -> None:
    output = output_of(left_and_right(), torch.tensor([0.9, 0.8, 0.1]), coats("Red", "Blue"), height=64, width=64)
    parsed = assemble(output, Path("a.jpg"), CONFIG, Calibration.from_dict({}))
    assert [person.score for person in parsed.people] == pytest.approx([0.9, 0.8])
    for person, color in zip(parsed.people, ("Red", "Blue"), strict=True):
        (coat,) = person.attributes
        assert coat.attribute == "Coat"
        assert LABELS["color"][int(np.argmax(coat.probabilities["color"]))] == color
        assert sum(coat.probabilities["color"]) == pytest.approx(1, abs=1e-5)
        assert coat.area == coat.mask.decode().sum()
        assert not (coat.mask.decode() & ~person.mask.decode()).any()
        assert np.linalg.norm(person.appearance) == pytest.approx(1, abs=1e-5)


def test_whoever_is_background_to_the_network_wears_what_is_likeliest_and_others_are_left_alone() -> None:
    output = output_of(left_and_right(), torch.tensor([0.9, 0.8, 0.1]), coats("Red", "Blue"), height=64, width=64)
    background = output.semantic["attribute"][0]
    background[:, 8:] += 20  # it leads on the right person, most on the right half
    background[:, 12:] += 5
    before, after = (
        assemble(output, Path("a.jpg"), replace(CONFIG, dressed=share), Calibration.from_dict({})).people
        for share in (0.0, 0.4)
    )
    assert [len(person.attributes) for person in before] == [1, 0]
    assert after[0].attributes[0].mask == before[0].attributes[0].mask
    (coat,) = after[1].attributes
    mask = coat.mask.decode()
    assert 0.2 < mask.sum() / after[1].mask.decode().sum() < 0.45  # less than the cells' share: enlarging blurs them
    assert not mask[:, 52:].any()
    assert LABELS["color"][int(np.argmax(coat.probabilities["color"]))] == "Blue"


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_background_gives_way_on_people_alone_and_no_more_than_is_needed(share: float) -> None:
    output = output_of(left_and_right(), torch.tensor([0.9, 0.8, 0.1]), blank_labels(), height=64, width=64)
    said = output.semantic["attribute"]
    said[:] = torch.randn(said.shape, generator=torch.Generator().manual_seed(1))
    said[0] += 9
    people = claim_pixels(output, CONFIG)
    owner = own_pixels(output, people, 16, 16)
    seen = dress(output, people, share).semantic["attribute"]
    assert torch.equal(seen[:, owner == 0], said[:, owner == 0])
    assert torch.equal(seen[1:], said[1:])
    for number in (1, 2):
        cells = (seen.argmax(0) > 0)[owner == number]
        assert cells.sum() == np.ceil(share * len(cells))


def test_the_people_of_a_picture_without_any_are_dressed_in_nothing() -> None:
    output = output_of(left_and_right(), torch.zeros(3), blank_labels(), height=64, width=64)
    nobody = claim_pixels(output, CONFIG)
    assert torch.equal(dress(output, nobody, 0.8).semantic["attribute"], output.semantic["attribute"])


@pytest.mark.parametrize(("height", "width"), [(64, 64), (61, 47), (640, 480), (3000, 2000)])
def test_boxes_and_masks_are_in_pixels_of_the_original_image(height: int, width: int) -> None:
    output = output_of(
        left_and_right(), torch.tensor([0.9, 0.8, 0.1]), coats("Red", "Blue"), height=height, width=width
    )
    parsed = assemble(output, Path("a.jpg"), CONFIG, Calibration.from_dict({}))
    person = parsed.people[0]
    mask = person.mask.decode()
    assert mask.shape == (height, width)
    x0, y0, x1, y1 = person.box_xyxy
    expected = (1 / 16 * width, 2 / 16 * height, 6 / 16 * width, 14 / 16 * height)
    tolerance = max(height, width) / 16 / 2
    assert (x0, y0, x1, y1) == pytest.approx(expected, abs=tolerance)
    assert mask[int(y0), :].any()
    assert not mask[: int(y0)].any()


def test_of_two_queries_on_one_person_one_record_remains() -> None:
    masks = left_and_right()
    masks[2] = masks[0]
    masks[2, 2, 1:6] = 0
    assert claim_pixels(
        output_of(masks, torch.tensor([0.9, 0.8, 0.7]), blank_labels(), height=64, width=64), CONFIG
    ).tolist() == [0, 1]


def test_nobody_gives_no_people() -> None:
    output = output_of(left_and_right(), torch.tensor([0.1, 0.2, 0.1]), coats("Red", "Blue"), height=50, width=70)
    parsed = assemble(output, Path("a.jpg"), CONFIG, Calibration.from_dict({}))
    assert parsed.people == ()
    assert (parsed.height, parsed.width) == (50, 70)
    assert predict(output, CONFIG).human.max() == 0


def test_no_pixel_belongs_to_two_people() -> None:
    masks = left_and_right()
    masks[1, 2:14, 4:14] = 1  # overlaps the first
    output = output_of(masks, torch.tensor([0.9, 0.8, 0.1]), coats("Red", "Blue"), height=64, width=64)
    people = assemble(output, Path("a.jpg"), CONFIG, Calibration.from_dict({})).people
    assert len(people) == 2
    assert np.sum([person.mask.decode() for person in people], axis=0).max() == 1


def test_prediction_names_the_winner_of_every_pixel() -> None:
    output = output_of(left_and_right(), torch.tensor([0.9, 0.8, 0.1]), coats("Red", "Blue"), height=64, width=64)
    prediction = predict(output, CONFIG)
    assert prediction.labels["color"][30, 10] == label_id("color", "Red")
    assert prediction.labels["attribute"][60, 10] == 0
    assert prediction.probabilities["color"][30, 10] > 0.99
    assert set(np.unique(prediction.human)) == {0, 1, 2}


def test_specks_of_an_attribute_are_background_but_not_what_is_small_and_worn() -> None:
    human = torch.zeros(100, 100, dtype=torch.long)
    human[:, :50], human[:20, 60:80] = 1, 2
    coat, hat, glasses = (label_id("attribute", name) for name in ("Coat", "Hat", "Glasses"))
    attribute = (human > 0).long() * coat
    attribute[:2, :2], attribute[:4, 10:14], attribute[:2, 60:62], attribute[90, 90] = hat, glasses, hat, hat
    kept = without_specks(attribute, human, 0.002)
    expected = attribute.clone()
    expected[:2, :2] = 0  # 4 of the first person's 5,000 pixels; the second has 400, of whom nobody tells only one
    assert torch.equal(kept, expected)


def test_a_person_without_hat_pixels_still_has_its_hat_probability() -> None:
    output = output_of(left_and_right(), torch.tensor([0.9, 0.8, 0.1]), coats("Red", "Blue"), height=64, width=64)
    person = assemble(output, Path("a.jpg"), CONFIG, Calibration.from_dict({})).people[0]
    assert person.presence["Hat"] < 0.1 < 0.9 < person.presence["Coat"]


def test_garments_get_the_palette_of_their_own_pixels() -> None:
    output = output_of(left_and_right(), torch.tensor([0.9, 0.8, 0.1]), coats("Red", "Blue"), height=64, width=64)
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[:, :32], pixels[:, 32:] = (160, 48, 32), (40, 60, 160)
    people = assemble(output, Path("a.jpg"), CONFIG, Calibration.from_dict({}), pixels).people
    coats_worn = [record for person in people for record in person.attributes if record.attribute == "Coat"]
    left_first = sorted(coats_worn, key=lambda record: int(np.nonzero(record.mask.decode())[1].min()))
    assert [record.palette for record in left_first] == [palette(pixels[:1, :1, :][0]), palette(pixels[:1, -1:, :][0])]


@pytest.mark.parametrize(("height", "width"), [(64, 64), (61, 47), (130, 200), (9, 7)])
def test_owner_of_every_pixel_is_the_highest_enlarged_mask(height: int, width: int) -> None:
    generator = torch.Generator().manual_seed(height)
    coarse = torch.randn(1, 6, 5, 5, generator=generator) * 4 - 2
    masks = torch.nn.functional.interpolate(coarse, (16, 16), mode="bilinear")[0]
    output = output_of(masks, torch.full((6,), 0.9), blank_labels(), height=height, width=width)
    best, owner = enlarge(output.mask_logits, height, width).max(0)
    expected = torch.where(best > 0, owner + 1, 0)
    sure = best.abs() > 1e-4
    torch.testing.assert_close(own_pixels(output, torch.arange(6), height, width)[sure], expected[sure])


def test_cells_that_are_hardly_of_a_garment_say_little_of_its_color() -> None:
    labels = coats("Red", "Red")
    labels["color"][2:6] = label_id("color", "Blue")  # the upper half of the coat
    output = output_of(left_and_right(), torch.tensor([0.9, 0.1, 0.1]), labels, height=64, width=64)
    output.semantic["attribute"][:, 2:6] /= 4  # which is less surely a coat
    (coat,) = assemble(output, Path("a.jpg"), CONFIG, Calibration.from_dict({})).people[0].attributes
    color = dict(zip(LABELS["color"], coat.probabilities["color"], strict=True))
    assert color["Blue"] + color["Red"] == pytest.approx(1, abs=1e-3)
    assert 0.25 < color["Blue"] < 0.45


def test_the_proportions_of_each_person_change_the_sizes_of_their_own_garments_alone() -> None:
    masks = left_and_right()
    masks[1, :, 12:] = 0
    output = output_of(masks, torch.tensor([0.9, 0.8, 0.1]), coats("Red", "Blue"), height=64, width=64)
    wide = 5 / 12  # widths of the two people, in their heights: 5 / 12 and 3 / 12
    hidden, answers = np.zeros((NUM_FEATURES + 1, 1)), np.zeros((2, NUM_ANSWERS))
    hidden[1, 0], hidden[-1, 0] = 100.0, -100 * (wide - 0.1)  # only of the wider person above 0
    answers[0, CHARACTERIZED.index("Coat") * len(SIZES) + SIZES.index("Undetermined")] = 10.0
    plain = Calibration({"size": TaskCalibration(1.0, np.zeros(len(SIZES)))})
    judged = Calibration(
        {"size": TaskCalibration(1.0, np.zeros(len(SIZES)), hint_weight=1.0)},
        proportions=Proportions(np.zeros((NUM_FEATURES, 1)), hidden, answers),
    )
    before, after = (assemble(output, Path("a.jpg"), CONFIG, each).people for each in (plain, judged))
    (first, second), (wider, narrower) = ([person.attributes[0] for person in people] for people in (before, after))
    assert np.argmax(first.probabilities["size"]) == SIZES.index("Long/large")
    assert np.argmax(wider.probabilities["size"]) == SIZES.index("Undetermined")
    np.testing.assert_allclose(narrower.probabilities["size"], second.probabilities["size"])
    for task in ("pattern", "color"):
        assert first.probabilities[task] == wider.probabilities[task]
