import json
from pathlib import Path

import pytest
import torch

from parsing.benchmark import Row, main, shown
from parsing.checkpoint import CheckpointInfo, save
from parsing.deployment import DEPLOYMENTS, probabilities
from parsing.model import HPTR
from parsing.timing import Timing, measure
from tests.factories import tiny_config


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "tiny.safetensors"
    save(path, HPTR(tiny_config()).state_dict(), CheckpointInfo(tiny_config(), inference={"score": 0.1}))
    return path


def test_ratios_are_medians_over_the_rounds() -> None:
    timing = Timing({"a": [2.0, 8.0, 9.0], "b": [1.0, 2.0, 9.0]})
    assert timing.seconds("a") == 8.0
    assert timing.ratio("a", "b") == 2.0


def test_things_run_in_turn() -> None:
    order: list[str] = []
    things = {name: lambda name=name: order.append(name) for name in ("a", "b")}
    measure(things, runs=2, device=torch.device("cpu"))
    assert order == ["a", "b"] * 3


def test_a_missed_goal_is_said_to_be_missed() -> None:
    line = Row("networks", "hptr-r50", "fp32", 0.9, "DETR", 12.0, 0.8)
    assert "MISSED: goal 0.80" in shown(line)
    assert "reached" in shown(Row("networks", "hptr-r50", "fp32", 0.7, "DETR", 12.0, 0.8))


def test_batches_of_a_checkpoint(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--only", "batches", "--long-side", "64", "--runs", "1", "--json", "--checkpoint", str(checkpoint)]
    assert main(options) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(line["name"], line["precision"]) for line in rows] == [
        (f"batch {size}", precision) for precision in ("fp32", "bf16") for size in (1, 4, 8)
    ]
    assert rows[0]["ratio"] == 1.0


def test_what_is_exported_says_the_same() -> None:
    torch.manual_seed(0)
    model, images = HPTR(tiny_config()).eval(), torch.randn(1, 3, 64, 64)
    expected = probabilities(DEPLOYMENTS["fp32"](model, images)())
    torch.testing.assert_close(probabilities(DEPLOYMENTS["fp32, norms folded"](model, images)()), expected)
    half = probabilities(DEPLOYMENTS["bf16, norms folded"](model, images)())
    torch.testing.assert_close(half, expected, atol=0.05, rtol=0)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of tracing
def test_openvino_says_the_same() -> None:
    pytest.importorskip("openvino")
    torch.manual_seed(0)
    model, images = HPTR(tiny_config()).eval(), torch.randn(1, 3, 64, 64)
    expected = probabilities(DEPLOYMENTS["fp32"](model, images)())
    torch.testing.assert_close(
        probabilities(DEPLOYMENTS["fp32, OpenVINO"](model, images)()), expected, atol=1e-3, rtol=0
    )


@pytest.mark.slow
def test_few_people_and_many(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plot = tmp_path / "people.png"
    options = ["--only", "people", "--long-side", "256", "--runs", "1", "--plot", str(plot)]
    assert main([*options, "--checkpoint", str(checkpoint)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == ["2", "6", "18", "40"]
    assert plot.stat().st_size > 5000


@pytest.mark.slow
def test_networks_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("transformers")
    assert main(["--only", "networks", "heads", "--long-side", "64", "--runs", "1", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {line["name"] for line in rows if line["goal"] is not None} == {
        "hptr-r50", "hptr-compact", "hptr-r50, four heads", "hptr-compact, four heads",
    }  # fmt: skip


def test_no_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "batches", "--checkpoint", str(tmp_path / "none.safetensors")]) == 1
    assert "Error: no checkpoint at" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--long-side", "50", "expected --long-side of at least 32, a multiple of it, got 50; give another"),
        ("--runs", "0", "expected --runs of at least 1, got 0; give another"),
        ("--threads", "0", "expected --threads of at least 1, got 0; give another"),
        ("--device", "foo", "device 'foo' cannot be used"),
    ],
)
def test_an_option_out_of_its_limits(option: str, value: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([option, value]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_batches_on_a_gpu(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--only", "batches", "networks", "--device", "cuda", "--long-side", "128", "--runs", "2", "--json"]
    assert main([*options, "--checkpoint", str(checkpoint)]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {line["name"] for line in rows if line["part"] == "batches"} == {"batch 1", "batch 16"}
