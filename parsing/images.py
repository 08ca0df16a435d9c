"""Images: files and bytes decoded to RGB pixels, upright, or a clear reason why not."""

import io
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

T = TypeVar("T")

# No format whose reader runs another program (EPS) or that is a document.
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF")
SUFFIXES = (".jpg", ".jpeg", ".jpe", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".avif", ".mpo")
MAX_PIXELS = 80_000_000  # 240 MB decoded
MAX_BYTES = 2**30  # of a file: none of a photograph is longer, and memory may not hold more
MIN_SIDE = 16


class UnreadableImageError(Exception):
    """A file is not an image that can be used; the message says why and what to do."""


@dataclass(frozen=True)
class DecodedImage:
    """An image ready for the parser.

    Args:
        pixels: (H, W, 3) uint8 RGB, upright; transparent parts are white; of an animation the first frame.
        camera: make and model from EXIF, if given.
        captured_at: the camera's own clock from EXIF, if given.
    """

    pixels: NDArray[np.uint8]
    camera: str | None = None
    captured_at: datetime | None = None


def read_image(path: Path) -> DecodedImage:
    """The image in a file.

    Raises:
        UnreadableImageError: the file is missing, no image, damaged, too small or too large.
    """
    return decode_image(read_file(path), name=str(path))


def read_file(path: Path) -> bytes:
    """The bytes of a file that may hold an image.

    Raises:
        UnreadableImageError: see `file_state`.
    """
    file_state(path)
    with reading(path):
        return path.read_bytes()


def file_state(path: Path) -> os.stat_result:
    """Length and times of a file that may hold an image.

    Raises:
        UnreadableImageError: it is missing, longer than any photograph, or a folder, pipe or device.
    """
    with reading(path):
        state = path.stat()
    if stat.S_ISDIR(state.st_mode):
        raise UnreadableImageError(f"expected an image, but {path} is a folder; name the images in it")
    if not stat.S_ISREG(state.st_mode):
        raise UnreadableImageError(f"expected an image, but {path} is not a regular file; remove it or leave it out")
    if state.st_size > MAX_BYTES:
        raise UnreadableImageError(
            f"expected at most {MAX_BYTES:,} bytes, but {path} has {state.st_size:,}; make it smaller or remove it"
        )
    return state


def printable(path: Path | str) -> str:
    """A path, or what is said of it, as text that anything can hold: bytes that are no UTF-8 become `\\xNN`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """What the system says against reading `path` is an `UnreadableImageError`."""
    try:
        yield
    except OSError as error:
        raise UnreadableImageError(f"cannot read {path} ({error.strerror}); check the path and its rights") from error


def decode_image(data: bytes, *, name: str, max_pixels: int = MAX_PIXELS) -> DecodedImage:
    """The image in `data`; `name` is what to call it in messages.

    Raises:
        UnreadableImageError: see `read_image`.
    """
    if not data:
        raise UnreadableImageError(f"expected an image, but {name} is empty; copy the file again")
    try:
        with Image.open(io.BytesIO(data), formats=_formats()) as picture:
            _check_size(picture, name, max_pixels)
            camera, captured_at = _capture(picture)
            return DecodedImage(_rgb(_upright(picture)), camera, captured_at)
    except UnreadableImageError:
        raise
    except UnidentifiedImageError:
        raise UnreadableImageError(
            f"expected an image, but {name} is not one of {', '.join(_formats())}; convert it or remove it"
        ) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UnreadableImageError(_too_large(name, "far more", max_pixels)) from None
    except Exception as error:  # Pillow's readers raise nearly anything on a damaged file
        raise UnreadableImageError(f"expected a whole image, but {name} is damaged ({error}); copy it again") from error


@cache
def _formats() -> tuple[str, ...]:
    """The formats that this build of Pillow can read."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _check_size(picture: Image.Image, name: str, max_pixels: int) -> None:
    width, height = picture.size
    if width * height > max_pixels:
        raise UnreadableImageError(_too_large(name, f"{width * height:,} ({width}x{height})", max_pixels))
    if min(width, height) < MIN_SIDE:
        raise UnreadableImageError(
            f"expected an image of at least {MIN_SIDE}x{MIN_SIDE} pixels, but {name} has {width}x{height}; "
            "use a larger one"
        )


def _too_large(name: str, came: str, max_pixels: int) -> str:
    return f"expected at most {max_pixels:,} pixels, but {name} has {came}; make it smaller"


def _upright(picture: Image.Image) -> Image.Image:
    """The picture turned as its EXIF orientation says; a damaged orientation is ignored."""
    picture.load()
    return _lenient(lambda: ImageOps.exif_transpose(picture), picture)


def _rgb(picture: Image.Image) -> NDArray[np.uint8]:
    """Pixels of a picture of any mode, (H, W, 3) uint8."""
    if picture.mode.startswith(("I", "F")):
        gray = _eight_bits(np.asarray(picture))
        return np.repeat(gray[..., None], 3, axis=2)  # (H, W, 3)
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return np.array(picture.convert("RGB"))


def _eight_bits(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Gray levels of 16 bits, or floats, as 8 bits; Pillow would cut them off at 255."""
    levels = np.nan_to_num(values.astype(np.float64))
    is_float = np.issubdtype(values.dtype, np.floating)
    full = 1.0 if is_float and levels.max() <= 1 else 255.0 if levels.max() <= 255 and is_float else 65535.0
    return np.clip(np.rint(levels * (255.0 / full)), 0, 255).astype(np.uint8)


def _capture(picture: Image.Image) -> tuple[str | None, datetime | None]:
    """Camera and time from EXIF."""
    exif = _lenient(picture.getexif, Image.Exif())
    nothing: dict[int, Any] = {}
    details = _lenient(lambda: exif.get_ifd(ExifTags.IFD.Exif), nothing)
    names = [str(exif.get(tag, "")).strip(" \0") for tag in (ExifTags.Base.Make, ExifTags.Base.Model)]
    time = details.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime)
    return " ".join(filter(None, names)) or None, _lenient(
        lambda: datetime.strptime(str(time).strip(" \0"), "%Y:%m:%d %H:%M:%S"), None
    )


def _lenient(read: Callable[[], T], otherwise: T) -> T:
    """What `read` returns, or `otherwise`: damaged EXIF data must not cost us the picture."""
    try:
        return read()
    except Exception:
        return otherwise
