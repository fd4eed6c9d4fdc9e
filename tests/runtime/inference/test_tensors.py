"""Files that take bytes; the normalised numbers are looked at in test_preprocessing."""

import cv2
import numpy as np
import pytest

from ppmobileseg_deploy.metadata import ModelMetadata
from ppmobileseg_deploy.runtime.inference.preprocessing import Preprocessing
from ppmobileseg_deploy.runtime.inference.tensors import PixelBytes
from ppmobileseg_deploy.types import SizeHW


def _bytes(order: str = "bgr", **sizes: SizeHW) -> Preprocessing:
    metadata = ModelMetadata(channel_order=order)
    return Preprocessing.from_metadata(metadata, takes_bytes=True, **sizes)


@pytest.mark.parametrize("order", ["bgr", "rgb"])
@pytest.mark.parametrize("image_hw", [(1080, 1920), (97, 131), (512, 512), (1, 4000), (5000, 1)])
def test_bytes_are_the_scaled_image_in_the_files_order(image_hw: SizeHW, order: str) -> None:
    image_bgr = np.random.default_rng(0).integers(0, 256, (*image_hw, 3), dtype=np.uint8)
    prepared = _bytes(order)(image_bgr)
    height, width = prepared.resized_hw
    expected = cv2.resize(image_bgr, (width, height), interpolation=cv2.INTER_LINEAR)
    assert prepared.tensor.dtype == np.uint8
    assert prepared.tensor.flags.c_contiguous
    assert np.array_equal(prepared.tensor[0], expected if order == "bgr" else expected[..., ::-1])
    assert prepared.padded_hw == prepared.resized_hw
    assert (
        prepared.resized_hw == Preprocessing.from_metadata(ModelMetadata()).network_hw(image_hw)[0]
    )


@pytest.mark.parametrize("sizes", [{"fixed_size_hw": (64, 96)}, {"static_size_hw": (50, 77)}])
@pytest.mark.parametrize(("order", "mean"), [("bgr", (104, 116, 124)), ("rgb", (124, 116, 104))])
def test_a_fixed_size_is_filled_up_with_the_mean(
    order: str, mean: tuple[int, int, int], sizes: dict[str, SizeHW]
) -> None:
    (size_hw,) = sizes.values()
    prepared = _bytes(order, **sizes)(np.zeros((30, 30, 3), np.uint8))
    side = size_hw[0]
    assert prepared.tensor.shape == (1, *size_hw, 3)
    assert prepared.padded_hw == size_hw
    assert not prepared.tensor[:, :, :side].any()
    assert (prepared.tensor[:, :, side:] == mean).all()


def test_means_that_are_no_bytes_pad_with_the_nearest() -> None:
    tensor = PixelBytes("rgb", (-3.0, 0.5, 1e6))(np.full((1, 1, 3), 9, np.uint8), (1, 2))
    assert tensor[0, 0, 1].tolist() == [0, 0, 255]


@pytest.mark.parametrize("order", ["bgr", "rgb"])
def test_the_bytes_are_not_the_callers_array(order: str) -> None:
    image_bgr = np.zeros((512, 512, 3), np.uint8)
    tensor = _bytes(order)(image_bgr).tensor
    image_bgr[:] = 255
    assert not tensor.any()
