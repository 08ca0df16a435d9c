"""Jobs: what an ingestion reports and obeys, as rows that another process can read and change."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from threading import Event, Thread
from typing import Any, Literal

from sqlalchemy import delete, insert, select, update

from index.database import Database, StoreError, retried
from index.tables import IngestJob, utc_now

Request = Literal["run", "pause", "cancel"]
ENDED = ("cancelled", "done", "failed", "interrupted")
BEAT_SECONDS = 20.0  # between two signs of life of a job's process
SILENCE = timedelta(minutes=2)  # after which a job without a sign of life is taken for interrupted


class UnknownJobError(StoreError, LookupError):
    """No job has that id."""


@dataclass(frozen=True)
class Job:
    """One ingestion as it stands.

    `state` is queued, running, paused, cancelled, done, failed or interrupted (its process is gone); `total` and `done`
    count photographs, `done` those too that could not be read.
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
            row = {"gallery": gallery, "paths": list(paths), "state": "queued", "process": _process(os.getpid())}
            return session.execute(insert(IngestJob).returning(IngestJob.id), row).scalar_one()

    def requeue(self, job_id: int) -> None:
        """Put a job that has ended back to its beginning; what it has committed will not be done again."""
        counts = dict.fromkeys(("total", "done", "skipped", "quarantined", "people", "images_per_second"), 0)
        self.report(job_id, state="queued", request="run", process=_process(os.getpid()), message="", **counts)

    def hand_over(self, job_id: int, process_id: int) -> None:
        """Note which process of this machine will run a queued job, and that it is gone if that is."""
        self.report(job_id, process=_process(process_id))

    def dismiss(self, job_id: int) -> None:
        """Take a job out of the list; what it has committed stays."""
        with self.database.write() as session:
            session.execute(delete(IngestJob).where(IngestJob.id == job_id))

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
        self.report(job_id, state="running", process=_process(os.getpid()), message="")

    @contextmanager
    def living(self, job_id: int) -> Iterator[None]:
        """Give signs of life inside: a machine that went down, or another one, leaves no process to look for."""
        ended = Event()

        def beat() -> None:
            while not ended.wait(BEAT_SECONDS):
                with suppress(StoreError):  # what is wrong is said by the work itself
                    self.report(job_id)

        thread = Thread(target=beat, name="living", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    @retried
    def report(self, job_id: int, **values: Any) -> None:
        """Write columns of a job's row."""
        with self.database.write() as session:
            statement = update(IngestJob).where(IngestJob.id == job_id)
            session.execute(statement.values(updated_at=utc_now(), **values))


def _process(process_id: int) -> str:
    return f"{socket.gethostname()}:{process_id}"


def _job(row: IngestJob) -> Job:
    is_orphan = row.state not in ENDED and not _is_alive(row)
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
    )


def _is_alive(row: IngestJob) -> bool:
    """Whether a job's process still runs: one of this machine can be looked for, any other gives signs of life."""
    is_silent = utc_now() - row.updated_at > SILENCE
    host, _, number = row.process.rpartition(":")
    if host != socket.gethostname():
        return not is_silent
    return _runs(int(number)) and (not is_silent or row.state == "queued")  # which is silent while it looks for files


def _runs(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
