"""TIFF: the first page, where its header states which colours its numbers mean.

Pillow and libtiff decode, but not this file: they get a new header over the same strips or tiles,
of a kind that they read right (tests compare every kind with tifffile). Pillow takes planes of 16
bits for planes of 8, signed numbers for unsigned ones, and white that is 0 for black; and the
lengths in a header that we wrote are no stranger's. Samples that lie plane by plane are decoded as
so many gray pictures.
"""

import io
from typing import BinaryIO, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from ....errors import ImageError
from ....types import ImageBGR
from ..headers import Limits
from ..pil_images import bgr_of_pil
from .orientation import orientation_in, turned
from .tags import Directory, read_directory
from .tiff_header import rewritten
from .tiff_layout import (
    ASSOCIATED_ALPHA,
    CMYK,
    COLORS,
    GRAY,
    JPEG,
    LZMA,
    RGB,
    WHITE_IS_ZERO,
    YCBCR,
    ZSTD,
    Layout,
    check_segments,
    most_pixels_per_byte,
    read_layout,
    unmet_requirement,
)

_MODES: Final = dict.fromkeys(GRAY, "L") | {RGB: "RGB", CMYK: "CMYK"}
_OPTIONAL: Final = {LZMA: "lzma", ZSTD: "zstd"}


def decode(stream: BinaryIO, limits: Limits) -> ImageBGR:
    """Decode a TIFF file, of several pages the first; see `formats`."""
    directory, layout = _open(stream, limits)
    if layout.planes:
        image = _merged(directory, layout, limits)
    elif layout.photometric in GRAY and layout.samples == 1:
        image = Image.fromarray(_gray(directory, layout, limits, 0))
    else:
        image = _loaded(directory, layout, limits, None)
        if layout.photometric == YCBCR and layout.compression != JPEG:
            image = Image.merge("YCbCr", image.split())
    bgr = bgr_of_pil(image)
    if layout.photometric == WHITE_IS_ZERO:
        cv2.bitwise_not(bgr, bgr)
    return turned(bgr, orientation_in(directory))


def read_values(stream: BinaryIO, limits: Limits) -> NDArray[np.uint16]:
    """Read numbers as they are stored, class ids for example.

    Args:
        stream: A TIFF file of one number a pixel, a gray value or the index of a palette's colour.
        limits: How large it may be.

    Returns:
        (height, width), upright.

    Raises:
        ImageError: It is too large, or of another kind.
        Exception: It is damaged.
    """
    directory, layout = _open(stream, limits)
    if layout.samples > 1:
        raise ImageError(f"expected one number a pixel, found a TIFF file of {layout}")
    values = np.asarray(_loaded(directory, layout, limits, 0)).astype(np.uint16)
    bits = layout.bits[0]
    # Pillow stretches 2 and 4 bits to 8.
    values = values // np.uint16(0xFF // (2**bits - 1)) if bits in (2, 4) else values
    return turned(values, orientation_in(directory))


def _open(stream: BinaryIO, limits: Limits) -> tuple[Directory, Layout]:
    directory = read_directory(stream)
    layout = read_layout(directory)
    expected = unmet_requirement(directory, layout)
    if expected:
        raise ImageError(f"expected {expected}, found a TIFF file of {layout}")
    height, width = layout.size_hw
    stored_height, stored_width = layout.stored_hw
    surplus = stored_height * stored_width / (height * width)
    limits.check(layout.size_hw, most_pixels_per_byte(layout) / surplus)
    check_segments(layout)
    return directory, layout


def _merged(directory: Directory, layout: Layout, limits: Limits) -> Image.Image:
    mode = _MODES[layout.photometric]
    planes = COLORS[layout.photometric]
    if layout.alpha == ASSOCIATED_ALPHA:
        mode, planes = f"{mode}a", planes + 1
    bands = [Image.fromarray(_gray(directory, layout, limits, each)) for each in range(planes)]
    return Image.merge(mode, bands)


def _gray(directory: Directory, layout: Layout, limits: Limits, plane: int) -> NDArray[np.uint8]:
    """Decode one sample, brought to 8 bits."""
    values = np.asarray(_loaded(directory, layout, limits, plane))
    bits = layout.bits[0]
    if bits == 1:
        return values * np.uint8(0xFF)
    return (values >> bits - 8).astype(np.uint8) if bits > 8 else values


def _loaded(
    directory: Directory, layout: Layout, limits: Limits, plane: int | None
) -> Image.Image:
    try:
        image = _TiffImageFile(rewritten(directory, layout, limits.file_bytes, plane=plane))
        image.load()
    except SyntaxError as error:
        raise _unknown_to_pillow("kind", layout) from error
    except OSError as error:
        if layout.compression in _OPTIONAL and not _writes(_OPTIONAL[layout.compression]):
            raise _unknown_to_pillow("compression", layout) from error
        raise
    return image


def _unknown_to_pillow(what: str, layout: Layout) -> ImageError:
    return ImageError(
        f"expected a {what} that this release of Pillow reads, found a TIFF file of {layout}; "
        "pip install -U pillow brings one that does"
    )


def _writes(compression: str) -> bool:
    """Return whether libtiff was built with a compression; it tells only when it is used."""
    try:
        Image.new("L", (1, 1)).save(io.BytesIO(), "TIFF", compression=compression)
    except OSError:
        return False
    return True


class _TiffImageFile(TiffImagePlugin.TiffImageFile):
    def load_prepare(self) -> None:
        # Pillow would hold the pixels against the whole process's limit, not our caller's, and
        # warn from half of it on; it doesn't where the picture's memory is there already.
        self.im = Image.core.new(self.mode, self.size)  # type: ignore[attr-defined]
        super().load_prepare()
