"""Times of several things, measured in turn so that whatever else the machine does slows all of them alike."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

import torch


@dataclass(frozen=True)
class Timing:
    """Seconds of each run of each thing, round by round."""

    runs: Mapping[str, list[float]]

    def seconds(self, name: str) -> float:
        """The median of a thing's runs."""
        return median(self.runs[name])

    def ratio(self, name: str, reference: str) -> float:
        """The median, over the rounds, of a thing's time divided by the reference's."""
        return median(a / b for a, b in zip(self.runs[name], self.runs[reference], strict=True))


def measure(things: Mapping[str, Callable[[], object]], *, runs: int, device: torch.device) -> Timing:
    """Run everything once to warm up, then `runs` rounds of everything in turn."""
    for run in things.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in things}
    for _ in range(runs):
        for name, run in things.items():
            times[name].append(seconds_of(run, device))
    return Timing(times)


def seconds_of(run: Callable[[], object], device: torch.device) -> float:
    """Time of one run, by CUDA events on a GPU."""
    if device.type != "cuda":
        began = time.perf_counter()
        run()
        return time.perf_counter() - began
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
    begin.record()
    run()
    end.record()
    torch.cuda.synchronize(device)
    return float(begin.elapsed_time(end)) / 1000
