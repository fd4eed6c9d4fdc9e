"""Print what is left of labels on the way to each annotation tool and back, and what it costs.

``.venv-annotation/bin/python tests/annotation/measure_round_trips.py``, after `make
test-annotation`; times on a quiet machine.
"""

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import thread_time
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from cvat_sdk.masks import decode_mask, encode_mask
from label_studio_sdk.converter import brush
from labelme._label_file import _load_shape_json_obj
from labelme.utils.shape import shapes_to_label
from pycocotools.coco import COCO

from ppmobileseg_deploy import OrtSegmenter, SegmentationResult
from ppmobileseg_deploy.runtime.drawing.style import Style
from ppmobileseg_deploy.runtime.results.class_masks import class_masks

DEMO: Final = Path(__file__).parents[2] / "demo"
LARGE_WH: Final = (1920, 1080)
TURNS: Final = 5
LEAST_PIXELS: Final = 500

Labels = NDArray[Any]


def coco(result: SegmentationResult, **options: Any) -> Labels:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "one.json"
        path.write_text(json.dumps(result.to_coco(**options)))
        dataset = COCO(path)
    labels = np.full(result.orig_shape, 255)
    for annotation in dataset.loadAnns(dataset.getAnnIds()):
        labels[dataset.annToMask(annotation) > 0] = annotation["category_id"]
    return labels


def labelme(result: SegmentationResult, **options: Any) -> Labels:
    shapes = [_load_shape_json_obj(each) for each in result.to_labelme(**options)["shapes"]]
    ids = {name: class_id for class_id, name in enumerate(result.names)}
    return shapes_to_label(result.image_bgr.shape, shapes, ids)[0]


def label_studio(result: SegmentationResult) -> Labels:
    labels = np.full(result.orig_shape, 255)
    for region in result.to_label_studio()["predictions"][0]["result"]:
        values = brush.decode_rle(region["value"]["rle"]).reshape(*result.orig_shape, 4)
        labels[values[..., 3] > 0] = result.names.index(region["value"]["brushlabels"][0])
    return labels


def cvat(result: SegmentationResult) -> Labels:
    height, width = result.orig_shape
    labels = np.full(result.orig_shape, 255)
    for class_id, mask in class_masks(result, Style()):
        points = encode_mask(mask)
        labels[decode_mask(points, image_width=width, image_height=height)] = class_id
    return labels


def supervision(result: SegmentationResult) -> Labels:
    detections = result.to_supervision()
    labels = np.full(result.orig_shape, 255)
    for mask, class_id in zip(detections.mask, detections.class_id, strict=True):
        labels[mask] = class_id
    return labels


WAYS: Final[dict[str, Callable[[SegmentationResult], Labels]]] = {
    "COCO, run lengths": coco,
    "COCO, polygons, tolerance 0.5": lambda result: coco(result, form="polygons", tolerance=0.5),
    "COCO, polygons, tolerance 1": lambda result: coco(result, form="polygons"),
    "LabelMe, tolerance 0": lambda result: labelme(result, tolerance=0),
    "LabelMe, tolerance 0.5": lambda result: labelme(result, tolerance=0.5),
    "LabelMe, tolerance 1": labelme,
    "Label Studio, brush": label_studio,
    "CVAT, masks": cvat,
    "supervision": supervision,
}

COSTS: Final[dict[str, Callable[[SegmentationResult], object]]] = {
    "`regions()`": lambda result: result.regions(),
    "`to_polygons()`": lambda result: result.to_polygons(),
    "`to_coco()`": lambda result: result.to_coco(),
    "`to_labelme()`": lambda result: result.to_labelme(),
    "`to_label_studio()`": lambda result: result.to_label_studio(),
    "`to_geojson()`": lambda result: result.to_geojson(),
}


def main() -> None:
    segmenter = OrtSegmenter(DEMO / "ppmobileseg_tiny_demo.onnx")
    images_bgr = [cv2.imread(str(path)) for path in sorted((DEMO / "images").glob("*.jpg"))]
    results = [segmenter(image_bgr) for image_bgr in images_bgr]
    print("| way | pixels equal, % | least IoU, % | of classes from 500 pixels on |")
    print("|---|---:|---:|---:|")
    for name, way in WAYS.items():
        equal, least, least_large = 100.0, 100.0, 100.0
        for result in results:
            labels = way(result)
            equal = min(equal, 100 * float((labels == result.labels).mean()))
            for class_id, pixels in result.counts():
                found, expected = labels == class_id, result.labels == class_id
                iou = 100 * float((found & expected).sum() / (found | expected).sum())
                least = min(least, iou)
                least_large = min(least_large, iou if pixels >= LEAST_PIXELS else 100.0)
        print(f"| {name} | {equal:.2f} | {least:.2f} | {least_large:.2f} |")
    large = [segmenter(cv2.resize(image_bgr, LARGE_WH)) for image_bgr in images_bgr]
    print("\n| call | ms, 768x512 | ms, 1920x1080 |\n|---|---:|---:|")
    for name, call in COSTS.items():
        ms = [median(_ms(call, result) for result in each) for each in (results, large)]
        print(f"| {name} | {ms[0]:.1f} | {ms[1]:.1f} |")


def _ms(call: Callable[[SegmentationResult], object], result: SegmentationResult) -> float:
    took = []
    for _ in range(TURNS):
        start = thread_time()
        call(result)
        took.append(1e3 * (thread_time() - start))
    return min(took)


if __name__ == "__main__":
    main()
