"""CIHP and CCIHP folders: read as they are laid out, written from CCP, refused in one sentence where they are wrong."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from parsing.labels import IGNORE, LABELS, TASKS, label_id
from tests.factories import two_people_sample, write_ccp
from training.ccihp import LABEL_MAPS, CCIHPDataset, read_label_map
from training.ccp import CCPDataset
from training.dataset import read_sources
from training.export_ccihp import export, instance_lines, instance_map, main, write_annotations
from training.samples import SPLITS, Sample, read_ids

SAMPLE = two_people_sample()


@pytest.fixture
def ccihp(tmp_path: Path) -> Path:
    """A CCIHP folder with two photographs of each part; the ids are ours."""
    for part, names in {"Training": ("0000001", "0000015"), "Validation": ("0000002", "0000010")}.items():
        for name in names:
            write_photograph(tmp_path / part, name)
    return tmp_path


def write_photograph(folder: Path, name: str, sample: Sample = SAMPLE) -> None:
    (folder / "Images").mkdir(parents=True, exist_ok=True)
    Image.fromarray(sample.image).save(folder / "Images" / f"{name}.jpg")
    write_annotations(folder, replace(sample, name=name), sample.tasks)


def as_cihp(root: Path) -> Path:
    """The same folder without what CCIHP adds."""
    for folder in ("Size_ids", "Pattern_ids", "Color_ids"):
        for part in ("Training", "Validation"):
            for path in (root / part / folder).iterdir():
                path.unlink()
            (root / part / folder).rmdir()
    return root


def test_splits_are_the_parts_and_training_numbers_that_end_in_five(ccihp: Path) -> None:
    data = CCIHPDataset(ccihp)
    names = {split: data.names(split) for split in SPLITS}
    assert names == {"train": ["0000001"], "calibration": ["0000015"], "validation": ["0000002", "0000010"]}


@pytest.mark.parametrize("place", ["Validation/val_id.txt", "val_id.txt"])
def test_a_list_of_names_is_obeyed(ccihp: Path, place: str) -> None:
    (ccihp / place).write_text("0000010\n\n")
    assert CCIHPDataset(ccihp).names("validation") == ["0000010"]


def test_a_photograph_is_read_with_everybody_s_labels(ccihp: Path) -> None:
    sample = CCIHPDataset(ccihp).sample("Validation", "0000010")
    np.testing.assert_array_equal(sample.human, SAMPLE.human)
    for task in TASKS:
        np.testing.assert_array_equal(sample.tasks[task], SAMPLE.tasks[task])
    assert sample.everyone


def test_cihp_knows_attributes_only_and_ignores_dresses(ccihp: Path) -> None:
    dress = np.where(SAMPLE.tasks["attribute"] == 7, 6, SAMPLE.tasks["attribute"]).astype(np.uint8)
    Image.fromarray(dress).save(ccihp / "Validation" / "Category_ids" / "0000010.png")
    data = CCIHPDataset(as_cihp(ccihp))
    sample = data.sample("Validation", "0000010")
    assert data.tasks == ("attribute",)
    assert set(np.unique(sample.tasks["attribute"])) == {0, 9, IGNORE}
    np.testing.assert_array_equal(sample.tasks["color"], np.where(SAMPLE.human > 0, IGNORE, 0))


def test_the_label_map_in_the_folder_is_obeyed(ccihp: Path) -> None:
    mask = np.where(SAMPLE.tasks["attribute"] == 7, 20, SAMPLE.tasks["attribute"]).astype(np.uint8)
    Image.fromarray(mask).save(ccihp / "Validation" / "Category_ids" / "0000010.png")
    (ccihp / "label_map.toml").write_text((LABEL_MAPS / "ccihp_mask_20.toml").read_text())
    sample = CCIHPDataset(ccihp).sample("Validation", "0000010")
    assert set(np.unique(sample.tasks["attribute"])) == {0, label_id("attribute", "Mask"), 9}


@pytest.mark.parametrize(("shipped", "number"), [("ccihp.toml", 20), ("ccihp_mask_20.toml", 6), ("cihp.toml", 20)])
def test_an_id_that_the_label_map_does_not_name_is_refused(shipped: str, number: int) -> None:
    ids = np.array([[0, 1, number, IGNORE]], np.uint8)
    with pytest.raises(
        ValueError, match=rf"a\.png holds attribute ids \[{number}\], expected those that .*{shipped} names"
    ):
        read_label_map(LABEL_MAPS / shipped).translate("attribute", ids, Path("a.png"))


@pytest.mark.parametrize("shipped", ["ccihp.toml", "ccihp_mask_20.toml"])
def test_both_hypotheses_name_every_label_once(shipped: str) -> None:
    label_map = read_label_map(LABEL_MAPS / shipped)
    for task in TASKS:
        ours = np.arange(len(LABELS[task]) + 1, dtype=np.uint8)
        ids = label_map.untranslate(task)[ours]
        np.testing.assert_array_equal(label_map.translate(task, ids, Path("a.png")), ours)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[attribute", "must be a TOML file that names the ids of each task, but cannot be read"),
        ('[colour]\n1 = "Red"', r"names unknown tasks \['colour'\]; expected tables attribute, size, pattern, color"),
        ('[color]\n1 = "Mauve"', "color 'Mauve' is not a CCIHP label; expected one of Dark, .*, or 'ignore'"),
        ('[color]\n255 = "Red"', "gives color 'Red' the id '255'; expected a number from 1 to 254"),
        ("attribute = 3", 'must give attribute a table of lines such as 1 = "Hat", got 3'),
        ('[[attribute]]\n1 = "Hat"', "must give attribute a table of lines such as"),
        ("[attribute]\n1 = 3", "must give attribute a table of lines such as"),
        ('everyone = "false"', "says everyone = 'false', expected true or false; correct it"),
        ('[attribute]\n1 = "Hat"', r"names no ids of \['color', 'pattern', 'size'\]; add a table for each"),
    ],
)
def test_a_label_map_that_is_none_is_refused(ccihp: Path, text: str, message: str) -> None:
    (ccihp / "label_map.toml").write_text(text)
    with pytest.raises(ValueError, match=message):
        CCIHPDataset(ccihp)


def remove_annotation(folder: Path) -> None:
    (folder / "Human_ids" / "0000010.png").unlink()


def shrink_annotation(folder: Path) -> None:
    Image.fromarray(SAMPLE.tasks["color"][:, :-1]).save(folder / "Color_ids" / "0000010.png")


def colour_annotation(folder: Path) -> None:
    Image.fromarray(SAMPLE.image).save(folder / "Category_ids" / "0000010.png")


def blur_annotation(folder: Path) -> None:
    Image.fromarray(np.full((64, 64), 3.7, np.float32)).save(folder / "Category_ids" / "0000010.png", format="TIFF")


def negate_annotation(folder: Path) -> None:
    Image.fromarray(np.full((64, 64), -3, np.int32)).save(folder / "Human_ids" / "0000010.png", format="TIFF")


def damage_annotation(folder: Path) -> None:
    (folder / "Size_ids" / "0000010.png").write_bytes(b"no picture")


def damage_list(folder: Path) -> None:
    (folder / "val_id.txt").write_bytes(b"\xff\xfe")


def list_another(folder: Path) -> None:
    (folder / "val_id.txt").write_text("0000077\n")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (remove_annotation, r"no annotation at .*Human_ids.0000010\.png; add it, or take its photograph off the list"),
        (shrink_annotation, r"the color annotation of .*0000010\.jpg is 63x64 pixels, expected 64x64 like its image"),
        (colour_annotation, r"0000010\.png must hold one id from 0 to 255 .*, got uint8 of shape \(64, 64, 3\)"),
        (blur_annotation, r"0000010\.png must hold one id from 0 to 255 for each pixel, got float32 of shape"),
        (negate_annotation, r"0000010\.png must hold one id from 0 to 255 for each pixel, .* from -3 to 0; write"),
        (damage_list, r"val_id\.txt must be a text file in UTF-8, but cannot be read: .*; restore it"),
        (damage_annotation, r"0000010\.png must be a PNG file of ids, but cannot be read: .*; restore it"),
        (list_another, r"no photograph at .*0000077\.jpg; add it, or remove its annotation and its name"),
    ],
)
def test_a_damaged_photograph_is_named(ccihp: Path, damage: Callable[[Path], None], message: str) -> None:
    damage(ccihp / "Validation")
    with pytest.raises((FileNotFoundError, ValueError), match=message):
        list(CCIHPDataset(ccihp).samples("validation"))


def test_a_folder_of_another_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match="is not a CIHP or CCIHP folder: expected Training/ or Validation/ with"
    ):
        CCIHPDataset(tmp_path)


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    write_photograph(tmp_path / "Validation", "0000010")
    with pytest.raises(FileNotFoundError, match="Images is missing; expected the photographs of Training there"):
        CCIHPDataset(tmp_path).names("train")


@pytest.mark.parametrize("label_map", ["ccihp.toml", "ccihp_mask_20.toml"])
def test_ccp_written_as_ccihp_reads_back_the_same(tmp_path: Path, label_map: str) -> None:
    ccp = CCPDataset(write_ccp(tmp_path / "ccp", "0001", "0005", "0010"))
    counts = export(ccp, tmp_path / "out", read_label_map(LABEL_MAPS / label_map), link=False)
    assert counts == {"Training": 2, "Validation": 1}
    assert_same(ccp, CCIHPDataset(tmp_path / "out"))


def test_ccp_itself_written_as_ccihp_reads_back_the_same(tmp_path: Path) -> None:
    root = os.environ.get("CCP_ROOT")
    if not root:
        pytest.skip("CCP_ROOT is not set: a CCP folder")
    ccp = CCPDataset(Path(root))
    export(ccp, tmp_path, read_label_map(LABEL_MAPS / "ccihp.toml"), link=True)
    assert_same(ccp, CCIHPDataset(tmp_path))


def assert_same(ccp: CCPDataset, ccihp: CCIHPDataset) -> None:
    for split in SPLITS:
        for ours, theirs in zip(ccp.samples(split), ccihp.samples(split), strict=True):
            assert (ours.name, ours.everyone) == (theirs.name, theirs.everyone)
            np.testing.assert_array_equal(ours.image, theirs.image)
            np.testing.assert_array_equal(ours.human, theirs.human)
            for task in TASKS:
                np.testing.assert_array_equal(ours.tasks[task], theirs.tasks[task])


def test_the_command_writes_a_folder_that_can_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ccp, out = write_ccp(tmp_path / "ccp", "0001", "0010"), tmp_path / "out"
    assert main(["--data", str(ccp), "--output", str(out), "--link"]) == 0
    assert "1 photographs of Training and 1 photographs of Validation" in capsys.readouterr().out
    assert (out / "Validation" / "Images" / "0010.jpg").is_symlink()
    assert (out / "Training" / "train_id.txt").read_text() == "0001\n"
    lines = (out / "Validation" / "Instance_ids" / "0010.txt").read_text().splitlines()
    assert lines == ["2 2 1 1 1 255", "7 7 1 2 1 5"]  # hair of no known color; a long, solid, red coat
    assert CCIHPDataset(out).names("validation") == ["0010"]


def test_a_folder_that_is_not_ccp_is_not_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path), "--output", str(tmp_path / "out")]) == 1
    assert "Error:" in (message := capsys.readouterr().err)
    assert "is not a CCP folder" in message


def test_a_file_is_not_written_into_as_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ccp, out = write_ccp(tmp_path / "ccp", "0001"), tmp_path / "out"
    out.touch()
    assert main(["--data", str(ccp), "--output", str(out)]) == 1
    sentence = f"expected a folder to write, but {out} cannot be one (File exists); choose another --output"
    assert capsys.readouterr().err == f"Error: {sentence}\n"


def test_instances_are_numbered_as_in_cihp(tmp_path: Path) -> None:
    human, attribute = np.array([[1, 1, 2, 14, 0, 2]], np.uint8), np.array([[5, 0, 5, 19, 5, 255]], np.uint8)
    instances, stride = instance_map(human, attribute)
    np.testing.assert_array_equal(instances, [[5, 0, 25, 279, 0, 0]])
    one = np.ones((1, 6), np.uint8)
    lines = instance_lines(instances, stride, {"size": one, "pattern": one, "color": 3 * one})
    assert lines == ["5 5 1 1 1 3", "25 5 2 1 1 3", "279 19 14 1 1 3"]
    Image.fromarray(instances).save(tmp_path / "ids.png")
    with pytest.raises(ValueError, match="must hold one id from 0 to 255"):
        read_ids(tmp_path / "ids.png")


def test_training_takes_the_group_and_each_of_its_people(tmp_path: Path) -> None:
    write_photograph(tmp_path / "Training", "0000001", two_people_sample(160, 160))
    people, groups, scenes = read_sources([tmp_path], None)
    assert [source.layer.maps["human"].max() for source in groups] == [2]
    assert [set(np.unique(source.cutout.maps["attribute"])) for source in people] == [{7}, {9}]
    assert not scenes


def test_a_small_data_set_of_groups_is_shown_as_often_as_a_large_one(tmp_path: Path) -> None:
    write_photograph(tmp_path / "small" / "Training", "0000001", two_people_sample(160, 160))
    for number in range(2, 9):
        write_photograph(tmp_path / "large" / "Training", f"{number:07}")
    _, groups, _ = read_sources([tmp_path / "small", tmp_path / "large"], None)
    weights = [source.weight for source in groups]
    assert weights[0] == pytest.approx(sum(weights[1:]))


def test_a_person_too_small_to_learn_from_is_left_to_the_group(tmp_path: Path) -> None:
    write_photograph(tmp_path / "Training", "0000001")
    write_photograph(tmp_path / "Training", "0000002", two_people_sample(160, 160))
    people, groups, _ = read_sources([tmp_path], None)
    assert (len(people), len(groups)) == (2, 2)
