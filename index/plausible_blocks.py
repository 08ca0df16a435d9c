"""Plausible blocks: plausible people with images, vectors and records, as arrays ready to be written into a store.

Everything that costs time to draw is drawn here, so that other processes can do it while one writes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.plausible_people import Crowd, draw_crowd
from parsing.labels import ATTRIBUTES, CHARACTERISTICS, LABELS, group_of

GALLERIES = ("station", "market", "stadium")
CAMERAS = tuple(f"camera {number}" for number in range(1, 13))
APPEARANCE = 128  # numbers of an appearance vector
STYLES = 200  # clusters of appearance vectors
_DAYS = 730
_FIRST_DAY = np.datetime64("2024-01-01T00:00:00", "s")
_NO_TIME = 0.1  # of the images

Floats = NDArray[np.float32]
Halves = NDArray[np.float16]
Numbers = NDArray[np.intp]


@dataclass(frozen=True)
class Images:
    """Images of a block.

    Args:
        captured_at: (M,) datetime64[s], NaT where unknown.
        camera: (M,) position in CAMERAS; beyond them where unknown.
        gallery: (M,) position in GALLERIES.
        people: (M,) how many each shows.
    """

    captured_at: NDArray[np.datetime64]
    camera: Numbers
    gallery: Numbers
    people: Numbers


@dataclass(frozen=True)
class Records:
    """Characterized attributes, person by person.

    Args:
        person: (R,) position of the person.
        attribute: (R,) position in ATTRIBUTES.
        winners: (R, 3) label ids of size, pattern and color; 0 where the attribute has none.
        score: (R,) P(seen).
        probabilities: (R, 20) of size, pattern and color one after the other; zeros where the attribute has none.
    """

    person: Numbers
    attribute: Numbers
    winners: Numbers
    score: Floats
    probabilities: Floats


@dataclass(frozen=True)
class Block:
    """N people.

    Args:
        images: that they are seen in.
        image: (N,) position of each person's image.
        cut: (N,) whether the image ends above the feet.
        presence: (N, 19) P(seen) of ATTRIBUTES.
        descriptors: (N, DIMENSIONS).
        appearances: (N, APPEARANCE) unit vectors.
        records: of all that is visibly there.
    """

    images: Images
    image: Numbers
    cut: NDArray[np.bool_]
    presence: Floats
    descriptors: Halves
    appearances: Halves
    records: Records

    def __len__(self) -> int:
        return len(self.cut)


def draw_block(people: int, seed: np.random.SeedSequence) -> Block:
    """So many people; the same ones for the same seed."""
    rng = np.random.default_rng(seed)
    crowd = draw_crowd(people, rng)
    image = _images_of(people, rng)
    presence = np.stack([crowd.found[group_of(attribute)] for attribute in ATTRIBUTES], axis=1)
    return Block(
        images=_draw_images(np.bincount(image), rng),
        image=image,
        cut=crowd.cut,
        presence=presence.astype(np.float32),
        descriptors=crowd.descriptors(),
        appearances=_appearances(people, rng),
        records=_records(crowd, presence),
    )


def _images_of(people: int, rng: np.random.Generator) -> Numbers:
    """Two people to an image on average, at most eight."""
    sizes = np.minimum(rng.geometric(0.5, people), 8)
    return np.repeat(np.arange(people), sizes)[:people]


def _draw_images(people: Numbers, rng: np.random.Generator) -> Images:
    count = len(people)
    moments = _FIRST_DAY + rng.integers(0, _DAYS * 86_400, count).astype("timedelta64[s]")
    moments[rng.random(count) < _NO_TIME] = np.datetime64("NaT")
    return Images(moments, rng.integers(0, len(CAMERAS) + 1, count), rng.integers(0, len(GALLERIES), count), people)


def _records(crowd: Crowd, presence: Floats) -> Records:
    """A record for each thing that is likelier there than not."""
    looks = np.zeros((*presence.shape, sum(len(LABELS[task]) for task in CHARACTERISTICS)), np.float32)
    for position, attribute in enumerate(ATTRIBUTES):
        if group_of(attribute) in crowd.looks:
            looks[:, position] = np.concatenate(crowd.looks[group_of(attribute)], axis=1)
    seen = np.stack([crowd.seen(group_of(attribute)) for attribute in ATTRIBUTES], axis=1)
    person, attribute_of = np.nonzero(seen)
    probabilities = looks[seen]
    return Records(person, attribute_of, _winners(probabilities), presence[seen], probabilities)


def _winners(probabilities: Floats) -> Numbers:
    ends = np.cumsum([len(LABELS[task]) for task in CHARACTERISTICS])
    parts = np.split(probabilities, ends[:-1], axis=1)
    winners = np.stack([part.argmax(axis=1) for part in parts], axis=1) + 1
    winners[~probabilities.any(axis=1)] = 0
    return winners


def _appearances(count: int, rng: np.random.Generator) -> Halves:
    """Unit vectors around the centres of a few styles, as embeddings of clothes lie."""
    centres = np.random.default_rng(0).standard_normal((STYLES, APPEARANCE), np.float32)
    vectors = centres[rng.integers(0, STYLES, count)] + rng.standard_normal((count, APPEARANCE), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float16)
