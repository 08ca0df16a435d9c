"""Hungarian matching of queries to people (DETR section 3.1), with mask costs besides box and class."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor


def to_xyxy(boxes: Tensor) -> Tensor:
    """cx cy w h to x0 y0 x1 y1, (..., 4)."""
    center, half = boxes[..., :2], boxes[..., 2:] / 2
    return torch.cat([center - half, center + half], -1)


def pairwise_giou(a: Tensor, b: Tensor) -> Tensor:
    """Generalized IoU (CVPR 2019) of xyxy boxes (N, 4) and (M, 4), as (N, M) in -1..1."""
    overlap = (torch.min(a[:, None, 2:], b[None, :, 2:]) - torch.max(a[:, None, :2], b[None, :, :2])).clamp(min=0)
    hull = (torch.max(a[:, None, 2:], b[None, :, 2:]) - torch.min(a[:, None, :2], b[None, :, :2])).clamp(min=0)
    area_a, area_b = ((x[:, 2:] - x[:, :2]).clamp(min=0).prod(-1) for x in (a, b))
    intersection = overlap.prod(-1)
    union = (area_a[:, None] + area_b[None] - intersection).clamp(min=1e-6)
    enclosing = hull.prod(-1).clamp(min=1e-6)
    return intersection / union - (enclosing - union) / enclosing


@dataclass(frozen=True)
class Targets:
    """The people of one picture.

    Args:
        boxes_cxcywh: (n, 4), fractions of the picture.
        masks: (n, H / 4, W / 4) float, 1 on the person.
        known: (H / 4, W / 4) float, 0 on pixels of which it is not known whose they are.
        unsure: (H / 4, W / 4) bool, True where there may be people who are not labelled.
        outlined: (n,) bool, False for people of whom the box alone is known: their masks are empty and say nothing.
    """

    boxes_cxcywh: Tensor
    masks: Tensor
    known: Tensor
    unsure: Tensor
    outlined: Tensor

    def to(self, device: torch.device) -> "Targets":
        """The targets on a device."""
        parts = (self.boxes_cxcywh, self.masks, self.known, self.unsure, self.outlined)
        return Targets(*(part.to(device) for part in parts))


@dataclass(frozen=True)
class MatchWeights:
    """DETR's weights of the parts of L_human, in costs and losses alike."""

    classes: float = 1.0
    box: float = 5.0
    giou: float = 2.0
    mask: float = 1.0
    dice: float = 1.0


def match_costs(
    probability: Tensor, boxes: Tensor, masks: Tensor | None, targets: Targets, weights: MatchWeights
) -> Tensor:
    """Cost (Q, n) of giving each person to each query of one picture.

    Args:
        probability: (Q,) of being a person.
        boxes: (Q, 4) cx cy w h.
        masks: (Q, h, w) logits, or None for a layer without masks.
    """
    costs = (
        -weights.classes * probability[:, None]
        + weights.box * torch.cdist(boxes, targets.boxes_cxcywh, p=1)
        - weights.giou * pairwise_giou(to_xyxy(boxes), to_xyxy(targets.boxes_cxcywh))
    )
    if masks is None:
        return costs
    inside = (masks.sigmoid() * targets.known).flatten(1)
    truth = (targets.masks * targets.known).flatten(1)
    overlap = inside @ truth.T
    dice = 1 - (2 * overlap + 1) / (inside.sum(1)[:, None] + truth.sum(1)[None] + 1)
    return costs + (weights.mask + weights.dice) * dice * targets.outlined


def match(costs: NDArray[np.float32], num_queries: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Query and person of each pair; every group of `num_queries` queries is matched to all people by itself.

    Args:
        costs: (groups * num_queries, n). Where one is not finite neither is the loss, which stops training and names
            the step.
    """
    queries, people = [], []
    costs = np.nan_to_num(costs)
    for start in range(0, len(costs), num_queries):
        rows, columns = linear_sum_assignment(costs[start : start + num_queries])
        queries.append(rows + start)
        people.append(columns)
    return np.concatenate(queries), np.concatenate(people)
