import json
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from parsing.checkpoint import CheckpointError
from parsing.model import CONFIGS, HPTR
from tests.factories import tiny_config
from training.pictures import PictureError, find_pictures, random_part
from training.pretrain import (
    PretrainConfig,
    configure,
    main,
    parse_arguments,
    pretrain,
    read_pictures,
    start,
    store,
    train_step,
)
from training.weights import load_encoder, load_fitting

COLORS = {"blue": (20, 40, 200), "red": (200, 30, 20)}
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def tiny_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONFIGS, "tiny", tiny_config())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sixteen pictures of each of two colors."""
    rng = np.random.default_rng(0)
    for name, color in COLORS.items():
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(16):
            pixels = np.clip(np.array(color) + rng.integers(-20, 20, (40, 36, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pictures" / name / f"{number:02d}.png")
    return tmp_path / "pictures"


def zipped(folder: Path, path: Path, names: str) -> None:
    path.parent.mkdir(exist_ok=True)
    with ZipFile(path, "w") as archive:
        for picture in sorted(folder.glob(names)):
            archive.write(picture, picture.relative_to(folder).as_posix())


def test_it_learns_to_tell_two_colors_and_its_encoder_starts_training(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [
        "--config",
        "tiny",
        "--side",
        "32",
        "--batch",
        "8",
        "--epochs",
        "5",
        "--warmup-steps",
        "2",
        "--workers",
        "0",
        "--learning-rate",
        "0.01",
    ]
    assert main(["--data", str(folder), "--output", str(tmp_path / "run"), *options]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["top1"] == 1.0
    learned = load_file(figures["checkpoint"])
    for load in (load_encoder, load_fitting):
        model = HPTR(tiny_config())
        load(model, Path(figures["checkpoint"]))
        torch.testing.assert_close(model.encoder.conv1.weight, learned["encoder.conv1.weight"])


def test_resumed_it_goes_on_with_the_same_numbers(folder: Path, tmp_path: Path) -> None:
    config = PretrainConfig(model="tiny", batch=4, warmup_steps=1)
    images, labels = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 1, 0])
    whole = start(tmp_path / "whole", config, 2, CPU)
    expected = [train_step(whole, images, labels, 10) for _ in range(4)]
    first = start(tmp_path / "run", config, 2, CPU)
    assert [train_step(first, images, labels, 10) for _ in range(2)] == pytest.approx(expected[:2])
    store(first)
    second = start(tmp_path / "run", replace(config, seed=9), 2, CPU)
    assert second.step == 2
    assert [train_step(second, images, labels, 10) for _ in range(2)] == pytest.approx(expected[2:], rel=1e-5)


def test_folders_and_zip_files_hold_the_same_pictures(folder: Path, tmp_path: Path) -> None:
    zipped(folder, tmp_path / "zips" / "train_0.zip", "blue/*")
    zipped(folder, tmp_path / "zips" / "train_1.zip", "red/*")
    zipped(folder, tmp_path / "zips" / "val.zip", "*/0*")
    from_folder, none = find_pictures(folder)
    from_zips, held_out = find_pictures(tmp_path / "zips")
    assert [(picture.name, picture.label) for picture in from_zips] == [(p.name, p.label) for p in from_folder]
    assert (len(none), len(held_out)) == (0, 20)
    for a, b in zip(from_folder[::8], from_zips[::8], strict=True):
        np.testing.assert_array_equal(np.asarray(a.read()), np.asarray(b.read()))


def test_one_picture_in_twenty_is_held_out_where_none_are_by_name(folder: Path) -> None:
    pictures = read_pictures(folder, None)
    assert pictures.classes == ("blue", "red")
    assert len(pictures.held_out) == 2
    assert not set(pictures.held_out) & set(pictures.trained)


def test_a_part_of_a_picture_keeps_its_colors() -> None:
    picture = Image.new("RGB", (50, 40), (10, 120, 230))
    for seed in range(5):
        part = random_part(picture, 24, np.random.default_rng(seed))
        assert part.shape == (24, 24, 3)
        assert np.unique(part.reshape(-1, 3), axis=0).tolist() == [[10, 120, 230]]


def test_no_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path)]) == 1
    assert "no classified pictures in" in capsys.readouterr().err


def test_a_damaged_zip_file(tmp_path: Path) -> None:
    (tmp_path / "train.zip").write_bytes(b"PK nothing")
    with pytest.raises(ValueError, match=r"train\.zip cannot be read .*; expected a zip file of CLASS/PICTURE"):
        find_pictures(tmp_path)


def test_nothing_to_resume(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no run of pre-training in .*; expected state\.json"):
        configure(parse_arguments(["--data", "x", "--resume", str(tmp_path)]))


@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_damaged_picture_is_named_in_one_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], workers: str
) -> None:
    for picture in folder.glob("red/*.png"):
        picture.write_bytes(b"no picture")
    options = ["--config", "tiny", "--side", "32", "--batch", "30", "--workers", workers]
    assert main(["--data", str(folder), "--output", str(tmp_path / "run"), *options]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"Error: {folder}/red/")
    assert line.endswith(".png must be a picture, but cannot be read (UnidentifiedImageError); restore or remove it")


def test_a_picture_damaged_in_a_zip_file_is_named(folder: Path, tmp_path: Path) -> None:
    zipped(folder, tmp_path / "zips" / "train.zip", "red/00.png")
    path = tmp_path / "zips" / "train.zip"
    path.write_bytes(path.read_bytes().replace(b"IDAT", b"IDAX"))
    (picture,) = find_pictures(path)[0]
    with pytest.raises(PictureError, match=r"train\.zip/red/00\.png must be a picture, but cannot be read .Bad CRC-32"):
        picture.read()


def test_classes_lie_in_the_one_folder_of_a_zip_file_and_what_macos_adds_is_no_picture(folder: Path) -> None:
    with ZipFile(folder.with_suffix(".zip"), "w") as archive:
        for path in folder.rglob("*.png"):
            archive.write(path, f"pictures/{path.relative_to(folder).as_posix()}")
            archive.write(path, f"__MACOSX/pictures/{path.parent.name}/._{path.name}")
    found = [[p.label for p in find_pictures(root)[0]] for root in (folder, folder.with_suffix(".zip"))]
    assert found[0] == found[1]


def test_pictures_that_lie_too_high_and_hidden_ones_name_no_class(folder: Path) -> None:
    with ZipFile(folder.with_suffix(".zip"), "w") as archive:
        for path in folder.rglob("*.png"):
            archive.write(path, f"./pictures//{path.relative_to(folder).as_posix()}")
        archive.write(path, "pictures/cover.png")
        archive.write(path, ".thumbnails/red/1.png")
    found = find_pictures(folder.with_suffix(".zip"))[0]
    assert [picture.label for picture in found] == [picture.label for picture in find_pictures(folder)[0]]
    assert found[0].read().mode == "RGB"


def test_a_zip_file_for_each_class_may_hold_folders(tmp_path: Path) -> None:
    for label in ("cats", "dogs"):
        with ZipFile(tmp_path / f"{label}.zip", "w") as archive:
            archive.writestr(f"{label}/tame/1.png", b"")
            archive.writestr(f"{label}/wild/2.png", b"")
    assert [picture.label for picture in find_pictures(tmp_path)[0]] == ["cats", "cats", "dogs", "dogs"]


def test_one_class_alone_teaches_nothing(tmp_path: Path) -> None:
    (tmp_path / "only").mkdir()
    for number in range(3):
        Image.new("RGB", (9, 9)).save(tmp_path / "only" / f"{number}.png")
    with pytest.raises(ValueError, match=r"expected pictures of at least 2 classes in .*, got only; give a folder"):
        read_pictures(tmp_path, None)


def test_a_class_of_one_picture(tmp_path: Path) -> None:
    (tmp_path / "only").mkdir()
    Image.new("RGB", (9, 9)).save(tmp_path / "only" / "1.png")
    with pytest.raises(ValueError, match=r"class 'only' is held out but never trained on, .*; add more pictures of it"):
        read_pictures(tmp_path, None)


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [("--batch", "0", "at least 1"), ("--epochs", "0", "at least 1"), ("--side", "50", "a multiple of 32")],
)
def test_a_number_out_of_its_limits(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str, allowed: str
) -> None:
    assert main(["--data", str(folder), "--output", str(tmp_path / "run"), option, value]) == 1
    assert capsys.readouterr().err == f"Error: {option} must be {allowed}, got {value}\n"


def test_fewer_epochs_than_are_done(folder: Path, tmp_path: Path) -> None:
    run = start(tmp_path / "run", PretrainConfig(model="tiny", batch=8, epochs=1), 2, CPU)
    run.step = 9
    with pytest.raises(
        CheckpointError, match="holds a run of 3 epochs, expected to go on to more, got --epochs 1; give"
    ):
        pretrain(run, read_pictures(folder, None))
