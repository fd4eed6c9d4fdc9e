import math

import numpy as np
import pytest
from numpy.typing import NDArray

from ppmobileseg_deploy.runtime.inference.scores import (
    LOGITS,
    MOST,
    Scores,
    ScoresWarning,
    add_up_to_one,
    finite,
)

Planes = NDArray[np.float32]


def _logits(*shape: int) -> Planes:
    return np.random.default_rng(0).normal(size=shape, scale=3).astype(np.float32)


def _softmax(logits: Planes, axis: int) -> Planes:
    likelihoods = np.exp(logits - logits.max(axis, keepdims=True))
    return likelihoods / likelihoods.sum(axis, keepdims=True)


@pytest.mark.parametrize("threshold", [0.01, 0.3, 0.5, 0.99])
@pytest.mark.parametrize("sigmoid", [False, True])
def test_one_channel_becomes_two_whose_larger_is_the_class(
    threshold: float, sigmoid: bool
) -> None:
    logit = _logits(2, 1, 40, 50)
    probability = 1 / (1 + np.exp(-logit))
    scores = Scores.of_one_class(threshold, sigmoid=sigmoid)
    both = scores.complete(probability if sigmoid else logit)
    assert both.shape == (2, 2, 40, 50)
    assert both.dtype == np.float32
    sure = np.abs(probability[:, 0] - threshold) > 1e-6
    assert np.array_equal(both.argmax(1)[sure] == 1, probability[:, 0][sure] > threshold)


def test_logits_made_for_another_threshold_are_moved() -> None:
    logit = _logits(1, 1, 40, 50)
    stored = np.concatenate([np.full_like(logit, math.log(0.3 / 0.7)), logit], axis=1)
    scores = Scores.of_two(0.3, 0.8)
    both = scores.complete(stored.copy())
    assert np.array_equal(both[:, 1:], logit)
    assert both[0, 0].ravel() == pytest.approx(math.log(0.8 / 0.2), abs=1e-6)
    assert scores.background == pytest.approx(math.log(0.8 / 0.2))
    assert np.array_equal(Scores.of_two(0.3, 0.3).complete(stored.copy()), stored)


def test_several_classes_stay_as_they_are() -> None:
    values = _logits(2, 5, 4, 6)
    assert LOGITS.complete(values) is values


def test_probabilities_are_known_by_their_sum() -> None:
    logits = _logits(7, 100, 130)
    unknown = Scores("unknown")
    with pytest.warns(ScoresWarning, match="add up to 1 in every pixel"):
        assert unknown.are_probabilities(_softmax(logits, 0))
    assert not unknown.are_probabilities(logits)
    assert not unknown.are_probabilities(np.abs(logits))
    assert not unknown.are_probabilities(1 / (1 + np.exp(-logits)))
    almost = _softmax(logits, 0)
    almost[:, 51, 77] *= 0.99  # a single pixel, between those that are looked at first
    assert not unknown.are_probabilities(almost)


@pytest.mark.parametrize("size_hw", [(1, 1), (1, 90), (33, 1)])
def test_of_any_size(size_hw: tuple[int, int]) -> None:
    assert add_up_to_one(_softmax(_logits(3, *size_hw), 0))
    with pytest.warns(ScoresWarning):
        assert Scores("unknown").are_probabilities(_softmax(_logits(3, *size_hw), 0))


def test_what_is_known_is_not_asked_of_the_numbers() -> None:
    assert not LOGITS.are_probabilities(_softmax(_logits(3, 8, 8), 0))
    assert Scores("probabilities").are_probabilities(_logits(3, 8, 8))


@pytest.mark.parametrize(
    ("number", "everywhere", "usable"),
    [
        (np.nan, False, False),
        (np.inf, False, False),
        (-np.inf, False, True),
        (np.nan, True, False),
        (-np.inf, True, False),
        (1e38, True, True),
        (-3e38, True, True),
    ],
)
def test_there_has_to_be_a_largest_number(number: float, everywhere: bool, usable: bool) -> None:
    values = _logits(2, 4, 9, 11)
    if everywhere:
        values[1, :, 3, 5] = number
    else:
        values[1, 2, 3, 5] = number
    before = values.copy()
    assert finite(values) == usable
    if usable:
        assert np.isfinite(values).all()
        assert np.array_equal(values, before.clip(-MOST, MOST))
        assert np.array_equal(values.argmax(1), before.argmax(1))


def test_a_class_that_is_ruled_out_stays_so() -> None:
    values = _logits(1, 3, 4, 4)
    values[0, 1] = -np.inf
    assert finite(values)
    assert (values[0, 1] == np.float32(-MOST)).all()
