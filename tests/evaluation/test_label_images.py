import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image, PngImagePlugin

from ppmobileseg_deploy.errors import ImageError, UsageError
from ppmobileseg_deploy.evaluation.label_coding import LabelCoding
from ppmobileseg_deploy.evaluation.label_images import read_labels

IDS = np.array([[0, 1, 2], [150, 254, 255]], np.uint8)

PALETTE = ((200, 30, 40), (30, 180, 60), (7, 7, 7))
COLOURS = np.array(
    [[PALETTE[0], PALETTE[1], PALETTE[2]], [PALETTE[1], PALETTE[1], (0, 0, 0)]], np.uint8
)


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
    found = read_labels(write(Image.fromarray(IDS)), (2, 3), LabelCoding(reduce_zero_label=True))
    assert found.tolist() == [[255, 0, 1], [149, 253, 255]]


def test_large_ids_survive(write):
    ids = np.array([[300, 65535]], np.uint16)
    assert read_labels(write(Image.fromarray(ids)), (1, 2)).tolist() == [[300, 65535]]


@pytest.mark.parametrize(
    ("size_hw", "image", "message"),
    [
        (
            (2, 4),
            Image.fromarray(IDS),
            "expected the image's size 2x4, found 2x3 (height x width)",
        ),
        ((2, 3), Image.fromarray(IDS).convert("RGB"), "found RGB pixels that are all gray"),
        ((2, 3), Image.fromarray(IDS).convert("LA"), "found LA pixels that are all gray"),
        ((2, 3), Image.fromarray(COLOURS), "found RGB pixels of 4 colours: if they are the"),
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
    with pytest.raises(ImageError, match=f"packed.png: .*found gray values of {bits} bits$"):
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


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_pictures_in_the_colours_of_the_classes(write, mode):
    image = Image.fromarray(COLOURS)
    image = (
        image.convert(mode, palette=Image.Palette.ADAPTIVE) if mode == "P" else image.convert(mode)
    )
    ids = read_labels(write(image), (2, 3), LabelCoding(palette_rgb=PALETTE))
    assert ids.tolist() == [[0, 1, 2], [1, 1, 255]]


def test_gray_pictures_have_colours_too(write):
    image = Image.fromarray(np.array([[7, 0, 7]], np.uint8))
    assert read_labels(write(image), (1, 3), LabelCoding(palette_rgb=PALETTE)).tolist() == [
        [2, 255, 2]
    ]


def test_black_is_a_class_where_one_is_black(write):
    coding = LabelCoding(palette_rgb=((0, 0, 0), *PALETTE))
    assert read_labels(write(Image.fromarray(COLOURS)), (2, 3), coding).tolist() == [
        [1, 2, 3],
        [2, 2, 0],
    ]


def test_pictures_of_many_rows(write):
    rows = np.random.default_rng(0).integers(0, 3, (700, 5))
    image = Image.fromarray(np.array(PALETTE, np.uint8)[rows])
    ids = read_labels(write(image), (700, 5), LabelCoding(palette_rgb=PALETTE))
    np.testing.assert_array_equal(ids, rows)


@pytest.mark.parametrize(
    ("image", "palette", "message"),
    [
        (
            Image.fromarray(COLOURS),
            PALETTE[:2],
            "expected the colours of the classes, and black for what has none, found (7, 7, 7) "
            "(1 pixel)",
        ),
        (
            Image.fromarray(COLOURS),
            ((200, 30, 40), (30, 180, 60), (7, 7, 7), (30, 180, 60)),
            "expected colours that tell the classes apart, found (30, 180, 60), which the classes "
            "1 and 3 share",
        ),
        (
            Image.fromarray(np.dstack([COLOURS, np.full((2, 3), 254, np.uint8)])),
            PALETTE,
            "expected colours, found some that are transparent",
        ),
        (
            Image.fromarray(IDS.astype(np.uint16)),
            PALETTE,
            "expected colours of 8 bits a channel, found I;16 pixels",
        ),
    ],
)
def test_colours_that_are_no_labels_are_counted(write, image, palette, message):
    path = write(image)
    with pytest.raises(ImageError) as raised:
        read_labels(path, (2, 3), LabelCoding(palette_rgb=palette))
    assert str(raised.value) == f"cannot use labels {path}: {message}"


def test_a_colour_that_classes_share_does_not_matter_where_it_is_not_met(write):
    coding = LabelCoding(palette_rgb=(*PALETTE, (9, 9, 9), (9, 9, 9)))
    assert read_labels(write(Image.fromarray(COLOURS)), (2, 3), coding)[0, 0] == 0


@pytest.mark.parametrize(
    ("values", "ids"),
    [([[0, 255, 0]], [[0, 1, 0]]), ([[255, 255, 255]], [[1, 1, 1]]), ([[0, 0, 0]], [[0, 0, 0]])],
)
def test_the_foreground_of_a_mask_is_class_1(write, values, ids):
    path = write(Image.fromarray(np.array(values, np.uint8)))
    assert read_labels(path, (1, 3), LabelCoding(foreground=255)).tolist() == ids


def test_a_mask_may_leave_pixels_out(write):
    path = write(Image.fromarray(np.array([[0, 255, 128]], np.uint8)))
    coding = LabelCoding(foreground=255, ignore=128)
    assert read_labels(path, (1, 3), coding).tolist() == [[0, 1, 128]]


@pytest.mark.parametrize("value", [1, 128])
def test_a_mask_of_more_values_is_refused(write, value):
    path = write(Image.fromarray(np.array([[0, 255, value]], np.uint8)))
    with pytest.raises(ImageError, match=rf"a mask of 0 and 255, found {value} \(1 pixel\)$"):
        read_labels(path, (1, 3), LabelCoding(foreground=255))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reduce_zero_label": True, "foreground": 255}, "expected one of .*, found several"),
        ({"palette_rgb": PALETTE, "foreground": 255}, "expected one of .*, found several"),
        ({"foreground": 0}, r"expected a foreground in \[1, 65535\], found 0"),
        ({"foreground": 65536}, r"expected a foreground in \[1, 65535\], found 65536"),
        ({"ignore": 1 << 40}, r"expected an ignored id in \[-1, 65535\], found 1099511627776"),
        ({"ignore": -2}, r"expected an ignored id in \[-1, 65535\], found -2"),
    ],
)
def test_codings_that_no_image_has(options, message):
    with pytest.raises(UsageError, match=message):
        LabelCoding(**options)


TIFF_IDS = {
    "8 bits": ({"photometric": "minisblack"}, np.uint8),
    "16 bits": ({"photometric": "minisblack"}, np.uint16),
    "16 bits, white is 0, which does not matter": ({"photometric": "miniswhite"}, np.uint16),
    "a palette, whose colours do not matter": (
        {"photometric": "palette", "colormap": np.full((3, 256), 7, np.uint16)},
        np.uint8,
    ),
    "4 bits": ({"photometric": "minisblack", "bitspersample": 4}, np.uint8),
    "12 bits": ({"photometric": "minisblack", "bitspersample": 12}, np.uint16),
    "tiles": ({"photometric": "minisblack", "tile": (16, 16), "compression": "lzw"}, np.uint16),
    "differences": ({"compression": "zlib", "predictor": True}, np.uint16),
    "BigTIFF": ({"bigtiff": True, "byteorder": ">", "compression": "zstd"}, np.uint16),
}


@pytest.mark.parametrize("kind", TIFF_IDS)
@pytest.mark.parametrize("name", ["labels.tif", "labels.png"])
def test_ids_in_tiff_files_are_those_that_tifffile_reads(kind, name, tmp_path):
    options, dtype = TIFF_IDS[kind]
    most = (1 << options.get("bitspersample", 8 * np.dtype(dtype).itemsize)) - 1
    ids = np.random.default_rng(0).integers(0, most, (20, 31), dtype, endpoint=True)
    path = tmp_path / name  # the content decides
    tifffile.imwrite(path, ids, **options)
    np.testing.assert_array_equal(tifffile.imread(path), ids)
    np.testing.assert_array_equal(read_labels(path, (20, 31)), ids)


@pytest.mark.parametrize(
    ("pixels", "size_hw", "coding", "message"),
    [
        (IDS, (2, 4), LabelCoding(), "expected the image's size 2x4, found 2x3"),
        (
            COLOURS,
            (2, 3),
            LabelCoding(),
            "expected one number a pixel, found a TIFF",
        ),
        (
            IDS.astype(np.int32),
            (2, 3),
            LabelCoding(),
            "expected whole numbers, none of them",
        ),
        (IDS.astype(np.float32), (2, 3), LabelCoding(), "floating point"),
        (COLOURS, (2, 3), LabelCoding(palette_rgb=PALETTE), "expected a PNG file of the classes'"),
    ],
)
def test_tiff_files_that_are_no_labels_are_refused(pixels, size_hw, coding, message, tmp_path):
    tifffile.imwrite(tmp_path / "labels.tif", pixels, metadata=None)
    with pytest.raises(ImageError, match=message):
        read_labels(tmp_path / "labels.tif", size_hw, coding)


def test_a_damaged_tiff_is_called_one(tmp_path):
    (tmp_path / "labels.tif").write_bytes(b"II*\0\x08\0\0\0\xff")
    with pytest.raises(ImageError, match="expected a complete TIFF file"):
        read_labels(tmp_path / "labels.tif", (2, 3))


def test_texts_in_a_label_file_do_not_matter(tmp_path):
    info = PngImagePlugin.PngInfo()
    info.add_text("history", "edited " * 400_000, zip=True)
    Image.fromarray(IDS).save(tmp_path / "labels.png", pnginfo=info)
    np.testing.assert_array_equal(read_labels(tmp_path / "labels.png", (2, 3)), IDS)
