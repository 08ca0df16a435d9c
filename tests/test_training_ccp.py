"""CCP folders that are damaged are refused in one sentence; others are read by rule."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from parsing.labels import IGNORE, label_id
from tests.factories import CCP_TAGS, photograph, write_ccp
from training.ccp import CCPDataset


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_ccp(tmp_path, "0010")


def annotate(root: Path, tags: np.ndarray) -> None:
    savemat(root / "annotations" / "pixel-level" / "0010.mat", {"groundtruth": tags})


def test_a_photograph_is_read_by_rule(root: Path) -> None:
    (sample,) = CCPDataset(root).samples("validation")
    hair, coat, bag = (15, 25), (30, 25), (50, 42)
    assert sample.tasks["attribute"][hair] == label_id("attribute", "Hair")
    assert sample.tasks["color"][hair] == IGNORE
    assert sample.tasks["color"][coat] == label_id("color", "Red")
    assert (sample.human[bag], sample.tasks["attribute"][bag]) == (1, 0)
    assert not sample.everyone


def test_an_annotation_of_another_size_is_refused(root: Path) -> None:
    annotate(root, np.ones((90, 64), np.uint8))
    with pytest.raises(ValueError, match=r"the human annotation of .*0010\.jpg is 64x90 pixels, expected 64x96"):
        CCPDataset(root).sample("0010")


def test_a_tag_without_a_name_is_refused(root: Path) -> None:
    annotate(root, np.full((96, 64), len(CCP_TAGS), np.uint8))
    with pytest.raises(
        ValueError, match=r"0010\.mat holds tag 6, expected at most 5, the last that label_list\.mat names"
    ):
        CCPDataset(root).sample("0010")


@pytest.mark.parametrize("damage", [b"", b"no matrix", b"MATLAB 5.0 MAT-file" + bytes(300)])
def test_a_damaged_annotation_is_refused(root: Path, damage: bytes) -> None:
    (root / "annotations" / "pixel-level" / "0010.mat").write_bytes(damage)
    with pytest.raises(ValueError, match=r"0010\.mat must be a MATLAB file with 'groundtruth', but cannot be read"):
        CCPDataset(root).sample("0010")


def test_a_missing_photograph_is_named(root: Path) -> None:
    (root / "photos" / "0010.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"no photograph at .*0010\.jpg"):
        CCPDataset(root).sample("0010")


def test_a_truncated_photograph_is_named(root: Path) -> None:
    path = root / "photos" / "0010.jpg"
    Image.fromarray(photograph(96, 64)).save(path, quality=95)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ValueError, match=r"0010\.jpg must be a photograph, but cannot be read"):
        CCPDataset(root).sample("0010")
