"""Joins the semantic maps and the instance masks of one image into people with characterized attributes.

Everything is vectorized over people (one bincount for all of them), so that forty cost what two do. Each pixel
belongs to at most one person, and a person's attribute is its mask and the attribute that wins there (section 3.3).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from parsing.calibration import Calibration
from parsing.labels import ATTRIBUTES, CHARACTERISTICS, CHARACTERIZED, LABELS, TASKS, num_classes
from parsing.palette import palette
from parsing.preprocess import scaled_shape
from parsing.records import CharacterizedAttribute, ParsedImage, Person, RunLengthMask

ASSEMBLE_SIDE = 1024  # maps of larger images are decided at this long side, then enlarged: memory stays bounded


@dataclass(frozen=True)
class AssembleConfig:
    """When a query is a person, and a region an attribute.

    Args:
        score: least probability of being a person.
        owned: least share of its mask that a person keeps when every pixel has gone to its best claimant.
        area: least pixels of a person, at the network's output resolution.
        part: least pixels of an attribute region, at the network's output resolution.
    """

    score: float = 0.5
    owned: float = 0.5
    area: int = 12
    part: int = 2


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
        probabilities: per task (H, W) float32, of the winning id.
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
    masks = output.mask_logits[candidates].sigmoid()  # (K, h, w)
    inside = masks > 0.5
    claims = torch.where(inside, masks * output.scores[candidates, None, None], 0.0)
    best = claims.argmax(0).masked_fill(~inside.any(0), -1)
    owned = torch.bincount(best[best >= 0], minlength=len(candidates))
    area = inside.flatten(1).sum(1)
    keep = (owned >= config.area) & (owned >= config.owned * area)
    return candidates[keep]


def own_pixels(output: ImageOutput, people: Tensor, height: int, width: int) -> Tensor:
    """Which person (1..M, 0 nobody) each pixel of a `height` x `width` picture belongs to, int64."""
    if len(people) == 0:
        return torch.zeros(height, width, dtype=torch.long)
    masks = enlarge(output.mask_logits[people], height, width)  # (M, H, W) logits
    best, owner = masks.max(0)
    return torch.where(best > 0, owner + 1, 0)


def enlarge(maps: Tensor, height: int, width: int) -> Tensor:
    """Bilinear (C, h, w) to (C, height, width)."""
    return functional.interpolate(maps[None].float(), (height, width), mode="bilinear", align_corners=False)[0]


def predict(output: ImageOutput, config: AssembleConfig) -> ImagePrediction:
    """Winning labels of every pixel."""
    people = claim_pixels(output, config)
    human = own_pixels(output, people, output.height, output.width)
    labels, probabilities = {}, {}
    for task in TASKS:
        probability, winner = enlarge(output.semantic[task], output.height, output.width).softmax(0).max(0)
        labels[task] = winner.numpy().astype(np.uint8)
        probabilities[task] = probability.numpy()
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
    height, width = output.height, output.width
    if max(height, width) > ASSEMBLE_SIDE:
        height, width = scaled_shape(height, width, ASSEMBLE_SIDE)
    human = own_pixels(output, people, height, width)
    attribute = enlarge(output.semantic["attribute"], height, width).argmax(0)
    regions = (human * num_classes("attribute") + attribute).where(human > 0, 0)  # 0: nobody
    evidence = pool_evidence(output, people, regions)
    full = full_resolution(regions.numpy(), output.height, output.width)
    records = [make_person(number, output.scores[person], full, evidence, config, calibration, pixels)
               for number, person in enumerate(people.tolist(), start=1)]  # fmt: skip
    found = tuple(person for person in records if person is not None)
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
    """Mean probabilities over every region at once, at the network's output resolution."""
    height, width = output.mask_logits.shape[-2:]
    classes, slots = num_classes("attribute"), (len(people) + 1) * num_classes("attribute")
    keys = torch.from_numpy(full_resolution(regions.numpy(), height, width)).flatten()
    cells = torch.bincount(keys, minlength=slots)
    attribute = output.semantic["attribute"].float().softmax(0)
    means = {"attribute": region_means(attribute.max(0).values.flatten()[None], keys, cells)[..., 0]}
    for task in CHARACTERISTICS:
        probability = output.semantic[task].float()[1:].softmax(0)  # given that there is something to characterize
        means[task] = region_means(probability.flatten(1), keys, cells)
    return Evidence(
        cells.reshape(-1, classes).numpy(),
        {task: mean.reshape(-1, classes, *mean.shape[1:]).numpy() for task, mean in means.items()},
        peaks(attribute, keys // classes, len(people)).numpy(),
        pool_appearance(output, people).numpy(),
    )


def region_means(values: Tensor, keys: Tensor, cells: Tensor) -> Tensor:
    """Mean of `values` (N, P) over the cells of each key, (len(cells), N)."""
    sums = torch.zeros(len(cells), len(values)).index_add_(0, keys, values.T)
    return sums / cells.clamp(min=1)[:, None]


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


def make_person(
    number: int,
    score: Tensor,
    regions: NDArray[np.int64],
    evidence: Evidence,
    config: AssembleConfig,
    calibration: Calibration,
    pixels: NDArray[np.uint8] | None,
) -> Person | None:
    """The record of person `number`; None if it has no pixel at full resolution."""
    classes = num_classes("attribute")
    inside = (regions >= number * classes) & (regions < (number + 1) * classes)
    rows, columns = np.nonzero(inside.any(1))[0], np.nonzero(inside.any(0))[0]
    if rows.size == 0:
        return None
    box = (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
    attributes = [
        make_attribute(number, label_id, regions, evidence, calibration, pixels)
        for label_id in range(1, classes)
        if evidence.cells[number, label_id] >= config.part
    ]
    presence = calibration.presence(evidence.peak[number, 1:])
    return Person(
        box,
        float(score),
        RunLengthMask.encode(inside),
        tuple(attributes),
        dict(zip(ATTRIBUTES, map(float, presence), strict=True)),
        evidence.appearance[number],
    )


def make_attribute(
    number: int,
    label_id: int,
    regions: NDArray[np.int64],
    evidence: Evidence,
    calibration: Calibration,
    pixels: NDArray[np.uint8] | None,
) -> CharacterizedAttribute:
    """The record of one attribute of person `number`."""
    mask = regions == number * num_classes("attribute") + label_id
    label = ATTRIBUTES[label_id - 1]
    probabilities = {}
    if label in CHARACTERIZED:
        for task in CHARACTERISTICS:
            calibrated = calibration.apply(task, evidence.means[task][number, label_id], label)
            assert len(calibrated) == len(LABELS[task])
            probabilities[task] = tuple(map(float, calibrated))
    score = float(evidence.means["attribute"][number, label_id])
    colors = palette(pixels[mask]) if pixels is not None and probabilities else ()
    return CharacterizedAttribute(label, score, int(mask.sum()), probabilities, RunLengthMask.encode(mask), colors)
