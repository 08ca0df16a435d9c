import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from rendered import RenderedGallery

from app.__main__ import main
from app.commands import _folders
from index.person_index import PersonIndex
from tests.index_crashes import make_inputs
from tests.index_samples import new_image

Capture = pytest.CaptureFixture[str]


def test_search_prints_the_agreed_document(rendered_gallery: RenderedGallery, capsys: Capture) -> None:
    assert main(["search", "man with red coat", "--limit", "1", "--json", "--home", str(rendered_gallery.home)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["query"] == "coat:red"
    assert document["not_understood"] == ["man"]
    assert document["total"] >= 1
    (match,) = document["matches"]
    assert {"person_id", "image", "box_xyxy", "score", "clauses"} <= match.keys()
    assert match["clauses"][0]["clause"] == "coat:red"
    assert Path(match["image"]).is_file()


def test_search_prints_a_table_for_people(rendered_gallery: RenderedGallery, capsys: Capture) -> None:
    assert main(["search", "red coat", "--home", str(rendered_gallery.home)]) == 0
    assert "red coat 100%" in capsys.readouterr().out


def test_many_lines_give_one_document_each(capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    lines.write_text("red coat\nxyzzy\nno hat\n")
    with lines.open() as standard_input:
        monkeypatch.setattr("sys.stdin", standard_input)
        assert main(["explain", "-", "--json"]) == 0
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [document["query"] for document in documents] == ["coat:red", "", "-hat"]


def test_a_line_that_asks_nothing_does_not_stop_the_others(
    rendered_gallery: RenderedGallery, capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lines = tmp_path / "lines"
    lines.write_text("xyzzy\n\nred coat\n")
    with lines.open() as standard_input:
        monkeypatch.setattr("sys.stdin", standard_input)
        assert main(["search", "-", "--json", "--home", str(rendered_gallery.home)]) == 0
    unknown, empty, found = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert [unknown["total"], empty["total"], found["total"]] == [0, 0, 1]
    assert unknown["error"].startswith("expected something that labels can express, got only xyzzy")
    assert empty["error"].startswith("expected a description")


def test_each_of_many_lines_gets_its_own_answer(
    rendered_gallery: RenderedGallery, capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lines = tmp_path / "lines"
    lines.write_bytes(b"gallery:nowhere\nlike:999999\ncaf\xe9\nred coat\n")
    with lines.open(encoding="utf-8") as standard_input:
        monkeypatch.setattr("sys.stdin", standard_input)
        assert main(["search", "-", "--json", "--home", str(rendered_gallery.home)]) == 0
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [document["query"] for document in documents] == ["gallery:nowhere", "like:999999", "", "coat:red"]
    assert ["error" in document for document in documents] == [True, True, True, False]


def test_no_limit_of_people_is_no_limit_of_the_count(rendered_gallery: RenderedGallery, capsys: Capture) -> None:
    assert main(["search", "hair", "--limit", "0", "--json", "--home", str(rendered_gallery.home)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["matches"] == []
    assert document["total"] > 0


def test_the_home_may_come_from_the_environment(
    rendered_gallery: RenderedGallery, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNALEMENT_HOME", str(rendered_gallery.home))
    assert main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["database"] == str(rendered_gallery.home / "signalement.sqlite")


def test_explain_prints_the_agreed_document(capsys: Capture) -> None:
    assert main(["explain", "man with a long red coat", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    clause = {"attribute": ["Coat"], "size": ["Long/large"], "pattern": [], "color": ["Red"]}
    assert document["query"] == "coat:red,long"
    assert document["clauses"] == [clause | {"negated": False, "weight": 1.0}]
    assert document["not_understood"] == ["man"]


def test_explain_needs_no_torch() -> None:
    script = "import sys; from app.__main__ import main; main(['explain', 'red coat']); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


def test_a_word_that_is_not_understood_is_named_once(capsys: Capture) -> None:
    assert main(["explain", "xyzzy coat, xyzzy hat, plugh"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "not understood: xyzzy, plugh"


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["a.jpg"], "expected a photograph, but {folder}/a.jpg could not be read; the reason is above"),
        (["a.jpg", "b.txt"], "expected photographs, but none of 2 files could be read; the reasons are above"),
    ],
)
def test_photographs_of_which_none_is_one_are_an_error(
    names: list[str], sentence: str, tmp_path: Path, capsys: Capture
) -> None:
    place = make_inputs(tmp_path)
    folder = tmp_path / "texts"
    folder.mkdir()
    for name in names:
        (folder / name).write_text("no photograph")
    checkpoint = str(place.checkpoints / "1.safetensors")
    assert main(["ingest", str(folder), "--checkpoint", checkpoint, "--home", str(place.home)]) == 1
    captured = capsys.readouterr()
    assert captured.out.count("left out ") == len(names)
    assert captured.err.splitlines()[-1] == f"Error: {sentence.format(folder=folder)}"


def test_status_counts(rendered_gallery: RenderedGallery, capsys: Capture) -> None:
    assert main(["status", "--json", "--home", str(rendered_gallery.home)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["galleries"] == {"rendered": len(rendered_gallery.parser.truth)}
    assert document["people"] == sum(map(len, rendered_gallery.parser.truth.values()))


@pytest.mark.parametrize("command", [["search", "hair"], ["status"], ["ui"]])
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "expected {json} beside the weights {weights}, but there is no such file"),
        ("", "{json} does not describe a checkpoint"),
        ("{", "{json} does not describe a checkpoint"),
        ("{}", "{json} does not describe a checkpoint"),
        ("[]", "{json} does not describe a checkpoint"),
    ],
)
def test_what_describes_no_checkpoint_is_said_to_by_searches_too(
    command: list[str], text: str | None, sentence: str, tmp_path: Path, capsys: Capture
) -> None:
    weights = make_inputs(tmp_path).checkpoints / "1.safetensors"
    description = weights.with_suffix(".json")
    description.unlink()
    if text is not None:
        description.write_text(text)
    PersonIndex.open(tmp_path).close()
    assert main([*command, "--checkpoint", str(weights), "--home", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith(f"Error: {sentence.format(json=description, weights=weights)}")


@pytest.mark.parametrize(
    ("learned", "sentence"),
    [
        (None, "{json} does not describe a checkpoint (search is None, expected an object)"),
        ([1], "{json} does not describe a checkpoint (search is [1], expected an object)"),
        ({"thresholds": {"strict": "high"}}, 'expected "search" in {json} as query.fitting writes it'),
        ({"back_off": 0.5, "color_confusion": [[1.0]]}, 'expected "search" in {json} as query.fitting writes it'),
    ],
)
def test_what_no_search_can_use_of_a_checkpoint_is_said(
    learned: object, sentence: str, tmp_path: Path, capsys: Capture
) -> None:
    weights = make_inputs(tmp_path).checkpoints / "1.safetensors"
    description = weights.with_suffix(".json")
    description.write_text(json.dumps(json.loads(description.read_text()) | {"search": learned}))
    PersonIndex.open(tmp_path).close()
    assert main(["search", "hair", "--checkpoint", str(weights), "--home", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith(f"Error: {sentence.format(json=description)}")


def test_nothing_is_deleted_where_one_of_several_is_unknown(rendered_gallery: RenderedGallery, capsys: Capture) -> None:
    image = next(rendered_gallery.folder.iterdir())
    command = ["delete", "--image", str(image), "--image", "nowhere.jpg", "--home", str(rendered_gallery.home)]
    assert main(command) == 1
    assert main(["delete", "--image", str(image), "--person", "999999", "--home", str(rendered_gallery.home)]) == 1
    assert main(["status", "--json", "--home", str(rendered_gallery.home)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["people"] == sum(map(len, rendered_gallery.parser.truth.values()))


def test_a_store_of_a_newer_program_is_left_as_it_is(
    rendered_gallery: RenderedGallery, capsys: Capture, tmp_path: Path
) -> None:
    home = shutil.copytree(rendered_gallery.home, tmp_path / "newer")
    with closing(sqlite3.connect(home / "signalement.sqlite")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = (home / "signalement.sqlite").read_bytes()
    for command in (["search", "hat"], ["status"], ["delete", "--person", "1"], ["ingest", "tests"], ["ui"]):
        assert main([*command, "--home", str(home)]) == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        assert "has schema 9999" in captured.err
        assert len(captured.err.splitlines()) == 1
    assert (home / "signalement.sqlite").read_bytes() == before


def test_a_port_that_is_taken_is_said_to_be(tmp_path: Path, capsys: Capture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["ui", "--address", "127.0.0.1", "--port", port, "--home", str(tmp_path)]) == 1
    assert f"expected a free port of this computer, but 127.0.0.1:{port} cannot be used" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        ["status"],
        ["search", "hat"],
        ["reindex"],
        ["generations"],
        ["delete", "--person", "1"],
        ["export", "hat", "--output", "hats.csv"],
        ["status", "--database", "sqlite:///nowhere.sqlite"],
    ],
)
def test_a_home_that_is_mistyped_is_said_to_be_and_not_made(
    command: list[str], tmp_path: Path, capsys: Capture
) -> None:
    home = tmp_path / "mistyped"
    assert main([*command, "--home", str(home)]) == 1
    missing = "nowhere.sqlite" if "--database" in command else home / "signalement.sqlite"
    assert capsys.readouterr().err == (
        f"Error: expected a store, but there is no {missing}; correct --home or --database, "
        "or make one with python -m app ingest PATH\n"
    )
    assert not home.exists()
    assert not Path("nowhere.sqlite").exists()


def test_progress_is_in_images_a_second_however_slow() -> None:
    script = (
        "from app.__main__ import main; main(['explain', 'hat']); from tqdm import tqdm\n"
        "bar = tqdm(total=9, unit='image'); bar.start_t -= 100; bar.n = 5; print(bar)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "5/9 [01:40<01:20,  0.05image/s]" in done.stdout


def test_overlays_lie_to_each_other_as_the_images_do(tmp_path: Path) -> None:
    images = [tmp_path / "a" / "x.jpg", tmp_path / "b" / "x.jpg", tmp_path / "b" / "c" / "y.jpg"]
    out = tmp_path / "out"
    assert _folders(images, out) == [out / "a", out / "b", out / "b" / "c"]
    assert _folders(images[:1], out) == [out]


def test_export_writes_a_table(rendered_gallery: RenderedGallery, tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "hats.csv"
    assert main(["export", "hair", "--output", str(file), "--home", str(rendered_gallery.home)]) == 0
    assert file.read_text().startswith("rank,person_id,image")
    people = len(file.read_text().splitlines()) - 1
    assert capsys.readouterr().err == f"wrote {people} people to {file}\n"


def test_an_export_that_fails_leaves_what_was_there(rendered_gallery: RenderedGallery, tmp_path: Path) -> None:
    file = tmp_path / "hats.csv"
    file.write_text("before")
    home = ["--home", str(rendered_gallery.home)]
    assert main(["export", "gallery:nowhere", "--output", str(file), *home]) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["hats.csv"]
    assert file.read_text() == "before"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["search", "   "], "expected a description"),
        (["search", "tall man"], "expected something that labels can express"),
        (["search", "hat", "--limit", "-1"], "argument --limit: expected a number of 0 or more, got '-1'"),
        (["search", "hat", "--limit", "1_0"], "expected a number of 0 or more, got '1_0'"),
        (["search", "hat", "--limit", " 3"], "expected a number of 0 or more, got ' 3'"),
        (["search", "hat", "--limit", "٣"], "expected a number of 0 or more, got '٣'"),
        (["explain", ""], "expected a description"),
        (["delete"], "expected what to delete"),
        (["delete", "--gallery", "nowhere"], "expected"),
        (["delete", "--person", "99999999999999999999"], "expected a number of 1 or more, got '99999999999999999999'"),
        (["alike", "1", "--limit", "0"], "expected a number of 1 or more, got '0'"),
        (["delete", "--before", "yesterday"], "expected a day such as 2024-06-30, got 'yesterday'"),
        (["generations", "--rollback"], "expected a previous generation to go back to, but there is none"),
        (["generations", "--use", "7"], "expected a generation of the store (none yet), got 7; choose one"),
        (["delete", "--image", "nowhere.jpg"], "expected the path of an ingested image"),
        (["delete", "--image", ""], "argument --image: expected a path, got ''"),
        (["parse", "nowhere.jpg", "--overlay", ""], "argument --overlay: expected a path, got ''"),
        (["status", "--home", ""], "argument --home: expected a path, got ''"),
        (["parse", "nowhere.jpg"], "cannot read nowhere.jpg"),
        (["parse", __file__], "expected an image"),
        (["parse", "tests"], "expected an image, but tests is a folder"),
        (["ingest", ""], "argument PATH: expected a path, got ''"),
        (["ingest", "nowhere"], "expected a photograph or a folder, but nowhere does not exist"),
        (["ingest", "tests", "--gallery", " "], "argument --gallery: expected a name"),
        (["ingest", "tests", "--checkpoint", "nowhere.safetensors"], "no checkpoint at nowhere.safetensors"),
        (
            ["search", "hat", "--checkpoint", "nowhere.safetensors"],
            "no checkpoint at nowhere.safetensors; make one with",
        ),
        (["export", "hat", "--output", "hats.exe"], "expected an export as one of csv, json, zip, got 'exe'"),
        (["export", "hat", "--output", "nowhere/hats.csv"], "cannot write to nowhere/hats.csv"),
        (["export", "hat", "--output", ""], "argument --output: expected a path, got ''"),
        (["export", "hat", "--output", "."], "expected an export as one of csv, json, zip, got ''"),
        (["export", " ", "--output", "hats.csv"], "expected a description"),
        (["search"], "arguments are required: TEXT"),
        (["search", "hat", "--bogus"], "unrecognized arguments: --bogus"),
        (["search", "hat", "--mode", "best"], "invalid choice: 'best'"),
        (["search", "hat", "--limit", "many"], "expected a number of 0 or more, got 'many'"),
        (["dance"], "invalid choice: 'dance'"),
        (["ui", "--port", "99999"], "expected a port from 1 to 65535, got 99999"),
        (
            ["ui", "--address", "nohost.invalid"],
            "expected a free port of this computer, but nohost.invalid cannot be used",
        ),
        (
            ["status", "--database", "sqlite://"],
            "database URL must name a file, such as sqlite:///FILE, got 'sqlite://'",
        ),
        (["ingest", "tests", "--database", "sqlite:///:memory:"], "database URL must name a file"),
        (["status", "--database", "mongodb://here"], "database URL must look like"),
    ],
)
def test_a_mistake_gets_one_sentence_and_exit_code_1(
    arguments: list[str], sentence: str, tmp_path: Path, capsys: Capture
) -> None:
    PersonIndex.open(tmp_path).close()
    assert main([*arguments, "--home", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("Error: ")
    assert sentence in captured.err
    assert len(captured.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ('explain "red coat" > /dev/full', "cannot write to standard output (No space left on device); choose another"),
        ('explain "red coat" --json >&-', "expected a standard output, but it is closed"),
        ("explain - <&-", "expected one text a line on standard input, but it is closed"),
    ],
)
def test_what_cannot_be_read_or_printed_is_one_sentence(command: str, sentence: str) -> None:
    done = subprocess.run(f"{sys.executable} -m app {command}", shell=True, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: {sentence}")
    assert len(done.stderr.splitlines()) == 1


def test_a_reader_who_has_had_enough_is_no_error() -> None:
    command = f"yes hat | head -n 2000 | {sys.executable} -m app explain - | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("query: hat\n", "")


def test_a_name_with_a_line_break_stays_on_its_line(tmp_path: Path, capsys: Capture) -> None:
    with PersonIndex.open(tmp_path) as index:
        images = [new_image("a\nb.jpg", "Red"), new_image("c.jpg", "Red")]
        index.add(images, gallery="g", checkpoint_hash="c1")
    for command in (["search", "red coat"], ["alike", "2"]):
        assert main([*command, "--home", str(tmp_path)]) == 0
        assert [line for line in capsys.readouterr().out.splitlines() if line.endswith(" a\\nb.jpg")]
    assert main(["parse", "no\nwhere.jpg"]) == 1
    assert capsys.readouterr().err.startswith("Error: cannot read no\\nwhere.jpg")


def test_a_name_that_is_no_utf8_is_the_same_in_every_document(tmp_path: Path, capsys: Capture) -> None:
    place = make_inputs(tmp_path)
    photo = (place.photographs / "0.png").rename(place.photographs / os.fsdecode(b"\xff.png"))
    broken = place.photographs / os.fsdecode(b"\xfe.png")
    broken.write_text("no photograph")
    checkpoint = str(place.checkpoints / "1.safetensors")
    assert main(["parse", str(photo), str(broken), "--checkpoint", checkpoint, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["images"][0]["path"] == str(place.photographs / r"\xff.png")
    (failure,) = document["failures"]
    assert failure["path"] == str(place.photographs / r"\xfe.png")
    assert failure["reason"].startswith(f"expected an image, but {failure['path']} is not one of")


def test_no_store_is_made_for_photographs_that_are_not_there(tmp_path: Path, capsys: Capture) -> None:
    assert main(["ingest", "nowhere", "--home", str(tmp_path / "new")]) == 1
    assert "but nowhere does not exist" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_photographs_are_parsed_anew_and_the_old_generation_is_a_command_away(tmp_path: Path, capsys: Capture) -> None:
    place = make_inputs(tmp_path)
    first, second = (["--checkpoint", str(place.checkpoints / f"{number}.safetensors")] for number in (1, 2))
    home = ["--home", str(place.home), "--json"]
    assert main(["ingest", str(place.photographs), *first, *home]) == 0
    assert main(["ingest", str(place.photographs), *second, *home[:2]]) == 0
    assert "cannot be searched for yet: they were found by another checkpoint" in capsys.readouterr().out
    assert main(["reindex", "--parse", *second, *home]) == 0
    capsys.readouterr()
    assert main(["generations", *home]) == 0
    assert [one["live"] for one in json.loads(capsys.readouterr().out)] == [False, True]
    assert main(["generations", "--rollback", *home]) == 0
    assert [one["live"] for one in json.loads(capsys.readouterr().out)] == [True, False]
    assert main(["generations", "--use", "2", *home]) == 0
    assert [one["live"] for one in json.loads(capsys.readouterr().out)] == [False, True]
    assert main(["generations", "--discard", "2", *home]) == 1
    assert "expected a generation that is not searched, got 2, which is" in capsys.readouterr().err
    assert main(["generations", "--discard", "1", *home]) == 0
    assert [one["id"] for one in json.loads(capsys.readouterr().out)] == [2]
    assert main(["delete", "--before", "2999-01-01", *home]) == 0
    assert json.loads(capsys.readouterr().out)["people"] > 0


def test_photographs_that_are_gone_are_named_before_all_are_parsed_anew(tmp_path: Path, capsys: Capture) -> None:
    place = make_inputs(tmp_path)
    first, second = (["--checkpoint", str(place.checkpoints / f"{number}.safetensors")] for number in (1, 2))
    home = ["--home", str(place.home), "--json"]
    assert main(["ingest", str(place.photographs), *first, *home]) == 0
    lost, damaged = place.photographs / "0.png", place.photographs / "1.png"
    lost.unlink()
    assert main(["reindex", "--parse", *second, *home]) == 1
    assert f"but 1 cannot be found: {lost}; put them back, or forget each with" in capsys.readouterr().err
    assert main(["delete", "--image", str(lost), *home]) == 0
    damaged.write_text("no photograph")
    assert main(["reindex", "--parse", *second, *home]) == 1
    assert f"left out {damaged}: " in capsys.readouterr().err
    assert main(["delete", "--image", str(damaged), *home]) == 0
    assert main(["reindex", "--parse", *second, *home]) == 0


@pytest.mark.parametrize("by", ["appearance", "clothes"])
def test_people_who_look_alike_are_found(by: str, tmp_path: Path, capsys: Capture) -> None:
    with PersonIndex.open(tmp_path) as index:
        images = [new_image("a.jpg", "Red", "Blue"), new_image("b.jpg", "Red", "Brown")]
        index.add(images, gallery="g", checkpoint_hash="c1")
    arguments = ["alike", "1", "--by", by, "--limit", "2", "--home", str(tmp_path)]
    assert main([*arguments, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["person_id"], document["by"], document["matches"][0]["person_id"]) == (1, by, 3)  # also in red
    first, second = (match["similarity"] for match in document["matches"])
    assert first > second
    assert main(arguments) == 0
    assert capsys.readouterr().out.startswith("rank alike")


def test_somebody_unknown_is_like_nobody(rendered_gallery: RenderedGallery, capsys: Capture) -> None:
    assert main(["alike", "999999", "--home", str(rendered_gallery.home)]) == 1
    assert "no person 999999" in capsys.readouterr().err
