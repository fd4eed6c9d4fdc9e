"""Labels of logits that are about as fine as the label map, class by class.

The label head saves work where many pixels lie between the same grid points. Where hardly any do
(full-size logits, or tiles of these), looking at the corners of each pixel would take more memory
and time than interpolating every class everywhere, which this does for some rows at a time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .postprocessing import keep_best, winners_probability
from .sampling import Sampling

Plane = NDArray[np.float32]

_CACHED_PIXELS: Final = 1 << 15
"""Pixels that are worked on at once, so that they stay in the processor's cache."""


def is_dense(rows: Sampling, columns: Sampling) -> bool:
    """Return whether the cells' corners are more than half as many as the pixels."""
    corners = rows.cells.corners.size * columns.cells.corners.size
    return 2 * corners > len(rows.points) * len(columns.points)


def are_single(rows: Sampling, columns: Sampling) -> bool:
    """Return whether most cells have one pixel."""
    cells = len(rows.cells.corners) * len(columns.cells.corners)
    return 4 * cells > 3 * len(rows.points) * len(columns.points)


def dense_labels(
    planes: Plane, rows: Sampling, columns: Sampling, dtype: type[np.unsignedinteger[Any]]
) -> NDArray[Any]:
    """Interpolate along both axes and take the best class; of equal ones the lowest.

    Args:
        planes: (classes, h, w) float32, finite.
        rows: From grid rows to the rows of the label map.
        columns: From grid columns to its columns.
        dtype: Type of the class ids.

    Returns:
        (height, width) class ids.
    """
    labels = np.zeros((len(rows.points), len(columns.points)), dtype)
    for part, values in _bands(planes, rows, columns):
        best = np.full(labels[part].shape, -np.inf, np.float32)
        wins = np.empty(best.shape, np.bool_)
        for class_id, value in enumerate(values):
            keep_best(class_id, value, labels[part], best, wins)
    return labels


def dense_best(
    planes: Plane, rows: Sampling, columns: Sampling, *, softmax: bool
) -> NDArray[np.float32]:
    """Interpolate along both axes and take each pixel's largest number, or its softmax.

    Args:
        planes: As for `dense_labels`.
        rows: As for `dense_labels`.
        columns: As for `dense_labels`.
        softmax: Return the probability of the best class, not its number.

    Returns:
        (height, width) float32.
    """
    found = np.empty((len(rows.points), len(columns.points)), np.float32)
    for part, values in _bands(planes, rows, columns):
        best = found[part]
        best[...] = next(values)
        for value in values:
            np.maximum(best, value, out=best)
    if not softmax:
        return found
    for part, values in _bands(planes, rows, columns):
        found[part] = winners_probability(values, found[part])
    return found


@dataclass(frozen=True, eq=False)
class _Taps:
    """Grid points along an axis, and their weights, for each pixel.

    Attributes:
        points: int64 (k, length).
        weights: float32 (k, length).
    """

    points: NDArray[np.int64]
    weights: Plane

    @classmethod
    def of(cls, axis: Sampling) -> "_Taps":
        cells = axis.cells
        points, weights = cells.corners[cells.cell], cells.weights[cells.cell, cells.pixel]
        return cls(points.T.copy(), weights.T.copy())

    def part(self, pixels: slice) -> "_Taps":
        return _Taps(self.points[:, pixels], self.weights[:, pixels])

    @cached_property
    def indices(self) -> "list[slice | NDArray[np.int64]]":
        """Points to index by: slices where they follow one another, which copy nothing."""
        return [
            slice(int(each[0]), int(each[-1]) + 1) if (np.diff(each) == 1).all() else each
            for each in self.points
        ]


def _bands(
    planes: Plane, rows: Sampling, columns: Sampling
) -> Iterator[tuple[slice, Iterator[Plane]]]:
    """Cut the label map into bands of rows; give each one's place and its numbers by class."""
    height, width = len(rows.points), len(columns.points)
    down, across = _Taps.of(rows), _Taps.of(columns)
    at_once = max(1, _CACHED_PIXELS // width)
    for first in range(0, height, at_once):
        part = slice(first, min(first + at_once, height))
        band = down.part(part)
        yield part, (_interpolated(plane, band, across) for plane in planes)


def _interpolated(plane: Plane, down: _Taps, across: _Taps) -> Plane:
    """Interpolate one class; where nothing is to be done, this is a view of it."""
    lines = _weighted([plane[each] for each in down.indices], down.weights[:, :, None])
    return _weighted([lines[:, each] for each in across.indices], across.weights[:, None])


def _weighted(taken: list[Plane], weights: Plane) -> Plane:
    if len(taken) == 1:  # of weight 1
        return taken[0]
    total = taken[0] * weights[0]
    for values, weight in zip(taken[1:], weights[1:], strict=True):
        total += values * weight
    interpolated: Plane = total
    return interpolated
