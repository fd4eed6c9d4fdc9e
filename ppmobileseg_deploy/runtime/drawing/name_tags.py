"""Name tags: class names written on the largest regions of a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ...metadata import RGB
from .lettering import fitted, ink_on, text_mask, text_width, writable
from .selection import Selection

Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels; right and bottom are exclusive."""

_LONGEST_SIDE: Final = 400
_MOST_REGIONS: Final = 32
_LEAST_SHARE: Final = 0.002
_LEAST_SHARE_AGAIN: Final = 0.02
_LEAST_COVERED: Final = 0.92
_TOWARDS_CENTRE: Final = 0.1
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


@dataclass(frozen=True, eq=False)
class Region:
    """Connected pixels of one class, in the reduced picture.

    Attributes:
        class_id: The class.
        area: Number of pixels.
        left: First column of ``inside``.
        top: First row of ``inside``.
        inside: (height, width) uint8, 1 in the region; just large enough for it.
    """

    class_id: int
    area: int
    left: int
    top: int
    inside: NDArray[np.uint8]


class Places:
    """Finds places for boxes inside regions, so that no two boxes overlap.

    Works on a reduced picture: it costs no more for large ones.
    """

    def __init__(self, selection: Selection) -> None:
        """Find the regions.

        Args:
            selection: The labels, and which of their pixels are drawn.
        """
        self._size_hw: tuple[int, int] = selection.labels.shape
        self._step = -(-max(self._size_hw) // _LONGEST_SIDE)
        # From the middle of the first step, or of the picture where it is thinner than a step.
        rows, columns = (
            slice(min(self._step, side) // 2, None, self._step) for side in self._size_hw
        )
        labels = selection.labels[rows, columns]
        drawn = selection.mask(rows, columns) > 0
        self._taken: NDArray[np.uint8] = np.zeros(labels.shape, np.uint8)
        self._boxes: list[Box] = []
        found = []
        for class_id in np.unique(labels[drawn]):
            found += _regions(int(class_id), ((labels == class_id) & drawn).astype(np.uint8))
        found.sort(key=lambda region: -region.area)
        self.regions: list[Region] = found[:_MOST_REGIONS]

    def take(self, region: Region, height: int, width: int) -> Box | None:
        """Reserve a place for a box in a region.

        Args:
            region: One of ``regions``.
            height: Height of the box in pixels of the original picture ...
            width: ... and its width.

        Returns:
            The place in the original picture, None where the box does not fit.
        """
        rows, columns = (-(-side // self._step) for side in (height, width))
        inside = np.pad(region.inside, 1)
        if rows > inside.shape[0] or columns > inside.shape[1]:
            return None
        covered = cv2.boxFilter(
            inside, cv2.CV_32F, (columns, rows), borderType=cv2.BORDER_CONSTANT
        )
        taken = self._around(region)
        free = cv2.boxFilter(
            taken, cv2.CV_32F, (columns + 2, rows + 2), borderType=cv2.BORDER_CONSTANT
        )
        depth = cv2.distanceTransform(inside, cv2.DIST_L2, 3)
        allowed = (covered >= _LEAST_COVERED) & (free == 0) & (inside > 0)
        if not allowed.any():
            return None
        score = np.where(allowed, depth - _TOWARDS_CENTRE * _off_centre(inside), -np.inf)
        y, x = np.unravel_index(np.argmax(score), score.shape)
        box = self._box(region.left + int(x) - 1, region.top + int(y) - 1, height, width)
        if box is None or any(_overlap(box, other) for other in self._boxes):
            return None
        self._boxes.append(box)
        left, top, right, bottom = (side // self._step for side in box)
        self._taken[top : bottom + 1, left : right + 1] = 1
        return box

    def _around(self, region: Region) -> NDArray[np.uint8]:
        height, width = region.inside.shape
        taken = self._taken[region.top : region.top + height, region.left : region.left + width]
        return np.pad(taken, 1)

    def _box(self, x: int, y: int, height: int, width: int) -> Box | None:
        whole_height, whole_width = self._size_hw
        if height > whole_height or width > whole_width:
            return None
        left = min(max(0, x * self._step + self._step // 2 - width // 2), whole_width - width)
        top = min(max(0, y * self._step + self._step // 2 - height // 2), whole_height - height)
        return left, top, left + width, top + height


def _regions(class_id: int, mask: NDArray[np.uint8]) -> list[Region]:
    if mask.sum() < _LEAST_SHARE * mask.size:
        return []
    count, parts, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    regions: list[Region] = []
    for part in 1 + np.argsort(-stats[1:count, cv2.CC_STAT_AREA], kind="stable"):
        left, top, width, height, area = (int(number) for number in stats[part])
        # A class is named once, and again only on further large regions.
        if area < (_LEAST_SHARE_AGAIN if regions else _LEAST_SHARE) * mask.size:
            break
        inside = parts[top : top + height, left : left + width] == part
        regions.append(Region(class_id, area, left, top, inside.astype(np.uint8)))
    return regions


def _off_centre(inside: NDArray[np.uint8]) -> NDArray[np.float64]:
    rows, columns = np.nonzero(inside)
    y, x = np.ogrid[: inside.shape[0], : inside.shape[1]]
    off: NDArray[np.float64] = np.hypot(y - rows.mean(), x - columns.mean())
    return off


def _overlap(box: Box, other: Box) -> bool:
    return box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
