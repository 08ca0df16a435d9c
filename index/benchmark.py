"""Benchmark of the search engine: N plausible people, our search beside other engines, and how latency grows with N.

    python -m index.benchmark --people N [--work DIR] [--report FILE] [--only-ours] [--json]

Two things are measured. On vectors alone, up to 100,000 people, every engine of `index.comparison` answers the same
questions. Then whole stores of N/100, N/10 and N people are made, and sentences are answered from text to 50 records
with the files of their thumbnails, as the page and the API do it. Stores in a folder given by --work stay there, and
the next run measures them without making them again.

Each row is printed as soon as it is known, and the report (FILE.txt, FILE.json, FILE.png) holds all that is known so
far, whatever fails later. `index` may not import `query`; what measures our own search is imported when it runs, in a
process of its own.
"""

import argparse
import json
import logging
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tqdm import tqdm

from index.benchmark_report import Report
from index.benchmark_store import BYTES_PER_PERSON, made_seconds, measure_store, progress
from index.comparison import ENGINES, comparison, own_folder

LEAST = 100  # people
COMPARED = 100_000  # people up to whom other engines are measured


class BenchmarkError(Exception):
    """The benchmark cannot run, or not all of it could; the message is one sentence for the user."""


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    options = _options().parse_args(arguments)
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("index.plausible_store").setLevel(logging.INFO)
    try:
        with _work_folder(options.work, options.people) as work:
            _run(options, work)
    except BenchmarkError as error:
        sys.exit(f"Error: {error}")


def _run(options: argparse.Namespace, work: Path) -> None:
    """Measure everything and show it.

    Raises:
        BenchmarkError: something could not be measured; the rest was, and is shown.
    """
    report = Report(options.report, partial(tqdm.write, file=sys.stderr if options.json else sys.stdout))
    if not options.only_ours:
        compared = min(options.people, COMPARED)
        for people in sorted({max(LEAST, compared // 10), compared}):
            _compare(people, work, report)
    for people in _sizes(options.people):
        _measure_store(people, work, report, kept=options.work is not None)
    if options.json:
        print(json.dumps(report.document(), indent=1))
    else:
        print(f"report: {options.report}.txt, {options.report}.json and {report.plot()}")
    if report.failures:
        raise BenchmarkError(f"{report.failures[0]} ({len(report.failures)} in all; the rest was measured)")


def _compare(people: int, work: Path, report: Report) -> None:
    with (
        own_folder(work / "comparison") as folder,
        progress(len(ENGINES), f"{people:,} people", "engine") as bar,
        report.attempt(f"the comparison at {people:,} people"),
        comparison(people, folder) as measure,
    ):
        for name in ENGINES:
            with report.attempt(f"{name} at {people:,} people"):
                report.add(measure(name))
            bar.update()


def _measure_store(people: int, work: Path, report: Report, *, kept: bool) -> None:
    home = _store_folder(work, people)
    with report.attempt(f"the store of {people:,} people"):
        measure_store(people, home, report)
    if not kept:
        shutil.rmtree(home, ignore_errors=True)


def _sizes(people: int) -> list[int]:
    """People of the stores that are made."""
    return sorted({max(LEAST, people // divisor) for divisor in (100, 10, 1)})


def _store_folder(work: Path, people: int) -> Path:
    return work / f"store-{people}"


@contextmanager
def _work_folder(wanted: Path | None, people: int) -> Iterator[Path]:
    """A folder to work in, with room for the stores that are not there yet; gone afterwards if none was `wanted`.

    Raises:
        BenchmarkError: there is none, or no room.
    """
    try:
        if wanted is None:
            with tempfile.TemporaryDirectory(prefix="signalement-benchmark-") as folder:
                yield _roomy(Path(folder), people)
        else:
            wanted.mkdir(parents=True, exist_ok=True)
            yield _roomy(wanted, people)
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        raise BenchmarkError(
            f"expected a folder to work in, got {wanted} ({error.strerror}); choose another --work"
        ) from error


def _roomy(folder: Path, people: int) -> Path:
    missing = [size for size in _sizes(people) if made_seconds(_store_folder(folder, size)) is None]
    free, needed = shutil.disk_usage(folder).free, sum(missing) * BYTES_PER_PERSON
    if free < needed:
        raise BenchmarkError(
            f"stores of up to {people:,} people need about {needed / 1e9:.1f} GB of disk, but {folder} has "
            f"{free / 1e9:.1f} GB free; choose another --work or fewer people"
        )
    return folder


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m index.benchmark", description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--people", type=_number_of_people, required=True, metavar="N", help="people in the largest store"
    )
    parser.add_argument(
        "--work", type=Path, metavar="DIR", help="where stores are made and kept for the next run; by default they go"
    )
    parser.add_argument(
        "--report", type=Path, metavar="FILE", default=Path("index-benchmark"), help="without .txt, .json, .png"
    )
    parser.add_argument("--only-ours", action="store_true", help="leave the comparison with other engines out")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the table")
    return parser


def _number_of_people(text: str) -> int:
    digits = text.replace("_", "").replace(",", "")
    if not digits.isdecimal() or int(digits) < LEAST:
        raise argparse.ArgumentTypeError(f"expected a number of people, {LEAST} or more, got {text!r}")
    return int(digits)


if __name__ == "__main__":
    main()
