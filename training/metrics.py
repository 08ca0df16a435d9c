"""The field's metrics of one evaluation: mIoU, AP^r_vol, AP^p_vol, PCP_50, AP^cr_vol and AP^h.

Which variant is the headline figure where the published scripts differ:

- mIoU `dataset` leaves classes with an empty union out; `per_image` follows the CCIHP authors' script.
- AP `published` lets a ground-truth part be hit again, `strict` does not. A class with items but no ground truth has no
  value: AP^r leaves it out of the mean (M2FP, QANet), AP^cr has then no value at all, as in the authors' kit, and gives
  the mean over the other classes beside it.
- Where resolutions differ, ground truth goes to the prediction's by nearest neighbour, in every metric.
"""

from dataclasses import dataclass, field

from parsing.labels import CHARACTERISTICS, LABELS, TASKS, num_classes
from training.average_precision import HUMAN_THRESHOLDS, AveragePrecision, ItemMatcher, Items
from training.items import people_items
from training.miou import Floats, IoUCounter, LabelMap, MeanIoU, resize_nearest
from training.person_parsing import PersonParsing, PersonParsingMatcher


@dataclass(frozen=True)
class Truth:
    """Ground truth of one image.

    Args:
        human: (H, W) person ids, 0 none.
        labels: task -> (H, W) label ids, 255 ignored; tasks that are not labelled are missing.
        parts: the (person, attribute) instances; class = attribute.
        characteristics: size, pattern, color -> the same instances; class = their label, 0 none. May be missing too.
    """

    human: LabelMap
    labels: dict[str, LabelMap]
    parts: Items
    characteristics: dict[str, Items]


@dataclass(frozen=True)
class Prediction:
    """What was predicted for one image; every map may have a resolution of its own.

    Args:
        human: people as items of class 1.
        labels: task -> (H, W) winning label ids.
        parts: items of AP^r; class = attribute.
        characteristics: size, pattern, color -> items of AP^cr; class = their label.
        label_maps: (M, H, W) attribute map of each person.
        label_map_scores: (M,).
    """

    human: Items
    labels: dict[str, LabelMap]
    parts: Items
    characteristics: dict[str, Items]
    label_maps: LabelMap
    label_map_scores: Floats


@dataclass(frozen=True)
class BothRules:
    """AP under the published and the strict rule."""

    published: AveragePrecision
    strict: AveragePrecision


@dataclass(frozen=True)
class Metrics:
    """All metrics of an evaluation."""

    num_images: int
    miou: dict[str, MeanIoU]
    parts: BothRules
    characteristics: dict[str, BothRules]
    people: PersonParsing
    human: BothRules


def _counters() -> dict[str, IoUCounter]:
    return {task: IoUCounter(num_classes(task)) for task in TASKS}


def _characteristic_matchers() -> dict[str, ItemMatcher]:
    return {task: ItemMatcher(len(LABELS[task])) for task in CHARACTERISTICS}


@dataclass
class MetricCounter:
    """Counts images one by one; holds a few numbers per image, no maps."""

    num_images: int = 0
    labels: dict[str, IoUCounter] = field(default_factory=_counters)
    parts: ItemMatcher = field(default_factory=lambda: ItemMatcher(len(LABELS["attribute"])))
    characteristics: dict[str, ItemMatcher] = field(default_factory=_characteristic_matchers)
    people: PersonParsingMatcher = field(default_factory=lambda: PersonParsingMatcher(num_classes("attribute")))
    human: ItemMatcher = field(default_factory=lambda: ItemMatcher(1, HUMAN_THRESHOLDS))

    def add(self, truth: Truth, prediction: Prediction) -> None:
        """Count one image, in the tasks that are labelled."""
        self.num_images += 1
        for task, labels in truth.labels.items():
            predicted = prediction.labels[task]
            self.labels[task].add(resize_nearest(labels, predicted.shape), predicted)
        self.parts.add(truth.parts, prediction.parts)
        for task, items in truth.characteristics.items():
            self.characteristics[task].add(items, prediction.characteristics[task])
        maps, scores = prediction.label_maps, prediction.label_map_scores
        self.people.add(truth.human, truth.labels["attribute"], maps, scores)
        self.human.add(people_items(truth.human), prediction.human)

    def result(self) -> Metrics:
        """What has been counted so far."""
        return Metrics(
            num_images=self.num_images,
            miou={task: counter.result() for task, counter in self.labels.items()},
            parts=_both(self.parts),
            characteristics={task: _both(matcher) for task, matcher in self.characteristics.items()},
            people=self.people.result(),
            human=_both(self.human),
        )


def _both(matcher: ItemMatcher) -> BothRules:
    return BothRules(matcher.result(), matcher.result(one_to_one=True))
