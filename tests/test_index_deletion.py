"""Deletion: of a deleted image nothing can be found, in any table, file or raw byte, even after a crash."""

import hashlib
import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from index import person_index
from index.ingest import ingest
from index.person_index import PersonIndex
from index.reindex import reindex
from index.vectors import Likeness
from tests.index_samples import SampleParser, new_image, photograph

SECRET = "a-very-telling-name"


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def traces(home: Path, *needles: bytes) -> list[tuple[Path, bytes]]:
    """Files below `home` that hold one of the needles in their bytes or names."""
    return [
        (path, needle)
        for path in files_below(home)
        for needle in needles
        if needle in path.read_bytes() or needle in str(path.relative_to(home)).encode()
    ]


def test_nothing_of_a_deleted_image_is_left(tmp_path: Path) -> None:
    home, photos = tmp_path / "home", tmp_path / "photos"
    secret = photograph(photos / f"{SECRET}.png", shade=1)
    photograph(photos / "other.png", shade=2)
    with PersonIndex.open(home) as index:
        ingest([secret], SampleParser(), index)  # the job's row names the file itself
        ingest([photos], SampleParser(), index)
        reindex(index)
        image_id = index.find_image(secret)
        person_id = index.people_of_image(image_id)[0].person_id
        content_hash = hashlib.sha256(secret.read_bytes()).hexdigest()
        needles = (SECRET.encode(), content_hash.encode())
        assert {needle for _, needle in traces(home, *needles)} == set(needles)  # the search does find them

        index.delete_images([image_id])
        index.vacuum()

        assert traces(home, *needles) == []
        assert not index.thumbnails.image_path(image_id).exists()
        assert not index.thumbnails.person_path(image_id, person_id).exists()
        assert person_id not in index.descriptors()[0]
        assert person_id not in index.appearances()[0]
        assert index.galleries() == {"photographs": 1}
        left = index.person_ids().tolist()
        assert [neighbour.person_id for neighbour in Likeness(index).more_like(left[0], 10)] == []
        assert index.generations.verify(1) == []


def test_no_table_keeps_a_row_of_a_deleted_image(tmp_path: Path) -> None:
    with PersonIndex.open(tmp_path) as index:
        index.add([new_image("a.jpg", "Red", "Blue")], gallery="g", checkpoint_hash="c1")
        index.add([new_image("a.jpg", "Red")], gallery="g", checkpoint_hash="c2")
        index.delete_images([1])
    connection = sqlite3.connect(tmp_path / "signalement.sqlite")
    for table in ("image", "image_file", "parse", "person", "person_vector", "characterized_attribute", "doomed_file"):
        assert connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone() == (0,), table
    assert connection.execute("SELECT images, people FROM generation").fetchall() == [(0, 0), (0, 0)]
    connection.close()


def test_files_that_a_crash_left_go_when_the_store_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with PersonIndex.open(tmp_path) as index:
        (added,) = index.add([new_image("a.jpg", "Red")], gallery="g", checkpoint_hash="c1")
        index.thumbnails.write(added.image_id, np.zeros((64, 48, 3), np.uint8), {1: (0, 0, 20, 60)})
        reindex(index)
        with monkeypatch.context() as patch:
            patch.setattr(person_index, "sweep", lambda database, files: None)  # killed after the commit
            index.delete_images([1])
        assert files_below(tmp_path / "thumbnails")
    with PersonIndex.open(tmp_path):
        assert files_below(tmp_path / "thumbnails") == files_below(tmp_path / "vectors") == []


def test_deleting_a_gallery_takes_its_jobs_and_quarantine_along(tmp_path: Path) -> None:
    photos = tmp_path / SECRET
    photograph(photos / "a.png")
    (photos / "bad.jpg").write_text("no image")
    with PersonIndex.open(tmp_path / "home") as index:
        ingest([photos], SampleParser(), index, gallery="mine")
        assert [Path(SECRET, "bad.jpg")] == [Path(*one.path.parts[-2:]) for one in index.quarantined()]
        assert index.delete_gallery("mine") == 1
        index.vacuum()
        assert (index.galleries(), index.quarantined()) == ({}, [])
    assert traces(tmp_path / "home", SECRET.encode()) == []


def test_a_person_deleted_alone_leaves_no_crop(tmp_path: Path) -> None:
    with PersonIndex.open(tmp_path) as index:
        image = new_image("a.jpg", "Red", "Blue")
        (added,) = index.add([replace(image, camera="Acme")], gallery="g", checkpoint_hash="c1")
        boxes = dict(zip(added.person_ids, [one.box_xyxy for one in image.parsed.people], strict=True))
        index.thumbnails.write(added.image_id, np.zeros((64, 48, 3), np.uint8), boxes)
        index.delete_people([1])
        assert not index.thumbnails.person_path(1, 1).exists()
        assert index.thumbnails.person_path(1, 2).exists()
