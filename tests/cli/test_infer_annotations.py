"""Annotations for other tools, merged classes, and one COCO file of a run."""

import json

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO

# pycocotools 2.0.11 and before, with NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")

KINDS = "polygons,labelme,label-studio,geojson,cutout"


def test_an_image_gets_a_file_of_each_kind(desk, picture, infer):
    picture("street.jpg")
    assert infer("street.jpg", "--save", KINDS, "--classes", "red", "-o", "out").code == 0
    names = {
        "street_polygons.json",
        "street_labelme.json",
        "street_label-studio.json",
        "street_geojson.geojson",
        "street_cutout.png",
    }
    assert {path.name for path in (desk / "out").iterdir()} == names
    out = {
        name: json.loads((desk / "out" / name).read_text())
        for name in names - {"street_cutout.png"}
    }
    assert {each["name"] for each in out["street_polygons.json"]["polygons"]} == {"red"}
    assert out["street_labelme.json"]["imagePath"] == "../street.jpg"
    assert out["street_label-studio.json"][0]["data"]["image"] == "street.jpg"
    assert out["street_geojson.geojson"]["type"] == "FeatureCollection"
    cutout = cv2.imread(str(desk / "out" / "street_cutout.png"), cv2.IMREAD_UNCHANGED)
    assert cutout.shape[2] == 4
    assert set(np.unique(cutout[..., 3])) == {0, 255}


def test_a_video_gets_json_lines(desk, film, infer):
    film("clip.avi", (0, 1, 2))
    outcome = infer("clip.avi", "--save", "polygons,labelme,geojson")
    assert outcome.code == 0, outcome.stderr
    for kind in ("polygons", "labelme", "geojson"):
        lines = (desk / f"clip_{kind}.jsonl").read_text().splitlines()
        assert len([json.loads(line) for line in lines]) == 3
    assert json.loads((desk / "clip_labelme.jsonl").read_text().splitlines()[1])["imagePath"] == (
        "clip/000001.png"
    )


def test_one_coco_file_holds_what_labels_files_hold(desk, picture, infer):
    for name in ("a.jpg", "b.jpg", "c.png"):
        picture(f"photos/{name}")
    outcome = infer("photos", "--coco", "all.json", "--save", "labels", "-o", "out")
    assert outcome.code == 0, outcome.stderr
    assert "wrote all.json" in outcome.stdout
    coco = COCO(desk / "all.json")
    assert [each["file_name"] for each in coco.loadImgs([1, 2, 3])] == ["a.jpg", "b.jpg", "c.png"]
    for image in coco.loadImgs([1, 2, 3]):
        stem = image["file_name"].split(".")[0]
        labels = cv2.imread(str(desk / "out" / f"{stem}_labels.png"), cv2.IMREAD_UNCHANGED)
        found = np.full(labels.shape, 255, np.uint8)
        for annotation in coco.loadAnns(coco.getAnnIds(image["id"])):
            found[coco.annToMask(annotation) > 0] = annotation["category_id"]
        assert np.array_equal(found, labels)


def test_coco_alone_writes_nothing_else(desk, picture, infer):
    picture("a.jpg")
    assert infer("a.jpg", "--coco", "all.json", "--coco-form", "polygons").code == 0
    assert {path.name for path in desk.iterdir()} == {"a.jpg", "all.json", "end2end.onnx"}


def test_images_that_fail_are_not_in_the_file(desk, picture, infer):
    picture("a.jpg")
    (desk / "b.jpg").write_bytes(b"no image")
    outcome = infer("a.jpg", "b.jpg", "--coco", "all.json")
    assert outcome.code == 1
    assert "all.json holds the 1 image done" in outcome.stderr
    assert len(json.loads((desk / "all.json").read_text())["images"]) == 1
    (desk / "all.json").unlink()
    assert infer("b.jpg", "--coco", "all.json").code == 1
    assert not (desk / "all.json").exists()


def test_frames_are_images_of_their_own(desk, film, infer):
    film("clip.avi", (0, 1))
    assert infer("clip.avi", "--coco", "all.json").code == 0
    images = json.loads((desk / "all.json").read_text())["images"]
    assert [each["file_name"] for each in images] == ["clip.avi/000000.png", "clip.avi/000001.png"]
    assert [each["frame_index"] for each in images] == [0, 1]


def test_panoptic_has_a_folder_beside_it(desk, picture, infer):
    picture("a.jpg")
    options = ("a.jpg", "--coco", "all.json", "--coco-form", "panoptic")
    assert infer(*options).code == 0
    assert [path.name for path in (desk / "all").iterdir()] == ["000000000001.png"]
    refused = infer(*options)
    assert refused.code == 2
    assert "exists; --overwrite replaces it" in refused.stderr
    assert infer(*options, "--overwrite").code == 0
    (desk / "all" / "mine.txt").touch()
    assert "expected only PNG files in all" in infer(*options, "--overwrite").stderr
    assert (desk / "all" / "mine.txt").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--coco", "all.txt"), "ends in .json for COCO, found all.txt"),
        (("--coco", "all.json", "--resume"), "--coco is about every image of a run"),
        (("--coco", "all.json", "--coco-form", "x"), "expected a form of COCO from rle, polygons"),
        (("--coco-form", "polygons"), "give --coco FILE too"),
        (("--coco", "a_json.json", "--save", "json"), "is a file of the run already"),
        (("--save", "cutout"), "expected --classes for cutout"),
        (("--polygon-tolerance", "-1"), "expected a tolerance of 0 pixels or more, found -1"),
        (("--min-area", "-1"), "expected a least area of 0 pixels or more, found -1"),
        (("--merge", "none.json"), "cannot read merged classes from none.json"),
        (("--merge", "a.jpg"), "expected JSON in a.jpg"),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_work(desk, picture, infer, options, message):
    picture("a.jpg")
    before = {path.name for path in desk.iterdir()}
    outcome = infer("a.jpg", *options)
    assert outcome.code == 2
    assert message in outcome.stderr
    assert {path.name for path in desk.iterdir()} == before


def test_classes_are_merged_everywhere(desk, picture, infer):
    picture("a.jpg")
    (desk / "m.json").write_text('{"warm": ["red"], "cold": "*"}')
    options = ("--save", "labels,json,polygons", "--coco", "all.json", "--merge", "m.json")
    outcome = infer("a.jpg", *options)
    assert outcome.code == 0, outcome.stderr
    labels = cv2.imread(str(desk / "a_labels.png"), cv2.IMREAD_UNCHANGED)
    assert set(np.unique(labels)) <= {0, 1}
    names = {each["name"] for each in json.loads((desk / "a_json.json").read_text())["classes"]}
    assert names <= {"warm", "cold"}
    assert [
        each["name"] for each in json.loads((desk / "all.json").read_text())["categories"]
    ] == [
        "warm",
        "cold",
    ]
    chosen = infer("a.jpg", "--merge", "m.json", "--classes", "green")
    assert chosen.code == 2
    assert "expected class names or ids from 0 to 1, found 'green'" in chosen.stderr


def test_a_world_file_that_makes_no_sense_fails_its_image_alone(desk, picture, infer):
    for name in ("a.jpg", "b.jpg"):
        picture(name)
    (desk / "a.jgw").write_text("what")
    for workers in ("1", "2"):
        outcome = infer(".", "--save", "geojson", "-o", f"out{workers}", "--workers", workers)
        assert outcome.code == 1
        assert "expected six numbers in the world file a.jgw" in outcome.stderr
        assert [path.name for path in (desk / f"out{workers}").iterdir()] == ["b_geojson.geojson"]
