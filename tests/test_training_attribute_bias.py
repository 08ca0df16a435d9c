import torch

from parsing.labels import label_id
from training.attribute_bias import CLASSES, UNSEEN, fit_bias, miou, report

COAT, GLOVE = label_id("attribute", "Coat"), label_id("attribute", "Glove")


def too_many_gloves() -> tuple[torch.Tensor, torch.Tensor]:
    """Coats of which a third are taken for gloves by a small margin, and true gloves by a large one."""
    labels = torch.tensor([COAT] * 300 + [GLOVE] * 30)
    logits = torch.zeros(330, CLASSES)
    logits[:300, COAT] = 5.0
    logits[:100, GLOVE] = 5.4
    logits[300:, GLOVE] = 9.0
    return logits, labels


def test_what_is_seen_too_often_is_made_less_likely() -> None:
    pixels = too_many_gloves()
    bias = fit_bias(pixels)
    assert miou(pixels, torch.zeros(CLASSES)) < 0.7
    assert miou(pixels, bias) == 1.0
    assert bias[GLOVE] < bias[COAT]
    assert bias[0] == 0


def test_nothing_changes_where_nothing_is_gained_but_what_no_photograph_shows_is_less_likely() -> None:
    logits, labels = too_many_gloves()
    bias = fit_bias((logits[100:], labels[100:]))
    shown = [0, COAT, GLOVE]
    assert bias[shown].tolist() == [0.0] * 3
    assert set(bias.tolist()) == {0.0, UNSEEN}
    assert bias.count_nonzero() == CLASSES - 3


def test_halves_tell_what_biases_are_worth_on_photographs_not_fitted() -> None:
    figures = report([too_many_gloves(), too_many_gloves()])
    assert figures["held_out"] == 1.0
    assert figures["without"] < 0.7
