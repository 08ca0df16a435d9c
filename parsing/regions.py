"""Regions of a label map: area, box and run lengths of all labels at once, which takes hardly longer for many."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from parsing.records import RunLengthMask

Labels = NDArray[np.int64]

GOLDEN = 0.618034  # multiples of it, less their whole parts, are spread evenly (Weyl)


@dataclass(frozen=True)
class Region:
    """The pixels of one label.

    Args:
        area: how many there are.
        box_xyxy: pixels.
    """

    area: int
    box_xyxy: tuple[float, float, float, float]
    mask: RunLengthMask


@dataclass(frozen=True)
class Runs:
    """The runs of all labels but 0 of a map (H, W), column by column as COCO's run lengths go, label after label.

    Args:
        labels: of each region, ascending.
        firsts: the first run of each region.
        starts, ends: first pixel of each run and the one after its last.
    """

    height: int
    width: int
    labels: Labels
    firsts: Labels
    starts: Labels
    ends: Labels

    @classmethod
    def of(cls, label_map: Labels) -> "Runs":
        """The runs of a map."""
        flat = label_map.T.ravel()
        starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
        ends = np.append(starts[1:], flat.size)
        order = np.argsort(flat[starts], kind="stable")
        order = order[flat[starts[order]] > 0]
        labels = flat[starts[order]]
        firsts = np.flatnonzero(np.append(True, labels[1:] != labels[:-1])[: labels.size])
        height, width = label_map.shape
        return cls(height, width, labels[firsts], firsts, starts[order], ends[order])

    def only(self, chosen: NDArray[np.bool_]) -> "Runs":
        """The runs of some of the regions."""
        lengths = np.diff(np.append(self.firsts, self.starts.size))
        kept, firsts = np.repeat(chosen, lengths), np.cumsum(lengths[chosen]) - lengths[chosen]
        return Runs(self.height, self.width, self.labels[chosen], firsts, self.starts[kept], self.ends[kept])

    def areas(self) -> Labels:
        """Pixels of each region."""
        return np.add.reduceat(self.ends - self.starts, self.firsts)

    def regions(self) -> dict[int, Region]:
        """The region of every label."""
        if not self.labels.size:
            return {}
        boxes = boxes_of(self.starts, self.ends, self.firsts, self.height)
        texts = run_lengths(self.starts, self.ends, self.firsts, self.height * self.width)
        return {
            label: Region(area, box, RunLengthMask(self.height, self.width, text))
            for label, area, box, text in zip(self.labels.tolist(), self.areas().tolist(), boxes, texts, strict=True)
        }

    def sample(self, most: int) -> tuple[Labels, Labels, Labels]:
        """Up to `most` pixels of each region, spread over its runs: rows, columns, and how many of each.

        Equal steps would keep to the same rows of a rectangle, so that each pixel moves within its step.
        """
        if not self.labels.size:
            return self.labels, self.labels, self.labels
        areas, passed = self.areas(), np.cumsum(self.ends - self.starts)
        counts = np.minimum(areas, most)
        rank = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        moved = rank + rank * GOLDEN % 1
        places = (np.repeat(np.cumsum(areas) - areas, counts) + moved * np.repeat(areas / counts, counts)).astype(
            np.int64
        )
        runs = np.searchsorted(passed, places, "right")
        columns, rows = np.divmod(self.ends[runs] - (passed[runs] - places), self.height)
        return rows, columns, counts


def boxes_of(starts: Labels, ends: Labels, firsts: Labels, height: int) -> list[tuple[float, float, float, float]]:
    """Box of each label from its runs; a run that goes on in the next column reaches from top to bottom."""
    left, top = starts // height, starts % height
    right, bottom = (ends - 1) // height, (ends - 1) % height
    wraps = right > left
    x0, x1 = np.minimum.reduceat(left, firsts), np.maximum.reduceat(right, firsts) + 1
    y0 = np.minimum.reduceat(np.where(wraps, 0, top), firsts)
    y1 = np.maximum.reduceat(np.where(wraps, height - 1, bottom), firsts) + 1
    return list(zip(*(side.astype(float).tolist() for side in (x0, y0, x1, y1)), strict=True))


def run_lengths(starts: Labels, ends: Labels, firsts: Labels, pixels: int) -> list[str]:
    """Each label's mask as COCO's compressed run lengths: gap, run, gap, run, and the gap to the end, if any."""
    lasts = np.append(firsts[1:], starts.size) - 1
    gaps = starts - np.append(0, ends[:-1])
    gaps[firsts] = starts[firsts]
    tails = pixels - ends[lasts]
    counts = np.insert(np.stack([gaps, ends - starts], 1).ravel(), 2 * (lasts + 1), tails)
    sizes = 2 * (lasts - firsts + 1) + 1
    owner, begins = np.repeat(np.arange(len(firsts)), sizes), np.cumsum(sizes) - sizes
    # From the fourth on, COCO writes how a count differs from the one before the last.
    late = np.arange(counts.size) - begins[owner] > 2
    numbers = counts - np.where(late, np.concatenate([[0, 0], counts[:-2]]), 0)
    kept = np.ones(counts.size, bool)
    kept[begins + sizes - 1] = tails > 0
    text, lengths = compressed(numbers[kept])
    stops = np.cumsum(np.bincount(owner[kept], lengths, len(firsts)).astype(int)).tolist()
    return [text[start:stop] for start, stop in zip([0, *stops[:-1]], stops, strict=True)]


def compressed(numbers: Labels) -> tuple[str, Labels]:
    """Numbers as COCO writes them, 5 bits to a character, and how many characters each one takes."""
    characters, more = [], [np.ones(numbers.size, bool)]
    while more[-1].any():
        low, numbers = numbers & 31, numbers >> 5
        more.append(more[-1] & np.where(low & 16, numbers != -1, numbers != 0))
        characters.append((low + 32 * more[-1] + 48).astype(np.uint8))
    used = np.stack(more[:-1], 1)
    return np.stack(characters, 1)[used].tobytes().decode("ascii"), used.sum(1)
