"""Outlines: the closed lines around the regions of an image, along the edges of its pixels.

Pixel (x, y) is the square from (x, y) to (x + 1, y + 1). An outline goes along such squares with
its region on the right hand: clockwise, as one sees it, around a region, and the other way round
along its holes. Where two pixels of one region touch with a corner, the outline joins them: none
touches itself.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .regions import NO_REGION

_EAST, _SOUTH, _WEST = range(3)  # directions, clockwise; north is 3
_JUNCTION: Final = 3  # edges that meet at a point


@dataclass(frozen=True, eq=False)
class Outline:
    """One closed line.

    Attributes:
        number: The region on its right hand.
        points: (points, 2) int64, x and y of its corners, and of points on its straight parts
            where other regions meet; the first does not come again at the end.
        fixed: (points,) bool, where three or more regions meet (what is outside of the image
            counts as one).
        pixels: (points, 2) int64, x and y of the region's own pixel at each point, the one that
            lies inside of the corner.
    """

    number: int
    points: NDArray[np.int64]
    fixed: NDArray[np.bool_]
    pixels: NDArray[np.int64]


def trace_outlines(numbers: NDArray[np.int32]) -> list[Outline]:
    """Trace all outlines of all regions.

    Args:
        numbers: (height, width), the region of each pixel; pixels of 0 are of none.

    Returns:
        The outlines, in no particular order. Each region has one around it, and one for each of
        its holes.
    """
    framed = np.pad(numbers, 1)
    width = numbers.shape[1] + 1  # of the grid of points
    stops, fixed = _stops(framed)
    if stops.size == 0:
        return []
    around = _around(framed, stops, width)
    # A line leaves a point in a direction if something begins there on its right hand.
    leaving = (around != NO_REGION) & (around != np.roll(around, 1, axis=0))
    directions, at = np.nonzero(leaving)
    ends = _ends(stops, at, directions, width)
    ahead_right = around[directions, ends]
    ahead_left = around[(directions - 1) % 4, ends]
    own = around[directions, at]
    turn = np.where(ahead_left == own, -1, np.where(ahead_right == own, 0, 1))
    line_of = np.zeros(around.shape, np.int64)
    line_of[directions, at] = np.arange(len(at))
    following = line_of[(directions + turn) % 4, ends]
    points = np.column_stack((stops % width, stops // width))
    outlines = []
    for lines in _cycles(following):
        leaves = directions[lines]
        arrives = np.roll(leaves, 1)
        # The region lies to the left of lines to the south, and above lines to the west.
        step = np.column_stack([(arrives == each) | (leaves == each) for each in (_SOUTH, _WEST)])
        corners = points[at[lines]]
        outlines.append(Outline(int(own[lines[0]]), corners, fixed[at[lines]], corners - step))
    return outlines


def _stops(framed: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Find the points where lines turn or meet, row by row, and which of them are meetings."""
    beside, below = framed[:, :-1] != framed[:, 1:], framed[:-1] != framed[1:]
    north, south, west, east = beside[:-1], beside[1:], below[:, :-1], below[:, 1:]
    straight = (north == south) & (west == east) & (north != west)
    stops = np.flatnonzero((north | south | west | east) & ~straight)
    count = sum(each.ravel()[stops].astype(np.uint8) for each in (north, south, west, east))
    return stops, np.asarray(count >= _JUNCTION)


def _around(framed: NDArray[np.int32], stops: NDArray[np.int64], width: int) -> NDArray[np.int32]:
    """Return the regions around points: (4, points), on the right hand of each direction."""
    y, x = np.divmod(stops, width)
    return np.stack((framed[y + 1, x + 1], framed[y + 1, x], framed[y, x], framed[y, x + 1]))


def _ends(
    stops: NDArray[np.int64], at: NDArray[np.int64], directions: NDArray[np.int64], width: int
) -> NDArray[np.int64]:
    """Return the index of the point at which each line ends: the next one on its way."""
    by_column = np.lexsort((stops // width, stops % width))
    place = np.empty_like(by_column)
    place[by_column] = np.arange(len(stops))
    step = np.where(directions < _WEST, 1, -1)
    sideways = directions % 2 == _EAST
    vertical = by_column[np.where(sideways, 0, place[at] + step)]
    ends: NDArray[np.int64] = np.where(sideways, at + step, vertical)
    return ends


def _cycles(following: NDArray[np.int64]) -> list[list[int]]:
    """Take a permutation apart."""
    after = following.tolist()
    cycles = []
    for first in range(len(after)):
        cycle = []
        line = first
        while after[line] >= 0:
            cycle.append(line)
            after[line], line = -1, after[line]
        if cycle:
            cycles.append(cycle)
    return cycles
