import io
import os
import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from ppmobileseg_deploy.errors import ImageError, OutputError, UsageError
from ppmobileseg_deploy.runtime.images.files import (
    as_image_bgr,
    decode_image,
    read_image,
    write_image,
)

ORANGE_RGB = (240, 120, 20)
ORANGE_GRAY = 145  # of ORANGE_RGB, by ITU-R BT.601 as Pillow rounds it


def _orange(mode: str) -> Image.Image:
    """Orange left, its negative right, so that a mirrored or transposed image is noticed."""
    image = Image.new("RGB", (6, 4), ORANGE_RGB)
    image.paste((15, 135, 235), (3, 0, 6, 4))
    return image.convert(mode)


def _saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def _rgba(path: Path) -> Path:
    image = _orange("RGBA")
    image.putalpha(0)
    return _saved(path.with_suffix(".png"), image)


def _transparent_palette(path: Path) -> Path:
    image = _orange("RGB").quantize(4)
    return _saved(path.with_suffix(".png"), image, transparency=bytes([0, 128, 255, 255]))


def _sixteen_bit(path: Path, suffix: str) -> Path:
    values = np.asarray(_orange("RGB"))[:, :, ::-1].astype(np.uint16) * 256 + 7
    cv2.imwrite(str(path.with_suffix(suffix)), values)
    return path.with_suffix(suffix)


def _sixteen_bit_gray(path: Path, suffix: str) -> Path:
    cv2.imwrite(
        str(path.with_suffix(suffix)), np.asarray(_orange("L")).astype(np.uint16) * 256 + 7
    )
    return path.with_suffix(suffix)


COLOR_FILES: dict[str, Callable[[Path], Path]] = {
    "PNG": lambda p: _saved(p.with_suffix(".png"), _orange("RGB")),
    "BMP": lambda p: _saved(p.with_suffix(".bmp"), _orange("RGB")),
    "PPM": lambda p: _saved(p.with_suffix(".ppm"), _orange("RGB")),
    "TIFF": lambda p: _saved(p.with_suffix(".tif"), _orange("RGB")),
    "WebP": lambda p: _saved(p.with_suffix(".webp"), _orange("RGB"), lossless=True),
    "GIF": lambda p: _saved(p.with_suffix(".gif"), _orange("RGB").quantize(4)),
    "JPEG": lambda p: _saved(p.with_suffix(".jpg"), _orange("RGB"), quality=100, subsampling=0),
    "JPEG named .png": lambda p: _saved(
        p.with_suffix(".png"), _orange("RGB"), format="JPEG", quality=100, subsampling=0
    ),
    "CMYK JPEG": lambda p: _saved(p.with_suffix(".jpg"), _orange("CMYK"), quality=100),
    "CMYK TIFF": lambda p: _saved(p.with_suffix(".tif"), _orange("CMYK")),
    "transparent PNG": _rgba,
    "palette PNG": lambda p: _saved(p.with_suffix(".png"), _orange("RGB").quantize(4)),
    "palette with transparency": _transparent_palette,
    "16-bit PNG": lambda p: _sixteen_bit(p, ".png"),
    "16-bit TIFF": lambda p: _sixteen_bit(p, ".tif"),
}
GRAY_FILES: dict[str, Callable[[Path], Path]] = {
    "gray PNG": lambda p: _saved(p.with_suffix(".png"), _orange("L")),
    "gray JPEG": lambda p: _saved(p.with_suffix(".jpg"), _orange("L"), quality=100),
    "gray with alpha": lambda p: _saved(p.with_suffix(".png"), _orange("LA")),
    "PGM": lambda p: _saved(p.with_suffix(".pgm"), _orange("L")),
    "16-bit gray PNG": lambda p: _sixteen_bit_gray(p, ".png"),
    "16-bit gray TIFF": lambda p: _sixteen_bit_gray(p, ".tif"),
    "16-bit PGM": lambda p: _sixteen_bit_gray(p, ".pgm"),
}


@pytest.mark.parametrize("kind", COLOR_FILES)
def test_every_format_gives_the_same_colors(kind: str, tmp_path: Path) -> None:
    image = read_image(COLOR_FILES[kind](tmp_path / "image"))
    assert (image.dtype, image.shape, image.flags.c_contiguous) == (np.uint8, (4, 6, 3), True)
    # JPEG and palettes are a few values off.
    np.testing.assert_allclose(image[0, 0], ORANGE_RGB[::-1], atol=3)
    np.testing.assert_allclose(image[3, 5], (235, 135, 15), atol=3)


@pytest.mark.parametrize("kind", GRAY_FILES)
def test_gray_is_spread_over_three_channels(kind: str, tmp_path: Path) -> None:
    image = read_image(GRAY_FILES[kind](tmp_path / "image"))
    assert image.shape == (4, 6, 3)
    np.testing.assert_allclose(image[0, 0], [ORANGE_GRAY] * 3, atol=1)


def test_a_bilevel_image_is_black_and_white(tmp_path: Path) -> None:
    image = read_image(
        _saved(tmp_path / "image.png", _orange("L").point([0] * 140 + [1] * 116, "1"))
    )
    assert image[0, 0].tolist() == [255] * 3
    assert image[0, 5].tolist() == [0] * 3


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_exif_rotated_images_are_shown_upright(
    orientation: int, suffix: str, tmp_path: Path
) -> None:
    ramp = np.arange(12 * 20 * 3, dtype=np.uint8).reshape(12, 20, 3)
    stored = Image.fromarray(ramp)
    exif = stored.getexif()
    exif[0x0112] = orientation
    path = tmp_path / f"image{suffix}"
    options = {".webp": {"lossless": True}, ".jpg": {"quality": 100, "subsampling": 0}}
    stored.save(path, exif=exif, **options.get(suffix, {}))
    expected = np.asarray(ImageOps.exif_transpose(stored))[:, :, ::-1]
    image = read_image(path)
    np.testing.assert_allclose(image.astype(int), expected, atol=4 if suffix == ".jpg" else 0)


def test_orientation_six_stands_a_lying_image_up(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = _saved(tmp_path / "image.png", _orange("RGB"), exif=exif)
    image = read_image(path)
    assert image.shape == (6, 4, 3)
    assert image[0].tolist() == [list(ORANGE_RGB[::-1])] * 4  # what was left is on top


def test_unreadable_exif_does_not_cost_the_image(tmp_path: Path) -> None:
    path = _saved(tmp_path / "image.jpg", _orange("RGB"), exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    assert read_image(path).shape == (4, 6, 3)


@pytest.mark.parametrize("size_hw", [(1, 1), (1, 4000), (4000, 1), (1025, 513)])
def test_extreme_sizes_keep_every_pixel(size_hw: tuple[int, int], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    expected = rng.integers(0, 256, (*size_hw, 3), dtype=np.uint8)
    path = _saved(tmp_path / "image.png", Image.fromarray(expected[:, :, ::-1]))
    assert np.array_equal(read_image(path), expected)


@pytest.mark.parametrize("name", ["astronaut.png", "rocket.jpg", "coffee.png"])
def test_photographs_are_read_as_opencv_reads_them(
    name: str, photograph: Callable[[str], Path]
) -> None:
    expected = cv2.imread(str(photograph(name)))
    assert expected is not None
    difference = cv2.absdiff(read_image(photograph(name)), expected)
    assert difference.max() <= 2  # two builds of libjpeg


def test_the_pixel_limit_is_the_callers(tmp_path: Path) -> None:
    path = _saved(tmp_path / "image.png", _orange("RGB"))
    assert read_image(path, max_pixels=24).shape == (4, 6, 3)
    with pytest.raises(ImageError, match="expected 1 to 23 pixels, found 4x6") as raised:
        read_image(path, max_pixels=23)
    assert raised.value.parameter == "max_pixels"


@pytest.mark.parametrize(
    "mode", ["RGB", "L", "LA", "RGBA", "P", "PA", "CMYK", "YCbCr", "HSV", "1"]
)
def test_pil_images_of_every_mode_are_taken(mode: str) -> None:
    image = _orange("RGBA").convert("LA").convert("PA") if mode == "PA" else _orange(mode)
    expected = np.asarray(
        image.convert("RGBA").convert("RGB") if "P" in mode else image.convert("RGB")
    )
    assert np.array_equal(as_image_bgr(image), expected[:, :, ::-1])


@pytest.mark.parametrize("mode", ["La", "RGBa"])
def test_premultiplied_pil_images_are_divided_by_their_alpha(mode: str) -> None:
    image = _orange("RGBA")
    image.putalpha(200)
    if mode == "La":
        image = image.convert("LA")
    expected = np.asarray(image.convert("RGB"))[:, :, ::-1].astype(int)
    assert np.abs(as_image_bgr(image.convert(mode)) - expected).max() <= 2


@pytest.mark.parametrize(
    ("pixels", "options"),
    [
        (np.zeros((3, 4, 6), np.uint16), {"photometric": "rgb", "planarconfig": "separate"}),
        (np.zeros((4, 6), np.uint16), {"photometric": "miniswhite"}),
        (np.zeros((4, 6), np.int16), {"photometric": "minisblack"}),
    ],
)
def test_what_pillow_reads_wrong_is_asked_for_as_a_file(
    pixels: np.ndarray, options: dict[str, str]
) -> None:
    stream = io.BytesIO()
    tifffile.imwrite(stream, pixels, **options)
    with pytest.raises(ImageError, match="expected the path of a TIFF file"):
        as_image_bgr(Image.open(stream))


def test_a_pil_images_exif_is_applied() -> None:
    image = _orange("RGB")
    image.getexif()[0x0112] = 6
    assert as_image_bgr(image).shape == (6, 4, 3)
    assert as_image_bgr(ImageOps.exif_transpose(image)).shape == (6, 4, 3)


@pytest.mark.parametrize(
    ("image", "found"),
    [
        (None, "found NoneType"),
        ([[1, 2], [3, 4]], "found list"),
        (Image.new("F", (6, 4)), "floating point pixels"),
        (Image.new("I", (6, 4), -1), "-1 to -1"),
        (Image.new("RGB", (0, 4)), "4x0"),
        (Image.open(io.BytesIO(b"P5 6 4 255 short")), "cannot use the PIL image"),
    ],
)
def test_unusable_images_are_named(image: object, found: str) -> None:
    with pytest.raises(ImageError, match=re.escape(found)):
        as_image_bgr(image)


@pytest.mark.parametrize(
    ("pixels", "found"),
    [
        (np.zeros((4, 6, 3), np.float32), r"3 x 32 bits \(floating point\) a pixel"),
        (np.zeros((4, 6), np.float64), r"1 x 64 bits \(floating point\) a pixel"),
        (np.zeros((4, 6), np.float32), r"1 x 32 bits \(floating point\) a pixel"),
    ],
)
def test_whole_files_of_other_pixels_are_not_called_damaged(
    pixels: np.ndarray, found: str
) -> None:
    data = cv2.imencode(".tif", pixels)[1].tobytes()
    with pytest.raises(ImageError, match=found) as error:
        decode_image(data, "stack.tif")
    assert "damaged" not in str(error.value)
    assert str(error.value).startswith("cannot read stack.tif: expected ")


@pytest.mark.parametrize("suffix", [".tif", ".gif", ".webp", ".png"])
def test_of_several_pages_the_first_is_read(suffix: str, tmp_path: Path) -> None:
    second = Image.new("RGB", (6, 4), (0, 0, 255))
    path = tmp_path / f"pages{suffix}"
    _saved(path, _orange("RGB"), save_all=True, append_images=[second])
    np.testing.assert_allclose(read_image(path)[0, 0], ORANGE_RGB[::-1], atol=6)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".PNG"])
def test_written_images_read_back_equal(suffix: str, tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    path = tmp_path / "new" / f"image{suffix}"
    write_image(path, image)
    assert np.array_equal(read_image(path), image)
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_sixteen_bit_labels_survive_png(tmp_path: Path) -> None:
    labels = np.array([[0, 300], [65535, 7]], np.uint16)
    write_image(tmp_path / "labels.png", labels)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "labels.png")), labels)


@pytest.mark.parametrize("name", ["image", "image.xyz", "image.gif"])
def test_unknown_output_formats_are_wrong_use(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"expected a file name ending in .*\.png"):
        write_image(tmp_path / name, np.zeros((2, 2, 3), np.uint8))


def test_an_image_too_long_for_its_format_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"long\.jpg"):
        write_image(tmp_path / "long.jpg", np.zeros((1, 70_000, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot write"):
        write_image(tmp_path / "file" / "image.png", np.zeros((2, 2, 3), np.uint8))


def test_a_pipe_is_refused_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    with pytest.raises(ImageError, match="expected a file, found a device or a pipe"):
        read_image(pipe)


def test_the_content_of_a_file_is_read_as_the_file_is(tmp_path: Path) -> None:
    path = _saved(tmp_path / "image.png", _orange("RGB"))
    assert np.array_equal(decode_image(path.read_bytes(), "standard input"), read_image(path))
    with pytest.raises(ImageError, match=r"cannot read standard input: .* found an empty file"):
        decode_image(b"", "standard input")
    with pytest.raises(ImageError, match="cannot read standard input: expected 1 to 23 pixels"):
        decode_image(path.read_bytes(), "standard input", max_pixels=23)
