"""Records of a segmentation: JSON and COCO annotations.

Numbers are rounded as a person would write them: shares to 4 decimals, milliseconds to 2, seconds
to 3. Pixels and boxes are exact.
"""

import json
from math import isfinite
from typing import Any, Final

from ..drawing.selection import Selection
from ..drawing.style import Style
from .run_lengths import Runs
from .segmentation import Segmentation

_SHARE_DECIMALS: Final = 4
_MS_DECIMALS: Final = 2
_S_DECIMALS: Final = 3


def as_dict(segmentation: Segmentation, style: Style) -> dict[str, Any]:
    """Return the record of an image; see `SegmentationResult.to_dict`."""
    height, width = segmentation.orig_shape
    selection = Selection.of(
        style, segmentation.labels, len(segmentation.names), segmentation.confidence
    )
    runs = Runs.of(selection)
    meta = segmentation.metadata
    return {
        "image": {
            "path": None if segmentation.path is None else json_text(str(segmentation.path)),
            "source": json_text(segmentation.source or str(segmentation.path or "")),
            "height": height,
            "width": width,
            "frame_index": segmentation.frame_index,
            "time_s": None
            if segmentation.time_s is None
            else _rounded(segmentation.time_s, _S_DECIMALS),
        },
        "model": {
            "file": json_text(segmentation.model_file),
            "variant": json_text(meta.variant),
            "checkpoint": json_text(meta.checkpoint),
            "checkpoint_sha256": json_text(meta.checkpoint_sha256),
            "tool_version": json_text(meta.tool_version),
        },
        "speed_ms": {
            json_text(part): _rounded(ms, _MS_DECIMALS) for part, ms in segmentation.speed.items()
        },
        "classes": [
            {
                "id": class_id,
                "name": json_text(segmentation.names[class_id]),
                "pixels": pixels,
                "share": _rounded(pixels / (height * width), _SHARE_DECIMALS),
                "box_xyxy": list(runs.box(class_id)),
                "color_rgb": [int(channel) for channel in segmentation.palette_rgb[class_id]],
            }
            for class_id, pixels in selection.present()
        ],
    }


def as_coco(segmentation: Segmentation, style: Style) -> list[dict[str, Any]]:
    """Return COCO annotations; see `SegmentationResult.to_rle`."""
    selection = Selection.of(
        style, segmentation.labels, len(segmentation.names), segmentation.confidence
    )
    runs = Runs.of(selection)
    image_id = _image_id(segmentation)
    annotations = []
    for class_id, pixels in sorted(selection.present()):
        left, top, right, bottom = runs.box(class_id)
        annotations.append(
            {
                "image_id": image_id,
                "category_id": class_id,
                "category_name": json_text(segmentation.names[class_id]),
                "segmentation": {
                    "size": list(segmentation.orig_shape),
                    "counts": runs.coco_counts(class_id),
                },
                "area": pixels,
                "bbox": [left, top, right - left, bottom - top],
                "iscrowd": 0,
            }
        )
    return annotations


def to_json(segmentation: Segmentation, style: Style, *, indent: int | None = None) -> str:
    """Return `as_dict` as JSON in ASCII: on one line, or indented for people."""
    return json.dumps(as_dict(segmentation, style), indent=indent, allow_nan=False)


def to_coco_json(segmentation: Segmentation, style: Style) -> str:
    """Return `as_coco` as one line of JSON, in ASCII."""
    return json.dumps(as_coco(segmentation, style), allow_nan=False)


def _image_id(segmentation: Segmentation) -> int | str:
    if segmentation.frame_index is not None:
        return segmentation.frame_index
    stem = "" if segmentation.path is None else segmentation.path.stem
    # COCO's images are called by their number, with zeros in front.
    return int(stem) if stem.isascii() and stem.isdecimal() and len(stem) < 19 else json_text(stem)


def _rounded(value: float, decimals: int) -> float | None:
    # JSON cannot write NaN and infinity.
    return round(float(value), decimals) if isfinite(value) else None


def json_text(text: str) -> str:
    """Return a text that strict readers of JSON take.

    Half of a surrogate pair, from a file name that is no UTF-8 or a damaged model, is replaced.
    """
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
