"""Measures a checkpoint on labelled photographs, or the metrics themselves on numeric cases.

python -m training.evaluate --checkpoint FILE --data DIR... [--split validation|calibration] [--json] [--output DIR]
python -m training.evaluate --cases FILE.npz [--json]
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from training.metric_cases import CaseFileError, measure_cases
from training.report import as_text, document, table_rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    options = _options(arguments)
    try:
        metrics = measure_cases(options.cases)
    except CaseFileError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(
        json.dumps(document(metrics)) if options.json else as_text(table_rows(metrics)),
        end="\n" if options.json else "",
    )
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__.splitlines()[0])
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--cases", type=Path, metavar="FILE", help="numeric metric cases (.npz)")
    source.add_argument("--checkpoint", type=Path, metavar="FILE", help="the checkpoint to measure")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
