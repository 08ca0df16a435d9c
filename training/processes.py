"""Processes that train together (`torchrun`): who we are, sums over all of us, and norms that see the whole batch.

Every process composes its share of each batch. What a loss divides by, and the mean and variance of a batch norm, are
summed over the processes, so that two of them compute exactly what one with the doubled batch does.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, distributed, nn


def world() -> tuple[int, int]:
    """Number of this process and how many there are; (0, 1) without `torchrun`."""
    if not distributed.is_initialized():
        return 0, 1
    return distributed.get_rank(), distributed.get_world_size()


@contextmanager
def joined(device: torch.device) -> Iterator[None]:
    """The process group that `torchrun` asks for by its environment, NCCL on GPUs and gloo on CPUs; else nothing."""
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        yield
        return
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()


def choose_device(name: str) -> torch.device:
    """The device of this process: `auto` is a GPU if there is one; with `torchrun` each process has its own.

    Raises:
        ValueError: there is no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda":
        name = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"device {name!r} cannot be used ({reason}); expected auto, cpu, cuda or cuda:N") from error
    return torch.device(name)


class _Sum(torch.autograd.Function):
    """Sum over the processes; so is its gradient, since each of them uses the sum."""

    @staticmethod
    def forward(context: Any, values: Tensor) -> Tensor:
        total = values.detach().clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        distributed.all_reduce(total)
        return total


def over_processes(values: Tensor) -> Tensor:
    """`values` summed over all processes, differentiable. All processes must call it, in the same order."""
    if world()[1] == 1:
        return values
    summed: Tensor = _Sum.apply(values)  # type: ignore[no-untyped-call]
    return summed


class SyncedBatchNorm(nn.BatchNorm2d):
    """Batch normalization by the statistics of all processes, on any device (PyTorch's own wants GPUs)."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to (B, C, h, w)."""
        if not self.training:
            return super().forward(x)
        values, count = x.float(), x.numel() // x.shape[1]
        sums = torch.stack([values.sum((0, 2, 3)), values.square().sum((0, 2, 3)), torch.full_like(self.weight, count)])
        total, squares, counts = over_processes(sums)
        mean = total / counts
        variance = (squares / counts - mean.square()).clamp(min=0)
        self._remember(mean.detach(), (variance * counts / (counts - 1)).detach())
        scale = self.weight * torch.rsqrt(variance + self.eps)
        normalized = values * scale[:, None, None] + (self.bias - mean * scale)[:, None, None]
        output: Tensor = normalized.to(x.dtype)
        return output

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.running_mean.lerp_(mean, self.momentum or 0.1)
        self.running_var.lerp_(variance, self.momentum or 0.1)
        self.num_batches_tracked.add_(1)


def synchronize_norms(model: nn.Module, device: torch.device) -> None:
    """Make every batch norm of `model` see the batches of all processes; names and weights stay."""
    if device.type == "cuda":
        nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-untyped-call] # in place below the model
        return
    for module in model.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SyncedBatchNorm


def ratio(numerator: Tensor, denominator: Tensor, least: float = 1e-6) -> Tensor:
    """The quotient of two scalars, each summed over all processes first."""
    above, below = over_processes(torch.stack([numerator, denominator.to(numerator.dtype)]))
    quotient: Tensor = above / below.clamp(min=least)
    return quotient


def mean(values: Tensor) -> Tensor:
    """The mean of `values` (n,) over all processes, 0 if none has any."""
    return ratio(values.sum(), torch.tensor(float(len(values)), device=values.device), least=1.0)
