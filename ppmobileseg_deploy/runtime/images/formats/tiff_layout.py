"""TIFF pages: how their pixels are stored, and which kinds of them are read.

Read are those of which nothing has to be guessed: numbers in [0, 2^bits - 1] that the file calls
gray, indices of a palette, red, green and blue, or four inks. Floating point and signed numbers
have no white; several bands without names may be in any order; 32 bits are a measurement.

Format: TIFF 6.0 (Adobe, 1992); technical notes 1 and 2 to it; BigTIFF; the tags of libtiff.
"""

from dataclasses import dataclass
from typing import Final

from ....errors import ImageError
from .. import headers
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

GRAY: Final = (WHITE_IS_ZERO, BLACK_IS_ZERO)
"""Photometric interpretations of gray pictures."""

COLORS: Final = {**dict.fromkeys((*GRAY, PALETTE), 1), RGB: 3, CMYK: 4, YCBCR: 3, LAB: 3}
"""How many samples the colours of a pixel take."""

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
    4: "whole numbers",  # "undefined": read like an unstated kind
    5: "complex whole numbers",
    6: "complex floating point",
}
_READABLE_COMPRESSIONS: Final = (RAW, *FAX, LZW, JPEG, *DEFLATE, PACKBITS, LZMA, ZSTD)
_WITH_DIFFERENCES: Final = (LZW, *DEFLATE, LZMA, ZSTD)
_BITS: Final = {
    **dict.fromkeys(GRAY, (1, 2, 4, 8, 12, 16)),
    PALETTE: (1, 2, 4, 8),
    RGB: (8, 16),
    CMYK: (8, 16),
    YCBCR: (8,),
    LAB: (8,),
}
# How many samples after the colours Pillow steps over where pixels lie one by one.
_MOST_EXTRA: Final = {
    **dict.fromkeys(((BLACK_IS_ZERO, 8), (WHITE_IS_ZERO, 8), (PALETTE, 8)), 1),
    (RGB, 8): 3,
    (RGB, 16): 1,
    (CMYK, 8): 2,
}
_INK_SET, _YCBCR_COEFFICIENTS, _YCBCR_SUBSAMPLING, _REFERENCE_LEVELS = 332, 529, 530, 532


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


def unmet_requirement(directory: Directory, layout: Layout) -> str:
    """Return the first requirement that a page does not meet; empty if it can be read.

    Args:
        directory: The page's.
        layout: What it says.

    Returns:
        What was expected of it, as messages have it.
    """
    photometric = layout.photometric
    if photometric not in COLORS or (photometric == CMYK and directory.number(_INK_SET, 1) != 1):
        return "gray, RGB, CMYK, YCbCr, Lab or a palette"
    if layout.number_kind != 1:
        return "whole numbers, none of them below 0"
    if len(layout.bits) > 1 or layout.bits[0] not in _BITS[photometric]:
        *most, last = _BITS[photometric]
        return f"{', '.join(map(str, most))}{' or ' if most else ''}{last} bits a sample"
    compression = layout.compression
    if compression not in _READABLE_COMPRESSIONS or (
        compression in FAX and (layout.bits[0], layout.samples) != (1, 1)
    ):
        return "no compression, LZW, deflate, PackBits, JPEG, LZMA, Zstandard or fax"
    return (
        _unmet_by_samples(layout)
        or _unmet_by_storage(layout)
        or _unmet_by_ycbcr(directory, layout)
    )


def most_pixels_per_byte(layout: Layout) -> float:
    """Give the most pixels that a byte of the page's strips or tiles can hold."""
    if layout.compression == JPEG:
        return headers.JPEG
    if layout.compression in FAX:  # a bit for a line like the last one, or 12 for 2560 pixels
        return max(8 * layout.size_hw[1], 2048)
    of_bytes = {
        RAW: 1,
        PACKBITS: 64,
        LZW: headers.LZW,
        LZMA: headers.LZMA,
        ZSTD: headers.ZSTANDARD,
        **dict.fromkeys(DEFLATE, headers.DEFLATE),
    }
    return of_bytes[layout.compression] * 8 / (layout.bits[0] * layout.samples)


def _unmet_by_samples(layout: Layout) -> str:
    photometric, bits, alpha = layout.photometric, layout.bits[0], layout.alpha
    colors = COLORS[photometric]
    extra = layout.samples - colors
    if extra < 0:
        return f"{colors} samples a pixel"
    if photometric in GRAY and extra and (extra > 1 or not alpha):
        return "one gray band, or bands that the file calls colours"
    if alpha == ASSOCIATED_ALPHA and photometric not in (BLACK_IS_ZERO, RGB):
        return "colours not multiplied by how opaque they are"
    most = _MOST_EXTRA.get((photometric, bits), 0)
    if extra > most and not (layout.planes and bits in (8, 16)):
        return f"at most {colors + most} samples a pixel, or plane by plane"
    return ""


def _unmet_by_storage(layout: Layout) -> str:
    compression, bits = layout.compression, layout.bits[0]
    if layout.planes and (bits not in (8, 16) or layout.photometric in (PALETTE, YCBCR, LAB)):
        return "pixel by pixel"
    if compression == JPEG and bits != 8:
        return "JPEG of 8 bits a sample"
    # Elsewhere, some programs undo the predictor and some do not.
    if layout.predictor != 1 and not (
        layout.predictor == 2 and compression in _WITH_DIFFERENCES and bits in (8, 16)
    ):
        return "differences to the left only where they are compressed"
    if layout.reversed_bits and not _has_known_order(layout):
        return "the first bit of a byte first"
    return ""


def _has_known_order(layout: Layout) -> bool:
    if layout.bits[0] > 8 or (layout.photometric, layout.compression) == (PALETTE, RAW):
        return False
    return layout.planes or layout.samples == 1 or (layout.photometric, layout.samples) == (RGB, 3)


def _unmet_by_ycbcr(directory: Directory, layout: Layout) -> str:
    if layout.photometric != YCBCR or layout.compression == JPEG:
        return ""
    # Pillow converts as JPEG does.
    usual = (
        directory.numbers(_YCBCR_SUBSAMPLING) == (1, 1)
        and directory.ratios(_YCBCR_COEFFICIENTS) in ((), (0.299, 0.587, 0.114))
        and directory.ratios(_REFERENCE_LEVELS) in ((), (0, 255, 128, 255, 128, 255))
    )
    return "" if usual else "YCbCr as in JPEG, every pixel with its own colour"


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
