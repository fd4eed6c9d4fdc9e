import re
import warnings

import numpy as np
import pytest
from PIL import Image

from ppmobileseg_deploy.errors import ImageError, UsageError
from ppmobileseg_deploy.runtime.images.files import as_image_bgr

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
PIXELS[0, 0] = 0, 128, 255
NUMBERS = ["u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "g"]


def test_an_array_that_is_right_is_not_copied() -> None:
    assert np.shares_memory(as_image_bgr(PIXELS), PIXELS)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("code", NUMBERS)
def test_bytes_are_taken_in_whatever_numbers_they_come(code: str, order: str) -> None:
    image = PIXELS.astype(np.dtype(code).newbyteorder(order))
    converted = as_image_bgr(image)
    assert converted.dtype == np.uint8
    assert np.array_equal(converted, PIXELS)


def test_a_matrix_is_gray() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy advises against them
        matrix = np.asmatrix(PIXELS[:, :, 0])
    assert np.array_equal(as_image_bgr(matrix)[:, :, 2], PIXELS[:, :, 0])


def test_int8_holds_half_of_the_bytes() -> None:
    assert np.array_equal(as_image_bgr((PIXELS // 2).astype(np.int8)), PIXELS // 2)


@pytest.mark.parametrize(
    "image",
    [
        PIXELS[:, :, 0],
        PIXELS[:, :, :1],
        PIXELS[:, :, 0].astype(np.float32),
        PIXELS[:, :, :1].astype(np.int64),
        np.asfortranarray(PIXELS[:, :, 0]),
    ],
)
def test_gray_is_spread_over_three_channels(image: np.ndarray) -> None:
    assert np.array_equal(as_image_bgr(image), np.repeat(PIXELS[:, :, :1], 3, axis=2))
    assert np.array_equal(as_image_bgr(image, color="rgb"), as_image_bgr(image))


@pytest.mark.parametrize("code", ["u1", "f4"])
def test_an_opaque_alpha_channel_is_dropped(code: str) -> None:
    image = np.dstack([PIXELS, np.full((4, 6), 255, np.uint8)]).astype(code)
    assert np.array_equal(as_image_bgr(image), PIXELS)
    assert np.array_equal(as_image_bgr(image, color="rgb"), PIXELS[:, :, ::-1])


@pytest.mark.parametrize("code", ["u1", "u2", "f4"])
def test_strides_and_permissions_do_not_matter(code: str) -> None:
    image = PIXELS.astype(code)
    image.flags.writeable = False
    for view in (image[::-2, :, ::-1], image[:, ::-1], image.transpose(1, 0, 2), image):
        converted = as_image_bgr(view)
        assert converted.flags.c_contiguous
        assert np.array_equal(converted, view)


def test_the_order_of_an_arrays_channels_is_the_callers() -> None:
    assert np.array_equal(as_image_bgr(PIXELS, color="rgb"), PIXELS[:, :, ::-1])
    assert np.array_equal(as_image_bgr(PIXELS, color="bgr"), PIXELS)
    pil = Image.fromarray(PIXELS)
    assert np.array_equal(as_image_bgr(pil, color="bgr"), as_image_bgr(pil, color="rgb"))


@pytest.mark.parametrize("color", ["BGR", "gray", "", None, 3, ["rgb"]])
@pytest.mark.parametrize("image", [PIXELS, Image.fromarray(PIXELS)], ids=["array", "PIL"])
def test_other_orders_are_wrong_use(image: object, color: str) -> None:
    with pytest.raises(UsageError, match=r"expected color to be bgr or rgb, found "):
        as_image_bgr(image, color=color)


def test_a_large_array_is_checked_to_its_last_value() -> None:
    image = np.zeros((1500, 1000), np.float32)
    image[0, 0] = 255
    assert np.array_equal(as_image_bgr(image)[:, :, 1], image)
    image[-1, -1] = 0.5
    with pytest.raises(ImageError, match="with fractions"):
        as_image_bgr(image)


def _with(value: float, code: str = "f4") -> np.ndarray:
    image = PIXELS.astype(code)
    image[3, 5, 2] = value
    return image


@pytest.mark.parametrize(
    ("image", "found"),
    [
        (_with(np.nan), "found float32 (4, 6, 3) of 1 values that are NaN or infinite"),
        (_with(np.inf), "found float32 (4, 6, 3) of 1 values that are NaN or infinite"),
        (_with(-np.inf, "f2"), "found float16 (4, 6, 3) of 1 values that are NaN or infinite"),
        (np.full((4, 6), np.nan), "found float64 (4, 6) of 24 values that are NaN or infinite"),
        (_with(0.5), "with fractions; image.round().astype('uint8') drops the fractions"),
        (_with(-1), "found float32 (4, 6, 3) of values from -1 to "),
        (_with(256, "i8"), "found int64 (4, 6, 3) of values from 0 to 256"),
        (_with(-3, "i2"), "found int16 (4, 6, 3) of values from -3 to "),
        (_with(65535, "u2"), "to 65535; (image // 256).astype('uint8') keeps the upper byte"),
        (_with(1e300, "f8"), "to 1e+300"),
        (PIXELS / 255, "to 1; (image * 255).round().astype('uint8') brings [0, 1] to [0, 255]"),
        (np.ones((4, 6), np.float32), "from 1 to 1; (image * 255).round().astype('uint8')"),
        (PIXELS / 127.5 - 1, "found float64 (4, 6, 3) of values from -1 to 1"),
        (PIXELS > 3, "found bool (4, 6, 3); image.astype('uint8') * 255 is black and white"),
        (PIXELS.astype(complex), "found complex128 (4, 6, 3)"),
        (PIXELS.astype(object), "found object (4, 6, 3)"),
        (PIXELS.astype("U3"), "found <U3 (4, 6, 3)"),
        (PIXELS.astype("M8[s]"), "found datetime64[s] (4, 6, 3)"),
        (np.zeros((4, 6, 3), [("r", "u1"), ("g", "u1")]), "(4, 6, 3)"),
        (np.dstack([PIXELS, PIXELS[:, :, 0]]), "of alpha from 0; image[:, :, :3] drops it"),
        (np.zeros((0, 6, 3), np.uint8), "at least 1x1 pixels, found shape (0, 6, 3)"),
        (np.zeros((4, 0), np.float32), "at least 1x1 pixels, found shape (4, 0)"),
        (np.uint8(3), "found uint8"),
        (np.array(3), "found int64 ()"),
        (np.zeros(6, np.uint8), "found uint8 (6,)"),
        (np.zeros((4, 6, 2), np.uint8), "found uint8 (4, 6, 2)"),
        (np.zeros((4, 6, 5), np.uint8), "found uint8 (4, 6, 5)"),
        (np.zeros((4, 6, 0), np.uint8), "found uint8 (4, 6, 0)"),
        (np.zeros((3, 4, 6), np.uint8), "found uint8 (3, 4, 6); if the channels come first, "),
        (np.zeros((3, 40, 60), np.float32), "image.transpose(1, 2, 0) puts them last"),
        (np.zeros((1, 40, 60), np.uint8), "found uint8 (1, 40, 60); image[0] is"),
        (np.zeros((1, 4, 6, 3), np.uint8), "found uint8 (1, 4, 6, 3); a stack of images goes to"),
        (np.zeros((1, 1, 4, 6, 3), np.uint8), "found uint8 (1, 1, 4, 6, 3)"),
    ],
)
def test_what_would_lose_something_is_refused(image: object, found: str) -> None:
    with pytest.raises(ImageError, match=re.escape(found)) as caught:
        as_image_bgr(image)
    assert "\n" not in str(caught.value)
