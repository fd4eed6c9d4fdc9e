import struct

import numpy as np
import pytest
from PIL import Image

from ppmobileseg_deploy.errors import ImageError

# Four lines of five pixels, the lowest first.
INDICES = np.array([[1, 1, 1, 1, 1], [0, 0, 0, 0, 0], [2, 2, 3, 3, 3], [0, 0, 4, 4, 4]], np.uint8)
GRAYS = bytes(value for gray in range(256) for value in (gray, gray, gray, 0))


def run_length(data: bytes, width: int = 5, height: int = 4) -> bytes:
    start = 14 + 40 + len(GRAYS)
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(data), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + header + GRAYS + data


# A line of one colour is left out, in the last one two pixels are.
LINES = b"\5\1\0\0\0\0\2\2\3\3\0\0\0\2\2\0\3\4"


@pytest.mark.parametrize("end", [b"\0\0\0\1", b"\0\1", b"\0\0\0\1more"])
def test_lines_and_pixels_that_are_left_out_are_the_first_colour(end, read):
    np.testing.assert_array_equal(read(run_length(LINES + end))[:, :, 0], INDICES[::-1])


def test_whole_lines_need_no_end(read):
    lines = b"".join(bytes([5, each, 0, 0]) for each in range(4))
    for lost in range(3):
        found = read(run_length(lines[: len(lines) - lost]))
        assert found[:, 0, 0].tolist() == [3, 2, 1, 0]


def test_missing_pixels_are_an_error(read, capfd):
    with pytest.raises(ImageError, match="found a damaged one"):
        read(run_length(LINES[:9]))


@pytest.mark.parametrize("size_wh", [(1 << 21, 2), (2, 1 << 21)])
def test_sides_beyond_opencvs_are_refused_by_name(size_wh, read):
    with pytest.raises(ImageError, match="expected at most 1048576 pixels a side in a BMP file"):
        read(run_length(LINES, *size_wh))


def test_a_jump_of_gigabytes_sets_nothing_aside(read):
    # 255 lines of a million pixels each, forty times over.
    jumps = run_length(b"\0\2\xff\xff" * 40, 1 << 20, 15)
    assert read(jumps + b"\0\1").shape == (15, 1 << 20, 3)


@pytest.mark.parametrize("width", [5, 6, 7])
def test_what_fills_up_the_last_line_may_be_missing(width, saved, read, rgb):
    pixels = np.ascontiguousarray(rgb[:4, :width])
    content = saved(pixels, "BMP")
    filling = -3 * width % 4
    np.testing.assert_array_equal(read(content[: len(content) - filling]), pixels)
    with pytest.raises(ImageError, match="found a damaged one"):
        read(content[: len(content) - filling - 1])


def test_every_mode_is_read(saved, read, rgb):
    for mode in ("RGB", "L", "1", "P"):
        image = Image.fromarray(rgb).convert(mode)
        found = read(saved(image, "BMP"))
        np.testing.assert_array_equal(found, np.asarray(image.convert("RGB")))
