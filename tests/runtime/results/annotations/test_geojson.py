import json

import cv2
import numpy as np
import pytest
import tifffile

from ppmobileseg_deploy.errors import ImageError

SQUARE = [[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0]]
UTM = (1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32633)
SCALE = (33550, "d", 3, (0.5, 0.25, 0.0), True)
TIE = (33922, "d", 6, (1.0, 2.0, 0.0, 500000.0, 5400000.0, 0.0), True)


def write_tiff(path, *tags):
    tifffile.imwrite(path, np.zeros((3, 4, 3), np.uint8), photometric="rgb", extratags=tags)


def keys(values):
    return (34735, "H", len(values), values, True)


def corners(collection):
    (feature,) = collection["features"]
    (ring,) = feature["geometry"]["coordinates"]
    assert ring[0] == ring[-1]
    x, y = np.array(ring).T
    area = np.sum((x[:-1] - x[0]) * (y[1:] - y[0]) - (x[1:] - x[0]) * (y[:-1] - y[0]))
    assert area > 0  # counterclockwise
    return {tuple(point) for point in ring}


def test_without_a_place_on_earth_coordinates_are_pixels(result_of, tmp_path):
    collection = result_of(SQUARE).to_geojson(classes="road")
    assert collection["coordinates"] == "pixels"
    assert corners(collection) == {(1, 1), (3, 1), (3, 3), (1, 3)}
    assert collection["features"][0]["properties"] == {"class_id": 1, "class": "road", "pixels": 4}
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((3, 4, 3), np.uint8))
    plain = result_of(SQUARE, path=tmp_path / "a.png").to_geojson(classes="road")
    assert plain == collection


def test_holes_go_the_other_way_round(result_of):
    (feature,) = result_of([[0, 0, 0], [0, 1, 0], [0, 0, 0]]).to_geojson(classes="sky")["features"]
    outside, hole = (np.array(ring)[:-1] for ring in feature["geometry"]["coordinates"])
    for ring, sign in ((outside, 1), (hole, -1)):
        x, y = ring.T
        assert np.sign(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) == sign


@pytest.mark.parametrize(
    ("tags", "expected", "crs"),
    [
        (
            (SCALE, TIE, keys(UTM)),
            {(500000, 5400000.25), (501, 0)},
            "urn:ogc:def:crs:EPSG::32633",
        ),
        ((SCALE, TIE), None, None),
        ((SCALE, TIE, keys((1, 1, 0, 2, 1024, 0, 1, 2, 2048, 0, 1, 4326))), None, None),
        (
            (SCALE, TIE, keys((1, 1, 0, 2, 1024, 0, 1, 2, 2048, 0, 1, 4258))),
            None,
            "urn:ogc:def:crs:EPSG::4258",
        ),
        ((SCALE, TIE, keys((1, 1, 0, 2, 1024, 0, 1, 1, 3072, 0, 1, 32767))), None, None),
    ],
)
def test_tags_of_geotiff_place_the_regions(result_of, tmp_path, tags, expected, crs):
    write_tiff(tmp_path / "a.tif", *tags)
    collection = result_of(SQUARE, path=tmp_path / "a.tif").to_geojson(classes="road")
    assert "coordinates" not in collection
    # Pixel (1, 2) lies at (500000, 5400000): a pixel is 0.5 wide and 0.25 high.
    assert corners(collection) == {
        (500000.0, 5400000.25),
        (501000.0 - 999, 5400000.25),
        (500001.0, 5399999.75),
        (500000.0, 5399999.75),
    }
    found = collection.get("crs", {}).get("properties", {}).get("name")
    assert found == crs


def test_a_pixel_can_be_meant_as_its_middle(result_of, tmp_path):
    is_point = keys((1, 1, 0, 2, 1024, 0, 1, 1, 1025, 0, 1, 2))
    write_tiff(tmp_path / "a.tif", SCALE, TIE, is_point)
    collection = result_of(SQUARE, path=tmp_path / "a.tif").to_geojson(classes="road")
    assert (499999.75, 5400000.375) in corners(collection)


def test_a_matrix_can_turn_the_image(result_of, tmp_path):
    matrix = (0.0, 2.0, 0.0, 10.0, 1.0, 0.0, 0.0, 20.0, *(0.0,) * 7, 1.0)
    write_tiff(tmp_path / "a.tif", (34264, "d", 16, matrix, True))
    collection = result_of(SQUARE, path=tmp_path / "a.tif").to_geojson(classes="road")
    assert corners(collection) == {(12, 21), (16, 21), (16, 23), (12, 23)}


@pytest.mark.parametrize("name", ["a.jgw", "a.jpgw", "a.wld", "a.JGW"])
def test_a_world_file_places_the_regions(result_of, tmp_path, name):
    cv2.imwrite(str(tmp_path / "a.jpg"), np.zeros((3, 4, 3), np.uint8))
    (tmp_path / name).write_text("2.0\n0.0\n0.0\n-2.0\n101.0\n199.0\n")
    collection = result_of(SQUARE, path=tmp_path / "a.jpg").to_geojson(classes="road")
    # The middle of the upper left pixel lies at (101, 199), its corner at (100, 200).
    assert corners(collection) == {(102, 198), (106, 198), (106, 194), (102, 194)}
    assert "crs" not in collection
    json.dumps(collection, allow_nan=False)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"1 2 3", "expected six numbers in the world file .*a.wld, found 3"),
        (b"1 2 3 4 5 x", "expected six numbers in the world file"),
        (b"\xff" * 9, "expected six numbers in the world file .*, found none"),
        (b"0 0 0 0 5 6", "cannot use the world file .*: expected pixels that have an area"),
        (b"1 0 0 1 nan 6", "cannot use the world file .*: expected pixels that have an area"),
        (b"1 " * 100_000, "expected six numbers in the world file"),
    ],
)
def test_a_world_file_that_makes_no_sense_is_refused(result_of, tmp_path, content, message):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((3, 4, 3), np.uint8))
    (tmp_path / "a.wld").write_bytes(content)
    with pytest.raises(ImageError, match=message):
        result_of(SQUARE, path=tmp_path / "a.png").to_geojson()


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ((SCALE, (33922, "d", 3, (1.0, 2.0, 0.0), True)), "expected a scale and a tie point"),
        (((33550, "H", 3, (1, 1, 0), True), TIE), "expected 1 to 3 numbers of 8 bytes"),
        (((33550, "d", 3, (0.0, 0.0, 0.0), True), TIE), "expected pixels that have an area"),
        (((34264, "d", 4, (1.0,) * 4, True),), "expected a matrix of 16 numbers, found 4"),
        ((SCALE, TIE, (274, "H", 1, 6, True)), "stored turned"),
    ],
)
def test_tags_that_make_no_sense_are_refused(result_of, tmp_path, tags, message):
    write_tiff(tmp_path / "a.tif", *tags)
    with pytest.raises(ImageError, match=message):
        result_of(SQUARE, path=tmp_path / "a.tif").to_geojson()


def test_a_world_file_of_an_image_that_is_stored_turned_is_refused(result_of, tmp_path):
    from PIL import Image

    image = Image.new("RGB", (4, 3))
    exif = Image.Exif()
    exif[274] = 6
    image.save(tmp_path / "a.jpg", exif=exif)
    (tmp_path / "a.jgw").write_text("1 0 0 -1 0 0")
    with pytest.raises(ImageError, match="stored turned"):
        result_of(SQUARE, path=tmp_path / "a.jpg").to_geojson()
