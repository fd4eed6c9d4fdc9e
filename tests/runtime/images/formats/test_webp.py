import struct

import numpy as np
import pytest
from PIL import Image

from ppmobileseg_deploy.errors import ImageError


def part(name: bytes, data: bytes) -> bytes:
    return struct.pack("<4sI", name, len(data)) + data + bytes(len(data) % 2)


def riff(*parts: bytes) -> bytes:
    data = b"".join(parts)
    return struct.pack("<4sI4s", b"RIFF", 4 + len(data), b"WEBP") + data


@pytest.fixture(scope="module")
def lossless(rgb, saved):
    """The part of a WebP file that holds the picture."""
    return saved(rgb, "WEBP", lossless=True)[12:]


@pytest.mark.parametrize(
    "content",
    [
        lambda pixels: riff(part(b"NONE", b"odd"), pixels),
        lambda pixels: riff(pixels, part(b"NONE", b"odd")),
        lambda pixels: riff(pixels) + b"whatever follows",
        lambda pixels: riff(pixels, part(b"XMP ", bytes(99)))[:-50],
        lambda pixels: riff(part(b"ICCP", bytes(99)), pixels),
    ],
    ids=["before", "after", "beyond", "cut off", "profile"],
)
def test_what_loses_no_pixel_is_read(content, lossless, read, rgb):
    np.testing.assert_array_equal(read(content(lossless)), rgb)


def test_lost_exif_data_are_an_error_since_they_may_say_what_is_up(saved, read, rgb):
    exif = Image.Exif()
    exif[0x0112] = 3
    content = saved(rgb, "WEBP", lossless=True, exif=exif)
    np.testing.assert_array_equal(read(content), rgb[::-1, ::-1])
    start = content.index(b"EXIF")
    for end in (start, start + 8, len(content) - 3):
        with pytest.raises(ImageError, match="its EXIF data are cut off"):
            read(content[:end])


def test_transparency_is_dropped_and_not_blended(saved, read, rgb):
    image = Image.fromarray(rgb).convert("RGBA")
    image.putalpha(0)
    np.testing.assert_array_equal(read(saved(image, "WEBP", lossless=True, exact=True)), rgb)


def test_parts_without_end_are_refused(lossless, read):
    with pytest.raises(ImageError, match="expected at most 262144 chunks in a WebP file"):
        read(riff(part(b"NONE", b"") * 300_000, lossless))


def test_a_canvas_of_another_size_is_an_error(saved, read, rgb):
    image = Image.fromarray(rgb).convert("RGBA")
    image.putalpha(9)
    content = bytearray(saved(image, "WEBP"))
    assert content[12:16] == b"VP8X"
    content[24] += 1
    with pytest.raises(ImageError, match="found a damaged one"):
        read(bytes(content))
