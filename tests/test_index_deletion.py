"""Deletion: of a deleted image nothing can be found, in any table, file or raw byte, even after a crash."""

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from databases import Postgres
from numpy.typing import NDArray
from sqlalchemy import insert, select, text, update

from index import person_index
from index.files import UPLOADS
from index.ingest import ingest
from index.likeness import Likeness
from index.person_index import PersonIndex, UnknownPersonError
from index.reindex import reindex
from index.tables import Correction, Image
from index.vectors import unit
from parsing.records import ParsedImage
from query.search import Searcher
from query.tree import parse_query
from tests.index_samples import SampleParser, new_image, photograph

SECRET = "a-very-telling-name"


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def traces(folders: Sequence[Path], *needles: bytes) -> list[tuple[Path, bytes]]:
    """Files below folders that hold one of the needles in their bytes or names."""
    return [
        (path, needle)
        for folder in folders
        for path in files_below(folder)
        for needle in needles
        if needle in path.read_bytes() or needle in str(path.relative_to(folder)).encode()
    ]


class DistinctParser(SampleParser):
    """Sees somebody in every image who looks like nobody else: the appearance is made of the image's pixels."""

    def _one(self, image: NDArray[np.uint8], path: Path) -> ParsedImage:
        parsed = super()._one(image, path)
        (somebody,) = parsed.people
        return replace(parsed, people=(replace(somebody, appearance=appearance_of(image)),))


def appearance_of(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    return image[0, :8].reshape(-1).astype(np.float32)


def needles_of(photo: Path) -> dict[str, bytes]:
    """Bytes by which a photograph and its person would be found, in rows, vectors and FAISS files."""
    appearance = appearance_of(np.asarray(PIL.Image.open(photo)))
    return {
        "path": photo.name.encode(),
        "content": hashlib.sha256(photo.read_bytes()).hexdigest().encode(),
        "stored appearance": appearance.astype(np.float16).tobytes(),
        "indexed appearance": unit(appearance[None]).tobytes(),
    }


def by_image(index: PersonIndex, image_id: int, person_id: int) -> int:
    return index.delete_images([image_id])


def by_person(index: PersonIndex, image_id: int, person_id: int) -> int:
    return index.delete_people([person_id])


def by_gallery(index: PersonIndex, image_id: int, person_id: int) -> int:
    return index.delete_gallery("secret")


def by_time(index: PersonIndex, image_id: int, person_id: int) -> int:
    return index.delete_captured_before(datetime(2001, 1, 1))


@pytest.mark.parametrize("delete", [by_image, by_person, by_gallery, by_time])
def test_nothing_of_what_was_deleted_is_left(
    tmp_path: Path, database_url: str | None, request: pytest.FixtureRequest, delete: Callable[..., int]
) -> None:
    home, photos = tmp_path / "home", tmp_path / "photos"
    secret = photograph(photos / "secret" / f"{SECRET}.png", shade=1)
    photograph(photos / "other.png", shade=2)
    folders = [home]
    if database_url:
        folders.append(request.getfixturevalue("postgres").folder_of(database_url))
    with PersonIndex.open(home, database=database_url) as index:
        ingest([secret], DistinctParser(), index, gallery="secret")  # the job's row names the file itself
        ingest([photos / "other.png"], DistinctParser(), index)
        (person_id, other), image_id = index.person_ids().tolist(), index.find_image(secret)
        with index.database.write() as session:
            old = update(Image).where(Image.id == image_id).values(captured_at=datetime(2000, 1, 1))
            session.execute(old)
        with index.database.write() as session:
            session.execute(text("ANALYZE"))  # as servers do by themselves: statistics hold values of the rows
        reindex(index)
        needles = needles_of(secret)
        settle(request, database_url)
        assert {name for name, needle in needles.items() if traces(folders, needle)} == set(needles)  # they do find it

        assert delete(index, image_id, person_id) == 1
        index.vacuum()

        settle(request, database_url)
        left = {"path", "content"} if delete is by_person else set()  # the photograph stays
        assert {name for name, needle in needles.items() if traces(folders, needle)} == left
        assert index.thumbnails.image_path(image_id).exists() == bool(left)
        assert not index.thumbnails.person_path(image_id, person_id).exists()
        assert_nobody_finds(index, person_id, other)
        assert index.generations.verify(1) == []


def assert_nobody_finds(index: PersonIndex, person_id: int, other: int) -> None:
    """Not by id, by label, by vector, by what they wear; with the files as they are, and made again."""
    with pytest.raises(UnknownPersonError):
        index.person(person_id)
    for _ in range(2):
        searcher, likeness = Searcher(index), Likeness(index)
        found = searcher.search(parse_query("coat"), mode="recall")
        assert ([match.person_id for match in found.matches], found.total) == ([other], 1)
        assert (likeness.more_like(other, 10), likeness.dressed_like(other, 10)) == ([], [])
        assert (
            index.person_ids().tolist() == index.descriptors()[0].tolist() == index.appearances()[0].tolist() == [other]
        )
        reindex(index)


def settle(request: pytest.FixtureRequest, database_url: str | None) -> None:
    """Let PostgreSQL write its files, and remove those that it has given up."""
    if database_url:
        request.getfixturevalue("postgres").execute("CHECKPOINT")


def test_statistics_of_tables_that_are_empty_now_quote_nothing(
    tmp_path: Path, postgres: Postgres, postgres_url: str
) -> None:
    photos = [photograph(tmp_path / f"{SECRET}-{number}.png", shade=number) for number in (1, 2)]
    quoted = "SELECT tablename, attname FROM pg_stats WHERE attname IN ('content_hash', 'location', 'appearance')"
    with PersonIndex.open(tmp_path / "home", database=postgres_url) as index:
        ingest(photos, DistinctParser(), index)
        postgres.execute("ANALYZE", url=postgres_url)
        assert set(postgres.execute(quoted, url=postgres_url)) >= {
            ("image", "content_hash"),
            ("image_file", "location"),
            ("person_vector_1", "appearance"),
        }
        index.delete_images([1, 2])
        index.vacuum()
        postgres.execute("CHECKPOINT")
        assert postgres.execute(quoted, url=postgres_url) == []
        assert traces([postgres.folder_of(postgres_url)], *needles_of(photos[0]).values()) == []
        (added,) = index.add([new_image("a.jpg", "Red")], gallery="g", checkpoint_hash="c1")
        assert index.people(added.person_ids)[0].image_path == Path("a.jpg")


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


def upload(home: Path, name: str, *, shade: int = 1) -> Path:
    return photograph(home / UPLOADS / "g" / name, shade=shade)


def test_uploads_that_a_crash_left_go_when_the_store_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photo, bad = upload(tmp_path, "a.png"), tmp_path / UPLOADS / "g" / "bad.jpg"
    bad.write_text("no image")
    own = photograph(tmp_path / "photos" / "b.png", shade=2)
    with PersonIndex.open(tmp_path) as index:
        ingest([photo.parent, own], SampleParser(), index, gallery="g")
        with monkeypatch.context() as patch:
            patch.setattr(person_index, "sweep", lambda database, files: None)  # killed after the commit
            index.delete_gallery("g")
        assert photo.exists()
        assert bad.exists()
    with PersonIndex.open(tmp_path):
        assert files_below(tmp_path / UPLOADS) == []
        assert own.exists()


def test_an_upload_stays_as_long_as_another_gallery_has_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    photo = upload(home, "a.png")
    link = tmp_path / "link"
    link.symlink_to(home, target_is_directory=True)  # the page names uploads by where links lead
    with PersonIndex.open(link) as index:
        ingest([photo], SampleParser(), index, gallery="g")
        ingest([link / UPLOADS / "g" / "a.png"], SampleParser(), index, gallery="h")
        index.delete_gallery("g")
        assert photo.exists()
        index.delete_images([1])
        assert not photo.exists()


def test_corrections_of_a_person_go_with_the_person_and_others_stay(tmp_path: Path) -> None:
    with PersonIndex.open(tmp_path) as index:
        index.add([new_image("a.jpg", "Red", "Blue")], gallery="g", checkpoint_hash="c1")
        boxes = [list(one.person.box_xyxy) for one in index.people([1, 2])]
        label = {"image_id": 1, "attribute": "Coat", "task": "color", "label": "Pink"}
        with index.database.write() as session:
            session.execute(insert(Correction), [{**label, "box_xyxy": box} for box in boxes])
        index.delete_people([1])
        with index.database.read() as session:
            assert session.scalars(select(Correction.box_xyxy)).all() == [boxes[1]]


def test_deleting_a_gallery_takes_its_jobs_and_quarantine_along(tmp_path: Path) -> None:
    photos = tmp_path / SECRET
    photograph(photos / "a.png")
    (photos / "bad.jpg").write_text("no image")
    with PersonIndex.open(tmp_path / "home") as index:
        ingest([photos], SampleParser(), index, gallery="mine")
        assert [Path(SECRET, "bad.jpg")] == [Path(*one.path.parts[-2:]) for one in index.quarantined()]
        assert index.delete_gallery("mine") == 1
        index.vacuum()
        assert (index.status().galleries, index.quarantined()) == ({}, [])
    assert traces([tmp_path / "home"], SECRET.encode()) == []


def test_a_person_deleted_alone_leaves_no_crop(tmp_path: Path) -> None:
    with PersonIndex.open(tmp_path) as index:
        image = new_image("a.jpg", "Red", "Blue")
        (added,) = index.add([replace(image, camera="Acme")], gallery="g", checkpoint_hash="c1")
        boxes = dict(zip(added.person_ids, [one.box_xyxy for one in image.parsed.people], strict=True))
        index.thumbnails.write(added.image_id, np.zeros((64, 48, 3), np.uint8), boxes)
        index.delete_people([1])
        assert not index.thumbnails.person_path(1, 1).exists()
        assert index.thumbnails.person_path(1, 2).exists()
