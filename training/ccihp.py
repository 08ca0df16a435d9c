"""CIHP and CCIHP in their published folder layout: photographs of groups, every person's attributes labelled.

CIHP (Gong et al., ECCV 2018) has `Training/` and `Validation/`, each with `Images/*.jpg` and, of the same names, the
single-channel `Category_ids/*.png` (attributes), `Human_ids/*.png` (people 1..n) and `Instance_ids/*.png` (not read);
`train_id.txt` and `val_id.txt` name the photographs, one a line. CCIHP (Loesch & Audigier, ICIP 2021, released by CEA
as Kalisteo CCIHP) adds `Size_ids/`, `Pattern_ids/` and `Color_ids/`. 0 is background and 255 is ignored everywhere.

A small file says which label an id stands for: `label_map.toml` in the folder, else one of `training/label_maps/`.
Validation validates; of Training, photographs whose number ends in 5 calibrate, the rest trains.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from parsing.labels import IGNORE, LABELS, TASKS, label_id
from training.ccp import split_of
from training.samples import Sample, check_split, read_ids, read_rgb, read_text, unknown_maps

LISTS = {"Training": "train_id.txt", "Validation": "val_id.txt"}
ID_FOLDERS = {"attribute": "Category_ids", "size": "Size_ids", "pattern": "Pattern_ids", "color": "Color_ids"}
HUMAN_FOLDER, INSTANCE_FOLDER, IMAGE_FOLDER = "Human_ids", "Instance_ids", "Images"
LABEL_MAPS = Path(__file__).parent / "label_maps"
OWN_LABEL_MAP = "label_map.toml"
IGNORED = "ignore"
UNNAMED = -1


@dataclass(frozen=True)
class LabelMap:
    """Which label each id in the files of a data set stands for.

    Args:
        lookups: task -> (256,) our label id of each of their ids, `UNNAMED` where the file names none.
        everyone: whether all people are labelled; otherwise one main person is, and passers-by are not.
    """

    path: Path
    lookups: Mapping[str, NDArray[np.int16]]
    everyone: bool

    def translate(self, task: str, ids: NDArray[np.uint8], source: Path) -> NDArray[np.uint8]:
        """Our label ids (H, W) of their ids (H, W), which were read from `source`.

        Raises:
            ValueError: an id has no name.
        """
        labels = self.lookups[task][ids]
        if (labels == UNNAMED).any():
            unknown = np.unique(ids[labels == UNNAMED]).tolist()
            raise ValueError(
                f"{source} holds {task} ids {unknown}, expected those that {self.path} names; give the data set's "
                f"folder a {OWN_LABEL_MAP} that names them, such as one of {LABEL_MAPS}"
            )
        return labels.astype(np.uint8)

    def untranslate(self, task: str) -> NDArray[np.uint8]:
        """(256,) their id of each of our label ids.

        Raises:
            ValueError: a label has no id.
        """
        ids = np.full(256, IGNORE, np.uint8)
        ids[0] = 0
        for label in LABELS[task]:
            found = np.flatnonzero(self.lookups[task] == label_id(task, label))
            if not len(found):
                raise ValueError(f"{self.path} gives {task} {label!r} no id; add a line for it")
            ids[label_id(task, label)] = found[0]
        return ids


def read_label_map(path: Path) -> LabelMap:
    """The label map in a TOML file: a table of `id = "label"` for each task, `"ignore"` for ids that are ignored.

    Raises:
        ValueError: it is not such a file.
    """
    try:
        tables = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path} must be a TOML file that names the ids of each task, but cannot be read: {error}"
        ) from error
    everyone = tables.pop("everyone", True)
    if not isinstance(everyone, bool):
        raise ValueError(f"{path} says everyone = {everyone!r}, expected true or false; correct it")
    if unknown := set(tables) - set(TASKS):
        raise ValueError(f"{path} names unknown tasks {sorted(unknown)}; expected tables {', '.join(TASKS)}")
    return LabelMap(path, {task: _lookup(path, task, names) for task, names in tables.items()}, everyone)


def _lookup(path: Path, task: str, names: object) -> NDArray[np.int16]:
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        raise ValueError(f'{path} must give {task} a table of lines such as 1 = "{LABELS[task][0]}", got {names!r}')
    lookup = np.full(256, UNNAMED, np.int16)
    lookup[[0, IGNORE]] = 0, IGNORE
    for number, name in names.items():
        if not number.isdigit() or not 0 < int(number) < IGNORE:
            raise ValueError(f"{path} gives {task} {name!r} the id {number!r}; expected a number from 1 to 254")
        try:
            lookup[int(number)] = IGNORE if name == IGNORED else label_id(task, name)
        except ValueError as error:
            raise ValueError(f"{path}: {error}, or {IGNORED!r}") from None
    return lookup


def is_ccihp(root: Path) -> bool:
    """Whether a folder is laid out as CIHP or CCIHP."""
    return any((root / part / ID_FOLDERS["attribute"]).is_dir() for part in LISTS)


class CCIHPDataset:
    """Photographs of CIHP or CCIHP, or of another data set in their layout.

    Raises:
        FileNotFoundError: `root` has another layout.
        ValueError: its label map is none.
    """

    def __init__(self, root: Path) -> None:
        if not is_ccihp(root):
            raise FileNotFoundError(
                f"{root} is not a CIHP or CCIHP folder: expected Training/ or Validation/ with {IMAGE_FOLDER}/, "
                f"{HUMAN_FOLDER}/, Category_ids/ and, in CCIHP, Size_ids/, Pattern_ids/ and Color_ids/"
            )
        self.root = root
        characterized = any((root / part / ID_FOLDERS["size"]).is_dir() for part in LISTS)
        self.tasks = TASKS if characterized else ("attribute",)
        own = root / OWN_LABEL_MAP
        shipped = LABEL_MAPS / ("ccihp.toml" if characterized else "cihp.toml")
        self.label_map = read_label_map(own if own.is_file() else shipped)
        if missing := set(self.tasks) - set(self.label_map.lookups):
            raise ValueError(f"{self.label_map.path} names no ids of {sorted(missing)}; add a table for each")

    def names(self, split: str) -> list[str]:
        """Stems of a split's photographs.

        Raises:
            FileNotFoundError: the part that holds the split is missing.
        """
        check_split(split)
        if split == "validation":
            return self._listed("Validation")
        calibrating = split == "calibration"
        return [name for name in self._listed("Training") if _calibrates(name) == calibrating]

    def _listed(self, part: str) -> list[str]:
        folder = self.root / part / IMAGE_FOLDER
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder} is missing; expected the photographs of {part} there")
        for path in (self.root / part / LISTS[part], self.root / LISTS[part]):
            if path.is_file():
                return [Path(line.strip()).stem for line in read_text(path).splitlines() if line.strip()]
        return sorted(path.stem for path in folder.glob("*.jpg"))

    def samples(self, split: str) -> Iterator[Sample]:
        """The split's photographs."""
        part = "Validation" if split == "validation" else "Training"
        return (self.sample(part, name) for name in self.names(split))

    def sample(self, part: str, name: str) -> Sample:
        """One photograph.

        Raises:
            FileNotFoundError: it or an annotation is missing.
            ValueError: it or an annotation cannot be read, or an annotation has another size, or ids without a name.
        """
        folder = self.root / part
        path = folder / IMAGE_FOLDER / f"{name}.jpg"
        image = read_rgb(path)
        human = read_ids(folder / HUMAN_FOLDER / f"{name}.png")
        tasks = unknown_maps(human == 0)
        for task in self.tasks:
            source = folder / ID_FOLDERS[task] / f"{name}.png"
            tasks[task] = self.label_map.translate(task, read_ids(source), source)
        return Sample(name, path, image, human, tasks, self.label_map.everyone)


def _calibrates(name: str) -> bool:
    return name.isdigit() and split_of(int(name)) == "calibration"
