"""COCO people folders: everybody's masks are there, or it is said which are not."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from parsing.labels import IGNORE
from tests.factories import two_people_sample
from training.coco_people import COCOPeopleDataset
from training.dataset import read_sources

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


@pytest.mark.parametrize(
    "index", ["{", "3", '{"images": []}', '[{"file": "000005.jpg"}]', '[{"file": "five.jpg", "persons": 1}]']
)
def test_an_index_of_another_form_is_named(root: Path, index: str) -> None:
    (root / "index.json").write_text(index)
    with pytest.raises(ValueError, match=r"index\.json must be a list of .*, but cannot be read as one .*; restore it"):
        COCOPeopleDataset(root)


def test_labels_of_nobody_are_named(root: Path) -> None:
    (root / "characteristics.txt").write_text("5_x hat long solid red\n")
    with pytest.raises(
        ValueError, match=r"characteristics\.txt names '5_x', expected photograph_person such as 1000_1"
    ):
        COCOPeopleDataset(root)


def test_training_wants_clothes_too(root: Path) -> None:
    with pytest.raises(
        ValueError, match=r"expected people with labelled clothes to train on, found none in .*; name a CCP"
    ):
        read_sources([root], None)
