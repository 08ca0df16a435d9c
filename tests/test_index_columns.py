"""Tests of the column store: the same numbers come back, and no damaged or stale file is ever read."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from numpy.typing import NDArray

from index.columns import (
    SCALE,
    ColumnsError,
    ColumnStore,
    Facts,
    Rows,
    build_columns,
    open_columns,
    open_current,
    pack,
    write_columns,
    write_rows,
)
from index.descriptor import DIMENSIONS, FLOOR, column, winners
from index.disk import DiskError

IDS = np.array([30, 10, 20])


def some_facts(count: int = 3) -> Facts:
    return Facts(
        image_ids=np.arange(count, dtype=np.int64) + 100,
        captured_at=np.array(["2026-05-01T08:00:00", "NaT", "2026-05-02T09:30:00"] * count, "datetime64[s]")[:count],
        camera=np.array([0, -1, 1] * count, np.int32)[:count],
        camera_names=("front door", "yard"),
        people=np.array([2, 2, 1] * count, np.int32)[:count],
        galleries={"north": np.array([True, False, True] * count, bool)[:count], "south": np.ones(count, bool)},
    )


def some_descriptors(count: int = 3, seed: int = 0) -> NDArray[np.float16]:
    return np.random.default_rng(seed).uniform(np.log(FLOOR), 0, (count, DIMENSIONS)).astype(np.float16)


class Index:
    """People in memory, with a revision that the test sets."""

    def __init__(self, folder: Path, count: int = 3, revision: int = 1, rewritten: int | None = None) -> None:
        self.folder = folder
        self.number = revision
        self.count = count
        self.since = revision if rewritten is None else rewritten
        self.read: list[int] = []

    def revision(self) -> int:
        return self.number

    def rewritten(self) -> int:
        return self.since

    def derived_folder(self) -> Path:
        return self.folder

    @contextmanager
    def snapshot(self) -> Iterator["Index"]:
        yield copy(self)

    def person_ids(self, *, above: int = 0) -> NDArray[np.int64]:
        return np.arange(1, self.count + 1)[above:]

    def descriptor_blocks(self, person_ids: NDArray[np.int64], size: int) -> Iterator[NDArray[np.float16]]:
        self.read.append(len(person_ids))
        descriptors = some_descriptors(self.count)[person_ids - 1]
        for start in range(0, len(person_ids), size):
            yield descriptors[start : start + size]

    def facts(self, person_ids: NDArray[np.int64]) -> Facts:
        return some_facts(self.count).take(person_ids - 1)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_everything_comes_back_sorted_by_person(tmp_path: Path) -> None:
    descriptors, facts = some_descriptors(), some_facts()
    write_columns(tmp_path / "c.bin", "7", IDS, descriptors, facts)
    store = open_columns(tmp_path / "c.bin")
    order = [1, 2, 0]
    assert (store.revision, store.count, store.camera_names) == ("7", 3, facts.camera_names)
    np.testing.assert_array_equal(store.person_ids, [10, 20, 30])
    np.testing.assert_array_equal(store.image_ids, facts.image_ids[order])
    np.testing.assert_array_equal(store.captured_at, facts.captured_at[order])
    np.testing.assert_array_equal(store.camera, facts.camera[order])
    np.testing.assert_array_equal(store.people, facts.people[order])
    np.testing.assert_array_equal(store.in_gallery("north"), facts.galleries["north"][order])
    np.testing.assert_array_equal(store.in_gallery("nowhere"), [False] * 3)
    np.testing.assert_array_equal(store.bits, pack(winners(descriptors[order]).T))


def test_codes_are_the_probabilities_within_half_a_step(tmp_path: Path) -> None:
    descriptors = some_descriptors(200)
    write_columns(tmp_path / "c.bin", "1", np.arange(200), descriptors, some_facts(200))
    codes = open_columns(tmp_path / "c.bin").codes
    assert codes.shape == (DIMENSIONS, 200)
    np.testing.assert_allclose(codes.T / SCALE, np.exp(descriptors.astype(np.float64)), atol=0.51 / SCALE)


def test_row_finds_a_person_and_refuses_others(tmp_path: Path) -> None:
    write_columns(tmp_path / "c.bin", "1", IDS, some_descriptors(), some_facts())
    store = open_columns(tmp_path / "c.bin")
    assert [store.row(person_id) for person_id in (10, 20, 30)] == [0, 1, 2]
    for unknown in (5, 15, 99):
        with pytest.raises(LookupError, match=f"no person {unknown} in the index"):
            store.row(unknown)


@pytest.mark.parametrize("count", [0, 1, 64, 65])
def test_any_number_of_people_can_be_stored(tmp_path: Path, count: int) -> None:
    store = open_current(Index(tmp_path, count))
    assert (store.count, store.codes.shape) == (count, (DIMENSIONS, count))
    assert store.bits.shape[1] % 8 == 0


def test_blocks_join_without_a_seam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_columns(tmp_path / "whole.bin", "1", np.arange(300), some_descriptors(300), some_facts(300))
    monkeypatch.setattr("index.columns._BLOCK", 64)
    write_columns(tmp_path / "blocks.bin", "1", np.arange(300), some_descriptors(300), some_facts(300))
    assert (tmp_path / "whole.bin").read_bytes() == (tmp_path / "blocks.bin").read_bytes()


def test_a_person_given_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="got person 20 twice"):
        write_columns(tmp_path / "c.bin", "1", np.array([20, 10, 20]), some_descriptors(), some_facts())
    assert not list(tmp_path.iterdir())


def test_wrong_shapes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"descriptors must have shape \(3, "):
        write_columns(tmp_path / "c.bin", "1", IDS, some_descriptors(2), some_facts())
    with pytest.raises(ValueError, match="facts must speak of 3 people, got 2"):
        write_columns(tmp_path / "c.bin", "1", IDS, some_descriptors(), some_facts(2))


def test_a_file_already_there_is_used_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    open_current(Index(tmp_path))
    caplog.clear()
    written = next(tmp_path.iterdir()).stat().st_mtime_ns
    open_current(Index(tmp_path))
    assert next(tmp_path.iterdir()).stat().st_mtime_ns == written
    assert not caplog.records


def damage_byte(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 0x10
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "complaint"),
    [
        (lambda path: damage_byte(path, -100), "is damaged: expected checksum"),
        (lambda path: damage_byte(path, 40), "has a damaged header"),
        (lambda path: path.write_bytes(path.read_bytes()[:-64]), "bytes, got"),
        (lambda path: path.write_bytes(b"not ours at all, but long enough"), "is not a column file"),
        (lambda path: path.write_bytes(b""), "is not a column file"),
        (lambda path: path.unlink(), "no column file at"),
    ],
)
def test_damage_is_found_said_and_repaired(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, harm: object, complaint: str
) -> None:
    good = open_current(Index(tmp_path)).codes.copy()
    path = next(tmp_path.iterdir())
    harm(path)  # type: ignore[operator]
    with pytest.raises(ColumnsError, match=complaint):
        open_columns(path)
    caplog.clear()
    with caplog.at_level(logging.INFO):
        np.testing.assert_array_equal(open_current(Index(tmp_path)).codes, good)
    assert complaint in caplog.text
    assert "rebuilding it from the index" in caplog.text


def test_a_new_revision_gets_a_new_file_and_the_old_map_stays_readable(tmp_path: Path) -> None:
    old = open_current(Index(tmp_path, count=3, revision=1))
    before = old.codes.copy()
    new = open_current(Index(tmp_path, count=5, revision=2))
    assert (new.count, new.revision) == (5, "2")
    assert [path.name for path in tmp_path.iterdir()] == ["columns-2.bin"]
    np.testing.assert_array_equal(old.codes, before)


def test_a_failed_write_leaves_the_file_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build_columns(Index(tmp_path))
    (path,) = tmp_path.iterdir()
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("index.columns.os.fsync", full)
    with pytest.raises(DiskError, match="is full; the records are safe"):
        build_columns(Index(tmp_path, count=4))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_of_the_revision_that_was_read_and_goes_if_it_is_stale(tmp_path: Path) -> None:
    class Changing(Index):
        @contextmanager
        def snapshot(self) -> Iterator[Index]:
            yield copy(self)
            self.number, self.count = 3, 5
            open_current(Index(tmp_path, count=5, revision=3))  # another process is faster

    store = build_columns(Changing(tmp_path, revision=1))
    assert (store.revision, store.count, store.codes.shape) == ("1", 3, (DIMENSIONS, 3))
    assert names(tmp_path) == ["columns-3.bin"]


def test_files_of_a_later_revision_stay_unless_the_database_was_put_back(tmp_path: Path) -> None:
    class Late(Index):
        def __init__(self, folder: Path, newest: int) -> None:
            super().__init__(folder, revision=newest)

        @contextmanager
        def snapshot(self) -> Iterator[Index]:
            yield Index(self.folder, revision=2)

    for revision in (1, 3, 5):
        write_columns(tmp_path / f"columns-{revision}.bin", str(revision), IDS, some_descriptors(), some_facts())
    build_columns(Late(tmp_path, newest=4))
    assert names(tmp_path) == ["columns-3.bin"]


def test_columns_are_good_though_their_folder_goes_while_they_are_written(tmp_path: Path) -> None:
    class Deleting(Index):
        def descriptor_blocks(self, person_ids: NDArray[np.int64], size: int) -> Iterator[NDArray[np.float16]]:
            yield from super().descriptor_blocks(person_ids, size)
            shutil.rmtree(self.folder)

    folder = tmp_path / "generation"
    codes = open_current(Deleting(folder)).codes
    assert not folder.exists()
    np.testing.assert_array_equal(codes, open_current(Index(folder)).codes)
    assert names(folder) == ["columns-1.bin"]


def test_a_folder_that_goes_before_its_file_is_made_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.open

    def too_late(path: Path, mode: str) -> BinaryIO:
        monkeypatch.undo()
        path.parent.rmdir()
        return real(path, mode)  # type: ignore[return-value]

    folder = tmp_path / "generation"
    people = Index(folder)
    monkeypatch.setattr(Path, "open", too_late)
    assert build_columns(people).count == 3
    assert names(folder) == ["columns-1.bin"]


def test_people_who_stay_lost_are_an_error(tmp_path: Path) -> None:
    class Losing(Index):
        def facts(self, person_ids: NDArray[np.int64]) -> Facts:
            raise LookupError("people were deleted")

    with pytest.raises(LookupError, match="people were deleted"):
        build_columns(Losing(tmp_path))


def test_blocks_must_hold_everybody_in_order(tmp_path: Path) -> None:
    path = tmp_path / "c.bin"
    with pytest.raises(ValueError, match="blocks must hold 3 descriptors, got 2"):
        write_rows(path, "1", Rows(0, np.arange(3), some_facts(), [some_descriptors(2)]))
    with pytest.raises(ValueError, match="ids ascending, got person 10 twice"):
        write_rows(path, "1", Rows(0, IDS, some_facts(), [some_descriptors(3)]))
    assert not list(tmp_path.iterdir())


def test_a_disk_too_full_for_the_file_is_found_before_it_is_mapped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("index.columns.os.posix_fallocate", full)
    with pytest.raises(DiskError, match="is full; the records are safe"):
        build_columns(Index(tmp_path))
    assert not list(tmp_path.iterdir())


def contents(store: ColumnStore) -> tuple[object, ...]:
    """All that a store says, without what stands behind the last person."""
    arrays = (store.person_ids, store.image_ids, store.captured_at.view(np.int64), store.people, store.codes)
    cameras = [(*store.camera_names, None)[position] for position in store.camera.tolist()]
    galleries = {name: store.in_gallery(name).tolist() for name in sorted(store.gallery_names)}
    bits = np.unpackbits(store.bits, axis=1, count=store.count)
    return (store.revision, cameras, galleries, *(array.tolist() for array in (*arrays, bits)))


def test_columns_are_continued_with_those_who_were_added(tmp_path: Path) -> None:
    people = Index(tmp_path / "grown", count=70)
    before = open_current(people)
    (path,) = people.folder.iterdir()
    written, told = path.read_bytes(), contents(before)
    people.count, people.number, people.read = 75, 2, []
    after = open_current(people, before)
    assert people.read == [11]  # the six whose bits share a byte with the new ones are read again
    assert contents(after) == contents(open_current(Index(tmp_path / "anew", count=75, revision=2)))
    assert (contents(before), path.read_bytes(), names(people.folder)) == (told, written, ["columns-1.bin"])


def test_new_cameras_and_galleries_follow_the_known_ones(tmp_path: Path) -> None:
    class Later(Index):
        def facts(self, person_ids: NDArray[np.int64]) -> Facts:
            facts = super().facts(person_ids)
            galleries = {"annex": facts.people == 1, **facts.galleries}
            return replace(facts, camera=facts.camera * 0 + 1, camera_names=("attic", "cellar"), galleries=galleries)

    before = open_current(Index(tmp_path, count=8))
    after = open_current(Later(tmp_path, count=11, revision=2, rewritten=1), before)
    assert after.camera_names == ("front door", "yard", "attic", "cellar")
    assert after.camera.tolist() == [*before.camera.tolist(), 3, 3, 3]
    assert after.gallery_names == ("north", "south", "annex")
    assert after.in_gallery("annex").tolist() == [False] * 8 + [True, False, False]
    assert after.in_gallery("north")[:8].tolist() == before.in_gallery("north").tolist()


def test_a_file_with_more_room_is_written_when_it_is_used_up(tmp_path: Path) -> None:
    people = Index(tmp_path, count=10)
    store = open_current(people)
    for revision, count in enumerate((store.capacity, store.capacity + 1), start=2):
        people.count, people.number, people.read = count, revision, []
        store = open_current(people, store)
        assert contents(store) == contents(open_current(Index(tmp_path / f"{count}", count, revision)))
    assert people.read[-1] == 3  # from the last whole byte on
    assert names(tmp_path) == ["266", "267", "columns-3.bin"]
    assert store.capacity > people.count


def test_nothing_is_continued_over_a_change_of_those_who_were_there(tmp_path: Path) -> None:
    people = Index(tmp_path, count=20)
    before = open_current(people)
    people.count, people.number, people.since, people.read = 18, 3, 2, []
    after = open_current(people, before)
    assert (people.read, after.count, names(tmp_path)) == ([18], 18, ["columns-3.bin"])


def test_an_earlier_file_is_continued_and_written_anew_when_it_lacks_many(tmp_path: Path) -> None:
    open_current(Index(tmp_path, count=20))
    few = Index(tmp_path, count=25, revision=2, rewritten=1)
    assert contents(open_current(few)) == contents(open_current(Index(tmp_path / "few", count=25, revision=2)))
    assert (few.read, names(tmp_path)) == ([9], ["columns-1.bin", "few"])
    many = Index(tmp_path, count=500, revision=3, rewritten=1)
    assert contents(open_current(many)) == contents(open_current(Index(tmp_path / "many", count=500, revision=3)))
    assert names(tmp_path) == ["columns-3.bin", "few", "many"]


def test_a_file_that_can_be_continued_stays_though_people_were_added_meanwhile(tmp_path: Path) -> None:
    class Growing(Index):
        @contextmanager
        def snapshot(self) -> Iterator[Index]:
            yield copy(self)
            self.number, self.count = 2, 5

    build_columns(Growing(tmp_path, revision=1))
    assert names(tmp_path) == ["columns-1.bin"]


def test_winning_labels_are_the_parsers_own() -> None:
    logs = np.full((1, DIMENSIONS), np.log(FLOOR))
    probabilities = {("attribute", "seen"): 0.9, ("size", "Undetermined"): 0.6, ("size", "Long/large"): 0.7}
    probabilities |= {
        ("size", "Short/small"): 0.3,
        ("color", "Red"): 0.5,
        ("color", "Blue"): 0.4,
        ("pattern", "Solid"): 1,
    }
    for (task, label), probability in probabilities.items():
        logs[0, column("Coat", task, label)] = np.log(probability)
    chosen = {position for position in np.flatnonzero(winners(logs)[0])}
    expected = [("attribute", "seen"), ("size", "Undetermined"), ("pattern", "Solid"), ("color", "Red")]
    assert chosen == {column("Coat", *key) for key in expected}


def test_nothing_wins_on_what_is_not_seen() -> None:
    assert not winners(np.full((2, DIMENSIONS), np.log(0.4))).any()
