import struct

import numpy as np
import pytest
from PIL import Image

from ppmobileseg_deploy.errors import ImageError

PALETTE_END = 13 + 3 * 64


@pytest.fixture(scope="module")
def picture(rgb):
    return Image.fromarray(rgb).quantize(64)


@pytest.fixture(scope="module")
def plain(picture, saved):
    content = saved(picture, "GIF")
    assert content[PALETTE_END : PALETTE_END + 1] in (b",", b"!")
    return content


def blocks(*data: bytes) -> bytes:
    return b"".join(bytes([len(each)]) + each for each in data) + b"\0"


@pytest.mark.parametrize(
    "extension",
    [
        b"!\xfe" + blocks(b"a comment") * 1 + b"!\xfe" + blocks(b"another"),
        b"!\xfe" + blocks(*[b"c"] * 100_000),
        b"!\xff" + blocks(b"NETSCAPE2.0", b"\1\0\0"),
        b"!\xff" + blocks(b"XMP DataXMP", b"x" * 255),
        b"!\xfe\0" * 1000,
    ],
    ids=["comments", "a long comment", "repeats", "XMP", "nothing"],
)
def test_extensions_do_not_matter(extension, plain, picture, read):
    content = plain[:PALETTE_END] + extension + plain[PALETTE_END:]
    np.testing.assert_array_equal(read(content), np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize("extension", [b"!\xfe\0", b"!\xfe" + blocks(b"x"), b"!\xfe" + b"\1x" * 9])
def test_extensions_without_end_are_refused(extension, plain, read):
    message = "expected at most 262144 blocks before a GIF file's picture, found more"
    with pytest.raises(ImageError, match=message):
        read(plain[:PALETTE_END] + extension * 300_000 + plain[PALETTE_END:])


def test_a_picture_smaller_than_its_screen_lies_on_it(plain, picture, read):
    content = plain[:6] + struct.pack("<HH", 100, 80) + plain[10:]
    found = read(content)
    assert found.shape == (80, 100, 3)
    np.testing.assert_array_equal(found[:45, :70], np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize("lost", [1, 2])
def test_the_last_byte_may_be_missing(lost, plain, picture, read):
    np.testing.assert_array_equal(read(plain[:-lost]), np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda gif: gif[:9], "no header"),
        (lambda gif: gif[:PALETTE_END] + b";", "no picture"),
        (lambda gif: gif[:PALETTE_END] + b"!\xfe\5x", "found a damaged one"),
        (lambda gif: gif[: len(gif) // 2], "found a damaged one"),
    ],
)
def test_damage_is_one_error(content, message, plain, read):
    with pytest.raises(ImageError, match=message):
        read(content(plain))


def test_a_picture_beyond_its_screen_is_shown_whole(plain, picture, read):
    content = plain[:6] + struct.pack("<HH", 9, 9) + plain[10:]
    np.testing.assert_array_equal(read(content), np.asarray(picture.convert("RGB")))


def test_the_whole_processs_limit_is_not_that_of_a_picture_beyond_its_screen(
    saved, read, monkeypatch
):
    content = saved(Image.new("L", (1000, 700)), "GIF")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 300_000)
    assert read(content[:6] + struct.pack("<HH", 9, 9) + content[10:]).shape == (700, 1000, 3)
