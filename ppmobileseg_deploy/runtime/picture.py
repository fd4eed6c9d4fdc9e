"""Picture: one image in memory, read from whatever a user has of it.

What is no image, but a video, a folder or several images, is refused with the call that takes it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import ImageError
from ..files import kind_of
from ..quoting import brief
from ..types import ColorOrder, ImageBGR
from .images.arrays import check_color
from .images.files import as_image_bgr, decode_image, read_image, read_open_file

ImageSource: TypeAlias = str | Path | bytes | BinaryIO | Image.Image | NDArray[Any]
"""What can be segmented: an image file's path, its content, the file open for reading bytes, a PIL
image, or an array."""

_ADDRESSES: Final = ("http://", "https://")
_EXPECTED: Final = "expected one image (a path, bytes, an open file, a PIL image or a numpy array)"


@dataclass(frozen=True)
class Picture:
    """An image in memory.

    Attributes:
        image_bgr: (height, width, 3) uint8.
        path: Where it came from, None if it was never a file.
    """

    image_bgr: ImageBGR
    path: Path | None

    @classmethod
    def of(cls, image: ImageSource, color: ColorOrder, max_pixels: int) -> "Picture":
        """Read or convert an image.

        Args:
            image: See `ImageSource`.
            color: Order of an array's channels.
            max_pixels: Larger images are refused before a pixel is decoded; arrays, which are in
                memory already, are not.

        Raises:
            ImageError: The image cannot be read, has an unusable shape or type, or is too large;
                or it is no single image.
            UsageError: ``color`` is unknown.
        """
        check_color(color)
        if isinstance(image, str | Path):
            return cls(_read(image, max_pixels), Path(image))
        if isinstance(image, bytes | bytearray | memoryview):
            return cls(decode_image(image, "the image", max_pixels=max_pixels), None)
        if isinstance(image, Image.Image):
            _check_pixels(image, max_pixels)
            return cls(as_image_bgr(image), None)
        if isinstance(image, np.ndarray):
            return cls(as_image_bgr(image, color=color), None)
        if hasattr(image, "read"):
            return cls(read_open_file(image, max_pixels=max_pixels), None)
        raise ImageError(f"{_EXPECTED}, found {_found(image)}")


def is_one_image(value: object) -> bool:
    """Return whether a value is one image whatever is in it: a path, bytes, a file, a PIL image.

    Arrays may be several.
    """
    kinds = str | Path | bytes | bytearray | memoryview | Image.Image
    return isinstance(value, kinds) or hasattr(value, "read")


def _read(path: str | Path, max_pixels: int) -> ImageBGR:
    if isinstance(path, str) and path.lower().startswith(_ADDRESSES):
        # As a path it would lose a slash, and be no such file.
        raise ImageError(
            f"expected an image, found an address: segmenter.stream({brief(path)}) fetches it"
        )
    try:
        return read_image(path, max_pixels=max_pixels)
    except ImageError:
        found, does = _other_kind(str(path))
        if not found:
            raise
        call = f"segmenter.stream({brief(str(path))})"
        raise ImageError(f"expected an image, found {found}: {call} {does}") from None


def _other_kind(location: str) -> tuple[str, str]:
    """Tell what a path names that is no image, and what `stream` does with it."""
    # Here: it loads what reads videos and the web, which images do not need.
    from .sources.lists import LIST_SUFFIX
    from .sources.patterns import is_pattern, is_sequence
    from .sources.source import VIDEO_SUFFIXES

    path = Path(location)
    kind, suffix = kind_of(path), path.suffix.lower()
    if kind == "folder":
        return "a folder", "segments what is in it"
    if kind == "file" and suffix in VIDEO_SUFFIXES:
        return "a video", "segments its frames"
    if kind == "file" and suffix == LIST_SUFFIX:
        return "a text file", "segments the files it lists"
    if kind is None and (is_pattern(location) or is_sequence(location)):
        return "a pattern", "segments the files that match"
    return "", ""


def _check_pixels(image: Image.Image, max_pixels: int) -> None:
    if image.width * image.height > max_pixels:
        raise ImageError(
            f"expected an image of at most {max_pixels} pixels, found {image.height}x{image.width}"
        )


def _found(value: object) -> str:
    if value is None:
        return "None, which is what cv2.imread gives for a file that it cannot read"
    if isinstance(value, Iterable):
        name = type(value).__name__
        return f"a {name}: segmenter.batch(images) or segmenter.stream(images) takes several"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value}: segmenter.stream({value}) reads a camera"
    return brief(value)
