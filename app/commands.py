"""Commands: each a few lines around one library call. Libraries load inside, so that `explain` waits for no torch."""

import io
import json
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import reports
from app.config import AppConfig, UserError
from app.wording import counted, one_line

if TYPE_CHECKING:
    from app.workspace import Workspace
    from parsing.parser import HumanParser
    from parsing.records import ParsedImage

Command = Callable[[Namespace, AppConfig], None]

ROOT = Path(__file__).parents[1]


def ingest(options: Namespace, config: AppConfig) -> None:
    """Ingest files and folders."""
    from index.ingest import DEFAULT_GALLERY
    from index.ingest import ingest as run
    from index.manifest import NothingToIngestError, check_paths

    if options.job is None:  # a job is told what is wrong instead
        with _expected(NothingToIngestError):
            check_paths(options.paths)  # before a store is made for nothing
    with _workspace(config, make=True) as workspace, _told(workspace, options.job):
        report = run(
            options.paths,
            _human_parser(config),
            workspace.index,
            gallery=options.gallery or DEFAULT_GALLERY,
            dry_run=options.dry_run,
            retry_failed=options.retry_failed,
            show_progress=options.job is None,
            job_id=options.job,
        )
        _print(options, reports.ingest_document(report), reports.ingest_lines(report))
        if report.parsed and report.is_live:
            _make_search_files(workspace)
    if report.found and len(report.failures) == report.found:
        if report.found == 1:
            raise UserError(
                f"expected a photograph, but {report.failures[0][0]} could not be read; the reason is above"
            )
        raise UserError(f"expected photographs, but none of {report.found} files could be read; the reasons are above")


def _make_search_files(workspace: "Workspace") -> None:
    """Make what the first search and the first "look alike" would have to make; the records are safe if that fails."""
    from index.database import StoreError
    from index.likeness import open_vectors

    try:
        workspace.searcher.store()
        open_vectors(workspace.index, "appearance")
    except (StoreError, OSError) as error:
        _say(f"the people are remembered, but search files could not be made yet: {error}")


@contextmanager
def _told(workspace: "Workspace", job_id: int | None) -> Iterator[None]:
    """A job that fails before it has begun is told why; one that has begun notes that by itself."""
    from index.jobs import Jobs

    jobs = Jobs(workspace.index.database)
    try:
        yield
    except Exception as error:
        if job_id is not None and jobs.get(job_id).state == "queued":
            jobs.report(job_id, state="failed", message=str(error))
        raise


def search(options: Namespace, config: AppConfig) -> None:
    """Search for one description, or for each line of standard input, where each line gets its own answer."""
    with _workspace(config) as workspace:
        for text in _texts(options.text):
            try:
                document, lines = _answer(workspace, text, options)
            except (ValueError, LookupError) as error:
                if options.text != "-":
                    raise _user_error(error) from error
                document, lines = _no_answer(text, str(_user_error(error)))
            _print(options, document, lines)
        if not workspace.searcher.store().count:
            _say(f"nobody is in {config.home} yet; add photographs with python -m app ingest PATH")


def _answer(workspace: "Workspace", text: str, options: Namespace) -> tuple[dict[str, Any], Iterable[str]]:
    """The document and the lines of one search."""
    from query.search import search_document

    found = _query_parser().parse(text)
    words = [word for word, _, _ in found.not_understood]
    result = workspace.searcher.search(found.tree, mode=options.mode, limit=options.limit, sort=options.sort)
    people = workspace.searcher.people(result)
    _, question = workspace.searcher.facets(result)
    return search_document(result, people, words, question), reports.search_lines(result, people, words)


def alike(options: Namespace, config: AppConfig) -> None:
    """Find people who look like one person, or are dressed like them."""
    with _workspace(config) as workspace, _expected(ValueError, LookupError):
        likeness = workspace.likeness
        find = likeness.more_like if options.by == "appearance" else likeness.dressed_like
        found = find(options.person, options.limit)
        people = workspace.index.people(one.person_id for one in found)
    document = reports.alike_document(options.person, options.by, found, people)
    _print(options, document, reports.alike_lines(found, people))


def _no_answer(text: str, error: str) -> tuple[dict[str, Any], Iterable[str]]:
    """The document and the line of one search that cannot be done."""
    found = _query_parser().interpret(text)
    words = [word for word, _, _ in found.not_understood]
    document = {"query": found.query, "not_understood": words, "total": 0, "matches": [], "error": error}
    return document, [f"Error: {error}"]


def parse(options: Namespace, config: AppConfig) -> None:
    """Parse images without remembering them; those that cannot be read are named and left out."""
    from app.documents import parse_document
    from parsing.images import UnreadableImageError, printable

    parser = _human_parser(config)
    parsed: list[ParsedImage] = []
    failures: list[tuple[Path, str]] = []
    folders = [None] * len(options.images) if options.overlay is None else _folders(options.images, options.overlay)
    for path, folder in zip(options.images, folders, strict=True):
        try:
            parsed.append(_parse(path, parser, folder))
        except UnreadableImageError as error:
            failures.append((Path(printable(path)), printable(str(error))))
    if len(failures) == 1 == len(options.images):
        raise UserError(failures[0][1])
    for path, reason in failures:
        _say(f"left out {path}: {reason}")
    if not parsed:
        raise UserError(f"expected images, but none of {len(failures)} could be read; the reasons are above")
    _print(options, parse_document(parsed, failures), reports.parse_lines(parsed))


def _folders(images: Sequence[Path], overlays: Path) -> list[Path]:
    """Where each image's overlay goes: as the images lie to each other, so that equal names do not meet."""
    lie = [os.path.dirname(os.path.abspath(image)) for image in images]
    return [overlays / os.path.relpath(folder, os.path.commonpath(lie)) for folder in lie]


def _parse(path: Path, parser: "HumanParser", overlays: Path | None) -> "ParsedImage":
    """Everybody in one image, drawn into the folder `overlays` if there is one."""
    from parsing.images import printable, read_image
    from parsing.render import save_overlay

    pixels = read_image(path).pixels
    (record,) = parser.parse([pixels], [Path(printable(path))])
    if overlays:
        with _writing(overlays):
            _say(f"wrote {save_overlay(pixels, record, overlays)}")
    return record


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
    """Rebuild the derived files of the store from its records; with `--parse`, parse all photographs anew first."""
    from index.reindex import reindex as rebuild
    from index.reindex import reparse
    from index.switching import promote

    with _workspace(config) as workspace:
        index = workspace.index
        if options.parse:
            parser = _human_parser(config)
            for done in reparse(parser, index, show_progress=not options.json and sys.stderr.isatty()):
                for path, reason in done.failures:
                    _say(f"left out {path}: {reason}")
            promote(index, index.generations.of_checkpoint(parser.checkpoint_hash).generation_id)
        report = rebuild(index)
    _print(options, reports.reindex_document(report), reports.reindex_lines(report))


def generations(options: Namespace, config: AppConfig) -> None:
    """Show the generations of the store; search another, or the one that was searched before; delete one."""
    from index.switching import promote

    with _workspace(config) as workspace:
        index = workspace.index
        if options.rollback:
            index.generations.rollback()
        elif options.use is not None:
            promote(index, options.use)
        elif options.discard is not None:
            index.discard_generation(options.discard)
        held = index.status()
    _print(options, reports.status_document(held)["generations"], reports.generation_lines(held))


def delete(options: Namespace, config: AppConfig) -> None:
    """Delete images, people or a gallery, with everything derived from them."""
    if not (options.image or options.person or options.gallery or options.before):
        raise UserError(
            "expected what to delete, got nothing; give --image PATH, --person ID, --gallery NAME or --before DATE"
        )
    with _workspace(config) as workspace:
        index, people = workspace.index, 0
        images = [index.find_image(path) for path in options.image]  # before anything goes
        if options.person:
            people += index.delete_people(options.person)
        if images:
            people += index.delete_images(images)
        if options.gallery:
            people += index.delete_gallery(options.gallery)
        if options.before:
            people += index.delete_captured_before(options.before)
        index.vacuum()
    _print(options, {"people": people}, [f"deleted {counted(people, 'person', 'people')}"])


def export(options: Namespace, config: AppConfig) -> None:
    """Write everybody who matches into a file."""
    from app.exports import export as export_matches

    output = options.output
    partial = output.parent / f".{output.name}.tmp"  # an export that fails leaves what was there before
    with _workspace(config) as workspace, _expected(ValueError, LookupError):
        found = _query_parser().parse(options.text)
        assert found.tree is not None
        kind = output.suffix.removeprefix(".").lower()
        with _writing(output), _removed(partial), partial.open("wb") as file:
            people = export_matches(workspace, found.tree, file, kind=kind, mode=options.mode)
            partial.replace(output)
    _say(f"wrote {counted(people, 'person', 'people')} to {output}")


def corrections(options: Namespace, config: AppConfig) -> None:
    """Write what readers have corrected as a data set to train with."""
    from app.training_data import write_training_data

    with _workspace(config) as workspace, _writing(options.output):
        written = write_training_data(workspace.index, options.output)
    if not written.photographs:
        raise UserError(
            f"expected corrected people to write, got none ({written.left_out} photographs are gone or nobody is seen "
            "there any more); open somebody on the search page and correct a label"
        )
    _print(options, asdict(written), reports.written_lines(written, options.output))


def ui(options: Namespace, config: AppConfig) -> None:
    """Serve the pages until interrupted; `app.ui` says where they are."""
    from app.server import check_address, server_environment

    with _workspace(config, make=True):  # says at once, not on the page, what is wrong with the store
        pass
    with _expected(ValueError):
        check_address(options.address, options.port)
    flags = ["--server.address", options.address]
    if options.port is not None:
        flags += ["--server.port", str(options.port)]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app" / "ui.py"), *flags]
    sys.stdout.flush()
    os.execve(sys.executable, command, server_environment(config, show=options.open))


@contextmanager
def _expected(*kinds: type[Exception]) -> Iterator[None]:
    """Turn errors that a user can mend into one sentence."""
    try:
        yield
    except kinds as error:
        raise _user_error(error) from error


def _user_error(error: Exception) -> UserError:
    return UserError(str(error.args[0]) if isinstance(error, KeyError) else str(error))


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """What goes wrong in writing `path` is an expected error."""
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot write to {path} ({error.strerror}); choose another place") from error


@contextmanager
def _removed(partial: Path) -> Iterator[None]:
    """Afterwards, whatever happened, there is no such file."""
    try:
        yield
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _workspace(config: AppConfig, *, make: bool = False) -> "Iterator[Workspace]":
    """The open store; what is wrong with it is an expected error. One that is not there is only made if asked."""
    from app.workspace import missing_store, open_workspace
    from index.database import StoreError

    if not make and (missing := missing_store(config)):
        raise UserError(
            f"expected a store, but there is no {missing}; correct --home or --database, "
            "or make one with python -m app ingest PATH"
        )
    with _expected(StoreError):
        yield open_workspace(config)


def _human_parser(config: AppConfig) -> "HumanParser":
    from parsing.checkpoint import DEFAULT_CHECKPOINT, CheckpointError
    from parsing.memory import keep_freed_memory
    from parsing.parser import HumanParser

    keep_freed_memory()
    with _expected(CheckpointError):
        return HumanParser.load(config.checkpoint or DEFAULT_CHECKPOINT)


def _query_parser() -> Any:
    from app.reading import query_parser

    return query_parser()


def _texts(text: str) -> Iterable[str]:
    """The text, or the lines of standard input where it is `-`."""
    if text != "-":
        return [text]
    if sys.stdin is None:
        raise UserError("expected one text a line on standard input, but it is closed; give a text, or lines in a pipe")
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # a line in another encoding must not stop the others
    return (line.rstrip("\n") for line in sys.stdin)


def _say(text: str) -> None:
    """What is not the result, but worth to know."""
    print(one_line(text), file=sys.stderr)


def _print(options: Namespace, document: Any, lines: Iterable[str]) -> None:
    """One document on one line for machines, or lines for people."""
    try:
        print(json.dumps(document) if options.json else "\n".join(map(one_line, lines)), flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for Python tries again when it ends
        if isinstance(error, BrokenPipeError):
            raise
        raise UserError(f"cannot write to standard output ({error.strerror}); choose another place") from error
