"""Worker: a process of its own that ingests what a page has asked for, so that no page waits or dies with it."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Thread

from app.config import AppConfig
from app.workspace import Workspace
from index.jobs import Jobs

ROOT = Path(__file__).parents[1]
LOG = "ingest.log"


def start_ingest(workspace: Workspace, paths: Sequence[Path], gallery: str) -> int:
    """Queue a job and start the process that runs it; returns the job's id.

    Raises:
        ValueError: a path does not exist, or the gallery has no name.
    """
    for path in paths:
        if not path.exists():
            raise ValueError(
                f"expected a folder of photographs on this computer, but {path} does not exist; correct it"
            )
    if not gallery.strip():
        raise ValueError("expected a name for the gallery, got none; give it one")
    jobs = Jobs(workspace.index.database)
    job_id = jobs.queue(gallery=gallery, paths=tuple(map(str, paths)))
    folders = [str(path.resolve()) for path in paths]
    process = _start(workspace.config, [*folders, "--gallery", gallery, "--job", str(job_id), "--json"])
    Thread(target=_attend, args=(process, jobs, job_id), daemon=True).start()
    return job_id


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
    """Wait for the process, as one that is not waited for seems to live on; note it if it never began its job."""
    code = process.wait()
    if jobs.get(job_id).state == "queued":
        jobs.report(job_id, state="failed", message=f"its process ended with {code} before it began; see {LOG}")
