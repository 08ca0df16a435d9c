"""Runs a parser over labelled photographs and gathers every figure that is reported about it."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from parsing.assemble import ImagePrediction, assemble, predict
from parsing.labels import CHARACTERISTICS, PAIRS, TASKS, label_id
from parsing.parser import HumanParser
from parsing.records import ParsedImage, Person
from training.ccp import CCPDataset, Item
from training.coco_people import COCOPeopleDataset
from training.item_accuracy import Absence, Answer, absences, accuracy, answers, person_name, worn_items
from training.items import characteristic_items, part_items, people_items, person_label_maps, true_parts
from training.layouts import open_dataset
from training.metrics import MetricCounter, Metrics, Prediction, Truth
from training.miou import Counts, class_iou, mean_defined, merge_classes, ratio
from training.people_found import TALL, PeopleCounter, PeopleScores, best_matches
from training.samples import Sample

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class DataSetResult:
    """Figures of one data set.

    Args:
        people: all of them, and those at least, and less than, 96 pixels tall.
        answers: what was said of every labelled item.
        absences: what was said of items that are visibly not worn.
    """

    name: str
    photos: int
    people: Mapping[str, PeopleScores]
    answers: Sequence[Answer]
    absences: Sequence[Absence]


@dataclass(frozen=True)
class Evaluation:
    """Metrics over the photographs with label maps, and the figures of each data set."""

    split: str
    metrics: Metrics
    data_sets: Sequence[DataSetResult]


@dataclass(frozen=True)
class LabelledData:
    """A data set opened for evaluation.

    Args:
        samples: its photographs of the split.
        items: sample -> `photo` or `photo_person` -> labelled items.
        everyone: whether all people are labelled; otherwise one main person is.
        tasks: what its label maps know; nothing where only people are labelled.
    """

    name: str
    samples: Iterable[Sample]
    items: Callable[[Sample], Mapping[str, Sequence[Item]]]
    everyone: bool
    tasks: Sequence[str]


def open_data(root: Path, split: str) -> LabelledData:
    """The data set in a folder.

    Raises:
        FileNotFoundError: the folder has the layout of none.
    """
    data = open_dataset(root)
    if isinstance(data, CCPDataset):
        return LabelledData("ccp", data.samples(split), lambda _: data.characteristics, everyone=False, tasks=TASKS)
    if isinstance(data, COCOPeopleDataset):
        return LabelledData("coco_people", data.samples(split), lambda _: data.labelled, everyone=True, tasks=())
    name, everyone = "ccihp" if data.tasks == TASKS else "cihp", data.label_map.everyone
    return LabelledData(name, data.samples(split), worn_items, everyone, data.tasks)


def evaluate(parser: HumanParser, roots: Sequence[Path], split: str) -> Evaluation:
    """Every figure of a parser on a split of the data sets in `roots`."""
    counter = MetricCounter()
    results = [_measure(parser, open_data(root, split), counter) for root in roots]
    return Evaluation(split, counter.result(), results)


def _measure(parser: HumanParser, data: LabelledData, counter: MetricCounter) -> DataSetResult:
    """Figures of one data set; photographs with label maps are counted in `counter` too."""
    people = PeopleCounter(data.everyone)
    said: list[Answer] = []
    left_out: list[Absence] = []
    photos = 0
    for sample, prediction, parsed in _parsed(parser, data.samples):
        photos += 1
        people.add(sample.human, prediction.human)
        if data.tasks:
            counter.add(truth_of(sample, data.tasks), prediction_of(prediction))
        for one in labelled_people(sample, parsed, data.items(sample)):
            said += answers(one.name, one.found, one.items)
            left_out += absences(one.found, one.items)
        logger.info("%s: %d photographs", data.name, photos)
    scores = {
        "all": people.scores(),
        f"at least {TALL} px": people.scores(shortest=TALL),
        f"under {TALL} px": people.scores(tallest=TALL),
    }
    return DataSetResult(data.name, photos, scores, said, left_out)


def _parsed(parser: HumanParser, samples: Iterable[Sample]) -> Iterator[tuple[Sample, ImagePrediction, ParsedImage]]:
    """Each photograph with its label maps and its people, from one pass of the network."""
    config = parser.assemble_config
    for sample in samples:
        output = next(iter(parser.outputs([sample.image])))
        yield sample, predict(output, config), assemble(output, sample.path, config, parser.calibration)


@dataclass(frozen=True)
class LabelledPerson:
    """A person with labelled items.

    Args:
        name: `photo` or `photo_person`, as in the list of items.
        number: in the sample's `human` map.
        found: the record whose mask has IoU > 0.5 with the person, None if none has.
    """

    name: str
    number: int
    found: Person | None
    items: Sequence[Item]


def labelled_people(
    sample: Sample, parsed: ParsedImage, items: Mapping[str, Sequence[Item]]
) -> Iterator[LabelledPerson]:
    """The people of a photograph who have labelled items."""
    matches = best_matches(sample.human, _person_map(parsed))
    for number in range(1, int(np.where(sample.human == 255, 0, sample.human).max(initial=0)) + 1):
        found = parsed.people[matches[number] - 1] if number in matches else None
        for name in {sample.name, person_name(sample, number)} & set(items):
            yield LabelledPerson(name, number, found, items[name])


def _person_map(parsed: ParsedImage) -> Counts:
    human = np.zeros((parsed.height, parsed.width), np.int32)
    for number, person in enumerate(parsed.people, start=1):
        human[person.mask.decode()] = number
    return human


def truth_of(sample: Sample, tasks: Sequence[str] = TASKS) -> Truth:
    """A sample as the metrics count it, in those tasks that its data set knows, attributes among them."""
    parts, characteristics = true_parts(sample.human, sample.tasks)
    labels = {task: sample.tasks[task] for task in tasks}
    return Truth(
        sample.human, labels, parts, {task: characteristics[task] for task in CHARACTERISTICS if task in tasks}
    )


def prediction_of(prediction: ImagePrediction) -> Prediction:
    """Predicted label maps as the metrics count them, with items built by the published rules."""
    human, labels, sure = prediction.human, prediction.labels, prediction.probabilities
    scores = prediction.human_score
    return Prediction(
        human=people_items(human, scores),
        labels=dict(labels),
        parts=part_items(human, labels["attribute"], sure["attribute"]),
        characteristics={
            task: characteristic_items(human, labels["attribute"], labels[task], sure[task]) for task in CHARACTERISTICS
        },
        label_maps=person_label_maps(human, labels["attribute"], len(scores)),
        label_map_scores=scores,
    )


def merged_attribute_miou(confusion: Counts) -> float:
    """Attribute mIoU over the data set with left and right of arms, legs and shoes as one class each."""
    pairs = [(label_id("attribute", left), label_id("attribute", right)) for left, right in PAIRS.values()]
    return mean_defined(class_iou(merge_classes(confusion, pairs)))


def people_document(result: DataSetResult) -> dict[str, Any]:
    """A data set's people as plain values."""
    return {
        group: {
            "recall": scores.recall,
            "precision": scores.precision,
            "people": scores.people,
            "predicted": scores.predicted,
            "doubles": scores.doubles,
            "strips": scores.strips,
        }
        for group, scores in result.people.items()
    }


def items_document(result: DataSetResult) -> dict[str, Any]:
    """A data set's item accuracies as plain values."""
    document: dict[str, Any] = {}
    for task in CHARACTERISTICS:
        figures = accuracy(result.answers, task)
        document[task] = {
            "top1": figures.top1,
            "items": figures.count,
            "found": figures.found,
            "ece": figures.calibration_error,
            "ece_by_chance": figures.error_by_chance,
            "by_item": _shares(figures.by_item),
            "by_label": _shares(figures.by_label),
        }
    for item in sorted({absence.item for absence in result.absences}):
        mine = [absence.right for absence in result.absences if absence.item == item]
        document.setdefault("absent", {})[item] = {"right": ratio(sum(mine), len(mine)), "items": len(mine)}
    return document


def _shares(shares: Mapping[str, tuple[float, int]]) -> dict[str, Any]:
    return {name: {"top1": share, "items": count} for name, (share, count) in shares.items()}
