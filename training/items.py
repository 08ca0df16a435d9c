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

MIN_PIXELS = 100  # the authors drop characteristic items of this many pixels or fewer


def part_items(human: LabelMap, attribute: LabelMap, probability: NDArray[np.float32]) -> Items:
    """One item for each (attribute, person) with pixels, in this order; score = area x mean probability.

    Args:
        human: (H, W) person ids, 0 none.
        attribute: (H, W) winning attributes, 0 background.
        probability: (H, W) of the winning attribute.
    """
    keys = np.where((human > 0) & (attribute > 0), _key(attribute, human), 0)
    id_map, found, areas, means = _group(keys, probability, min_pixels=0)
    return Items.numbered(id_map, found // _PEOPLE, areas * means)


def characteristic_items(
    human: LabelMap, attribute: LabelMap, characteristic: LabelMap, probability: NDArray[np.float32]
) -> Items:
    """One item for each (attribute, label, person) of more than 100 pixels; score = 2 x mean probability.

    The factor 2 is the published generator's (it takes the length of an index pair for the area); it changes no rank.

    Args:
        characteristic: (H, W) winning size, pattern or color, 0 background.
        probability: (H, W) of the winning label.
    """
    worn = (human > 0) & (attribute > 0) & (characteristic > 0)
    keys = np.where(worn, _key(attribute.astype(np.int64) * _LABELS + characteristic, human), 0)
    id_map, found, _, means = _group(keys, probability, min_pixels=MIN_PIXELS)
    return Items.numbered(id_map, found // _PEOPLE % _LABELS, 2 * means)


def people_items(human: LabelMap, scores: Floats | None = None) -> Items:
    """People as items of the one class 1; 0 and 255 are no person.

    Args:
        human: (H, W) person ids.
        scores: (M,) of the persons 1..M; not needed for ground truth.
    """
    if scores is not None:
        return Items.numbered(human, np.ones(len(scores), np.int64), scores)
    ids = np.setdiff1d(np.flatnonzero(np.bincount(human.ravel())), [0, IGNORE])
    return Items(human, ids, np.ones(len(ids), np.int64), np.zeros(len(ids)))


def true_parts(human: LabelMap, labels: Mapping[str, LabelMap]) -> tuple[Items, dict[str, Items]]:
    """Ground-truth instances of a labelled image, one for each (attribute, person): by attribute, and by each task.

    Args:
        human: (H, W) person ids, 0 none, 255 ignored.
        labels: task -> (H, W) label ids. An instance's size, pattern and color are its most frequent ones; where
            that is 0 or 255 it is no instance of that task.
    """
    attribute = labels["attribute"]
    inside = (human > 0) & (human != IGNORE) & (attribute > 0) & (attribute != IGNORE)
    id_map, found, areas, _ = _group(np.where(inside, _key(attribute, human), 0), np.ones(human.shape), min_pixels=0)
    parts = Items.numbered(id_map, found // _PEOPLE, areas.astype(np.float64))
    return parts, {
        task: replace(parts, classes=_most_frequent(id_map, labels[task], len(found))) for task in CHARACTERISTICS
    }


def person_label_maps(human: LabelMap, attribute: LabelMap, num_people: int) -> LabelMap:
    """(M, H, W) the attribute map of each person 1..M, 0 outside the person."""
    people = np.arange(1, num_people + 1)[:, None, None]
    return np.where(human == people, attribute, 0).astype(np.uint8)


_PEOPLE = 1 << 16
_LABELS = 1 << 8


def _key(label: LabelMap, human: LabelMap) -> LabelMap:
    return label.astype(np.int64) * _PEOPLE + human


def _most_frequent(id_map: LabelMap, label: LabelMap, num_items: int) -> Counts:
    """(items,) the label that most pixels of each item carry."""
    joint = id_map.ravel().astype(np.int64) * _LABELS + label.ravel()
    counts = np.bincount(joint, minlength=(num_items + 1) * _LABELS).reshape(-1, _LABELS)
    labels: Counts = counts[1:].argmax(axis=1)
    return labels


def _group(
    keys: LabelMap, probability: NDArray[np.floating], *, min_pixels: int
) -> tuple[LabelMap, Counts, Counts, Floats]:
    """Id map, key, area and mean probability of every key > 0 with more than `min_pixels` pixels, keys ascending."""
    inside = np.flatnonzero(keys)
    found, inverse, areas = np.unique(keys.ravel()[inside], return_inverse=True, return_counts=True)
    sums = np.bincount(inverse, weights=probability.ravel()[inside], minlength=len(found))
    kept = areas > min_pixels
    numbers = np.where(kept, np.cumsum(kept), 0)
    id_map = np.zeros(keys.size, np.int32)
    id_map[inside] = numbers[inverse]
    return id_map.reshape(keys.shape), found[kept], areas[kept], sums[kept] / areas[kept]
