"""Between which values the numbers of a configuration must be, checked where it is made."""

import math
from collections.abc import Mapping

Limits = Mapping[str, tuple[float, float]]  # setting -> the least and the largest value that can be


def check_limits(config: object, limits: Limits) -> None:
    """Raise ValueError unless every number of a configuration is finite and within its limits."""
    for name, (least, most) in limits.items():
        value = getattr(config, name)
        if not (least <= value <= most and math.isfinite(value)):
            allowed = f"at least {least}" if most == math.inf else f"from {least} to {most}"
            raise ValueError(f"--{name.replace('_', '-')} must be {allowed}, got {value}")
