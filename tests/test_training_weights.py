from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from parsing.checkpoint import CheckpointError
from parsing.efficientnet import EfficientNetLite
from parsing.model import CONFIGS, HPTR, HPTRConfig
from parsing.preprocess import normalize
from tests.factories import photograph, tiny_config
from training.weights import load_encoder, load_fitting

BOTTLENECK = replace(
    tiny_config(), block="bottleneck", blocks=(1, 2, 1, 1), stem="pool", dilate_last=False, anchored=False
)


def torchvision_weights(config: HPTRConfig) -> dict[str, Tensor]:
    """A ResNet's weights under torchvision's names, in its order, the classifier last."""

    def norm(name: str, width: int) -> dict[str, Tensor]:
        parts = {part: torch.randn(width) for part in ("weight", "bias", "running_mean")}
        return {f"{name}.{part}": value for part, value in {**parts, "running_var": torch.rand(width)}.items()}

    inputs = config.widths[0]
    weights = {"conv1.weight": torch.randn(inputs, 3, 7, 7), **norm("bn1", inputs)}
    for stage, (count, width) in enumerate(zip(config.blocks, config.widths, strict=True), start=1):
        for block in range(count):
            name = f"layer{stage}.{block}"
            for number, shape in enumerate(((width, inputs, 1, 1), (width, width, 3, 3), (4 * width, width, 1, 1)), 1):
                weights |= {f"{name}.conv{number}.weight": torch.randn(shape), **norm(f"{name}.bn{number}", shape[0])}
            if block == 0:
                weights[f"{name}.downsample.0.weight"] = torch.randn(4 * width, inputs, 1, 1)
                weights |= norm(f"{name}.downsample.1", 4 * width)
            inputs = 4 * width
    return {**weights, "fc.weight": torch.randn(1000, inputs), "fc.bias": torch.randn(1000)}


def test_names_and_shapes_are_those_of_resnet50() -> None:
    own = HPTR(CONFIGS["hptr-r50"]).encoder.state_dict()
    expected = {k: v for k, v in torchvision_weights(CONFIGS["hptr-r50"]).items() if not k.startswith("fc.")}
    assert {k: v.shape for k, v in own.items() if not k.endswith("num_batches_tracked")} == {
        k: v.shape for k, v in expected.items()
    }
    assert sum(v.numel() for v in own.values() if v.ndim > 1) == 23_454_912


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_the_encoder_starts_from_torchvision_weights(tmp_path: Path, suffix: str) -> None:
    weights, path = torchvision_weights(BOTTLENECK), tmp_path / f"resnet{suffix}"
    save_file(weights, path) if suffix == ".safetensors" else torch.save(weights, path)
    model = HPTR(BOTTLENECK)
    load_encoder(model, path)
    loaded = model.encoder.state_dict()
    for name in ("conv1.weight", "layer2.1.conv2.weight", "layer4.0.downsample.1.running_var"):
        torch.testing.assert_close(loaded[name], weights[name])


def lite_weights(config: HPTRConfig) -> dict[str, Tensor]:
    """The weights of a random EfficientNet-Lite under their published names, with the layers that follow."""
    theirs = {"conv1": "_expand_conv", "conv2": "_depthwise_conv", "conv3": "_project_conv"}
    theirs |= {"bn1": "_bn0", "bn2": "_bn1", "bn3": "_bn2"}
    weights = {"_conv_head.weight": torch.randn(8, 8, 1, 1), "_bn1.weight": torch.randn(8), "_fc.bias": torch.randn(8)}
    for name, tensor in HPTR(config).encoder.state_dict().items():
        first, *rest = name.split(".")
        if first == "blocks":
            number, layer, part = rest
            weights[f"_blocks.{number}.{theirs[layer]}.{part}"] = tensor
        else:
            weights[".".join([{"conv1": "_conv_stem", "bn1": "_bn0"}[first], *rest])] = tensor
    return weights


def test_the_encoder_starts_from_published_efficientnet_lite_weights(tmp_path: Path) -> None:
    config = replace(tiny_config(), block="inverted", blocks=(1, 2, 1, 1, 1, 1, 1), widths=(8, 8, 16, 16, 16, 24, 24))
    weights = lite_weights(config)
    torch.save(weights, tmp_path / "lite.pth")
    model = HPTR(config).eval()
    load_encoder(model, tmp_path / "lite.pth")
    encoder = model.encoder
    assert isinstance(encoder, EfficientNetLite)
    torch.testing.assert_close(encoder.blocks[2].conv2.weight, weights["_blocks.2._depthwise_conv.weight"])
    torch.testing.assert_close(encoder.blocks[1].bn3.running_mean, weights["_blocks.1._bn2.running_mean"])

    picture = photograph(32, 32, seed=1)
    theirs = torch.from_numpy((picture.astype("float32") - 127) / 128).permute(2, 0, 1)[None]
    expected = functional.conv2d(theirs, weights["_conv_stem.weight"], stride=2)
    expected = functional.batch_norm(
        expected, weights["_bn0.running_mean"], weights["_bn0.running_var"], eps=encoder.bn1.eps
    )
    seen = encoder.bn1(encoder.conv1(torch.from_numpy(normalize(picture))[None]))
    torch.testing.assert_close(seen, expected, atol=1e-5, rtol=1e-4)


def test_weights_of_another_resnet(tmp_path: Path) -> None:
    torch.save(torchvision_weights(replace(BOTTLENECK, blocks=(1, 1, 1, 1))), tmp_path / "resnet.pth")
    with pytest.raises(
        CheckpointError, match=r"does not fit the encoder of tiny: 15 of 100 weights differ, first 'layer2"
    ):
        load_encoder(HPTR(BOTTLENECK), tmp_path / "resnet.pth")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (nn.Linear(2, 2), "cannot be read .*; expected safetensors, or tensors by name"),
        ({"epoch": 3, "state_dict": {}}, "holds a dict, expected nothing but tensors by name; save its 'state_dict'"),
        ({0: torch.zeros(2)}, r"holds a dict, expected nothing but tensors by name; save a network's state_dict\(\)"),
        (
            {"fc.bias": torch.tensor([1.0, torch.nan])},
            "holds numbers that are not finite, first in 'fc.bias'; expected",
        ),
        (b"no weights", "cannot be read .*; expected safetensors, or tensors by name"),
        (b"hello", r"resnet\.pth cannot be read \(\w+\); expected safetensors, or tensors by name"),
    ],
)
def test_a_file_of_something_else(tmp_path: Path, content: object, message: str) -> None:
    path = tmp_path / "resnet.pth"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(CheckpointError, match=message):
        load_encoder(HPTR(BOTTLENECK), path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no weights at .*resnet\.pth; expected"):
        load_encoder(HPTR(BOTTLENECK), tmp_path / "resnet.pth")


def test_nothing_fits(tmp_path: Path) -> None:
    save_file({"conv1.weight": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match=r"none of the 1 weights in .* fits this network"):
        load_fitting(HPTR(tiny_config()), tmp_path / "other.safetensors")


def test_what_fits_is_taken_and_the_rest_stays(tmp_path: Path) -> None:
    small, deep = HPTR(tiny_config()), HPTR(replace(tiny_config(), encoder_layers=2))
    save_file(small.state_dict(), tmp_path / "small.safetensors")
    kept = deep.transformer.encoder[1].feed[0].weight.detach().clone()
    load_fitting(deep, tmp_path / "small.safetensors")
    torch.testing.assert_close(deep.encoder.conv1.weight, small.encoder.conv1.weight)
    torch.testing.assert_close(deep.transformer.encoder[1].feed[0].weight, kept)
