"""Class ids to colours, and colours over photographs."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..metadata import RGB


def colorize(labels: NDArray[Any], palette_rgb: Sequence[RGB]) -> NDArray[np.uint8]:
    """Paint every pixel in the colour of its class.

    Args:
        labels: (height, width) class ids, any integer type; uint8 is fastest.
        palette_rgb: Colour of each class id, (red, green, blue) in [0, 255].

    Returns:
        (height, width, 3) uint8, BGR.

    Raises:
        UsageError: The labels are no plane of integers, or lie outside the palette.
    """
    if labels.ndim != 2 or labels.dtype.kind not in "ui":
        raise UsageError(
            f"expected labels of shape (height, width) and an integer type, "
            f"found {labels.dtype} {labels.shape}"
        )
    if labels.size and (labels.min() < 0 or labels.max() >= len(palette_rgb)):
        raise UsageError(
            f"expected class ids in [0, {len(palette_rgb)}), the palette's size, "
            f"found {labels.min()} to {labels.max()}"
        )
    palette_bgr = np.array(palette_rgb, np.uint8).reshape(-1, 3)[:, ::-1]
    if labels.dtype != np.uint8:
        return np.take(palette_bgr, labels, axis=0)
    # The fastest of nine ways tried: 0.8 ms for 1080p, np.take 3.9 ms, indexing 17 ms.
    table = np.zeros((256, 1, 3), np.uint8)
    table[: len(palette_bgr), 0] = palette_bgr[:256]
    return cv2.applyColorMap(labels, table)  # type: ignore[return-value]


def overlay(
    image_bgr: NDArray[np.uint8],
    labels: NDArray[Any],
    palette_rgb: Sequence[RGB],
    opacity: float = 0.5,
) -> NDArray[np.uint8]:
    """Lay the classes' colours over an image.

    Every value is ``(1 - opacity) * image + opacity * colour``, rounded to the nearest integer
    (either one where it lies halfway).

    Args:
        image_bgr: (height, width, 3) uint8, BGR.
        labels: (height, width) class ids.
        palette_rgb: Colour of each class id.
        opacity: Share of the colour, from 0 (image only) to 1 (colour only).

    Returns:
        A new (height, width, 3) uint8 array, BGR.

    Raises:
        UsageError: The opacity is outside [0, 1], the sizes differ, or the labels do not fit the
            palette.
    """
    if not 0.0 <= opacity <= 1.0:
        raise UsageError(f"expected an opacity in [0, 1], found {opacity}")
    if image_bgr.shape != (*labels.shape, 3):
        raise UsageError(
            f"expected an image of shape {(*labels.shape, 3)} for labels of shape "
            f"{labels.shape}, found {image_bgr.shape}"
        )
    colors_bgr = colorize(labels, palette_rgb)
    return cv2.addWeighted(image_bgr, 1.0 - opacity, colors_bgr, opacity, 0.0)  # type: ignore[return-value]
