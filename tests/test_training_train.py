import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from parsing.checkpoint import load
from parsing.labels import TASKS, num_classes
from parsing.model import CONFIGS
from tests.factories import tiny_config, two_people_sample
from training.canvas import Layer
from training.composite import Composer, CompositeConfig, Source
from training.dataset import CompositeBatches
from training.train import Run, TrainConfig, learning_rate, main, start, store, train_step

WEIGHTS = {task: torch.ones(num_classes(task)) for task in TASKS}
CONFIG = TrainConfig(model="tiny", side=64, batch=2, steps=20, warmup_steps=2, decay_steps=4)


@pytest.fixture(autouse=True)
def tiny_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONFIGS, "tiny", tiny_config())


def batches() -> CompositeBatches:
    layer = Layer.of(two_people_sample())
    composer = Composer([Source.of(layer, 1.0)], [layer], [], [], CompositeConfig())
    return CompositeBatches(composer, batch=2, side=64, seed=0, first=0, last=20)


def steps(run: Run, count: int) -> list[float]:
    data = batches()
    run.model.train()
    return [train_step(run, data[run.step], WEIGHTS)["loss"] for _ in range(count)]


def test_killed_and_resumed_it_goes_on_with_the_same_numbers(tmp_path: Path) -> None:
    whole = start(tmp_path / "whole", CONFIG, None)
    expected = steps(whole, 6)
    first = start(tmp_path / "run", CONFIG, None)
    steps(first, 3)
    store(first)
    second = start(tmp_path / "run", CONFIG, None)
    assert second.step == 3
    assert steps(second, 3) == pytest.approx(expected[3:], rel=1e-5)


def test_the_loss_falls_on_what_is_seen_again_and_again(tmp_path: Path) -> None:
    run = start(tmp_path / "run", replace(CONFIG, learning_rate=3e-3, steps=1000), None)
    batch = batches()[0]
    run.model.train()
    losses = [train_step(run, batch, WEIGHTS)["loss"] for _ in range(30)]
    assert losses[-1] < 0.7 * losses[0]


def test_what_is_saved_is_a_checkpoint_of_the_averaged_weights(tmp_path: Path) -> None:
    run = start(tmp_path / "run", CONFIG, None)
    steps(run, 2)
    store(run)
    model, info = load(tmp_path / "run" / "checkpoint.safetensors")
    assert info.training["step"] == 2
    torch.testing.assert_close(model.encoder.conv1.weight, run.average.encoder.conv1.weight)
    assert json.loads((tmp_path / "run" / "state.json").read_text())["config"]["side"] == 64


def test_a_loss_that_is_not_finite_stops_and_saves_its_batch(tmp_path: Path) -> None:
    run = start(tmp_path / "run", CONFIG, None)
    run.folder.mkdir()
    with torch.no_grad():
        run.model.semantic["color"].classify.bias.fill_(float("nan"))
    with pytest.raises(
        FloatingPointError, match="the loss of step 0 is nan, expected a finite number; its batch is in"
    ):
        steps(run, 1)
    assert (run.folder / "not_finite.safetensors").is_file()


@pytest.mark.parametrize(("step", "share"), [(0, 0.5), (1, 1.0), (10, 1.0), (18, 0.5), (20, 0.0)])
def test_learning_rate_rises_stays_and_falls(step: int, share: float) -> None:
    assert learning_rate(step, CONFIG) == pytest.approx(share * CONFIG.learning_rate)


def test_a_folder_of_no_known_layout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path), "--output", str(tmp_path / "run")]) == 1
    assert "is no data set that training knows; expected a CCP folder" in capsys.readouterr().err


def test_resuming_what_was_never_begun(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path), "--resume", str(tmp_path / "none")]) == 1
    assert "Error: no training run in" in capsys.readouterr().err
