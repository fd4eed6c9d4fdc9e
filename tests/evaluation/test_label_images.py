import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from ppmobileseg_deploy.errors import ImageError
from ppmobileseg_deploy.evaluation.label_images import read_labels

IDS = np.array([[0, 1, 2], [150, 254, 255]], np.uint8)


@pytest.fixture
def write(tmp_path):
    def save(image: Image.Image, name: str = "labels.png"):
        image.save(tmp_path / name)
        return tmp_path / name

    return save


def paletted(ids: np.ndarray) -> Image.Image:
    image = Image.fromarray(ids).convert("P")
    image = Image.frombytes("P", image.size, ids.tobytes())
    image.putpalette([9, 8, 7] * 256)
    return image


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(Image.fromarray(IDS), id="8 bit"),
        pytest.param(Image.fromarray(IDS.astype(np.uint16)), id="16 bit"),
        pytest.param(paletted(IDS), id="palette, whose colours do not matter"),
    ],
)
def test_ids_are_read_as_they_are(write, image):
    np.testing.assert_array_equal(read_labels(write(image), (2, 3)), IDS)


def test_zero_becomes_ignored_and_the_rest_one_less(write):
    found = read_labels(write(Image.fromarray(IDS)), (2, 3), reduce_zero_label=True)
    assert found.tolist() == [[255, 0, 1], [149, 253, 255]]


def test_large_ids_survive(write):
    ids = np.array([[300, 65535]], np.uint16)
    assert read_labels(write(Image.fromarray(ids)), (1, 2)).tolist() == [[300, 65535]]


@pytest.mark.parametrize(
    ("size_hw", "image", "message"),
    [
        ((2, 4), Image.fromarray(IDS), "expected labels of the image's size 2x4, found 2x3"),
        ((2, 3), Image.fromarray(IDS).convert("RGB"), "found RGB colours"),
        ((2, 3), Image.fromarray(IDS).convert("LA"), "found LA colours"),
    ],
)
def test_what_is_no_label_image_is_refused(write, size_hw, image, message):
    with pytest.raises(ImageError) as raised:
        read_labels(write(image), size_hw)
    assert message in str(raised.value)


def packed_png(bits: int, color_type: int) -> bytes:
    """One row of the ids 0 to 3, in so many bits each; Pillow writes no such gray values."""
    row = sum(id_ << (8 - bits * (place % (8 // bits) + 1)) << 8 * (place * bits // 8)
              for place, id_ in enumerate(range(4)))  # fmt: skip
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", 4, 1, bits, color_type, 0, 0, 0)),
        (b"PLTE", bytes(range(12))) if color_type == 3 else (b"tEXt", b"no\0thing"),
        (b"IDAT", zlib.compress(b"\0" + row.to_bytes(4 * bits // 8, "little"))),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


@pytest.mark.parametrize("bits", [2, 4])
def test_gray_values_that_decoders_stretch_are_refused_and_indices_are_not(tmp_path, bits):
    path = tmp_path / "packed.png"
    path.write_bytes(packed_png(bits, color_type=0))
    with pytest.raises(ImageError, match=f"found gray values of {bits} bits in"):
        read_labels(path, (1, 4))
    path.write_bytes(packed_png(bits, color_type=3))
    assert read_labels(path, (1, 4)).tolist() == [[0, 1, 2, 3]]


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0JFIF"])
def test_damage_is_one_error(tmp_path, content):
    path = tmp_path / "bad.png"
    path.write_bytes(content)
    with pytest.raises(ImageError, match="complete PNG"):
        read_labels(path, (2, 3))


def test_a_truncated_file_is_refused(write):
    path = write(Image.fromarray(np.random.default_rng(0).integers(0, 9, (64, 64), np.uint8)))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ImageError, match="complete PNG"):
        read_labels(path, (64, 64))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ImageError, match="no such file"):
        read_labels(tmp_path / "none.png", (1, 1))
