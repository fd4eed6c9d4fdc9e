"""Lines along the borders of regions."""

from collections.abc import Sequence
from math import sqrt
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..metadata import RGB
from .drawing import colorize
from .selection import Selection

_PIXELS_PER_LINE_PIXEL: Final = 640
_BRIGHTENED: Final = 0.35
_DARK_BGR: Final = (24, 20, 20)


def draw_contours(
    picture_bgr: NDArray[np.uint8], selection: Selection, palette_rgb: Sequence[RGB]
) -> None:
    """Draw a line along the inside of every region, in the colour of its class.

    The lines are brighter than the areas, and a dark one parts them, so that they show on
    photographs of any colour. Their width follows the size of the picture.

    Args:
        picture_bgr: (height, width, 3) uint8, changed in place.
        selection: The labels; pixels that it leaves out get no line.
        palette_rgb: Colour of each class id.
    """
    height, width = selection.labels.shape
    radius = line_radius(height, width)
    bright_rgb = [
        tuple(round(c + (255 - c) * _BRIGHTENED) for c in color) for color in palette_rgb
    ]
    for rows in selection.bands():
        # The lines of a band depend on what is a line's width above and below.
        halo = slice(max(0, rows.start - 2 * radius), min(height, rows.stop + 2 * radius))
        inner = slice(rows.start - halo.start, rows.stop - halo.start)
        labels = _regions(selection, halo)
        mask = selection.mask(rows)
        bright = _borders(labels, 2 * radius)[inner] & mask
        cv2.copyTo(colorize(selection.labels[rows], bright_rgb), bright, picture_bgr[rows])  # type: ignore[arg-type]
        picture_bgr[rows][(_borders(labels, max(1, radius // 2))[inner] & mask) > 0] = _DARK_BGR


def line_radius(height: int, width: int) -> int:
    """Return how far lines reach on either side of a border in an image, in pixels."""
    return max(1, round(sqrt(height * width) / _PIXELS_PER_LINE_PIXEL))


def _regions(selection: Selection, rows: slice) -> NDArray[np.uint16]:
    # What is transparent counts as one more region.
    labels = selection.labels[rows].astype(np.uint16)
    if not selection.everything:
        labels[selection.mask(rows) == 0] = np.iinfo(np.uint16).max
    return labels


def _borders(labels: NDArray[Any], radius: int) -> NDArray[np.uint8]:
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (2 * radius + 1, 2 * radius + 1))
    unequal = cv2.dilate(labels, kernel) != cv2.erode(labels, kernel)
    return np.where(unequal, np.uint8(255), np.uint8(0))
