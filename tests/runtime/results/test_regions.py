import numpy as np
import pytest
from skimage.measure import label

from ppmobileseg_deploy.errors import UsageError


def test_pixels_that_touch_with_a_corner_are_regions_of_their_own(result_of):
    regions = result_of([[1, 0], [0, 1]]).regions(classes="road")
    assert [(each.name, each.pixels, each.box_xyxy) for each in regions] == [
        ("road", 1, (0, 0, 1, 1)),
        ("road", 1, (1, 1, 2, 2)),
    ]


@pytest.mark.parametrize("seed", range(4))
def test_regions_are_those_of_another_library(result_of, noise, seed):
    labels = noise(13, 17, 3, seed)
    regions = result_of(labels).regions()
    parts = label(labels, background=255, connectivity=1)
    assert len(regions) == parts.max()
    seen = np.zeros(labels.shape, int)
    for region in regions:
        left, top, right, bottom = region.box_xyxy
        mask = region.mask
        assert mask.sum() == region.pixels
        assert mask.any(axis=0).all() or mask.any(axis=1).all()
        assert (labels[top:bottom, left:right][mask] == region.class_id).all()
        assert len(np.unique(parts[top:bottom, left:right][mask])) == 1
        seen[top:bottom, left:right] += mask
    assert (seen == 1).all()
    sizes = [region.pixels for region in regions]
    assert sizes == sorted(sizes, reverse=True)


def test_what_is_unlikely_small_or_not_wanted_is_left_out(result_of):
    labels = [[1, 1, 1, 0], [2, 2, 0, 0], [1, 0, 0, 0]]
    confidence = np.ones((3, 4), np.float32)
    confidence[0, 1] = 0.2
    result = result_of(labels, confidence=confidence)
    assert [each.pixels for each in result.regions(classes="road")] == [3, 1]
    assert [each.pixels for each in result.regions(classes="road", min_area=2)] == [3]
    assert [each.pixels for each in result.regions(classes="road", confidence=0.5)] == [1, 1, 1]
    assert result.regions(min_area=13) == []


@pytest.mark.parametrize("min_area", [-1, 1.5, True, "1"])
def test_a_least_area_that_is_none_is_refused(result_of, min_area):
    with pytest.raises(UsageError, match="expected a least area of 0 pixels or more, found"):
        result_of([[0]]).regions(min_area=min_area)


def test_a_spiral_is_one_region(result_of):
    labels = np.zeros((101, 101), np.uint8)
    for ring in range(0, 50, 2):
        end = 101 - ring
        labels[ring, ring:end] = labels[ring:end, end - 1] = labels[end - 1, ring:end] = 1
        labels[ring + 2 : end, ring] = 1
        labels[ring + 2, ring : ring + 3] = 1
    regions = result_of(labels).regions()
    assert len(regions) == label(labels, background=255, connectivity=1).max()
    assert regions[0].box_xyxy == (0, 0, 101, 101)
    assert len(result_of(labels).to_polygons(0)[0].exterior) > 100
