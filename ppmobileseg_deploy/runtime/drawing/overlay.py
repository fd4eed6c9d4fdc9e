"""Class ids to colours, and colours over photographs."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError
from ...metadata import RGB
from .selection import Selection


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
    return _paint(labels, _table_bgr(palette_rgb))


def overlay(
    image_bgr: NDArray[np.uint8],
    labels: NDArray[Any],
    palette_rgb: Sequence[RGB],
    opacity: float = 0.5,
    *,
    selection: Selection | None = None,
    out: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """Lay the classes' colours over an image.

    Every value is ``(1 - opacity) * image + opacity * colour``, rounded to the nearest integer
    (either one where it lies halfway). Works in bands of rows: beside the result it needs next
    to no memory, however large the image is.

    Args:
        image_bgr: (height, width, 3) uint8, BGR.
        labels: (height, width) class ids.
        palette_rgb: Colour of each class id.
        opacity: Share of the colour, from 0 (image only) to 1 (colour only).
        selection: Which of the labels' pixels are drawn; the image shows through elsewhere.
        out: Where to draw, of the image's shape and type and with contiguous rows; a new array
            if None.

    Returns:
        (height, width, 3) uint8, BGR.

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
    selection = Selection(labels) if selection is None else selection
    drawn = np.empty(image_bgr.shape, np.uint8) if out is None else out
    table_bgr = _table_bgr(palette_rgb)
    for rows in selection.bands():
        image = image_bgr[rows]
        colors = _paint(labels[rows], table_bgr)
        if selection.everything:
            cv2.addWeighted(image, 1.0 - opacity, colors, opacity, 0.0, dst=drawn[rows])
        else:
            blend = cv2.addWeighted(image, 1.0 - opacity, colors, opacity, 0.0)
            drawn[rows] = image
            cv2.copyTo(blend, selection.mask(rows), drawn[rows])
    return drawn


def cut_out(selection: Selection, palette_rgb: Sequence[RGB]) -> NDArray[np.uint8]:
    """Paint the pixels that are drawn in the colours of their classes, the others transparent.

    Args:
        selection: The labels, and which of their pixels are drawn.
        palette_rgb: Colour of each class id.

    Returns:
        (height, width, 4) uint8, BGRA: alpha is 255, or 0 (and the colour black) for pixels
        that are left out.

    Raises:
        UsageError: The labels do not fit the palette.
    """
    drawn = np.zeros((*selection.labels.shape, 4), np.uint8)
    table_bgr = _table_bgr(palette_rgb)
    for rows in selection.bands():
        bgra = cv2.cvtColor(_paint(selection.labels[rows], table_bgr), cv2.COLOR_BGR2BGRA)
        cv2.copyTo(bgra, selection.mask(rows), drawn[rows])
    return drawn


def _table_bgr(palette_rgb: Sequence[RGB]) -> NDArray[np.uint8]:
    return np.array(palette_rgb, np.uint8).reshape(-1, 3)[:, ::-1]


def _paint(labels: NDArray[Any], table_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if labels.ndim != 2 or labels.dtype.kind not in "ui":
        raise UsageError(
            f"expected labels of shape (height, width) and an integer type, "
            f"found {labels.dtype} {labels.shape}"
        )
    if labels.size and (labels.min() < 0 or labels.max() >= len(table_bgr)):
        raise UsageError(
            f"expected class ids in [0, {len(table_bgr)}), the palette's size, "
            f"found {labels.min()} to {labels.max()}"
        )
    if labels.dtype != np.uint8:
        return np.take(table_bgr, labels, axis=0)
    # The fastest of nine ways tried: 0.8 ms for 1080p, np.take 3.9 ms, indexing 17 ms.
    table = np.zeros((256, 1, 3), np.uint8)
    table[: len(table_bgr), 0] = table_bgr[:256]
    return cv2.applyColorMap(labels, table)  # type: ignore[return-value]
