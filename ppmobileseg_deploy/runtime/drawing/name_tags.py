"""Class names on the regions of a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ...metadata import RGB
from .lettering import fitted, ink_on, text_mask, text_width, writable
from .regions import Box, Places
from .selection import Selection

_SMALLER: Final = (1.0, 0.8, 0.65)
_SMALLEST_PX: Final = 8
_WIDEST_EM: Final = 14
_SMOOTH: Final = 4


@dataclass(frozen=True)
class NameTag:
    """A class name and where it is written.

    Attributes:
        text: What is written.
        class_id: The class.
        size_px: Height of the letters.
        box: The tag's place, left, top, right and bottom in pixels (right, bottom exclusive).
    """

    text: str
    class_id: int
    size_px: int
    box: Box


def letter_size(height: int, width: int) -> int:
    """Return how high letters are on a picture of some size, in pixels."""
    return round(8 + 0.016 * sqrt(height * width))


def place_tags(selection: Selection, names: Sequence[str]) -> list[NameTag]:
    """Choose a place for the name of every region that is large enough for it.

    The tags lie within the picture, well inside their regions and do not overlap.

    Args:
        selection: The labels, and which of their pixels are drawn.
        names: Name of each class id.

    Returns:
        The tags, of the largest region first.
    """
    base_px = letter_size(*selection.labels.shape)
    places = Places(selection)
    tags = []
    for region in places.regions:
        text = writable(names[region.class_id], region.class_id)
        for size_px in dict.fromkeys(max(_SMALLEST_PX, round(base_px * s)) for s in _SMALLER):
            short = fitted(text, size_px, _WIDEST_EM * size_px)
            box = places.take(region, *_tag_size(short, size_px))
            if box is not None:
                tags.append(NameTag(short, region.class_id, size_px, box))
                break
    return tags


def draw_tags(
    picture_bgr: NDArray[np.uint8], tags: Sequence[NameTag], palette_rgb: Sequence[RGB]
) -> None:
    """Write names on a picture: black or white, each on the colour of its class.

    Args:
        picture_bgr: (height, width, 3) uint8, changed in place.
        tags: From `place_tags`.
        palette_rgb: Colour of each class id.
    """
    for tag in tags:
        left, top, right, bottom = tag.box
        patch = picture_bgr[top:bottom, left:right]
        color = palette_rgb[tag.class_id]
        ink = ink_on(color)
        line = max(1, round(tag.size_px / 16))
        _paint(patch, _rounded(bottom - top, right - left, 0), ink)
        _paint(patch, _rounded(bottom - top, right - left, line), color)
        letters = text_mask(tag.text, tag.size_px, bottom - top)
        start = (right - left - letters.shape[1]) // 2
        _paint(patch[:, start : start + letters.shape[1]], letters, ink)


def _tag_size(text: str, size_px: int) -> tuple[int, int]:
    height = round(1.5 * size_px)
    return height, text_width(text, size_px) + round(0.9 * size_px)


def _rounded(height: int, width: int, inset: int) -> NDArray[np.uint8]:
    large = Image.new("L", (width * _SMOOTH, height * _SMOOTH))
    margin = inset * _SMOOTH
    corner = ((width - inset) * _SMOOTH - 1, (height - inset) * _SMOOTH - 1)
    radius = _SMOOTH * height * 0.3 - margin
    ImageDraw.Draw(large).rounded_rectangle((margin, margin, *corner), max(0.0, radius), 255)
    return np.asarray(large.reduce(_SMOOTH))


def _paint(patch: NDArray[np.uint8], mask: NDArray[np.uint8], color_rgb: RGB) -> None:
    share = mask[..., None].astype(np.float32) / 255
    mixed = patch + share * (np.array(color_rgb[::-1], np.float32) - patch)
    patch[...] = np.rint(mixed).astype(np.uint8)
