import numpy as np
import pytest
from numpy.typing import NDArray

from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.palettes import distinct_palette
from ppmobileseg_deploy.runtime.drawing.overlay import colorize, overlay

PALETTE_RGB = ((1, 2, 3), (40, 50, 60), (255, 0, 128))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.int64])
def test_every_pixel_gets_its_class_color_as_bgr(dtype: type[np.integer]) -> None:
    labels = np.array([[0, 1, 2], [2, 2, 0]], dtype)
    colors = colorize(labels, PALETTE_RGB)
    assert colors.dtype == np.uint8
    assert colors[0].tolist() == [[3, 2, 1], [60, 50, 40], [128, 0, 255]]
    assert colors[1].tolist() == [[128, 0, 255], [128, 0, 255], [3, 2, 1]]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_strided_labels_are_painted_too(dtype: type[np.integer]) -> None:
    labels = np.arange(40, dtype=dtype).reshape(5, 8) % 3
    expected = np.array(PALETTE_RGB, np.uint8)[labels[::-2, 1::3].T][..., ::-1]
    assert np.array_equal(colorize(labels[::-2, 1::3].T, PALETTE_RGB), expected)


@pytest.mark.parametrize("num_classes", [256, 257, 1000])
def test_large_palettes(num_classes: int) -> None:
    palette = distinct_palette(num_classes)
    labels = np.arange(num_classes, dtype=np.uint16)[None]
    assert colorize(labels, palette)[0, :, ::-1].tolist() == [list(rgb) for rgb in palette]
    if num_classes == 256:
        assert np.array_equal(
            colorize(labels.astype(np.uint8), palette), colorize(labels, palette)
        )


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([[0, 3]], np.uint8), r"ids in \[0, 3\), the palette's size, found 0 to 3"),
        (np.array([[-1, 1]], np.int64), "found -1 to 1"),
        (np.array([[0.0, 1.0]]), r"expected labels .* found float64 \(1, 2\)"),
        (np.zeros((1, 2, 2), np.uint8), r"found uint8 \(1, 2, 2\)"),
    ],
)
def test_labels_that_have_no_color_are_named(labels: NDArray[np.generic], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        colorize(labels, PALETTE_RGB)


@pytest.mark.parametrize("opacity", [0, 0.1, 0.25, 1 / 3, 0.5, 0.77, 0.9, 1])
def test_the_blend_is_the_nearest_integer(opacity: float) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (211, 307, 3), dtype=np.uint8)
    labels = rng.integers(0, 150, (211, 307), dtype=np.uint8)
    palette = distinct_palette(150)
    exact = (1 - opacity) * image + opacity * colorize(labels, palette).astype(float)
    drawn = overlay(image, labels, palette, opacity)
    assert drawn.dtype == np.uint8
    # Half way, either neighbour is right; 1e-4 is what float32 adds to that.
    assert np.abs(drawn - exact).max() <= 0.5 + 1e-4


def test_no_opacity_is_the_image_and_full_opacity_the_colors() -> None:
    image = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    labels = np.array([[0, 1, 2], [2, 2, 0]], np.uint8)
    assert np.array_equal(overlay(image, labels, PALETTE_RGB, 0.0), image)
    assert not np.shares_memory(overlay(image, labels, PALETTE_RGB, 0.0), image)
    assert np.array_equal(overlay(image, labels, PALETTE_RGB, 1), colorize(labels, PALETTE_RGB))


@pytest.mark.parametrize("opacity", [-0.01, 1.01, float("nan"), float("inf")])
def test_opacity_outside_its_range_is_wrong_use(opacity: float) -> None:
    with pytest.raises(UsageError, match=r"expected an opacity in \[0, 1\], found"):
        overlay(np.zeros((1, 1, 3), np.uint8), np.zeros((1, 1), np.uint8), PALETTE_RGB, opacity)


def test_image_and_labels_must_agree_in_size() -> None:
    with pytest.raises(UsageError, match=r"shape \(2, 3, 3\) .* found \(3, 2, 3\)"):
        overlay(np.zeros((3, 2, 3), np.uint8), np.zeros((2, 3), np.uint8), PALETTE_RGB)
