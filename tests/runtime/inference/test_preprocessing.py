import math

import cv2
import numpy as np
import pytest

from ppmobileseg_deploy.errors import ImageError, UsageError
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
    tensor = PixelBytes("rgb", (-3.0, 0.5, 1e6))(np.full((1, 1, 3), 9, np.uint8), (1, 1), (1, 2))
    assert tensor[0, 0, 1].tolist() == [0, 0, 255]


@pytest.mark.parametrize("order", ["bgr", "rgb"])
def test_the_bytes_are_not_the_callers_array(order: str) -> None:
    image_bgr = np.zeros((512, 512, 3), np.uint8)
    tensor = _bytes(order)(image_bgr).tensor
    image_bgr[:] = 255
    assert not tensor.any()


NOT_SCALED = {"short_side": None, "long_side": None}
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
HALVES = (0.5,) * 3, (0.5,) * 3
SIZES_HW = [
    (375, 500), (500, 375), (512, 512), (1080, 1920), (97, 131), (600, 1000), (1, 1), (1, 4000),
    (683, 1024), (480, 640), (333, 500), (768, 1366), (511, 513), (64, 4096), (1024, 2048),
]  # fmt: skip


def paddleseg_tensor(image_bgr, numbers, target_wh=None, divisor=None):
    """What ``Resize(target_size, keep_ratio=True, size_divisor)`` and ``Normalize`` make."""
    pixels = cv2.cvtColor(image_bgr.astype(np.float32), cv2.COLOR_BGR2RGB)
    if target_wh is not None:
        size_wh = image_bgr.shape[1::-1]
        scale = min(max(target_wh) / max(size_wh), min(target_wh) / min(size_wh))
        size_wh = [round(side * scale) for side in size_wh]
        if divisor is not None:
            size_wh = [math.ceil(side / divisor) * divisor for side in size_wh]
        pixels = cv2.resize(pixels, tuple(size_wh), interpolation=cv2.INTER_LINEAR)
    mean, std = map(np.array, numbers)
    pixels = pixels / 255.0
    assert pixels.dtype == np.float32
    pixels -= mean
    pixels /= std
    return pixels.transpose(2, 0, 1)[None]


def paddleseg(numbers, **rule):
    mean, std = (tuple(each * 255 for each in values) for values in numbers)
    return ModelMetadata(mean_rgb=mean, std_rgb=std, resize_rule="paddleseg", **rule)


@pytest.mark.parametrize("image_hw", SIZES_HW)
def test_paddlesegs_rule_gives_paddlesegs_tensor(image_hw: SizeHW) -> None:
    image_bgr = np.random.default_rng(7).integers(0, 256, (*image_hw, 3), dtype=np.uint8)
    kept = image_bgr.copy()
    prepared = Preprocessing.from_metadata(paddleseg(IMAGENET))(image_bgr)
    expected = paddleseg_tensor(image_bgr, IMAGENET, (2048, 512), 32)
    assert np.array_equal(prepared.tensor, expected)
    assert prepared.resized_hw == prepared.padded_hw == expected.shape[2:]  # nothing is padding
    assert np.array_equal(image_bgr, kept)


@pytest.mark.parametrize("image_hw", SIZES_HW)
def test_images_of_their_own_size_are_paddlesegs_too(image_hw: SizeHW) -> None:
    image_bgr = np.random.default_rng(8).integers(0, 256, (*image_hw, 3), dtype=np.uint8)
    whole = Preprocessing.from_metadata(paddleseg(HALVES, **NOT_SCALED, size_multiple=1))(
        image_bgr
    )
    assert np.array_equal(whole.tensor, paddleseg_tensor(image_bgr, HALVES))
    assert whole.resized_hw == whole.padded_hw == image_hw
    padded = Preprocessing.from_metadata(ModelMetadata(**NOT_SCALED))(image_bgr)
    assert padded.resized_hw == image_hw
    assert padded.padded_hw == tuple(math.ceil(side / 32) * 32 for side in image_hw)


def test_the_two_rules_round_and_fill_up_differently() -> None:
    for image_hw, mmseg, resized in (
        ((375, 500), ((512, 683), (512, 704)), (512, 704)),
        ((1024, 2049), ((512, 1025), (512, 1056)), (512, 1024)),  # 1024.5
        ((512, 512), ((512, 512), (512, 512)), (512, 512)),
    ):
        assert Preprocessing.from_metadata(ModelMetadata()).network_hw(image_hw) == mmseg
        rule = Preprocessing.from_metadata(paddleseg(IMAGENET))
        assert rule.network_hw(image_hw) == (resized, resized)


@pytest.mark.parametrize("rule", ["mmseg", "paddleseg"])
def test_images_can_be_stretched_to_one_size(rule: str) -> None:
    metadata = ModelMetadata(**NOT_SCALED, stretched_hw=(250, 320), resize_rule=rule)
    expected = ((250, 320), (256, 320)) if rule == "mmseg" else ((256, 320), (256, 320))
    for image_hw in SIZES_HW:
        assert Preprocessing.from_metadata(metadata).network_hw(image_hw) == expected
    smaller = Preprocessing.from_metadata(metadata, input_size_hw=(128, 96))
    assert smaller.network_hw((1000, 10)) == ((128, 96), (128, 96))
    static = Preprocessing.from_metadata(metadata, static_size_hw=(100, 90))
    assert static.network_hw((1000, 10)) == ((100, 90), (100, 90))
    image_bgr = np.random.default_rng(9).integers(0, 256, (97, 131, 3), dtype=np.uint8)
    tensor = Preprocessing.from_metadata(metadata)(image_bgr).tensor
    scaled = cv2.resize(image_bgr, expected[0][::-1], interpolation=cv2.INTER_LINEAR)[..., ::-1]
    plain = (scaled - np.float32(metadata.mean_rgb)) / np.float32(metadata.std_rgb)
    shown = tensor[0, :, : expected[0][0]].transpose(1, 2, 0)
    np.testing.assert_allclose(shown, plain, atol=0.02 if rule == "paddleseg" else 0)


@pytest.mark.parametrize("rule", ["mmseg", "paddleseg"])
def test_a_fixed_size_is_filled_by_either_rule(rule: str) -> None:
    metadata = ModelMetadata(resize_rule=rule)
    preprocess = Preprocessing.from_metadata(metadata, fixed_size_hw=(256, 384))
    assert preprocess.network_hw((1080, 1920)) == ((216, 384), (256, 384))
    tensor = preprocess(np.full((1080, 1920, 3), 255, np.uint8)).tensor
    assert (tensor[:, :, 216:] == 0).all()
    assert (tensor[:, :, :216] > 2).all()


@pytest.mark.parametrize("image_hw", [(8193, 10), (10, 8193), (1, 100_000)])
def test_whole_images_have_a_limit(image_hw: SizeHW) -> None:
    preprocess = Preprocessing.from_metadata(ModelMetadata(**NOT_SCALED))
    assert preprocess.network_hw((8192, 1)) == ((8192, 1), (8192, 32))
    with pytest.raises(
        ImageError, match=f"at most 8192x8192 .* found {image_hw[0]}x{image_hw[1]}$"
    ) as raised:
        preprocess.network_hw(image_hw)
    assert raised.value.parameter == "input_size_hw"
    smaller = Preprocessing.from_metadata(ModelMetadata(**NOT_SCALED), input_size_hw=(64, 64))
    assert max(smaller.network_hw(image_hw)[0]) == 64


@pytest.mark.parametrize("rule", ["mmseg", "paddleseg"])
def test_bytes_are_scaled_to_the_same_size(rule: str) -> None:
    metadata = ModelMetadata(resize_rule=rule, channel_order="bgr")
    image_bgr = np.random.default_rng(3).integers(0, 256, (375, 500, 3), dtype=np.uint8)
    prepared = Preprocessing.from_metadata(metadata, takes_bytes=True)(image_bgr)
    size_hw = (512, 683) if rule == "mmseg" else (512, 704)
    assert prepared.resized_hw == prepared.padded_hw == size_hw
    assert prepared.tensor.shape == (1, *size_hw, 3)


def test_tiles_are_neither_scaled_nor_stretched() -> None:
    rule = Preprocessing.from_metadata(paddleseg(IMAGENET)).at_own_scale((100, 120))
    image_bgr = np.random.default_rng(3).integers(0, 256, (100, 120, 3), dtype=np.uint8)
    prepared = rule(image_bgr)
    assert (prepared.resized_hw, prepared.padded_hw) == ((100, 120), (128, 128))
    expected = paddleseg_tensor(image_bgr, IMAGENET)
    assert np.array_equal(prepared.tensor[:, :, :100, :120], expected)
    assert (prepared.tensor[:, :, 100:] == 0).all()
    assert (prepared.tensor[:, :, :, 120:] == 0).all()


def test_a_network_for_bgr_has_paddlesegs_numbers_too() -> None:
    image_bgr = np.random.default_rng(0).integers(0, 256, (64, 97, 3), dtype=np.uint8)
    rgb, bgr = (
        Preprocessing.from_metadata(
            ModelMetadata(
                mean_rgb=(1.0, 2.0, 3.0),
                std_rgb=(4.0, 5.0, 6.0),
                resize_rule="paddleseg",
                channel_order=order,
            )
        )(image_bgr)
        for order in ("rgb", "bgr")
    )
    assert np.array_equal(bgr.tensor, rgb.tensor[:, ::-1])
