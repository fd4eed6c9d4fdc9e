"""WebP: still images by OpenCV, animations by Pillow.

Pillow knows WebP as animations only and spends 16 bytes on each pixel of a still image, one
canvas after the other; OpenCV decodes into the array that we want, and needs 3 to 7. It has no
eye for EXIF data in old releases, and decodes the first frame of an animation in new ones only.

Format: https://developers.google.com/speed/webp/docs/riff_container
"""

import struct
from dataclasses import dataclass
from typing import BinaryIO, Final

import cv2
import numpy as np
from PIL import WebPImagePlugin

from ....errors import ImageError
from ....types import ImageBGR
from ..headers import ALMOST_NOTHING, Limits
from ..pil_images import bgr_of_pil
from .orientation import orientation_of, turned

MAGIC: Final = b"RIFF"

_ANIMATION_FLAG, _EXIF_FLAG = 0x02, 0x08
_MOST_CHUNKS: Final = 1 << 18
_LOSSY_PIXELS_PER_BYTE: Final = 640  # 3.3 bits for the prediction of a 16x16 block, no more


@dataclass(frozen=True)
class WebPHeader:
    """What a WebP file says before its pixels.

    Attributes:
        size_hw: Height and width in pixels, of the canvas if there is one.
        lossless: The image is in the lossless format, for which a flat image costs nothing.
        animated: There are frames.
        exif: The EXIF data; empty without.
        pixels: Where in the file the part with the colours of a still image is.
    """

    size_hw: tuple[int, int]
    lossless: bool
    animated: bool
    exif: bytes
    pixels: range


def decode(stream: BinaryIO, limits: Limits) -> ImageBGR:
    """Decode a WebP file, of an animation the first frame; see `formats`."""
    content = stream.read()
    header = read_header(content)
    # An animation's canvas may be larger than its frames: it takes memory, but no bytes.
    flat = header.lossless and not header.animated
    limits.check(header.size_hw, ALMOST_NOTHING if flat else _LOSSY_PIXELS_PER_BYTE)
    orientation = orientation_of(header.exif)
    if header.animated:
        stream.seek(0)
        return turned(bgr_of_pil(WebPImagePlugin.WebPImageFile(stream)), orientation)
    # A file of the pixels alone: other chunks may be damaged, and are not read.
    pixels = content[header.pixels.start : header.pixels.stop]
    file = struct.pack("<4sI4s", MAGIC, 4 + len(pixels), b"WEBP") + pixels
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    bgr = cv2.imdecode(np.frombuffer(file, np.uint8), flags)
    if bgr is None or bgr.shape[:2] != header.size_hw:
        raise ValueError("its pixels cannot be decoded")
    return turned(bgr, orientation)


def read_header(content: bytes) -> WebPHeader:
    """Read the header of a WebP file.

    Args:
        content: The whole file: EXIF data come after the pixels.

    Returns:
        The largest size that any of its parts names.

    Raises:
        ValueError: No part says how large the image is, or the end with its EXIF data is lost:
            then nothing says which side is up.
        ImageError: It has more parts than any image needs.
    """
    if content[8:12] != b"WEBP":
        raise ValueError("no WEBP signature")
    height = width = flags = 0
    lossless = False
    exif = b""
    pixels = range(0)
    offset = 12
    for _ in range(_MOST_CHUNKS):
        if offset + 8 > len(content):
            break
        name, count = struct.unpack_from("<4sI", content, offset)
        start = offset + 8
        sized = _size_wh(name, content[start : start + 10])
        if sized is not None:
            width, height = max(width, sized[0]), max(height, sized[1])
        if name == b"VP8X" and start < len(content):
            flags |= content[start]
        elif name in (b"VP8 ", b"VP8L") and not pixels:
            lossless = name == b"VP8L"
            pixels = range(offset, min(start + count + count % 2, len(content)))
        elif name == b"EXIF" and not exif and start + count <= len(content):
            exif = content[start : start + count]
        offset = start + count + count % 2
    else:
        raise ImageError(f"expected at most {_MOST_CHUNKS} chunks in a WebP file, found more")
    if not height * width:
        raise ValueError("no image data")
    is_cut = 8 + int.from_bytes(content[4:8], "little") > len(content) + 1
    if flags & _EXIF_FLAG and not exif and is_cut:
        raise ValueError("its EXIF data are cut off")
    return WebPHeader((height, width), lossless, bool(flags & _ANIMATION_FLAG), exif, pixels)


def _size_wh(name: bytes, payload: bytes) -> tuple[int, int] | None:
    if name == b"VP8X" and len(payload) == 10:
        return (
            int.from_bytes(payload[4:7], "little") + 1,
            int.from_bytes(payload[7:10], "little") + 1,
        )
    if name == b"VP8 " and payload[3:6] == b"\x9d\x01\x2a" and len(payload) == 10:
        width, height = struct.unpack_from("<HH", payload, 6)
        return width & 0x3FFF, height & 0x3FFF
    if name == b"VP8L" and payload[:1] == b"\x2f" and len(payload) >= 5:
        bits = int.from_bytes(payload[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None
