"""What a file says about its size, held against what it can contain, before anything is decoded.

A damaged or malicious header of a few bytes may claim 200 megapixels; decoders believe it, set
gigabytes aside and fill them. But every way of compression has a most that it can make of a byte,
and a file that claims more is damaged, however it goes on. The limits below are those of the
formats themselves, reached by pictures of one flat colour, so no intact file is refused by them:
a flat PNG of 100 megapixels has its 100 kB, and passes.

Lossless WebP has no such limit: one colour takes no bits at all, 38 bytes for any size. There we
draw a line of our own, at pictures that are one colour and nothing else. Below
`UNCHECKED_PIXELS`, where a wrong claim costs little, nothing is checked.
"""

from typing import Final

from PIL import Image

from ..errors import ImageError

UNCHECKED_PIXELS: Final = 16_000_000
"""Images of up to so many pixels are decoded whatever their file's size: 7 bytes for each."""

_DEFLATE: Final = 1032  # 258 bytes from two codes of one bit
_LZW: Final = 2560  # codes of 12 bits, for strings of up to 3838 bytes
_JPEG: Final = 512  # one bit for an 8x8 block, in a progressive file of the first scan only
_RUNS_OF_255: Final = 128
_WEBP_LOSSY: Final = 640  # 3.3 bits for the prediction of a 16x16 block, the rest skipped
_WEBP_LOSSLESS: Final = 65536

_TIFF: Final = {
    "raw": 1,
    "packbits": 64,
    "tiff_lzw": _LZW,
    "tiff_adobe_deflate": _DEFLATE,
    "tiff_deflate": _DEFLATE,
    "jpeg": _JPEG,
    "tiff_jpeg": _JPEG,
}
"""Others (fax, LZMA, Zstandard) make a flat picture as small as they like."""

# Modes whose pixels may be packed, eight to a byte.
_PACKED: Final = frozenset({"1", "L", "P"})


def check_claim(size_hw: tuple[int, int], pixels_per_byte: int, file_bytes: int) -> None:
    """Refuse a file that is too short for the image that it claims to hold.

    Args:
        size_hw: Claimed height and width.
        pixels_per_byte: The most that the format can make of a byte; 0 for no limit.
        file_bytes: Size of the file.

    Raises:
        ImageError: The file is too short.
    """
    height, width = size_hw
    needed = -(-height * width // pixels_per_byte) if pixels_per_byte else 0
    if height * width > UNCHECKED_PIXELS and file_bytes < needed:
        raise ImageError(
            f"expected at least {needed} bytes for {height}x{width} pixels, found {file_bytes}"
        )


def most_pixels_per_byte(image: Image.Image) -> int:
    """Give the most pixels that a byte of a file can hold, by the file's header.

    Args:
        image: A file opened by Pillow, not loaded.

    Returns:
        Pixels per byte, rounded up where unsure; 0 if there is no limit.
    """
    packed = 8 if image.mode in _PACKED else 1
    if image.format == "PNG":
        return _DEFLATE * packed
    if image.format == "TIFF":
        return _TIFF.get(str(image.info.get("compression", "raw")), 0) * packed
    if image.format == "BMP":
        return _RUNS_OF_255 if image.info.get("compression") in (1, 2) else packed
    return {"GIF": _LZW, "JPEG": _JPEG, "PPM": 1}.get(image.format or "", 0)


def most_pixels_per_byte_of_webp(*, lossless: bool, animated: bool) -> int:
    """Give the most pixels that a byte of a WebP file can hold.

    Args:
        lossless: An image in the lossless format.
        animated: Frames on a canvas, which may be larger than they are: that costs no bytes
            either, but memory, and is as unusual at such sizes.

    Returns:
        Pixels per byte, rounded up.
    """
    return _WEBP_LOSSLESS if lossless and not animated else _WEBP_LOSSY
