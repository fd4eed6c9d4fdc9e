import tracemalloc

import cv2
import numpy as np
import pytest

from ppmobileseg_deploy.runtime.inference.postprocessing import (
    labels_and_confidence,
    labels_from_ids,
    labels_from_logits,
)
from ppmobileseg_deploy.types import SizeHW


@pytest.mark.parametrize(
    ("num_classes", "dtype"), [(2, np.uint8), (256, np.uint8), (257, np.uint16)]
)
@pytest.mark.parametrize("size_hw", [(2, 3), (4, 6)])
def test_labels_are_as_small_as_the_classes_allow(
    num_classes: int, dtype: type[np.integer], size_hw: SizeHW
) -> None:
    ids = np.zeros((2, 3), np.int64)
    ids[0, 0] = num_classes - 1
    labels = labels_from_ids(ids, size_hw, num_classes)
    assert (labels.dtype, labels.shape, labels[0, 0]) == (dtype, size_hw, num_classes - 1)


@pytest.mark.parametrize(
    ("old_hw", "new_hw"),
    [((512, 910), (1080, 1920)), ((7, 5), (3, 11)), ((512, 683), (3000, 4000)), ((3, 3), (1, 1))],
)
def test_every_pixel_takes_the_id_nearest_to_its_centre(old_hw: SizeHW, new_hw: SizeHW) -> None:
    ids = np.random.default_rng(0).integers(0, 150, old_hw)
    labels = labels_from_ids(ids, new_hw, 150)
    rows = np.floor((np.arange(new_hw[0]) + 0.5) * old_hw[0] / new_hw[0]).astype(int)
    columns = np.floor((np.arange(new_hw[1]) + 0.5) * old_hw[1] / new_hw[1]).astype(int)
    assert np.array_equal(labels, ids[rows][:, columns])


def test_ids_are_never_interpolated() -> None:
    ids = np.array([[0, 12], [12, 0]])
    assert set(np.unique(labels_from_ids(ids, (101, 77), 150))) == {0, 12}


@pytest.mark.parametrize("dtype", [np.int64, np.int32])
@pytest.mark.parametrize("stray", [-1, 150, 256])
def test_ids_outside_the_classes_do_not_wrap_around(stray: int, dtype: type) -> None:
    ids = np.array([[0, stray]], dtype)
    with pytest.raises(ValueError, match=rf"expected class ids in \[0, 150\), found .*{stray}"):
        labels_from_ids(ids, (1, 2), 150)


@pytest.mark.parametrize("size_hw", [(60, 90), (20, 30), (13, 41), (1, 1)])
def test_logits_are_interpolated_before_the_decision(size_hw: SizeHW) -> None:
    logits = np.random.default_rng(0).normal(size=(12, 20, 30)).astype(np.float32)
    labels = labels_from_logits(logits, size_hw)
    assert (labels.dtype, labels.shape) == (np.uint8, size_hw)
    planes = [cv2.resize(plane, size_hw[::-1], interpolation=cv2.INTER_LINEAR) for plane in logits]
    assert np.array_equal(labels, np.argmax(planes, axis=0))


@pytest.mark.parametrize("size_hw", [(200, 300), (16, 24), (7, 5)])
def test_passing_over_classes_that_cannot_win_changes_nothing(size_hw: SizeHW) -> None:
    rng = np.random.default_rng(0)
    coarse = rng.normal(size=(40, 4, 6)).astype(np.float32)
    coarse[:30] -= 1.5  # three quarters of the classes win hardly anywhere
    logits = np.array([cv2.resize(plane, (24, 16)) for plane in coarse])
    labels = labels_from_logits(logits, size_hw)
    planes = [cv2.resize(plane, size_hw[::-1], interpolation=cv2.INTER_LINEAR) for plane in logits]
    assert np.array_equal(labels, np.argmax(planes, axis=0))


@pytest.mark.parametrize("grid_hw", [(1, 1), (1, 5), (5, 1)])
def test_a_grid_of_one_row_or_column_is_enough(grid_hw: SizeHW) -> None:
    logits = np.random.default_rng(0).normal(size=(6, *grid_hw)).astype(np.float32)
    labels = labels_from_logits(logits, (9, 9))
    planes = [cv2.resize(plane, (9, 9), interpolation=cv2.INTER_LINEAR) for plane in logits]
    assert np.array_equal(labels, np.argmax(planes, axis=0))


@pytest.mark.parametrize(
    ("left", "right", "between"),
    [([9.0, 0.0], [0.0, 9.0], [6.0, 6.0]), ([9.0, -20.0], [2.0, 2.0], [6.0, 1.0])],
)
def test_a_class_may_win_only_between_the_grid_points(
    left: list[float], right: list[float], between: list[float]
) -> None:
    logits = np.array([[left], [right], [between]], np.float32)
    labels = labels_from_logits(logits, (1, 20))[0]
    assert (labels[0], labels[-1]) == (0, 1)
    assert 2 in labels


def test_of_equal_logits_the_lowest_id_wins() -> None:
    assert (labels_from_logits(np.ones((5, 4, 4), np.float32), (9, 9)) == 0).all()


def test_many_classes_give_sixteen_bit_labels() -> None:
    logits = np.zeros((300, 2, 2), np.float32)
    logits[299] = 1
    labels = labels_from_logits(logits, (3, 3))
    assert (labels.dtype, labels.min()) == (np.uint16, 299)


def test_memory_does_not_grow_with_the_classes() -> None:
    logits = np.zeros((150, 8, 8), np.float32)
    tracemalloc.start()
    labels_from_logits(logits, (500, 600))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * 500 * 600  # all classes at once would be 600 bytes a pixel


@pytest.mark.parametrize("size_hw", [(60, 90), (20, 30), (13, 41), (1, 1)])
def test_confidence_is_the_softmax_of_the_interpolated_logits(size_hw: SizeHW) -> None:
    logits = 3 * np.random.default_rng(0).normal(size=(12, 20, 30)).astype(np.float32)
    labels, confidence = labels_and_confidence(logits, size_hw)
    assert np.array_equal(labels, labels_from_logits(logits, size_hw))
    assert (confidence.dtype, confidence.shape) == (np.float32, size_hw)
    planes = [cv2.resize(plane, size_hw[::-1], interpolation=cv2.INTER_LINEAR) for plane in logits]
    likelihoods = np.exp(np.array(planes, np.float64))
    np.testing.assert_allclose(
        confidence, likelihoods.max(0) / likelihoods.sum(0), rtol=1e-5, atol=0
    )


def test_classes_that_win_nowhere_count_for_the_confidence() -> None:
    logits = np.zeros((4, 3, 3), np.float32)
    logits[2] = 1
    _, confidence = labels_and_confidence(logits, (5, 7))
    np.testing.assert_allclose(confidence, np.e / (np.e + 3), rtol=1e-6)


@pytest.mark.parametrize("offset", [-1e4, 1e4, 1e30])
def test_confidence_stands_large_logits(offset: float) -> None:
    logits = np.full((3, 4, 4), offset, np.float32)
    logits[1, :2] += max(1e3, offset / 2)
    labels, confidence = labels_and_confidence(logits, (4, 4))
    assert (labels[0] == 1).all()
    np.testing.assert_allclose(confidence[0], 1)
    np.testing.assert_allclose(confidence[3], 1 / 3, rtol=1e-6)


def test_confidence_never_exceeds_one() -> None:
    logits = np.full((150, 9, 9), -200, np.float32)
    logits[7] = np.random.default_rng(0).normal(size=(9, 9))
    _, confidence = labels_and_confidence(logits, (31, 33))
    assert (confidence == 1).all()


def test_memory_of_confidence_does_not_grow_with_the_classes() -> None:
    logits = np.zeros((150, 8, 8), np.float32)
    tracemalloc.start()
    labels_and_confidence(logits, (500, 600))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 25 * 500 * 600
