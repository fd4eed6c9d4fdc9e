from time import process_time

import numpy as np
import pytest
from pycocotools import mask as coco

from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.runtime.results.outlines import trace_outlines
from ppmobileseg_deploy.runtime.results.polygons import line_around

# pycocotools 2.0.11 and before, with NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")


def drawn(polygons, shape):
    """Labels, and how often each pixel was drawn, by pycocotools."""
    labels = np.full(shape, 255, np.uint8)
    count = np.zeros(shape, int)
    for polygon in polygons:
        line = line_around(polygon.exterior, polygon.holes).ravel().tolist()
        inside = coco.decode(coco.merge(coco.frPyObjects([line], *shape))) > 0
        labels[inside] = polygon.class_id
        count += inside
    return labels, count


def test_a_pixel_is_a_square(result_of):
    (polygon,) = result_of([[0, 0, 0], [0, 1, 0]]).to_polygons(classes="road")
    assert polygon.exterior.tolist() == [[1, 1], [2, 1], [2, 2], [1, 2]]
    assert (polygon.name, polygon.pixels, polygon.box_xyxy) == ("road", 1, (1, 1, 2, 2))
    assert polygon.holes == ()


def test_holes_go_round_the_other_way(result_of):
    (polygon,) = result_of([[0, 0, 0], [0, 1, 0], [0, 0, 0]]).to_polygons(classes="sky")
    assert polygon.exterior.tolist() == [[0, 0], [3, 0], [3, 3], [0, 3]]
    assert [sorted(hole.tolist()) for hole in polygon.holes] == [[[1, 1], [1, 2], [2, 1], [2, 2]]]
    assert polygon.area == polygon.pixels == 8


def test_no_line_touches_itself(result_of):
    # Pixels of one region, and of a hole in it, that touch with a corner.
    labels = [[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    (around,) = result_of(labels).to_polygons(0, classes="sky")
    assert [len(hole) for hole in around.holes] == [4, 4]
    for polygon in result_of([[1, 1, 1], [1, 0, 1], [0, 1, 1]]).to_polygons(0):
        for ring in (polygon.exterior, *polygon.holes):
            assert len(np.unique(ring, axis=0)) == len(ring)


@pytest.mark.parametrize("tolerance", [0, 0.5])
@pytest.mark.parametrize(
    ("height", "width", "classes"), [(1, 1, 1), (1, 9, 3), (9, 1, 2), (12, 15, 2), (20, 16, 4)]
)
def test_polygons_hold_the_labels(result_of, noise, height, width, classes, tolerance):
    for seed in range(5):
        result = result_of(noise(height, width, classes, seed))
        labels, count = drawn(result.to_polygons(tolerance), result.labels.shape)
        if tolerance == 0:
            assert np.array_equal(labels, result.labels)
            assert (count == 1).all()
        else:  # noise of one pixel is the worst that there is
            assert (labels == result.labels).mean() > 0.85


def test_polygons_of_a_scene_hold_its_labels(result_of, scene):
    result = result_of(scene)
    labels, count = drawn(result.to_polygons(0.5), scene.shape)
    for class_id, _ in result.counts():
        found, expected = labels == class_id, scene == class_id
        assert (found & expected).sum() / (found | expected).sum() >= 0.995
    assert (count == 1).mean() > 0.9999


@pytest.mark.parametrize(("tolerance", "agreement"), [(1.0, 0.985), (2.0, 0.96)])
def test_neighbours_share_their_simplified_borders(result_of, scene, tolerance, agreement):
    result = result_of(scene)
    polygons = result.to_polygons(tolerance)
    points = sum(len(each.exterior) for each in polygons)
    assert points < sum(len(each.exterior) for each in result.to_polygons(0)) / 4
    labels, count = drawn(polygons, scene.shape)
    assert (labels == scene).mean() >= agreement
    assert (count != 1).mean() < 0.0005


def test_what_is_left_out_is_a_gap(result_of, scene):
    result = result_of(scene)
    polygons = result.to_polygons(0, classes=["sky", "tree"], min_area=40)
    labels, count = drawn(polygons, scene.shape)
    large = np.zeros(scene.shape, bool)
    for region in result.regions(classes=["sky", "tree"], min_area=40):
        left, top, right, bottom = region.box_xyxy
        large[top:bottom, left:right] |= region.mask
    assert np.array_equal(count > 0, large)
    assert np.array_equal(labels[large], scene[large])


def test_regions_that_would_vanish_keep_their_points(result_of):
    labels = np.zeros((20, 20), np.uint8)
    labels[5, 5] = 1
    labels[10, 3:17] = 2
    labels[12:14, 12:14] = 3
    polygons = {each.name: each for each in result_of(labels).to_polygons(30)}
    assert set(polygons) == {"sky", "road", "tree", "car"}
    assert polygons["road"].area == 1
    assert polygons["tree"].area == 14


def test_checkerboards_take_no_quadratic_time(result_of):
    labels = np.indices((80, 160)).sum(axis=0) % 2
    start = process_time()
    assert len(trace_outlines(np.arange(1, 12801, dtype=np.int32).reshape(80, 160))) == 12800
    assert len(result_of(labels.astype(np.uint8)).to_polygons()) == 12800
    holes = np.zeros((161, 161), np.uint8)
    holes[1::2, 1::2] = 1
    (polygon,) = result_of(holes).to_polygons(classes="sky")
    assert len(polygon.holes) == 6400
    assert len(line_around(polygon.exterior, polygon.holes)) > 4 * 6400
    assert process_time() - start < 10


@pytest.mark.parametrize("tolerance", [-0.1, float("nan"), float("inf"), True, "1"])
def test_a_tolerance_that_is_none_is_refused(result_of, tolerance):
    with pytest.raises(UsageError, match="expected a tolerance of 0 pixels or more, found"):
        result_of([[0]]).to_polygons(tolerance)
