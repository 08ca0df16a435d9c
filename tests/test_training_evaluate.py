"""Evaluation of a checkpoint: people, items, and the command."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from parsing.checkpoint import CheckpointInfo, save
from parsing.labels import LABELS, label_id
from parsing.model import HPTR
from parsing.records import CharacterizedAttribute, ParsedImage, Person, RunLengthMask
from tests.factories import tiny_config, two_people_sample, write_ccp
from training.ccihp import LABEL_MAPS, read_label_map
from training.ccp import CCPDataset, Item
from training.evaluate import main
from training.evaluation import labelled_people, merged_attribute_miou
from training.export_ccihp import export
from training.item_accuracy import absences, accuracy, answers, item_confusion, worn_items
from training.people_found import PeopleCounter, PeopleScores


def row(text: str) -> np.ndarray:
    """One-row id map: digits are ids, `x` a crowd."""
    return np.array([[255 if letter == "x" else int(letter) for letter in text]], np.uint8)


def count_people(truth: str, prediction: str, *, everyone: bool = True) -> PeopleScores:
    counter = PeopleCounter(everyone)
    counter.add(row(truth), row(prediction))
    return counter.scores()


@pytest.mark.parametrize(
    ("truth", "prediction", "expected"),
    [
        ("11110000", "11100000", PeopleScores(people=1, found=1, predicted=1, right=1, doubles=0, strips=0)),
        ("11110000", "11000000", PeopleScores(people=1, found=0, predicted=1, right=0, doubles=0, strips=0)),
        ("11110000", "11120000", PeopleScores(people=1, found=1, predicted=2, right=1, doubles=1, strips=0)),
        ("11110000", "11220000", PeopleScores(people=1, found=0, predicted=2, right=0, doubles=0, strips=2)),
        ("11110000", "00000011", PeopleScores(people=1, found=0, predicted=1, right=0, doubles=0, strips=0)),
        ("1111xx00", "11110200", PeopleScores(people=1, found=1, predicted=1, right=1, doubles=0, strips=0)),
        ("1111xxxx", "11111110", PeopleScores(people=1, found=1, predicted=1, right=1, doubles=0, strips=0)),
        ("00000000", "00000000", PeopleScores(people=0, found=0, predicted=0, right=0, doubles=0, strips=0)),
    ],
    ids=["found", "iou-exactly-half", "double", "strips", "elsewhere", "in-a-crowd", "crowd-pixels-ignored", "nobody"],
)
def test_people_are_counted(truth: str, prediction: str, expected: PeopleScores) -> None:
    assert count_people(truth, prediction) == expected


def test_passers_by_prove_nothing_where_only_the_main_person_is_labelled() -> None:
    assert count_people("11110000", "11110022", everyone=False).predicted == 1


def test_people_are_reported_by_height() -> None:
    truth, prediction = np.zeros((200, 4), np.uint8), np.zeros((200, 4), np.uint8)
    truth[:100, 0], truth[:50, 2] = 1, 2
    prediction[:100, 0] = 1
    counter = PeopleCounter(everyone=True)
    counter.add(truth, prediction)
    assert counter.scores(shortest=96).recall == 1.0
    assert counter.scores(tallest=96).recall == 0.0
    assert math.isnan(counter.scores(tallest=96).precision)


def seen(attribute: str, color: str, area: int, *, size: str = "Long/large", left: int = 0) -> CharacterizedAttribute:
    mask = np.zeros((64, 64), bool)
    mask[8:56, 8 + left : 24 + left] = True
    winners = {"size": size, "pattern": "Solid", "color": color}
    probabilities = {task: tuple(float(name == label) for name in LABELS[task]) for task, label in winners.items()}
    return CharacterizedAttribute(attribute, 0.9, area, probabilities, RunLengthMask.encode(mask))


def person(*attributes: CharacterizedAttribute, left: int = 0) -> Person:
    return Person((8, 8, 24, 56), 0.9, seen("Coat", "Red", 1, left=left).mask, attributes)


def item(name: str, color: str = "Red", size: str = "Long/large", *, present: bool = True) -> Item:
    words = {"size": size, "pattern": "Solid", "color": color}
    return Item(name, present, {task: label_id(task, label) for task, label in words.items()})


def test_an_item_not_found_is_wrong() -> None:
    given = answers("1", person(seen("Coat", "Red", 10)), [item("coat"), item("hat")])
    figures = accuracy(given, "color")
    assert (figures.count, figures.top1, figures.found) == (2, 0.5, 0.5)
    assert figures.by_item == {"hat": (0.0, 1), "coat": (1.0, 1)}
    assert figures.by_label["Red"] == (0.5, 2)
    assert figures.calibration_error == 0.0  # the one that was found is right, and was said to be certain


def test_items_of_a_person_not_found_are_wrong() -> None:
    figures = accuracy(answers("1", None, [item("coat")]), "size")
    assert figures.top1 == 0.0
    assert math.isnan(figures.calibration_error)


def test_shoes_are_merged_by_their_pixels() -> None:
    shoes = person(seen("L-shoe", "Red", 30), seen("R-shoe", "Blue", 10))
    assert answers("1", shoes, [item("shoes")])[2].right


def test_a_dress_is_merged_but_its_size_is_that_of_the_hem() -> None:
    dress = person(seen("UpperClothes", "Red", 30, size="Short/small"), seen("Skirt", "Blue", 10))
    assert [answer.right for answer in answers("1", dress, [item("dress")])] == [True, True, True]


def test_undetermined_is_right_only_if_predicted() -> None:
    coat = person(seen("Coat", "Red", 10))
    assert not answers("1", coat, [item("coat", size="Undetermined")])[0].right


def test_items_not_found_have_a_column_of_the_confusion() -> None:
    given = answers("1", person(seen("Coat", "Blue", 10)), [item("coat"), item("hat")])
    confusion = item_confusion(given, "color")
    assert confusion[label_id("color", "Red") - 1, [label_id("color", "Blue") - 1, 12]].tolist() == [1, 1]


def test_a_bare_head_is_said_to_be_bare() -> None:
    bare = item("hat", present=False)
    assert absences(person(), [bare])[0].right
    assert not absences(person(seen("Hat", "Red", 10)), [bare])[0].right
    assert not absences(None, [bare])[0].right


def test_items_belong_to_the_person_whose_mask_fits() -> None:
    sample = two_people_sample()
    left, right = person(seen("Coat", "Red", 1)), person(left=32)
    parsed = ParsedImage(sample.path, 64, 64, (right, left))
    people = {"two_1": [item("coat")], "two_2": [item("coat")]}
    found = {one.name: (one.number, one.found) for one in labelled_people(sample, parsed, people)}
    assert found == {"two_1": (1, left), "two_2": (2, right)}


def test_left_and_right_can_be_merged() -> None:
    confusion = np.zeros((20, 21), np.int64)
    confusion[0, 0] = 10
    confusion[label_id("attribute", "L-shoe"), label_id("attribute", "R-shoe")] = 5
    assert merged_attribute_miou(confusion) == 1.0


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.safetensors"
    save(path, HPTR(tiny_config()).state_dict(), CheckpointInfo(tiny_config()))
    return path


@pytest.fixture
def ccp(tmp_path: Path) -> Path:
    """A CCP folder with one validation photograph."""
    return write_ccp(tmp_path / "ccp", "0010")


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """A COCO people folder with one validation photograph of two people."""
    root, sample = tmp_path / "coco", two_people_sample()
    (root / "images").mkdir(parents=True)
    (root / "person_instances").mkdir()
    Image.fromarray(sample.image).save(root / "images" / "000005.jpg")
    Image.fromarray(sample.human).save(root / "person_instances" / "000005.png")
    (root / "index.json").write_text(json.dumps([{"file": "000005.jpg", "persons": 2}]))
    (root / "characteristics.txt").write_text("5_1 coat long solid red\n5_2 hat absent solid dark\n")
    return root


def test_a_checkpoint_is_evaluated(
    checkpoint: Path, ccp: Path, coco: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report"
    tables = [str(report / name) for name in ("evaluation.txt", "evaluation.csv", "evaluation.json")]
    keep = ["--table", *tables, "--pictures", str(report)]
    assert main(["--checkpoint", str(checkpoint), "--data", str(ccp), str(coco), "--json", *keep]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["images"] == 1
    assert 0 <= result["miou"]["attribute"]["dataset"] <= 1
    assert result["people"]["ccp"]["all"]["people"] == 1
    assert result["people"]["coco_people"]["all"]["people"] == 2
    assert result["items"]["ccp"]["color"]["items"] == 1
    assert result["items"]["ccp"]["size"]["items"] == 2
    assert result["items"]["coco_people"]["color"]["items"] == 1
    assert result["items"]["coco_people"]["absent"]["hat"]["items"] == 1
    assert json.loads((report / "evaluation.json").read_text()) == result
    assert "calibration error of those" in (report / "evaluation.txt").read_text()
    assert (report / "evaluation.csv").read_text().startswith("attribute,Background,Hat,")
    assert (report / "confusion_attribute.png").is_file()
    assert (report / "confusion_ccp_items_color.png").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cases", "missing.npz"], "Error: no metric cases at missing.npz"),
        (["--checkpoint", "missing.safetensors", "--data", "."], "Error: no checkpoint at missing.safetensors"),
    ],
)
def test_what_cannot_be_evaluated_is_said(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    assert message in capsys.readouterr().err


def test_a_split_without_photographs_is_no_result(
    checkpoint: Path, coco: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--checkpoint", str(checkpoint), "--data", str(coco), "--split", "calibration"]) == 1
    assert "expected photographs in the calibration split of coco_people, got none; name another --split" in (
        capsys.readouterr().err
    )


def test_a_folder_of_another_layout_is_named(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--checkpoint", str(checkpoint), "--data", str(tmp_path)]) == 1
    assert "is no data set that is known; expected a CCP folder" in capsys.readouterr().err


def test_ccp_and_its_ccihp_form_are_measured_alike(
    checkpoint: Path, ccp: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export(CCPDataset(ccp), tmp_path / "ccihp", read_label_map(LABEL_MAPS / "ccihp.toml"), link=False)
    results = []
    for root in (ccp, tmp_path / "ccihp"):
        assert main(["--checkpoint", str(checkpoint), "--data", str(root), "--json"]) == 0
        results.append(json.loads(capsys.readouterr().out))
    assert results[0]["miou"] == results[1]["miou"]
    assert results[0]["people"]["ccp"] == results[1]["people"]["ccihp"]
    assert results[0]["items"]["ccp"] == results[1]["items"]["ccihp"]


def test_the_items_of_label_maps_are_those_that_cover_enough() -> None:
    sample = two_people_sample()
    sample.tasks["attribute"][8, 10] = label_id("attribute", "Hat")
    sample.tasks["color"][:, 40:] = 255
    coat, pants = worn_items(sample).values()
    assert coat == [Item("coat", True, {"size": 2, "pattern": 1, "color": 5})]
    assert pants == [Item("pants", True, {"size": 2, "pattern": 1, "color": 255})]


def test_cases_have_tables_and_pictures_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez(tmp_path / "cases.npz", num_images=0)
    table = tmp_path / "tables" / "cases.csv"
    arguments = ["--cases", str(tmp_path / "cases.npz"), "--table", str(table), "--pictures", str(tmp_path)]
    assert main(arguments) == 0
    assert "AP^cr_vol, strict" in capsys.readouterr().out
    assert table.read_text().startswith("attribute,Background,Hat,")
    assert (tmp_path / "confusion_color.png").is_file()


def test_a_table_of_another_kind_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--cases", "cases.npz", "--table", "table.xlsx"])
    assert "expected a file ending in .txt, .csv, .json, got 'table.xlsx'" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--table", "file/table.txt"], ["--pictures", "file/pictures"]])
def test_a_place_that_cannot_be_written_is_said_before_anything_is_measured(
    option: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    assert main(["--cases", "cases.npz", *option]) == 1
    assert "Error: cannot write into file" in capsys.readouterr().err
