"""Odd images on the real commands: each is parsed, or left out with one sentence, and never stops the others."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco
from rendered import RenderedGallery

from app.__main__ import main

Capture = pytest.CaptureFixture[str]

GOOD = ("animated.gif", "cmyk.jpg", "deep.png", "gray.png", "palette.png", "plain.jpg")
BAD = {
    "empty.jpg": "is empty",
    "letter.pdf": "is a .pdf file",
    "one.png": "has 1x1",
    "text.jpg": "is not one of JPEG",
    "truncated.jpg": "is damaged",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Good and bad files of every kind in one folder."""
    folder = tmp_path_factory.mktemp("odd")
    picture = Image.effect_noise((96, 128), 60).convert("RGB")
    picture.save(folder / "plain.jpg")
    picture.rotate(5).save(folder / "animated.gif", save_all=True, append_images=[picture, picture.rotate(90)])
    picture.rotate(10).convert("CMYK").save(folder / "cmyk.jpg")
    Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 256).save(folder / "deep.png")
    picture.rotate(20).convert("LA").save(folder / "gray.png")
    picture.rotate(30).convert("P").save(folder / "palette.png")
    Image.new("RGB", (1, 1)).save(folder / "one.png")
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("not a photograph")
    (folder / "letter.pdf").write_text("%PDF-1.4")
    (folder / "truncated.jpg").write_bytes((folder / "plain.jpg").read_bytes()[:1500])
    return folder


def test_a_folder_is_ingested_but_for_what_is_bad(folder: Path, tmp_path: Path, capsys: Capture) -> None:
    home = str(tmp_path / "home")
    assert main(["ingest", str(folder), "--home", home, "--json"]) == 0
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert (document["found"], document["parsed"]) == (len(GOOD) + len(BAD), len(GOOD))
    reasons = {Path(failure["path"]).name: failure["reason"] for failure in document["failures"]}
    assert reasons.keys() == BAD.keys()
    assert all(BAD[name] in reason for name, reason in reasons.items())
    assert "image/s" in captured.err  # progress, beside the document
    assert main(["ingest", str(folder), "--home", home, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parsed"] == 0


def test_a_file_name_that_is_no_text_stops_nothing(folder: Path, tmp_path: Path, capsys: Capture) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    shutil.copy(folder / "plain.jpg", pictures)
    shutil.copy(folder / "cmyk.jpg", pictures / os.fsdecode(b"caf\xe9.jpg"))
    assert main(["ingest", str(pictures), "--home", str(tmp_path / "home"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["parsed"] == 1
    (failure,) = document["failures"]
    assert failure["path"] == str(pictures / r"caf\xe9.jpg")
    assert failure["reason"].startswith("expected a file name in UTF-8")


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_alone_is_an_error(name: str, folder: Path, tmp_path: Path, capsys: Capture) -> None:
    assert main(["ingest", str(folder / name), "--home", str(tmp_path / "home")]) == 1
    captured = capsys.readouterr()
    assert BAD[name] in captured.out
    assert captured.err.splitlines()[-1].startswith(f"Error: expected a photograph, but {folder / name} could not be")


def test_an_empty_folder_is_an_error(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["ingest", str(tmp_path / "empty"), "--home", str(tmp_path / "home")]) == 1
    assert capsys.readouterr().err == (
        f"Error: expected photographs in {tmp_path / 'empty'}, but there are no files; choose another folder\n"
    )
    assert not (tmp_path / "home").exists()


def test_parse_goes_on_after_a_bad_file(folder: Path, capsys: Capture) -> None:
    paths = [str(folder / name) for name in (*GOOD, "text.jpg")]
    assert main(["parse", *paths, "--json"]) == 0
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert [image["path"] for image in document["images"]] == paths[:-1]
    assert [failure["path"] for failure in document["failures"]] == paths[-1:]
    assert captured.err.startswith(f"left out {folder / 'text.jpg'}: expected an image")


def test_parse_of_nothing_but_bad_files_is_an_error(folder: Path, capsys: Capture) -> None:
    assert main(["parse", str(folder / "text.jpg"), str(folder / "one.png"), "--json"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines()[-1].startswith("Error: expected images, but none of 2 could be read")


@pytest.mark.slow
def test_parse_prints_masks_that_others_can_read(
    rendered_gallery: RenderedGallery, tmp_path: Path, capsys: Capture
) -> None:
    paths = sorted(rendered_gallery.folder.iterdir())
    assert main(["parse", *map(str, paths), "--json", "--overlay", str(tmp_path)]) == 0
    document = json.loads(capsys.readouterr().out)
    people = [(image["height"], image["width"], person) for image in document["images"] for person in image["people"]]
    assert people
    for height, width, person in people:
        assert person.keys() == {"box_xyxy", "score", "mask", "attributes"}
        mask = coco.decode(person["mask"])
        x0, y0, x1, y1 = person["box_xyxy"]
        assert mask.shape == (height, width)
        assert 0 <= x0 < x1 <= width
        assert 0 <= y0 < y1 <= height
        for attribute in person["attributes"]:
            assert attribute.keys() == {"attribute", "score", "area", "size", "pattern", "color", "mask"}
            worn = coco.decode(attribute["mask"])
            assert int(worn.sum()) == attribute["area"] > 0
            assert not (worn & ~mask & 1).any()
    assert {path.name for path in tmp_path.iterdir()} == {f"{path.name}.png" for path in paths}
