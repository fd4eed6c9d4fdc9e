"""Results as plain data: for JSON, and for tools that read the COCO format."""

from math import isfinite
from typing import TYPE_CHECKING, Any

from ..drawing.selection import Selection
from ..drawing.style import Style
from .run_lengths import Runs

if TYPE_CHECKING:
    from .result import SegmentationResult


def as_dict(result: "SegmentationResult", style: Style) -> dict[str, Any]:
    """Return what `SegmentationResult.to_dict` describes."""
    height, width = result.orig_shape
    selection = Selection.of(style, result.labels, len(result.names), result.confidence)
    runs = Runs.of(selection)
    meta = result.metadata
    return {
        "image": {
            "path": None if result.path is None else _text(str(result.path)),
            "source": _text(result.source or str(result.path or "")),
            "height": height,
            "width": width,
            "frame_index": result.frame_index,
            "time_s": None if result.time_s is None else _number(result.time_s),
        },
        "model": {
            "file": _text(result.model_file),
            "variant": _text(meta.variant),
            "checkpoint": _text(meta.checkpoint),
            "checkpoint_sha256": _text(meta.checkpoint_sha256),
            "tool_version": _text(meta.tool_version),
        },
        "speed_ms": {_text(part): _number(ms) for part, ms in result.speed.items()},
        "classes": [
            {
                "id": class_id,
                "name": _text(result.names[class_id]),
                "pixels": pixels,
                "share": pixels / (height * width),
                "box_xyxy": list(runs.box(class_id)),
                "color_rgb": [int(channel) for channel in result.palette_rgb[class_id]],
            }
            for class_id, pixels in selection.present()
        ],
    }


def as_coco(result: "SegmentationResult", style: Style) -> list[dict[str, Any]]:
    """Return what `SegmentationResult.to_rle` describes."""
    selection = Selection.of(style, result.labels, len(result.names), result.confidence)
    runs = Runs.of(selection)
    image_id = _image_id(result)
    annotations = []
    for class_id, pixels in sorted(selection.present()):
        left, top, right, bottom = runs.box(class_id)
        annotations.append(
            {
                "image_id": image_id,
                "category_id": class_id,
                "category_name": _text(result.names[class_id]),
                "segmentation": {
                    "size": list(result.orig_shape),
                    "counts": runs.coco_counts(class_id),
                },
                "area": pixels,
                "bbox": [left, top, right - left, bottom - top],
                "iscrowd": 0,
            }
        )
    return annotations


def _image_id(result: "SegmentationResult") -> int | str:
    if result.frame_index is not None:
        return result.frame_index
    stem = "" if result.path is None else result.path.stem
    # COCO's images are called by their number, with zeros in front.
    return int(stem) if stem.isascii() and stem.isdecimal() and len(stem) < 19 else _text(stem)


def _number(value: float) -> float | None:
    # JSON has no way to write the others.
    return float(value) if isfinite(value) else None


def _text(text: str) -> str:
    # Half of a surrogate pair, from a file name that is no UTF-8 or a damaged model, is no text
    # that strict readers of JSON take.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
