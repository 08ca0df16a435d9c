import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from rendered import RenderedGallery

from app.__main__ import main
from app.config import AppConfig
from app.corrections import correct, corrections_of
from app.garments import garments_of
from app.screens.person_view import person_view
from app.workspace import Workspace, open_workspace
from index.person_index import StoredPerson
from parsing.labels import IGNORE, label_id
from training.ccihp import CCIHPDataset

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def workspace(rendered_gallery: RenderedGallery, tmp_path: Path) -> Workspace:
    """A store of its own, to be changed."""
    return open_workspace(AppConfig(home=shutil.copytree(rendered_gallery.home, tmp_path / "home")))


@pytest.fixture
def stored(workspace: Workspace) -> StoredPerson:
    """Somebody who wears shoes."""
    return next(
        stored
        for stored in workspace.index.people(workspace.index.person_ids())
        if {"L-shoe", "R-shoe", "Hair"} <= {record.attribute for record in stored.person.attributes}
    )


def labels(workspace: Workspace, stored: StoredPerson) -> list[tuple[str, str, str]]:
    return [(row.attribute, row.task, row.label) for row in corrections_of(workspace.index, stored)]


def test_both_shoes_are_corrected_and_a_later_correction_replaces(workspace: Workspace, stored: StoredPerson) -> None:
    for color in ("Red", "Purple"):
        correct(workspace.index, stored, group="Shoes", task="color", label=color)
    correct(workspace.index, stored, group="Hair", task="size", label="Sparse/bald")
    assert labels(workspace, stored) == [
        ("L-shoe", "color", "Purple"),
        ("R-shoe", "color", "Purple"),
        ("Hair", "size", "Sparse/bald"),
    ]
    others = workspace.index.people_of_image(stored.image_id)
    assert [labels(workspace, other) for other in others if other.person_id != stored.person_id] == [[]] * (
        len(others) - 1
    )
    view = person_view(stored.person_id, workspace, None)
    shown = {row["group"]: row["corrected"] for row in view["attributes"] if row["corrected"]}
    assert shown == {
        "Shoes": {"color": {"label": "Purple", "words": "purple"}},
        "Hair": {"size": {"label": "Sparse/bald", "words": "sparse"}},
    }
    assert json.loads(json.dumps(view))["choices"]["color"][0] == ["Dark", "dark"]


def test_a_corrected_name_is_written_like_the_others(workspace: Workspace, stored: StoredPerson) -> None:
    correct(workspace.index, stored, group="Shoes", task="attribute", label="Socks")
    rows = {row["group"]: row for row in person_view(stored.person_id, workspace, None)["attributes"]}
    assert rows["Shoes"]["corrected"] == {"attribute": {"label": "Socks", "words": "Socks"}}


@pytest.mark.parametrize(("task", "wrong"), [("attribute", "Socks"), ("color", "Pink"), ("size", "Sparse/bald")])
def test_the_label_that_was_seen_takes_a_correction_back(
    task: str, wrong: str, workspace: Workspace, stored: StoredPerson
) -> None:
    won = garments_of(stored.person)["Shoes"].winner(task)
    correct(workspace.index, stored, group="Hair", task="color", label="Pink")
    correct(workspace.index, stored, group="Shoes", task=task, label=wrong)
    assert len(labels(workspace, stored)) == 3
    correct(workspace.index, stored, group="Shoes", task=task, label=won[0] if won else "Shoes")
    assert labels(workspace, stored) == [("Hair", "color", "Pink")]


@pytest.mark.parametrize(
    ("group", "task", "label", "sentence"),
    [
        ("Hair", "color", "Mauve", "color 'Mauve' is not a CCIHP label"),
        ("Face", "color", "Red", "expected clothes or hair that person"),
        ("Nonsense", "color", "Red", "expected clothes or hair that person"),
    ],
)
def test_what_cannot_be_corrected_is_refused(
    group: str, task: str, label: str, sentence: str, workspace: Workspace, stored: StoredPerson
) -> None:
    with pytest.raises(ValueError, match=sentence):
        correct(workspace.index, stored, group=group, task=task, label=label)
    assert labels(workspace, stored) == []


def test_corrections_of_a_deleted_person_go_too(workspace: Workspace, stored: StoredPerson) -> None:
    correct(workspace.index, stored, group="Hair", task="color", label="Pink")
    assert main(["delete", "--person", str(stored.person_id), "--home", str(workspace.config.home)]) == 0
    assert labels(workspace, stored) == []


def test_corrections_become_a_data_set_that_training_reads(
    workspace: Workspace, stored: StoredPerson, tmp_path: Path, capsys: Capture
) -> None:
    correct(workspace.index, stored, group="Hair", task="color", label="Pink")
    correct(workspace.index, stored, group="Shoes", task="attribute", label="Socks")
    out = tmp_path / "corrected"
    assert main(["corrections", "--output", str(out), "--json", "--home", str(workspace.config.home)]) == 0
    assert json.loads(capsys.readouterr().out) == {"photographs": 1, "labels": 3, "left_out": 0}
    (sample,) = CCIHPDataset(out).samples("train")
    regions = {record.attribute: record.mask.decode() for record in stored.person.attributes}
    expected = np.full((stored.height, stored.width), IGNORE)
    expected[regions["Hair"]] = label_id("color", "Pink")
    np.testing.assert_array_equal(sample.tasks["color"], expected)
    expected[regions["Hair"]] = label_id("attribute", "Hair")
    expected[regions["L-shoe"] | regions["R-shoe"]] = label_id("attribute", "Socks")
    np.testing.assert_array_equal(sample.tasks["attribute"], expected)
    np.testing.assert_array_equal(sample.human == 1, stored.person.mask.decode())
    assert set(np.unique(sample.human)) == {1, IGNORE}
    assert not sample.everyone


def test_no_corrections_are_said_to_be_none(workspace: Workspace, tmp_path: Path, capsys: Capture) -> None:
    assert main(["corrections", "--output", str(tmp_path / "out"), "--home", str(workspace.config.home)]) == 1
    assert capsys.readouterr().err.startswith("Error: expected corrected people to write, got none")
    assert not (tmp_path / "out").exists()
