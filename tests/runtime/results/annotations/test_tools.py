"""LabelMe, Label Studio, supervision; `make test-annotation` has their own packages read these."""

import json
import sys

import numpy as np
import pytest

from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.runtime.results.annotations.label_studio import pack_mask


def unpacked(packed: list[int]) -> np.ndarray:
    """rle-pack's decoder, by the letter."""
    bits = "".join(f"{byte:08b}" for byte in packed)
    place = 0

    def read(count: int) -> int:
        nonlocal place
        place += count
        return int(bits[place - count : place], 2)

    values = np.zeros(read(32), np.uint8)
    word = read(5) + 1
    sizes = [read(4) + 1 for _ in range(4)]
    at = 0
    while at < len(values):
        run = read(1)
        end = at + 1 + read(sizes[read(2)])
        assert run
        values[at:end] = read(word)
        at = end
    assert len(bits) - place < 8
    return values


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 5), (40, 600), (300, 300)])
def test_masks_come_out_of_label_studios_packing(height, width, noise):
    for seed, classes in enumerate((1, 2, 5)):
        mask = noise(height, width, classes, seed) == 0
        values = unpacked(pack_mask(mask)).reshape(height, width, 4)
        for channel in range(4):
            assert np.array_equal(values[..., channel] == 255, mask)
            assert np.array_equal(values[..., channel] == 0, ~mask)


def test_a_task_has_a_brush_mask_for_each_class(result_of, scene):
    result = result_of(scene, model_file="end2end.onnx")
    task = result.to_label_studio("/data/a.jpg", from_name="brush", to_name="photo")
    json.dumps(task, allow_nan=False)
    assert task["data"] == {"image": "/data/a.jpg"}
    (prediction,) = task["predictions"]
    assert prediction["model_version"] == "end2end.onnx"
    labels = np.full(scene.shape, 255)
    for region in prediction["result"]:
        assert (region["from_name"], region["to_name"]) == ("brush", "photo")
        assert (region["original_height"], region["original_width"]) == scene.shape
        mask = unpacked(region["value"]["rle"]).reshape(*scene.shape, 4)[..., 3] > 0
        (name,) = region["value"]["brushlabels"]
        labels[mask] = result.names.index(name)
    assert np.array_equal(labels, scene)
    assert len({region["id"] for region in prediction["result"]}) == len(result.counts())


def test_label_studio_gets_the_chosen_classes_only(result_of):
    task = result_of([[0, 1], [2, 2]]).to_label_studio(classes=["road"])
    (region,) = task["predictions"][0]["result"]
    assert unpacked(region["value"]["rle"]).reshape(2, 2, 4)[..., 3].tolist() == [[0, 255], [0, 0]]


def test_labelme_gets_largest_regions_first(result_of, tmp_path):
    content = result_of([[0, 0, 0], [0, 1, 0], [0, 0, 2]], path=tmp_path / "a.jpg").to_labelme(
        min_area=1
    )
    assert [shape["label"] for shape in content["shapes"]] == ["sky", "road", "tree"]
    assert content["imagePath"] == "a.jpg"
    assert content["imageData"] is None
    assert (content["imageHeight"], content["imageWidth"]) == (3, 3)
    for shape in content["shapes"]:
        assert shape["shape_type"] == "polygon"
        assert all(len(point) == 2 for point in shape["points"])
    json.dumps(content, allow_nan=False)


def test_without_supervision_its_package_is_named(result_of, monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "supervision", raising=False)
    with pytest.raises(UsageError, match="needs supervision; install with: pip install superv"):
        result_of([[0]]).to_supervision()


def test_a_cutout_keeps_nothing_of_the_rest(result_of):
    result = result_of([[0, 1], [1, 2]])
    result.image_bgr[:] = (10, 20, 30)
    picture = result.cutout(["road"])
    assert picture.tolist() == [
        [[0, 0, 0, 0], [10, 20, 30, 255]],
        [[10, 20, 30, 255], [0, 0, 0, 0]],
    ]
    assert result.cutout("road", color="rgb")[0, 1].tolist() == [30, 20, 10, 255]
    with pytest.raises(UsageError, match="expected class names"):
        result.cutout("house")


@pytest.mark.parametrize(
    "method", ["regions", "to_polygons", "to_coco", "to_labelme", "to_label_studio", "to_geojson"]
)
def test_without_confidence_none_can_be_asked_for(result_of, method):
    with pytest.raises(UsageError, match="confidence=True"):
        getattr(result_of([[0]]), method)(confidence=0.5)
