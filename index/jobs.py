"""Jobs: what an ingestion reports and obeys, as rows that another process can read and change."""

import os
import socket
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import insert, select, update

from index.database import Database, StoreError, retried
from index.tables import IngestJob, utc_now

Request = Literal["run", "pause", "cancel"]
ENDED = ("cancelled", "done", "failed", "interrupted")


class UnknownJobError(StoreError, LookupError):
    """No job has that id."""


@dataclass(frozen=True)
class Job:
    """One ingestion as it stands.

    `state` is queued, running, paused, cancelled, done, failed or interrupted (its process is gone).
    """

    job_id: int
    gallery: str
    paths: tuple[str, ...]
    state: str
    request: str
    total: int
    done: int
    skipped: int
    quarantined: int
    people: int
    images_per_second: float
    message: str
    created_at: datetime
    updated_at: datetime

    @property
    def seconds_left(self) -> float | None:
        """Expected time to the end; None while the speed is unknown."""
        return (self.total - self.done) / self.images_per_second if self.images_per_second else None


class Jobs:
    """The jobs of one store."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def queue(self, *, gallery: str, paths: tuple[str, ...]) -> int:
        """A new job, to be run by whoever calls `ingest` with its id."""
        with self.database.write() as session:
            row = {"gallery": gallery, "paths": list(paths), "state": "queued"}
            return session.execute(insert(IngestJob).returning(IngestJob.id), row).scalar_one()

    @retried
    def get(self, job_id: int) -> Job:
        """One job.

        Raises:
            UnknownJobError: there is none of that id.
        """
        with self.database.read() as session:
            row = session.get(IngestJob, job_id)
            if row is None:
                raise UnknownJobError(f"expected the id of a job, got {job_id}; look at the list of jobs")
            return _job(row)

    @retried
    def all(self, *, limit: int = 50) -> list[Job]:
        """The newest jobs, newest first."""
        with self.database.read() as session:
            return [_job(row) for row in session.scalars(select(IngestJob).order_by(IngestJob.id.desc()).limit(limit))]

    def request(self, job_id: int, request: Request) -> None:
        """Ask a job to pause, to go on, or to stop; it obeys after the images at hand."""
        self.get(job_id)
        self.report(job_id, request=request)

    def start(self, job_id: int) -> None:
        """Note that this process runs the job from now on."""
        self.report(job_id, state="running", process=_this_process(), message="")

    @retried
    def report(self, job_id: int, **values: Any) -> None:
        """Write columns of a job's row."""
        with self.database.write() as session:
            statement = update(IngestJob).where(IngestJob.id == job_id)
            session.execute(statement.values(updated_at=utc_now(), **values))


def _this_process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _job(row: IngestJob) -> Job:
    is_orphan = row.state in ("running", "paused") and not _is_alive(row.process)
    return Job(
        job_id=row.id,
        gallery=row.gallery,
        paths=tuple(row.paths),
        state="interrupted" if is_orphan else row.state,
        request=row.request,
        total=row.total,
        done=row.done,
        skipped=row.skipped,
        quarantined=row.quarantined,
        people=row.people,
        images_per_second=row.images_per_second,
        message=row.message,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _is_alive(process: str) -> bool:
    """Whether a job's process still runs; those of other machines are believed to."""
    host, _, number = process.rpartition(":")
    if host != socket.gethostname():
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
