"""The page for adding photographs: what it says of jobs, and what its process does."""

import os
import signal
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from app.config import AppConfig
from app.screens.ingest_screen import job_line
from app.worker import start_ingest
from app.workspace import open_workspace
from index.jobs import ENDED, Job, Jobs
from tests.index_crashes import make_inputs

NOW = datetime(2024, 6, 30)
JOB = Job(1, "trip", ("/photos",), "running", "run", 40, 10, 3, 2, 17, 0.25, "", NOW, NOW)


@pytest.mark.parametrize(
    ("job", "line"),
    [
        (
            JOB,
            "**trip**: running · 10 of 40 photographs · 17 people · 3 there already · 2 could not be read · "
            "0.25 images/s · 2 min left",
        ),
        (
            replace(JOB, state="done", done=40, skipped=0, quarantined=0),
            "**trip**: done · 40 of 40 photographs · 17 people",
        ),
        (
            replace(JOB, state="done", total=0, done=0, people=0, quarantined=0),
            "**trip**: done · nothing new · 3 there already",
        ),
        (replace(JOB, state="queued", total=0, skipped=0, quarantined=0), "**trip**: getting ready"),
        (
            replace(JOB, images_per_second=12.3, quarantined=0, skipped=0),
            "**trip**: running · 10 of 40 photographs · 17 people · 12.3 images/s · 2 s left",
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
    assert _ended(jobs, killed).message == "its process ended with -9 before it began; see ingest.log"


def _ended(jobs: Jobs, job_id: int) -> Job:
    end = time.monotonic() + 120
    while (job := jobs.get(job_id)).state not in ENDED and time.monotonic() < end:
        time.sleep(0.05)
    return job


def _kill_newest_child() -> None:
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    os.kill(int(children[-1]), signal.SIGKILL)
