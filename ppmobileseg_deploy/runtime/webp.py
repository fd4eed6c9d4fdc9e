"""Headers of WebP files, read before anything is decoded.

Pillow knows WebP as animations only and spends 16 bytes on each pixel of a still image, one
canvas after the other; OpenCV decodes into the array that we want, and needs 3 to 7. It has no
eye for EXIF data in old releases, and decodes the first frame of an animation in new ones only.

Format: https://developers.google.com/speed/webp/docs/riff_container
"""

import struct
from dataclasses import dataclass
from typing import Final

_ANIMATION_FLAG: Final = 0x02


@dataclass(frozen=True)
class WebPHeader:
    """What a WebP file says before its pixels.

    Attributes:
        size_hw: Height and width in pixels, of the canvas if there is one.
        lossless: The image is in the lossless format, for which a flat image costs nothing.
        animated: There are frames.
        exif: The EXIF data; empty without.
    """

    size_hw: tuple[int, int]
    lossless: bool
    animated: bool
    exif: bytes


def read_header(content: bytes) -> WebPHeader:
    """Read the header of a WebP file.

    Args:
        content: The whole file: EXIF data come after the pixels.

    Returns:
        The largest size that any of its parts names.

    Raises:
        ValueError: No part says how large the image is.
    """
    if content[8:12] != b"WEBP":
        raise ValueError("no WEBP signature")
    height = width = 0
    lossless = animated = False
    exif = b""
    offset = 12
    while offset + 8 <= len(content):
        name, count = struct.unpack_from("<4sI", content, offset)
        start = offset + 8
        sized = _size_wh(name, content[start : start + 10])
        if sized is not None:
            width, height = max(width, sized[0]), max(height, sized[1])
        if name == b"VP8X" and start < len(content):
            animated = animated or bool(content[start] & _ANIMATION_FLAG)
        elif name == b"VP8L":
            lossless = True
        elif name == b"EXIF" and not exif:
            exif = content[start : start + count]
        offset = start + count + count % 2
    if not height * width:
        raise ValueError("no image data")
    return WebPHeader((height, width), lossless, animated, exif)


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
