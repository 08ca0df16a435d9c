"""An image seen twice, as it is and mirrored: what both views say is averaged (test-time augmentation).

Semantic maps are averaged cell by cell. People of the two views are matched by their masks; whoever both see gets the
mean of both masks and scores, whoever one view alone sees must be surer.
"""

from dataclasses import replace

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from parsing.assemble import ImageOutput, enlarge
from parsing.labels import PAIRS, label_id, num_classes

LEAST_SCORE = 0.05  # queries below it are nobody in either view
SAME_IOU = 0.3  # least IoU of the masks of one person in two views
LONE = 0.75  # what the score of a person counts whom one view alone sees


def exchanged_sides() -> list[int]:
    """Attribute ids in the order in which a mirrored image shows them: left and right exchanged."""
    ids = list(range(num_classes("attribute")))
    for left, right in PAIRS.values():
        a, b = label_id("attribute", left), label_id("attribute", right)
        ids[a], ids[b] = b, a
    return ids


EXCHANGED = exchanged_sides()


def unmirror(task: str, logits: Tensor) -> Tensor:
    """What the logits (N, h, w) of a mirrored image say of the image itself."""
    upright = logits.flip(-1)
    return upright[EXCHANGED] if task == "attribute" else upright


def average(straight: ImageOutput, mirrored: ImageOutput) -> ImageOutput:
    """What both views say, at the resolution of `straight`; the mirrored view may be of another."""
    height, width = straight.mask_logits.shape[-2:]
    semantic = {
        task: (logits + enlarge(unmirror(task, mirrored.semantic[task]), height, width)) / 2
        for task, logits in straight.semantic.items()
    }
    scores, mask_logits = join_people(straight, mirrored)
    return replace(straight, semantic=semantic, scores=scores, mask_logits=mask_logits)


def join_people(straight: ImageOutput, mirrored: ImageOutput) -> tuple[Tensor, Tensor]:
    """Scores (Q,) and mask logits (Q, h, w) of the people that one view or both see."""
    scores, masks = candidates(straight)
    others, seen_again = candidates(mirrored)
    if not len(others):
        return LONE * scores, masks
    again = enlarge(seen_again.flip(-1), *masks.shape[-2:])
    rows, columns = same_people(scores, masks, others, again)
    alone, alone_again = torch.ones(len(scores), dtype=torch.bool), torch.ones(len(others), dtype=torch.bool)
    alone[rows], alone_again[columns] = False, False
    first, second = scores[rows], others[columns]
    both = torch.maximum((first + second) / 2, LONE * torch.maximum(first, second))  # to be seen faintly too is no loss
    share = (first / (first + second))[:, None, None]
    joined_masks = [share * masks[rows] + (1 - share) * again[columns], masks[alone], again[alone_again]]
    return torch.cat([both, LONE * scores[alone], LONE * others[alone_again]]), torch.cat(joined_masks)


def candidates(output: ImageOutput) -> tuple[Tensor, Tensor]:
    """Scores (K,) and mask logits (K, h, w) of the queries that may be people."""
    chosen = output.scores >= LEAST_SCORE
    return output.scores[chosen], output.mask_logits[chosen]


def same_people(scores: Tensor, masks: Tensor, others: Tensor, again: Tensor) -> tuple[Tensor, Tensor]:
    """Who of one view (K,) and of the other (L,) are the same: pairs of alike masks, as sure as can be in all."""
    first, second = (masks > 0).flatten(1).float(), (again > 0).flatten(1).float()
    shared = first @ second.T
    iou = shared / (first.sum(1)[:, None] + second.sum(1) - shared).clamp(min=1)
    alike = torch.where(iou >= SAME_IOU, iou, 0.0)
    rows, columns = map(torch.from_numpy, linear_sum_assignment(-alike * (scores[:, None] * others).sqrt()))
    same = alike[rows, columns] > 0
    return rows[same], columns[same]
