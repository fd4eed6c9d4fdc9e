"""Image files and in-memory images to one form: HWC uint8 BGR, upright.

Pillow decodes, because it refuses truncated files; OpenCV fills their missing part with grey
and says so on stderr only. The decoders are named one by one: a photograph needs no others, some
of Pillow's start programs (EPS), and the pixel limit of `PIL.Image.open` is the whole process's.
"""

import io
from pathlib import Path
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

from ..errors import ImageError, OutputError, UsageError
from ..files import atomic_path, kind_of

ImageBGR = NDArray[np.uint8]

READABLE_SUFFIXES: Final = frozenset(
    {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)
"""What image files are usually called; `read_image` itself looks at the content."""

WRITABLE_SUFFIXES: Final = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
"""The formats `write_image` knows."""

COLOR_ORDERS: Final = ("bgr", "rgb")
"""Orders that the channels of an array can have."""

_DECODERS: Final[tuple[tuple[bytes, type[ImageFile.ImageFile]], ...]] = (
    (b"\xff\xd8\xff", JpegImagePlugin.JpegImageFile),
    (b"\x89PNG\r\n\x1a\n", PngImagePlugin.PngImageFile),
    (b"RIFF", WebPImagePlugin.WebPImageFile),
    (b"BM", BmpImagePlugin.BmpImageFile),
    (b"II*\x00", TiffImagePlugin.TiffImageFile),
    (b"MM\x00*", TiffImagePlugin.TiffImageFile),
    (b"GIF8", GifImagePlugin.GifImageFile),
    (b"P5", PpmImagePlugin.PpmImageFile),
    (b"P6", PpmImagePlugin.PpmImageFile),
)
_PREFIX_BYTES: Final = 12
_BAND_PIXELS: Final = 1 << 18


def read_image(path: str | Path, *, max_pixels: int = 200_000_000) -> ImageBGR:
    """Read an image file: JPEG, PNG, WebP, BMP, TIFF, GIF (first frame), PGM or PPM.

    The content decides, not the suffix. EXIF orientation is applied. Transparency is dropped, as
    ``cv2.IMREAD_COLOR`` does: the colours stored beneath it are shown. Of 16-bit channels the
    upper byte is kept.

    Args:
        path: The file.
        max_pixels: Larger images are refused before a pixel is decoded.

    Returns:
        (height, width, 3) uint8, BGR, contiguous.

    Raises:
        ImageError: The file is missing, no image, damaged, or too large.
    """
    path = Path(path)
    if kind_of(path) == "device":  # a pipe may never end, or never begin
        raise ImageError(f"cannot read {path}: expected a file, found a device or a pipe")
    try:
        with path.open("rb") as stream:
            return _decoded(stream, str(path), max_pixels)
    except FileNotFoundError:
        raise ImageError(f"cannot read {path}: no such file") from None
    except IsADirectoryError:
        raise ImageError(f"cannot read {path}: expected an image file, found a folder") from None
    except OSError as error:
        raise ImageError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:  # a null character
        raise ImageError(f"cannot read {str(path)!r}: {error}") from error


def decode_image(data: bytes, name: str, *, max_pixels: int = 200_000_000) -> ImageBGR:
    """Read an image that is in memory as a file is on disk; see `read_image`.

    Args:
        data: The content of an image file.
        name: Where it came from, for messages.
        max_pixels: Larger images are refused before a pixel is decoded.

    Returns:
        (height, width, 3) uint8, BGR, contiguous.

    Raises:
        ImageError: It is no image, damaged, or too large.
    """
    return _decoded(io.BytesIO(data), name, max_pixels)


def as_image_bgr(image: object, *, color: str = "bgr") -> ImageBGR:
    """Bring an image in memory to the form that everything here works on.

    Args:
        image: A PIL image of any mode (its EXIF orientation is applied), an (height, width, 3)
            uint8 array in BGR order as OpenCV gives it, or an (height, width) uint8 array (gray).
        color: Order of an array's channels: ``"bgr"``, or ``"rgb"`` as most other libraries have
            it. PIL images know their own order.

    Returns:
        (height, width, 3) uint8, BGR, contiguous. It shares memory with an array that has this
        form already.

    Raises:
        ImageError: Anything else.
        UsageError: `color` is neither of the two.
    """
    if color not in COLOR_ORDERS:
        raise UsageError(f"expected color to be {' or '.join(COLOR_ORDERS)}, found {color!r}")
    if isinstance(image, Image.Image):
        try:
            return _upright_bgr(image)
        except (OSError, SyntaxError, ValueError) as error:
            raise ImageError(f"cannot use the PIL image: {_one_line(error)}") from error
    if not isinstance(image, np.ndarray):
        raise ImageError(
            f"expected a path, a PIL image or a uint8 array, found {type(image).__name__}"
        )
    gray = image.ndim == 2
    if image.dtype != np.uint8 or not (gray or (image.ndim == 3 and image.shape[2] == 3)):
        raise ImageError(
            f"expected a uint8 array of shape (height, width, 3) in BGR order or "
            f"(height, width), found {image.dtype} {image.shape}"
        )
    if image.size == 0:
        raise ImageError(f"expected an image of at least 1x1 pixels, found shape {image.shape}")
    contiguous = np.ascontiguousarray(image)
    if gray:
        return _bgr_of_gray(contiguous)
    return cv2.cvtColor(contiguous, cv2.COLOR_RGB2BGR) if color == "rgb" else contiguous  # type: ignore[return-value]


def write_image(path: str | Path, image: NDArray[Any]) -> None:
    """Write an image so that the file appears complete or not at all.

    Args:
        path: Its suffix chooses the format, see `WRITABLE_SUFFIXES`. A missing folder is made.
        image: (height, width, 3) uint8 BGR, or (height, width) uint8 or, for PNG and TIFF, uint16.

    Raises:
        UsageError: The suffix names no known format.
        OutputError: The format cannot hold the image, or the file cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in WRITABLE_SUFFIXES:
        expected = ", ".join(sorted(WRITABLE_SUFFIXES))
        raise UsageError(f"expected a file name ending in {expected}, found {str(path)!r}")
    try:
        complete, encoded = cv2.imencode(suffix, image)
    except cv2.error as error:
        raise OutputError(f"cannot write {path}: {_one_line(error)}") from error
    if not complete:
        height, width = image.shape[:2]
        raise OutputError(f"cannot write {path}: {suffix} cannot hold {height}x{width} pixels")
    with atomic_path(path) as temporary:
        temporary.write_bytes(encoded.data)


def _decoded(stream: BinaryIO, name: str, max_pixels: int) -> ImageBGR:
    prefix = stream.read(_PREFIX_BYTES)
    stream.seek(0)
    decoder = _decoder(name, prefix)
    # Damage makes decoders raise whatever the damaged field happens to break.
    try:
        image = decoder(stream)
        _check_size(name, image, max_pixels)
        return _upright_bgr(image)
    except ImageError:
        raise
    except Exception as error:
        kind = decoder.format or "image"
        raise ImageError(
            f"cannot read {name}: expected a complete {kind} file, "
            f"found a damaged one ({_one_line(error)})"
        ) from error


def _decoder(name: str, prefix: bytes) -> type[ImageFile.ImageFile]:
    if not prefix:
        raise ImageError(f"cannot read {name}: expected an image, found an empty file")
    for magic, decoder in _DECODERS:
        if prefix.startswith(magic):
            return decoder
    raise ImageError(
        f"cannot read {name}: expected a JPEG, PNG, WebP, BMP, TIFF, GIF, PGM or PPM image, "
        f"found a file that starts with {prefix!r}"
    )


def _check_size(name: str, image: Image.Image, max_pixels: int) -> None:
    width, height = image.size
    if not 0 < width * height <= max_pixels:
        raise ImageError(
            f"cannot read {name}: expected 1 to {max_pixels} pixels, found {height}x{width}"
        )


def _upright_bgr(image: Image.Image) -> ImageBGR:
    image.load()
    # Pillow turns TIFF files while it loads them, and early releases keep the tag nevertheless.
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return _bgr(image)
    return _turned(_bgr(image), _orientation(image))


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


def _orientation(image: Image.Image) -> int:
    # Unreadable EXIF is no reason to refuse a photograph whose pixels are whole.
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
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


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
