"""Labels as runs of equal pixels: bounding boxes, and the run lengths of the COCO format."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..drawing.selection import Selection

_BAND_PIXELS: Final = 1 << 20
_LEFT_OUT: Final = -1
_BITS: Final = 5
_MORE: Final = 0x20
_FIRST_CHARACTER: Final = 48


@dataclass(frozen=True, eq=False)
class Runs:
    """Labels as runs of pixels of one class, down the columns, one column after the other.

    A run may go on at the top of the next column: that is how COCO counts.

    Attributes:
        size_hw: Height and width of the labels.
        starts: (runs,) int64, where each run begins, in ascending order.
        ends: (runs,) int64, where it ends (exclusive).
        ids: (runs,) class of each run, -1 for pixels that the selection leaves out.
    """

    size_hw: tuple[int, int]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    ids: NDArray[Any]

    @classmethod
    def of(cls, selection: Selection) -> "Runs":
        """Find the runs of the pixels that are selected."""
        labels = selection.labels
        height, width = labels.shape
        columns = max(1, _BAND_PIXELS // max(1, height))
        starts: list[NDArray[np.int64]] = []
        ids: list[NDArray[Any]] = []
        last = None
        for left in range(0, width, columns):
            place = slice(None), slice(left, left + columns)
            pixels = labels[place]
            if not selection.everything:
                pixels = np.where(selection.mask(*place) > 0, pixels.astype(np.int32), _LEFT_OUT)
            band = np.ravel(pixels, order="F")
            changes = np.flatnonzero(band[1:] != band[:-1]) + 1
            if last is None or band[0] != last:
                changes = np.concatenate(([0], changes))
            starts.append(changes + left * height)
            ids.append(band[changes])
            last = band[-1]
        begin = np.concatenate(starts) if starts else np.zeros(0, np.int64)
        end = np.append(begin[1:], labels.size) if begin.size else begin
        return cls((height, width), begin, end, np.concatenate(ids) if ids else labels.ravel()[:0])

    def of_class(self, class_id: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where the runs of one class start and end (exclusive)."""
        mine = self.ids == class_id
        return self.starts[mine], self.ends[mine]

    def box(self, class_id: int) -> tuple[int, int, int, int]:
        """Return the smallest box around all pixels of a class that is present.

        Returns:
            Left, top, right and bottom in pixels; right and bottom are exclusive.
        """
        starts, ends = self.of_class(class_id)
        height = self.size_hw[0]
        left, right = starts // height, (ends - 1) // height
        # A run that goes on in the next column has been at the bottom and at the top.
        wraps = right > left
        top = np.where(wraps, 0, starts % height)
        bottom = np.where(wraps, height, (ends - 1) % height + 1)
        return int(left.min()), int(top.min()), int(right.max()) + 1, int(bottom.max())

    def coco_counts(self, class_id: int) -> str:
        """Return the mask of a class as COCO writes it: compressed run lengths.

        Returns:
            ``counts`` of a COCO run-length annotation whose ``size`` is ``size_hw``.
        """
        starts, ends = self.of_class(class_id)
        # Lengths of runs outside and inside the class in turn; the first may be zero.
        edges = np.concatenate(([0], np.column_stack((starts, ends)).ravel()))
        if edges[-1] < self.size_hw[0] * self.size_hw[1]:
            edges = np.append(edges, self.size_hw[0] * self.size_hw[1])
        return compress(np.diff(edges))


def compress(lengths: NDArray[np.int64]) -> str:
    """Write run lengths as the COCO API does.

    From the fourth on, each length is stored as the difference to the one two places before. A
    number is cut into groups of five bits, lowest first, in two's complement; each group is one
    character from ``0`` to ``o``, with a sixth bit that says whether another one follows.

    Args:
        lengths: Run lengths, outside and inside in turn.

    Returns:
        ASCII text.
    """
    numbers = np.array(lengths, np.int64)
    numbers[3:] -= lengths[1:-2]
    groups: list[NDArray[np.uint8]] = []
    wanted: list[NDArray[np.bool_]] = []
    going_on = np.ones(len(numbers), np.bool_)
    while going_on.any():
        group = numbers & ((1 << _BITS) - 1)
        numbers >>= _BITS
        negative = (group & (1 << (_BITS - 1))) > 0
        wanted.append(going_on)
        going_on = going_on & (numbers != np.where(negative, -1, 0))
        groups.append((group + np.where(going_on, _MORE, 0) + _FIRST_CHARACTER).astype(np.uint8))
    if not groups:
        return ""
    return np.column_stack(groups)[np.column_stack(wanted)].tobytes().decode("ascii")
