"""Schedules of the learning rate, by name."""

import math
from collections.abc import Callable

from training.run import TrainConfig


def linear(step: int, config: TrainConfig) -> float:
    """Constant, and down to zero in the last `decay_steps`."""
    return min(1.0, (config.steps - step) / max(config.decay_steps, 1))


def cosine(step: int, config: TrainConfig) -> float:
    """Down to zero along half a cosine."""
    done = (step - config.warmup_steps) / max(config.steps - config.warmup_steps, 1)
    return 0.5 * (1 + math.cos(math.pi * min(max(done, 0.0), 1.0)))


def steps(step: int, config: TrainConfig) -> float:
    """The paper's, from DETR: a tenth after two thirds of the training (200 of 300 epochs)."""
    return 1.0 if 3 * step < 2 * config.steps else 0.1


SCHEDULES: dict[str, Callable[[int, TrainConfig], float]] = {"linear": linear, "cosine": cosine, "steps": steps}


def learning_rate(step: int, config: TrainConfig) -> float:
    """Learning rate of a step, after a linear warm-up."""
    rising = min(1.0, (step + 1) / max(config.warmup_steps, 1))
    return config.learning_rate * rising * SCHEDULES[config.schedule](step, config)
