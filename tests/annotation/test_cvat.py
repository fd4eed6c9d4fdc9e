"""CVAT: cvat-cli's own loader, the SDK's own driver and validators, and its own masks."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cvat_sdk.auto_annotation as cvataa
import numpy as np
import PIL.Image
import pytest
from cvat_cli._internal.common import FunctionLoader
from cvat_sdk.auto_annotation import driver
from cvat_sdk.masks import decode_mask
from pycocotools import mask as coco

from ppmobileseg_deploy import UsageError

# pycocotools 2.0.11 and before, with NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")
MODULE = "ppmobileseg_deploy.integrations.cvat"


def opened(path: Path) -> PIL.Image.Image:
    with PIL.Image.open(path) as image:
        return image.copy()


@pytest.fixture
def annotate(monkeypatch: pytest.MonkeyPatch, model, results):
    """Have the SDK annotate a task of the demo's images; return shapes by frame, and label ids."""

    def run(parameters: dict[str, Any], label_type: str = "any", **options: Any):
        function = FunctionLoader(MODULE, None, {"model": str(model), **parameters}).load()
        # The task has its own ids for the labels.
        labels = [
            SimpleNamespace(
                name=each.name, id=1000 + each.id, type=label_type, attributes=[], sublabels=[]
            )
            for each in function.spec.labels
        ]
        samples = [
            SimpleNamespace(
                frame_index=10 + index,
                frame_name=result.path.name,
                media=SimpleNamespace(load_image=lambda path=result.path: opened(path)),
            )
            for index, result in enumerate(results)
        ]
        monkeypatch.setattr(
            driver, "TaskDataset", lambda *_, **__: SimpleNamespace(labels=labels, samples=samples)
        )
        sent: list[Any] = []
        api = SimpleNamespace(
            partial_update_annotations=lambda *_, patched_labeled_data_request: sent.append(
                patched_labeled_data_request
            )
        )
        logger = SimpleNamespace(info=lambda *_: None)
        client = SimpleNamespace(logger=logger, tasks=SimpleNamespace(api=api))
        cvataa.annotate_task(client, 1, function, **options)
        return sent[0].shapes

    return run


def test_masks_come_back_equal(annotate, results):
    shapes = annotate({}, "mask")
    for index, result in enumerate(results):
        height, width = result.orig_shape
        labels = np.full((height, width), 255)
        for shape in shapes:
            if shape.frame == 10 + index:
                mask = decode_mask(shape.points, image_width=width, image_height=height)
                assert (labels[mask] == 255).all()
                labels[mask] = shape.label_id - 1000
        assert np.array_equal(labels, result.labels)


def test_polygons_come_back_nearly_equal(annotate, results):
    shapes = annotate({"tolerance": 0.5}, "polygon", conv_mask_to_poly=True)
    for index, result in enumerate(results):
        labels = np.full(result.orig_shape, 255)
        for shape in shapes:
            if shape.frame == 10 + index:
                rle = coco.merge(coco.frPyObjects([shape.points], *result.orig_shape))
                labels[coco.decode(rle) > 0] = shape.label_id - 1000
        for class_id, _ in result.counts():
            found, expected = labels == class_id, result.labels == class_id
            assert (found & expected).sum() / (found | expected).sum() >= 0.995


def test_classes_can_be_chosen_and_merged(annotate, results, tmp_path):
    (tmp_path / "m.json").write_text('{"above": ["sky"], "below": "*"}')
    shapes = annotate({"merge": str(tmp_path / "m.json"), "classes": "above"}, "mask")
    assert {shape.label_id for shape in shapes} == {1000}
    height, width = results[0].orig_shape
    mask = decode_mask(shapes[0].points, image_width=width, image_height=height)
    assert np.array_equal(mask, results[0].mask("sky"))


def test_unlikely_pixels_are_left_out(annotate, results):
    whole = annotate({"classes": "sky"}, "mask")
    likely = annotate({"classes": "sky"}, "mask", conf_threshold=0.9)
    for each, other in zip(whole, likely, strict=True):
        height, width = results[each.frame - 10].orig_shape
        masks = [
            decode_mask(shape.points, image_width=width, image_height=height)
            for shape in (each, other)
        ]
        assert 0.5 * masks[0].sum() < masks[1].sum() < masks[0].sum()
        assert not (masks[1] & ~masks[0]).any()


def test_an_unknown_class_is_refused(annotate):
    with pytest.raises(UsageError, match="did you mean 'tree'"):
        annotate({"classes": "treee"})
