"""Operations on a store that tests kill half-way, in processes of their own, and what must be true of it afterwards."""

import multiprocessing
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

import faiss
import torch
from sqlalchemy import select

from index.columns import open_current
from index.database import StoreError
from index.facts import IndexedPeople
from index.ingest import IngestConfig, ingest
from index.person_index import PersonIndex, UnknownImageError
from index.reindex import reindex, reparse
from index.switching import promote
from index.tables import Parse, PersonRow
from parsing.checkpoint import CheckpointInfo, save
from parsing.model import HPTR
from parsing.parser import HumanParser
from tests.factories import tiny_config
from tests.index_samples import photograph

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.index_crashes"])

PHOTOGRAPHS = 6
SMALL = IngestConfig(shard_images=2, batch_size=2, decoders=1)


@dataclass(frozen=True)
class Place:
    """Where a store and what it is made from lie; `url` is None for SQLite in the home folder."""

    home: Path
    photographs: Path
    checkpoints: Path
    url: str | None = None

    def open(self) -> PersonIndex:
        return PersonIndex.open(self.home, database=self.url)

    def parser(self, number: int) -> HumanParser:
        return HumanParser.load(self.checkpoints / f"{number}.safetensors")


def make_inputs(root: Path) -> Place:
    """Photographs of noise, and two one-layer networks that see people in it."""
    place = Place(root / "home", root / "photographs", root / "checkpoints")
    for number in range(PHOTOGRAPHS):
        photograph(place.photographs / f"{number}.png", shade=number)
    config = replace(tiny_config(), decoder_layers=1)
    inference = {"long_side": 64, "score": 0.0, "owned": 0.0, "area": 1, "part": 1}
    for number in (1, 2):
        torch.manual_seed(number)
        save(place.checkpoints / f"{number}.safetensors", HPTR(config).state_dict(), CheckpointInfo(config, inference))
    return place


def do_ingest(place: Place) -> None:
    with place.open() as index:
        ingest([place.photographs], place.parser(1), index, config=SMALL)


def do_reindex(place: Place) -> None:
    """Parse everything anew with another checkpoint, and switch to that."""
    with place.open() as index:
        parser = place.parser(2)
        reparse(parser, index, config=SMALL)
        # Not simply 2: PostgreSQL does not give an id again that a killed process had drawn.
        promote(index, index.generations.of_checkpoint(parser.checkpoint_hash).generation_id)
        reindex(index)


def do_delete(place: Place) -> None:
    with place.open() as index:
        for number in (0, 1, 2):
            with suppress(UnknownImageError):  # deleted before this was killed
                index.delete_images([index.find_image(place.photographs / f"{number}.png")])
        index.vacuum()


def do_migrate(place: Place) -> None:
    place.open().close()


OPERATIONS: dict[str, Callable[[Place], None]] = {
    "ingest": do_ingest,
    "reindex": do_reindex,
    "delete": do_delete,
    "migrate": do_migrate,
}


@dataclass(frozen=True)
class Outcome:
    """How an operation ended: exit code of its process, seconds that it ran, what it said of a failure."""

    code: int | None
    seconds: float
    message: str = ""


def run(operation: str, place: Place, pipe: Connection) -> None:
    """Do an operation in this process, saying when it begins, and what the store said if it failed."""
    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    pipe.send("begun")
    try:
        OPERATIONS[operation](place)
    except StoreError as error:
        pipe.send(str(error))
        sys.exit(1)


def run_until(operation: str, place: Place, seconds: float | None) -> Outcome:
    """Do an operation in a process of its own, which is killed after `seconds`."""
    ours, theirs = CONTEXT.Pipe()
    process = CONTEXT.Process(target=run, args=(operation, place, theirs))
    process.start()
    ours.recv()
    started = time.monotonic()
    process.join(seconds)
    if process.exitcode is None:
        process.kill()  # nothing where it has just ended
        process.join()
    return Outcome(process.exitcode, time.monotonic() - started, ours.recv() if process.exitcode == 1 else "")


def check(place: Place) -> None:
    """The store opens, its counts agree, and one whole generation is searched."""
    with place.open() as index:
        status = index.status()
        for generation in status.generations:
            faults = index.generations.verify(generation.generation_id)
            assert [fault for fault in faults if "not yet parsed" not in fault] == []
        live = set(index.person_ids().tolist())
        assert len(live) == status.people
        assert set(open_current(IndexedPeople(index)).person_ids.tolist()) == live
        assert {one.generation_id for one in index.people(live)} <= {status.live.generation_id if status.live else 0}
        assert set(index.descriptors()[0].tolist()) == live
        check_files(index)


def check_files(index: PersonIndex) -> None:
    """Every picture belongs to a row, and every row that says so has its pictures."""
    with index.database.read() as session:
        parses = session.execute(select(Parse.image_id, Parse.generation_id, Parse.has_thumbnails)).all()
        people = session.execute(select(PersonRow.image_id, PersonRow.generation_id, PersonRow.id)).all()
    complete = {(image_id, generation_id) for image_id, generation_id, is_complete in parses if is_complete}
    owners = [(f"{image_id}", (image_id, generation_id)) for image_id, generation_id, _ in parses]
    owners += [(f"{image_id}-{person_id}", (image_id, generation_id)) for image_id, generation_id, person_id in people]
    pictures = {path.stem for path in index.thumbnails.folder.rglob("*.webp")}
    assert {name for name, owner in owners if owner in complete} <= pictures <= {name for name, _ in owners}


def people_by_content(index: PersonIndex) -> dict[str, list[tuple[float, ...]]]:
    """For every photograph the boxes of its people: the same whatever ids they got."""
    found: dict[str, list[tuple[float, ...]]] = {}
    for one in index.people(index.person_ids()):
        found.setdefault(one.image_path.name, []).append(one.person.box_xyxy)
    return found


def copy_home(template: Place, home: Path) -> Place:
    if template.home.exists():  # it has no files yet if the records are elsewhere
        shutil.copytree(template.home, home)
    return replace(template, home=home)
