"""Losses (paper section 3.4): L = L_human + L_attribute + L_size + L_pattern + L_color, unweighted between tasks."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from parsing.labels import IGNORE, TASKS
from parsing.model import HPTROutput
from training.matcher import MatchWeights, Targets, match, match_costs, pairwise_giou, to_xyxy

NO_OBJECT_WEIGHT = 0.1
FOCAL_GAMMA = 2.0


def semantic_loss(logits: Tensor, labels: Tensor, class_weights: Tensor) -> Tensor:
    """Focal loss plus DICE over the classes present; label 255 is ignored.

    Args:
        logits: (B, N, h, w).
        labels: (B, h, w) int64.
        class_weights: (N,) of the focal part.
    """
    known = labels != IGNORE
    if not bool(known.any()):
        return logits.sum() * 0
    flat = logits.float().movedim(1, -1)[known]  # (P, N)
    truth = labels[known]
    log_probability = functional.log_softmax(flat, -1)
    true_log = log_probability.gather(1, truth[:, None]).squeeze(1)
    weight = class_weights[truth]
    focal = -(weight * (1 - true_log.exp()) ** FOCAL_GAMMA * true_log).sum() / weight.sum()
    one_hot = functional.one_hot(truth, flat.shape[1]).float()
    probability = log_probability.exp()
    overlap, total = (probability * one_hot).sum(0), probability.sum(0) + one_hot.sum(0)
    dice = 1 - (2 * overlap + 1) / (total + 1)
    present = one_hot.sum(0) > 0
    return focal + dice[present].mean()


def mask_losses(logits: Tensor, truth: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Focal loss and DICE, each (n,), of mask logits (n, h, w) against 0/1 masks where `known` (n, h, w)."""
    cross_entropy = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    surprise = 1 - torch.exp(-cross_entropy)
    focal = (surprise**FOCAL_GAMMA * cross_entropy * known).flatten(1).sum(1) / known.flatten(1).sum(1).clamp(min=1)
    probability = (logits.sigmoid() * known).flatten(1)
    inside = (truth * known).flatten(1)
    dice = 1 - (2 * (probability * inside).sum(1) + 1) / (probability.sum(1) + inside.sum(1) + 1)
    return focal, dice


def layer_loss(
    class_logits: Tensor,
    boxes: Tensor,
    mask_logits: Tensor | None,
    targets: Sequence[Targets],
    num_queries: int,
    weights: MatchWeights,
) -> dict[str, Tensor]:
    """Parts of L_human for what one decoder layer says of a batch; earlier layers have no masks, as in DETR."""
    class_logits = class_logits.float()
    pairs = match_batch(class_logits, boxes, mask_logits, targets, num_queries, weights)
    labels = torch.zeros(class_logits.shape[:2], dtype=torch.long, device=class_logits.device)
    for image, (queries, _) in enumerate(pairs):
        labels[image, queries] = 1
    no_object = torch.tensor([NO_OBJECT_WEIGHT, 1.0], device=class_logits.device)
    entropy = functional.cross_entropy(class_logits.flatten(0, 1), labels.flatten(), no_object)
    losses = {"classes": weights.classes * entropy}
    if not any(len(queries) for queries, _ in pairs):
        return losses
    predicted = torch.cat([boxes[image, queries] for image, (queries, _) in enumerate(pairs)])
    wanted = torch.cat([target.boxes_cxcywh[people] for target, (_, people) in zip(targets, pairs, strict=True)])
    giou = torch.diagonal(pairwise_giou(to_xyxy(predicted), to_xyxy(wanted)))
    losses["box"] = weights.box * (predicted - wanted).abs().sum(1).mean()
    losses["giou"] = weights.giou * (1 - giou).mean()
    if mask_logits is not None:
        found = torch.cat([mask_logits[image, queries] for image, (queries, _) in enumerate(pairs)]).float()
        truth = torch.cat([target.masks[people] for target, (_, people) in zip(targets, pairs, strict=True)])
        known = torch.cat([t.known.expand(len(people), -1, -1) for t, (_, people) in zip(targets, pairs, strict=True)])
        focal, dice = mask_losses(found, truth, known)
        losses["mask"], losses["dice"] = weights.mask * focal.mean(), weights.dice * dice.mean()
    return losses


def match_batch(
    class_logits: Tensor,
    boxes: Tensor,
    mask_logits: Tensor | None,
    targets: Sequence[Targets],
    num_queries: int,
    weights: MatchWeights,
) -> list[tuple[Tensor, Tensor]]:
    """For each image the matched queries and people, int64."""
    pairs = []
    with torch.no_grad():
        probabilities = class_logits.softmax(-1)[..., 1]
        for image, target in enumerate(targets):
            masks = None if mask_logits is None else mask_logits[image].float()
            costs = match_costs(probabilities[image], boxes[image], masks, target, weights)
            queries, people = match(costs.cpu().numpy(), num_queries)
            pairs.append((torch.from_numpy(queries), torch.from_numpy(people)))
    return pairs


def total_loss(
    output: HPTROutput,
    labels: Mapping[str, Tensor],
    targets: Sequence[Targets],
    class_weights: Mapping[str, Tensor],
    *,
    num_queries: int,
    weights: MatchWeights,
) -> tuple[Tensor, dict[str, float]]:
    """The sum of all losses, auxiliary ones included, and its parts for the log.

    Args:
        labels: per task (B, H / 4, W / 4) int64, 255 ignored.
        targets: per image.
        class_weights: per task (N_task,).
    """
    parts = {task: semantic_loss(output.semantic[task], labels[task], class_weights[task]) for task in TASKS}
    last = len(output.class_logits) - 1
    for depth, (classes, boxes) in enumerate(zip(output.class_logits, output.boxes_cxcywh, strict=True)):
        masks, prefix = (output.mask_logits, "human") if depth == last else (None, f"auxiliary{depth}")
        for name, value in layer_loss(classes, boxes, masks, targets, num_queries, weights).items():
            parts[f"{prefix}/{name}"] = value
    total = torch.stack(list(parts.values())).sum()
    return total, {name: float(value.detach()) for name, value in parts.items()}
