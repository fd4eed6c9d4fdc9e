"""PGM and PPM in binary, whose pixels are bytes, or pairs of them, as they are.

NumPy takes them from the file: Pillow reads comments, and any depth but 8 and 16 bits, byte by
byte in Python.

Format: https://netpbm.sourceforge.net/doc/ppm.html
"""

import re
from typing import Any, BinaryIO, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ....types import ImageBGR
from ..headers import Limits

MAGICS: Final = (b"P5", b"P6")

_MOST_HEADER_BYTES: Final = 1 << 16
# Numbers with white space or comments before each, and one white space after the last.
_GAP: Final = rb"(?:\s|#[^\r\n]*[\r\n])+"
_HEADER: Final = re.compile(rb"P([56])" + 3 * (_GAP + rb"(\d{1,10})") + rb"(?:#[^\r\n]*[\r\n])*\s")
_BAND_VALUES: Final = 1 << 20


def decode(stream: BinaryIO, limits: Limits) -> ImageBGR:
    """Decode a PGM or PPM file; see `formats`."""
    match = _HEADER.match(stream.read(_MOST_HEADER_BYTES))
    if match is None:
        raise ValueError("no header")
    width, height, most = (int(match[each]) for each in (2, 3, 4))
    channels = 3 if match[1] == b"6" else 1
    if not 0 < most <= 0xFFFF:
        raise ValueError(f"values up to {most}")
    limits.check((height, width), 1 / channels)
    stream.seek(match.end())
    dtype = np.dtype(">u2" if most > 0xFF else "u1")
    bgr = np.empty((height, width, 3), np.uint8)
    code = cv2.COLOR_RGB2BGR if channels == 3 else cv2.COLOR_GRAY2BGR
    # In bands, so that conversions take no second image's worth of memory.
    rows = max(1, _BAND_VALUES // (width * channels))
    for top in range(0, height, rows):
        count = min(rows, height - top)
        data = stream.read(count * width * channels * dtype.itemsize)
        if len(data) < count * width * channels * dtype.itemsize:
            raise ValueError("its last pixels are missing")
        band = np.frombuffer(data, dtype).reshape(count, width, channels)
        bgr[top : top + count] = cv2.cvtColor(_scaled(band, most), code)
    return bgr


def _scaled(band: NDArray[Any], most: int) -> NDArray[np.uint8]:
    """Bring values of up to `most` to [0, 255]; of 16 bits the upper byte."""
    full, shift = (0xFF, 0) if most <= 0xFF else (0xFFFF, 8)
    if most != full:
        band = (np.minimum(band, most).astype(np.uint32) * full + most // 2) // most
    return (band >> shift).astype(np.uint8, copy=False)
