"""Interpolation weights from a grid of logits to the pixels of a label map, along one axis.

Bilinear interpolation is separable: rows and columns are treated independently. So are two
interpolations in a row, and the blending of tiles. All geometry therefore is a few weights along
each axis. They are grouped into cells, which are the pixels between the same grid points, as the
label head takes them. `model.axes` is the same for PyTorch, and explains cells.
"""

from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]

Rule: TypeAlias = Literal["half_pixel", "align_corners", "asymmetric"]
"""Where a pixel of a resized image lies, as ONNX's Resize calls it."""

_KEPT: Final = 64
"""Sizes whose weights are kept: they take half a millisecond to find."""


@dataclass(frozen=True, eq=False)
class AxisCells:
    """The cells along one axis.

    Attributes:
        corners: int64 (cells, k), the grid points that a cell's pixels are interpolated from.
            Where a cell has fewer than k, one of them stands more than once.
        weights: float32 (cells, pixels, k), what each corner contributes to each of a cell's
            pixels. Where a cell has fewer pixels, the rest is zero and unused.
        cell: int64 (length,), the cell of each pixel of the label map, ascending.
        pixel: int64 (length,), which of that cell's pixels it is.
    """

    corners: Indices
    weights: NDArray[np.float32]
    cell: Indices
    pixel: Indices

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """The attributes by their names."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, eq=False)
class Sampling:
    """Interpolation along one axis.

    Attributes:
        points: int64 (length, taps), source pixels or grid points.
        weights: float64 (length, taps), what each of them contributes; not negative, and 1 in
            sum.
        between: int64 (length,), ascending: pixels with the same number lie between the same two
            grid points. A pixel that is interpolated from others has the number of the first.
    """

    points: Indices
    weights: NDArray[np.float64]
    between: Indices

    @classmethod
    def bilinear(cls, source: int, target: int, rule: Rule = "half_pixel") -> "Sampling":
        """Resize by one of ONNX's rules.

        Args:
            source: Number of source pixels.
            target: Number of pixels they are resized to.
            rule: Where a pixel lies among the source pixels: ``"half_pixel"`` aligns centres, as
                PyTorch's ``align_corners=False``; ``"align_corners"`` aligns the first and the
                last; ``"asymmetric"`` aligns the upper left corners.
        """
        # In integers up to the last division, and so exact.
        pixels = np.arange(target, dtype=np.int64)
        if rule == "half_pixel":
            place, unit = (2 * pixels + 1) * source - target, 2 * target
        elif rule == "align_corners":
            place, unit = pixels * (source - 1), max(target - 1, 1)
        else:
            place, unit = pixels * source, target
        between = place // unit
        first, rest = np.divmod(place.clip(0, unit * (source - 1)), unit)
        right = rest / unit
        points = np.stack([first, np.minimum(first + 1, source - 1)], 1)
        return cls(points, np.stack([1 - right, right], 1), between)

    def then(self, second: "Sampling") -> "Sampling":
        """Compose two interpolations.

        Args:
            second: The interpolation that follows; its points are the pixels of this one.
        """
        length = len(second.points)
        points = self.points[second.points].reshape(length, -1)
        weights = self.weights[second.points] * second.weights[:, :, None]
        return Sampling(points, weights.reshape(length, -1), self.between[second.points[:, 0]])

    def part(self, first: int, last: int) -> tuple["Sampling", slice]:
        """Select a range of the pixels.

        Args:
            first: The first pixel.
            last: The one after the last; what lies beyond the end is left out.

        Returns:
            These pixels, and the source pixels that they need, from which their points count.
        """
        if first == 0 and last >= len(self.points):
            return self, slice(None)
        points, weights = self.points[first:last], self.weights[first:last]
        used = points[weights > 0]
        low, high = int(used.min()), int(used.max())
        points = points.clip(low, high) - low
        return Sampling(points, weights, self.between[first:last]), slice(low, high + 1)

    @cached_property
    def cells(self) -> AxisCells:
        """The pixels grouped by the grid points that they lie between.

        Of the corners of a cell those without weight are left out.
        """
        cell = np.concatenate([[0], np.cumsum(self.between[1:] != self.between[:-1])])
        cells = np.arange(cell[-1] + 1)
        pixel = np.arange(len(cell)) - np.searchsorted(cell, cells)[cell]

        used = self.weights > 0
        weights, points = self.weights[used], self.points[used]
        owner, place = (np.broadcast_to(each[:, None], used.shape)[used] for each in (cell, pixel))
        pairs, pair = np.unique(owner * (points.max() + 1) + points, return_inverse=True)
        owner_of_pair, corner = np.divmod(pairs, points.max() + 1)
        starts = np.searchsorted(owner_of_pair, cells)
        rank = np.arange(len(pairs)) - starts[owner_of_pair]
        shape = len(cells), int(pixel.max()) + 1, int(rank.max()) + 1
        corners = np.repeat(corner[starts][:, None], shape[2], axis=1)
        corners[owner_of_pair, rank] = corner
        at = (owner * shape[1] + place) * shape[2] + rank[pair]
        summed = np.bincount(at, weights, shape[0] * shape[1] * shape[2]).reshape(shape)
        return AxisCells(corners, summed.astype(np.float32), cell, pixel)


@lru_cache(_KEPT)
def resized_axis(
    grid: int, padded: int, valid: int, length: int, rule: Rule = "half_pixel"
) -> Sampling:
    """Enlarge to the padded image, cut the padding off, resize to the photograph.

    With pixel centres aligned both times this is mmsegmentation's rule.

    Args:
        grid: Number of grid points.
        padded: Pixels of the network's input.
        valid: How many of them show the image, at least 1 and at most ``padded``.
        length: Pixels of the photograph, at least 1.
        rule: By which the logits are enlarged.
    """
    return Sampling.bilinear(grid, padded, rule).then(Sampling.bilinear(valid, length))
