import logging
from types import ModuleType

import pytest
import torch

from training import precision, pretrain, train

CPU = torch.device("cpu")


@pytest.mark.parametrize("command", [train, pretrain])
def test_mixed_precision_can_be_asked_for_and_taken_back(command: ModuleType) -> None:
    asked = [
        command.parse_arguments(["--data", "x", *options]).mixed_precision
        for options in ([], ["--mixed-precision"], ["--no-mixed-precision"])
    ]
    assert asked == [None, True, False]


@pytest.mark.parametrize(("asked", "fast", "warned"), [(True, False, True), (True, True, False), (False, False, False)])
def test_a_slower_precision_is_warned_of(
    asked: bool, fast: bool, warned: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(precision, "bfloat16_is_fast", lambda device: fast)
    with caplog.at_level(logging.WARNING):
        precision.warn_where_slower(asked, CPU)
    assert ("--no-mixed-precision" in caplog.text) == warned
