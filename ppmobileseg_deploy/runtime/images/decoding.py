"""Image decoder: finds the format of a file, and raises one error for all kinds of damage.

Pillow decodes most formats, because it refuses truncated files; OpenCV fills their missing part
with grey and says so on stderr only. The decoders are named one by one: a photograph needs no
others, some of Pillow's start programs (EPS), and the pixel limit of `PIL.Image.open` is the whole
process's. The header, which decoders act upon, is checked in `formats` before.
"""

import os
from collections.abc import Callable
from typing import BinaryIO, Final

from ...errors import ImageError
from ...types import ImageBGR, SizeHW
from .formats import bmp, gif, jpeg, png, pnm, tags, tiff, webp
from .headers import MAX_PIXELS, Limits

_Decode = Callable[[BinaryIO, Limits], ImageBGR]

_FORMATS: Final[tuple[tuple[bytes, str, _Decode], ...]] = (
    (jpeg.MAGIC, "JPEG", jpeg.decode),
    (png.MAGIC, "PNG", png.decode),
    (webp.MAGIC, "WEBP", webp.decode),
    (bmp.MAGIC, "BMP", bmp.decode),
    *((magic, "TIFF", tiff.decode) for magic in tags.MAGICS),
    (gif.MAGIC, "GIF", gif.decode),
    *((magic, "PPM", pnm.decode) for magic in pnm.MAGICS),
)
_PREFIX_BYTES: Final = 12


def decoded(stream: BinaryIO, name: str, max_pixels: int) -> ImageBGR:
    """Decode an image file.

    Args:
        stream: Its content; seekable.
        name: What messages call it.
        max_pixels: Larger images are refused before a pixel is decoded.

    Returns:
        (height, width, 3) uint8, BGR, upright, contiguous.

    Raises:
        ImageError: It is no image, damaged, of a kind that is not read, or too large.
        OSError: The stream cannot be read.
    """
    try:
        return _decoded(stream, max_pixels)
    except ImageError as error:
        message = f"cannot read {name}: {error}"
        raise ImageError(message, parameter=error.parameter) from error.__cause__


def header_size_hw(stream: BinaryIO) -> SizeHW | None:
    """Return height and width as the header of an image file has them, before any turn.

    Args:
        stream: Its content; seekable.

    Returns:
        None where decoding would fail, or a damaged file has to be decoded for its size.

    Raises:
        OSError: The stream cannot be read.
    """
    prefix = stream.read(_PREFIX_BYTES)
    file_bytes = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    try:
        _, decode = _format(prefix)
        decode(stream, _SizeOnly(MAX_PIXELS, file_bytes))
    except _StatedSize as stated:
        return stated.size_hw
    except OSError:
        raise
    except Exception:  # damage of any kind, which decoding reports
        return None
    return None


def one_line(error: BaseException) -> str:
    """Give an error's message without line breaks; its type if it has none."""
    return " ".join(str(error).split()) or type(error).__name__


class _StatedSize(Exception):  # noqa: N818
    """Ends decoding where the size is known."""

    def __init__(self, size_hw: SizeHW) -> None:
        super().__init__()
        self.size_hw = size_hw


class _SizeOnly(Limits):
    """Limits that no size passes: decoders check it before they take memory for pixels."""

    def check(self, size_hw: SizeHW, pixels_per_byte: float) -> None:  # noqa: ARG002
        raise _StatedSize(size_hw)


def _decoded(stream: BinaryIO, max_pixels: int) -> ImageBGR:
    prefix = stream.read(_PREFIX_BYTES)
    limits = Limits(max_pixels, file_bytes=stream.seek(0, os.SEEK_END))
    stream.seek(0)
    kind, decode = _format(prefix)
    # On damaged files decoders raise errors of any type.
    try:
        return decode(stream, limits)
    except ImageError:
        raise
    except Exception as error:
        raise ImageError(
            f"expected a complete {kind} file, found a damaged one ({one_line(error)})"
        ) from error


def _format(prefix: bytes) -> tuple[str, _Decode]:
    if not prefix:
        raise ImageError("expected an image, found an empty file")
    for magic, kind, decode in _FORMATS:
        if prefix.startswith(magic):
            return kind, decode
    raise ImageError(
        "expected a JPEG, PNG, WebP, BMP, TIFF, GIF, PGM or PPM image, "
        f"found a file that starts with {prefix!r}"
    )
