"""Plausible people: as many as one likes, who wear things as often as the people of the validation photographs do.

Items and their looks come from `plausible_people.toml`; how sure the parser is of them is drawn around the truth, so
that there are near misses, faint second colors and things half seen. Everything is drawn for many people at once.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.descriptor import CHARACTERIZED_GROUPS, NOTHING_KNOWN, encode_many
from parsing.labels import ATTRIBUTE_GROUPS, CHARACTERISTICS, LABELS

FREQUENCIES = Path(__file__).with_suffix(".toml")
Floats = NDArray[np.float32]
Labels = Mapping[str, NDArray[np.intp]]  # characteristic -> (N,) positions in LABELS

# Items of the photographs' labels -> groups; a dress is an upper part and a skirt of one look.
_ITEMS: Mapping[str, str] = {
    "hat": "Hat",
    "hair": "Hair",
    "gloves": "Glove",
    "glasses": "Glasses",
    "scarf": "Scarf",
    "socks": "Socks",
    "coat": "Coat",
    "upper": "UpperClothes",
    "skirt": "Skirt",
    "pants": "Pants",
    "shoes": "Shoes",
}
# Of bodies the labels say nothing: how often they are seen is our guess. Nobody there wears a mask.
_SEEN: Mapping[str, float] = {"Face": 0.9, "Arms": 0.85, "Torso-skin": 0.6, "Legs": 0.4, "Mask": 0.005}
_CUT = 0.2  # pictures that end above the feet
_SURE = 3.5  # how far the true label stands out, in logits; the noise has a deviation of 1.3
_NOISE = 1.3


@dataclass(frozen=True)
class Crowd:
    """N people as the parser sees them.

    Args:
        found: for each attribute group, (N,) P(seen).
        looks: for each group with characteristics, P(size), P(pattern), P(color), (N, labels) each.
        cut: (N,), whether the picture ends above the feet.
    """

    found: Mapping[str, Floats]
    looks: Mapping[str, Sequence[Floats]]
    cut: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.cut)

    def seen(self, group: str) -> NDArray[np.bool_]:
        """Who visibly has it, so that there is a record of it, (N,)."""
        return self.found[group] >= 0.5

    def descriptors(self) -> NDArray[np.float16]:
        """(N, DIMENSIONS), as `encode` makes them of such people, but for colors that it joins of pants and skirts."""
        return encode_many(self.found, self.looks, self.cut).astype(np.float16)


def draw_crowd(count: int, rng: np.random.Generator) -> Crowd:
    """So many people."""
    worn, labels = _wardrobe(count, rng)
    found = {group: _probability(worn[group], rng) for group in ATTRIBUTE_GROUPS}
    looks = {group: _looks(found[group] >= 0.5, labels[group], rng) for group in CHARACTERIZED_GROUPS}
    return Crowd(found, looks, rng.random(count) < _CUT)


@cache
def frequencies() -> Mapping[str, Any]:
    """`plausible_people.toml`: people counted, and for each item how many wear it and with which labels."""
    return tomllib.loads(FREQUENCIES.read_text(encoding="utf-8"))


def _wardrobe(count: int, rng: np.random.Generator) -> tuple[dict[str, NDArray[np.bool_]], dict[str, Labels]]:
    """Who truly has what, (N,) by group, and the labels that it has or would have."""
    items, people = frequencies()["items"], frequencies()["people"]
    worn = {group: rng.random(count) < share for group, share in _SEEN.items()}
    labels: dict[str, Labels] = {"Mask": _labels({}, count, rng)}
    for item, group in _ITEMS.items():
        worn[group] = rng.random(count) < (items[item]["worn"] + 0.5) / (people + 1)
        labels[group] = _labels(items[item], count, rng)
    dressed = rng.random(count) < items["dress"]["worn"] / people
    dress = _labels(items["dress"], count, rng)
    skirt = ~dressed & (rng.random(count) < items["skirt"]["worn"] / (people - items["dress"]["worn"]))
    worn["UpperClothes"] |= dressed
    worn["Skirt"], worn["Pants"] = skirt | dressed, ~skirt & ~dressed
    for group in ("UpperClothes", "Skirt"):
        labels[group] = {task: np.where(dressed, dress[task], labels[group][task]) for task in CHARACTERISTICS}
    return worn, labels


def _labels(item: Mapping[str, Any], count: int, rng: np.random.Generator) -> Labels:
    """Labels of an item, drawn with its frequencies; half a person more for each, so that the rarest occur."""
    drawn = {}
    for task in CHARACTERISTICS:
        weights = np.array([item.get(task, {}).get(label, 0) + 0.5 for label in LABELS[task]])
        drawn[task] = rng.choice(len(weights), count, p=weights / weights.sum())
    return drawn


def _probability(true: NDArray[np.bool_], rng: np.random.Generator) -> Floats:
    """P(seen) of what is or is not there."""
    return np.where(true, rng.beta(8, 1, len(true)), rng.beta(0.6, 12, len(true))).astype(np.float32)


def _looks(seen: NDArray[np.bool_], labels: Labels, rng: np.random.Generator) -> list[Floats]:
    """Probabilities of the labels of what is seen, highest near the true one; nothing is known of the rest."""
    looks = []
    for task in CHARACTERISTICS:
        logits = rng.standard_normal((len(seen), len(LABELS[task])), np.float32) * np.float32(_NOISE)
        logits[np.arange(len(seen)), labels[task]] += _SURE
        powers = np.exp(logits)
        powers /= powers.sum(axis=1, keepdims=True)
        powers[~seen] = NOTHING_KNOWN[task]
        looks.append(powers)
    return looks
