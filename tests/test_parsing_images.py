"""Decoding: any usual picture becomes upright RGB; anything else a clear reason."""

import os
from datetime import datetime
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from parsing.images import MAX_BYTES, UnreadableImageError, decode_image, read_image

RED = (255, 0, 0)


def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def test_exif_orientation_is_applied() -> None:
    picture = Image.new("RGB", (32, 20))
    picture.paste(RED, (0, 0, 16, 20))  # left half red
    exif = Image.Exif()
    exif[274] = 6  # turn right by 90 degrees to show
    pixels = decode_image(encoded(picture, exif=exif), name="turned.png").pixels
    assert pixels.shape == (32, 20, 3)
    assert (pixels[:16] == RED).all()
    assert (pixels[16:] == 0).all()


def test_camera_and_time_come_from_exif() -> None:
    exif = Image.Exif()
    exif[271], exif[272] = "Acme", "C3"
    exif.get_ifd(0x8769)[36867] = "2024:05:06 07:08:09"
    image = decode_image(encoded(Image.new("RGB", (20, 20)), "JPEG", exif=exif), name="a.jpg")
    assert (image.camera, image.captured_at) == ("Acme C3", datetime(2024, 5, 6, 7, 8, 9))


def test_nonsense_exif_costs_no_picture() -> None:
    exif = Image.Exif()
    exif[306] = "once upon a time"
    image = decode_image(encoded(Image.new("RGB", (20, 20)), "JPEG", exif=exif), name="a.jpg")
    assert (image.camera, image.captured_at) == (None, None)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    pixels = decode_image(encoded(Image.new("RGB", (20, 24), "white").convert(mode)), name="a.png").pixels
    assert (pixels.shape, pixels.dtype) == ((24, 20, 3), np.uint8)
    assert (pixels == 255).all()


def test_cmyk_jpeg_keeps_its_colours() -> None:
    data = encoded(Image.new("CMYK", (20, 20), (0, 255, 255, 0)), "JPEG")
    assert np.abs(decode_image(data, name="a.jpg").pixels.astype(int) - RED).max() < 12


def test_sixteen_bits_are_scaled_not_cut_off() -> None:
    levels = np.linspace(0, 65535, 400).reshape(20, 20).astype(np.uint16)
    pixels = decode_image(encoded(Image.fromarray(levels)), name="a.png").pixels
    assert np.array_equal(pixels[..., 0], np.rint(levels / 257).astype(np.uint8))


def test_what_is_transparent_is_white() -> None:
    picture = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    picture.paste((*RED, 255), (0, 0, 10, 20))
    pixels = decode_image(encoded(picture), name="a.png").pixels
    assert (pixels[:, :10] == RED).all()
    assert (pixels[:, 10:] == 255).all()


def test_of_an_animation_the_first_frame_is_read() -> None:
    frames = [Image.new("RGB", (20, 20), color) for color in ("red", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert (decode_image(data, name="a.gif").pixels == RED).all()


def test_a_truncated_jpeg_is_refused_with_its_reason() -> None:
    data = encoded(Image.effect_noise((200, 200), 90), "JPEG")
    with pytest.raises(UnreadableImageError, match=r"expected a whole image, but a\.jpg is damaged \(.*truncated"):
        decode_image(data[: len(data) // 2], name="a.jpg")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "expected an image, but x.jpg is empty; copy the file again"),
        (b"dear diary", "expected an image, but x.jpg is not one of JPEG"),
        (encoded(Image.new("RGB", (1, 1))), "at least 16x16 pixels, but x.jpg has 1x1; use a larger one"),
        (encoded(Image.new("1", (2000, 2000))), "at most 1,000,000 pixels, but x.jpg has 4,000,000 (2000x2000); make"),
    ],
)
def test_bad_data_is_refused_in_one_sentence(data: bytes, message: str) -> None:
    with pytest.raises(UnreadableImageError) as caught:
        decode_image(data, name="x.jpg", max_pixels=1_000_000)
    assert message in str(caught.value)


def test_a_bomb_is_refused_before_it_unfolds(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(Image.new("1", (2000, 2000)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # Pillow raises by itself at twice that
    with pytest.raises(UnreadableImageError, match="make it smaller"):
        decode_image(data, name="bomb.png")


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImageError, match=r"cannot read .*none\.jpg \(No such file"):
        read_image(tmp_path / "none.jpg")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(UnreadableImageError, match=r"an image, but .*pipe\.jpg is not a regular file; remove it"):
        read_image(tmp_path / "pipe.jpg")


def test_a_file_longer_than_any_photograph_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "long.jpg").open("wb") as file:
        file.truncate(MAX_BYTES + 1)  # takes no room on the disk
    with pytest.raises(UnreadableImageError, match=r"at most 1,073,741,824 bytes, but .* has 1,073,741,825; make it"):
        read_image(tmp_path / "long.jpg")
