"""Regions: the connected parts of each class."""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..drawing.selection import Selection
from ..drawing.style import Style
from .segmentation import Segmentation

NO_REGION: Final = 0
"""Number of the pixels that are of no region, in `Regions.numbers`."""

_LEFT_OUT: Final = -1


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
    labels = selection.labels
    if not selection.everything:
        drawn = selection.mask(slice(None)) > 0
        labels = np.where(drawn, labels.astype(np.int32), _LEFT_OUT)
    rows = _RowRuns.of(labels)
    first_runs, part_of = np.unique(_connected(rows), return_inverse=True)
    pixels = np.zeros(len(first_runs), np.int64)
    np.add.at(pixels, part_of, rows.ends - rows.starts)
    class_ids = rows.ids[first_runs]
    wanted = np.flatnonzero((class_ids != _LEFT_OUT) & (pixels >= style.min_area))
    number_of: NDArray[np.int32] = np.full(len(first_runs), NO_REGION, np.int32)
    number_of[wanted] = np.arange(1, len(wanted) + 1)
    numbers = np.repeat(number_of[part_of], rows.ends - rows.starts).reshape(labels.shape)
    boxes = _boxes(rows, part_of, len(first_runs))
    regions = [
        Region(
            int(class_ids[part]),
            segmentation.names[class_ids[part]],
            int(pixels[part]),
            (box[0], box[1], box[2], box[3]),
            number,
            numbers,
        )
        for number, (part, box) in enumerate(
            zip(wanted, boxes[wanted].tolist(), strict=True), start=1
        )
    ]
    return sorted(regions, key=lambda region: -region.pixels)


@dataclass(frozen=True, eq=False)
class _RowRuns:
    """Labels as runs of pixels of one class, along the rows; each ends with its row.

    Attributes:
        width: Of the labels.
        starts: (runs,) int64, where each run begins, in ascending order.
        ends: (runs,) int64, where it ends (exclusive).
        ids: (runs,) class of each run.
    """

    width: int
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    ids: NDArray[Any]

    @classmethod
    def of(cls, labels: NDArray[Any]) -> "_RowRuns":
        begins = np.ones(labels.shape, np.bool_)
        np.not_equal(labels[:, 1:], labels[:, :-1], out=begins[:, 1:])
        starts = np.flatnonzero(begins)
        return cls(
            labels.shape[1], starts, np.append(starts[1:], labels.size), labels.ravel()[starts]
        )


def _connected(rows: _RowRuns) -> NDArray[np.int64]:
    """Return, for each run, the first of all runs that it is connected with.

    Source: FastSV, Zhang, Azad and Hu, 2020: as many rounds as the logarithm of the runs.
    """
    here = np.arange(len(rows.starts))
    # Where runs of two rows overlap, one of them begins.
    above = np.searchsorted(rows.starts, rows.starts - rows.width, "right") - 1
    below = np.searchsorted(rows.starts, rows.starts + rows.width, "right") - 1
    has_above = rows.starts >= rows.width
    has_below = rows.starts + rows.width < rows.ends[-1]
    one = np.concatenate((here[has_above], here[has_below]))
    other = np.concatenate((above[has_above], below[has_below]))
    same = rows.ids[one] == rows.ids[other]
    one, other = one[same], other[same]
    one, other = np.concatenate((one, other)), np.concatenate((other, one))
    parent = here
    grandparent = parent
    while True:
        following = grandparent.copy()
        np.minimum.at(following, parent[one], grandparent[other])
        np.minimum.at(following, one, grandparent[other])
        if np.array_equal(following[following], grandparent) and np.array_equal(following, parent):
            return following
        parent, grandparent = following, following[following]


def _boxes(rows: _RowRuns, part_of: NDArray[np.int64], parts: int) -> NDArray[np.int64]:
    """Return left, top, right and bottom of each part; right and bottom are exclusive."""
    height = -(-rows.ends[-1] // rows.width)
    boxes = np.tile(np.array([rows.width, height, 0, 0], np.int64), (parts, 1))
    y, left = np.divmod(rows.starts, rows.width)
    np.minimum.at(boxes[:, 0], part_of, left)
    np.minimum.at(boxes[:, 1], part_of, y)
    np.maximum.at(boxes[:, 2], part_of, left + rows.ends - rows.starts)
    np.maximum.at(boxes[:, 3], part_of, y + 1)
    return boxes
