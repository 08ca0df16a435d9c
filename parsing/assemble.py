"""Joins the semantic maps and the instance masks of one image into people with characterized attributes.

Everything is vectorized over people (one bincount for all of them), so that forty cost what two do. Each pixel
belongs to at most one person, and a person's attribute is its mask and the attribute that wins there (section 3.3).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from parsing.calibration import Calibration
from parsing.labels import ATTRIBUTES, CHARACTERISTICS, CHARACTERIZED, TASKS, num_classes
from parsing.palette import SAMPLE, Shade, palettes
from parsing.preprocess import scaled_shape
from parsing.proportions import features
from parsing.records import CharacterizedAttribute, ParsedImage, Person
from parsing.regions import Region, Runs

ASSEMBLE_SIDE = 1024  # maps of larger images are decided at this long side, then enlarged: memory stays bounded
TIE = 1e-3  # more than background leads by, and it does not lead


@dataclass(frozen=True)
class AssembleConfig:
    """When a query is a person, and a region an attribute.

    Args:
        score: least probability of being a person.
        owned: least share of its mask that a person keeps when every pixel has gone to its best claimant.
        area: least pixels of a person, at the network's output resolution.
        part: least pixels of an attribute region, at the network's output resolution.
        speck: least share of an attribute region in all attribute pixels of its person, or of nobody.
        dressed: least share of a person's cells that have an attribute; 0 for none.
    """

    score: float = 0.5
    owned: float = 0.35
    area: int = 12
    part: int = 2
    speck: float = 0.0005
    dressed: float = 0.0


@dataclass(frozen=True)
class ImageOutput:
    """What the network says of one image, padding removed.

    Args:
        semantic: per task, logits (N_task, h, w).
        scores: (Q,) probability of being a person.
        mask_logits: (Q, h, w).
        features: (C, h', w') of the encoder's last map.
        height, width: of the original image.
    """

    semantic: Mapping[str, Tensor]
    scores: Tensor
    mask_logits: Tensor
    features: Tensor
    height: int
    width: int


@dataclass(frozen=True)
class ImagePrediction:
    """Winning labels of every pixel of one image.

    Args:
        human: (H, W) uint8, ids 1..M, 0 nobody.
        human_score: (M,) float64.
        labels: per task (H, W) uint8 winning ids.
        probabilities: per task (H, W) float32, of the winning id; of a speck, of what it was before it was dropped.
    """

    height: int
    width: int
    human: NDArray[np.uint8]
    human_score: NDArray[np.float64]
    labels: Mapping[str, NDArray[np.uint8]]
    probabilities: Mapping[str, NDArray[np.float32]]


def claim_pixels(output: ImageOutput, config: AssembleConfig) -> Tensor:
    """Indices of the queries that are people, best score first (M,).

    Doubles fall out: of two queries on one person the lesser keeps too few pixels of its own.
    """
    candidates = torch.nonzero(output.scores >= config.score).flatten()
    candidates = candidates[output.scores[candidates].argsort(descending=True)]
    if len(candidates) == 0:
        return candidates
    logits = output.mask_logits[candidates].flatten(1)  # (K, h*w)
    inside = logits > 0
    claims = (logits.sigmoid() * output.scores[candidates][:, None]).where(inside, 0.0)
    best, owner = claims.max(0)  # of equal claims the first, which is the better query's; argmax takes longer
    owned = torch.bincount(owner[best > 0], minlength=len(candidates))
    area = inside.sum(1)
    keep = (owned >= config.area) & (owned >= config.owned * area)
    return candidates[keep]


def own_pixels(output: ImageOutput, people: Tensor, height: int, width: int) -> Tensor:
    """Which person (1..M, 0 nobody) each pixel of a `height` x `width` picture belongs to, int64."""
    if len(people) == 0:
        return torch.zeros(height, width, dtype=torch.long)
    best, owner = np.zeros((height, width), np.float32), np.zeros((height, width), np.int64)
    masks = output.mask_logits[people].float().numpy()
    rows, columns = Enlargement.of(masks.shape[1], height), Enlargement.of(masks.shape[2], width)
    positive = masks > 0
    reached = zip(masks, np.logical_or.reduce(positive, 2), np.logical_or.reduce(positive, 1), strict=True)
    for number, (mask, in_rows, in_columns) in enumerate(reached, start=1):
        # Only where the mask is positive, or next to it, can the pixels be this person's.
        if in_rows.any():
            (y, i), (x, j) = rows.reach(in_rows), columns.reach(in_columns)
            enlarged = rows.weights[y, i] @ mask[i, j] @ columns.weights[x, j].T
            owner[y, x][enlarged > best[y, x]] = number
            np.maximum(best[y, x], enlarged, out=best[y, x])
    return torch.from_numpy(owner)


@dataclass(frozen=True)
class Enlargement:
    """Bilinear enlargement along one side.

    Args:
        weights: (pixels, cells).
        first, last: (pixels,) the first and last cell that a pixel is made of.
    """

    weights: NDArray[np.float32]
    first: NDArray[np.int64]
    last: NDArray[np.int64]

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, cells: int, pixels: int) -> "Enlargement":
        """As `enlarge` does it."""
        weights = functional.interpolate(torch.eye(cells)[None], pixels, mode="linear", align_corners=False)[
            0
        ].T.numpy()
        return cls(weights, (weights > 0).argmax(1), cells - 1 - (weights[:, ::-1] > 0).argmax(1))

    def reach(self, cells: NDArray[np.bool_]) -> tuple[slice, slice]:
        """The pixels that any of the given cells reaches, and the cells that those are made of."""
        chosen = np.flatnonzero(cells)
        start, stop = np.searchsorted(self.last, chosen[0]), np.searchsorted(self.first, chosen[-1], "right")
        if start >= stop:
            return slice(0, 0), slice(0, 0)
        return slice(start, stop), slice(self.first[start], self.last[stop - 1] + 1)


def enlarge(maps: Tensor, height: int, width: int) -> Tensor:
    """Bilinear (C, h, w) to (C, height, width); a pixel's channels lie together, so that the best is found fast."""
    together = maps[None].float().contiguous(memory_format=torch.channels_last)
    return functional.interpolate(together, (height, width), mode="bilinear", align_corners=False)[0]


def without_specks(attribute: Tensor, human: Tensor, share: float) -> Tensor:
    """An attribute map (H, W) in which the regions that are too small to be worn are background.

    Args:
        human: (H, W) whose each pixel is, 0 nobody's.
        share: least share of a region in all attribute pixels of its person, or of nobody.
    """
    classes = num_classes("attribute")
    regions = human * classes + attribute
    counts = torch.bincount(regions.flatten(), minlength=(int(human.max()) + 1) * classes).reshape(-1, classes)
    counts[:, 0] = 0
    kept = counts >= share * counts.sum(1, keepdim=True)
    return attribute * kept.flatten()[regions]


def dress(output: ImageOutput, people: Tensor, share: float) -> ImageOutput:
    """`output` with background less likely on each of `people`, so that `share` of their cells has an attribute.

    To the network whoever walks by is often background from head to foot: photographs that label one person teach it.
    """
    logits, (height, width) = output.semantic["attribute"], output.mask_logits.shape[-2:]
    nobody = torch.zeros(1, height, width)
    owner = torch.cat([nobody, output.mask_logits[people].float()]).max(0).indices.numpy().ravel()
    lead = (logits[0] - logits[1:].max(0).values).numpy().ravel()  # of background over the best attribute
    order = np.lexsort((lead, owner))
    counts = np.bincount(owner, minlength=len(people) + 1)
    wanted = np.ceil(share * counts).astype(int)
    last = order[(np.cumsum(counts) - counts + wanted - 1).clip(0)]  # of each person's, the last that needs one
    surplus = np.where(wanted > 0, lead[last] + TIE, 0).clip(0)
    surplus[0] = 0  # nobody's cells
    background = logits[:1] - torch.from_numpy(surplus[owner].reshape(1, height, width)).to(logits.dtype)
    return replace(output, semantic={**output.semantic, "attribute": torch.cat([background, logits[1:]])})


def predict(output: ImageOutput, config: AssembleConfig) -> ImagePrediction:
    """Winning labels of every pixel, as the network says them, whosever they are."""
    people = claim_pixels(output, config)
    human = own_pixels(output, people, output.height, output.width)
    labels, probabilities = {}, {}
    for task in TASKS:
        probability, winner = enlarge(output.semantic[task], output.height, output.width).softmax(0).max(0)
        labels[task] = winner.numpy().astype(np.uint8)
        probabilities[task] = probability.numpy()
    attribute = torch.from_numpy(labels["attribute"]).long()
    specks = (without_specks(attribute, human, config.speck) != attribute).numpy()
    for label_map in labels.values():
        label_map[specks] = 0
    scores = output.scores[people].double().numpy()
    return ImagePrediction(output.height, output.width, human.numpy().astype(np.uint8), scores, labels, probabilities)


def assemble(
    output: ImageOutput,
    path: Path,
    config: AssembleConfig,
    calibration: Calibration,
    pixels: NDArray[np.uint8] | None = None,
) -> ParsedImage:
    """The people of one image, best score first; without its `pixels` (H, W, 3) their garments get no palette."""
    people = claim_pixels(output, config)
    output = dress(output, people, config.dressed)
    height, width = output.height, output.width
    if max(height, width) > ASSEMBLE_SIDE:
        height, width = scaled_shape(height, width, ASSEMBLE_SIDE)
    human = own_pixels(output, people, height, width)
    attribute = enlarge(output.semantic["attribute"], height, width).max(0).indices
    attribute = without_specks(attribute, human, config.speck)
    regions = (human * num_classes("attribute") + attribute).where(human > 0, 0)  # 0: nobody
    evidence = pool_evidence(output, people, regions)
    full = full_resolution(regions.numpy(), output.height, output.width)
    found = make_people(output.scores[people].tolist(), full, evidence, config, calibration, pixels)
    return ParsedImage(path, output.height, output.width, found)


def full_resolution(regions: NDArray[np.int64], height: int, width: int) -> NDArray[np.int64]:
    """The region map at the original image's resolution, nearest."""
    if regions.shape == (height, width):
        return regions
    rows = ((np.arange(height) + 0.5) * regions.shape[0] / height).astype(int)
    columns = ((np.arange(width) + 0.5) * regions.shape[1] / width).astype(int)
    enlarged: NDArray[np.int64] = regions[rows[:, None], columns]
    return enlarged


@dataclass(frozen=True)
class Evidence:
    """What was pooled for each of M people and each attribute id.

    Args:
        cells: (M + 1, N_A) output cells of each region.
        means: per task, mean probabilities: attribute (M + 1, N_A), the others (M + 1, N_A, N_task) without background.
        peak: (M + 1, N_A) the highest attribute probability anywhere on the person, over 2 x 2 cells.
        appearance: (M + 1, C) unit vectors.
    """

    cells: NDArray[np.int64]
    means: Mapping[str, NDArray[np.float32]]
    peak: NDArray[np.float32]
    appearance: NDArray[np.float32]


def pool_evidence(output: ImageOutput, people: Tensor, regions: Tensor) -> Evidence:
    """Mean probabilities over every region at once, at the network's output resolution.

    A cell counts for size, pattern and color as surely as it is of its region: seams between garments say little.
    """
    height, width = output.mask_logits.shape[-2:]
    classes, slots = num_classes("attribute"), (len(people) + 1) * num_classes("attribute")
    keys = torch.from_numpy(full_resolution(regions.numpy(), height, width)).flatten()
    cells = torch.bincount(keys, minlength=slots)
    attribute = output.semantic["attribute"].float().softmax(0)
    certainty = attribute.max(0).values.flatten()
    total = torch.bincount(keys, certainty, slots)
    means = {"attribute": total / cells.clamp(min=1)}
    for task in CHARACTERISTICS:
        probability = output.semantic[task].float()[1:].softmax(0)  # given that there is something to characterize
        means[task] = region_sums(probability.flatten(1) * certainty, keys, slots) / total.clamp(min=1e-6)[:, None]
    return Evidence(
        cells.reshape(-1, classes).numpy(),
        {task: mean.reshape(-1, classes, *mean.shape[1:]).numpy() for task, mean in means.items()},
        peaks(attribute, keys // classes, len(people)).numpy(),
        pool_appearance(output, people).numpy(),
    )


def region_sums(values: Tensor, keys: Tensor, count: int) -> Tensor:
    """Sum of `values` (N, P) over the cells of each key below `count`, (count, N)."""
    return torch.zeros(count, len(values)).index_add_(0, keys, values.T)


def peaks(attribute: Tensor, owner: Tensor, count: int) -> Tensor:
    """(count + 1, N_A): the highest 2 x 2 mean of each attribute's probability (N_A, h, w) on each person."""
    smooth = functional.avg_pool2d(attribute[None], 2, 1, ceil_mode=True, padding=1)[0][:, 1:, 1:].flatten(1)
    index = owner[:, None].expand(-1, len(smooth))
    return torch.zeros(count + 1, len(smooth)).scatter_reduce_(0, index, smooth.T, "amax")


def pool_appearance(output: ImageOutput, people: Tensor) -> Tensor:
    """Encoder features averaged inside each mask, unit length: (M + 1, C), the first zero."""
    features = output.features.float()
    if len(people) == 0:
        return torch.zeros(1, len(features))
    cells = (features.shape[-2], features.shape[-1])
    masks = functional.adaptive_avg_pool2d(output.mask_logits[people].sigmoid(), cells).flatten(1)
    pooled = masks @ features.flatten(1).T / masks.sum(1, keepdim=True).clamp(min=1e-6)
    return torch.cat([torch.zeros(1, len(features)), functional.normalize(pooled)])


def make_people(
    scores: list[float],
    labels: NDArray[np.int64],
    evidence: Evidence,
    config: AssembleConfig,
    calibration: Calibration,
    pixels: NDArray[np.uint8] | None,
) -> tuple[Person, ...]:
    """The records of people 1..M; without one that has no pixel at full resolution."""
    classes = num_classes("attribute")
    wholes, runs = Runs.of(labels // classes).regions(), Runs.of(labels)
    parts = {
        divmod(key, classes): region
        for key, region in runs.regions().items()
        if key % classes and evidence.cells.flat[key] >= config.part
    }
    hints = calibration.size_hints(features(wholes, parts, len(scores), labels.shape))
    worn = make_attributes(parts, evidence, calibration, hints, garment_palettes(runs, pixels))
    presence = calibration.presence(evidence.peak[:, 1:]).tolist()
    return tuple(
        Person(
            wholes[number].box_xyxy,
            score,
            wholes[number].mask,
            tuple(worn[number]),
            dict(zip(ATTRIBUTES, presence[number], strict=True)),
            evidence.appearance[number],
        )
        for number, score in enumerate(scores, start=1)
        if number in wholes
    )


def make_attributes(
    parts: Mapping[tuple[int, int], Region],
    evidence: Evidence,
    calibration: Calibration,
    hints: Mapping[str, NDArray[np.float64]],
    palettes: Mapping[tuple[int, int], tuple[Shade, ...]],
) -> list[list[CharacterizedAttribute]]:
    """The records of what each person has, by the person's number."""
    people_with: dict[int, list[int]] = {}
    for number, attribute_id in parts:
        people_with.setdefault(attribute_id, []).append(number)
    probabilities = {
        attribute_id: characterized(evidence, calibration, attribute_id, numbers, hints)
        for attribute_id, numbers in people_with.items()
    }
    scores = evidence.means["attribute"].tolist()
    worn: list[list[CharacterizedAttribute]] = [[] for _ in scores]
    for key, region in parts.items():
        number, attribute_id = key
        label, score, told = ATTRIBUTES[attribute_id - 1], scores[number][attribute_id], probabilities[attribute_id]
        shades = palettes.get(key, ())
        worn[number].append(
            CharacterizedAttribute(label, score, region.area, told.get(number, {}), region.mask, shades)
        )
    return worn


def characterized(
    evidence: Evidence,
    calibration: Calibration,
    attribute_id: int,
    numbers: list[int],
    hints: Mapping[str, NDArray[np.float64]],
) -> dict[int, dict[str, tuple[float, ...]]]:
    """The size, pattern and color of an attribute on those people, by number; none of skin, face and limbs."""
    label = ATTRIBUTES[attribute_id - 1]
    if label not in CHARACTERIZED:
        return {}
    second = {"size": hints[label][numbers]} if label in hints else {}
    by_task = [
        calibration.apply(task, evidence.means[task][numbers, attribute_id], label, second.get(task, 0.0)).tolist()
        for task in CHARACTERISTICS
    ]
    return {
        number: {task: tuple(row) for task, row in zip(CHARACTERISTICS, rows, strict=True)}
        for number, *rows in zip(numbers, *by_task, strict=True)
    }


def garment_palettes(runs: Runs, pixels: NDArray[np.uint8] | None) -> dict[tuple[int, int], tuple[Shade, ...]]:
    """The palette of each region of clothing or hair; none without pixels (H, W, 3)."""
    if pixels is None:
        return {}
    classes = num_classes("attribute")
    garments = runs.only(np.array([False, *(label in CHARACTERIZED for label in ATTRIBUTES)])[runs.labels % classes])
    rows, columns, counts = garments.sample(SAMPLE)
    keys = [divmod(key, classes) for key in garments.labels.tolist()]
    return dict(zip(keys, palettes(pixels[rows, columns], counts), strict=True))
