"""Arrays as images: converted to BGR bytes where nothing is lost, refused with a hint elsewhere.

Nothing is guessed. A float image may be scaled to [0, 1], to [0, 255] or normalised, and a wrong
guess gives labels that merely look poor; so only values that are bytes already are converted.
"""

from typing import Any, Final, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from ...errors import ImageError, UsageError
from ...quoting import brief
from ...types import ColorOrder, ImageBGR

_BAND_VALUES: Final = 1 << 20
_LARGEST_FLOAT_SCALED_TO_ONE: Final = 1.0


def bgr_of_array(image: NDArray[Any], color: ColorOrder) -> ImageBGR:
    """Bring an array to (height, width, 3) uint8 BGR.

    Args:
        image: (height, width), (height, width, 1), (height, width, 3), or (height, width, 4)
            whose fourth channel, alpha, is 255 throughout; of integers or floats in [0, 255]
            that are whole numbers; any byte order, any strides, writeable or not.
        color: ``"bgr"`` or ``"rgb"``: order of the channels, if there are several.

    Returns:
        (height, width, 3) uint8, BGR, contiguous. It shares memory with an array that has this
        form already.

    Raises:
        ImageError: The shape, the type or the values are others.
    """
    image = np.asarray(image)  # matrices and the like have rules of their own
    _check_shape(image)
    _check_type(image)
    flat = image[:, :, 0] if image.ndim == 3 and image.shape[2] == 1 else image
    pixels = np.ascontiguousarray(flat) if flat.dtype == np.uint8 else _as_bytes(flat)
    if pixels.ndim == 2:
        return cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR)  # type: ignore[return-value]
    if pixels.shape[2] == 4:
        _check_opaque(pixels)
        code = cv2.COLOR_RGBA2BGR if color == "rgb" else cv2.COLOR_BGRA2BGR
        return cv2.cvtColor(pixels, code)  # type: ignore[return-value]
    if color == "rgb":
        return cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)  # type: ignore[return-value]
    return pixels


def check_color(color: str) -> None:
    """Make sure that an order of channels is one of `ColorOrder`.

    Raises:
        UsageError: It is another one.
    """
    if color not in get_args(ColorOrder):
        expected = " or ".join(get_args(ColorOrder))
        raise UsageError(f"expected color to be {expected}, found {brief(color)}")


def in_color_order(image: NDArray[np.uint8], color: ColorOrder) -> NDArray[np.uint8]:
    """Return a BGR or BGRA image with its channels in an order that was asked for.

    Args:
        image: (height, width, 3 or 4) uint8.
        color: The order; ``"bgr"`` gives the image itself.

    Raises:
        UsageError: The order is unknown.
    """
    check_color(color)
    if color == "bgr":
        return image
    code = cv2.COLOR_BGR2RGB if image.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
    return cv2.cvtColor(image, code)  # type: ignore[return-value]


def _check_shape(image: NDArray[Any]) -> None:
    shape = image.shape
    if len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4)):
        if image.size == 0:
            raise ImageError(f"expected an image of at least 1x1 pixels, found shape {shape}")
        return
    hint = ""
    if len(shape) == 3 and shape[0] == 1:
        hint = "; image[0] is (height, width)"
    elif len(shape) == 3 and shape[0] in (3, 4):
        hint = "; if the channels come first, image.transpose(1, 2, 0) puts them last"
    elif len(shape) == 4:
        hint = "; a stack of images goes to batch(), a single one is image[0]"
    raise ImageError(
        "expected an array of shape (height, width, 3), (height, width, 4), (height, width, 1) "
        f"or (height, width), found {image.dtype} {shape}{hint}"
    )


def _check_type(image: NDArray[Any]) -> None:
    kind = image.dtype.kind
    if kind in "uif":
        return
    hint = ""
    if kind == "b":
        hint = "; image.astype('uint8') * 255 is black and white"
    raise ImageError(
        f"expected an array of uint8, or of other numbers that are whole and in [0, 255], "
        f"found {image.dtype} {image.shape}{hint}"
    )


def _as_bytes(image: NDArray[Any]) -> NDArray[np.uint8]:
    # In bands: a float64 image of 100 megapixels is 2.4 GB, and needs no second array like it.
    pixels = np.empty(image.shape, np.uint8)
    rows = max(1, _BAND_VALUES * len(image) // image.size)
    for top in range(0, len(image), rows):
        band = image[top : top + rows]
        # NaN fails both comparisons, without a warning.
        if not (band.min() >= 0 and band.max() <= 255):
            raise _unfit(image)
        pixels[top : top + rows] = band
        if image.dtype.kind == "f" and not np.array_equal(pixels[top : top + rows], band):
            raise _unfit(image)
    # Floats of zeros and ones may mean black and nearly black, or black and white.
    if image.dtype.kind == "f" and pixels.max() == _LARGEST_FLOAT_SCALED_TO_ONE:
        raise _unfit(image)
    return pixels


def _unfit(image: NDArray[Any]) -> ImageError:
    finite = image[np.isfinite(image)] if image.dtype.kind == "f" else image
    without = image.size - finite.size
    hint = ""
    if without:
        found = f"{without} values that are NaN or infinite"
    else:
        low, high = finite.min(), finite.max()
        found = f"values from {low:g} to {high:g}"
        if image.dtype.kind == "f" and low >= 0 and high <= _LARGEST_FLOAT_SCALED_TO_ONE:
            hint = "; (image * 255).round().astype('uint8') brings [0, 1] to [0, 255]"
        elif image.dtype.kind == "f" and low >= 0 and high <= 255:
            found += " with fractions"
            hint = "; image.round().astype('uint8') drops the fractions"
        elif image.dtype == np.uint16:
            hint = "; (image // 256).astype('uint8') keeps the upper byte of 16 bits"
    return ImageError(
        f"expected whole numbers in [0, 255], found {image.dtype} {image.shape} of {found}{hint}"
    )


def _check_opaque(pixels: NDArray[np.uint8]) -> None:
    least = int(pixels[:, :, 3].min())
    if least < 255:
        raise ImageError(
            f"expected an alpha channel of 255 throughout, found {pixels.dtype} {pixels.shape} "
            f"of alpha from {least}; image[:, :, :3] drops it"
        )
