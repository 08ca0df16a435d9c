"""Jobs of ingestion: how the list learns of processes that are gone."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select, update

from index import jobs as module
from index.database import open_database
from index.jobs import SILENCE, Jobs, UnknownJobError
from index.tables import IngestJob, utc_now


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    database = open_database(tmp_path)
    yield Jobs(database)
    database.close()


def sign_of_life(jobs: Jobs, job_id: int) -> datetime:
    with jobs.database.read() as session:
        return session.execute(select(IngestJob.updated_at).where(IngestJob.id == job_id)).scalar_one()


def queued(jobs: Jobs) -> int:
    return jobs.queue(gallery="trip", paths=("/photos",))


def ended_process() -> int:
    """The id of a process that runs no more."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        return process.pid


@pytest.mark.parametrize("state", ["queued", "running", "paused"])
def test_a_job_whose_process_is_gone_was_interrupted(jobs: Jobs, state: str) -> None:
    job_id = queued(jobs)
    jobs.report(job_id, state=state)
    assert jobs.get(job_id).state == state
    jobs.hand_over(job_id, ended_process())
    assert jobs.get(job_id).state == "interrupted"


@pytest.mark.parametrize("process", [f"elsewhere:{os.getpid()}", f"{socket.gethostname()}:{os.getpid()}"])
def test_a_running_job_that_gives_no_sign_of_life_was_interrupted(jobs: Jobs, process: str) -> None:
    job_id = queued(jobs)
    jobs.report(job_id, state="running", process=process)
    assert jobs.get(job_id).state == "running"
    with jobs.database.write() as session:
        session.execute(update(IngestJob).values(updated_at=utc_now() - 2 * SILENCE))
    assert jobs.get(job_id).state == "interrupted"
    jobs.report(job_id)
    assert jobs.get(job_id).state == "running"


def test_a_job_of_an_older_program_that_never_began_was_interrupted(jobs: Jobs) -> None:
    job_id = queued(jobs)
    with jobs.database.write() as session:
        session.execute(update(IngestJob).values(process="", updated_at=utc_now() - 2 * SILENCE))
    assert jobs.get(job_id).state == "interrupted"


def test_signs_of_life_are_given_until_the_end(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.01)
    job_id = queued(jobs)
    with jobs.living(job_id):
        first, end = sign_of_life(jobs, job_id), time.monotonic() + 30
        while sign_of_life(jobs, job_id) == first:
            assert time.monotonic() < end
            time.sleep(0.01)
    last = sign_of_life(jobs, job_id)
    time.sleep(0.1)
    assert sign_of_life(jobs, job_id) == last


def test_a_job_that_has_ended_can_begin_again_or_be_dismissed(jobs: Jobs) -> None:
    job_id = queued(jobs)
    jobs.request(job_id, "cancel")
    jobs.report(job_id, state="cancelled", total=9, done=4, people=3, message="so")
    jobs.requeue(job_id)
    job = jobs.get(job_id)
    assert (job.state, job.request, job.total, job.done, job.people, job.message) == ("queued", "run", 0, 0, 0, "")
    jobs.dismiss(job_id)
    assert jobs.all() == []
    with pytest.raises(UnknownJobError):
        jobs.get(job_id)
