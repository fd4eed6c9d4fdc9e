import cv2
import numpy as np
import pytest

from ppmobileseg_deploy.agreement import (
    drawn_picture,
    flat,
    gradients,
    noisy_batch,
    noisy_images,
    smooth_logits,
)
from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.metadata import ModelMetadata


def test_seeds_give_other_images_and_the_same_seed_the_same():
    images = noisy_batch((40, 60), batch=2, seed=3)
    assert (images.shape, images.dtype) == ((2, 3, 40, 60), np.float32)
    np.testing.assert_array_equal(images, noisy_batch((40, 60), batch=2, seed=3))
    assert (images[0] != images[1]).any()
    assert (images != noisy_batch((40, 60), batch=2, seed=4)).any()


def test_noise_lies_over_smooth_regions():
    images = noisy_batch((256, 320), batch=4)
    assert abs(images.mean()) < 0.3
    assert 0.5 < images.std() < 1.2
    steps = np.diff(images, axis=3)
    assert steps.std() == pytest.approx(20 / 57 * np.sqrt(2), rel=0.1)


def test_smooth_images_have_no_noise():
    ramp = gradients((30, 50), batch=2)
    assert (ramp.shape, ramp.min(), ramp.max()) == ((2, 3, 30, 50), -2, 2)
    assert np.abs(np.diff(ramp, axis=3)).max() == pytest.approx(4 / 49, rel=1e-5)
    one = flat((30, 50))
    assert (one.shape, np.ptp(one, axis=(2, 3)).max()) == ((1, 3, 30, 50), 0)
    assert one.dtype == ramp.dtype == np.float32


def test_batches_are_images_normalised():
    metadata = ModelMetadata()
    images = list(noisy_images([(40, 60)] * 2, seed=7))
    assert {(image.shape, image.dtype.name) for image in images} == {((40, 60, 3), "uint8")}
    rgb = np.stack(images)[..., ::-1].astype(np.float32)
    expected = ((rgb - metadata.mean_rgb) / metadata.std_rgb).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(noisy_batch((40, 60), batch=2, seed=7), expected, rtol=1e-5)


def test_images_may_differ_in_size():
    assert [image.shape for image in noisy_images([(3, 5), (1, 7)])] == [(3, 5, 3), (1, 7, 3)]


@pytest.mark.parametrize("size_hw", [(0, 5), (5, -1), (5, 8193)])
@pytest.mark.parametrize("make", [noisy_batch, gradients, flat, drawn_picture])
def test_sizes_are_checked_before_memory_is_taken(make, size_hw):
    with pytest.raises(UsageError, match=r"1x1 to 8192x8192, found"):
        make(size_hw)


@pytest.mark.parametrize("size_hw", [(1, 1), (1, 700), (64, 64), (270, 480)])
def test_drawn_pictures_have_the_size_asked_for(size_hw: tuple[int, int]) -> None:
    picture = drawn_picture(size_hw)
    assert picture.shape == (*size_hw, 3)
    assert picture.dtype == np.uint8
    assert (picture == drawn_picture(size_hw)).all()


def test_drawn_pictures_are_as_hard_to_compress_as_photographs() -> None:
    encoded = cv2.imencode(".jpg", drawn_picture((540, 960)))[1]
    assert 0.5 < 8 * len(encoded) / (540 * 960) < 4  # bits a pixel


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
