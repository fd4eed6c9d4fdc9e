import json

import numpy as np
import pytest
from pycocotools.coco import COCO

from ppmobileseg_deploy.errors import OutputError, UsageError
from ppmobileseg_deploy.runtime.batch import CocoFile
from ppmobileseg_deploy.runtime.drawing.style import Style
from ppmobileseg_deploy.runtime.images.files import read_image

# pycocotools 2.0.11 and before, with NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")


def labels_in(coco: COCO, image_id: int) -> np.ndarray:
    image = coco.loadImgs(image_id)[0]
    labels = np.full((image["height"], image["width"]), 255, np.uint8)
    for annotation in coco.loadAnns(coco.getAnnIds(image_id)):
        labels[coco.annToMask(annotation) > 0] = annotation["category_id"]
    return labels


def write(path, results, form="rle", style=None):
    with CocoFile(path, results[0].names, results[0].palette_rgb, form, style) as file:
        for number, result in enumerate(results):
            file.add(result, f"{number}.jpg")


@pytest.mark.parametrize("form", ["rle", "polygons"])
def test_pycocotools_reads_the_labels_of_many_images(result_of, scene, noise, tmp_path, form):
    results = [result_of(scene), result_of(noise(9, 12, 3, 1)), result_of([[4]])]
    write(tmp_path / "all.json", results, form, Style(tolerance=0))
    coco = COCO(tmp_path / "all.json")
    assert [image["file_name"] for image in coco.loadImgs([1, 2, 3])] == [
        "0.jpg",
        "1.jpg",
        "2.jpg",
    ]
    assert {each["name"] for each in coco.loadCats(coco.getCatIds())} == set(results[0].names)
    for image_id, result in enumerate(results, 1):
        assert np.array_equal(labels_in(coco, image_id), result.labels)
    annotations = coco.loadAnns(coco.getAnnIds())
    assert [each["id"] for each in annotations] == list(range(1, len(annotations) + 1))
    for annotation in annotations:
        mask = coco.annToMask(annotation)
        assert annotation["area"] == mask.sum()
        left, top, width, height = annotation["bbox"]
        assert mask[top : top + height, left : left + width].sum() == mask.sum()


def test_panoptic_pictures_hold_the_labels(result_of, scene, tmp_path):
    write(tmp_path / "all.json", [result_of(scene)], "panoptic", Style(classes=(0, 2)))
    content = json.loads((tmp_path / "all.json").read_text())
    (annotation,) = content["annotations"]
    picture_bgr = read_image(tmp_path / "all" / annotation["file_name"]).astype(int)
    ids = picture_bgr @ (65536, 256, 1)
    labels = np.full(scene.shape, 255)
    for segment in annotation["segments_info"]:
        assert (ids == segment["id"]).sum() == segment["area"]
        labels[ids == segment["id"]] = segment["category_id"]
    assert np.array_equal(labels, np.where(np.isin(scene, (0, 2)), scene, 255))
    assert (ids[~np.isin(scene, (0, 2))] == 0).all()
    assert all("isthing" in each for each in content["categories"])


def test_one_result_is_a_data_set_of_its_own(result_of, scene, tmp_path):
    result = result_of(scene, path=tmp_path / "street.jpg")
    for form, options in (("rle", {}), ("polygons", {"tolerance": 0, "min_area": 30})):
        (tmp_path / "one.json").write_text(json.dumps(result.to_coco(form, **options)))
        coco = COCO(tmp_path / "one.json")
        assert coco.loadImgs(1)[0]["file_name"] == "street.jpg"
        found = labels_in(coco, 1)
        assert np.array_equal(found[found != 255], scene[found != 255])
        assert (found != 255).mean() > (0.99 if options else 0.9999)


@pytest.mark.parametrize("form", ["panoptic", "x"])
def test_an_unknown_form_is_refused(result_of, form):
    with pytest.raises(UsageError, match="expected a form of COCO from rle, polygons, found"):
        result_of([[0]]).to_coco(form)


def test_a_block_that_fails_leaves_nothing(result_of, tmp_path):
    result = result_of([[0, 1]])
    with (
        pytest.raises(UsageError, match=r"with the 2 classes of .*all\.json, found one with 5"),
        CocoFile(tmp_path / "all.json", ("a", "b"), ((0, 0, 0),) * 2, "panoptic") as file,
    ):
        file.add(result, "0.jpg")
    assert list(tmp_path.iterdir()) == []


def test_a_result_that_cannot_be_written_leaves_nothing(result_of, tmp_path):
    file = CocoFile(tmp_path / "all.json", result_of([[0]]).names, result_of([[0]]).palette_rgb)
    file.add(result_of([[0]]), "0.jpg")
    with pytest.raises(UsageError, match="confidence=True"):
        file._style = Style(confidence=0.5)
        file.add(result_of([[0]]), "1.jpg")
    assert file.images == 0
    file.close()
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_name_or_place_is_refused(result_of, tmp_path):
    names, palette = result_of([[0]]).names, result_of([[0]]).palette_rgb
    with pytest.raises(UsageError, match=r"ends in \.json for COCO, found .*all.txt"):
        CocoFile(tmp_path / "all.txt", names, palette)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        CocoFile(tmp_path / "file" / "all.json", names, palette)
