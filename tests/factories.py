"""Small real objects that several tests need: pictures, networks, samples."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.io import savemat

from parsing.labels import TASKS
from parsing.model import HPTRConfig
from parsing.palette import Shade, palettes
from training.samples import Sample


def photograph(height: int, width: int, *, seed: int = 0) -> NDArray[np.uint8]:
    """Random pixels (H, W, 3)."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def tiny_config() -> HPTRConfig:
    """A complete HPTR that runs in milliseconds."""
    return HPTRConfig(
        name="tiny",
        block="basic",
        blocks=(1, 1, 1, 1),
        widths=(8, 8, 16, 16),
        stem="convolutions",
        dilate_last=True,
        separable=True,
        pyramid_width=16,
        head_width=16,
        transformer_width=32,
        heads=2,
        hidden=32,
        encoder_layers=1,
        decoder_layers=2,
        num_queries=6,
        groups=1,
        anchored=True,
    )


def two_people_sample(height: int = 64, width: int = 64) -> Sample:
    """Two upright rectangles of people, a red coat on the left one, blue pants on the right one."""
    image = np.full((height, width, 3), 90, np.uint8)
    human = np.zeros((height, width), np.uint8)
    tasks = {task: np.zeros((height, width), np.uint8) for task in TASKS}
    left = (slice(height // 8, height * 7 // 8), slice(width // 8, width * 3 // 8))
    right = (slice(height // 8, height * 7 // 8), slice(width * 5 // 8, width * 7 // 8))
    for number, (place, rgb, attribute, color) in enumerate(
        ((left, (200, 20, 20), 7, 5), (right, (20, 40, 200), 9, 10)), start=1
    ):
        image[place], human[place] = rgb, number
        tasks["attribute"][place], tasks["color"][place] = attribute, color
        tasks["size"][place], tasks["pattern"][place] = 2, 1
    return Sample("two", Path("two.jpg"), image, human, tasks)


CCP_TAGS = ["", "hair", "coat", "skin", "shoes", "bag"]


def write_ccp(root: Path, *numbers: str) -> Path:
    """A CCP folder with photographs of one person with hair, a red coat and a bag, 96 x 64 pixels."""
    (root / "photos").mkdir(parents=True)
    (root / "annotations" / "pixel-level").mkdir(parents=True)
    tags = np.zeros((96, 64), np.uint8)
    tags[10:20, 20:40], tags[20:80, 20:40], tags[40:60, 40:46] = (
        CCP_TAGS.index(tag) for tag in ("hair", "coat", "bag")
    )
    lines = []
    for number in numbers:
        Image.fromarray(photograph(96, 64)).save(root / "photos" / f"{number}.jpg")
        savemat(root / "annotations" / "pixel-level" / f"{number}.mat", {"groundtruth": tags})
        lines += [f"{number} coat long solid red\n", f"{number} hair short solid none\n"]
    savemat(root / "label_list.mat", {"label_list": np.array([CCP_TAGS], dtype=object)})
    (root / "characteristics.txt").write_text("".join(lines))
    return root


def palette(pixels: NDArray[np.uint8]) -> tuple[Shade, ...]:
    """The palette of one garment's pixels (N, 3)."""
    return palettes(pixels, np.array([len(pixels)]))[0]
