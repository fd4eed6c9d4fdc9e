"""Header checks: whether a file is long enough for the size in its header, before it is decoded.

A damaged or malicious header of a few bytes may state 200 megapixels, for which decoders allocate
and fill gigabytes. But every compression has a highest ratio, and a file whose header states more
is damaged. The limits, in the modules of the formats, are those of the formats themselves, reached
by images of one flat colour, so no intact file is refused: a flat PNG of 100 megapixels has its
100 kB, and passes.

Some compressions have no such limit: lossless WebP needs no bits at all for one colour, 38 bytes
for any size. For them we set a limit of our own, `ALMOST_NOTHING`, which only images of a single
colour reach. Below `UNCHECKED_PIXELS`, where a wrong size costs little, nothing is checked.
"""

from dataclasses import dataclass
from typing import Final

from ...errors import ImageError

MAX_PIXELS: Final = 200_000_000
"""Pixels that an image may have where the user sets no other limit."""

UNCHECKED_PIXELS: Final = 16_000_000
"""Images of up to so many pixels are decoded whatever their file's size: 7 bytes for each."""

DEFLATE: Final = 1032
"""Bytes that deflate makes of one, at the most: 258 from two codes of one bit."""

LZW: Final = 2560
"""Bytes that LZW makes of one: codes of 12 bits, for strings of up to 3838 bytes."""

LZMA: Final = 7100
"""Bytes that LZMA makes of one: 273 from 14 choices of a 45th of a bit."""

ZSTANDARD: Final = 32768
"""Bytes that Zstandard makes of one: a block of 128 kB from a header of 3 bytes and one value."""

JPEG: Final = 512
"""Pixels of a byte of JPEG: one bit for an 8x8 block, in a progressive file of the first scan."""

ALMOST_NOTHING: Final = 65536
"""Pixels of a byte where a format itself has no limit."""


@dataclass(frozen=True)
class Limits:
    """How large an image may be.

    Attributes:
        max_pixels: Larger images are refused before a pixel is decoded.
        file_bytes: Size of the file.
    """

    max_pixels: int
    file_bytes: int

    def check(self, size_hw: tuple[int, int], pixels_per_byte: float) -> None:
        """Refuse an image that is too large, or that its file is too short for.

        Args:
            size_hw: Height and width in the header.
            pixels_per_byte: The most that the format can make of a byte.

        Raises:
            ImageError: It is, or has no pixels.
        """
        height, width = size_hw
        if not 0 < height * width <= self.max_pixels:
            raise ImageError(
                f"expected 1 to {self.max_pixels} pixels, found {height}x{width}",
                parameter="max_pixels" if height * width else None,
            )
        needed = int(height * width / pixels_per_byte)
        if height * width > UNCHECKED_PIXELS and self.file_bytes < needed:
            raise ImageError(
                f"expected at least {needed} bytes for {height}x{width} pixels, "
                f"found {self.file_bytes}"
            )
