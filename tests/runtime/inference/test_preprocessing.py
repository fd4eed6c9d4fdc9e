import cv2
import numpy as np
import pytest

from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.metadata import ModelMetadata
from ppmobileseg_deploy.runtime.inference.preprocessing import PixelBytes, Preprocessing
from ppmobileseg_deploy.types import SizeHW


# mmsegmentation 1.x: Resize(scale=(2048, 512), keep_ratio=True) scales by
# min(2048 / long side, 512 / short side), rounds each side with int(x * scale + 0.5), and
# SegDataPreProcessor(size_divisor=32) pads. Computed by hand from that rule.
@pytest.mark.parametrize(
    ("image_hw", "resized_hw", "padded_hw"),
    [
        ((512, 512), (512, 512), (512, 512)),
        ((1080, 1920), (512, 910), (512, 928)),  # 910.2
        ((1920, 1080), (910, 512), (928, 512)),
        ((480, 640), (512, 683), (512, 704)),  # 682.7
        ((300, 451), (512, 770), (512, 800)),  # 769.7
        ((512, 513), (512, 513), (512, 544)),
        ((100, 1000), (205, 2048), (224, 2048)),  # the long side limits: 204.8
        ((3000, 4000), (512, 683), (512, 704)),
        ((1, 1), (512, 512), (512, 512)),
        ((1, 4000), (1, 2048), (32, 2048)),  # 0.512
        ((1, 5000), (1, 2048), (32, 2048)),  # 0.41 would be no row at all
        ((5000, 1), (2048, 1), (2048, 32)),
    ],
)
def test_sizes_follow_the_test_pipeline(
    image_hw: SizeHW, resized_hw: SizeHW, padded_hw: SizeHW
) -> None:
    preprocess = Preprocessing.from_metadata(ModelMetadata())
    assert preprocess.network_hw(image_hw) == (resized_hw, padded_hw)
    prepared = preprocess(np.zeros((*image_hw, 3), np.uint8))
    assert prepared.tensor.shape == (1, 3, *padded_hw)
    assert (prepared.resized_hw, prepared.original_hw) == (resized_hw, image_hw)


@pytest.mark.parametrize(
    ("image_hw", "input_size_hw", "resized_hw", "padded_hw"),
    [
        ((1080, 1920), (256, 256), (144, 256), (160, 256)),
        ((1080, 1920), (288, 512), (288, 512), (288, 512)),
        ((1080, 1920), (100, 1000), (100, 178), (128, 192)),  # 177.8
        ((10, 10), (256, 384), (256, 256), (256, 256)),
        ((1, 4000), (256, 256), (1, 256), (32, 256)),
    ],
)
def test_an_input_size_is_filled_keeping_the_ratio(
    image_hw: SizeHW, input_size_hw: SizeHW, resized_hw: SizeHW, padded_hw: SizeHW
) -> None:
    preprocess = Preprocessing.from_metadata(ModelMetadata(), input_size_hw=input_size_hw)
    assert preprocess.network_hw(image_hw) == (resized_hw, padded_hw)


def test_a_fixed_size_is_filled_and_padded_to_itself() -> None:
    preprocess = Preprocessing.from_metadata(ModelMetadata(), fixed_size_hw=(256, 384))
    assert preprocess.network_hw((1080, 1920)) == ((216, 384), (256, 384))
    assert preprocess(np.zeros((1080, 1920, 3), np.uint8)).padded_hw == (256, 384)
    static = Preprocessing.from_metadata(
        ModelMetadata(), fixed_size_hw=(100, 200), static_size_hw=(100, 200)
    )
    assert static.network_hw((50, 50)) == ((100, 100), (100, 200))


@pytest.mark.parametrize("input_size_hw", [None, (100, 200)])
def test_a_static_file_gets_exactly_its_size(input_size_hw: SizeHW | None) -> None:
    preprocess = Preprocessing.from_metadata(
        ModelMetadata(), input_size_hw=input_size_hw, static_size_hw=(100, 200)
    )
    assert preprocess.network_hw((50, 50)) == ((100, 100), (100, 200))
    assert preprocess(np.zeros((50, 50, 3), np.uint8)).tensor.shape == (1, 3, 100, 200)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        (
            {"input_size_hw": (200, 100), "static_size_hw": (100, 200)},
            "expected input size 100x200, .* found 200x100",
        ),
        (
            {"fixed_size_hw": (64, 64), "static_size_hw": (100, 200)},
            "expected input size 100x200, .* found 64x64",
        ),
        ({"input_size_hw": (0, 100)}, "1x1 to 8192x8192, found 0x100"),
        ({"fixed_size_hw": (64, -32)}, "1x1 to 8192x8192, found 64x-32"),
        ({"input_size_hw": (64, 8193)}, "1x1 to 8192x8192, found 64x8193"),
        ({"input_size_hw": 512}, "two whole numbers .height, width., found 512"),
        ({"input_size_hw": (512,)}, "two whole numbers"),
        ({"input_size_hw": "64"}, "two whole numbers"),
        ({"fixed_size_hw": (512.0, 512.0)}, "two whole numbers"),
        ({"fixed_size_hw": (64, 100)}, "fixed size of multiples of 32, found 64x100"),
        (
            {"fixed_size_hw": (64, 64), "input_size_hw": (64, 64)},
            "an input size or a fixed size, found 64x64 and 64x64",
        ),
    ],
)
def test_impossible_sizes_are_wrong_use(sizes: dict[str, SizeHW], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Preprocessing.from_metadata(ModelMetadata(), **sizes)


def test_a_size_may_not_become_too_large_by_rounding() -> None:
    metadata = ModelMetadata(size_multiple=3000, short_side=512, long_side=6000)
    Preprocessing.from_metadata(metadata, input_size_hw=(6000, 10))
    with pytest.raises(UsageError, match=r"at most 6000x6000, the largest multiple of 3000 up to"):
        Preprocessing.from_metadata(metadata, input_size_hw=(10, 6001))


@pytest.mark.parametrize("image_hw", [(1080, 1920), (97, 131), (512, 512), (1, 4000)])
def test_the_tensor_is_the_plain_formula(image_hw: SizeHW) -> None:
    rng = np.random.default_rng(0)
    image_bgr = rng.integers(0, 256, (*image_hw, 3), dtype=np.uint8)
    preprocess = Preprocessing.from_metadata(ModelMetadata())
    (height, width), padded_hw = preprocess.network_hw(image_hw)

    resized = cv2.resize(image_bgr, (width, height), interpolation=cv2.INTER_LINEAR)
    rgb = resized[:, :, ::-1].astype(np.float32)
    mean = np.array([123.675, 116.28, 103.53], np.float32)
    std = np.array([58.395, 57.12, 57.375], np.float32)
    expected = np.zeros((1, 3, *padded_hw), np.float32)
    expected[0, :, :height, :width] = ((rgb - mean) / std).transpose(2, 0, 1)

    tensor = preprocess(image_bgr).tensor
    assert tensor.dtype == np.float32
    assert tensor.flags.c_contiguous
    assert np.array_equal(tensor, expected)  # the same float32 operations: bit by bit


def test_channels_become_rgb_and_padding_is_zero() -> None:
    image_bgr = np.full((512, 500, 3), (0, 128, 255), np.uint8)  # orange
    preprocess = Preprocessing.from_metadata(ModelMetadata(), input_size_hw=(512, 500))
    tensor = preprocess(image_bgr).tensor
    np.testing.assert_allclose(
        tensor[0, :, 0, 0],
        [(255 - 123.675) / 58.395, (128 - 116.28) / 57.12, (0 - 103.53) / 57.375],
        rtol=1e-6,
    )
    assert (tensor[:, :, :, 500:] == 0).all()
    assert (tensor[:, :, :, :500] != 0).all()


def test_the_files_own_numbers_are_used() -> None:
    metadata = ModelMetadata(
        mean_rgb=(0.0, 0.0, 0.0), std_rgb=(255.0, 51.0, 1.0), short_side=8, size_multiple=16
    )
    tensor = Preprocessing.from_metadata(metadata)(np.full((8, 8, 3), 51, np.uint8)).tensor
    assert tensor.shape == (1, 3, 16, 16)
    np.testing.assert_allclose(tensor[0, :, 7, 7], [0.2, 1.0, 51.0], rtol=1e-6)


def test_a_network_for_bgr_gets_the_planes_in_that_order() -> None:
    image_bgr = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    numbers = {"mean_rgb": (1.0, 2.0, 3.0), "std_rgb": (4.0, 5.0, 6.0)}
    rgb, bgr = (
        Preprocessing.from_metadata(ModelMetadata(channel_order=order, **numbers))(image_bgr)
        for order in ("rgb", "bgr")
    )
    assert np.array_equal(bgr.tensor, rgb.tensor[:, ::-1])
    assert not np.array_equal(bgr.tensor, rgb.tensor)


def test_each_call_has_a_tensor_of_its_own() -> None:
    preprocess = Preprocessing.from_metadata(ModelMetadata())
    first = preprocess(np.full((64, 64, 3), 255, np.uint8)).tensor
    kept = first.copy()
    preprocess(np.zeros((64, 64, 3), np.uint8))
    assert np.array_equal(first, kept)


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
