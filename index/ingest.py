"""Ingestion: from files to people in the store, in shards that are committed whole.

While the model works on one shard, the next is decoded and the one before is written. Everything is keyed by
content and checkpoint, so an ingestion that was killed is finished by running it again.
"""

import hashlib
import logging
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Never, Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from index.adding import AddedImage, NewImage, Place
from index.database import StoreError
from index.jobs import Jobs
from index.manifest import Plan, WorkItem, make_plan, scan
from index.person_index import PersonIndex
from index.restore import restore_thumbnails, unfinished
from parsing.images import DecodedImage, UnreadableImageError, decode_image, printable, read_file
from parsing.records import ParsedImage

LOGGER = logging.getLogger(__name__)

DEFAULT_GALLERY = "photographs"
POLL_SECONDS = 0.5  # between two looks at a paused job


class ImageParser(Protocol):
    """What ingestion needs of a parser; `parsing.parser.HumanParser` is one."""

    @property
    def checkpoint_hash(self) -> str:
        """Names the weights: the same content parsed by the same checkpoint gives the same people."""

    def parse(self, images: Sequence[NDArray[np.uint8]], paths: Sequence[Path]) -> list[ParsedImage]:
        """One record for each image, (H, W, 3) uint8 RGB, in their order."""


@dataclass(frozen=True)
class IngestConfig:
    """How ingestion divides its work.

    Args:
        shard_images: images committed at once, at most.
        shard_pixels: pixels decoded at once, at most (a larger image is a shard of its own).
        batch_size: images given to the parser at once.
        decoders: threads that decode; each holds one image beyond the shard.
    """

    shard_images: int = 8
    shard_pixels: int = 48_000_000
    batch_size: int = 8
    decoders: int = 2


@dataclass(frozen=True)
class IngestReport:
    """What an ingestion did, or with `dry_run` would do.

    Args:
        state: done, cancelled or dry run.
        found: files found.
        parsed: images parsed and stored.
        people: people found in them.
        unchanged: files ingested before.
        duplicates: files whose content was known already or lies in another file too.
        failures: files left out, with the reason; those of earlier runs too.
        generation_id: where the people are; 0 if none was begun.
        is_live: whether that generation is searched.
        seconds: time taken.
        job_id: the job's row; 0 for a dry run.
    """

    state: str
    found: int
    parsed: int
    people: int
    unchanged: int
    duplicates: int
    failures: tuple[tuple[Path, str], ...]
    generation_id: int
    is_live: bool
    seconds: float
    job_id: int

    @property
    def images_per_second(self) -> float:
        """Speed of the whole run."""
        return self.parsed / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class Work:
    """An image ready for the parser."""

    item: WorkItem
    decoded: DecodedImage

    @property
    def pixels(self) -> int:
        """How many."""
        height, width, _ = self.decoded.pixels.shape
        return int(height * width)


@dataclass
class Shard:
    """Images that are decoded, parsed and committed together; parsing moves them from `images` to `parsed`."""

    size: int = 0
    images: list[Work] = field(default_factory=list)
    parsed: list[tuple[Work, ParsedImage]] = field(default_factory=list)
    failures: list[tuple[Place, str]] = field(default_factory=list)

    def has_room(self, work: Work, config: IngestConfig) -> bool:
        """Whether an image may join; the first always may."""
        pixels = work.pixels + sum(image.pixels for image in self.images)
        return not self.images or (len(self.images) < config.shard_images and pixels <= config.shard_pixels)


def ingest(
    paths: Sequence[Path],
    parser: ImageParser,
    index: PersonIndex,
    *,
    gallery: str = DEFAULT_GALLERY,
    config: IngestConfig | None = None,
    dry_run: bool = False,
    retry_failed: bool = False,
    show_progress: bool = False,
    job_id: int | None = None,
) -> IngestReport:
    """Parse all photographs at `paths` that this checkpoint has not parsed, and remember their people.

    Args:
        paths: files and folders.
        parser: what finds the people.
        index: where they are remembered.
        gallery: the name of the collection, made if new.
        config: sizes of shards and batches.
        dry_run: only say what would be done.
        retry_failed: try the files in quarantine again although they have not changed.
        show_progress: draw a bar with images/s and the time left on standard error.
        job_id: a queued job to report to and obey; one is made otherwise.

    Raises:
        NothingToIngestError: a path is missing, or no file is there.
        UnknownJobError: there is no such job.
        StoreError: the store cannot be written.
    """
    started = time.monotonic()
    jobs = Jobs(index.database)
    if job_id is not None:
        jobs.get(job_id)
    files = scan(paths, leave_out=index.files.own_places())
    with index.database.read() as session:
        plan = make_plan(
            session, files, gallery=gallery, checkpoint_hash=parser.checkpoint_hash, retry_failed=retry_failed
        )
    if dry_run:
        return _dry_report(plan, len(files), started)
    job_id = job_id or jobs.queue(gallery=gallery, paths=tuple(printable(path.absolute()) for path in paths))
    run = Ingestion(plan, parser, index, jobs, job_id, gallery, config or IngestConfig())
    with jobs.living(job_id):
        run.run(show_progress=show_progress)
    return run.report(len(files), time.monotonic() - started)


class Ingestion:
    """One run over a plan."""

    def __init__(
        self,
        plan: Plan,
        parser: ImageParser,
        index: PersonIndex,
        jobs: Jobs,
        job_id: int,
        gallery: str,
        config: IngestConfig,
    ) -> None:
        self.plan = plan
        self.parser = parser
        self.index = index
        self.jobs = jobs
        self.job_id = job_id
        self.gallery = gallery
        self.config = config
        self.failures = list(plan.failed)
        self.handled = 0  # photographs, those that could not be read too
        self.parsed = 0
        self.repeated = 0  # photographs that another ingestion stored while this one parsed them
        self.people = 0
        self.generation_id = 0
        self.state = "running"
        self.started = time.monotonic()

    def run(self, *, show_progress: bool) -> None:
        """Do all the work, or as much as the job's row asks for; the row says how it ended."""
        self.jobs.start(self.job_id)
        try:
            self._prepare()
            shown = show_progress and bool(self.plan.work)
            with tqdm(total=len(self.plan.work), unit="image", disable=not shown, dynamic_ncols=True) as bar:
                self._work(bar)
            self._finish_thumbnails()
            self.state = "done" if self.state == "running" else self.state
        except BaseException as error:
            self.state = "failed" if isinstance(error, Exception) else "interrupted"
            with suppress(StoreError):  # what was wrong may be the store itself
                self._report_job(message=str(error) or type(error).__name__)
            raise
        self._report_job()

    def report(self, found: int, seconds: float) -> IngestReport:
        """What was done."""
        generation = self.index.generations.of_checkpoint(self.parser.checkpoint_hash)
        return IngestReport(
            state=self.state,
            found=found,
            parsed=self.parsed,
            people=self.people,
            unchanged=self.plan.unchanged,
            duplicates=_duplicates(self.plan) + self.repeated,
            failures=_reasons([*self.plan.failed_before, *self.failures]),
            generation_id=generation.generation_id,
            is_live=generation.is_live,
            seconds=seconds,
            job_id=self.job_id,
        )

    def _prepare(self) -> None:
        """Commit what needs no model."""
        self.generation_id = self.index.generations.of_checkpoint(self.parser.checkpoint_hash).generation_id
        self._finish_thumbnails()
        self.index.quarantine(self.plan.failed, gallery=self.gallery)
        self.index.add_places(self.plan.known, gallery=self.gallery)
        self._report_job()

    def _finish_thumbnails(self) -> None:
        """Write those that a crash, or a connection lost in the middle of a commit, has left out."""
        restore_thumbnails(self.index, self.generation_id, unfinished(self.index, self.generation_id))

    def _work(self, bar: "tqdm[Never]") -> None:
        """Decode ahead, parse here, write behind."""
        with ThreadPoolExecutor(1, "write") as writer, ThreadPoolExecutor(self.config.decoders, "decode") as decoders:
            writing: Future[None] | None = None
            for shard in _shards(self.plan.work, decoders, self.config):
                self._parse(shard)
                if writing is not None:
                    writing.result()
                writing = writer.submit(self._commit, shard, bar)
                if self._is_cancelled():
                    break
            if writing is not None:
                writing.result()

    def _parse(self, shard: Shard) -> None:
        """Find the people of every image of a shard, in batches of alike shape, so that little padding is needed."""
        shard.images.sort(key=lambda image: image.decoded.pixels.shape)
        for start in range(0, len(shard.images), self.config.batch_size):
            batch = shard.images[start : start + self.config.batch_size]
            try:
                shard.parsed += self._parse_batch(batch)
            except Exception:
                LOGGER.exception("the parser failed on a batch; trying its %d images one by one", len(batch))
                self._parse_singly(batch, shard)
        shard.images.clear()

    def _parse_batch(self, batch: Sequence[Work]) -> list[tuple[Work, ParsedImage]]:
        pixels = [image.decoded.pixels for image in batch]
        found = self.parser.parse(pixels, [image.item.places[0].path for image in batch])
        return list(zip(batch, found, strict=True))

    def _parse_singly(self, batch: Sequence[Work], shard: Shard) -> None:
        """Parse what can be parsed: one bad image must not block the rest, but a parser that can do nothing must."""
        for image in batch:
            try:
                shard.parsed += self._parse_batch([image])
            except Exception as error:
                if not (self.parsed or self.repeated or shard.parsed) and image is batch[-1]:
                    raise
                reason = f"the parser failed on it ({error}); report this image"
                shard.failures += [(place, reason) for place in image.item.places]

    def _commit(self, shard: Shard, bar: "tqdm[Never]") -> None:
        """Write a shard: rows in one transaction, then thumbnails, then what the job's row shows."""
        new = [_new_image(image, parsed) for image, parsed in shard.parsed]
        added = self.index.add(new, gallery=self.gallery, checkpoint_hash=self.parser.checkpoint_hash)
        self.index.quarantine(shard.failures, gallery=self.gallery)
        written = [(result, *work) for result, work in zip(added, shard.parsed, strict=True) if result.is_new]
        for result, image, parsed in written:
            boxes = dict(zip(result.person_ids, (person.box_xyxy for person in parsed.people), strict=True))
            self.index.thumbnails.write(result.image_id, image.decoded.pixels, boxes)
        self.index.note_thumbnails([result.image_id for result, _, _ in written], generation_id=self.generation_id)
        self._count(shard, written, bar)

    def _count(self, shard: Shard, written: Sequence[tuple[AddedImage, Work, ParsedImage]], bar: "tqdm[Never]") -> None:
        self.failures += shard.failures
        self.handled += shard.size
        self.parsed += len(written)
        self.repeated += len(shard.parsed) - len(written)
        self.people += sum(len(result.person_ids) for result, _, _ in written)
        bar.set_postfix(people=self.people, failed=len(self.failures), refresh=False)
        bar.update(shard.size)
        self._report_job()

    def _is_cancelled(self) -> bool:
        """Obey the job's row: wait while it asks for a pause, and say whether to stop."""
        while (request := self.jobs.get(self.job_id).request) == "pause":
            if self.state != "paused":
                self.state = "paused"
                self._report_job()
            time.sleep(POLL_SECONDS)
        self.state = "cancelled" if request == "cancel" else "running"
        return request == "cancel"

    def _report_job(self, message: str = "") -> None:
        self.jobs.report(
            self.job_id,
            state=self.state,
            total=len(self.plan.work),
            done=self.handled,
            skipped=self.plan.unchanged,
            quarantined=len(self.failures),
            people=self.people,
            images_per_second=self.handled / max(time.monotonic() - self.started, 1e-3),
            message=message,
        )


def _shards(work: Sequence[WorkItem], pool: ThreadPoolExecutor, config: IngestConfig) -> Iterator[Shard]:
    """The work, decoded, in shards within the limits of `config`."""
    shard = Shard()
    for item, decoded in _decode_ahead(work, pool, config):
        if isinstance(decoded, UnreadableImageError):
            shard.failures += [(place, str(decoded)) for place in item.places]
        else:
            image = Work(item, decoded)
            if not shard.has_room(image, config):
                yield shard
                shard = Shard()
            shard.images.append(image)
        shard.size += 1
    if shard.size:
        yield shard


def _decode_ahead(
    work: Sequence[WorkItem], pool: ThreadPoolExecutor, config: IngestConfig
) -> Iterator[tuple[WorkItem, DecodedImage | UnreadableImageError]]:
    """Images in order, decoded while the caller is busy: a shard ahead, judging by the last image's pixels."""
    waiting: deque[tuple[WorkItem, Future[DecodedImage | UnreadableImageError]]] = deque()
    items = iter(work)
    ahead = config.decoders
    try:
        while True:
            waiting.extend((item, pool.submit(_decode, item)) for item in islice(items, max(ahead - len(waiting), 0)))
            if not waiting:
                return
            item, future = waiting.popleft()
            decoded = future.result()
            if isinstance(decoded, DecodedImage):
                fitting = config.shard_pixels // Work(item, decoded).pixels
                ahead = max(config.decoders, min(config.shard_images, fitting))
            yield item, decoded
    finally:
        for _, future in waiting:
            future.cancel()


def _decode(item: WorkItem) -> DecodedImage | UnreadableImageError:
    """The image of a work item, or why there is none."""
    place = item.places[0]
    try:
        data = read_file(place.path)
        if hashlib.sha256(data).hexdigest() != item.content_hash:
            return UnreadableImageError(f"{place.path} was changed while it was being ingested; ingest it again")
        return decode_image(data, name=str(place.path))
    except UnreadableImageError as error:
        return error


def _new_image(image: Work, parsed: ParsedImage) -> NewImage:
    first, *others = image.item.places
    return NewImage(
        parsed=replace(parsed, path=first.path),
        content_hash=image.item.content_hash,
        bytes=first.bytes,
        mtime=first.mtime,
        camera=image.decoded.camera,
        captured_at=image.decoded.captured_at,
        also_at=tuple(others),
    )


def _dry_report(plan: Plan, found: int, started: float) -> IngestReport:
    return IngestReport(
        state="dry run",
        found=found,
        parsed=len(plan.work),
        people=0,
        unchanged=plan.unchanged,
        duplicates=_duplicates(plan),
        failures=_reasons([*plan.failed_before, *plan.failed]),
        generation_id=0,
        is_live=False,
        seconds=time.monotonic() - started,
        job_id=0,
    )


def _duplicates(plan: Plan) -> int:
    return len(plan.known) + sum(len(item.places) - 1 for item in plan.work)


def _reasons(failures: Sequence[tuple[Place, str]]) -> tuple[tuple[Path, str], ...]:
    return tuple((place.path, reason) for place, reason in failures)
