"""Lines along the borders of regions."""

from collections.abc import Sequence
from math import sqrt
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ...metadata import RGB
from .overlay import colorize
from .selection import Selection

_PIXELS_PER_LINE_PIXEL: Final = 640
_SMALL_PX: Final = 256
_BRIGHTENED: Final = 0.35
_DARK_BGR: Final = (24, 20, 20)


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
        # The lines of a band depend on what is a line's width above and below.
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
    # What is transparent counts as one more region.
    wide = labels.astype(np.uint16)
    wide[selection.mask(rows) == 0] = np.iinfo(np.uint16).max
    return wide


def _borders(labels: NDArray[Any], width: int) -> NDArray[np.uint8]:
    kernel = np.ones((width + 1, width + 1), np.uint8)
    largest, smallest = cv2.dilate(labels, kernel), cv2.erode(labels, kernel)
    return cv2.compare(largest, smallest, cv2.CMP_NE)  # type: ignore[return-value]
