"""Retrieval benchmark: do described queries find the people whom the labels of photographs say they should?

    python -m query.benchmark --data CCP_ROOT [--checkpoint FILE] [--json] [--split calibration]

Queries come from the labels (`query.truth`) of the validation photographs, numbers divisible by 10, and are answered by
what the parser saw in the pictures. The soft ranking is compared with random order and with hard filtering on winning
labels. Whoever changes how people are ranked reads the figures of the calibration photographs (numbers that end in 5).
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.columns import NO_TIME, ColumnStore, Facts, open_columns, write_columns
from index.descriptor import FLOOR, encode, winners
from parsing.checkpoint import DEFAULT_CHECKPOINT, read_info
from parsing.images import read_image
from parsing.parser import HumanParser
from parsing.records import ParsedImage, Person, RunLengthMask
from query.scan import least_score, scores_of_all
from query.search import SearchConfig
from query.truth import KINDS, Question, questions, read_truth

TOP = 10
SHUFFLES = 20  # of orders that are random, or ties in a hard filter

Flags = NDArray[np.bool_]
Ranking = Callable[[Question], list[Flags]]  # right and wrong people as they come, once or several times


@dataclass(frozen=True)
class Figures:
    """Means over queries: average precision, precision and recall among the first ten."""

    average_precision: float
    precision_at_10: float
    recall_at_10: float


def is_validation(number: int) -> bool:
    """Whether figures may be read on this photograph."""
    return number % 10 == 0


def is_calibration(number: int) -> bool:
    """Whether settings may be chosen on this photograph."""
    return number % 10 == 5


SPLITS = {"validation": is_validation, "calibration": is_calibration}


def measure(people: Sequence[Person], asked: Sequence[Question], config: SearchConfig) -> dict[str, dict[str, Figures]]:
    """Figures by ranking (soft, hard, random) and kind of query; `people` in the order of the questions' answers."""
    descriptors = np.stack([encode(person) for person in people])
    sure = np.where(winners(descriptors), 0.0, np.log(FLOOR))
    with open_people(descriptors) as soft, open_people(sure) as hard:
        rankings: dict[str, Ranking] = {
            "soft": lambda question: [_soft_order(question, soft, config)],
            "hard": lambda question: _hard_orders(question, hard),
            "random": lambda question: _shuffled(question.right[question.known]),
        }
        return {name: _by_kind(asked, ranking) for name, ranking in rankings.items()}


def main_person(image: ParsedImage) -> Person:
    """The largest person of an image; where nobody was found, somebody of whom nothing was seen."""
    if not image.people:
        return Person((0.0, 0.0, 0.0, 0.0), 0.0, RunLengthMask.encode(np.zeros((image.height, image.width), bool)), ())
    return max(image.people, key=lambda person: int(person.mask.decode().sum()))


def parse_main_people(root: Path, numbers: Sequence[str], checkpoint: Path, *, batch: int = 8) -> Iterator[Person]:
    """The main person of each photograph, as the checkpoint's parser sees them."""
    parser = HumanParser.load(checkpoint)
    for start in range(0, len(numbers), batch):
        paths = [root / "photos" / f"{number}.jpg" for number in numbers[start : start + batch]]
        images = [read_image(path).pixels for path in paths]
        for parsed in parser.parse(images, paths):
            yield main_person(parsed)


def _soft_order(question: Question, store: ColumnStore, config: SearchConfig) -> Flags:
    order = np.argsort(-scores_of_all(question.query, store, config.back_off_table()), kind="stable")
    return question.right[order][question.known[order]]


def _hard_orders(question: Question, store: ColumnStore) -> list[Flags]:
    """Only those whose winning labels are what is asked, in random order."""
    found = scores_of_all(question.query, store) >= least_score(0.5, question.query)
    return _shuffled(question.right[found & question.known])


def _shuffled(flags: Flags) -> list[Flags]:
    rng = np.random.default_rng(0)
    return [rng.permutation(flags) for _ in range(SHUFFLES)]


def _by_kind(asked: Sequence[Question], ranking: Ranking) -> dict[str, Figures]:
    figures = {kind: [_figures(one, ranking(one)) for one in asked if one.kind == kind] for kind in KINDS}
    figures["all"] = [one for several in figures.values() for one in several]
    return {kind: _mean(several) for kind, several in figures.items() if several}


def _figures(question: Question, orders: Sequence[Flags]) -> Figures:
    total = question.answers.count(True)
    return _mean([Figures(average_precision(o, total), o[:TOP].sum() / TOP, o[:TOP].sum() / total) for o in orders])


def average_precision(order: Flags, total: int) -> float:
    """Mean over the `total` right people of the precision where each comes; 0 for those who do not come at all."""
    places = np.flatnonzero(order)
    return float((np.arange(1, len(places) + 1) / (places + 1)).sum() / total)


def _mean(figures: Sequence[Figures]) -> Figures:
    values = np.mean([list(asdict(one).values()) for one in figures], axis=0)
    return Figures(*(float(value) for value in values))


@contextmanager
def open_people(descriptors: NDArray[np.floating]) -> Iterator[ColumnStore]:
    """Columns of a few people of whose images nothing is known, in a folder that goes when they are done with."""
    count = len(descriptors)
    times = np.full(count, NO_TIME)
    cameras, alone = np.full(count, -1, np.int32), np.ones(count, np.int32)
    facts = Facts(np.arange(count), times, cameras, (), alone, {})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "columns.bin"
        write_columns(path, "benchmark", np.arange(count), descriptors, facts)
        yield open_columns(path)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    options = _options().parse_args(arguments)
    config = SearchConfig.from_checkpoint(read_info(options.checkpoint).search)
    truth = read_truth(options.data, SPLITS[options.split])
    people = list(parse_main_people(options.data, list(truth), options.checkpoint))
    asked = questions(list(truth.values()))
    figures = measure(people, asked, config)
    print(_json(figures) if options.json else table(figures, asked, len(people)))


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m query.benchmark", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="a clone of Clothing Co-Parsing")
    parser.add_argument("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT, help="the shipped one by default")
    parser.add_argument(
        "--split", choices=list(SPLITS), default="validation", help="the photographs that are asked for"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the table")
    return parser


def table(figures: Mapping[str, Mapping[str, Figures]], asked: Sequence[Question], people: int) -> str:
    """The figures as text, a line for each kind of query."""
    lines = [f"{people} people, {len(asked)} queries; mAP / P@10 / R@10"]
    lines.append(f"{'':14}{'queries':>8}" + "".join(f"{name:>22}" for name in figures))
    for kind in figures["soft"]:
        number = len(asked) if kind == "all" else sum(one.kind == kind for one in asked)
        lines.append(f"{kind:14}{number:>8}" + "".join(f"{_cell(kinds[kind]):>22}" for kinds in figures.values()))
    return "\n".join(lines)


def _cell(figures: Figures) -> str:
    return " / ".join(f"{value:.3f}" for value in asdict(figures).values())


def _json(figures: Mapping[str, Mapping[str, Figures]]) -> str:
    document = {name: {kind: asdict(one) for kind, one in kinds.items()} for name, kinds in figures.items()}
    return json.dumps(document, indent=1)


if __name__ == "__main__":
    main()
