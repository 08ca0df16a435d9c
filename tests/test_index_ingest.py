"""Ingestion: every photograph once, bad files set aside with their reason, whatever happens in between."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from index.ingest import IngestConfig, ingest
from index.jobs import Jobs, UnknownJobError
from index.manifest import NothingToIngestError
from index.person_index import PersonIndex
from index.reindex import reindex, reparse
from parsing.images import MAX_BYTES
from tests.index_samples import SampleParser, photograph

SMALL = IngestConfig(shard_images=2, batch_size=2)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[PersonIndex]:
    with PersonIndex.open(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for number in range(5):
        photograph(tmp_path / "photos" / f"{number}.png", shade=number)
    return tmp_path / "photos"


def test_a_folder_is_ingested_once(index: PersonIndex, photos: Path) -> None:
    parser = SampleParser()
    report = ingest([photos], parser, index, config=SMALL)
    assert (report.state, report.found, report.parsed, report.people, report.failures) == ("done", 5, 5, 5, ())
    assert (report.is_live, index.status().images, len(parser.seen)) == (True, 5, 5)
    again = ingest([photos], parser, index, config=SMALL)
    assert (again.parsed, again.unchanged, len(parser.seen), index.status().people) == (0, 5, 5, 5)


def test_thumbnails_are_written_for_all(index: PersonIndex, photos: Path) -> None:
    ingest([photos], SampleParser(), index)
    stored = index.people(index.person_ids())
    with Image.open(index.thumbnails.person_path(stored[0].image_id, stored[0].person_id)) as crop:
        assert (crop.format, crop.size) == ("WEBP", (18, 64))
    assert all(index.thumbnails.image_path(one.image_id).exists() for one in stored)


def test_the_same_content_elsewhere_is_a_path_not_a_parse(index: PersonIndex, photos: Path) -> None:
    parser = SampleParser()
    copy = photograph(photos / "sub" / "copy of 0.png", shade=0)
    report = ingest([photos], parser, index)
    assert (report.found, report.parsed, report.duplicates) == (6, 5, 1)
    assert index.find_image(copy) == index.find_image(photos / "0.png")
    later = photograph(photos / "later.png", shade=1)
    assert ingest([photos], parser, index).duplicates == 1
    assert index.find_image(later) == index.find_image(photos / "1.png")
    assert ingest([photos], parser, index, gallery="other").duplicates == 7
    assert (len(parser.seen), index.status().galleries) == (5, {"other": 5, "photographs": 5})


def test_a_touched_file_is_not_parsed_again(index: PersonIndex, photos: Path) -> None:
    parser = SampleParser()
    ingest([photos], parser, index)
    os.utime(photos / "0.png", (1, 1))
    assert (ingest([photos], parser, index).duplicates, len(parser.seen)) == (1, 5)
    assert ingest([photos], parser, index).unchanged == 5


def test_bad_files_are_set_aside_with_their_reason(index: PersonIndex, photos: Path) -> None:
    (photos / "text.jpg").write_text("dear diary")
    (photos / "notes.txt").write_text("dear diary")
    (photos / "phone.heic").write_text("ftypheic")
    (photos / "empty.jpg").touch()
    (photos / "half.png").write_bytes((photos / "0.png").read_bytes()[:3000])
    Image.new("RGB", (1, 1)).save(photos / "dot.png")
    (photos / ".hidden").write_text("left out")
    report = ingest([photos], SampleParser(), index)
    reasons = {path.name: reason for path, reason in report.failures}
    expected = {
        "text.jpg": "is not one of JPEG",
        "notes.txt": "is a .txt file; convert it to JPEG, rename it if it is one already, or remove it",
        "phone.heic": "is a .heic file; convert it to JPEG",
        "empty.jpg": "is empty; copy the file again",
        "half.png": "is damaged",
        "dot.png": "has 1x1; use a larger one",
    }
    assert reasons.keys() == expected.keys()
    assert all(expected[name] in reasons[name] for name in expected)
    assert (report.parsed, {one.path.name for one in index.quarantined()}) == (5, expected.keys())


def test_pipes_and_files_too_long_for_memory_are_set_aside_unread(index: PersonIndex, photos: Path) -> None:
    os.mkfifo(photos / "pipe.jpg")
    with (photos / "long.jpg").open("wb") as file:
        file.truncate(MAX_BYTES + 1)  # takes no room on the disk
    report = ingest([photos, photos / "pipe.jpg"], SampleParser(), index)
    reasons = {path.name: reason for path, reason in report.failures}
    assert (report.parsed, reasons.keys()) == (5, {"pipe.jpg", "long.jpg"})
    assert "is not a regular file" in reasons["pipe.jpg"]
    assert "expected at most 1,073,741,824 bytes" in reasons["long.jpg"]
    assert "is not a regular file" in ingest([photos / "pipe.jpg"], SampleParser(), index).failures[0][1]


def test_unusual_pictures_are_ingested(index: PersonIndex, tmp_path: Path) -> None:
    folder = tmp_path / "unusual"
    folder.mkdir()
    frames = [Image.new("RGB", (40, 40), color) for color in ("red", "blue")]
    frames[0].save(folder / "a.gif", save_all=True, append_images=frames[1:])
    Image.new("CMYK", (40, 40), (0, 255, 255, 0)).save(folder / "b.jpg")
    Image.new("I;16", (40, 40), 30000).save(folder / "c.png")
    report = ingest([folder], SampleParser(), index)
    assert (report.parsed, report.failures) == (3, ())


def test_quarantine_is_tried_again_only_when_asked_or_changed(index: PersonIndex, photos: Path) -> None:
    bad = photos / "bad.png"
    bad.write_text("no image")
    for retry, tried in ((False, 6), (False, 0), (True, 1)):
        assert ingest([photos], SampleParser(), index, retry_failed=retry, dry_run=True).parsed == tried
        report = ingest([photos], SampleParser(), index, retry_failed=retry)
        assert [path.name for path, _ in report.failures] == ["bad.png"]
        job = Jobs(index.database).get(report.job_id)
        assert (job.total, job.done) == (tried, tried)  # unreadable ones too, so that a bar ends at its end
    photograph(bad, shade=99)
    assert ingest([photos], SampleParser(), index).failures == ()
    assert (index.quarantined(), index.status().images) == ([], 6)


def test_a_dry_run_changes_nothing(index: PersonIndex, photos: Path) -> None:
    report = ingest([photos], SampleParser(), index, dry_run=True)
    assert (report.state, report.parsed, report.job_id) == ("dry run", 5, 0)
    assert (index.status().generations, index.status().galleries, Jobs(index.database).all()) == ((), {}, [])


def test_missing_and_empty_folders_are_refused(index: PersonIndex, photos: Path, tmp_path: Path) -> None:
    with pytest.raises(NothingToIngestError, match=r"a photograph or a folder, but .*none does not exist; check"):
        ingest([photos, tmp_path / "none"], SampleParser(), index)
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingToIngestError, match=r"expected photographs in .*empty, but there are no files; choose"):
        ingest([tmp_path / "empty"], SampleParser(), index)
    assert index.status().generations == ()


def test_the_stores_own_pictures_are_not_ingested(index: PersonIndex, photos: Path, tmp_path: Path) -> None:
    ingest([photos], SampleParser(), index)
    report = ingest([tmp_path], SampleParser(), index)
    assert (report.parsed, report.unchanged, report.failures) == (0, 5, ())


def test_one_image_that_the_parser_cannot_stand_does_not_block(index: PersonIndex, photos: Path) -> None:
    parser = SampleParser()

    def refuse(paths: list[Path]) -> None:
        if any(path.name == "2.png" for path in paths):
            raise RuntimeError("out of memory")

    parser.before_parse = refuse
    report = ingest([photos], parser, index)
    assert [(path.name, "the parser failed on it (out of memory)" in why) for path, why in report.failures] == [
        ("2.png", True)
    ]
    assert (report.parsed, index.status().images) == (4, 4)


def test_a_parser_that_can_do_nothing_fails_the_job(index: PersonIndex, photos: Path) -> None:
    parser = SampleParser()

    def refuse(_: object) -> None:
        raise RuntimeError("no model")

    parser.before_parse = refuse
    with pytest.raises(RuntimeError, match="no model"):
        ingest([photos], parser, index)
    (job,) = Jobs(index.database).all()
    assert (job.state, job.message, index.status().images) == ("failed", "no model", 0)


def test_what_another_ingestion_stores_meanwhile_is_not_counted_as_parsed(index: PersonIndex, photos: Path) -> None:
    parser = SampleParser()
    parser.before_parse = lambda paths: None if parser.seen else _ingest_meanwhile(index, photos)
    report = ingest([photos], parser, index)
    assert (report.parsed, report.people, report.duplicates, index.status().images) == (0, 0, 5, 5)


def _ingest_meanwhile(index: PersonIndex, photos: Path) -> None:
    assert ingest([photos], SampleParser(), index).parsed == 5


def test_a_job_can_be_cancelled_and_finished_later(index: PersonIndex, photos: Path) -> None:
    jobs, parser = Jobs(index.database), SampleParser()
    job_id = jobs.queue(gallery="photographs", paths=(str(photos),))
    parser.before_parse = lambda paths: jobs.request(job_id, "cancel")
    report = ingest([photos], parser, index, config=SMALL, job_id=job_id)
    assert (report.state, report.parsed, jobs.get(job_id).state, jobs.get(job_id).done) == (
        "cancelled",
        2,
        "cancelled",
        2,
    )
    parser.before_parse = lambda paths: None
    assert ingest([photos], parser, index).parsed == 3
    assert (len(parser.seen), index.status().people) == (5, 5)


def test_a_job_can_pause_and_go_on(index: PersonIndex, photos: Path) -> None:
    jobs, parser = Jobs(index.database), SampleParser()
    job_id = jobs.queue(gallery="photographs", paths=(str(photos),))
    parser.before_parse = lambda paths: jobs.request(job_id, "pause") if not parser.seen else None
    running = threading.Thread(
        target=ingest, args=([photos], parser, index), kwargs={"config": SMALL, "job_id": job_id}
    )
    running.start()
    while jobs.get(job_id).state != "paused":
        assert running.is_alive()
        time.sleep(0.05)
    jobs.request(job_id, "run")
    running.join()
    job = jobs.get(job_id)
    assert (job.state, job.total, job.done, job.people, job.seconds_left) == ("done", 5, 5, 5, 0.0)
    with pytest.raises(UnknownJobError, match="expected the id of a job, got 77"):
        jobs.request(77, "pause")


def test_a_job_that_is_unknown_is_said_before_anything_is_done(index: PersonIndex, photos: Path) -> None:
    with pytest.raises(UnknownJobError, match="expected the id of a job, got 77"):
        ingest([photos], SampleParser(), index, job_id=77)
    assert index.status().images == 0


KILLED = """
import os, signal, sys
from pathlib import Path
from index.ingest import IngestConfig, ingest
from index.person_index import PersonIndex
from parsing.images import MAX_BYTES
from tests.index_samples import SampleParser
home, photos, moment = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
index, parser = PersonIndex.open(home), SampleParser()
die = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
count = 0
def third(*_):
    global count
    count += 1
    if count == 3:
        die()
if moment == "parse":
    parser.before_parse = third
elif moment == "thumbnails":
    index.thumbnails.write = die
elif moment == "after thumbnails":
    index.note_thumbnails = die
ingest([photos], parser, index, config=IngestConfig(shard_images=1, batch_size=1))
"""


@pytest.mark.parametrize("moment", ["parse", "thumbnails", "after thumbnails"])
def test_a_killed_run_is_finished_by_the_next(tmp_path: Path, photos: Path, moment: str) -> None:
    home = tmp_path / "home"
    command = [sys.executable, "-c", KILLED, str(home), str(photos), moment]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    with PersonIndex.open(home) as index:
        assert Jobs(index.database).all()[0].state == "interrupted"
        before = index.status().images
        assert index.generations.verify(1) == []
        parser = SampleParser()
        assert ingest([photos], parser, index).parsed == len(parser.seen) == 5 - before
        assert (index.status().images, index.status().people) == (5, 5)
        assert reindex(index).thumbnails == 0  # none was missing
        assert index.generations.verify(1) == []


def test_lost_thumbnails_are_made_again(index: PersonIndex, photos: Path) -> None:
    ingest([photos], SampleParser(), index)
    first, second = index.people([1, 2])
    index.thumbnails.person_path(first.image_id, 1).unlink()
    index.thumbnails.image_path(second.image_id).unlink()
    second.image_location.unlink()
    report = reindex(index)
    assert (report.people, report.thumbnails, report.lost) == (5, 1, (second.image_location,))
    assert index.thumbnails.person_path(first.image_id, 1).exists()


def test_a_renamed_file_is_named_where_it_lies_now(index: PersonIndex, photos: Path) -> None:
    ingest([photos], SampleParser(), index)
    old, new = photos / "0.png", photos / "renamed.png"
    image_id = index.find_image(old)
    old.rename(new)
    ingest([photos], SampleParser(), index)
    (stored,) = index.people_of_image(image_id)
    assert (stored.image_path, stored.image_location) == (new, new)
    index.thumbnails.image_path(image_id).unlink()
    assert (reindex(index).lost, index.thumbnails.image_path(image_id).exists()) == ((), True)
    new.unlink()
    assert index.people_of_image(image_id)[0].image_path == old  # the first, where it lies nowhere


def test_reparsing_fills_a_generation_aside(index: PersonIndex, photos: Path) -> None:
    ingest([photos], SampleParser(), index)
    (report,) = reparse(SampleParser("checkpoint 2"), index)
    assert (report.parsed, report.is_live, report.generation_id) == (5, False, 2)
    assert index.person_ids().tolist() == [1, 2, 3, 4, 5]
    index.generations.make_live(2)
    assert index.person_ids().tolist() == [6, 7, 8, 9, 10]
    assert index.image_paths(1)[0].parent == photos


def test_progress_is_drawn_on_standard_error(
    index: PersonIndex, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ingest([photos], SampleParser(), index, show_progress=True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "5/5" in shown.err
    assert "image/s" in shown.err or "s/image" in shown.err
