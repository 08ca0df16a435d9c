"""The state that training is resumed from: weights, the optimizer's moments and random numbers, as safetensors."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from parsing.checkpoint import CheckpointError


def write_state(
    path: Path,
    modules: Mapping[str, nn.Module],
    optimizer: torch.optim.Optimizer,
    device: torch.device,
    position: Mapping[str, float],
) -> None:
    """Write weights by module and name, the optimizer's moments, the random state, and where training stands."""
    state = {f"{part}/{k}": v for part, module in modules.items() for k, v in module.state_dict().items()}
    for index, moments in optimizer.state_dict()["state"].items():
        state |= {f"optimizer/{index}/{k}": torch.as_tensor(v) for k, v in moments.items()}
    state["random/cpu"] = torch.get_rng_state()
    if device.type == "cuda":
        state["random/cuda"] = torch.cuda.get_rng_state(device)
    kept = {name: tensor.contiguous() for name, tensor in state.items()}
    save_file(kept, path, metadata={name: repr(value) for name, value in position.items()})


def read_state(
    path: Path, modules: Mapping[str, nn.Module], optimizer: torch.optim.Optimizer, device: torch.device
) -> dict[str, float]:
    """Take over what `write_state` wrote; returns where training stood.

    Raises:
        CheckpointError: the file is damaged, or of another network.
    """
    parts: dict[str, dict[str, Tensor]] = {"optimizer": {}, "random": {}}
    try:
        with safe_open(path, "pt", device=str(device)) as file:
            position = {name: float(value) for name, value in (file.metadata() or {}).items()}
            if "step" not in position or "seconds" not in position:
                raise ValueError("it does not say where training stands")
            for name in file.keys():  # noqa: SIM118 - not a dict
                part, key = name.split("/", 1)
                parts.setdefault(part, {})[key] = file.get_tensor(name)
        for part, module in modules.items():
            module.load_state_dict(parts[part])
        moments = by_parameter(parts["optimizer"])
        check_moments(moments, optimizer)
        optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
    except (SafetensorError, OSError, KeyError, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(
            f"{path} cannot be resumed ({reason}); expected the state of a run of the same network, start anew with "
            "another --output"
        ) from error
    set_random_state(parts["random"], device)
    return position


def by_parameter(state: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    """The optimizer's state of each parameter, from names such as `3/exp_avg`."""
    moments: dict[int, dict[str, Tensor]] = {}
    for key, tensor in state.items():
        index, name = key.split("/")
        moments.setdefault(int(index), {})[name] = tensor
    return moments


def check_moments(moments: Mapping[int, Mapping[str, Tensor]], optimizer: torch.optim.Optimizer) -> None:
    """Raise ValueError unless moments, by number, are of `optimizer`'s parameters; before the first step are none."""
    shapes = dict(enumerate(p.shape for group in optimizer.param_groups for p in group["params"]))
    if any(shapes.get(number) != parts["exp_avg"].shape for number, parts in moments.items()):
        raise ValueError(f"it trained {len(moments)} weights, not {len(shapes)}: what was frozen must stay so")


def set_random_state(state: Mapping[str, Tensor], device: torch.device) -> None:
    """Continue the stored sequences of random numbers."""
    if "cpu" in state:
        torch.set_rng_state(state["cpu"].cpu())
    if "cuda" in state and device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda"].cpu(), device)
