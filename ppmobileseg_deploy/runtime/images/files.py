"""Image files and images in memory: read as upright BGR arrays, encoded and written."""

import io
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...errors import ImageError, OutputError, UsageError
from ...files import atomic_path, kind_of
from ...quoting import brief
from ...types import ColorOrder, ImageBGR, SizeHW
from .arrays import bgr_of_array, check_color
from .decoding import decoded, header_size_hw, one_line
from .headers import MAX_PIXELS
from .pil_images import upright_bgr

READABLE_SUFFIXES: Final = frozenset(
    {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)
"""What image files are usually called; `read_image` itself looks at the content."""

WRITABLE_SUFFIXES: Final = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
"""The formats `write_image` knows."""

MOST_BYTES: Final = 512 << 20
"""Most bytes that are taken from an open file or from standard input."""

_PIECE_BYTES: Final = 1 << 20


def read_image(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> ImageBGR:
    """Read an image file: JPEG, PNG, WebP, BMP, TIFF, GIF, PGM or PPM.

    The content decides, not the suffix. Of several pages (TIFF) or frames (GIF, WebP, PNG) the
    first one is read. EXIF orientation is applied. Transparency is dropped, as
    ``cv2.IMREAD_COLOR`` does: the colours stored beneath it are shown. Of 16-bit channels the
    upper byte is kept. Nothing is guessed: floating point, signed numbers and bands without
    colours are refused.

    Args:
        path: The file.
        max_pixels: Larger images are refused before a pixel is decoded.

    Returns:
        (height, width, 3) uint8, BGR, contiguous.

    Raises:
        ImageError: The file is missing, no image, damaged, of a kind that is not read, or too
            large.
    """
    path = Path(path)
    if kind_of(path) == "device":  # a pipe may never end, or never begin
        raise ImageError(f"cannot read {path}: expected a file, found a device or a pipe")
    try:
        with path.open("rb") as stream:
            return decoded(stream, str(path), max_pixels)
    except FileNotFoundError:
        raise ImageError(f"cannot read {path}: no such file") from None
    except IsADirectoryError:
        raise ImageError(f"cannot read {path}: expected an image file, found a folder") from None
    except OSError as error:
        raise ImageError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:  # a null character
        raise ImageError(f"cannot read {str(path)!r}: {error}") from error


def stated_size_hw(path: str | Path) -> SizeHW | None:
    """Return the size of an image by its file's header, before EXIF turns it.

    Args:
        path: The file.

    Returns:
        Height and width; None where that is unknown, as for files that cannot be read.
    """
    path = Path(path)
    if kind_of(path) != "file":
        return None
    try:
        with path.open("rb") as stream:
            return header_size_hw(stream)
    except (OSError, ValueError):
        return None


def image_bytes(path: str | Path) -> int:
    """Return the memory that an image takes once it is decoded, by its file's header.

    Args:
        path: The file.

    Returns:
        Bytes; 0 where that is unknown.
    """
    height, width = stated_size_hw(path) or (0, 0)
    return 3 * height * width


def read_open_file(file: BinaryIO, *, max_pixels: int = MAX_PIXELS) -> ImageBGR:
    """Read an image from a file that somebody has opened; see `read_image`.

    Args:
        file: A file open for reading bytes, such as an upload. It is read from its beginning where
            it can be rewound, as Pillow does, and stays open.
        max_pixels: Larger images are refused before a pixel is decoded.

    Returns:
        (height, width, 3) uint8, BGR, contiguous.

    Raises:
        ImageError: It cannot be read, is open for text, is no image, damaged, too large, or has
            more than `MOST_BYTES`.
    """
    name = getattr(file, "name", None)
    name = name if isinstance(name, str) else "the open file"
    content = bytearray()
    try:
        with suppress(AttributeError, OSError):  # a pipe, or the answer of a server
            file.seek(0)
        while len(content) <= MOST_BYTES and (piece := file.read(_PIECE_BYTES)):
            content += piece
    except TypeError:
        raise ImageError(f"cannot read {name}: expected bytes, found a file of text") from None
    except (OSError, ValueError) as error:  # ValueError: it is closed
        raise ImageError(f"cannot read {name}: {one_line(error)}") from error
    if len(content) > MOST_BYTES:
        raise ImageError(f"cannot read {name}: expected at most {MOST_BYTES} bytes")
    return decode_image(content, name, max_pixels=max_pixels)


def decode_image(
    data: bytes | bytearray | memoryview, name: str, *, max_pixels: int = MAX_PIXELS
) -> ImageBGR:
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
    return decoded(io.BytesIO(data), name, max_pixels)


def as_image_bgr(image: object, *, color: ColorOrder = "bgr") -> ImageBGR:
    """Bring an image in memory to the form that everything here works on.

    Arrays are converted where nothing is lost, and refused with a hint where something would be:
    floats scaled to [0, 1], 16 bits, an alpha channel that hides something.

    Args:
        image: A PIL image of any mode (its EXIF orientation is applied), or an array of shape
            (height, width), (height, width, 1), (height, width, 3) or, with 255 as alpha
            throughout, (height, width, 4), of integers or floats that are whole numbers in
            [0, 255], of any byte order and strides.
        color: Order of an array's channels: ``"bgr"`` as OpenCV gives it, or ``"rgb"`` as most
            other libraries have it. PIL images know their own.

    Returns:
        (height, width, 3) uint8, BGR, contiguous. It shares memory with an array that has this
        form already.

    Raises:
        ImageError: Anything else.
        UsageError: `color` is neither of the two.
    """
    check_color(color)
    if isinstance(image, Image.Image):
        # It may be a file that is opened and not yet read, and damaged in any way.
        try:
            return upright_bgr(image)
        except ImageError:
            raise
        except Exception as error:
            raise ImageError(f"cannot use the PIL image: {one_line(error)}") from error
    if not isinstance(image, np.ndarray):
        raise ImageError(f"expected a PIL image or a numpy array, found {type(image).__name__}")
    return bgr_of_array(image, color)


def check_max_pixels(max_pixels: object) -> int:
    """Make sure that a limit of pixels is a positive number, and return it.

    Raises:
        UsageError: It is anything else.
    """
    is_number = isinstance(max_pixels, int | np.integer) and not isinstance(max_pixels, bool)
    if not is_number or max_pixels < 1:  # type: ignore[operator]
        raise UsageError(f"expected max_pixels of 1 or more, found {brief(max_pixels)}")
    return int(max_pixels)  # type: ignore[call-overload, no-any-return]


def encode_image(image: NDArray[Any], suffix: str) -> NDArray[np.uint8]:
    """Encode an image as a file.

    Args:
        image: (height, width, 3) uint8 BGR; (height, width, 4) uint8 BGRA for PNG, TIFF and WebP;
            or (height, width) uint8 or, for PNG and TIFF, uint16.
        suffix: One of `WRITABLE_SUFFIXES`.

    Returns:
        (bytes,) uint8, the content of the file.

    Raises:
        OutputError: The format cannot hold the image.
    """
    try:
        complete, encoded = cv2.imencode(suffix, image)
    except cv2.error:  # how OpenCV 4 reports it
        complete, encoded = False, None
    if not complete:
        height, width = image.shape[:2]
        raise OutputError(f"a {suffix[1:].upper()} cannot hold {height}x{width} pixels")
    return encoded  # type: ignore[return-value]


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
        encoded = encode_image(image, suffix)
    except OutputError as error:
        raise OutputError(f"cannot write {path}: {error}") from None
    with atomic_path(path) as temporary:
        temporary.write_bytes(encoded.data)
