"""Writes CCP out in CCIHP's layout: a public characterized data set for every tool that reads CIHP or CCIHP.

    python -m training.export_ccihp --data CCP_DIR --output DIR [--label-map FILE] [--link]

Photographs whose number ends in 0 go to Validation/, the others to Training/. DIR gets a `label_map.toml` that names
the ids and says that passers-by are not labelled. What the labels do not know is 255.
"""

import argparse
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from parsing.labels import CHARACTERISTICS, IGNORE, TASKS
from training.ccihp import (
    HUMAN_FOLDER,
    ID_FOLDERS,
    IMAGE_FOLDER,
    INSTANCE_FOLDER,
    LABEL_MAPS,
    LISTS,
    OWN_LABEL_MAP,
    LabelMap,
    read_label_map,
)
from training.ccp import CCPDataset
from training.samples import SPLITS, Sample

IdMaps = Mapping[str, NDArray[np.uint8]]  # task -> (H, W)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    options = _options(arguments)
    try:
        counts = export(CCPDataset(options.data), options.output, read_label_map(options.label_map), link=options.link)
    except (OSError, ValueError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(
        f"wrote {' and '.join(f'{count} photographs of {part}' for part, count in counts.items())} to {options.output}"
    )
    return 0


def export(data: CCPDataset, output: Path, label_map: LabelMap, *, link: bool) -> dict[str, int]:
    """Write every photograph of `data`; how many went to each part.

    Args:
        link: photographs become symbolic links to the originals instead of copies.

    Raises:
        ValueError: `label_map` gives a label no id, or `output` can be no folder.
    """
    ids = {task: label_map.untranslate(task) for task in TASKS}
    names: dict[str, list[str]] = {part: [] for part in LISTS}
    _make_folder(output)
    (output / OWN_LABEL_MAP).write_text(f"everyone = false\n\n{label_map.path.read_text()}")
    for split in SPLITS:
        part = "Validation" if split == "validation" else "Training"
        for sample in tqdm(data.samples(split), desc=split, mininterval=5, disable=not sys.stderr.isatty()):
            write_annotations(output / part, sample, {task: ids[task][sample.tasks[task]] for task in TASKS})
            _place(sample.path, output / part / IMAGE_FOLDER / f"{sample.name}.jpg", link=link)
            names[part].append(sample.name)
    for part, listed in names.items():
        (output / part).mkdir(exist_ok=True)
        (output / part / LISTS[part]).write_text("".join(f"{name}\n" for name in sorted(listed)))
    return {part: len(listed) for part, listed in names.items()}


def _make_folder(output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"expected a folder to write, but {output} cannot be one ({error.strerror}); choose another --output"
        ) from error


def write_annotations(folder: Path, sample: Sample, ids: IdMaps) -> None:
    """Write a sample's people, ids and (person, attribute) instances into the folders of a part."""
    instances, stride = instance_map(sample.human, ids["attribute"])
    pictures: dict[str, NDArray[Any]] = {HUMAN_FOLDER: sample.human, INSTANCE_FOLDER: instances}
    pictures |= {ID_FOLDERS[task]: ids[task] for task in TASKS}
    for name, picture in pictures.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / name / f"{sample.name}.png")
    lines = instance_lines(instances, stride, ids)
    (folder / INSTANCE_FOLDER / f"{sample.name}.txt").write_text("".join(f"{line}\n" for line in lines))


def instance_map(human: NDArray[np.uint8], attribute: NDArray[np.uint8]) -> tuple[NDArray[np.uint16], int]:
    """CIHP's ids of (person, attribute) instances (H, W), 0 none, and their stride.

    An id is (person - 1) x stride + attribute. CIHP's stride is its 20 classes; one more where Mask is 20.
    """
    seen = (human > 0) & (human < IGNORE) & (attribute > 0) & (attribute < IGNORE)
    stride = max(20, int(attribute[seen].max(initial=0)) + 1)
    ids = np.where(seen, (human.astype(np.uint16) - 1) * stride + attribute, 0)
    return ids.astype(np.uint16), stride


def instance_lines(instances: NDArray[np.uint16], stride: int, ids: IdMaps) -> list[str]:
    """`instance attribute person size pattern color` of each instance; the last three are what most pixels carry.

    CIHP's lines end after the person; CCIHP's evaluation reads the characteristics from the same table.
    """
    lines = []
    for number in np.unique(instances[instances > 0]).tolist():
        inside = instances == number
        labels = [int(np.bincount(ids[task][inside]).argmax()) for task in CHARACTERISTICS]
        lines.append(" ".join(map(str, (number, number % stride, number // stride + 1, *labels))))
    return lines


def _place(photograph: Path, path: Path, *, link: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if link:
        path.symlink_to(photograph.resolve())
    else:
        shutil.copyfile(photograph, path)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m training.export_ccihp", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="a CCP folder")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="the folder to write")
    parser.add_argument(
        "--label-map",
        type=Path,
        default=LABEL_MAPS / "ccihp.toml",
        metavar="FILE",
        help="the ids to write (default ccihp.toml, see training/label_maps)",
    )
    parser.add_argument("--link", action="store_true", help="link to the photographs instead of copying them")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
