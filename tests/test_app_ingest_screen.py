"""The page for adding photographs: what it says of jobs, and what its process does."""

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from app.config import AppConfig
from app.screens.ingest_screen import job_line
from app.worker import resume_ingest, start_ingest
from app.workspace import open_workspace
from index.jobs import ENDED, Job, Jobs
from tests.index_crashes import make_inputs

JOB = Job(1, "trip", ("/photos",), "running", "run", 40, 10, 3, 2, 17, 0.25, "")


@pytest.mark.parametrize(
    ("job", "line"),
    [
        (
            JOB,
            "running · 10 of 40 photographs · 17 people · 3 there already · 2 could not be read · "
            "0.25 images/s · 2 min left",
        ),
        (
            replace(JOB, state="done", done=40, skipped=0, quarantined=0),
            "done · 40 of 40 photographs · 17 people",
        ),
        (
            replace(JOB, state="done", total=0, done=0, people=0, quarantined=0),
            "done · nothing new · 3 there already",
        ),
        (replace(JOB, state="queued", total=0, skipped=0, quarantined=0), "getting ready"),
        (
            replace(JOB, images_per_second=12.3, quarantined=0, skipped=0),
            "running · 10 of 40 photographs · 17 people · 12.3 images/s · 2 s left",
        ),
        (
            replace(JOB, request="cancel", quarantined=0, skipped=0, images_per_second=0.0),
            "stopping after the photographs at hand · 10 of 40 photographs · 17 people",
        ),
        (
            replace(JOB, state="interrupted", request="pause", quarantined=0, skipped=0),
            "stopped by accident; what it has done is kept · 10 of 40 photographs · 17 people",
        ),
    ],
)
def test_a_job_in_one_line(job: Job, line: str) -> None:
    assert job_line(job) == line


@pytest.mark.slow
def test_a_page_starts_a_process_and_notices_how_it_ends(tmp_path: Path) -> None:
    place = make_inputs(tmp_path)
    config = AppConfig(home=place.home, checkpoint=place.checkpoints / "1.safetensors")
    workspace = open_workspace(config)
    jobs = Jobs(workspace.index.database)
    job_id = start_ingest(workspace, [place.photographs], "photographs")
    assert _ended(jobs, job_id).done == len(list(place.photographs.iterdir()))
    killed = start_ingest(open_workspace(config), [place.photographs], "photographs")
    _kill_newest_child()
    job = _ended(jobs, killed)
    assert (job.state, job.message) == ("interrupted", "its process ended with -9; see ingest.log")
    resume_ingest(open_workspace(config), killed)
    job = _ended(jobs, killed)
    assert (job.state, job.skipped, job.message) == ("done", len(list(place.photographs.iterdir())), "")


def _ended(jobs: Jobs, job_id: int) -> Job:
    """The job once it says how it ended."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        job = jobs.get(job_id)
        if job.state in ENDED and (job.message or job.state != "interrupted"):
            break
        time.sleep(0.05)
    return job


def test_a_job_whose_photographs_are_gone_is_not_begun_again(tmp_path: Path) -> None:
    workspace = open_workspace(AppConfig(home=tmp_path / "home"))
    jobs = Jobs(workspace.index.database)
    job_id = jobs.queue(gallery="photographs", paths=(str(tmp_path / "gone"),))
    jobs.report(job_id, state="cancelled")
    with pytest.raises(ValueError, match=r"expected a folder of photographs on this computer, but .*gone does not"):
        resume_ingest(workspace, job_id)
    assert jobs.get(job_id).state == "cancelled"


def _kill_newest_child() -> None:
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    os.kill(int(children[-1]), signal.SIGKILL)
