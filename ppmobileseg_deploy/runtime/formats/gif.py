"""GIF: screen, palette and the first picture; comments and the like are stepped over.

Format: https://www.w3.org/Graphics/GIF/spec-gif89a.txt
"""

import os
from typing import BinaryIO, Final

from PIL import GifImagePlugin

from ...errors import ImageError
from ..arrays import ImageBGR
from ..claims import LZW, Limits
from ..pil_images import bgr_of_pil
from .pieces import Piece, assembled

MAGIC: Final = b"GIF8"

_EXTENSION, _PICTURE, _CONTROL = b"!", b",", 0xF9
_MOST_BLOCKS: Final = 1 << 18


def decode(stream: BinaryIO, limits: Limits) -> ImageBGR:
    """Decode a GIF file, of an animation the first frame; see `formats`."""
    image = GifImagePlugin.GifImageFile(assembled(stream, _essentials(stream, limits.file_bytes)))
    width, height = image.size
    limits.check((height, width), LZW)
    return bgr_of_pil(image)


def _essentials(stream: BinaryIO, file_bytes: int) -> list[Piece]:
    screen = stream.read(13)
    if len(screen) < 13:
        raise ValueError("no header")
    start = 13 + _palette_bytes(screen[10])
    pieces: list[Piece] = [range(start)]
    control: Piece = b""
    stream.seek(start)
    blocks = 0
    while (kind := stream.read(1)) == _EXTENSION:
        label = stream.read(1)
        at = stream.tell() - 2
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
        if label[0] == _CONTROL:
            control = range(at, stream.tell())
    if kind != _PICTURE:
        raise ValueError("no picture")
    return [*pieces, control, range(stream.tell() - 1, file_bytes)]


def _palette_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0
