"""Generations: all people parsed by one checkpoint; built aside, checked, and made live by one update."""

from dataclasses import dataclass

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from index.database import Database, StoreError, retried
from index.partitions import add_partition
from index.tables import AuditLog, Generation, Model, Parse, PersonRow, PersonVector, Store, utc_now


@dataclass(frozen=True)
class GenerationInfo:
    """One generation as it stands."""

    generation_id: int
    checkpoint_hash: str
    is_live: bool
    images: int
    people: int


class GenerationError(StoreError):
    """A generation does not exist, or is not fit to be live."""


class Generations:
    """The generations of one store."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @retried
    def all(self) -> list[GenerationInfo]:
        """Every generation, oldest first."""
        with self.database.read() as session:
            live_id = live_generation_id(session)
            rows = session.execute(
                select(Generation, Model.checkpoint_hash)
                .join(Model, Model.id == Generation.model_id)
                .order_by(Generation.id)
            )
            return [_info(generation, checkpoint_hash, live_id) for generation, checkpoint_hash in rows]

    def live(self) -> GenerationInfo | None:
        """The generation that is searched; None in an empty store."""
        return next((generation for generation in self.all() if generation.is_live), None)

    def get(self, generation_id: int) -> GenerationInfo:
        """One generation.

        Raises:
            GenerationError: there is none of that id.
        """
        generations = {generation.generation_id: generation for generation in self.all()}
        if generation_id not in generations:
            known = ", ".join(map(str, generations)) or "none yet"
            raise GenerationError(f"expected a generation of the store ({known}), got {generation_id}; choose one")
        return generations[generation_id]

    @retried
    def of_checkpoint(self, checkpoint_hash: str) -> GenerationInfo:
        """The checkpoint's generation, begun if there is none; the first of a store is live at once."""
        with self.database.read() as session:
            generation_id = _of_checkpoint(session, checkpoint_hash)
        if generation_id is None:
            with self.database.write() as session:  # another process may have begun it by now
                generation_id = _of_checkpoint(session, checkpoint_hash) or _begin(session, checkpoint_hash)
        return self.get(generation_id)

    def verify(self, generation_id: int) -> list[str]:
        """What is wrong with a generation, one sentence each; nothing if it is fit to be live."""
        info = self.get(generation_id)
        with self.database.read() as session:
            live_id = live_generation_id(session)
            counts = {
                "people": (info.people, _count(session, PersonRow, generation_id)),
                "vectors": (info.people, _count(session, PersonVector, generation_id)),
                "images": (info.images, _count(session, Parse, generation_id)),
            }
            missing = _images_lost(session, live_id, generation_id) if live_id else 0
        faults = [
            f"generation {generation_id} should have {expected} {what}, found {found}"
            for what, (expected, found) in counts.items()
            if expected != found
        ]
        if missing:
            faults.append(
                f"{missing} images of the live generation are not yet parsed in generation {generation_id} "
                "(forget those that cannot be read with python -m app delete --image PATH)"
            )
        return faults

    def make_live(self, generation_id: int) -> None:
        """Search this generation from now on; the one before stays for `rollback`.

        Raises:
            GenerationError: it does not exist, or `verify` finds a fault.
        """
        if faults := self.verify(generation_id):
            raise GenerationError(
                f"cannot make generation {generation_id} live: {'; '.join(faults)}; ingest again first"
            )
        with self.database.write() as session:
            if live_generation_id(session) == generation_id:
                return
            session.execute(update(Generation).where(Generation.id == generation_id).values(verified_at=utc_now()))
            _switch(session, generation_id)

    def rollback(self) -> GenerationInfo:
        """Search the generation that was live before; returns it.

        Raises:
            GenerationError: there is none.
        """
        with self.database.write() as session:
            previous_id = session.scalar(select(Store.previous_generation_id))
            if previous_id is None:
                raise GenerationError(
                    "expected a previous generation to go back to, but there is none; nothing changed"
                )
            _switch(session, previous_id)
        return self.get(previous_id)


def live_generation_id(session: Session) -> int | None:
    """Id of the generation that is searched; None in an empty store."""
    return session.scalar(select(Store.live_generation_id))


def grow(session: Session, generation_id: int, *, images: int, people: int) -> None:
    """Count rows that were added to a generation; its derived files are stale, but can be continued."""
    counts = {"images": Generation.images + images, "people": Generation.people + people}
    session.execute(
        update(Generation).where(Generation.id == generation_id).values(revision=Generation.revision + 1, **counts)
    )


def rewrite(session: Session, generation_id: int, *, images: int = 0, people: int = 0) -> None:
    """Count a change of rows that were there, so many taken away; derived files are to be made from the beginning."""
    counts = {"images": Generation.images - images, "people": Generation.people - people}
    session.execute(
        update(Generation)
        .where(Generation.id == generation_id)
        .values(revision=Generation.revision + 1, rewritten=Generation.revision + 1, **counts)
    )


def _of_checkpoint(session: Session, checkpoint_hash: str) -> int | None:
    statement = select(Generation.id).join(Model, Model.id == Generation.model_id)
    return session.scalar(statement.where(Model.checkpoint_hash == checkpoint_hash))


def _begin(session: Session, checkpoint_hash: str) -> int:
    row = {"checkpoint_hash": checkpoint_hash, "labels": {}, "metrics": {}}
    model_id = session.execute(insert(Model).returning(Model.id), row).scalar_one()
    generation_id = session.execute(insert(Generation).returning(Generation.id), {"model_id": model_id}).scalar_one()
    add_partition(session, generation_id)
    session.execute(update(Store).where(Store.live_generation_id.is_(None)).values(live_generation_id=generation_id))
    return generation_id


def _switch(session: Session, generation_id: int) -> None:
    """The one update that changes what is searched."""
    session.execute(
        update(Store).values(previous_generation_id=Store.live_generation_id, live_generation_id=generation_id)
    )
    session.execute(insert(AuditLog), {"action": "make live", "details": {"generation_id": generation_id}})


def _count(session: Session, table: type[PersonRow] | type[PersonVector] | type[Parse], generation_id: int) -> int:
    statement = select(func.count()).select_from(table).where(table.generation_id == generation_id)
    return session.execute(statement).scalar_one()


def _images_lost(session: Session, live_id: int, generation_id: int) -> int:
    """Images parsed in the live generation but not in the other."""
    parsed = select(Parse.image_id).where(Parse.generation_id == generation_id)
    statement = select(func.count()).where(Parse.generation_id == live_id, Parse.image_id.not_in(parsed))
    return session.execute(statement).scalar_one()


def _info(generation: Generation, checkpoint_hash: str, live_id: int | None) -> GenerationInfo:
    return GenerationInfo(
        generation_id=generation.id,
        checkpoint_hash=checkpoint_hash,
        is_live=generation.id == live_id,
        images=generation.images,
        people=generation.people,
    )
