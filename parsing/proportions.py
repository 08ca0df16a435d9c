"""How long is it, by the proportions of a body: where on a person each of the person's attributes begins and ends.

A hem, a sleeve, a boot is short or long by where on the body it ends, which the regions of a person tell together and
no pixel alone. A small network reads the sizes of all attributes off them, each length cut into pieces, since sizes
change at a knee, not bit by bit (Gorishniy et al., On Embeddings for Numerical Features, 2022). It is fitted by
`training.proportions` and kept with the calibration, which weighs what it says against what the pixels say.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parsing.labels import ATTRIBUTES, CHARACTERIZED, SIZES
from parsing.regions import Region

Floats = NDArray[np.float64]

FLOOR = 1e-6  # least probability that a logarithm is taken of
EDGES = 4  # sides of the picture
NEAR = 0.005  # share of the picture's side within which a person touches its edge
NUM_FEATURES = 2 + EDGES + 5 * len(ATTRIBUTES)
NUM_ANSWERS = len(CHARACTERIZED) * len(SIZES)


def features(
    people: Mapping[int, Region], parts: Mapping[tuple[int, int], Region], count: int, picture: tuple[int, ...]
) -> Floats:
    """Proportions of people 1..M, (M + 1, NUM_FEATURES); the first row and those of missing people are zero.

    Of a person: the height, in that of the picture, the width, and which edges of the picture it touches. Of each
    attribute: whether it is there, the root of its share of the person, top, bottom and width. Lengths are in
    heights of the person.

    Args:
        people: by number, ascending.
        parts: by the person's number and the attribute's id.
        count: M.
        picture: height and width.
    """
    of_person, of_parts = np.zeros((count + 1, 2 + EDGES)), np.zeros((count + 1, len(ATTRIBUTES), 5))
    if parts:  # without any there is nothing to judge
        numbers, (boxes, areas) = np.array(list(people)), _boxes_and_areas(people)
        left, top, right, bottom = boxes.T
        height, width = picture
        edges = (left <= NEAR * width, top <= NEAR * height, width - right <= NEAR * width)
        of_person[numbers] = np.stack(
            [(bottom - top) / height, (right - left) / (bottom - top), *edges, height - bottom <= NEAR * height], 1
        )
        owners, ids = np.array(list(parts)).T
        places = np.searchsorted(numbers, owners)
        start, tall = top[places], (bottom - top)[places]
        parts_boxes, parts_areas = _boxes_and_areas(parts)
        left, top, right, bottom = parts_boxes.T
        share = np.sqrt(parts_areas / areas[places])
        lengths = ((top - start) / tall, (bottom - start) / tall, (right - left) / tall)
        of_parts[owners, ids - 1] = np.stack([np.ones(len(ids)), share, *lengths], 1)
    return np.concatenate([of_person, of_parts.reshape(count + 1, -1)], 1)


def _boxes_and_areas(regions: Mapping[Any, Region]) -> tuple[Floats, Floats]:
    """(K, 4) and (K,)."""
    boxes = np.array([region.box_xyxy for region in regions.values()], np.float64)
    return boxes, np.array([region.area for region in regions.values()], np.float64)


def in_pieces(features: Floats, edges: Floats) -> Floats:
    """Each feature (M, F), and how far it has come through each of its pieces, 0 to 1: (M, F + F * T).

    Args:
        edges: (F, T + 1) where the pieces begin and end, ascending.
    """
    through = ((features[..., None] - edges[:, :-1]) / np.diff(edges)).clip(0, 1)
    return np.concatenate([features, through.reshape(len(features), through.shape[1] * through.shape[2])], axis=1)


@dataclass(frozen=True)
class Proportions:
    """A network with one hidden layer (H units).

    Args:
        edges: (F, T + 1) of the features' T pieces.
        hidden: (F + F * T + 1, H), the last row the biases.
        answers: (H + 1, NUM_ANSWERS), likewise.
    """

    edges: Floats
    hidden: Floats
    answers: Floats

    def log_probabilities(self, features: Floats) -> dict[str, Floats]:
        """For each attribute that has a size, log P(size | features), at least log FLOOR, (M, 4) from (M, F)."""
        units = np.maximum(in_pieces(features, self.edges) @ self.hidden[:-1] + self.hidden[-1], 0)
        logits = (units @ self.answers[:-1] + self.answers[-1]).reshape(-1, len(CHARACTERIZED), len(SIZES))
        logs = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
        return {label: np.maximum(logs[:, index], np.log(FLOOR)) for index, label in enumerate(CHARACTERIZED)}

    def to_dict(self) -> dict[str, Any]:
        """As a checkpoint's JSON keeps it: half precision, base64."""
        return {part.name: _text(getattr(self, part.name)) for part in fields(self)}

    @classmethod
    def from_dict(cls, stored: Mapping[str, str]) -> "Proportions":
        """What `to_dict` wrote; without edges, as it was written before there were pieces.

        Raises:
            ValueError: it is of another shape.
        """
        hidden, answers = (_numbers(stored[name]) for name in ("hidden", "answers"))
        edges = _numbers(stored["edges"]) if "edges" in stored else np.zeros(NUM_FEATURES)
        rows = edges.size + 1  # of the features and of their pieces, and of the biases
        units = hidden.size // rows
        whole = edges.size and edges.size % NUM_FEATURES == 0
        if not whole or hidden.size != units * rows or answers.size != (units + 1) * NUM_ANSWERS:
            raise ValueError(
                f"the proportions must be of {NUM_FEATURES} features and {NUM_ANSWERS} answers, got {edges.size} "
                f"edges, {hidden.size} and {answers.size} weights; fit them again"
            )
        edges = edges.reshape(NUM_FEATURES, -1)
        if not (np.diff(edges) > 0).all():
            raise ValueError("the edges of the proportions must ascend, but do not; fit them again")
        return cls(edges, hidden.reshape(rows, units), answers.reshape(-1, NUM_ANSWERS))


def _numbers(text: str) -> Floats:
    return np.frombuffer(base64.b64decode(text), "<f2").astype(np.float64)


def _text(weights: Floats) -> str:
    return base64.b64encode(weights.astype("<f2").tobytes()).decode("ascii")
