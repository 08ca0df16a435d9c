"""Ways to run a trained network, from plain to exported, and how to compare what they say."""

import importlib
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from parsing.fused import fused
from parsing.labels import TASKS
from parsing.model import HPTR

Run = Callable[[], Sequence[Tensor]]
EXACT = 1e-2  # largest difference of a probability that still counts as the same result


class FlatOutput(nn.Module):
    """A network that takes pictures without padding and gives back a tuple of tensors, as exporters want it."""

    def __init__(self, model: HPTR) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Logits of each task (B, N, h, w), of person (B, Q, 2) and of masks (B, Q, h, w)."""
        output = self.model(images)
        return (*(output.semantic[task] for task in TASKS), output.class_logits[-1], output.mask_logits)


def probabilities(logits: Sequence[Tensor]) -> Tensor:
    """All probabilities that a `FlatOutput` stands for, as one vector."""
    *tasks, classes, masks = (part.detach().float().cpu() for part in logits)
    return torch.cat(
        [*(part.softmax(1).flatten() for part in tasks), classes.softmax(-1).flatten(), masks.sigmoid().flatten()]
    )


def in_torch(network: nn.Module, images: Tensor, *, half: bool) -> Run:
    """A run in this process's PyTorch, in bfloat16 if `half`."""

    def run() -> Sequence[Tensor]:
        with torch.inference_mode(), torch.autocast(images.device.type, torch.bfloat16, enabled=half):
            logits: Sequence[Tensor] = network(images)
        return logits

    return run


def in_openvino(model: HPTR, images: Tensor, *, precision: str) -> Run:
    """A run of the network exported to OpenVINO, in `f32` or `bf16`.

    Raises:
        ModuleNotFoundError: `openvino` is not installed.
    """
    openvino = importlib.import_module("openvino")
    with torch.inference_mode():
        exported = openvino.convert_model(FlatOutput(fused(model)), example_input=images.contiguous())
    hints = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    compiled = openvino.Core().compile_model(exported, "CPU", hints)
    pixels = images.contiguous().numpy()

    def run() -> Sequence[Tensor]:
        results = compiled(pixels)
        return [torch.from_numpy(results[index]) for index in range(len(TASKS) + 2)]

    return run


DEPLOYMENTS: dict[str, Callable[[HPTR, Tensor], Run]] = {
    "fp32": lambda model, images: in_torch(FlatOutput(model), images, half=False),
    "fp32, norms folded": lambda model, images: in_torch(FlatOutput(fused(model)), images, half=False),
    "bf16": lambda model, images: in_torch(FlatOutput(model), images, half=True),
    "bf16, norms folded": lambda model, images: in_torch(FlatOutput(fused(model)), images, half=True),
    "bf16, torch.compile": lambda model, images: in_torch(compiled(model), images, half=True),
    "fp32, OpenVINO": lambda model, images: in_openvino(model, images, precision="f32"),
    "bf16, OpenVINO": lambda model, images: in_openvino(model, images, precision="bf16"),
}


def compiled(model: HPTR) -> nn.Module:
    """The folded network through `torch.compile`, which needs a C++ compiler on a CPU."""
    network: nn.Module = torch.compile(FlatOutput(fused(model)))  # type: ignore[assignment]
    return network
