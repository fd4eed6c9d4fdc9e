"""Encoded images to upright BGR arrays.

Pillow decodes, because it refuses truncated files; OpenCV fills their missing part with grey
and says so on stderr only. The decoders are named one by one: a photograph needs no others, some
of Pillow's start programs (EPS), and the pixel limit of `PIL.Image.open` is the whole process's.
Still WebP images are OpenCV's, which is as strict there and needs a quarter of the memory.
"""

import os
from collections.abc import Callable
from typing import Any, BinaryIO, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import (
    BmpImagePlugin,
    ExifTags,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from ..errors import ImageError
from ..quoting import brief
from . import webp
from .arrays import ImageBGR
from .claims import check_claim, most_pixels_per_byte, most_pixels_per_byte_of_webp


class _TiffImageFile(TiffImagePlugin.TiffImageFile):
    def _setup(self) -> None:
        # Microscopes and satellites write TIFF files of many kinds: whole, but not for Pillow.
        try:
            super()._setup()
        except SyntaxError as error:
            raise ImageError(
                "expected gray, RGB, CMYK or a palette of 8 or 16 bits a channel, found a TIFF "
                f"file with {_kind_of_pixels(self.tag_v2)}"
            ) from error

    def load_prepare(self) -> None:
        # Pillow would hold the pixels against the whole process's limit, not our caller's, and
        # warn from half of it on; it doesn't where the picture's memory is there already.
        size_wh = getattr(self, "_tile_size", self.size)
        self.im = Image.core.new(self.mode, size_wh)  # type: ignore[attr-defined]
        super().load_prepare()


_DECODERS: Final[tuple[tuple[bytes, type[ImageFile.ImageFile]], ...]] = (
    (b"\xff\xd8\xff", JpegImagePlugin.JpegImageFile),
    (b"\x89PNG\r\n\x1a\n", PngImagePlugin.PngImageFile),
    (b"RIFF", WebPImagePlugin.WebPImageFile),
    (b"BM", BmpImagePlugin.BmpImageFile),
    (b"II*\x00", _TiffImageFile),
    (b"MM\x00*", _TiffImageFile),
    (b"GIF8", GifImagePlugin.GifImageFile),
    (b"P5", PpmImagePlugin.PpmImageFile),
    (b"P6", PpmImagePlugin.PpmImageFile),
)
_SAMPLE_FORMATS: Final = {
    1: "whole numbers",
    2: "signed whole numbers",
    3: "floating point",
    5: "complex whole numbers",
    6: "complex floating point",
}
_PREFIX_BYTES: Final = 12
_BAND_PIXELS: Final = 1 << 18


def decoded(stream: BinaryIO, name: str, max_pixels: int) -> ImageBGR:
    """Decode an image file.

    Args:
        stream: Its content; seekable.
        name: What messages call it.
        max_pixels: Larger images are refused before a pixel is decoded.

    Returns:
        (height, width, 3) uint8, BGR, upright, contiguous.

    Raises:
        ImageError: It is no image, damaged, or too large.
        OSError: The stream cannot be read.
    """
    try:
        return _decoded(stream, max_pixels)
    except ImageError as error:
        raise ImageError(f"cannot read {name}: {error}") from error.__cause__


def upright_bgr(image: Image.Image) -> ImageBGR:
    """Convert a PIL image of any mode, turned as its EXIF data say.

    Returns:
        (height, width, 3) uint8, BGR, contiguous.

    Raises:
        ImageError: It has no pixels, or floating point ones.
        Exception: It is a file opened but not loaded, and damaged.
    """
    image.load()
    # Pillow turns TIFF files while it loads them, and early releases keep the tag nevertheless.
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return _bgr(image)
    return _turned(_bgr(image), _orientation(image.getexif))


def _kind_of_pixels(tags: TiffImagePlugin.ImageFileDirectory_v2) -> str:
    per_pixel = tags.get(TiffImagePlugin.SAMPLESPERPIXEL, 1)
    bits = tags.get(TiffImagePlugin.BITSPERSAMPLE, (1,))
    kind = tags.get(TiffImagePlugin.SAMPLEFORMAT, (1,))
    return (
        f"{brief(per_pixel)} x {brief(bits[0])} bits "
        f"({_SAMPLE_FORMATS.get(kind[0], 'unknown numbers')}) a pixel, photometric "
        f"interpretation {brief(tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION, 0))}"
    )


def one_line(error: BaseException) -> str:
    """Give an error's message without line breaks; its type if it has none."""
    return " ".join(str(error).split()) or type(error).__name__


def _decoded(stream: BinaryIO, max_pixels: int) -> ImageBGR:
    prefix = stream.read(_PREFIX_BYTES)
    file_bytes = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    decoder = _decoder(prefix)
    # Damage makes decoders raise whatever the damaged field happens to break.
    try:
        if decoder is WebPImagePlugin.WebPImageFile:
            return _decoded_webp(stream, max_pixels)
        image = decoder(stream)
        width, height = image.size
        _check_size((height, width), max_pixels)
        check_claim((height, width), most_pixels_per_byte(image), file_bytes)
        return upright_bgr(image)
    except ImageError:
        raise
    except Exception as error:
        kind = decoder.format or "image"
        raise ImageError(
            f"expected a complete {kind} file, found a damaged one ({one_line(error)})"
        ) from error


def _decoder(prefix: bytes) -> type[ImageFile.ImageFile]:
    if not prefix:
        raise ImageError("expected an image, found an empty file")
    for magic, decoder in _DECODERS:
        if prefix.startswith(magic):
            return decoder
    raise ImageError(
        "expected a JPEG, PNG, WebP, BMP, TIFF, GIF, PGM or PPM image, "
        f"found a file that starts with {prefix!r}"
    )


def _check_size(size_hw: tuple[int, int], max_pixels: int) -> None:
    height, width = size_hw
    if not 0 < height * width <= max_pixels:
        raise ImageError(f"expected 1 to {max_pixels} pixels, found {height}x{width}")


def _decoded_webp(stream: BinaryIO, max_pixels: int) -> ImageBGR:
    content = stream.read()
    header = webp.read_header(content)
    _check_size(header.size_hw, max_pixels)
    most = most_pixels_per_byte_of_webp(lossless=header.lossless, animated=header.animated)
    check_claim(header.size_hw, most, len(content))
    if header.animated:
        stream.seek(0)
        return upright_bgr(WebPImagePlugin.WebPImageFile(stream))
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    bgr = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    if bgr is None:
        raise ValueError("its pixels cannot be decoded")
    return _turned(bgr, _orientation(lambda: _exif(header.exif)))


def _turned(bgr: NDArray[Any], orientation: int) -> NDArray[Any]:
    # EXIF counts the eight ways to hold a camera: 2, 4, 5 and 7 are mirrored.
    if orientation in (5, 7):
        bgr = cv2.transpose(bgr)
    if orientation in (3, 7):
        return cv2.rotate(bgr, cv2.ROTATE_180)
    if orientation == 6:
        return cv2.rotate(bgr, cv2.ROTATE_90_CLOCKWISE)
    if orientation == 8:
        return cv2.rotate(bgr, cv2.ROTATE_90_COUNTERCLOCKWISE)
    if orientation in (2, 4):
        return cv2.flip(bgr, 1 if orientation == 2 else 0)
    return bgr


def _exif(data: bytes) -> Image.Exif:
    exif = Image.Exif()
    exif.load(data)
    return exif


def _orientation(read_exif: Callable[[], Image.Exif]) -> int:
    # Unreadable EXIF is no reason to refuse a photograph whose pixels are whole.
    try:
        return int(read_exif().get(ExifTags.Base.Orientation, 1))
    except Exception:
        return 1


def _bgr(image: Image.Image) -> ImageBGR:
    width, height = image.size
    if width * height == 0:
        raise ImageError(f"expected an image of at least 1x1 pixels, found {height}x{width}")
    if image.mode == "F":
        raise ImageError("expected 8 or 16 bits per channel, found floating point pixels")
    if image.mode == "I" or image.mode.startswith("I;16"):
        return _bgr_of_gray(_upper_byte(np.asarray(image)))
    bgr = np.empty((height, width, 3), np.uint8)
    # In bands, so that conversions take no second image's worth of memory; also twice as fast.
    rows = max(1, _BAND_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        band = _rgb(image.crop((0, top, width, bottom)))
        bgr[top:bottom] = np.frombuffer(band.tobytes("raw", "BGR"), np.uint8).reshape(
            bottom - top, width, 3
        )
    return bgr


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode in ("P", "PA"):
        # Straight to RGB, Pillow warns about palettes with transparency.
        image = image.convert("RGBA")
    return image.convert("RGB")


def _upper_byte(gray: NDArray[Any]) -> NDArray[np.uint8]:
    if gray.size and (gray.min() < 0 or gray.max() > 0xFFFF):
        raise ImageError(f"expected gray values in [0, 65535], found {gray.min()} to {gray.max()}")
    return (gray >> 8).astype(np.uint8)


def _bgr_of_gray(gray: NDArray[np.uint8]) -> ImageBGR:
    return cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)  # type: ignore[return-value]
