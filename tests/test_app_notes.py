from pathlib import Path

import pytest

from app.screens.notes import SHOWN, error_note, job_note, quarantine_table
from index.person_index import QuarantinedFile

HOME = Path("/srv/home")
ODD = "zero_*b*_$x$ <i>:smile: -> [a](b)"


@pytest.mark.parametrize("markup", [error_note(ODD), job_note(ODD, "running"), job_note("trip", ODD)])
def test_names_are_shown_as_they_are(markup: str) -> None:
    assert ODD.replace("<", "&lt;").replace(">", "&gt;") in markup


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/photos/2024/text.jpg", "in /photos/2024"),
        ("/srv/home/uploads/caf%C3%A9 %2A/text.jpg", "uploaded to café *"),
    ],
)
def test_the_reason_comes_first_and_the_path_last(path: str, place: str) -> None:
    file = QuarantinedFile(Path(path), "g", f"expected an image, but {path} is empty; copy the file again")
    reason, where = "expected an image, but it is empty; copy the file again", f"<summary>text.jpg</summary>{place}"
    assert f"<td>{reason}</td><td><details>{where}</details></td>" in quarantine_table([file], HOME)


def test_of_very_many_files_the_rest_is_counted() -> None:
    table = quarantine_table([QuarantinedFile(Path("/a/b.jpg"), "g", "empty")] * (SHOWN + 2), HOME)
    assert table.count("<details>") == SHOWN
    assert "and 2 more files" in table
