"""LabelMe: the file that the program of this name opens beside an image.

LabelMe makes masks of polygons with all pixels that their lines touch. So lines go along the
outermost pixels of a region here, not along its edge.

Source: labelme 6.3, ``labelme/_label_file.py``.
"""

from typing import Any, Final

from ...drawing.style import Style
from ..polygons import find_polygons, line_around
from ..records import json_text
from ..segmentation import Segmentation

_VERSION: Final = "5.5.0"  # of the format: the first that ignores no key of these


def as_labelme(segmentation: Segmentation, style: Style, image_path: str) -> dict[str, Any]:
    """Return an image's regions as LabelMe's shapes; see `SegmentationResult.to_labelme`."""
    height, width = segmentation.orig_shape
    return {
        "version": _VERSION,
        "flags": {},
        # Largest first: LabelMe draws later shapes over earlier ones.
        "shapes": [
            {
                "label": json_text(polygon.name),
                "points": line_around(polygon.exterior_pixels, polygon.hole_pixels).tolist(),
                "group_id": None,
                "description": "",
                "shape_type": "polygon",
                "flags": {},
                "mask": None,
            }
            for polygon in find_polygons(segmentation, style)
        ],
        "imagePath": json_text(image_path),
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }
