import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from parsing.labels import IGNORE
from parsing.records import RunLengthMask
from tests.factories import two_people_sample
from training.canvas import Layer
from training.ccp import CCPDataset, split_of
from training.dataset import in_company, person_targets
from training.passers_by import PassersBy, everyone, read_passers_by
from training.passers_by_found import compare, figures
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


def test_a_box_whose_edge_somebody_hides_is_not_known() -> None:
    sample, _ = street()
    labelled = everyone(sample, {"0001": PassersBy(64, 64, boxes=[(16, 8, 60, 56)])})  # the main person reaches to 24
    assert labelled.human[32, 50] == IGNORE
    assert not labelled.boxed


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
        assert all(0 <= x0 < x1 <= entry.width and 0 <= y0 < y1 <= entry.height for x0, y0, x1, y1 in entry.all_boxes())
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


def test_the_table_fits_the_published_photographs() -> None:
    root = os.environ.get("CCP_ROOT")
    if not root:
        pytest.skip("CCP_ROOT is not set: a CCP folder")
    table, ccp = read_passers_by(), CCPDataset(Path(root))
    people = 0
    for number in ccp.numbers("train")[:60]:
        labelled = everyone(ccp.sample(number), table)
        assert labelled.everyone or number not in table
        people += int(labelled.everyone) and len(np.setdiff1d(labelled.human, (0, 1, IGNORE)))
    assert people > 5


def test_a_line_of_the_table_is_what_the_reader_takes(tmp_path: Path) -> None:
    table = tmp_path / "table.jsonl"
    table.write_text(json.dumps({"photo": "0007", "height": 8, "width": 6, "boxes": [[0, 0, 2, 2]]}) + "\n")
    assert read_passers_by(table)["0007"].boxes == [[0, 0, 2, 2]]
