"""BMP, raw or run-length encoded.

Run lengths are OpenCV's: Pillow decodes them one by one in Python, and does not know lines that
were left out because they are blank. But it knows when it has enough, where OpenCV needs an end.

Format: https://learn.microsoft.com/windows/win32/gdi/bitmap-storage
"""

from typing import BinaryIO, Final

import cv2
import numpy as np
from PIL import BmpImagePlugin

from ....errors import ImageError
from ....types import ImageBGR
from ..headers import Limits
from ..pil_images import bgr_of_pil

MAGIC: Final = b"BM"

_RUN_LENGTHS: Final = (1, 2)
_PIXELS_PER_BYTE: Final = 128
_MOST_PIXELS_A_SIDE: Final = 1 << 20  # OpenCV's limit
_MOST_BYTES_ONE_BY_ONE: Final = 16 << 20  # two seconds


def decode(stream: BinaryIO, limits: Limits) -> ImageBGR:
    """Decode a BMP file; see `formats`."""
    image = BmpImagePlugin.BmpImageFile(stream)
    width, height = image.size
    packed = image.info.get("compression") in _RUN_LENGTHS
    limits.check((height, width), _PIXELS_PER_BYTE if packed else 8)
    if not packed:
        return bgr_of_pil(image)
    if max(height, width) > _MOST_PIXELS_A_SIDE:
        raise ImageError(
            f"expected at most {_MOST_PIXELS_A_SIDE} pixels a side in a BMP file of run lengths, "
            f"found {height}x{width}"
        )
    stream.seek(0)
    bgr = cv2.imdecode(np.frombuffer(stream.read(), np.uint8), cv2.IMREAD_COLOR)
    if bgr is not None:
        return bgr  # type: ignore[return-value]
    if limits.file_bytes > _MOST_BYTES_ONE_BY_ONE:
        raise ValueError("its pixels cannot be decoded")
    return bgr_of_pil(image)
