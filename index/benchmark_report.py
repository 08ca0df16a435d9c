"""Report: what the benchmark knows so far, as a table, a JSON document and a plot, written anew after every line."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from index.comparison import Line
from index.database import StoreError

LOGGER = logging.getLogger(__name__)

HEAD = f"{'engine':36}{'people':>11}{'p50 ms':>9}{'p95 ms':>9}{'recall':>8}{'disk MB':>10}{'memory MB':>11}"


class Report:
    """Lines of the table, what else is known of each store, and what could not be measured.

    Args:
        place: of its files, without the endings `.txt`, `.json` and `.png`.
        announce: is told of every row as soon as it is known.
    """

    def __init__(self, place: Path, announce: Callable[[str], object]) -> None:
        self.place = place
        self.lines: list[Line] = []
        self.stores: list[Mapping[str, float]] = []
        self.failures: list[str] = []
        self._announce = announce
        announce(HEAD)

    def add(self, line: Line) -> None:
        """A line more."""
        self.lines.append(line)
        self._announce(row(line))
        self._save()

    def add_store(self, figures: Mapping[str, float]) -> None:
        """What else there is to know of a store."""
        self.stores.append(figures)
        self._announce(store_text(figures))
        self._save()

    @contextmanager
    def attempt(self, what: str) -> Iterator[None]:
        """Note what fails inside, with its reason, and go on."""
        try:
            yield
        except Exception as error:  # a rival that breaks must not cost the figures of the others
            LOGGER.debug("%s failed", what, exc_info=True)
            reason = str(error) if isinstance(error, StoreError) else f"{type(error).__name__}: {error}"
            self.failures.append(f"{what} could not be measured: {reason}")
            self._announce(self.failures[-1])
            self._save()

    def document(self) -> dict[str, Any]:
        """All of it, for machines."""
        return {"lines": [asdict(line) for line in self.lines], "stores": self.stores, "failures": self.failures}

    def text(self) -> str:
        """All of it, for people."""
        return "\n".join([table(self.lines), *map(store_text, self.stores), *self.failures])

    def plot(self) -> Path:
        """Draw latency against people; returns the picture's path."""
        path = self.place.with_suffix(".png")
        plot(self.lines, path)
        return path

    def _save(self) -> None:
        self.place.parent.mkdir(parents=True, exist_ok=True)
        self.place.with_suffix(".txt").write_text(self.text() + "\n", encoding="utf-8")
        self.place.with_suffix(".json").write_text(json.dumps(self.document(), indent=1) + "\n", encoding="utf-8")


def table(lines: Sequence[Line]) -> str:
    """The lines as text."""
    return "\n".join([HEAD, *map(row, lines)])


def row(line: Line) -> str:
    """A line as text."""
    recall = "-" if line.recall is None else f"{line.recall:.3f}"
    return (
        f"{line.engine:36}{line.people:>11,}{line.p50:>9.2f}{line.p95:>9.2f}{recall:>8}"
        f"{line.disk / 1e6:>10,.0f}{line.memory / 1e6:>11,.0f}"
    )


def store_text(figures: Mapping[str, float]) -> str:
    """What else is known of a store, as text."""
    return ", ".join(f"{name.replace('_', ' ')}: {value:,}" for name, value in figures.items())


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
