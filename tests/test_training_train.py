import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from parsing.checkpoint import CheckpointError, load, read_info
from parsing.labels import TASKS, num_classes
from parsing.model import CONFIGS
from tests.factories import tiny_config, two_people_sample, write_ccp
from training.canvas import Layer
from training.composite import Composer, CompositeConfig, Source
from training.dataset import CompositeBatches
from training.journal import Journal
from training.processes import synchronize_norms
from training.publish import main as publish_main
from training.publish import publish
from training.run import Run, TrainConfig, read_position, start, store
from training.schedule import learning_rate
from training.train import configure, main, parse_arguments, set_training, train, train_step

WEIGHTS = {task: torch.ones(num_classes(task)) for task in TASKS}
CONFIG = TrainConfig(model="tiny", side=64, batch=2, steps=20, warmup_steps=2, decay_steps=4)


@pytest.fixture(autouse=True)
def tiny_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONFIGS, "tiny", tiny_config())


def batches() -> CompositeBatches:
    layer = Layer.of(two_people_sample())
    composer = Composer([Source.of(layer, 1.0)], [Source.of(layer, 1.0)], [], [], CompositeConfig())
    return CompositeBatches(composer, batch=2, side=64, final_side=64, final_from=20, seed=0, first=0, last=20)


def steps(run: Run, count: int) -> list[float]:
    data = batches()
    run.model.train()
    return [train_step(run, data[run.step], WEIGHTS)["loss"] for _ in range(count)]


def test_killed_and_resumed_it_goes_on_with_the_same_numbers(tmp_path: Path) -> None:
    whole = start(tmp_path / "whole", CONFIG)
    expected = steps(whole, 6)
    first = start(tmp_path / "run", CONFIG)
    steps(first, 3)
    store(first)
    second = start(tmp_path / "run", CONFIG)
    assert second.step == 3
    assert steps(second, 3) == pytest.approx(expected[3:], rel=1e-5)


def test_a_run_goes_on_with_the_shape_that_it_began_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store(start(tmp_path / "run", CONFIG))
    monkeypatch.setitem(CONFIGS, "tiny", replace(tiny_config(), head_width=24))
    assert start(tmp_path / "run", CONFIG).model.config == tiny_config()


def test_the_loss_falls_on_what_is_seen_again_and_again(tmp_path: Path) -> None:
    run = start(tmp_path / "run", replace(CONFIG, learning_rate=3e-3, steps=1000))
    batch = batches()[0]
    run.model.train()
    losses = [train_step(run, batch, WEIGHTS)["loss"] for _ in range(30)]
    assert losses[-1] < 0.7 * losses[0]


def test_what_is_saved_is_a_checkpoint_of_the_averaged_weights(tmp_path: Path) -> None:
    run = start(tmp_path / "run", CONFIG)
    steps(run, 2)
    store(run)
    model, info = load(tmp_path / "run" / "checkpoint.safetensors")
    assert info.training["step"] == 2
    torch.testing.assert_close(model.encoder.conv1.weight, run.average.encoder.conv1.weight)
    assert json.loads((tmp_path / "run" / "state.json").read_text())["config"]["side"] == 64


@pytest.mark.parametrize(("share", "way"), [(0.5, 1), (0.25, 1.5)])
def test_publishing_may_average_with_another_checkpoint_where_it_fits(tmp_path: Path, share: float, way: float) -> None:
    run = start(tmp_path / "run", CONFIG)
    store(run)
    weights = run.average.state_dict()
    other = {"encoder.conv1.weight": weights["encoder.conv1.weight"] + 2, "human.fade": torch.zeros(3)}
    save_file({name: tensor.contiguous() for name, tensor in other.items()}, tmp_path / "other.safetensors")
    publish(tmp_path / "run", tmp_path / "mean.safetensors", tmp_path / "other.safetensors", share)
    mean = load_file(tmp_path / "mean.safetensors")
    moved = (mean["encoder.conv1.weight"].float() - weights["encoder.conv1.weight"]).mean()
    assert float(moved) == pytest.approx(way, abs=0.01)
    torch.testing.assert_close(mean["human.fade"].float(), weights["human.fade"])


def publish_with(folder: Path, data: Path) -> tuple[int, Path]:
    store(start(folder / "run", CONFIG))
    output = folder / "published.safetensors"
    names = ["--run", str(folder / "run"), "--output", str(output), "--data", str(data)]
    return publish_main([*names, "--long-sides", "64", "96"]), output


def test_the_best_input_size_is_published(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, output = publish_with(tmp_path, write_ccp(tmp_path / "ccp", "0005"))
    figures = json.loads(capsys.readouterr().out)["attribute_miou_by_long_side"]
    assert (status, set(figures)) == (0, {"64", "96"})
    assert figures[str(read_info(output).inference["long_side"])] == max(figures.values())


@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        ("label_list.mat", "must be a MATLAB file with 'label_list'"),
        ("photos/0005.jpg", "must be a photograph, but cannot be read"),
        ("photos/0010.jpg", "expected labelled clothes to choose the input size by, found none in"),
    ],
)
def test_what_cannot_be_measured_is_not_published(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damaged: str, message: str
) -> None:
    data = write_ccp(tmp_path / "ccp", Path(damaged).stem if "photos" in damaged else "0005")
    (data / damaged).write_bytes(b"damaged")
    status, output = publish_with(tmp_path, data)
    assert (status, output.exists()) == (1, False)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("part", ["semantic.color.classify.bias", "human.classify.bias", "input_proj.weight"])
def test_a_loss_that_is_not_finite_stops_and_saves_its_batch(tmp_path: Path, part: str) -> None:
    run = start(tmp_path / "run", CONFIG)
    run.folder.mkdir()
    with torch.no_grad():
        run.model.get_parameter(part).fill_(float("nan"))
    with pytest.raises(
        FloatingPointError, match="the loss of step 0 is nan, expected a finite number; its batch is in"
    ):
        steps(run, 1)
    assert (run.folder / "not_finite.safetensors").is_file()


def test_a_batch_that_cannot_be_saved_does_not_hide_the_loss(tmp_path: Path) -> None:
    run = start(tmp_path / "run", CONFIG)
    run.folder.write_text("a file where the folder should be")
    with torch.no_grad():
        run.model.input_proj.weight.fill_(float("inf"))
    with pytest.raises(FloatingPointError, match=r"the loss of step 0 is nan, .* its batch is lost: cannot save"):
        steps(run, 1)


def test_a_gradient_that_is_not_finite_leaves_the_weights_as_they_are(tmp_path: Path) -> None:
    run = start(tmp_path, CONFIG)
    run.model.input_proj.weight.register_hook(lambda gradient: gradient * float("inf"))
    before = run.model.input_proj.weight.detach().clone()
    with pytest.raises(FloatingPointError, match="the gradient of step 0 is inf"):
        steps(run, 1)
    torch.testing.assert_close(run.model.input_proj.weight.detach(), before)


@pytest.mark.parametrize(
    ("schedule", "step", "share"),
    [
        *(("linear", step, share) for step, share in ((0, 0.5), (1, 1.0), (10, 1.0), (18, 0.5), (20, 0.0))),
        *(("cosine", step, share) for step, share in ((0, 0.5), (2, 1.0), (11, 0.5), (20, 0.0))),
        *(("steps", step, share) for step, share in ((0, 0.5), (13, 1.0), (14, 0.1), (20, 0.1))),
    ],
)
def test_learning_rate_of_each_schedule(schedule: str, step: int, share: float) -> None:
    config = replace(CONFIG, schedule=schedule)
    assert learning_rate(step, config) == pytest.approx(share * CONFIG.learning_rate)


def test_the_encoder_may_learn_more_slowly_and_its_norms_not_at_all(tmp_path: Path) -> None:
    run = start(tmp_path, replace(CONFIG, backbone_rate=0.1, freeze_norms=True))
    rates = {id(p): group["share"] for group in run.optimizer.param_groups for p in group["params"]}
    assert rates[id(run.model.encoder.conv1.weight)] == 0.1
    assert rates[id(run.model.input_proj.weight)] == 1.0
    assert id(run.model.encoder.bn1.weight) not in rates


def test_a_frozen_stem_keeps_its_weights_and_its_norms_statistics(tmp_path: Path) -> None:
    run = start(tmp_path, replace(CONFIG, freeze_stem=True))
    trained = {id(p) for group in run.optimizer.param_groups for p in group["params"]}
    assert id(run.model.encoder.conv1.weight) not in trained
    assert id(run.model.encoder.layer2[0].conv1.weight) in trained
    set_training(run)
    assert not run.model.encoder.bn1.training
    assert run.model.encoder.layer2[0].bn1.training


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_frozen_norms_stay_frozen_where_processes_share_them(tmp_path: Path, device: str) -> None:
    run = start(tmp_path, replace(CONFIG, freeze_norms=True))
    synchronize_norms(run.model, torch.device(device))
    set_training(run)
    assert not any(module.training for module in run.model.encoder.modules() if hasattr(module, "running_mean"))


def test_what_a_resumed_run_takes_again_is_forgotten(tmp_path: Path) -> None:
    journal = Journal(tmp_path, 0)
    for step in (1, 2, 3):
        journal.report(step, 1.0, {"loss": 5.0 - step})
    journal.close()
    with (tmp_path / "log.jsonl").open("a") as log:
        log.write('{"step": 4, "lo')
    Journal(tmp_path, 2).close()
    assert [json.loads(line)["step"] for line in (tmp_path / "log.jsonl").read_text().splitlines()] == [1, 2]
    assert len(list((tmp_path / "tensorboard").glob("events*"))) == 2


def test_a_picture_of_predictions(tmp_path: Path) -> None:
    run = start(tmp_path, CONFIG)
    journal = Journal(tmp_path, 0)
    journal.picture(7, run.average, batches()[0])
    journal.close()
    with Image.open(tmp_path / "pictures" / "step_0000007.png") as picture:
        assert len(np.unique(np.asarray(picture).reshape(-1, 3), axis=0)) > 50


def test_resuming_keeps_the_settings_of_the_run(tmp_path: Path) -> None:
    teacher_file = tmp_path / "teacher.safetensors"
    teacher_file.touch()
    store(start(tmp_path, replace(CONFIG, side=96)), [Path("data")], teacher_file)
    folder, config, data, teacher = configure(parse_arguments(["--resume", str(tmp_path), "--steps", "30"]))
    assert (folder, config) == (tmp_path, replace(CONFIG, side=96, steps=30))
    assert (data, teacher) == ([Path("data").resolve()], teacher_file.resolve())
    *_, another = configure(parse_arguments(["--resume", str(tmp_path), "--teacher", "better.safetensors"]))
    assert another == Path("better.safetensors")
    teacher_file.unlink()
    with pytest.raises(CheckpointError, match=r"the teacher of .*teacher\.safetensors, is gone; name it"):
        configure(parse_arguments(["--resume", str(tmp_path)]))
    position = json.loads((tmp_path / "state.json").read_text())
    (tmp_path / "state.json").write_text(json.dumps({k: v for k, v in position.items() if k != "teacher"}))
    *_, none = configure(parse_arguments(["--resume", str(tmp_path)]))
    assert none is None  # written before a run's teacher was kept


def test_a_run_of_another_network(tmp_path: Path) -> None:
    store(start(tmp_path, CONFIG))
    with pytest.raises(CheckpointError, match="holds a run of tiny, expected one of hptr-r50; name another --output"):
        configure(parse_arguments(["--resume", str(tmp_path), "--config", "hptr-r50", "--data", "x"]))


def test_a_damaged_state(tmp_path: Path) -> None:
    store(start(tmp_path, CONFIG))
    state = tmp_path / "state.safetensors"
    state.write_bytes(state.read_bytes()[:5000])
    with pytest.raises(CheckpointError, match=r"cannot be resumed .*; expected the state of a run of the same network"):
        start(tmp_path, CONFIG)


def test_a_checkpoint_in_place_of_the_state(tmp_path: Path) -> None:
    store(start(tmp_path, CONFIG))
    (tmp_path / "checkpoint.safetensors").rename(tmp_path / "state.safetensors")
    with pytest.raises(CheckpointError, match=r"cannot be resumed .it does not say where training stands.; expected"):
        start(tmp_path, CONFIG)


@pytest.mark.parametrize("part", ["freeze_norms", "freeze_stem"])
@pytest.mark.parametrize("begun", [True, False])
def test_what_is_frozen_cannot_change_in_a_run(tmp_path: Path, part: str, begun: bool) -> None:
    run = start(tmp_path, replace(CONFIG, **{part: begun}))
    steps(run, 1)
    store(run)
    with pytest.raises(CheckpointError, match=r"cannot be resumed .it trained \d+ weights, not \d+: what was frozen"):
        start(tmp_path, replace(CONFIG, **{part: not begun}))


def test_fewer_steps_than_are_done(tmp_path: Path) -> None:
    run = start(tmp_path, CONFIG)
    run.step = 3
    store(run)
    with pytest.raises(
        CheckpointError, match=r"holds a run of 3 steps, expected to go on to more, got --steps 2; give"
    ):
        start(tmp_path, replace(CONFIG, steps=2))


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("--batch", "0", "at least 1"),
        ("--steps", "-3", "at least 0"),
        ("--side", "0", "at least 32"),
        ("--rendered", "-1", "at least 0"),
        ("--ema", "2.0", "from 0 to 1"),
        ("--learning-rate", "nan", "at least 0"),
    ],
)
def test_a_number_out_of_its_limits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str, allowed: str
) -> None:
    assert main(["--data", str(tmp_path), "--output", str(tmp_path / "run"), option, value]) == 1
    assert capsys.readouterr().err == f"Error: {option} must be {allowed}, got {value}\n"


def test_no_processes_compose_ahead_where_none_are_wanted(tmp_path: Path) -> None:
    run = start(tmp_path / "run", replace(CONFIG, steps=1, workers=0, picture_steps=0))
    train(run, [write_ccp(tmp_path / "ccp", "0001")])
    assert run.step == 1


def test_a_journal_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").mkdir()
    with pytest.raises(CheckpointError, match=r"cannot write the journal of .* .*; make room on its disk, or name"):
        Journal(tmp_path, 0)


def test_a_run_where_no_folder_can_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["--data", str(tmp_path), "--output", str(tmp_path / "file" / "run")]) == 1
    assert "Not a directory" in capsys.readouterr().err


def test_settings_that_this_version_does_not_know(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"config": {"dropout": 1}}')
    with pytest.raises(CheckpointError, match=r"does not describe a training run .unknown settings dropout.; expected"):
        read_position(tmp_path)


def losses_of_a_process(folder: Path) -> None:
    """What each of the two processes of the test below does; the first writes its losses."""
    from training.processes import joined, world

    CONFIGS["tiny"] = tiny_config()
    layer = Layer.of(two_people_sample())
    composer = Composer([Source.of(layer, 1.0)], [Source.of(layer, 1.0)], [], [], CompositeConfig())
    with joined(torch.device("cpu")):
        process, processes = world()
        data = CompositeBatches(
            composer,
            batch=4 // processes,
            side=64,
            final_side=64,
            final_from=20,
            seed=0,
            first=0,
            last=20,
            process=process,
        )
        run = start(folder, CONFIG)
        run.network.train()
        losses = [train_step(run, data[step], WEIGHTS)["loss"] for step in range(5)]
        running = run.model.encoder.bn1.running_var.tolist()
        (folder / f"{process}_of_{processes}.json").write_text(json.dumps([losses, running]))


def test_two_processes_learn_what_one_with_the_doubled_batch_does(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\n"
        "from tests.test_training_train import losses_of_a_process\n"
        "losses_of_a_process(Path(__file__).parent)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent), "OMP_NUM_THREADS": "1"}
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
    for processes in ("1", "2"):
        subprocess.run([*torchrun, processes, str(script)], check=True, env=environment, timeout=300)
    (one, norm), *both = (
        json.loads((tmp_path / f"{name}.json").read_text()) for name in ("0_of_1", "0_of_2", "1_of_2")
    )
    for losses, running in both:
        assert losses[0] == pytest.approx(one[0], rel=1e-5)
        assert losses == pytest.approx(one, rel=2e-3)  # AdamW's first steps magnify what rounding does
        assert running == pytest.approx(norm, rel=1e-3)


def test_a_folder_of_no_known_layout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path), "--output", str(tmp_path / "run")]) == 1
    assert "is no data set that is known; expected a CCP folder" in capsys.readouterr().err


def test_no_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--output", str(tmp_path / "run")]) == 1
    assert capsys.readouterr().err == (
        "Error: expected data sets to train on, got none; name their folders with --data\n"
    )


def test_resuming_what_was_never_begun(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path), "--resume", str(tmp_path / "none")]) == 1
    assert "Error: no training run in" in capsys.readouterr().err
