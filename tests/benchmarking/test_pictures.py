import cv2
import numpy as np
import pytest

from ppmobileseg_deploy import UsageError
from ppmobileseg_deploy.benchmarking import made_up_picture


@pytest.mark.parametrize("size_hw", [(1, 1), (1, 700), (64, 64), (270, 480)])
def test_pictures_have_the_size_asked_for(size_hw: tuple[int, int]) -> None:
    picture = made_up_picture(size_hw)
    assert picture.shape == (*size_hw, 3)
    assert picture.dtype == np.uint8
    assert (picture == made_up_picture(size_hw)).all()


def test_they_are_as_hard_to_compress_as_photographs() -> None:
    encoded = cv2.imencode(".jpg", made_up_picture((540, 960)))[1]
    assert 0.5 < 8 * len(encoded) / (540 * 960) < 4  # bits a pixel


@pytest.mark.parametrize("size_hw", [(0, 5), (5, 8193)])
def test_other_sizes_are_refused(size_hw: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match=r"1x1 to 8192x8192, found"):
        made_up_picture(size_hw)
