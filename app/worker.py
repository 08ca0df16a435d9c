"""Worker: a process of its own that ingests what a page has asked for, so that no page waits or dies with it."""

import os
import subprocess
import sys
from pathlib import Path

from app.config import AppConfig
from app.workspace import Workspace
from index.jobs import Jobs

ROOT = Path(__file__).parents[1]


def start_ingest(workspace: Workspace, folder: Path, gallery: str) -> int:
    """Queue a job and start the process that runs it; returns the job's id.

    Raises:
        ValueError: there is no such folder, or the gallery has no name.
    """
    if not folder.exists():
        raise ValueError(f"expected a folder of photographs on this computer, but {folder} does not exist; correct it")
    if not gallery.strip():
        raise ValueError("expected a name for the gallery, got none; give it one")
    job_id = Jobs(workspace.index.database).queue(gallery=gallery, paths=(str(folder),))
    _start(workspace.config, [str(folder.resolve()), "--gallery", gallery, "--job", str(job_id), "--json"])
    return job_id


def _start(config: AppConfig, arguments: list[str]) -> None:
    """Start `python -m app ingest`, which outlives this server; its output goes to ingest.log."""
    environment = os.environ | config.environment() | {"PYTHONPATH": str(ROOT)}
    with (config.home / "ingest.log").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "app", "ingest", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
