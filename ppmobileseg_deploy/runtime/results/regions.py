"""Regions: the connected parts of each class."""

from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..drawing.selection import Selection
from ..drawing.style import Style
from .run_lengths import Runs
from .segmentation import Segmentation

NO_REGION: Final = 0
"""Number of the pixels that are of no region, in `Regions.numbers`."""

_SIDES: Final = 4  # pixels that touch with a corner only are not connected


@dataclass(frozen=True, eq=False)
class Region:
    """A connected part of one class; its pixels touch with their sides.

    Attributes:
        class_id: The class.
        name: Its name.
        pixels: How many pixels it has.
        box_xyxy: Left, top, right and bottom in pixels; right and bottom are exclusive.
        number: Its number, from 1, in ``numbers``.
        numbers: (height, width) int32 at the image's size, the number of each pixel's region; 0
            where there is none. All regions of an image share it.
    """

    class_id: int
    name: str
    pixels: int
    box_xyxy: tuple[int, int, int, int]
    number: int
    numbers: NDArray[np.int32] = field(repr=False)

    @property
    def mask(self) -> NDArray[np.bool_]:
        """(height, width) bool of its box alone: True where the region is."""
        left, top, right, bottom = self.box_xyxy
        mask: NDArray[np.bool_] = self.numbers[top:bottom, left:right] == self.number
        return mask


def find_regions(segmentation: Segmentation, style: Style) -> list[Region]:
    """Find the regions of the classes that a style draws; see `SegmentationResult.regions`."""
    selection = Selection.of(
        style, segmentation.labels, len(segmentation.names), segmentation.confidence
    )
    runs = Runs.of(selection)
    numbers: NDArray[np.int32] = np.zeros(segmentation.orig_shape, np.int32)
    regions: list[Region] = []
    for class_id, _ in selection.present():
        left, top, right, bottom = runs.box(class_id)
        rows, columns = slice(top, bottom), slice(left, right)
        mask = (segmentation.labels[rows, columns] == class_id).astype(np.uint8)
        if not selection.everything:
            mask &= selection.mask(rows, columns)
        count, parts, statistics, _ = cv2.connectedComponentsWithStats(mask, connectivity=_SIDES)
        new_numbers: NDArray[np.int32] = np.zeros(count, np.int32)
        for part in range(1, count):
            x, y, width, height, pixels = map(int, statistics[part])
            if pixels >= style.min_area:
                box = x + left, y + top, x + left + width, y + top + height
                new_numbers[part] = len(regions) + 1
                name = segmentation.names[class_id]
                regions.append(Region(class_id, name, pixels, box, len(regions) + 1, numbers))
        numbers[rows, columns] |= new_numbers[parts]
    return sorted(regions, key=lambda region: -region.pixels)
