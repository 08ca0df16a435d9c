"""HumanParser: photographs in, people out."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from parsing.assemble import AssembleConfig, ImageOutput, ImagePrediction, assemble, predict
from parsing.calibration import Calibration, vector
from parsing.checkpoint import DEFAULT_CHECKPOINT, CheckpointError, CheckpointInfo, checkpoint_hash, describe, load
from parsing.fused import fused
from parsing.labels import TASKS, num_classes
from parsing.mirror import average
from parsing.model import HPTR
from parsing.preprocess import STRIDE, pad, scaled_shape
from parsing.records import ParsedImage
from parsing.timing import measure

DEFAULT_LONG_SIDE = 320


@cache
def bfloat16_is_fast(device: torch.device) -> bool:
    """Whether a GPU, or a processor, computes bfloat16 faster than float32; a processor is tried.

    That it has instructions for bfloat16 does not tell: AMX and AMD's AVX-512 are faster, Intel's AVX-512 is not.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    if not (torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()):
        return False
    times = measure(
        {str(dtype): _convolution(dtype) for dtype in (torch.bfloat16, torch.float32)}, runs=5, device=device
    )
    return times.ratio(str(torch.bfloat16), str(torch.float32)) < 1


def _convolution(dtype: torch.dtype) -> Callable[[], Tensor]:
    """A convolution like those of the heads, to be timed."""
    layer = torch.nn.Conv2d(64, 64, 3, padding=1).to(dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
    maps = torch.zeros(4, 64, 64, 64, dtype=dtype).contiguous(memory_format=torch.channels_last)
    return partial(torch.inference_mode()(layer), maps)


def check_numbers(inference: Mapping[str, Any]) -> None:
    """Raise ValueError unless all that `inference` of a checkpoint sets, the bias aside, are numbers that can be."""
    for name, value in inference.items():
        least = 1 if name == "long_side" else 0
        if name != "attribute_bias" and not (isinstance(value, int | float) and least <= value < math.inf):
            raise ValueError(f"{name} must be a number of at least {least}, got {value!r}")


class HumanParser:
    """Finds people and their characterized attributes with one trained network.

    Args:
        model: in evaluation mode.
        info: its description; `info.inference` may set `long_side`, `mirrored_side` (long side at which images are
            seen a second time, as in a mirror, for steadier labels; 0 for once), `attribute_bias` (N_A numbers that
            are added to the attribute logits) and the fields of AssembleConfig.
        checkpoint_hash: names the checkpoint in the index.
        batch: images that go through the network together.
        mixed_precision: run it in bfloat16.
    """

    def __init__(
        self,
        model: HPTR,
        info: CheckpointInfo,
        checkpoint_hash: str,
        *,
        batch: int = 8,
        mixed_precision: bool = False,
    ) -> None:
        check_numbers(info.inference)
        inference = dict(info.inference)
        self.model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.info, self.checkpoint_hash, self.batch = info, checkpoint_hash, batch
        self.mixed_precision = mixed_precision
        self.long_side = int(inference.pop("long_side", DEFAULT_LONG_SIDE))
        self.mirrored_side = int(inference.pop("mirrored_side", 0))
        classes = num_classes("attribute")
        bias = vector(inference.pop("attribute_bias", [0.0] * classes), classes, "attribute_bias")
        self.attribute_bias = torch.tensor(bias, dtype=torch.float32)
        self.assemble_config = AssembleConfig(**inference)
        self.calibration = Calibration.from_dict(info.calibration)

    @classmethod
    def load(
        cls,
        path: Path = DEFAULT_CHECKPOINT,
        *,
        device: str = "cpu",
        mixed_precision: bool | None = False,
        calibrated: bool = True,
    ) -> "HumanParser":
        """The parser of a checkpoint file, its network made ready to run fast.

        Args:
            mixed_precision: run it in bfloat16; None: where the device computes that faster. It is not the default,
                because a few probabilities in a thousand then change by more than 0.01 (`parsing.benchmark`).

            calibrated: by the checkpoint's calibration; False where that is what is to be replaced.

        Raises:
            CheckpointError: it is missing, damaged, or of another kind.
        """
        model, info = load(path, device)
        info = info if calibrated else replace(info, calibration={})
        half = bfloat16_is_fast(torch.device(device)) if mixed_precision is None else mixed_precision
        try:
            return cls(fused(model), info, checkpoint_hash(path), mixed_precision=half)
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"{describe(path)} says of inference or calibration what this version does not know ({error}); use the "
                "JSON that was written with the weights, or fit it again"
            ) from error

    def parse(self, images: Sequence[NDArray[np.uint8]], paths: Sequence[Path]) -> list[ParsedImage]:
        """People of each image (H, W, 3) uint8, in the order given."""
        if len(images) != len(paths):
            raise ValueError(f"expected one path for each of {len(images)} images, got {len(paths)}")
        outputs = self.outputs(images)
        return [
            assemble(output, path, self.assemble_config, self.calibration, image)
            for output, path, image in zip(outputs, paths, images, strict=True)
        ]

    def predict(self, image: NDArray[np.uint8]) -> ImagePrediction:
        """Winning labels of every pixel of one image (H, W, 3) uint8."""
        return predict(next(self.outputs([image])), self.assemble_config)

    def outputs(self, images: Sequence[NDArray[np.uint8]]) -> Iterator[ImageOutput]:
        """The network's output for each image, in order; images of one shape share a batch."""
        order = sorted(
            range(len(images)), key=lambda i: scaled_shape(images[i].shape[0], images[i].shape[1], self.long_side)
        )
        results: dict[int, ImageOutput] = {}
        for start in range(0, len(order), self.batch):
            chosen = order[start : start + self.batch]
            outputs = self.look([images[i] for i in chosen])
            results.update(zip(chosen, outputs, strict=True))
        yield from (results[i] for i in range(len(images)))

    def look(self, images: Sequence[NDArray[np.uint8]]) -> list[ImageOutput]:
        """What the network says of some images, seen once or twice."""
        outputs = self.forward(images, self.long_side)
        if self.mirrored_side:
            mirrored = self.forward([image[:, ::-1] for image in images], self.mirrored_side)
            outputs = [average(*views) for views in zip(outputs, mirrored, strict=True)]
        return [self.biased(output) for output in outputs]

    def biased(self, output: ImageOutput) -> ImageOutput:
        """`output` with what the training pictures show too often made less likely (`training.attribute_bias`)."""
        attribute = output.semantic["attribute"] + self.attribute_bias[:, None, None]
        return replace(output, semantic={**output.semantic, "attribute": attribute})

    def forward(self, images: Sequence[NDArray[np.uint8]], long_side: int) -> list[ImageOutput]:
        """One batch through the network, each image with its long side at `long_side`."""
        batch = pad(images, long_side)
        device = next(self.model.parameters()).device
        padding = None if batch.padding_mask is None else batch.padding_mask.to(device)
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=self.mixed_precision):
            output = self.model(batch.images.to(device, memory_format=torch.channels_last), padding)
            scores = output.class_logits[-1].float().softmax(-1)[..., 1].cpu()
            semantic = {task: output.semantic[task].float().cpu() for task in TASKS}
            masks, features = output.mask_logits.float().cpu(), output.features.float().cpu()
        results = []
        for index, ((height, width), original) in enumerate(zip(batch.shapes, batch.original_shapes, strict=True)):
            h, w = -(-height // STRIDE), -(-width // STRIDE)
            cell = batch.images.shape[-1] // features.shape[-1]
            results.append(
                ImageOutput(
                    {task: logits[index, :, :h, :w] for task, logits in semantic.items()},
                    scores[index],
                    masks[index, :, :h, :w],
                    features[index, :, : -(-height // cell), : -(-width // cell)],
                    *original,
                )
            )
        return results
