"""PIL images: every mode converted to upright BGR arrays."""

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, TiffImagePlugin

from ...errors import ImageError
from ...types import ImageBGR
from .formats.orientation import UPRIGHT, turned

_SIGNED, _PLANES = 2, 2  # TIFF's numbers of them
_BAND_PIXELS: Final = 1 << 18
# Straight to RGB, Pillow warns of palettes with transparency, and refuses premultiplied colours.
_BY_WAY_OF: Final = {"P": "RGBA", "PA": "RGBA", "RGBa": "RGBA", "La": "LA"}


def upright_bgr(image: Image.Image) -> ImageBGR:
    """Convert a PIL image of any mode, turned as its EXIF data say.

    Returns:
        (height, width, 3) uint8, BGR, contiguous.

    Raises:
        ImageError: It has no pixels, or floating point ones.
        Exception: It is a file opened but not loaded, and damaged.
    """
    image.load()
    # Pillow turns TIFF files while it loads them, and early releases keep the tag nevertheless.
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        _check_numbers(image)
        return bgr_of_pil(image)
    return turned(bgr_of_pil(image), _orientation(image))


def bgr_of_pil(image: Image.Image) -> ImageBGR:
    """Convert a PIL image of any mode as it lies.

    Args:
        image: The image; loaded here if it is not yet. Of 16 bits the upper byte is kept.

    Returns:
        (height, width, 3) uint8, BGR, contiguous.

    Raises:
        ImageError: It has no pixels, or floating point ones.
        Exception: It is a file opened but not loaded, and damaged.
    """
    width, height = image.size
    if width * height == 0:
        raise ImageError(f"expected an image of at least 1x1 pixels, found {height}x{width}")
    if image.mode == "F":
        raise ImageError("expected 8 or 16 bits per channel, found floating point pixels")
    if image.mode == "I" or image.mode.startswith("I;16"):
        gray = _upper_byte(np.asarray(image))
        return cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)  # type: ignore[return-value]
    image.load()
    bgr = np.empty((height, width, 3), np.uint8)
    # In bands, so that conversions take no second image's worth of memory; also twice as fast.
    rows = max(1, _BAND_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        band = _rgb(image.crop((0, top, width, bottom)))
        bgr[top:bottom] = np.frombuffer(band.tobytes("raw", "BGR"), np.uint8).reshape(
            bottom - top, width, 3
        )
    return bgr


def _check_numbers(image: TiffImagePlugin.TiffImageFile) -> None:
    """Refuse what Pillow reads as something else, as long as its image remembers the file."""
    tags = image.tag_v2
    bits = max(tags.get(TiffImagePlugin.BITSPERSAMPLE, (1,)))
    signed = max(tags.get(TiffImagePlugin.SAMPLEFORMAT, (1,))) == _SIGNED
    planes = tags.get(TiffImagePlugin.PLANAR_CONFIGURATION, 1) == _PLANES
    white_is_zero = tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION, 1) == 0
    if signed or (bits > 8 and (planes or white_is_zero)):
        raise ImageError(
            "expected the path of a TIFF file of signed numbers, of planes of 16 bits or of white "
            "that is 0, found a PIL image of it, which Pillow reads as something else"
        )


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode in _BY_WAY_OF:
        image = image.convert(_BY_WAY_OF[image.mode])
    return image.convert("RGB")


def _orientation(image: Image.Image) -> int:
    # Unreadable EXIF is no reason to refuse a photograph whose pixels are whole.
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, UPRIGHT))
    except Exception:
        return UPRIGHT


def _upper_byte(gray: NDArray[Any]) -> NDArray[np.uint8]:
    if gray.size and (gray.min() < 0 or gray.max() > 0xFFFF):
        raise ImageError(f"expected gray values in [0, 65535], found {gray.min()} to {gray.max()}")
    return (gray >> 8).astype(np.uint8)
