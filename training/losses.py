"""Losses (paper section 3.4): L = L_human + L_attribute + L_size + L_pattern + L_color, unweighted between tasks.

Every part is there for every batch, 0 where nothing is known, and all means are over the batches of all processes.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from parsing.labels import CHARACTERISTICS, IGNORE, TASKS
from parsing.model import HPTROutput
from training.matcher import MatchWeights, Targets, match, match_costs, pairwise_giou, to_xyxy
from training.processes import mean, over_processes, ratio

NO_OBJECT_WEIGHT = 0.1
CENTER_WEIGHT = 2.0
FOCAL_GAMMA = 2.0


def semantic_loss(logits: Tensor, labels: Tensor, class_weights: Tensor) -> Tensor:
    """Focal loss plus DICE over the classes present; label 255 is ignored.

    Args:
        logits: (B, N, h, w).
        labels: (B, h, w) int64.
        class_weights: (N,) of the focal part.
    """
    known = labels != IGNORE
    flat = logits.float().movedim(1, -1)[known]  # (P, N)
    truth = labels[known]
    log_probability = functional.log_softmax(flat, -1)
    true_log = log_probability.gather(1, truth[:, None]).squeeze(1)
    weight = class_weights[truth]
    focal = ratio(-(weight * (1 - true_log.exp()) ** FOCAL_GAMMA * true_log).sum(), weight.sum())
    one_hot = functional.one_hot(truth, flat.shape[1]).float()
    probability = log_probability.exp()
    overlap, guessed, true = over_processes(
        torch.stack([(probability * one_hot).sum(0), probability.sum(0), one_hot.sum(0)])
    )
    dice = 1 - (2 * overlap + 1) / (guessed + true + 1)
    present = true > 0
    loss: Tensor = focal + (dice * present).sum() / present.sum().clamp(min=1)
    return loss


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
    # One index over the batch: an index per image would fill a gradient of the whole batch for each.
    image = torch.cat([torch.full_like(queries, number) for number, (queries, _) in enumerate(pairs)])
    query = torch.cat([queries for queries, _ in pairs])
    losses = {"classes": weights.classes * class_loss(class_logits, boxes, targets, (image, query))}
    predicted = boxes[image, query]
    wanted = torch.cat([target.boxes_cxcywh[people] for target, (_, people) in zip(targets, pairs, strict=True)])
    giou = torch.diagonal(pairwise_giou(to_xyxy(predicted), to_xyxy(wanted)))
    losses["box"] = weights.box * mean((predicted - wanted).abs().sum(1))
    losses["giou"] = weights.giou * mean(1 - giou)
    if mask_logits is not None:
        truth = torch.cat([target.masks[people] for target, (_, people) in zip(targets, pairs, strict=True)])
        known = torch.stack([target.known for target in targets])[image]
        outlined = torch.cat([target.outlined[people] for target, (_, people) in zip(targets, pairs, strict=True)])
        focal, dice = mask_losses(mask_logits[image, query].float()[outlined], truth[outlined], known[outlined])
        losses["mask"], losses["dice"] = weights.mask * mean(focal), weights.dice * mean(dice)
    return losses


def center_loss(centers: Tensor, targets: Sequence[Targets]) -> Tensor:
    """How far, in box sizes, the centers that pixels name (B, 2, h, w) are from their person's; people count alike."""
    boxes = torch.cat([target.boxes_cxcywh for target in targets])
    masks = torch.cat([target.masks for target in targets])
    image = torch.repeat_interleave(
        torch.arange(len(targets), device=centers.device),
        torch.tensor([len(target.masks) for target in targets], device=centers.device),
    )
    person, row, column = torch.nonzero(masks, as_tuple=True)
    named = centers.float().movedim(1, -1)[image[person], row, column]  # (P, 2)
    away = ((named - boxes[person, :2]) / boxes[person, 2:].clamp(min=0.02)).abs().sum(1)
    pixels = torch.bincount(person, minlength=len(boxes)).clamp(min=1)
    outlined = torch.cat([target.outlined for target in targets])
    return mean((torch.zeros_like(boxes[:, 0]).index_add(0, person, away) / pixels)[outlined])


def class_loss(logits: Tensor, boxes: Tensor, targets: Sequence[Targets], matched: tuple[Tensor, Tensor]) -> Tensor:
    """Cross-entropy of person against no person, DETR's weighted mean over all queries (B, Q, 2).

    A query without a person is not punished where its box (B, Q, 4) is centered on a place of which it is not known
    who is there: crowds, and the street around the one labelled person of a photograph.
    """
    labels = torch.zeros(logits.shape[:2], dtype=torch.long, device=logits.device)
    labels[matched] = 1
    weight = torch.where(labels == 1, 1.0, NO_OBJECT_WEIGHT)
    weight = torch.where((labels == 0) & centers_unsure(boxes, targets), 0.0, weight)
    entropy = functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
    return ratio((entropy * weight.flatten()).sum(), weight.sum())


def centers_unsure(boxes: Tensor, targets: Sequence[Targets]) -> Tensor:
    """(B, Q) bool: whether the center of each box (B, Q, 4) lies where it is not known who is there."""
    unsure = torch.stack([target.unsure for target in targets])  # (B, h, w)
    height, width = unsure.shape[1:]
    column = (boxes[..., 0].detach() * width).long().clamp(0, width - 1)
    row = (boxes[..., 1].detach() * height).long().clamp(0, height - 1)
    return unsure[torch.arange(len(boxes), device=boxes.device)[:, None], row, column]


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


def region_losses(
    semantic: Mapping[str, Tensor], labels: Mapping[str, Tensor], human: Tensor, class_weights: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Per characteristic, the cross-entropy of what is said of whole items, as `assemble` pools them.

    The pixel losses weigh an item by its area; people ask for shoes and glasses as often as for coats. The paper has
    no such loss. An item is all pixels of one attribute on one person.

    Args:
        semantic, labels: as in `total_loss`.
        human: (B, h, w) int64 person ids, 0 nobody.
    """
    attribute = labels["attribute"]
    batch = torch.arange(len(human), device=human.device)[:, None, None]
    inside = (human > 0) & (human != IGNORE) & (attribute > 0) & (attribute != IGNORE)
    keys = ((batch * 256 + human) * 256 + attribute)[inside]
    items, region = torch.unique(keys, return_inverse=True)
    count = len(items)
    losses = {}
    for task in CHARACTERISTICS:
        truth = labels[task][inside]
        probability = functional.softmax(semantic[task].float()[:, 1:].movedim(1, -1)[inside], -1)  # (P, N - 1)
        sums = torch.zeros(count, probability.shape[1], device=human.device).index_add(0, region, probability)
        pooled = sums / torch.bincount(region, minlength=count).clamp(min=1)[:, None]
        label = torch.zeros(count, dtype=torch.long, device=human.device).index_put((region,), truth)
        known = (label > 0) & (label != IGNORE)
        chosen = label[known]
        entropy = -pooled[known].gather(1, chosen[:, None] - 1).squeeze(1).clamp(min=1e-6).log()
        weight = class_weights[task][chosen]
        losses[f"{task}/items"] = ratio((entropy * weight).sum(), weight.sum())
    return losses


def total_loss(
    output: HPTROutput,
    labels: Mapping[str, Tensor],
    human: Tensor,
    targets: Sequence[Targets],
    class_weights: Mapping[str, Tensor],
    *,
    num_queries: int,
    weights: MatchWeights,
) -> tuple[Tensor, dict[str, float]]:
    """The sum of all losses, auxiliary ones included, and its parts for the log.

    Args:
        labels: per task (B, H / 4, W / 4) int64, 255 ignored.
        human: (B, H / 4, W / 4) int64 person ids, 0 nobody, 255 ignored.
        targets: per image.
        class_weights: per task (N_task,).
    """
    parts = {task: semantic_loss(output.semantic[task], labels[task], class_weights[task]) for task in TASKS}
    parts |= region_losses(output.semantic, labels, human, class_weights)
    if output.centers is not None:
        parts["human/centers"] = CENTER_WEIGHT * center_loss(output.centers, targets)
    last = len(output.class_logits) - 1
    for depth, (classes, boxes) in enumerate(zip(output.class_logits, output.boxes_cxcywh, strict=True)):
        masks, prefix = (output.mask_logits, "human") if depth == last else (None, f"auxiliary{depth}")
        for name, value in layer_loss(classes, boxes, masks, targets, num_queries, weights).items():
            parts[f"{prefix}/{name}"] = value
    total = torch.stack(list(parts.values())).sum()
    return total, {name: float(value.detach()) for name, value in parts.items()}
