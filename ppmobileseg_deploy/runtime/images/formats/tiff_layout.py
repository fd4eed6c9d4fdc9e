"""What a TIFF file says about its first page: what numbers mean, and how they are stored.

Format: TIFF 6.0 (Adobe, 1992); technical notes 1 and 2 to it; BigTIFF; the tags of libtiff.
"""

from dataclasses import dataclass
from typing import Final

from ....errors import ImageError
from .tags import Directory

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR, LAB = 0, 1, 2, 3, 5, 6, 8
"""What samples mean: TIFF's photometric interpretations that are read."""

RAW, LZW, JPEG, PACKBITS, LZMA, ZSTD = 1, 5, 7, 32773, 34925, 50000
FAX, DEFLATE = (2, 3, 4, 32771), (8, 32946)
"""TIFF's numbers of some ways of compression."""

ASSOCIATED_ALPHA, ALPHA = 1, 2
"""TIFF's numbers of samples that say how opaque a pixel is, the first of which colours contain."""

MOST_SEGMENTS: Final = 1 << 18
"""Strips or tiles that a page may have."""

_MOST_SAMPLES: Final = 4096
_UNCHECKED_TILE_PIXELS: Final = 1 << 24

_COMPRESSIONS: Final = {
    RAW: "no compression",
    2: "fax (RLE)",
    3: "fax (group 3)",
    4: "fax (group 4)",
    LZW: "LZW",
    6: "old JPEG",
    JPEG: "JPEG",
    8: "deflate",
    32771: "fax (RLE, words)",
    PACKBITS: "PackBits",
    32809: "ThunderScan",
    32946: "deflate",
    33003: "JPEG 2000",
    33005: "JPEG 2000",
    34676: "SGI Log",
    34677: "SGI Log",
    34712: "JPEG 2000",
    34887: "LERC",
    34892: "lossy JPEG of raw photographs",
    LZMA: "LZMA",
    ZSTD: "Zstandard",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
_PHOTOMETRICS: Final = {
    WHITE_IS_ZERO: "gray, white is 0",
    BLACK_IS_ZERO: "gray, black is 0",
    RGB: "RGB",
    PALETTE: "palette",
    4: "a transparency mask",
    CMYK: "separations",
    YCBCR: "YCbCr",
    LAB: "Lab",
    9: "ICC Lab",
    10: "ITU Lab",
    32803: "a camera's colour filters",
    32844: "logarithmic luminance",
    32845: "logarithmic luminance",
    34892: "a camera's linear values",
}
_NUMBER_KINDS: Final = {
    1: "whole numbers",
    2: "signed whole numbers",
    3: "floating point",
    4: "whole numbers",  # "undefined": to be read as if nothing were said
    5: "complex whole numbers",
    6: "complex floating point",
}


@dataclass(frozen=True)
class Layout:
    """The first page of a TIFF file.

    Attributes:
        size_hw: Height and width in pixels, as stored.
        photometric: What the samples mean.
        samples: Numbers of each pixel, colours and others.
        bits: Of each of them; several numbers if they differ.
        number_kind: TIFF's sample format: 1 for unsigned whole numbers.
        extra_samples: What the samples after the colours are: 1 or 2 for alpha.
        planes: The samples are stored one after another, not pixel by pixel.
        compression: TIFF's number of it.
        reversed_bits: The last bit of a byte comes first.
        predictor: 1 for none, 2 if differences to the left are stored.
        tiled: It is stored in tiles, not in strips.
        segment_hw: Height and width of a strip or tile.
    """

    size_hw: tuple[int, int]
    photometric: int
    samples: int
    bits: tuple[int, ...]
    number_kind: int
    extra_samples: tuple[int, ...]
    planes: bool
    compression: int
    reversed_bits: bool
    predictor: int
    tiled: bool
    segment_hw: tuple[int, int]

    @property
    def alpha(self) -> int:
        """`ALPHA` or `ASSOCIATED_ALPHA` if the first sample after the colours is one, else 0."""
        first = self.extra_samples[0] if self.extra_samples else 0
        return first if first in (ALPHA, ASSOCIATED_ALPHA) else 0

    @property
    def segments(self) -> int:
        """Strips or tiles of the page, or of each of its planes."""
        return _ceil(self.size_hw[0], self.segment_hw[0]) * _ceil(
            self.size_hw[1], self.segment_hw[1]
        )

    @property
    def stored_hw(self) -> tuple[int, int]:
        """Height and width of what is decoded: tiles go beyond the page's edges."""
        if not self.tiled:
            return self.size_hw
        (height, width), (down, right) = self.size_hw, self.segment_hw
        return _ceil(height, down) * down, _ceil(width, right) * right

    def __str__(self) -> str:
        bits = "/".join(map(str, self.bits[:4]))
        kind = _NUMBER_KINDS.get(self.number_kind, "unknown numbers")
        photometric = _PHOTOMETRICS.get(self.photometric, f"photometric {self.photometric}")
        compression = _COMPRESSIONS.get(self.compression, f"compression {self.compression}")
        return (
            f"{self.samples} x {bits} bits ({kind}) a pixel, {photometric}"
            f"{', plane by plane' if self.planes else ''}, {compression}"
        )


def read_layout(directory: Directory) -> Layout:
    """Read what a directory says.

    Args:
        directory: The first of a file.

    Raises:
        ImageError: The page is not the picture.
        ValueError: What it says contradicts itself.
    """
    tags = directory
    _check_page(tags)
    size_hw = tags.number(257, 0), tags.number(256, 0)
    samples = tags.number(277, 1)
    if not 0 < samples <= _MOST_SAMPLES or min(size_hw) < 1:
        raise ValueError(f"{samples} samples of {size_hw[0]}x{size_hw[1]} pixels")
    tiled = 322 in tags.entries or 324 in tags.entries
    if tiled:
        segment_hw = tags.number(323, 0), tags.number(322, 0)
    else:
        segment_hw = min(tags.number(278, size_hw[0]), size_hw[0]), size_hw[1]
    if min(segment_hw) < 1:
        raise ValueError(f"tiles or strips of {segment_hw[0]}x{segment_hw[1]} pixels")
    bits = tags.numbers(258, _MOST_SAMPLES) or (1,)
    kinds = tags.numbers(339, _MOST_SAMPLES) or (1,)
    return Layout(
        size_hw=size_hw,
        # Fax machines' and the oldest files may not say it; white is 0 then.
        photometric=tags.number(262, WHITE_IS_ZERO),
        samples=samples,
        bits=bits[:1] if len(set(bits)) == 1 else bits,
        number_kind={4: 1}.get(max(kinds), max(kinds)),
        extra_samples=tags.numbers(338, _MOST_SAMPLES),
        planes=tags.number(284, 1) == 2 and samples > 1,
        compression=tags.number(259, RAW),
        reversed_bits=tags.number(266, 1) == 2,
        predictor=tags.number(317, 1),
        tiled=tiled,
        segment_hw=segment_hw,
    )


def check_segments(layout: Layout) -> None:
    """Refuse strips and tiles of such numbers and sizes as no picture has.

    Args:
        layout: What the page's directory says.

    Raises:
        ImageError: There are too many, or they are much larger than the page.
    """
    height, width = layout.size_hw
    wanted = layout.segments * (layout.samples if layout.planes else 1)
    what = "tiles" if layout.tiled else "strips"
    if wanted > MOST_SEGMENTS:
        raise ImageError(f"expected at most {MOST_SEGMENTS} {what} in a TIFF file, found {wanted}")
    down, right = layout.stored_hw
    if down * right > 4 * height * width + _UNCHECKED_TILE_PIXELS:
        raise ImageError(
            f"expected tiles of about the size of the picture, {height}x{width} pixels, "
            f"found {layout.segment_hw[0]}x{layout.segment_hw[1]}"
        )


def _check_page(tags: Directory) -> None:
    # A raw photograph's first page is its thumbnail, the picture one that we cannot read.
    if tags.number(254, 0) & 1 and (tags.has_next or 330 in tags.entries):
        raise ImageError(
            "expected the picture on a TIFF file's first page, found a smaller version of it, as "
            "in cameras' raw files"
        )
    if max(tags.number(32997, 1), tags.number(32998, 1)) > 1:
        raise ImageError("expected a TIFF file of two dimensions, found one of three")


def _ceil(number: int, divisor: int) -> int:
    return -(-number // divisor)
