"""Polygons of the regions of a segmentation, with holes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..drawing.style import Style
from .outlines import trace_outlines
from .regions import Region, find_regions
from .segmentation import Segmentation
from .simplifying import pixels_at, simplified, twice_area

_LEAST_POINTS: Final = 3

_Ring: TypeAlias = tuple[NDArray[np.int32], NDArray[np.int32]]
"""Points, and the region's own pixels at them."""


@dataclass(frozen=True, eq=False)
class Polygon:
    """The outline of a region.

    Pixel (x, y) is the square from (x, y) to (x + 1, y + 1), so that coordinates go from 0 to the
    width and the height of the image.

    Attributes:
        class_id: The class.
        name: Its name.
        pixels: How many pixels the region has.
        box_xyxy: Left, top, right and bottom of the region; right and bottom are exclusive.
        exterior: (points, 2) int32, x and y, clockwise as one sees the image; the first point
            does not come again at the end.
        holes: The same of each hole, counterclockwise.
        exterior_pixels: (points, 2) int32, x and y of the region's own pixel at each point, for
            programs that draw a polygon with the pixels on its line.
        hole_pixels: The same of each hole.
    """

    class_id: int
    name: str
    pixels: int
    box_xyxy: tuple[int, int, int, int]
    exterior: NDArray[np.int32]
    holes: tuple[NDArray[np.int32], ...]
    exterior_pixels: NDArray[np.int32] = field(repr=False)
    hole_pixels: tuple[NDArray[np.int32], ...] = field(repr=False)

    @property
    def area(self) -> float:
        """Area inside the polygon, in pixels: `Region.pixels` where nothing was simplified."""
        return sum(map(twice_area, (self.exterior, *self.holes))) / 2


def find_polygons(segmentation: Segmentation, style: Style) -> list[Polygon]:
    """Find the polygons of a segmentation; see `SegmentationResult.to_polygons`."""
    regions = find_regions(segmentation, style)
    if not regions:
        return []
    rings: dict[int, list[_Ring]] = {region.number: [] for region in regions}
    for outline in trace_outlines(regions[0].numbers):
        ring = simplified(outline, style.tolerance)
        # The line around a region comes first, its holes after it.
        place = 0 if twice_area(ring) > 0 else len(rings[outline.number])
        rings[outline.number].insert(place, (ring, pixels_at(outline, ring)))
    return [_polygon(region, rings[region.number]) for region in regions]


def line_around(
    exterior: NDArray[np.int32], holes: Sequence[NDArray[np.int32]]
) -> NDArray[np.float64]:
    """Return one line around a polygon and its holes, for programs that know no holes.

    A cut of no width leads from the leftmost point of each hole to what lies left of it, and the
    line goes along both sides of it.

    Args:
        exterior: Points of a polygon, such as `Polygon.exterior`.
        holes: Points of its holes.

    Returns:
        (points, 2) float64, x and y; the first point does not come again at the end.
    """
    ring = exterior.astype(np.float64)
    leftmost = [np.roll(hole, -int(np.lexsort(hole.T)[0]), axis=0) for hole in holes]
    for hole in sorted(leftmost, key=lambda hole: (hole[0, 0], hole[0, 1])):
        ring = _joined(ring, hole.astype(np.float64))
    distinct = ring[np.any(ring != np.roll(ring, 1, axis=0), axis=1)]
    return distinct if len(distinct) >= _LEAST_POINTS else ring  # of regions one pixel thin


def _joined(ring: NDArray[np.float64], hole: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y = hole[0]
    begin, end = ring, np.roll(ring, -1, axis=0)
    crosses = (np.minimum(begin[:, 1], end[:, 1]) <= y) & (np.maximum(begin[:, 1], end[:, 1]) >= y)
    crosses &= begin[:, 1] != end[:, 1]
    at = np.flatnonzero(crosses)
    share = (y - begin[at, 1]) / (end[at, 1] - begin[at, 1])
    met = begin[at, 0] + share * (end[at, 0] - begin[at, 0])
    left = met <= x
    at, met = at[left], met[left]
    nearest = int(np.argmax(met))
    gate = np.array([[met[nearest], y]])
    edge = int(at[nearest])
    way = np.concatenate((gate, hole, hole[:1], gate))
    return np.concatenate((ring[: edge + 1], way, ring[edge + 1 :]))


def _polygon(region: Region, rings: list[_Ring]) -> Polygon:
    (exterior, exterior_pixels), *holes = rings
    return Polygon(
        region.class_id,
        region.name,
        region.pixels,
        region.box_xyxy,
        exterior,
        tuple(hole for hole, _ in holes),
        exterior_pixels,
        tuple(pixels for _, pixels in holes),
    )
