"""Orientation: read from EXIF or XMP data, and applied to the pixels.

Unreadable EXIF or XMP data are no reason to refuse pixels that are whole: they count as none.

Source: Exif 2.32, section 4.6.4 (tag 0x0112); XMP, ``tiff:Orientation``.
"""

import contextlib
import io
import re
import struct
from typing import Any, Final

import cv2
from numpy.typing import NDArray

from .tags import Directory, read_directory

UPRIGHT: Final = 1
EXIF_MARK: Final = b"Exif\0\0"
"""What EXIF data begin with in some formats."""

MOST_BYTES: Final = 1 << 20
"""Longer EXIF or XMP data are not looked into."""

_ALL: Final = range(1, 9)
_TAG: Final = 0x0112
_XMP_TAG: Final = 700
_XMP: Final = re.compile(rb'tiff:Orientation(?:="|>)([0-9])')


def orientation_of(exif: bytes, xmp: bytes = b"") -> int:
    """Read how an image is to be turned.

    Args:
        exif: EXIF data, with or without `EXIF_MARK` before it; empty if there are none.
        xmp: An XMP packet, which counts where EXIF data say nothing; empty if there is none.

    Returns:
        1 to 8; 1, upright, where neither says anything that makes sense.
    """
    try:
        directory = read_directory(io.BytesIO(exif.removeprefix(EXIF_MARK)[:MOST_BYTES]))
    except (ValueError, struct.error):
        return _of_xmp(xmp)
    return orientation_in(directory, xmp)


def orientation_in(directory: Directory, xmp: bytes = b"") -> int:
    """Read how an image is to be turned from the directory of EXIF data or a TIFF file.

    Args:
        directory: It; TIFF files may have their XMP packet in it.
        xmp: The XMP packet of another place.

    Returns:
        1 to 8, as of `orientation_of`.
    """
    with contextlib.suppress(ValueError):
        values = directory.numbers(_TAG)
        if values:
            return values[0] if values[0] in _ALL else UPRIGHT
        if _XMP_TAG in directory.entries:
            xmp = directory.data(_XMP_TAG, MOST_BYTES)
    return _of_xmp(xmp)


def _of_xmp(xmp: bytes) -> int:
    match = _XMP.search(xmp[:MOST_BYTES])
    return int(match[1]) if match and int(match[1]) in _ALL else UPRIGHT


def turned(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn an image upright by its EXIF orientation.

    Args:
        pixels: (height, width) or (height, width, channels).
        orientation: As EXIF counts the eight ways to hold a camera: 2, 4, 5 and 7 are mirrored.

    Returns:
        The pixels, contiguous; the same array if it is upright.
    """
    if orientation in (5, 7):
        pixels = cv2.transpose(pixels)
    if orientation in (3, 7):
        return cv2.rotate(pixels, cv2.ROTATE_180)
    if orientation == 6:
        return cv2.rotate(pixels, cv2.ROTATE_90_CLOCKWISE)
    if orientation == 8:
        return cv2.rotate(pixels, cv2.ROTATE_90_COUNTERCLOCKWISE)
    if orientation in (2, 4):
        return cv2.flip(pixels, 1 if orientation == 2 else 0)
    return pixels
