from math import isnan, nan

import numpy as np
import pytest

from ppmobileseg_deploy.agreement import Float64Errors, LogitDifference, largest_difference


def test_differences_are_taken_over_all_parts():
    first = np.array([[1, 2], [3, -4]], np.float32)
    second = first + np.array([[0, 1], [0, -3]], np.float32)
    difference = LogitDifference.of(zip(first, second, strict=True), max_logit=4.0)
    assert difference == LogitDifference(largest=3.0, mean=1.0, max_logit=4.0)
    assert largest_difference(first, second) == 3.0


@pytest.mark.parametrize("where", [0, 1])
def test_a_number_that_is_none_stays_one(where):
    first = np.zeros((2, 3), np.float32)
    second = first.copy()
    second[where, 1] = nan
    assert isnan(LogitDifference.of(zip(first, second, strict=True), max_logit=1.0).largest)
    assert isnan(largest_difference(first, second))


def test_classes_that_both_rule_out_do_not_differ():
    first = np.array([[-np.inf, 1, -np.inf]], np.float32)
    second = np.array([[-np.inf, 3, 0]], np.float32)
    assert largest_difference(first, first) == 0.0
    assert largest_difference(first[:, :2], second[:, :2]) == 2.0
    assert largest_difference(first, second) == np.inf
    difference = LogitDifference.of([(first, first)], max_logit=1.0)
    assert (difference.largest, difference.mean) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("found", "reference", "agree"),
    [
        pytest.param(4e-6, 1e-6, True, id="four times PyTorch's"),
        pytest.param(4.1e-6, 1e-6, False, id="more"),
        pytest.param(1e-6, 1e-9, True, id="a millionth of the largest"),
        pytest.param(1.1e-6, 1e-9, False, id="more than that"),
        pytest.param(64e-5, 1.001e-5, True, id="64 times, where rounding is amplified"),
        pytest.param(65e-5, 1.001e-5, False, id="more than 64 times"),
        pytest.param(nan, 1e-6, False, id="not a number"),
        pytest.param(1e-6, nan, False, id="a reference that is not a number"),
    ],
)
def test_errors_are_held_against_those_of_the_reference(found, reference, agree):
    assert Float64Errors(found, reference, max_logit=1.0).agree is agree
