"""Labels of logits as fine as the label map are those of interpolating every class."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ppmobileseg_deploy.runtime.inference import dense_labels as module
from ppmobileseg_deploy.runtime.inference.dense_labels import (
    are_single,
    dense_best,
    dense_labels,
    is_dense,
)
from ppmobileseg_deploy.runtime.inference.sampling import Sampling, resized_axis

SAME = resized_axis(30, 30, 30, 30)
CUT = resized_axis(30, 30, 23, 23)
LARGER = resized_axis(30, 30, 23, 41)
HALF = resized_axis(15, 30, 30, 30)
SHRUNK = resized_axis(30, 30, 30, 7)


def _interpolated(
    planes: NDArray[np.float32], rows: Sampling, columns: Sampling
) -> NDArray[np.float64]:
    down, across = (np.zeros((len(axis.points), 30)) for axis in (rows, columns))
    for matrix, axis in ((down, rows), (across, columns)):
        np.add.at(matrix, (np.arange(len(matrix))[:, None], axis.points), axis.weights)
    sides = planes.shape[1:]
    return down[:, : sides[0]] @ planes.astype(np.float64) @ across[:, : sides[1]].T


@pytest.mark.parametrize("cached_pixels", [1, 100, 1 << 15])
@pytest.mark.parametrize(
    ("rows", "columns"),
    [(SAME, SAME), (CUT, SAME), (LARGER, CUT), (HALF, LARGER), (SAME, HALF), (SHRUNK, SHRUNK)],
)
@pytest.mark.parametrize("classes", [1, 2, 20])
def test_every_class_is_interpolated(
    rows: Sampling,
    columns: Sampling,
    classes: int,
    cached_pixels: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_CACHED_PIXELS", cached_pixels)
    shape = classes, *(15 if axis is HALF else 30 for axis in (rows, columns))
    planes = np.random.default_rng(classes).normal(size=shape).astype(np.float32)
    before = planes.copy()
    expected = _interpolated(planes, rows, columns)
    labels = dense_labels(planes, rows, columns, np.uint8)
    assert labels.dtype == np.uint8
    assert np.array_equal(labels, expected.argmax(0))
    best = dense_best(planes, rows, columns, softmax=False)
    np.testing.assert_allclose(best, expected.max(0), atol=1e-6)
    probability = 1 / np.exp(expected - expected.max(0)).sum(0)
    found = dense_best(planes, rows, columns, softmax=True)
    np.testing.assert_allclose(found, probability, atol=1e-6)
    assert np.array_equal(planes, before)


def test_of_equal_classes_the_lowest_wins() -> None:
    planes = np.ones((3, 30, 30), np.float32)
    planes[2, 4:9] = 2
    labels = dense_labels(planes, SAME, SAME, np.uint16)
    assert labels.dtype == np.uint16
    assert (labels[4:9] == 2).all()
    assert not np.delete(labels, range(4, 9), axis=0).any()


@pytest.mark.parametrize(
    ("axis", "dense", "single"),
    [
        pytest.param(resized_axis(32, 512, 512, 512), False, False, id="stride 16"),
        pytest.param(resized_axis(128, 512, 512, 512), False, False, id="stride 4"),
        pytest.param(resized_axis(256, 512, 512, 512), True, False, id="stride 2"),
        pytest.param(resized_axis(512, 512, 512, 512), True, True, id="full size"),
    ],
)
def test_how_fine_logits_are(axis: Sampling, dense: bool, single: bool) -> None:
    assert (is_dense(axis, axis), are_single(axis, axis)) == (dense, single)
