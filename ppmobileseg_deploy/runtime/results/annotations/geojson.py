"""GeoJSON: regions as features, on Earth where the image says where it lies.

Source: RFC 7946; the member ``crs``, for coordinates that are not WGS 84, is that of the
specification of 2008, as GDAL and QGIS read it.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...drawing.style import Style
from ...images.georeference import Georeference, read_georeference
from ..polygons import Polygon, find_polygons
from ..records import json_text
from ..segmentation import Segmentation

_WGS_84: Final = 4326
_PIXELS: Final = Georeference((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))


def as_geojson(segmentation: Segmentation, style: Style) -> dict[str, Any]:
    """Return an image's regions as GeoJSON; see `SegmentationResult.to_geojson`."""
    path = segmentation.path
    is_still = segmentation.frame_index is None
    place = read_georeference(path) if path is not None and is_still else None
    features = [
        _feature(polygon, place or _PIXELS) for polygon in find_polygons(segmentation, style)
    ]
    collection: dict[str, Any] = {"type": "FeatureCollection"}
    if place is None:
        collection["coordinates"] = "pixels"
    elif place.epsg not in (None, _WGS_84):
        name = f"urn:ogc:def:crs:EPSG::{place.epsg}"
        collection["crs"] = {"type": "name", "properties": {"name": name}}
    if segmentation.frame_index is not None:
        collection |= {
            "frame_index": segmentation.frame_index,
            "time_s": segmentation.time_s,
        }
    return {**collection, "features": features}


def _feature(polygon: Polygon, place: Georeference) -> dict[str, Any]:
    rings = [_ring(polygon.exterior, place, outside=True)]
    rings += [_ring(hole, place, outside=False) for hole in polygon.holes]
    return {
        "type": "Feature",
        "properties": {
            "class_id": polygon.class_id,
            "class": json_text(polygon.name),
            "pixels": polygon.pixels,
        },
        "geometry": {"type": "Polygon", "coordinates": rings},
    }


def _ring(points: NDArray[np.int32], place: Georeference, *, outside: bool) -> list[Any]:
    x, y = points.T.astype(np.float64)
    east = place.x[0] * x + place.x[1] * y + place.x[2]
    north = place.y[0] * x + place.y[1] * y + place.y[2]
    ring = np.column_stack((east, north))
    # Counterclockwise outside, where the second coordinate grows upwards.
    origin = ring - ring[0]
    following = np.roll(origin, -1, axis=0)
    area = np.sum(origin[:, 0] * following[:, 1] - following[:, 0] * origin[:, 1])
    if (area > 0) != outside:
        ring = ring[::-1]
    closed: list[Any] = [*ring.tolist(), ring[0].tolist()]
    return closed
