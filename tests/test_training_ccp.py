"""CCP folders that are damaged are refused in one sentence; others are read by rule."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from parsing.ccp_lists import TAGGED_LIST
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
    for tag in (len(CCP_TAGS), 300, -1):
        annotate(root, np.full((96, 64), tag, np.int16))
        with pytest.raises(
            ValueError, match=rf"0010\.mat holds tag {tag}, expected 0 to 5, the last that label_list\.mat names"
        ):
            CCPDataset(root).sample("0010")


@pytest.mark.parametrize("tags", [np.ones((96, 64, 3), np.uint8), np.full((96, 64), 1.5), np.full((96, 64), np.nan)])
def test_an_annotation_of_another_kind_is_refused(root: Path, tags: np.ndarray) -> None:
    annotate(root, tags)
    with pytest.raises(ValueError, match=r"0010\.mat must hold one tag for each pixel, got .* of shape"):
        CCPDataset(root).sample("0010")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0010 hat", "line 3 must be `photograph item size pattern color`, got '0010 hat'; correct it"),
        ("0010 wig long solid red", "line 3 says 'wig', expected one of hat, hair,"),
        ("0010 hat lnog solid red", "line 3 says 'lnog', expected one of short, long, undet, sparse, absent, none"),
        ("0010 hat long solid rde", "line 3 says 'rde', expected one of dark,"),
        ("0010 hat long solid \udcff", "must be a text file in UTF-8, but cannot be read"),
    ],
)
def test_a_line_of_another_form_is_named(root: Path, line: str, message: str) -> None:
    with (root / "characteristics.txt").open("a", encoding="utf-8", errors="surrogateescape") as lines:
        lines.write(line + "\n")
    with pytest.raises(ValueError, match=rf"characteristics\.txt,? {message}"):
        CCPDataset(root)


def test_an_item_without_a_name_says_nothing(root: Path) -> None:
    (root / "characteristics.txt").write_text("0010 none undet solid dark\n0010 hat absent none none\n")
    nameless, hat = CCPDataset(root).characteristics["0010"]
    assert (nameless.name, hat.present, set(hat.ids.values())) == ("none", False, {IGNORE})
    assert (CCPDataset(root).sample("0010").tasks["size"][30, 25]) == IGNORE


def test_tags_without_skin_are_refused(root: Path) -> None:
    savemat(root / "label_list.mat", {"label_list": np.array([["null", "hat"]], dtype=object)})
    with pytest.raises(ValueError, match=r"label_list\.mat must name the tags, skin among them, got 'null, hat'"):
        CCPDataset(root)


def test_an_annotation_without_a_number_is_named(root: Path) -> None:
    (root / "annotations" / "pixel-level" / "copy of 0010.mat").write_bytes(b"")
    with pytest.raises(ValueError, match="names a photograph 'copy of 0010', expected a number such as 0001; rename"):
        CCPDataset(root).numbers("validation")


def test_a_folder_without_pixel_labels_says_so(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    (root / "annotations").rename(root / "elsewhere")
    with pytest.raises(FileNotFoundError, match=r"no pixel labels of photographs at .*pixel-level; download them"):
        CCPDataset(root).numbers("validation")
    (root / TAGGED_LIST).write_text("")
    assert CCPDataset(root).numbers("validation") == []
    assert "nothing is read but what characteristics_tagged.txt says" in caplog.text


@pytest.mark.parametrize("damage", [b"", b"no matrix", b"MATLAB 5.0 MAT-file" + bytes(300)])
def test_a_damaged_annotation_is_refused(root: Path, damage: bytes) -> None:
    (root / "annotations" / "pixel-level" / "0010.mat").write_bytes(damage)
    with pytest.raises(ValueError, match=r"0010\.mat must be a MATLAB file with 'groundtruth', but cannot be read"):
        CCPDataset(root).sample("0010")


def test_an_annotation_damaged_where_it_is_packed_is_refused(root: Path) -> None:
    path = root / "annotations" / "pixel-level" / "0010.mat"
    savemat(path, {"groundtruth": np.ones((96, 64), np.uint8)}, do_compression=True)
    path.write_bytes(path.read_bytes()[:140] + bytes(20))
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


def test_of_a_clone_as_it_is_published_our_own_labels_are_read(root: Path) -> None:
    (root / "characteristics.txt").unlink()
    data = CCPDataset(root)
    assert len(data.characteristics) == 853
    assert list(data.tagged("train")) == []  # our list names many, of which none is there
    shutil.copy(root / "photos" / "0010.jpg", root / "photos" / "1006.jpg")
    ((sample, items),) = data.tagged("train")
    assert (sample.name, items[0].name) == ("1006", "dress")
