"""Which kinds of TIFF files are read: those of which nothing has to be guessed.

Numbers in [0, 2^bits - 1] that the file calls gray, a palette's indices, red, green and blue, or
four inks. Floating point and signed numbers have no white; of several bands without names nobody
knows which are red, green and blue; 32 bits are a measurement, not a picture.
"""

from typing import Final

from .. import headers as claims
from .tags import Directory
from .tiff_layout import (
    ASSOCIATED_ALPHA,
    BLACK_IS_ZERO,
    CMYK,
    DEFLATE,
    FAX,
    JPEG,
    LAB,
    LZMA,
    LZW,
    PACKBITS,
    PALETTE,
    RAW,
    RGB,
    WHITE_IS_ZERO,
    YCBCR,
    ZSTD,
    Layout,
)

GRAY: Final = (WHITE_IS_ZERO, BLACK_IS_ZERO)
"""Photometric interpretations of gray pictures."""

COLORS: Final = {**dict.fromkeys((*GRAY, PALETTE), 1), RGB: 3, CMYK: 4, YCBCR: 3, LAB: 3}
"""How many samples the colours of a pixel take."""

_COMPRESSIONS: Final = (RAW, *FAX, LZW, JPEG, *DEFLATE, PACKBITS, LZMA, ZSTD)
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


def what_is_missing(directory: Directory, layout: Layout) -> str:
    """Tell what a page would have to be so that it can be read; empty if it is that.

    Args:
        directory: The page's.
        layout: What it says.

    Returns:
        What was expected of it, for a message.
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
    if compression not in _COMPRESSIONS or (
        compression in FAX and (layout.bits[0], layout.samples) != (1, 1)
    ):
        return "no compression, LZW, deflate, PackBits, JPEG, LZMA, Zstandard or fax"
    return (
        _missing_of_samples(layout)
        or _missing_of_storage(layout)
        or _missing_of_ycbcr(directory, layout)
    )


def most_pixels_per_byte(layout: Layout) -> float:
    """Give the most pixels that a byte of the page's strips or tiles can hold."""
    if layout.compression == JPEG:
        return claims.JPEG
    if layout.compression in FAX:  # a bit for a line like the last one, or 12 for 2560 pixels
        return max(8 * layout.size_hw[1], 2048)
    of_bytes = {
        RAW: 1,
        PACKBITS: 64,
        LZW: claims.LZW,
        LZMA: claims.LZMA,
        ZSTD: claims.ZSTANDARD,
        **dict.fromkeys(DEFLATE, claims.DEFLATE),
    }
    return of_bytes[layout.compression] * 8 / (layout.bits[0] * layout.samples)


def _missing_of_samples(layout: Layout) -> str:
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


def _missing_of_storage(layout: Layout) -> str:
    compression, bits = layout.compression, layout.bits[0]
    if layout.planes and (bits not in (8, 16) or layout.photometric in (PALETTE, YCBCR, LAB)):
        return "pixel by pixel"
    if compression == JPEG and bits != 8:
        return "JPEG of 8 bits a sample"
    # Where others are stored, some programs undo differences and some do not.
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


def _missing_of_ycbcr(directory: Directory, layout: Layout) -> str:
    if layout.photometric != YCBCR or layout.compression == JPEG:
        return ""
    # Pillow converts as JPEG does.
    usual = (
        directory.numbers(_YCBCR_SUBSAMPLING) == (1, 1)
        and directory.ratios(_YCBCR_COEFFICIENTS) in ((), (0.299, 0.587, 0.114))
        and directory.ratios(_REFERENCE_LEVELS) in ((), (0, 255, 128, 255, 128, 255))
    )
    return "" if usual else "YCbCr as in JPEG, every pixel with its own colour"
