"""An image seen twice, as it is and mirrored: the semantic maps of both are averaged (test-time augmentation)."""

from dataclasses import replace

from torch import Tensor

from parsing.assemble import ImageOutput, enlarge
from parsing.labels import PAIRS, label_id, num_classes


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
    """`straight` with semantic logits that are the mean of both views; people are those of `straight`.

    The mirrored view may be of another resolution.
    """
    height, width = straight.mask_logits.shape[-2:]
    semantic = {
        task: (logits + enlarge(unmirror(task, mirrored.semantic[task]), height, width)) / 2
        for task, logits in straight.semantic.items()
    }
    return replace(straight, semantic=semantic)
