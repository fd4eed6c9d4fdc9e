"""Whether an MP4 or MOV file is all there.

Both are a row of boxes, each with its size in front (ISO/IEC 14496-12, 4.2). A download that broke
off ends within one.
"""

import os
import struct
from pathlib import Path
from typing import Final

BOX_TYPES: Final = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")
"""What the first box of a file can be."""

_MOST_BOXES: Final = 100_000


def has_boxes(path: Path) -> bool:
    """Return whether a file begins as MP4 and MOV files do.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as stream:
        return stream.read(8)[4:] in BOX_TYPES


def ends_within_box(path: Path) -> bool:
    """Return whether a file of boxes is shorter than its last box says.

    Args:
        path: A file that `has_boxes`.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as stream:
        end = stream.seek(0, os.SEEK_END)
        position = 0
        for _ in range(_MOST_BOXES):
            if position >= end:
                return position > end
            stream.seek(position)
            header = stream.read(16)
            if len(header) < 8:
                return True
            (size,) = struct.unpack(">I", header[:4])
            if size == 1 and len(header) == 16:
                (size,) = struct.unpack(">Q", header[8:])
            if size < 8:  # 0 means the rest of the file; others have no meaning
                return False
            position += size
    return False
