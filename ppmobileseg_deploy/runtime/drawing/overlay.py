"""Colour maps and overlays: class ids painted in their colours, alone or over the image."""

from collections.abc import Sequence
from math import sqrt
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError
from ...metadata import RGB
from .selection import Selection

_PIXELS_PER_LINE_PIXEL: Final = 640
_SMALL_PX: Final = 256
_BRIGHTENED: Final = 0.35
_DARK_BGR: Final = (24, 20, 20)


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


def colorize_selected(selection: Selection, palette_rgb: Sequence[RGB]) -> NDArray[np.uint8]:
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


def draw_contours(
    picture_bgr: NDArray[np.uint8], selection: Selection, palette_rgb: Sequence[RGB]
) -> None:
    """Draw a line along the inside of every region, in the colour of its class.

    The lines are brighter than the areas, and a dark one parts them, so that they show on
    photographs of any colour. Their width follows the size of the picture; very small pictures
    get the bright ones only, one pixel wide.

    Args:
        picture_bgr: (height, width, 3) uint8, changed in place.
        selection: The labels; pixels that it leaves out get no line.
        palette_rgb: Colour of each class id.
    """
    height, width = selection.labels.shape
    dark, bright = line_widths(height, width)
    bright_rgb = [
        (_bright(red), _bright(green), _bright(blue)) for red, green, blue in palette_rgb
    ]
    for rows in selection.bands():
        # A band's lines depend on the pixels within a line's width above and below it.
        halo = slice(max(0, rows.start - bright), min(height, rows.stop + bright))
        inner = slice(rows.start - halo.start, rows.stop - halo.start)
        labels = _regions(selection, halo)
        drawn = selection.mask(rows)
        band = picture_bgr[rows]
        line = cv2.bitwise_and(_borders(labels, bright)[inner], drawn)
        cv2.copyTo(colorize(selection.labels[rows], bright_rgb), line, band)
        if dark:
            line = cv2.bitwise_and(_borders(labels, dark)[inner], drawn)
            cv2.copyTo(np.full_like(band, _DARK_BGR), line, band)


def line_widths(height: int, width: int) -> tuple[int, int]:
    """Return the widths of the dark line, and of it and the bright ones on both sides.

    Args:
        height: Height of the picture, in pixels.
        width: Its width.
    """
    side = sqrt(height * width)
    if side < _SMALL_PX:
        return 0, 1
    dark = max(1, round(side / _PIXELS_PER_LINE_PIXEL))
    return dark, 3 * dark


def _bright(channel: int) -> int:
    return round(channel + (255 - channel) * _BRIGHTENED)


def _regions(selection: Selection, rows: slice) -> NDArray[Any]:
    labels = selection.labels[rows]
    if selection.everything and labels.dtype == np.uint8:
        return labels
    # Transparent pixels count as one more region.
    wide = labels.astype(np.uint16)
    wide[selection.mask(rows) == 0] = np.iinfo(np.uint16).max
    return wide


def _borders(labels: NDArray[Any], width: int) -> NDArray[np.uint8]:
    kernel = np.ones((width + 1, width + 1), np.uint8)
    largest, smallest = cv2.dilate(labels, kernel), cv2.erode(labels, kernel)
    return cv2.compare(largest, smallest, cv2.CMP_NE)  # type: ignore[return-value]
