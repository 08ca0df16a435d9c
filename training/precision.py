"""Precision: the option of training commands to run a network in bfloat16, and a warning where that is slower."""

import argparse
import logging

import torch

from parsing.parser import bfloat16_is_fast

logger = logging.getLogger(__name__)


def add_mixed_precision(parser: argparse.ArgumentParser) -> None:
    """`--mixed-precision` and `--no-mixed-precision`; None where neither is given."""
    parser.add_argument(
        "--mixed-precision",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="bfloat16 (GPUs, processors that are faster with it)",
    )


def warn_where_slower(mixed_precision: bool, device: torch.device) -> None:
    """Log a warning if bfloat16 is asked for and slower than float32 on `device`."""
    if mixed_precision and not bfloat16_is_fast(device):
        logger.warning("bfloat16 is slower than float32 on this machine; faster is --no-mixed-precision")
