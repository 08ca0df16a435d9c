import json
import subprocess
import sys
from pathlib import Path

import pytest
from rendered import RenderedGallery

from app.__main__ import main

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


def test_status_counts(rendered_gallery: RenderedGallery, capsys: Capture) -> None:
    assert main(["status", "--json", "--home", str(rendered_gallery.home)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["galleries"] == {"rendered": len(rendered_gallery.parser.truth)}
    assert document["people"] == sum(map(len, rendered_gallery.parser.truth.values()))


def test_export_writes_a_table(rendered_gallery: RenderedGallery, tmp_path: Path) -> None:
    file = tmp_path / "hats.csv"
    assert main(["export", "hair", "--output", str(file), "--home", str(rendered_gallery.home)]) == 0
    assert file.read_text().startswith("rank,person_id,image")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["search", "   "], "expected a description"),
        (["search", "tall man"], "expected something that labels can express"),
        (["search", "red coat", "--limit", "-1"], "limit and offset must be 0 or more"),
        (["explain", ""], "expected a description"),
        (["delete"], "expected what to delete"),
        (["delete", "--gallery", "nowhere"], "expected"),
        (["delete", "--image", "nowhere.jpg"], "expected the path of an ingested image"),
        (["parse", "nowhere.jpg"], "cannot read nowhere.jpg"),
        (["parse", __file__], "expected"),
        (["ingest", "nowhere", "--checkpoint", "nowhere.safetensors"], "no checkpoint at nowhere.safetensors"),
        (["export", "hat", "--output", "hats.exe"], "an export is one of csv, json, zip"),
        (["status", "--database", "mongodb://here"], "database URL must look like"),
    ],
)
def test_a_mistake_gets_one_sentence_and_exit_code_1(
    arguments: list[str], sentence: str, tmp_path: Path, capsys: Capture
) -> None:
    assert main([*arguments, "--home", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("Error: ")
    assert sentence in captured.err
    assert len(captured.err.splitlines()) == 1
