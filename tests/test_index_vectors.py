"""Vectors: FAISS finds what a plain scan finds, and never answers from a damaged or stale file."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import faiss
import numpy as np
import pytest

from index import likeness, vectors
from index.disk import DiskError
from index.likeness import Likeness, open_vectors, vector_of
from index.person_index import PersonIndex, UnknownPersonError
from index.vectors import (
    VectorFileError,
    VectorIndex,
    _checksum,
    build_vectors,
    load_vectors,
    look,
    save_vectors,
    unit,
    write_engine,
)
from tests.index_samples import new_image


@pytest.fixture
def index(tmp_path: Path) -> Iterator[PersonIndex]:
    with PersonIndex.open(tmp_path) as opened:
        images = [new_image("a.jpg", "Red", "Blue"), new_image("b.jpg", "Red", "Brown"), new_image("c.jpg", "Yellow")]
        opened.add(images, gallery="g", checkpoint_hash="c1")
        yield opened


def random_vectors(count: int, dimensions: int = 16) -> np.ndarray:
    return unit(np.random.default_rng(0).normal(size=(count, dimensions)))


def some_vectors(revision: tuple[int, int]) -> VectorIndex:
    return build_vectors(np.arange(5), random_vectors(5), revision=revision, kind="look")


def nearest(stored: np.ndarray, query: np.ndarray, ids: np.ndarray, limit: int) -> list[int]:
    return ids[np.argsort(-(stored @ query), kind="stable")[:limit]].tolist()


def test_flat_search_is_exact_with_and_without_filter() -> None:
    stored, ids = random_vectors(300), np.arange(300) * 7 + 3
    built = build_vectors(ids, stored)
    assert built.file.recall == 1.0
    found = [one.person_id for one in built.search(stored[5], 10)]
    assert found == nearest(stored, stored[5], ids, 10)
    few = ids[100:110]
    among = [one.person_id for one in built.search(stored[5], 20, among=few)]
    assert among == nearest(stored[100:110], stored[5], few, 20)  # ten, and no padding


def test_ivf_reaches_the_recall_that_it_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "FLAT_LIMIT", 100)
    monkeypatch.setattr(vectors, "TRAINING_POINTS", 39)
    stored, ids = random_vectors(4000), np.arange(4000) + 1
    built = build_vectors(ids, stored.astype(np.float16))
    assert built.file.recall >= vectors.RECALL_WANTED
    queries = random_vectors(4000)[:50]
    hits = [
        set(nearest(stored, query, ids, 10)) & {one.person_id for one in built.search(query, 10)} for query in queries
    ]
    assert np.mean([len(hit) / 10 for hit in hits]) >= 0.93
    assert len(built.search(queries[0], 4000)) == 4000  # though the lists that are probed hold fewer
    few = ids[:20]
    assert {one.person_id for one in built.search(queries[0], 20, among=few)} == set(few.tolist())


def test_an_index_says_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert build_vectors(np.arange(300), random_vectors(300)).name == "Flat"
    monkeypatch.setattr(vectors, "FLAT_LIMIT", 100)
    monkeypatch.setattr(vectors, "TRAINING_POINTS", 39)
    built = build_vectors(np.arange(4000), random_vectors(4000))
    assert built.name.startswith("IVF126 probing ")


@pytest.mark.gpu
def test_a_gpu_finds_the_same_people() -> None:
    if not hasattr(faiss, "StandardGpuResources") or faiss.get_num_gpus() == 0:
        pytest.skip("needs faiss-gpu and a GPU; see requirements-gpu.txt")
    stored, ids = random_vectors(5000), np.arange(5000) * 3 + 1
    built = build_vectors(ids, stored)
    assert built.on_gpu
    assert [one.person_id for one in built.search(stored[7], 20)] == nearest(stored, stored[7], ids, 20)
    few = ids[:30]
    assert {one.person_id for one in built.search(stored[7], 50, among=few)} == set(few.tolist())


def test_more_like_this_and_dressed_like_this(index: PersonIndex) -> None:
    alike = Likeness(index)
    assert alike.more_like(1, 1)[0].person_id == 3  # the other in red
    assert alike.dressed_like(1, 1)[0].person_id == 3
    assert 1 not in [one.person_id for one in alike.dressed_like(1, 10)]
    with pytest.raises(UnknownPersonError, match="has no person 99"):
        alike.more_like(99, 1)


def test_answers_follow_the_store(index: PersonIndex) -> None:
    alike = Likeness(index)
    assert alike.more_like(1, 1)[0].person_id == 3
    index.delete_people([3])
    assert 3 not in [one.person_id for one in alike.more_like(1, 10)]
    index.add([new_image("d.jpg", "Red")], gallery="g", checkpoint_hash="c1")
    assert alike.more_like(1, 1)[0].person_id == 6


def test_an_index_is_read_back_as_written(tmp_path: Path) -> None:
    built = save_vectors(some_vectors((1, 2)), tmp_path)
    loaded = load_vectors(tmp_path, "look", (1, 2))
    assert loaded.file == built.file
    assert loaded.search(random_vectors(5)[2], 5) == built.search(random_vectors(5)[2], 5)


def names(index: PersonIndex) -> list[str]:
    return sorted(path.name for path in index.derived_folder().iterdir())


def test_only_the_newest_files_are_kept(index: PersonIndex) -> None:
    open_vectors(index, "look")
    index.add([new_image("d.jpg", "Red")], gallery="g", checkpoint_hash="c1")
    open_vectors(index, "look")
    assert names(index) == ["look-1-2.faiss", "look-1-2.json"]


def test_whoever_is_added_joins_an_index_of_many(
    index: PersonIndex, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(likeness, "FEW", 0)
    first = open_vectors(index, "look")
    index.add([new_image("d.jpg", "Red")], gallery="g", checkpoint_hash="c1")
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        at_once, from_file = open_vectors(index, "look", first), open_vectors(index, "look")
    assert caplog.text == ""
    for found in (at_once, from_file):
        assert (found.file.revision, found.file.count, found.saved, found.last_id) == ((1, 2), 6, 5, 6)
        own = vector_of(index, "look", 6)
        assert 6 in [one.person_id for one in found.search(own, 3)]
        assert found.search(own, 6) == build_vectors(*index.descriptors(), look).search(own, 6)
    assert names(index) == ["look-1-1.faiss", "look-1-1.json"]


def test_an_index_that_has_grown_much_is_made_anew(index: PersonIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likeness, "FEW", 0)
    first = open_vectors(index, "look")
    index.add([new_image("d.jpg", "Red", "Blue", "Green")], gallery="g", checkpoint_hash="c1")
    assert open_vectors(index, "look", first).saved == 8
    assert names(index) == ["look-1-2.faiss", "look-1-2.json"]


def test_an_index_with_deleted_people_is_not_continued(index: PersonIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likeness, "FEW", 0)
    first = open_vectors(index, "look")
    index.delete_people([3])
    index.add([new_image("d.jpg", "Red")], gallery="g", checkpoint_hash="c1")
    found = open_vectors(index, "look", first)
    assert (found.file.count, found.saved) == (5, 5)
    assert 3 not in [one.person_id for one in found.search(vector_of(index, "look", 1), 10)]


def test_the_file_of_now_is_read_and_not_made_again(index: PersonIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    first = open_vectors(index, "look")
    index.add([new_image("d.jpg", "Red")], gallery="g", checkpoint_hash="c1")
    open_vectors(index, "look")
    monkeypatch.setattr(likeness, "rebuild_vectors", lambda *_: pytest.fail("made again"))
    assert open_vectors(index, "look", first).file.count == 6


class Overtaken(PersonIndex):
    """An index that goes on just when its rows have been read: somebody is added, and another process builds."""

    @contextmanager
    def snapshot(self) -> Iterator[Self]:
        with super().snapshot() as still:
            yield still
        with PersonIndex.open(self.files.home) as other:
            other.add([new_image("later.jpg", "Red")], gallery="g", checkpoint_hash="c1")
            open_vectors(other, "look")


def test_files_built_meanwhile_for_a_later_revision_stay(index: PersonIndex) -> None:
    with Overtaken.open(index.files.home) as slow:
        found = open_vectors(slow, "look")
    assert (found.file.revision, found.engine.ntotal) == ((1, 1), 5)
    assert names(index) == ["look-1-1.faiss", "look-1-1.json", "look-1-2.faiss", "look-1-2.json"]
    assert load_vectors(index.derived_folder(), "look", (1, 2)).file.count == 6


def test_vectors_are_good_though_their_folder_goes_while_they_are_written(
    index: PersonIndex, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def removed(path: Path) -> str:
        shutil.rmtree(path.parent)
        return _checksum(path)

    with monkeypatch.context() as patch:
        patch.setattr(vectors, "_checksum", removed)
        assert open_vectors(index, "look").engine.ntotal == 5
    assert "the look vectors of generation 1 are in memory alone: look-1-1.faiss is missing" in caplog.text
    assert open_vectors(index, "look").engine.ntotal == 5
    assert names(index) == ["look-1-1.faiss", "look-1-1.json"]


def test_a_file_that_vanishes_while_it_is_opened_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_vectors(some_vectors((1, 2)), tmp_path)

    def vanishing(path: Path) -> str:
        found = _checksum(path)
        path.unlink()
        return found

    monkeypatch.setattr(vectors, "_checksum", vanishing)
    for _ in range(2):  # between checksum and FAISS, and before the checksum
        with pytest.raises(VectorFileError, match=r"look-1-2\.faiss is missing"):
            load_vectors(tmp_path, "look", (1, 2))


def test_people_of_another_generation_are_not_compared(index: PersonIndex) -> None:
    index.add([new_image("a.jpg", "Red")], gallery="g", checkpoint_hash="c2")
    expected = "expected a person of generation 1, which is searched, but person 6 is of generation 2; search again"
    with pytest.raises(UnknownPersonError, match=expected):
        Likeness(index).more_like(6, 1)
    assert Likeness(index.of_generation(2)).more_like(6, 1) == []


def flip_a_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("name", "harm", "reason"),
    [
        ("look-*.faiss", flip_a_byte, "is damaged: its checksum differs"),
        ("look-*.faiss", Path.unlink, "is missing"),
        ("look-*.json", Path.unlink, "look-1-1.json is missing"),
        ("look-*.json", lambda path: path.write_text('{"name": '), "look-1-1.json is damaged"),
        ("look-*.json", lambda path: path.write_text('{"revision": [1, 1]}'), "look-1-1.json is damaged"),
    ],
)
def test_harmed_files_are_rebuilt_and_that_is_said(
    index: PersonIndex, caplog: pytest.LogCaptureFixture, name: str, harm: object, reason: str
) -> None:
    good = open_vectors(index, "look")
    (victim,) = index.derived_folder().glob(name)
    harm(victim)
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        again = open_vectors(index, "look")
    assert again.file == good.file
    assert reason in caplog.text
    assert "rebuilding the look vectors of generation 1 from the database" in caplog.text
    caplog.clear()
    open_vectors(index, "look")
    assert caplog.text == ""


def test_stale_files_are_refused(tmp_path: Path) -> None:
    save_vectors(some_vectors((1, 2)), tmp_path)
    (tmp_path / "look-1-2.json").rename(tmp_path / "look-1-3.json")
    with pytest.raises(VectorFileError, match=r"of revision \(1, 2\), the database is at \(1, 3\)"):
        load_vectors(tmp_path, "look", (1, 3))


def test_an_empty_store_has_no_neighbours(tmp_path: Path) -> None:
    with PersonIndex.open(tmp_path) as index:
        assert open_vectors(index, "appearance").search(np.ones(8, np.float32), 5) == []


def test_bad_vectors_are_refused() -> None:
    with pytest.raises(ValueError, match=r"every person id may come once, got \[4\] more often"):
        build_vectors(np.array([4, 4, 5]), random_vectors(3))
    with pytest.raises(ValueError, match=r"vectors must have shape \(2, E\), got \(3, 16\)"):
        build_vectors(np.array([4, 5]), random_vectors(3))
    with pytest.raises(ValueError, match=r"vector must have shape \(16,\), got \(4,\)"):
        build_vectors(np.arange(3), random_vectors(3)).search(np.ones(4, np.float32), 1)


def test_a_full_disk_is_told_by_the_system_and_not_by_faiss() -> None:
    built = build_vectors(np.arange(3000), random_vectors(3000))
    with pytest.raises(OSError, match="No space left on device"):
        vectors.write_engine(built.engine, Path("/dev/full"))


def test_a_disk_that_is_full_for_vectors_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "write_engine", lambda engine, _: write_engine(engine, Path("/dev/full")))
    with pytest.raises(DiskError, match=r"^the disk of .* is full; the records are safe: free some space and do this"):
        save_vectors(build_vectors(np.arange(3), random_vectors(3)), tmp_path)
    assert not list(tmp_path.iterdir())
