"""GIF: screen, palette and the first picture; comments and the like are stepped over.

Format: https://www.w3.org/Graphics/GIF/spec-gif89a.txt
"""

import os
import struct
from typing import BinaryIO, Final

from PIL import GifImagePlugin

from ....errors import ImageError
from ....types import ImageBGR
from ..headers import LZW, Limits
from ..pil_images import bgr_of_pil
from .pieces import Piece, assembled

MAGIC: Final = b"GIF8"

_SCREEN_BYTES: Final = 13
_EXTENSION, _PICTURE, _CONTROL = b"!", b",", 0xF9
_MOST_BLOCKS: Final = 1 << 18


def decode(stream: BinaryIO, limits: Limits) -> ImageBGR:
    """Decode a GIF file, of an animation the first frame; see `formats`."""
    screen = stream.read(_SCREEN_BYTES)
    if len(screen) < _SCREEN_BYTES:
        raise ValueError("no header")
    start = _SCREEN_BYTES + (3 << (screen[10] & 7) + 1 if screen[10] & 0x80 else 0)
    stream.seek(start)
    control = _step_over_extensions(stream)
    picture = stream.tell()
    size_hw = _size_hw(screen, stream.read(10))
    limits.check(size_hw, LZW)
    # A screen that is large enough for its picture: Pillow would enlarge it within limits of its
    # own, which are the whole process's.
    enlarged = screen[:6] + struct.pack("<HH", *size_hw[::-1]) + screen[10:]
    pieces: list[Piece] = [
        enlarged,
        range(_SCREEN_BYTES, start),
        control,
        range(picture, limits.file_bytes),
    ]
    return bgr_of_pil(GifImagePlugin.GifImageFile(assembled(stream, pieces)))


def _step_over_extensions(stream: BinaryIO) -> Piece:
    """Go to the picture; give the control block, which tells the colour around it."""
    control: Piece = b""
    blocks = 0
    while stream.read(1) == _EXTENSION:
        start = stream.tell() - 1
        label = stream.read(1)[0]
        count = 1
        while count:
            count = stream.read(1)[0]
            stream.seek(count, os.SEEK_CUR)
            blocks += 1
            if blocks > _MOST_BLOCKS:
                raise ImageError(
                    f"expected at most {_MOST_BLOCKS} blocks before a GIF file's picture, "
                    "found more"
                )
        if label == _CONTROL:
            control = range(start, stream.tell())
    stream.seek(-1, os.SEEK_CUR)
    return control


def _size_hw(screen: bytes, picture: bytes) -> tuple[int, int]:
    if picture[:1] != _PICTURE or len(picture) < 10:
        raise ValueError("no picture")
    width, height = struct.unpack_from("<HH", screen, 6)
    left, top, right, down = struct.unpack_from("<HHHH", picture, 1)
    size_hw = max(height, top + down), max(width, left + right)
    if max(size_hw) > 0xFFFF:
        raise ValueError("a picture beyond the largest screen")
    return size_hw
