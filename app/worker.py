"""Worker: a process of its own that ingests what a page has asked for, so that no page waits or dies with it."""

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread

from app.config import AppConfig
from app.workspace import Workspace
from index.jobs import Jobs, UnknownJobError

ROOT = Path(__file__).parents[1]
LOG = "ingest.log"


def start_ingest(workspace: Workspace, paths: Sequence[Path], gallery: str) -> int:
    """Queue a job and start the process that runs it; returns the job's id.

    Raises:
        ValueError: a path does not exist, or the gallery has no name.
    """
    _check_paths(paths)
    if not gallery.strip():
        raise ValueError("expected a name for the gallery, got none; give it one")
    jobs = Jobs(workspace.index.database)
    job_id = jobs.queue(gallery=gallery, paths=tuple(str(path.resolve()) for path in paths))
    _run(workspace.config, jobs, job_id)
    return job_id


def resume_ingest(workspace: Workspace, job_id: int) -> None:
    """Start a process that goes on with a job that has ended.

    Raises:
        ValueError: a path of the job does not exist any more.
        UnknownJobError: there is no such job any more.
    """
    jobs = Jobs(workspace.index.database)
    _check_paths([Path(path) for path in jobs.get(job_id).paths])
    jobs.requeue(job_id)
    _run(workspace.config, jobs, job_id)


def _check_paths(paths: Sequence[Path]) -> None:
    for path in paths:
        if not path.exists():
            raise ValueError(
                f"expected a folder of photographs on this computer, but {path} does not exist; correct it"
            )


def _run(config: AppConfig, jobs: Jobs, job_id: int) -> None:
    """Start the process of a queued job."""
    job = jobs.get(job_id)
    process = _start(config, [*job.paths, f"--gallery={job.gallery}", "--job", str(job_id), "--json"])
    jobs.hand_over(job_id, process.pid)
    Thread(target=_attend, args=(process, jobs, job_id), daemon=True).start()


def _start(config: AppConfig, arguments: Sequence[str]) -> "subprocess.Popen[bytes]":
    """Start `python -m app ingest`, which outlives this server; its output goes to a log."""
    environment = os.environ | config.environment() | {"PYTHONPATH": str(ROOT)}
    with (config.home / LOG).open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "app", "ingest", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _attend(process: "subprocess.Popen[bytes]", jobs: Jobs, job_id: int) -> None:
    """Wait for the process, as one that is not waited for seems to live on; say how it ended if it did not itself."""
    code = process.wait()
    with suppress(UnknownJobError):  # dismissed meanwhile
        job = jobs.get(job_id)
        if job.state == "interrupted" and not job.message:
            jobs.report(job_id, state=job.state, message=f"its process ended with {code}; see {LOG}")
