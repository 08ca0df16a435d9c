from collections.abc import Iterator
from pathlib import Path

import pytest

from app import commands
from app.__main__ import main
from app.config import AppConfig
from app.screens.person_view import person_view
from app.workspace import Workspace, open_workspace
from tests.index_samples import SampleParser, new_image, photograph


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Twenty people in red in one photograph, one more in each of two others, and one in blue."""
    opened = open_workspace(AppConfig(home=tmp_path))
    images = [new_image("a.jpg", *["Red"] * 20), new_image("b.jpg", "Red", "Blue"), new_image("c.jpg", "Red")]
    opened.index.add(images, gallery="g", checkpoint_hash="c1")
    yield opened
    opened.index.close()


def test_people_of_other_photographs_who_look_alike_are_shown(workspace: Workspace) -> None:
    alike = person_view(1, workspace, None)["alike"]
    assert sorted(one["person_id"] for one in alike) == [21, 23]  # and nobody in blue
    assert all(one["similarity"] == pytest.approx(1) for one in alike)
    assert all(str(one["person_id"]) in one["crop"] for one in alike)


def test_an_ingest_leaves_the_search_files_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "_human_parser", lambda config: SampleParser())
    photograph(tmp_path / "photographs" / "a.jpg")
    home = tmp_path / "home"
    assert main(["ingest", str(tmp_path / "photographs"), "--home", str(home)]) == 0
    kinds = {path.name.split("-")[0] for path in (home / "vectors").rglob("*.*")}
    assert kinds == {"appearance", "columns"}
