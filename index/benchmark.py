"""Benchmark of the search engine: N plausible people, our search beside other engines, and how latency grows with N.

    python -m index.benchmark --people N [--work DIR] [--plot FILE] [--only-ours] [--json]

Two things are measured. On vectors alone, up to 100,000 people, every engine of `index.comparison` answers the same
questions. Then whole stores of N/100, N/10 and N people are made, and sentences are answered from text to 50 records
with the files of their thumbnails, as the page and the API do it.

`index` may not import `query`; what measures our own search is imported when it runs, in a process of its own.
"""

import argparse
import errno
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from index.columns import open_current
from index.comparison import ENGINES, Line, compare, in_own_process, milliseconds, own_folder, percentiles
from index.database import StoreUnavailableError
from index.engines import TOP, resident_bytes
from index.facts import IndexedPeople
from index.person_index import PersonIndex
from index.plausible_store import fill
from index.vectors import KINDS, open_vectors, vector_of

LEAST = 100  # people
COMPARED = 100_000  # people up to whom other engines are measured
DENSE = 1_000_000  # people up to whom FAISS indexes of looks and appearances are built
ASKED = 200  # people of whom others like them are looked for
BYTES_PER_PERSON = 6_000  # of disk, while a store is built


class BenchmarkError(Exception):
    """The benchmark cannot run; the message is one sentence for the user."""


def measure_store(people: int, home: Path, *, rounds: int = 10) -> tuple[list[Line], dict[str, float]]:
    """Make a store of so many people and ask it sentences; lines of the table, and what else there is to know."""
    seconds = _make_store(people, home)
    figures = in_own_process(_described, home, rounds)
    page = Line(
        "ours: sentence to records", people, *percentiles(figures.milliseconds), None, figures.disk, figures.memory
    )
    others = {
        "people": people,
        "fill_seconds": round(seconds["fill"], 1),
        "columns_seconds": round(seconds["columns"], 1),
        "open_seconds": round(figures.open_seconds, 2),
        "facets_p95": round(percentiles(figures.facet_milliseconds)[1], 1),
        "resident_gb": round(figures.memory / 1e9, 2),
        "of_that_mapped_files_gb": round(figures.shared / 1e9, 2),
    }
    dense = [in_own_process(measure_likeness, home, kind) for kind in KINDS] if people <= DENSE else []
    return [page, *dense], others


def _make_store(people: int, home: Path) -> dict[str, float]:
    """Fill a store and build its columns; how many seconds each took."""
    start = time.perf_counter()
    with PersonIndex.open(home) as index, tqdm(total=people, unit="people", desc="fill", disable=None) as bar:
        fill(index, people, progress=bar.update)
        filled = time.perf_counter()
        bar.set_description("columns")
        open_current(IndexedPeople(index))
    return {"fill": filled - start, "columns": time.perf_counter() - filled}


def _described(home: Path, rounds: int) -> Any:
    from query.described import measure_store as measure

    return measure(home, rounds=rounds)


def measure_likeness(home: Path, kind: str) -> Line:
    """FAISS on dense vectors: the index that fits the number of people, and its recall as it was measured."""
    before = resident_bytes()[0]
    with PersonIndex.open(home) as index:
        vectors = open_vectors(index, kind)
        queries = [vector_of(index, kind, one) for one in range(1, min(ASKED, vectors.file.count) + 1)]
        times = [milliseconds(partial(vectors.search, query, TOP)) for query in queries]
        disk = (index.derived_folder() / vectors.file.name).stat().st_size
    name = f"ours: {'dressed' if kind == 'look' else 'more'} like this, {vectors.name}"
    return Line(name, vectors.file.count, *percentiles(times), vectors.file.recall, disk, resident_bytes()[0] - before)


def table(lines: Sequence[Line]) -> str:
    """The lines as text."""
    rows = [f"{'engine':36}{'people':>11}{'p50 ms':>9}{'p95 ms':>9}{'recall':>8}{'disk MB':>10}{'memory MB':>11}"]
    for line in lines:
        recall = "-" if line.recall is None else f"{line.recall:.3f}"
        rows.append(
            f"{line.engine:36}{line.people:>11,}{line.p50:>9.2f}{line.p95:>9.2f}{recall:>8}"
            f"{line.disk / 1e6:>10,.0f}{line.memory / 1e6:>11,.0f}"
        )
    return "\n".join(rows)


def plot(lines: Sequence[Line], path: Path) -> None:
    """Latency against people, a curve for each engine: p95, and p50 thin."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for engine in dict.fromkeys(line.name for line in lines):
        own = sorted((line for line in lines if line.name == engine), key=lambda line: line.people)
        people = [line.people for line in own]
        (curve,) = axes.plot(people, [line.p95 for line in own], marker="o", label=engine)
        axes.plot(people, [line.p50 for line in own], color=curve.get_color(), linewidth=0.6)
    axes.set(xscale="log", yscale="log", xlabel="people", ylabel="milliseconds, p95 (p50 thin)")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper", fontsize="small")
    figure.savefig(path, dpi=120)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    options = _options().parse_args(arguments)
    try:
        with _work_folder(options.work, options.people) as work:
            lines, stores = _measure_all(options, work)
    except BenchmarkError as error:
        sys.exit(f"Error: {error}")
    plot(lines, options.plot)
    if options.json:
        print(json.dumps({"lines": [asdict(line) for line in lines], "stores": stores}, indent=1))
    else:
        print(table(lines))
        print("\n".join(str(store).strip("{}").replace("'", "") for store in stores))
        print(f"plot: {options.plot}")


def _measure_all(options: argparse.Namespace, work: Path) -> tuple[list[Line], list[dict[str, float]]]:
    lines: list[Line] = []
    stores = []
    try:
        compared = min(options.people, COMPARED)
        for people in [] if options.only_ours else sorted({max(LEAST, compared // 10), compared}):
            with own_folder(work / "comparison") as folder:
                for line in tqdm(compare(people, folder), total=len(ENGINES), desc=f"{people:,} people", disable=None):
                    lines.append(line)
        for people in sorted({max(LEAST, options.people // divisor) for divisor in (100, 10, 1)}):
            with own_folder(work / "store") as folder:
                more, store = measure_store(people, folder)
            lines += more
            stores.append(store)
    except (OSError, StoreUnavailableError) as error:
        raise _explained(error, work) from error
    except ModuleNotFoundError as error:
        raise BenchmarkError(f"the comparison needs {error.name}; pip install -r requirements-dev.txt") from error
    return lines, stores


def _explained(error: OSError | StoreUnavailableError, work: Path) -> Exception:
    full = error.errno == errno.ENOSPC if isinstance(error, OSError) else "full" in str(error)
    return BenchmarkError(f"the disk of {work} is full; free some space or choose another --work") if full else error


@contextmanager
def _work_folder(wanted: Path | None, people: int) -> Iterator[Path]:
    """A new folder to work in, gone afterwards, on a disk with room for the largest store.

    Raises:
        BenchmarkError: there is none, or no room.
    """
    try:
        if wanted is not None:
            wanted.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="signalement-benchmark-", dir=wanted) as folder:
            free, needed = shutil.disk_usage(folder).free, people * BYTES_PER_PERSON
            if free < needed:
                raise BenchmarkError(
                    f"{people:,} people need about {needed / 1e9:.1f} GB of disk, but {folder} has {free / 1e9:.1f} GB "
                    "free; choose another --work or fewer people"
                )
            yield Path(folder)
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        raise BenchmarkError(
            f"expected a folder to work in, got {wanted} ({error.strerror}); choose another --work"
        ) from error


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m index.benchmark", description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--people", type=_number_of_people, required=True, metavar="N", help="people in the largest store"
    )
    parser.add_argument(
        "--work", type=Path, metavar="DIR", help="where scratch data may lie; a temporary folder by default"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", default=Path("index-benchmark.png"), help="the plot, PNG")
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
