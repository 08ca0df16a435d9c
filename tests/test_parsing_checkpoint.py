import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from parsing.checkpoint import (
    CheckpointError,
    CheckpointInfo,
    checkpoint_hash,
    describe,
    load,
    read_info,
    save,
    save_info,
)
from parsing.labels import TASKS
from parsing.model import HPTR
from parsing.parser import HumanParser, bfloat16_is_fast
from tests.factories import photograph, tiny_config


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "tiny.safetensors"
    save(
        path, HPTR(tiny_config()).state_dict(), CheckpointInfo(tiny_config(), inference={"long_side": 64, "score": 0.0})
    )
    return path


def test_saved_and_loaded_it_says_the_same(checkpoint: Path, tmp_path: Path) -> None:
    first = HumanParser.load(checkpoint)
    copy = tmp_path / "copy.safetensors"
    save(copy, load(checkpoint)[0].state_dict(), first.info)
    image = photograph(50, 40)
    a, b = first.predict(image), HumanParser.load(copy).predict(image)
    np.testing.assert_array_equal(a.human, b.human)
    for task, labels in a.labels.items():
        np.testing.assert_array_equal(labels, b.labels[task])
    assert first.info == read_info(copy)


def test_half_precision_takes_half_the_space(checkpoint: Path, tmp_path: Path) -> None:
    small = tmp_path / "half.safetensors"
    model, info = load(checkpoint)
    save(small, model.state_dict(), info, half=True)
    assert small.stat().st_size < 0.6 * checkpoint.stat().st_size
    assert load(small)[0].encoder.conv1.weight.dtype == torch.float32


def test_the_hash_changes_with_the_calibration(checkpoint: Path) -> None:
    before = checkpoint_hash(checkpoint)
    save_info(checkpoint, replace(read_info(checkpoint), inference={"long_side": 96}))
    assert checkpoint_hash(checkpoint) != before


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(
        CheckpointError, match=r"no checkpoint at .*none\.safetensors; make one with python -m training"
    ):
        load(tmp_path / "none.safetensors")


def test_damaged_weights(checkpoint: Path) -> None:
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="is damaged"):
        load(checkpoint)


def test_another_configuration(checkpoint: Path) -> None:
    save_info(checkpoint, CheckpointInfo(replace(tiny_config(), name="deeper", encoder_layers=3)))
    with pytest.raises(CheckpointError, match="does not fit configuration deeper"):
        load(checkpoint)


def test_another_width(checkpoint: Path) -> None:
    save_info(checkpoint, CheckpointInfo(replace(tiny_config(), head_width=24)))
    with pytest.raises(CheckpointError, match=r"does not fit configuration tiny: \d+ weights differ, first '.*'; use"):
        load(checkpoint)


def test_a_network_that_this_version_does_not_have(checkpoint: Path) -> None:
    save_info(checkpoint, CheckpointInfo(replace(tiny_config(), mask_head="dots")))
    with pytest.raises(
        CheckpointError, match=r"tiny\.json describes no network of this version .'dots'.; use the JSON"
    ):
        load(checkpoint)


def test_other_labels(checkpoint: Path) -> None:
    document = json.loads(describe(checkpoint).read_text())
    document["labels"]["color"][0] = "Mauve"
    describe(checkpoint).write_text(json.dumps(document))
    with pytest.raises(CheckpointError, match="other labels"):
        load(checkpoint)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"format": 99}'])
def test_a_description_that_is_none(checkpoint: Path, text: str) -> None:
    describe(checkpoint).write_text(text)
    with pytest.raises(CheckpointError, match="expected"):
        load(checkpoint)


def changed(checkpoint: Path, part: str, value: object) -> Path:
    """The checkpoint, of whose description a part, or one name in it, says something else."""
    document = json.loads(describe(checkpoint).read_text())
    name, _, key = part.partition(".")
    document[name] = {**document[name], key: value} if key else value
    describe(checkpoint).write_text(json.dumps(document))
    return checkpoint


@pytest.mark.parametrize("part", ["labels", "config", "inference", "calibration", "search", "metrics", "training"])
@pytest.mark.parametrize("value", [None, [], "x"])
def test_a_part_that_is_no_object_is_named(checkpoint: Path, part: str, value: object) -> None:
    with pytest.raises(CheckpointError, match=rf"tiny\.json does not describe a checkpoint .{part} is .*, expected an"):
        load(changed(checkpoint, part, value))


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("inference.long_side", 0, "long_side must be a number of at least 1, got 0"),
        ("inference.long_side", -5, "long_side must be a number of at least 1, got -5"),
        ("inference.score", "high", "score must be a number of at least 0, got 'high'"),
        ("inference.owned", None, "owned must be a number of at least 0, got None"),
        ("inference.attribute_bias", None, r"attribute_bias must have 20 values, got shape \(\)"),
        ("inference.attribute_bias", [0.0] * 3, r"attribute_bias must have 20 values, got shape \(3,\)"),
        ("inference.attribute_bias", [float("nan")] * 20, "attribute_bias must have finite values"),
        ("calibration.tasks", "x", "the calibration must be by task, got 'x'"),
    ],
)
def test_a_setting_that_cannot_be_is_named(checkpoint: Path, part: str, value: object, message: str) -> None:
    with pytest.raises(
        CheckpointError, match=rf"tiny\.json says of inference or calibration .*{message}.*; use the JSON"
    ):
        HumanParser.load(changed(checkpoint, part, value))


def test_weights_that_are_not_finite_are_named(checkpoint: Path) -> None:
    model, info = load(checkpoint)
    with torch.no_grad():
        model.input_proj.bias[0] = float("nan")
    save(checkpoint, model.state_dict(), info)
    with pytest.raises(
        CheckpointError, match=r"holds numbers that are not finite, first in 'input_proj\.bias'; expected"
    ):
        load(checkpoint)


def test_weights_without_their_description(checkpoint: Path) -> None:
    describe(checkpoint).unlink()
    with pytest.raises(CheckpointError, match=r"expected \S+tiny\.json beside the weights .* copy both files together"):
        load(checkpoint)


def test_an_interrupted_save_leaves_the_old_checkpoint(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    before = checkpoint.read_bytes()
    model, info = load(checkpoint)
    monkeypatch.setattr("parsing.checkpoint.save_file", full)
    with pytest.raises(
        CheckpointError, match=r"cannot save .*No space left.*; what was there before is kept, make room"
    ):
        save(checkpoint, model.state_dict(), info)
    assert checkpoint.read_bytes() == before
    load(checkpoint)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of half a megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_the_old_checkpoint(checkpoint: Path, small_disk: Path) -> None:
    model, info = load(checkpoint)
    kept = small_disk / "tiny.safetensors"
    save(kept, model.state_dict(), info)
    before = checkpoint_hash(kept)
    with pytest.raises(CheckpointError, match=r"cannot save .*; what was there before is kept, make room on its disk"):
        save(kept, {**model.state_dict(), "more": torch.zeros(100_000)}, info)
    assert checkpoint_hash(kept) == before
    assert sorted(path.name for path in small_disk.iterdir()) == ["tiny.json", "tiny.safetensors"]


def test_images_of_any_shape_come_back_in_order(checkpoint: Path) -> None:
    parser = HumanParser.load(checkpoint)
    images = [
        photograph(40, 80, seed=1),
        photograph(90, 30, seed=2),
        photograph(1, 1, seed=3),
        photograph(40, 80, seed=4),
    ]
    paths = [Path(f"{index}.jpg") for index in range(4)]
    parsed = parser.parse(images, paths)
    assert [image.path for image in parsed] == paths
    assert [(image.height, image.width) for image in parsed] == [image.shape[:2] for image in images]


def test_parse_wants_a_path_for_each_image(checkpoint: Path) -> None:
    with pytest.raises(ValueError, match="expected one path for each of 1 images, got 0"):
        HumanParser.load(checkpoint).parse([photograph(8, 8)], [])


def test_in_bfloat16_it_sees_nearly_the_same(checkpoint: Path) -> None:
    image = photograph(50, 40)
    exact, half = HumanParser.load(checkpoint), HumanParser.load(checkpoint, mixed_precision=True)
    assert (exact.mixed_precision, half.mixed_precision) == (False, True)
    a, b = (next(parser.outputs([image])) for parser in (exact, half))
    for task in TASKS:
        torch.testing.assert_close(a.semantic[task].softmax(0), b.semantic[task].softmax(0), atol=0.05, rtol=0)
    assert not torch.equal(a.mask_logits, b.mask_logits)


@pytest.mark.parametrize("slow", [torch.bfloat16, torch.float32])
def test_bfloat16_is_fast_where_a_trial_says_so(monkeypatch: pytest.MonkeyPatch, slow: torch.dtype) -> None:
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: True)
    monkeypatch.setattr(
        "parsing.parser._convolution", lambda dtype: partial(time.sleep, 0.005 if dtype == slow else 0.0)
    )
    bfloat16_is_fast.cache_clear()
    assert bfloat16_is_fast(torch.device("cpu")) == (slow == torch.float32)
    bfloat16_is_fast.cache_clear()
