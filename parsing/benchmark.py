"""Speed, side by side: our networks against DETR, one head against four, few people against many, ways to deploy.

    python -m parsing.benchmark [--long-side 512] [--runs 7] [--only PART...] [--plot FILE] [--json]

Everything of one part runs in turn in this process, with the same threads, precision, allocator and input; times are
medians and ratios medians over the rounds. Our networks run as they are deployed, norms folded. DETR comes from
`transformers` and OpenVINO from `openvino` (requirements-dev.txt), with random weights; the scenes are rendered.
"""

import argparse
import copy
import importlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from parsing.assemble import assemble
from parsing.checkpoint import DEFAULT_CHECKPOINT, CheckpointError, load
from parsing.deployment import DEPLOYMENTS, EXACT, in_torch, probabilities
from parsing.fused import fused
from parsing.memory import keep_freed_memory
from parsing.model import CONFIGS, HPTR, SemanticHeads
from parsing.parser import HumanParser
from parsing.preprocess import pad
from parsing.records import ParsedImage
from parsing.timing import Timing, measure
from training.crowd_scenes import CROWDS, CrowdScene, crowd_scenes  # a benchmark may look further than its package
from training.processes import choose_device

DETR = "DETR-R50 with masks"
GOALS = {"hptr-r50": 0.8, "hptr-compact": 0.2}


ModuleT = TypeVar("ModuleT", bound=nn.Module)


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Args:
        ratio: time by that of `reference`; of a batch, time of an image by that of an image alone.
        milliseconds: of one run.
        goal: most that the ratio may be, if there is a goal.
        remark: what else was measured.
    """

    part: str
    name: str
    precision: str
    ratio: float
    reference: str
    milliseconds: float
    goal: float | None = None
    remark: str = ""


@dataclass(frozen=True)
class Setting:
    """What all parts share."""

    device: torch.device
    runs: int
    long_side: int
    checkpoint: Path
    plot: Path | None

    def picture(self, batch: int = 1) -> Tensor:
        """Random input (B, 3, S, S)."""
        generator = torch.Generator().manual_seed(0)
        images = torch.randn(batch, 3, self.long_side, self.long_side, generator=generator)
        return images.to(self.device, memory_format=torch.channels_last)

    def placed(self, model: ModuleT) -> ModuleT:
        """`model` on the device, ready to run."""
        placed: ModuleT = model.eval().to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return placed

    def measure(self, things: Mapping[str, Callable[[], object]]) -> Timing:
        """Times of the things in turn."""
        return measure(things, runs=self.runs, device=self.device)


def detr_with_masks(num_queries: int) -> nn.Module:
    """DETR-R50 with its mask head, from `transformers`, with random weights.

    Raises:
        ModuleNotFoundError: `transformers` is not installed.
    """
    transformers = importlib.import_module("transformers")
    backbone = transformers.ResNetConfig(out_features=["stage1", "stage2", "stage3", "stage4"])
    config = transformers.DetrConfig(
        use_timm_backbone=False, backbone_config=backbone, num_queries=num_queries, num_labels=1
    )
    network: nn.Module = transformers.DetrForSegmentation(config)
    return network


def networks(setting: Setting) -> Iterator[Row]:
    """Ours, ResNet-50 and DETR, one picture at a time, in both precisions."""
    torch.manual_seed(0)
    ours = {name: fused(HPTR(config)) for name, config in CONFIGS.items()}
    convolved = fused(HPTR(replace(CONFIGS["hptr-r50"], mask_head="convolutions")))
    models = {
        DETR: detr_with_masks(CONFIGS["hptr-r50"].num_queries),
        "ResNet-50 alone": Alone(ours["hptr-r50"].encoder),
        **ours,
        "hptr-r50, masks by convolutions": convolved,
    }
    images, placed = setting.picture(), {name: setting.placed(model) for name, model in models.items()}
    for precision in ("fp32", "bf16"):
        timing = setting.measure({k: in_torch(m, images, half=precision == "bf16") for k, m in placed.items()})
        for name in models:
            yield row(timing, "networks", name, precision, DETR, goal=GOALS.get(name))


class Alone(nn.Module):
    """An encoder that takes pictures without padding."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, images: Tensor) -> list[Tensor]:
        """The encoder's maps."""
        maps: list[Tensor] = self.encoder(images, None)
        return maps


def heads(setting: Setting) -> Iterator[Row]:
    """The networks with all four semantic heads, and with the attribute head alone."""
    images = setting.picture()
    for name, config in sorted(CONFIGS.items()):
        four = HPTR(config)
        one = copy.deepcopy(four)
        one.semantic = SemanticHeads({"attribute": one.semantic.get_submodule("attribute")})
        four, one = fused(four), fused(one)
        for precision in ("fp32", "bf16"):
            things = {f"{name}, one head": setting.placed(one), f"{name}, four heads": setting.placed(four)}
            timing = setting.measure({k: in_torch(m, images, half=precision == "bf16") for k, m in things.items()})
            yield row(timing, "heads", f"{name}, four heads", precision, f"{name}, one head", goal=1.12)


def people(setting: Setting) -> Iterator[Row]:
    """A photograph to records, for few and many people; the network sees the scene, `assemble` its truth."""
    parser = HumanParser.load(setting.checkpoint, device=str(setting.device))
    scenes = crowd_scenes(setting.long_side, parser.model.encoder.channels[-1])
    both = {name: whole_parse(parser, scene) for name, scene in scenes.items()}
    alone = {name: only_assemble(parser, scene) for name, scene in scenes.items()}
    timing, assembling = setting.measure(both), setting.measure(alone)
    few, many = (f"{count} people" for count in (CROWDS[0], CROWDS[-1]))
    for name in scenes:
        found = len(only_assemble(parser, scenes[name])().people)
        remark = f"{found} people found, assemble {assembling.seconds(name) * 1000:.1f} ms"
        yield row(timing, "people", name, precision(parser), few, goal=1.05 if name == many else None, remark=remark)
    if setting.plot is not None:
        plot_people(setting.plot, timing, assembling)


def precision(parser: HumanParser) -> str:
    """The precision of a parser's network."""
    return "bf16" if parser.mixed_precision else "fp32"


def whole_parse(parser: HumanParser, scene: CrowdScene) -> Callable[[], object]:
    """What an ingest does with a picture: the network on a scene as often as it looks, then `assemble` on its truth."""
    return lambda: (parser.look([scene.image]), only_assemble(parser, scene)())


def only_assemble(parser: HumanParser, scene: CrowdScene) -> Callable[[], ParsedImage]:
    """`assemble` on a scene's truth."""
    return lambda: assemble(scene.truth, Path("scene"), parser.assemble_config, parser.calibration, scene.image)


def batches(setting: Setting) -> Iterator[Row]:
    """Pictures that go through the shipped network together."""
    model, _ = load(setting.checkpoint, setting.device)
    placed = setting.placed(fused(model))
    sizes = (1, 16) if setting.device.type == "cuda" else (1, 4, 8)
    for precision in ("fp32", "bf16"):
        things = {f"batch {size}": in_torch(placed, setting.picture(size), half=precision == "bf16") for size in sizes}
        timing = setting.measure(things)
        for size in sizes:
            line = row(timing, "batches", f"batch {size}", precision, "batch 1")
            each = line.milliseconds / size
            yield replace(line, ratio=line.ratio / size, remark=f"{each:.2f} ms and {1000 / each:.0f} images/s")


def deployment(setting: Setting) -> Iterator[Row]:
    """Ways to run the shipped network, and how far their probabilities are from those of plain fp32."""
    model, _ = load(setting.checkpoint, setting.device)
    scene = crowd_scenes(setting.long_side, 1)[f"{CROWDS[1]} people"]
    images = pad([scene.image], setting.long_side).images.to(setting.device, memory_format=torch.channels_last)
    plain = setting.placed(model)
    ways = {name: make for name, make in DEPLOYMENTS.items() if images.device.type == "cpu" or "OpenVINO" not in name}
    made = {name: make(plain, images) for name, make in ways.items()}
    expected = probabilities(made["fp32"]())
    timing = setting.measure(made)
    for name, run in made.items():
        off = (probabilities(run()) - expected).abs()
        remark = f"off by {off.mean():.5f} on average, {off.max():.4f} at most"
        yield row(timing, "deployment", name, name[:4], "fp32", remark=remark + (", exact" * bool(off.max() <= EXACT)))


PARTS: dict[str, Callable[[Setting], Iterator[Row]]] = {
    part.__name__: part for part in (networks, heads, people, batches, deployment)
}


def row(
    timing: Timing,
    part: str,
    name: str,
    precision: str,
    reference: str,
    *,
    goal: float | None = None,
    remark: str = "",
) -> Row:
    """A line for one of the things that were timed."""
    milliseconds = timing.seconds(name) * 1000
    return Row(part, name, precision, timing.ratio(name, reference), reference, milliseconds, goal, remark)


def shown(line: Row) -> str:
    """A line of the table as text."""
    goal = "" if line.goal is None else f"{'reached' if line.ratio <= line.goal else 'MISSED'}: goal {line.goal:.2f}"
    figures = f"{line.ratio:7.3f} x {line.reference:<24} {line.milliseconds:9.1f} ms"
    return f"{line.part:<11} {line.name:<32} {line.precision:<5} {figures}  {goal:<20} {line.remark}".rstrip()


def plot_people(path: Path, whole: Timing, assembling: Timing) -> None:
    """A picture of the time of a photograph by the number of its people, network and `assemble` apart."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3.2), layout="constrained")
    axes = figure.add_subplot()
    names = [f"{count} people" for count in CROWDS]
    joined = [assembling.seconds(name) * 1000 for name in names]
    network = [whole.seconds(name) * 1000 - time for name, time in zip(names, joined, strict=True)]
    axes.bar(names, network, color="#3b6ea5", label="network")
    axes.bar(names, joined, bottom=network, color="#e8a33d", label="assemble")
    axes.set_ylabel("ms per photograph")
    axes.legend()
    figure.savefig(path, dpi=150)


def setting_from(options: argparse.Namespace) -> Setting:
    """What the options ask for.

    Raises:
        ValueError: a number is out of range, or there is no such device.
    """
    for name, least in (("runs", 1), ("threads", 1), ("long_side", 32)):
        given = getattr(options, name)
        if given < least or (name == "long_side" and given % least):
            option, more = f"--{name.replace('_', '-')}", ", a multiple of it" if name == "long_side" else ""
            raise ValueError(f"expected {option} of at least {least}{more}, got {given}; give another")
    if options.plot:
        options.plot.parent.mkdir(parents=True, exist_ok=True)
    device = choose_device(options.device)
    return Setting(device, options.runs, options.long_side, options.checkpoint, options.plot)


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m parsing.benchmark", description=__doc__.splitlines()[0])
    parser.add_argument("--long-side", type=int, default=512, help="of the pictures, pixels, a multiple of 32")
    parser.add_argument("--runs", type=int, default=7, help="rounds of which the median counts")
    parser.add_argument(
        "--only", nargs="+", choices=sorted(PARTS), default=list(PARTS), metavar="PART", help=", ".join(PARTS)
    )
    parser.add_argument(
        "--checkpoint", type=Path, default=DEFAULT_CHECKPOINT, help="for the parts with trained weights"
    )
    parser.add_argument("--device", default="cpu", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of PyTorch and OpenVINO")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="picture of the time by the number of people")
    parser.add_argument("--json", action="store_true", help="one document")
    parser.add_argument("--keep-memory", action="store_true", help="keep freed memory, as our commands do that parse")
    options = parser.parse_args(arguments)
    if options.keep_memory:
        keep_freed_memory()
    rows = []
    try:
        setting = setting_from(options)
        torch.set_num_threads(options.threads)
        for part in options.only:
            for line in PARTS[part](setting):
                print(shown(line), file=sys.stderr if options.json else sys.stdout, flush=True)
                rows.append(line)
    except (CheckpointError, ModuleNotFoundError, OSError, ValueError) as error:
        print(
            f"Error: {error}; expected what requirements-dev.txt installs"
            if isinstance(error, ImportError)
            else f"Error: {error}",
            file=sys.stderr,
        )
        return 1
    if options.json:
        print(
            json.dumps({"threads": options.threads, "device": options.device, "rows": [asdict(line) for line in rows]})
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
