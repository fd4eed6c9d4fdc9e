import numpy as np
import pytest

from ppmobileseg_deploy.benchmarking.made_up import smooth_logits


@pytest.mark.parametrize("size_hw", [(32, 32), (20, 31)])
@pytest.mark.parametrize("present", [1, 5, 15, 30, 150])
def test_exactly_the_wanted_number_of_classes_wins(present: int, size_hw: tuple[int, int]) -> None:
    logits = smooth_logits(present, size_hw)
    assert logits.shape == (1, 150, *size_hw)
    assert logits.dtype == np.float32
    assert len(np.unique(logits.argmax(1))) == present


def test_regions_are_connected_not_noise() -> None:
    labels = smooth_logits(15, (32, 32)).argmax(1)[0]
    borders = (labels[1:] != labels[:-1]).mean()
    assert 0.05 < borders < 0.3


def test_another_seed_is_another_scene() -> None:
    first, again, second = (smooth_logits(15, (16, 16), seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)
