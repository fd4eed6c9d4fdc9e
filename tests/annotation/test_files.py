"""LabelMe, Label Studio, supervision: what their own packages read is what was segmented."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import supervision
from label_studio_sdk._extensions.label_studio_tools.core.label_config import parse_config
from label_studio_sdk.converter import brush
from label_studio_sdk.label_interface import LabelInterface
from labelme._label_file import read_label_file
from labelme.utils.shape import shapes_to_label

from ppmobileseg_deploy.runtime.batch import CocoFile
from ppmobileseg_deploy.runtime.drawing.style import Style

pytestmark = [
    # pycocotools 2.0.11 and before, with NumPy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation"),
    # labelme 6.3 leaves the image open.
    pytest.mark.filterwarnings("ignore:Exception ignored:pytest.PytestUnraisableExceptionWarning"),
]


def iou(found, expected):
    return (found & expected).sum() / (found | expected).sum()


def test_label_studio_unpacks_the_labels(results):
    for result in results:
        (prediction,) = result.to_label_studio()["predictions"]
        labels = np.full(result.orig_shape, 255)
        for region in prediction["result"]:
            flat = brush.decode_rle(region["value"]["rle"])
            mask = flat.reshape(*result.orig_shape, 4)[..., 3] > 0
            labels[mask] = result.names.index(region["value"]["brushlabels"][0])
        assert np.array_equal(labels, result.labels)


def test_label_studio_packs_no_shorter(results):
    mask = results[0].labels == results[0].counts()[0][0]
    (region,) = results[0].to_label_studio(classes=results[0].counts()[0][0])["predictions"][0][
        "result"
    ]
    theirs = brush.mask2rle(mask.astype(np.uint8) * 255)
    assert len(region["value"]["rle"]) <= len(theirs)


def test_label_studio_accepts_the_task(results):
    used = sorted({name for result in results for name in result.areas()})
    labels = "".join(f'<Label value="{name}"/>' for name in used)
    config = (
        '<View><Image name="image" value="$image"/>'
        f'<BrushLabels name="tag" toName="image">{labels}</BrushLabels></View>'
    )
    interface = LabelInterface(config)
    for result in results:
        task = result.to_label_studio("/data/upload/a.jpg")
        assert interface.validate_task({"data": task["data"]})
        assert interface.validate_prediction(task["predictions"][0])
    assert parse_config(config)["tag"]["type"] == "BrushLabels"


@pytest.mark.parametrize("tolerance", [0, 0.5])
def test_labelme_opens_the_file_and_draws_the_labels(results, tmp_path, tolerance):
    for result in results:
        shutil.copy(result.path, tmp_path)
        file = tmp_path / f"{result.path.stem}.json"
        file.write_text(json.dumps(result.to_labelme(tolerance=tolerance)))
        opened = read_label_file(str(file))
        assert opened.image_path == result.path.name
        assert opened.image_data == result.path.read_bytes()
        names = {name: class_id for class_id, name in enumerate(result.names)}
        drawn, _ = shapes_to_label(result.image_bgr.shape, opened.shapes, names)
        if tolerance == 0:
            assert np.array_equal(drawn, result.labels)
        assert (drawn == result.labels).mean() >= 0.997
        for class_id, pixels in result.counts():
            if pixels >= 500:
                assert iou(drawn == class_id, result.labels == class_id) >= 0.99


def test_supervision_has_the_labels(results):
    for result in results:
        detections = result.to_supervision()
        labels = np.full(result.orig_shape, 255)
        for (left, top, right, bottom), mask, _, class_id, _, data in detections:
            labels[mask] = class_id
            assert data["class_name"] == result.names[class_id]
            left, top, right, bottom = map(int, (left, top, right, bottom))
            assert mask[top:bottom, left:right].sum() == mask.sum() > 0
        assert np.array_equal(labels, result.labels)
        assert np.array_equal(detections.area, [pixels for _, pixels in result.counts()])
        picture = supervision.MaskAnnotator().annotate(result.image_bgr.copy(), detections)
        assert picture.shape == result.image_bgr.shape
    assert len(results[0].to_supervision(classes="sky")) == 1


@pytest.mark.parametrize("form", ["rle", "polygons"])
def test_supervision_reads_the_coco_file(results, tmp_path, form):
    path = tmp_path / "all.json"
    with CocoFile(
        path, results[0].names, results[0].palette_rgb, form, Style(tolerance=0.5)
    ) as file:
        for result in results:
            file.add(result, result.path.name)
    dataset = supervision.DetectionDataset.from_coco(
        str(results[0].path.parent), str(path), force_masks=True
    )
    assert len(dataset) == len(results)
    by_name = {Path(name).name: found for name, _, found in dataset}
    for result in results:
        labels = np.full(result.orig_shape, 255)
        found = by_name[result.path.name]
        for mask, class_id in zip(found.mask, found.class_id, strict=True):
            labels[mask] = class_id
        if form == "rle":
            assert np.array_equal(labels, result.labels)
        # It draws polygons with all pixels that their lines touch, which COCO itself does not.
        assert (labels == result.labels).mean() >= 0.985
