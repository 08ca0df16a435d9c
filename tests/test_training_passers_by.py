import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from parsing.boxes import Box
from parsing.labels import IGNORE, LABELS, label_id
from parsing.records import CharacterizedAttribute, Person, RunLengthMask
from tests.factories import two_people_sample
from training.canvas import Layer
from training.ccp import CCPDataset, Item, split_of
from training.composite import cut_boxes
from training.dataset import in_company, person_targets
from training.item_accuracy import ITEM_ATTRIBUTES
from training.losses import center_loss, layer_loss
from training.matcher import MatchWeights
from training.passers_by import FIRST, PassersBy, everyone, read_passers_by, read_passers_by_items
from training.passers_by_found import Sighting, compare, figures, item_figures, items_seen
from training.samples import SPLITS, Sample


def street() -> tuple[Sample, PassersBy]:
    """A photograph of which the left person alone is annotated, and the right one as our labels say it."""
    sample = two_people_sample()
    right = sample.human == 2
    human = np.where(right, 0, sample.human).astype(np.uint8)
    mask = RunLengthMask.encode(right | (sample.human == 1)).counts  # it spills over the main person
    return replace(sample, name="0001", human=human, everyone=False), PassersBy(64, 64, [mask], unknown=[(0, 0, 64, 4)])


def test_a_passer_by_becomes_a_person_and_the_main_person_keeps_every_pixel() -> None:
    sample, others = street()
    labelled = everyone(sample, {"0001": others})
    truth = two_people_sample().human
    np.testing.assert_array_equal(labelled.human[4:], truth[4:])
    assert labelled.everyone


def test_clothes_of_passers_by_and_places_of_unknown_people_are_ignored() -> None:
    sample, others = street()
    labelled = everyone(sample, {"0001": others})
    assert (labelled.human[:4] == IGNORE).all()
    for task, labels in labelled.tasks.items():
        assert (labels[(labelled.human > 1)] == IGNORE).all()
        np.testing.assert_array_equal(labels[labelled.human == 1], sample.tasks[task][labelled.human == 1])
    np.testing.assert_array_equal(Layer.of(labelled).maps["unsure"] > 0, labelled.human == IGNORE)


def test_a_photograph_that_nobody_looked_through_stays_unsure() -> None:
    sample, others = street()
    assert everyone(sample, {}) is sample
    assert everyone(sample, {"0001": replace(others, height=80)}) is sample


def test_of_a_passer_by_with_a_box_alone_the_outline_is_not_learnt() -> None:
    sample, _ = street()
    box = (36, 8, 60, 56)
    labelled = everyone(sample, {"0001": PassersBy(64, 64, boxes=[box])})
    maps = Layer.of(labelled).maps
    targets = person_targets(maps["human"], maps["unsure"])
    assert targets.boxes_cxcywh[1].tolist() == pytest.approx([48 / 64, 32 / 64, 24 / 64, 48 / 64])
    assert targets.masks.sum((1, 2)).tolist() == [12 * 4, 0]
    assert not targets.known[2:14, 9:15].any()  # nothing is said of the pixels inside
    assert not targets.unsure.any()  # but it is one person, and no other


def test_a_person_with_a_box_alone_changes_no_loss_of_masks() -> None:
    sample, _ = street()
    labelled = everyone(sample, {"0001": PassersBy(64, 64, boxes=[(36, 8, 60, 56)])})
    maps = Layer.of(labelled).maps
    targets = person_targets(maps["human"], maps["unsure"])
    alone = replace(
        targets, boxes_cxcywh=targets.boxes_cxcywh[:1], masks=targets.masks[:1], outlined=targets.outlined[:1]
    )
    torch.manual_seed(0)
    classes, boxes, masks = torch.randn(1, 6, 2), torch.rand(1, 6, 4), torch.randn(1, 6, 16, 16)
    boxes[0, 0], boxes[0, 1] = targets.boxes_cxcywh[0], targets.boxes_cxcywh[1] * 0.98
    both, one = (layer_loss(classes, boxes, masks, [who], 6, MatchWeights()) for who in (targets, alone))
    assert (float(both["mask"]), float(both["dice"])) == pytest.approx((float(one["mask"]), float(one["dice"])))
    assert float(both["giou"]) != pytest.approx(float(one["giou"]))
    centers = torch.rand(1, 2, 16, 16)
    assert float(center_loss(centers, [targets])) == pytest.approx(float(center_loss(centers, [alone])))


@pytest.mark.parametrize(
    ("box", "whole"), [((36, 8, 60, 56), True), ((36, 8, 64, 56), False), ((12, 4, 60, 60), False)]
)
def test_a_box_that_an_edge_or_somebody_cuts_is_learnt_no_more(box: Box, whole: bool) -> None:
    sample, _ = street()
    maps = Layer.of(everyone(sample, {"0001": PassersBy(64, 64, boxes=[box])})).maps
    assert cut_boxes(maps["human"], maps["unsure"]) == ([] if whole else [2])


def test_what_a_teacher_was_not_sure_of_stays_ignored() -> None:
    sample, others = street()
    sample.human[60:] = IGNORE
    assert (everyone(sample, {"0001": others}).human[60:] == IGNORE).all()


def test_only_a_passer_by_of_some_height_makes_a_group() -> None:
    sample, others = street()
    assert in_company(everyone(sample, {"0001": others}))
    assert not in_company(sample)
    speck = np.zeros((64, 64), bool)
    speck[10:13, 50:53] = True
    assert not in_company(everyone(sample, {"0001": PassersBy(64, 64, [RunLengthMask.encode(speck).counts])}))


def test_the_table_holds_people_of_every_split() -> None:
    people = {split: 0 for split in SPLITS}
    for number, entry in read_passers_by().items():
        people[split_of(int(number))] += len(entry.all_boxes())
        boxes = [*entry.all_boxes(), *entry.unknown]
        assert all(0 <= x0 < x1 <= entry.width and 0 <= y0 < y1 <= entry.height for x0, y0, x1, y1 in boxes)
    assert people["train"] > 1500
    assert min(people.values()) > 100


def test_passers_by_are_found_by_their_boxes_and_the_main_person_is_none() -> None:
    others = PassersBy(200, 200, boxes=[(0, 0, 20, 100), (60, 10, 70, 40)], unknown=[(150, 0, 200, 60)])
    main, near, false, crowd = (80, 0, 140, 190), (1, 2, 21, 100), (20, 120, 40, 180), (160, 10, 180, 50)
    sighting = compare([main, near, false, crowd], others)
    assert (sighting.found, sighting.missed, sighting.false) == ([100], [30], [60])
    told = figures([sighting])
    assert (told["tall_recall"], told["small_recall"], told["small_false"]) == (1.0, 0.0, 1)


def test_one_passer_by_is_found_once() -> None:
    others = PassersBy(200, 200, boxes=[(0, 0, 20, 100)])
    sighting = compare([(0, 0, 20, 100), (0, 0, 19, 100), (80, 0, 140, 190)], others)
    assert (len(sighting.found), len(sighting.false)) == (1, 1)


def test_items_of_passers_by_are_right_found_and_missed() -> None:
    others = PassersBy(200, 200, boxes=[(0, 0, 20, 100), (60, 10, 90, 100)])
    colors = tuple(float(label == "Red") for label in LABELS["color"])
    every = {"color": colors, "size": (1.0, 0.0, 0.0, 0.0), "pattern": (1.0, 0.0, 0.0, 0.0)}
    red = CharacterizedAttribute("Coat", 0.9, 50, every, RunLengthMask(4, 4, "0"))
    person = Person((1.0, 2.0, 21.0, 100.0), 0.9, RunLengthMask(4, 4, "0"), (red,), {}, np.zeros(2, np.float32))
    ids = {"size": IGNORE, "pattern": IGNORE, "color": label_id("color", "Red")}
    coat, hat = (Item(name, True, ids) for name in ("coat", "hat"))
    given = [*items_seen([person], others, {2: [coat, hat], 3: [coat]}, "0001")]
    assert [(one.photo, one.item, one.right) for one in given] == [
        ("0001_2", "coat", True),
        ("0001_2", "hat", False),
        ("0001_3", "coat", False),
    ]
    assert item_figures([Sighting([], [], [], given)]) == {
        "color": {"items": 3, "found": pytest.approx(1 / 3), "top1": pytest.approx(1 / 3)}
    }


def test_items_are_those_of_people_in_the_table_and_of_every_split() -> None:
    known, items = read_passers_by(), read_passers_by_items()
    people = {split: 0 for split in SPLITS}
    for photo, worn in items.items():
        numbers = range(FIRST, FIRST + len(known[photo].all_boxes()))
        assert set(worn) <= set(numbers)
        assert all(item.name in ITEM_ATTRIBUTES for those in worn.values() for item in those)
        people[split_of(int(photo))] += len(worn)
    assert people["train"] > 1000
    assert min(people.values()) > 200


def test_the_table_fits_the_published_photographs() -> None:
    root = os.environ.get("CCP_ROOT")
    if not root:
        pytest.skip("CCP_ROOT is not set: a CCP folder")
    table, ccp = read_passers_by(), CCPDataset(Path(root))
    people = 0
    for number in ccp.numbers("train")[:60]:
        labelled = everyone(ccp.sample(number), table)
        assert labelled.everyone or number not in table
        if labelled.everyone:
            people += len(np.setdiff1d(labelled.human, (0, 1, IGNORE)))
    assert people > 5


def test_a_line_of_the_table_is_what_the_reader_takes(tmp_path: Path) -> None:
    table = tmp_path / "table.jsonl"
    table.write_text(json.dumps({"photo": "0007", "height": 8, "width": 6, "boxes": [[0, 0, 2, 2]]}) + "\n")
    assert read_passers_by(table)["0007"].boxes == [(0, 0, 2, 2)]
