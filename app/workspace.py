"""Workspace: the open store of one installation, ready to be searched."""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from app.config import AppConfig
from index.database import FILE_NAME, StoreError
from index.likeness import Likeness
from index.person_index import PersonIndex
from query.search import SearchConfig, Searcher

SHIPPED_CHECKPOINT = Path(__file__).parents[1] / "parsing" / "weights" / "hptr-compact.safetensors"


@dataclass(frozen=True)
class Workspace:
    """A store and what searches it; any thread may use it."""

    config: AppConfig
    index: PersonIndex
    searcher: Searcher
    likeness: Likeness


@lru_cache(maxsize=4)
def open_workspace(config: AppConfig) -> Workspace:
    """The workspace of a config, opened once per process.

    Raises:
        StoreError: one sentence that says what is wrong and what to do.
    """
    learned = search_config(config)
    index = PersonIndex.open(config.home, database=config.database)
    return Workspace(config, index, Searcher(index, learned), Likeness(index))


def missing_store(config: AppConfig) -> Path | None:
    """The SQLite file that a config names, if it is not there; None if it is, or a server keeps the records."""
    file = config.home / FILE_NAME if config.database is None else _sqlite_file(config.database)
    return None if file is None or file.is_file() else file


def _sqlite_file(database: str) -> Path | None:
    try:
        place = make_url(database)
    except ArgumentError:  # which is explained when the store is opened
        return None
    return Path(place.database) if place.get_backend_name() == "sqlite" and place.database else None


def search_config(config: AppConfig) -> SearchConfig:
    """What the checkpoint's description says of thresholds and colors.

    Read as plain JSON: the page must not load torch to search.

    Raises:
        StoreError: the checkpoint cannot be used.
    """
    weights = config.checkpoint or SHIPPED_CHECKPOINT
    try:
        weights.stat()
        learned = SearchConfig.from_checkpoint(json.loads(weights.with_suffix(".json").read_text())["search"])
        learned.back_off_table()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(_fault(weights, error)) from error
    return learned


def _fault(weights: Path, error: Exception) -> str:
    """What `parse` too would say of a checkpoint, or else that a search cannot use what it has learned."""
    from parsing.checkpoint import CheckpointError, read_info  # only now, as it loads torch

    try:
        read_info(weights)
    except CheckpointError as fault:
        return str(fault)
    return (
        f'expected "search" in {weights.with_suffix(".json")} as query.fitting writes it, but it is of another form '
        f"({error}); copy both files of the checkpoint again"
    )
