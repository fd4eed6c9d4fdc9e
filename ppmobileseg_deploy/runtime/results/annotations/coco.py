"""COCO: images, categories and annotations, as pycocotools and most tools read them.

Category ids are class ids, as in `SegmentationResult.to_rle`. Annotations and images count from 1.

Source: https://cocodataset.org/#format-data
"""

from typing import Any, Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from ....errors import UsageError
from ....metadata import RGB
from ...drawing.selection import Selection
from ...drawing.style import Style
from ..polygons import find_polygons, line_around
from ..records import as_coco, json_text
from ..run_lengths import Runs
from ..segmentation import Segmentation

CocoForm: TypeAlias = Literal["rle", "polygons", "panoptic"]
"""Run lengths of each class, polygons of each region, or one PNG of all classes."""

COCO_FORMS: Final[tuple[CocoForm, ...]] = get_args(CocoForm)

_INFO: Final = {"description": "Segmented by ppmobileseg_deploy", "version": "1.0"}


def as_coco_dataset(segmentation: Segmentation, style: Style, form: CocoForm) -> dict[str, Any]:
    """Return one image as a whole COCO file; see `SegmentationResult.to_coco`."""
    check_form(form, ("rle", "polygons"))
    path = segmentation.path
    file_name = segmentation.source if path is None else path.name
    annotations = annotations_of(segmentation, style, form)
    for number, annotation in enumerate(annotations, 1):
        annotation |= {"id": number, "image_id": 1}
    return {
        "info": dict(_INFO),
        "images": [image_of(segmentation, 1, file_name)],
        "annotations": annotations,
        "categories": categories_of(segmentation.names, segmentation.palette_rgb),
    }


def check_form(form: str, known: tuple[str, ...] = COCO_FORMS) -> None:
    """Make sure that a form is known.

    Raises:
        UsageError: It is none of them.
    """
    if form not in known:
        raise UsageError(f"expected a form of COCO from {', '.join(known)}, found {form!r}")


def info() -> dict[str, str]:
    """Return what stands in front of a file."""
    return dict(_INFO)


def categories_of(names: tuple[str, ...], palette_rgb: tuple[RGB, ...]) -> list[dict[str, Any]]:
    """Return the categories of a model: all are "stuff", of which nothing is counted."""
    return [
        {
            "id": class_id,
            "name": json_text(name),
            "supercategory": "",
            "isthing": 0,
            "color": [int(channel) for channel in color],
        }
        for class_id, (name, color) in enumerate(zip(names, palette_rgb, strict=True))
    ]


def image_of(segmentation: Segmentation, image_id: int, file_name: str) -> dict[str, Any]:
    """Return the record of an image."""
    height, width = segmentation.orig_shape
    record = {
        "id": image_id,
        "file_name": json_text(file_name),
        "height": height,
        "width": width,
    }
    if segmentation.frame_index is not None:
        record |= {"frame_index": segmentation.frame_index, "time_s": segmentation.time_s}
    return record


def annotations_of(
    segmentation: Segmentation, style: Style, form: CocoForm
) -> list[dict[str, Any]]:
    """Return the annotations of an image, still without their own id and the image's.

    Args:
        segmentation: What is written.
        style: Its classes and confidence, and for polygons its tolerance and least area, choose
            what is listed.
        form: ``"rle"`` for one annotation of each class, exact; ``"polygons"`` for one of each
            region, whose holes are joined to its outside by cuts of no width, since COCO knows no
            holes.
    """
    if form == "rle":
        annotations = as_coco(segmentation, style)
        for annotation in annotations:
            del annotation["image_id"], annotation["category_name"]
        return annotations
    return [
        {
            "category_id": polygon.class_id,
            "segmentation": [line_around(polygon.exterior, polygon.holes).ravel().tolist()],
            "area": polygon.area,
            "bbox": _xywh(polygon.box_xyxy),
            "iscrowd": 0,
        }
        for polygon in find_polygons(segmentation, style)
    ]


def panoptic_of(
    segmentation: Segmentation, style: Style
) -> tuple[NDArray[np.uint8], list[dict[str, Any]]]:
    """Return the panoptic picture of an image, and what it shows.

    Args:
        segmentation: What is written.
        style: Its classes and confidence choose the segments; the rest is void, 0.

    Returns:
        (height, width, 3) uint8, RGB: a pixel's segment is ``R + 256 * G + 65536 * B``; and
        ``segments_info``: one segment for each class, whose id is the class id plus 1.
    """
    selection = Selection.of(
        style, segmentation.labels, len(segmentation.names), segmentation.confidence
    )
    runs = Runs.of(selection)
    ids = segmentation.labels.astype(np.uint32) + 1
    if not selection.everything:
        ids[selection.mask(slice(None)) == 0] = 0
    picture_rgb = np.stack([(ids >> shift) & 0xFF for shift in (0, 8, 16)], axis=-1)
    segments = [
        {
            "id": class_id + 1,
            "category_id": class_id,
            "area": pixels,
            "bbox": _xywh(runs.box(class_id)),
            "iscrowd": 0,
        }
        for class_id, pixels in sorted(selection.present())
    ]
    return picture_rgb.astype(np.uint8), segments


def _xywh(box_xyxy: tuple[int, int, int, int]) -> list[int]:
    left, top, right, bottom = box_xyxy
    return [left, top, right - left, bottom - top]
