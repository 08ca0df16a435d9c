"""Turns a training run into the checkpoint that ships: half precision, with the input size that suits it best.

    python -m training.publish --run RUN --data CCP_DIR --output FILE [--long-sides 224 256 320] [--average-with FILE]
        [--share S]

The mean of a run's weights and of those that it started from can say more than either (Wortsman et al., Model soups,
ICML 2022). The input size is chosen on the calibration split, by attribute mIoU over the data set. Calibration
(`training.calibration --store`) and what a search takes from it (`query.fitting --write`) are fitted after it.
"""

import argparse
import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from parsing.checkpoint import CheckpointError, read_info, save, save_info
from parsing.parser import HumanParser
from training.evaluation import evaluate
from training.weights import read_fitting, read_weights


def publish(run: Path, output: Path, average_with: Path | None = None, share: float = 0.5) -> None:
    """Write the run's averaged weights to `output`; calibration and metrics start empty.

    Args:
        average_with: a checkpoint of whose weights, where they fit, and the run's the mean is written.
        share: of the run in that mean, 0 to 1.

    Raises:
        CheckpointError: a checkpoint cannot be read, or the output not be written.
    """
    checkpoint = run / "checkpoint.safetensors"
    weights, info = read_weights(checkpoint), read_info(checkpoint)
    others = {} if average_with is None else read_fitting(average_with, weights)
    moving = {name: other for name, other in others.items() if other.is_floating_point()}
    weights |= {name: share * weights[name] + (1 - share) * other for name, other in moving.items()}
    save(output, weights, replace(info, inference={}), half=True)


def choose_long_side(checkpoint: Path, data: Path, long_sides: list[int]) -> dict[int, float]:
    """Attribute mIoU on the calibration split for each input size; the best is stored in the checkpoint.

    Raises:
        CheckpointError: the checkpoint cannot be read or written.
        FileNotFoundError, ValueError: the data cannot be read, or nobody in it has labelled clothes.
    """
    figures = {}
    for long_side in long_sides:
        save_info(checkpoint, replace(read_info(checkpoint), inference={"long_side": long_side}))
        evaluation = evaluate(HumanParser.load(checkpoint), [data], "calibration")
        figures[long_side] = evaluation.metrics.miou["attribute"].dataset
        if math.isnan(figures[long_side]):
            raise ValueError(
                f"expected labelled clothes to choose the input size by, found none in {data}'s calibration split; "
                "give --data a CCP, CIHP or CCIHP folder"
            )
    best = max(figures, key=lambda long_side: figures[long_side])
    save_info(checkpoint, replace(read_info(checkpoint), inference={"long_side": best}))
    return figures


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m training.publish", description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True, metavar="RUN", help="folder of a training run")
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="a CCP folder, for its calibration split"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="the checkpoint to write")
    parser.add_argument("--long-sides", type=int, nargs="+", default=[224, 256, 320], help="input sizes to try, pixels")
    parser.add_argument("--average-with", type=Path, metavar="FILE", help="write the mean with these weights")
    parser.add_argument("--share", type=float, default=0.5, help="of the run in that mean, 0 to 1, default 0.5")
    options = parser.parse_args(arguments)
    if not 0 <= options.share <= 1:
        parser.error(f"expected a --share from 0 to 1, got {options.share}")
    try:
        with TemporaryDirectory() as folder:  # what is published is complete, or as it was
            draft = Path(folder) / "draft.safetensors"
            publish(options.run, draft, options.average_with, options.share)
            figures = choose_long_side(draft, options.data, options.long_sides)
            save(options.output, read_weights(draft), read_info(draft))
    except (CheckpointError, OSError, ValueError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(json.dumps({"attribute_miou_by_long_side": figures}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
