import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from app.__main__ import main
from app.uploads import gallery_folder, receive
from index.jobs import Jobs
from index.person_index import PersonIndex
from tests.index_crashes import make_inputs

Capture = pytest.CaptureFixture[str]


def packed(members: Mapping[str, bytes]) -> io.BytesIO:
    """A ZIP archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_same_file_again_is_kept_once_and_another_of_its_name_beside_it(tmp_path: Path) -> None:
    first = receive([("a.jpg", io.BytesIO(b"one")), ("a.jpg", io.BytesIO(b"one"))], tmp_path)
    assert (first.new, first.known, first.failures) == ([tmp_path / "a.jpg"], [tmp_path / "a.jpg"], [])
    (other,) = receive([("a.jpg", io.BytesIO(b"two"))], tmp_path).new
    assert receive([("a.jpg", io.BytesIO(b"two"))], tmp_path).known == [other]
    assert [path.read_bytes() for path in (tmp_path / "a.jpg", other)] == [b"one", b"two"]
    assert len(names(tmp_path)) == 2


def test_an_archive_is_unpacked_without_its_hidden_files_and_never_outside(tmp_path: Path) -> None:
    archive = packed(
        {"day/a.jpg": b"1", "night/a.jpg": b"2", "../../up.jpg": b"3", "__MACOSX/day/._a.jpg": b"4", "day/.b.jpg": b"5"}
    )
    received = receive([("trip.ZIP", archive)], tmp_path / "home" / "uploads")
    assert names(tmp_path / "home" / "uploads") == ["day-a.jpg", "night-a.jpg", "up.jpg"]
    assert len(received.new) == 3
    assert names(tmp_path) == ["home"]


def test_what_cannot_be_unpacked_is_named_and_stops_nothing(tmp_path: Path) -> None:
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w") as plain:
        plain.writestr("bad.jpg", b"x" * 100)
        plain.writestr("good.jpg", b"good")
    spoiled = stored.getvalue().replace(b"x" * 100, b"y" * 100)
    files = [("spoiled.zip", io.BytesIO(spoiled)), ("none.zip", io.BytesIO(b"text")), ("last.jpg", io.BytesIO(b"last"))]
    received = receive(files, tmp_path)
    assert names(tmp_path) == ["good.jpg", "last.jpg"]
    assert [name for name, _ in received.failures] == ["spoiled.zip/bad.jpg", "none.zip"]
    assert [reason.split(" ")[0] for _, reason in received.failures] == ["cannot", "expected"]


@pytest.mark.parametrize(
    ("name", "kept"),
    [("../evil.jpg", "evil.jpg"), (".hidden.jpg", "hidden.jpg"), ("..", "photograph"), ("é" * 300 + ".jpg", None)],
)
def test_any_name_becomes_a_file_of_the_folder(name: str, kept: str | None, tmp_path: Path) -> None:
    (path,) = receive([(name, io.BytesIO(b"photograph"))], tmp_path / "folder").new
    assert path.parent == tmp_path / "folder"
    assert path.read_bytes() == b"photograph"
    assert kept in (None, path.name)


@pytest.mark.parametrize(
    ("gallery", "folder"), [("Summer 24", "Summer 24"), ("a/../b", "a%2F..%2Fb"), ("..", "%2E."), (" x ", "x")]
)
def test_a_gallery_has_one_folder_below_the_home(gallery: str, folder: str, tmp_path: Path) -> None:
    assert gallery_folder(tmp_path, gallery) == tmp_path / "uploads" / folder


@pytest.mark.parametrize("gallery", ["  ", "x" * 500])
def test_a_gallery_without_a_usable_name_is_refused(gallery: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected a name"):
        gallery_folder(tmp_path, gallery)


def test_uploads_are_ingested_once_and_deleted_with_their_gallery(tmp_path: Path, capsys: Capture) -> None:
    place = make_inputs(tmp_path)
    folder = gallery_folder(place.home, "trip")
    photographs = {path.name: path.read_bytes() for path in sorted(place.photographs.iterdir())}
    options = ["--home", str(place.home), "--checkpoint", str(place.checkpoints / "1.safetensors"), "--json"]
    for parsed in (len(photographs), 0):
        receive([("photos.zip", packed(photographs)), ("text.jpg", io.BytesIO(b"text"))], folder)
        assert main(["ingest", str(folder), "--gallery", "trip", *options]) == 0
        document = json.loads(capsys.readouterr().out)
        assert document["parsed"] == parsed
        assert [Path(failure["path"]).name for failure in document["failures"]] == ["text.jpg"]
    assert main(["delete", "--image", str(folder / "0.png"), "--home", str(place.home)]) == 0
    assert "0.png" not in names(folder)
    assert len(names(folder)) == len(photographs)
    assert main(["delete", "--gallery", "trip", "--home", str(place.home)]) == 0
    assert names(folder) == []
    assert len(names(place.photographs)) == len(photographs)


def test_a_job_that_cannot_begin_is_told_why(tmp_path: Path, capsys: Capture) -> None:
    place = make_inputs(tmp_path)
    (tmp_path / "empty").mkdir()
    with PersonIndex.open(place.home) as index:
        jobs = Jobs(index.database)
        job_id = jobs.queue(gallery="photographs", paths=(str(tmp_path / "empty"),))
        options = ["--home", str(place.home), "--checkpoint", str(place.checkpoints / "1.safetensors")]
        assert main(["ingest", str(tmp_path / "empty"), "--job", str(job_id), *options]) == 1
        job = jobs.get(job_id)
    assert job.state == "failed"
    assert "there are no files; choose another folder" in job.message
