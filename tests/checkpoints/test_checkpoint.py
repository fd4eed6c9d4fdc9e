"""Heads of one class, which need a threshold."""

import math

import pytest
import torch

from ppmobileseg_deploy.checkpoints import build_model, load_checkpoint, with_threshold
from ppmobileseg_deploy.errors import UsageError


@pytest.fixture(scope="module")
def one_class(one_class_pth):
    return load_checkpoint(one_class_pth)


@pytest.mark.parametrize("threshold", [None, 0.3, 0.5, 0.9])
def test_a_threshold_becomes_the_logit_to_exceed(one_class, golden_image, threshold):
    image = torch.from_numpy(golden_image(2, 64, 96, 1))
    decided = with_threshold(one_class, threshold)
    with torch.inference_mode():
        raw, both = build_model(one_class)(image), build_model(decided)(image)
    assert raw.shape == (2, 1, 4, 6)
    assert both.shape == (2, 2, 4, 6)
    assert torch.equal(both[:, 1:], raw)
    expected = math.log(decided.threshold / (1 - decided.threshold))
    assert both[:, 0].unique().tolist() == pytest.approx([expected], abs=1e-6)
    probability = torch.sigmoid(raw)
    sure = (probability - decided.threshold).abs() > 1e-6
    labels = both.argmax(1, keepdim=True)
    assert torch.equal(labels[sure] == 1, probability[sure] > decided.threshold)


def test_the_default_is_that_of_mmsegmentation_and_what_was_decided_stays(one_class):
    assert one_class.threshold is None
    assert with_threshold(one_class).threshold == 0.3
    assert with_threshold(with_threshold(one_class, 0.7)).threshold == 0.7
    assert with_threshold(with_threshold(one_class, 0.7), 0.2).threshold == 0.2
    assert with_threshold(one_class).num_classes == 1


@pytest.mark.parametrize("threshold", [0, 1, -0.1, 1.5, float("nan"), float("inf")])
def test_a_threshold_is_a_probability(one_class, threshold):
    with pytest.raises(UsageError, match="expected a threshold between 0 and 1, found"):
        with_threshold(one_class, threshold)


def test_classes_that_compete_have_no_threshold(save_pth, golden_state_dict):
    checkpoint = load_checkpoint(save_pth(golden_state_dict("tiny")))
    assert with_threshold(checkpoint) is checkpoint
    with pytest.raises(UsageError, match=r"expected a head of one class .* my\.pth has 150"):
        with_threshold(checkpoint, 0.5)
