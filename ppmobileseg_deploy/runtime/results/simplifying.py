"""Simplified outlines: fewer points, and neighbours still share their borders.

A border between two meetings of regions is simplified by itself, in the same direction whichever
of its two regions asks. So what one region loses the other one gains, and there are neither gaps
nor overlaps between them, but for regions that would vanish: these keep all their points.

Source: Douglas and Peucker, 1973, as ``cv2.approxPolyDP`` computes it.
"""

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from .outlines import Outline


def simplified(outline: Outline, tolerance: float) -> NDArray[np.int32]:
    """Leave out points of an outline.

    Args:
        outline: It.
        tolerance: The farthest, in pixels, that a point left out may lie from the new line; 0
            leaves out nothing but points on straight parts.

    Returns:
        (points, 2) int32, x and y; the outline goes round in the same direction.
    """
    exact = _without_straight(outline.points.astype(np.int32))
    if tolerance == 0 or len(exact) <= 4:
        return exact
    start = _first(outline)
    points = np.roll(outline.points, -start, axis=0).astype(np.int32)
    points = np.concatenate((points, points[:1]))
    meetings = np.flatnonzero(np.append(np.roll(outline.fixed, -start), True))
    borders = [0, *meetings[meetings > 0].tolist()]
    pieces = [
        _simplified_border(points[begin : end + 1], tolerance)[:-1]
        for begin, end in pairwise(borders)
    ]
    ring = _without_straight(np.concatenate(pieces))
    return ring if twice_area(ring) * twice_area(exact) > 0 else exact


def pixels_at(outline: Outline, ring: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return `Outline.pixels` of the points that are left of an outline."""
    width = int(outline.points[:, 0].max()) + 1
    keys = outline.points[:, 1] * width + outline.points[:, 0]
    order = np.argsort(keys)
    at = order[
        np.searchsorted(keys, ring[:, 1].astype(np.int64) * width + ring[:, 0], sorter=order)
    ]
    return outline.pixels[at].astype(np.int32)


def twice_area(ring: NDArray[np.int32]) -> int:
    """Return twice the area inside a line: positive if it goes round clockwise, as one sees it."""
    x, y = ring.T.astype(np.int64)
    return int(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))


def _first(outline: Outline) -> int:
    """Return where the outline begins, whichever side is asked: at a meeting, or its first."""
    order = np.lexsort((outline.points[:, 0], outline.points[:, 1], ~outline.fixed))
    return int(order[0])


def _simplified_border(points: NDArray[np.int32], tolerance: float) -> NDArray[np.int32]:
    if len(points) <= 2:
        return points
    if tuple(points[0]) == tuple(points[-1]):
        # Closed: the farthest point divides it. Of several the first on either way round is taken
        # by its place alone.
        distance = np.sum((points.astype(np.int64) - points[0]) ** 2, axis=1)
        far = np.flatnonzero(distance == distance.max())
        middle = int(min(far, key=lambda at: tuple(points[at])))
        halves = points[: middle + 1], points[middle:]
        first, second = (_simplified_border(half, tolerance) for half in halves)
        return np.concatenate((first[:-1], second))
    backwards = tuple(points[0]) > tuple(points[-1])
    line = points[::-1] if backwards else points
    kept = cv2.approxPolyDP(np.ascontiguousarray(line[:, None]), tolerance, closed=False)
    kept_points: NDArray[np.int32] = np.asarray(kept, np.int32).reshape(-1, 2)
    return kept_points[::-1] if backwards else kept_points


def _without_straight(ring: NDArray[np.int32]) -> NDArray[np.int32]:
    before = ring - np.roll(ring, 1, axis=0)
    after = np.roll(ring, -1, axis=0) - ring
    turn = (
        before[:, 0].astype(np.int64) * after[:, 1] - before[:, 1].astype(np.int64) * after[:, 0]
    )
    kept = ring[turn != 0]
    return kept if len(kept) >= 3 else ring
