from math import isnan

import numpy as np
import pytest

from ppmobileseg_deploy.agreement import (
    LabelAgreement,
    away_from_edges,
    clearly_wrong,
    equal_share,
)


def test_images_are_counted_by_their_pixels():
    agreement = LabelAgreement()
    agreement.update(np.zeros((2, 5), np.uint8), np.zeros((2, 5), np.int64))
    agreement.update(np.array([[0, 1, 2, 3]]), np.array([[0, 1, 9, 9]]))
    assert (agreement.images, agreement.pixels, agreement.equal_pixels) == (2, 14, 12)
    assert agreement.equal == 12 / 14
    assert agreement.least_equal == 0.5


def test_without_images_nothing_is_equal():
    assert isnan(LabelAgreement().equal)


def test_labels_of_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"shape \(1, 4\), found \(4, 1\)"):
        equal_share(np.zeros((1, 4), int), np.zeros((4, 1), int))


def test_what_is_away_from_edges_has_two_equal_neighbours_on_each_side():
    labels = np.zeros((7, 10), np.int64)
    labels[:, 5:] = 300  # more than a byte holds
    assert away_from_edges(labels)[3].tolist() == [True] * 3 + [False] * 4 + [True] * 3


@pytest.mark.parametrize(
    ("label", "margin", "expected"),
    [
        pytest.param(1, 0.0, 0, id="the best"),
        pytest.param(0, 0.5, 0, id="as good as the best"),
        pytest.param(0, 0.4, 1, id="second"),
        pytest.param(2, 9.0, 1, id="far below"),
        pytest.param(3, 99.0, 1, id="no class"),
        pytest.param(-1, 99.0, 1, id="no class, either"),
    ],
)
def test_labels_are_wrong_beyond_the_margin(label, margin, expected):
    logits = np.array([1.0, 1.5, -8.0], np.float32).reshape(1, 3, 1, 1)
    best = logits.max(1, keepdims=True)
    assert clearly_wrong(np.full((1, 1, 1, 1), label), logits, best, margin) == expected
