"""Turns predicted label maps into the items that the instance metrics rank.

The rules are the published ones: PGN's for parts (AP^r), the CCIHP authors' item generator for characteristics (AP^cr).
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from parsing.labels import CHARACTERISTICS, IGNORE
from training.average_precision import Items
from training.miou import Counts, Floats, LabelMap
from training.samples import people_in

MIN_PIXELS = 100  # the authors drop characteristic items of this many pixels or fewer


def part_items(human: LabelMap, attribute: LabelMap, probability: NDArray[np.float32]) -> Items:
    """One item for each (attribute, person) with pixels, in this order; score = area x mean probability.

    Args:
        human: (H, W) person ids, 0 none.
        attribute: (H, W) winning attributes, 0 background.
        probability: (H, W) of the winning attribute.
    """
    id_map, found, areas, means = _group(human, attribute, probability, min_pixels=0)
    return Items.numbered(id_map, found, areas * means)


def characteristic_items(
    human: LabelMap, attribute: LabelMap, characteristic: LabelMap, probability: NDArray[np.float32]
) -> Items:
    """One item for each (attribute, label, person) of more than 100 pixels; score = 2 x mean probability.

    The factor 2 is the published generator's (it takes the length of an index pair for the area); it changes no rank.

    Args:
        characteristic: (H, W) winning size, pattern or color, 0 background.
        probability: (H, W) of the winning label.
    """
    width = int(characteristic.max(initial=0)) + 1
    label = np.where((attribute > 0) & (characteristic > 0), attribute * np.int32(width) + characteristic, 0)
    id_map, found, _, means = _group(human, label, probability, min_pixels=MIN_PIXELS)
    return Items.numbered(id_map, found % width, 2 * means)


def people_items(human: LabelMap, scores: Floats | None = None) -> Items:
    """People as items of the one class 1; 0 and 255 are no person.

    Args:
        human: (H, W) person ids.
        scores: (M,) of the persons 1..M; not needed for ground truth.
    """
    if scores is not None:
        return Items.numbered(human, np.ones(len(scores), np.int64), scores)
    ids = people_in(human)
    return Items(human, ids, np.ones(len(ids), np.int64), np.zeros(len(ids)))


def true_parts(human: LabelMap, labels: Mapping[str, LabelMap]) -> tuple[Items, dict[str, Items]]:
    """Ground-truth instances of a labelled image, one for each (attribute, person): by attribute, and by each task.

    Args:
        human: (H, W) person ids, 0 none, 255 ignored.
        labels: task -> (H, W) label ids, attributes and any others. An instance's size, pattern and color are its most
            frequent ones; where that is 0 or 255 it is no instance of that task.
    """
    attribute = np.where((human == IGNORE) | (labels["attribute"] == IGNORE), 0, labels["attribute"])
    id_map, found, areas, _ = _group(human, attribute, np.ones(human.shape), min_pixels=0)
    parts = Items.numbered(id_map, found, areas.astype(np.float64))
    return parts, {
        task: replace(parts, classes=_most_frequent(id_map, labels[task], len(found)))
        for task in CHARACTERISTICS
        if task in labels
    }


def person_label_maps(human: LabelMap, attribute: LabelMap, num_people: int) -> LabelMap:
    """(M, H, W) the attribute map of each person 1..M, 0 outside the person."""
    people = np.arange(1, num_people + 1)[:, None, None]
    return np.where(human == people, attribute, 0).astype(np.uint8)


_LABELS = 1 << 8


def _most_frequent(id_map: LabelMap, label: LabelMap, num_items: int) -> Counts:
    """(items,) the label that most pixels of each item carry."""
    inside = np.flatnonzero(id_map)
    joint = id_map.ravel()[inside] * np.int32(_LABELS) + label.ravel()[inside]
    counts = np.bincount(joint, minlength=(num_items + 1) * _LABELS).reshape(-1, _LABELS)
    labels: Counts = counts[1:].argmax(axis=1)
    return labels


def _group(
    human: LabelMap, label: LabelMap, probability: NDArray[np.floating], *, min_pixels: int
) -> tuple[LabelMap, Counts, Counts, Floats]:
    """Groups pixels by (label, person), both > 0, in ascending order; those of `min_pixels` or fewer are dropped.

    Returns id map, label, area and mean probability.
    """
    people = int(human.max(initial=0)) + 1
    inside = np.flatnonzero((human > 0) & (label > 0))
    keys = label.ravel()[inside] * np.int32(people) + human.ravel()[inside]
    pixels = np.bincount(keys)
    sums = np.bincount(keys, weights=probability.ravel()[inside])
    kept = pixels > min_pixels
    numbers = np.where(kept, np.cumsum(kept), 0)
    id_map = np.zeros(human.size, np.int32)
    id_map[inside] = numbers[keys]
    return id_map.reshape(human.shape), np.flatnonzero(kept) // people, pixels[kept], sums[kept] / pixels[kept]
