"""Commands: each a few lines around one library call. Libraries load inside, so that `explain` waits for no torch."""

import json
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import reports
from app.config import AppConfig, UserError

if TYPE_CHECKING:
    from app.workspace import Workspace
    from parsing.parser import HumanParser

Command = Callable[[Namespace, AppConfig], None]

ROOT = Path(__file__).parents[1]


def ingest(options: Namespace, config: AppConfig) -> None:
    """Ingest files and folders."""
    from index.ingest import DEFAULT_GALLERY
    from index.ingest import ingest as run

    with _workspace(config) as workspace:
        report = run(
            options.paths,
            _human_parser(config),
            workspace.index,
            gallery=options.gallery or DEFAULT_GALLERY,
            dry_run=options.dry_run,
            retry_failed=options.retry_failed,
            show_progress=not options.json and sys.stderr.isatty(),
            job_id=options.job,
        )
    _print(options, reports.ingest_document(report), reports.ingest_lines(report))
    if report.found and len(report.failures) == report.found:
        raise UserError(f"expected photographs, but none of {report.found} files could be read; the reasons are above")


def search(options: Namespace, config: AppConfig) -> None:
    """Search for one description, or for each line of standard input."""
    from query.search import search_document

    with _workspace(config) as workspace, _expected(ValueError, LookupError):
        for text in _texts(options.text):
            found = _query_parser().interpret(text) if options.text == "-" else _query_parser().parse(text)
            words = [word for word, _, _ in found.not_understood]
            if found.tree is None:  # one of many lines: say so in its place and go on
                message = _query_parser().explain(text)["error"]
                document = {"query": "", "not_understood": words, "total": 0, "matches": [], "error": message}
                _print(options, document, [message])
                continue
            result = workspace.searcher.search(found.tree, mode=options.mode, limit=options.limit, sort=options.sort)
            people = workspace.searcher.people(result)
            _print(options, search_document(result, people, words), reports.search_lines(result, people, words))
        if not workspace.searcher.store().count:
            print(f"nobody is in {config.home} yet; add photographs with python -m app ingest PATH", file=sys.stderr)


def parse(options: Namespace, config: AppConfig) -> None:
    """Parse images without remembering them."""
    from app.documents import parse_document
    from parsing.images import UnreadableImageError, read_image
    from parsing.render import save_overlay

    with _expected(UnreadableImageError):
        pixels = [read_image(path).pixels for path in options.images]
    parsed = _human_parser(config).parse(pixels, options.images)
    if options.overlay:
        with _expected(OSError):
            for image, record in zip(pixels, parsed, strict=True):
                print(f"wrote {save_overlay(image, record, options.overlay)}", file=sys.stderr)
    _print(options, parse_document(parsed), reports.parse_lines(parsed))


def explain(options: Namespace, config: AppConfig) -> None:
    """Show how descriptions are understood."""
    for text in _texts(options.text):
        document = _query_parser().explain(text)
        if "error" in document and options.text != "-":
            raise UserError(document["error"])
        _print(options, document, reports.explain_lines(document))


def status(options: Namespace, config: AppConfig) -> None:
    """Show what the store holds."""
    with _workspace(config) as workspace:
        held = workspace.index.status()
    _print(options, reports.status_document(held), reports.status_lines(held))


def reindex(options: Namespace, config: AppConfig) -> None:
    """Rebuild the derived files of the store from its records."""
    from index.columns import build_columns, open_columns
    from index.facts import IndexedPeople

    with _workspace(config) as workspace:
        people = open_columns(build_columns(IndexedPeople(workspace.index))).count
    _print(options, {"people": people}, [f"rebuilt the index of {people} people"])


def delete(options: Namespace, config: AppConfig) -> None:
    """Delete images, people or a gallery, with everything derived from them."""
    if not (options.image or options.person or options.gallery):
        raise UserError("expected what to delete, got nothing; give --image PATH, --person ID or --gallery NAME")
    with _workspace(config) as workspace:
        index, people = workspace.index, 0
        if options.image:
            people += index.delete_images([index.find_image(path) for path in options.image])
        if options.person:
            people += index.delete_people(options.person)
        if options.gallery:
            people += index.delete_gallery(options.gallery)
        index.vacuum()
    _print(options, {"people": people}, [f"deleted {people} people"])


def export(options: Namespace, config: AppConfig) -> None:
    """Write everybody who matches into a file."""
    from app.exports import export as export_matches

    with _workspace(config) as workspace, _expected(ValueError, LookupError, OSError):
        found = _query_parser().parse(options.text)
        assert found.tree is not None
        kind = options.output.suffix.removeprefix(".").lower()
        options.output.write_bytes(export_matches(workspace, found.tree, kind=kind, mode=options.mode))
    print(f"wrote {options.output}", file=sys.stderr)


def ui(options: Namespace, config: AppConfig) -> None:
    """Serve the pages until interrupted."""
    with _workspace(config):  # says at once, not on the page, what is wrong with the store
        pass
    print(f"Signalement is at http://{options.address}:{options.port}", flush=True)
    environment = os.environ | config.environment() | {"PYTHONPATH": str(ROOT)}
    flags = ["--server.port", str(options.port), "--server.address", options.address]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app" / "ui.py"), *flags]
    sys.stdout.flush()
    os.execve(sys.executable, command, environment)


@contextmanager
def _expected(*kinds: type[Exception]) -> Iterator[None]:
    """Turn errors that a user can mend into one sentence."""
    try:
        yield
    except kinds as error:
        raise UserError(str(error.args[0]) if isinstance(error, KeyError) else str(error)) from error


@contextmanager
def _workspace(config: AppConfig) -> "Iterator[Workspace]":
    """The open store; what is wrong with it is an expected error."""
    from app.workspace import open_workspace
    from index.database import StoreError

    with _expected(StoreError):
        yield open_workspace(config)


def _human_parser(config: AppConfig) -> "HumanParser":
    from parsing.checkpoint import DEFAULT_CHECKPOINT, CheckpointError
    from parsing.parser import HumanParser

    with _expected(CheckpointError):
        return HumanParser.load(config.checkpoint or DEFAULT_CHECKPOINT)


def _query_parser() -> Any:
    from app.reading import query_parser

    return query_parser()


def _texts(text: str) -> Iterable[str]:
    """The text, or the lines of standard input where it is `-`."""
    return (line.rstrip("\n") for line in sys.stdin) if text == "-" else [text]


def _print(options: Namespace, document: Any, lines: Iterable[str]) -> None:
    """One document on one line for machines, or lines for people."""
    if options.json:
        print(json.dumps(document, ensure_ascii=False))
    else:
        print("\n".join(lines))
