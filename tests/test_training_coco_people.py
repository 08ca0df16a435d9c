"""COCO people folders: everybody's masks are there, or it is said which are not."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from parsing.labels import IGNORE
from tests.factories import two_people_sample
from training.coco_people import COCOPeopleDataset

SAMPLE = two_people_sample()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """One validation photograph of two people, one without people that trains."""
    for folder in ("images", "person_instances"):
        (tmp_path / folder).mkdir()
    for stem in ("000005", "000006"):
        Image.fromarray(SAMPLE.image).save(tmp_path / "images" / f"{stem}.jpg")
    Image.fromarray(SAMPLE.human).save(tmp_path / "person_instances" / "000005.png")
    index = [{"file": "000005.jpg", "persons": 2}, {"file": "000006.jpg", "persons": 0}]
    (tmp_path / "index.json").write_text(json.dumps(index))
    return tmp_path


def test_people_are_known_and_their_clothes_are_not(root: Path) -> None:
    (sample,) = COCOPeopleDataset(root).samples("validation")
    np.testing.assert_array_equal(sample.human, SAMPLE.human)
    np.testing.assert_array_equal(sample.tasks["color"], np.where(SAMPLE.human > 0, IGNORE, 0))


def test_a_scene_without_people_needs_no_annotation(root: Path) -> None:
    (scene,) = COCOPeopleDataset(root).scenes("train")
    assert not scene.human.any()


def test_people_without_annotation_are_not_taken_for_nobody(root: Path) -> None:
    (root / "person_instances" / "000005.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"no annotation at .*000005\.png; add it"):
        list(COCOPeopleDataset(root).samples("validation"))


def test_a_folder_of_another_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"is not a COCO people folder: expected index\.json"):
        COCOPeopleDataset(tmp_path)
