"""Polygons as plain JSON, of no particular tool."""

from typing import Any

from ...drawing.style import Style
from ..polygons import find_polygons
from ..records import json_text
from ..segmentation import Segmentation


def polygons_as_dict(segmentation: Segmentation, style: Style) -> dict[str, Any]:
    """Return the polygons of an image as plain data.

    Args:
        segmentation: What is written.
        style: Its classes, confidence, tolerance and least area choose the polygons.

    Returns:
        ``"image"``: source, height, width, frame_index, time_s. ``"polygons"``: for each region,
        largest first, class_id, name, pixels, box_xyxy, exterior and holes, whose points are
        ``[x, y]`` as `Polygon` has them.
    """
    height, width = segmentation.orig_shape
    return {
        "image": {
            "source": json_text(segmentation.source or str(segmentation.path or "")),
            "height": height,
            "width": width,
            "frame_index": segmentation.frame_index,
            "time_s": segmentation.time_s,
        },
        "polygons": [
            {
                "class_id": polygon.class_id,
                "name": json_text(polygon.name),
                "pixels": polygon.pixels,
                "box_xyxy": list(polygon.box_xyxy),
                "exterior": polygon.exterior.tolist(),
                "holes": [hole.tolist() for hole in polygon.holes],
            }
            for polygon in find_polygons(segmentation, style)
        ],
    }
