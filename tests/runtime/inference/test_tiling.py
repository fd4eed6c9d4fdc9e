import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.metadata import ModelMetadata
from ppmobileseg_deploy.runtime.inference.enlarging import Enlarging
from ppmobileseg_deploy.runtime.inference.label_head import LabelHead
from ppmobileseg_deploy.runtime.inference.postprocessing import (
    labels_and_confidence,
    labels_from_logits,
)
from ppmobileseg_deploy.runtime.inference.preprocessing import Preprocessing
from ppmobileseg_deploy.runtime.inference.tile_grid import Side
from ppmobileseg_deploy.runtime.inference.tiling import segment_tiled
from ppmobileseg_deploy.types import Logits, SizeHW

# Pixel values as they are, so that what a network is shown can be told from its logits.
RULE = Preprocessing.from_metadata(
    ModelMetadata(mean_rgb=(0.0, 0.0, 0.0), std_rgb=(1.0, 1.0, 1.0))
)
SIZES_AND_TILES = [
    ((100, 130), (32, 64), 8),
    ((130, 100), (64, 32), 15),
    ((97, 97), (40, 40), 0),
    ((97, 131), (33, 47), 16),
    ((33, 200), (32, 32), 15),
    ((20, 200), (32, 32), 15),
    ((200, 1), (32, 32), 3),
    ((65, 64), (64, 64), 31),
]


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def by_pixel(tensor: Logits) -> Logits:
    """Twelve classes, each a mixture of the pixel's three channels."""
    mixtures = np.random.default_rng(1).normal(size=(12, 3)).astype(np.float32)
    # Not a matrix product: its rounding depends on where a pixel lies in the array.
    middle = np.float32(127.5)
    planes = [
        sum(weight * (plane - middle) for weight, plane in zip(weights, tensor[0], strict=True))
        for weights in mixtures
    ]
    return np.array(planes, np.float32)


def coarse(stride: int) -> Callable[[Logits], Logits]:
    """The same classes of blocks of pixels."""

    def run(tensor: Logits) -> Logits:
        channels, height, width = tensor.shape[1:]
        blocks = tensor.reshape(channels, height // stride, stride, width // stride, stride)
        return by_pixel(blocks.mean((2, 4))[None])

    return run


def blended(
    image_bgr: NDArray[np.uint8], run: Callable[[Logits], Logits], tile_hw: SizeHW, overlap: int
) -> NDArray[np.float64]:
    """All tiles' logits enlarged to the tile's size, weighted and added up: (classes, h, w)."""
    sides = [Side.of(*each, overlap) for each in zip(image_bgr.shape[:2], tile_hw, strict=True)]
    weights = [_weights(side) for side in sides]
    total: Any = 0.0
    for down, weight_down in zip(sides[0].spans, weights[0], strict=True):
        for right, weight_right in zip(sides[1].spans, weights[1], strict=True):
            rows, columns = (
                slice(span.start, span.start + side.tile)
                for span, side in zip((down, right), sides, strict=True)
            )
            window = image_bgr[rows, columns]
            tensor = replace(RULE, fit_hw=window.shape[:2])(window).tensor
            logits = run(tensor).astype(np.float64)
            for axis in (1, 2):
                logits = _enlarged(logits, axis, tensor.shape[axis + 1], window.shape[axis - 1])
            share = np.zeros((len(logits), *image_bgr.shape[:2]))
            share[:, rows, columns] = logits
            total = total + share * weight_down[:, None] * weight_right
    return np.asarray(total)


def _enlarged(logits: NDArray[np.float64], axis: int, padded: int, shown: int) -> Any:
    points = logits.shape[axis]
    at = (np.arange(padded) + 0.5) * points / padded - 0.5
    return np.apply_along_axis(
        lambda values: np.interp(at, range(points), values)[:shown], axis, logits
    )


def whole(image_bgr: NDArray[np.uint8], run: Callable[[Logits], Logits]) -> Logits:
    height, width = image_bgr.shape[:2]
    prepared = replace(RULE, fit_hw=(height, width))(image_bgr)
    return run(prepared.tensor)[:, :height, :width]


@dataclass
class Recorder:
    """Answers each tile with its number, as logits of class 0, and zeros for class 1."""

    shapes: list[tuple[int, ...]] = field(default_factory=list)

    def __call__(self, tensor: Logits) -> Logits:
        self.shapes.append(tensor.shape)
        logits = np.zeros((2, *tensor.shape[2:]), np.float32)
        logits[0] = len(self.shapes)
        return logits


@pytest.mark.parametrize("stride", [8, 16])
@pytest.mark.parametrize(("size_hw", "tile_hw", "overlap"), SIZES_AND_TILES)
def test_coarse_logits_are_blended_as_if_they_were_enlarged_first(
    size_hw: SizeHW, tile_hw: SizeHW, overlap: int, stride: int
) -> None:
    image_bgr = np.ascontiguousarray(
        noise(30, 30).repeat(7, 0).repeat(7, 1)[: size_hw[0], : size_hw[1]]
    )
    expected = blended(image_bgr, coarse(stride), tile_hw, overlap)
    likelihood = np.exp(expected - expected.max(0))

    tiled = segment_tiled(
        image_bgr,
        coarse(stride),
        LabelHead(12),
        RULE,
        12,
        Enlarging(stride),
        tile_hw=tile_hw,
        overlap=overlap,
        confidence=True,
    )

    chosen = np.take_along_axis(expected, tiled.labels[None].astype(np.intp), 0)[0]
    assert (expected.max(0) - chosen).max() <= 1e-5 * np.ptp(expected)
    assert (tiled.labels != expected.argmax(0)).sum() <= 1
    np.testing.assert_allclose(tiled.confidence, 1 / likelihood.sum(0), rtol=1e-4)


@pytest.mark.parametrize(("size_hw", "tile_hw", "overlap"), SIZES_AND_TILES)
def test_a_network_that_needs_no_context_gives_the_labels_of_a_whole_run(
    size_hw: tuple[int, int], tile_hw: tuple[int, int], overlap: int
) -> None:
    image_bgr = noise(*size_hw)
    tiled = segment_tiled(
        image_bgr,
        by_pixel,
        LabelHead(12),
        RULE,
        12,
        Enlarging(),
        tile_hw=tile_hw,
        overlap=overlap,
        confidence=True,
    )
    labels, confidence = labels_and_confidence(whole(image_bgr, by_pixel), size_hw)
    assert len(np.unique(labels)) > 5
    assert tiled.labels.dtype == np.uint8
    assert np.array_equal(tiled.labels, labels)
    assert tiled.confidence is not None
    np.testing.assert_allclose(tiled.confidence, confidence, rtol=2e-5)


@pytest.mark.parametrize("size_hw", [(64, 96), (50, 70), (1, 1)])
def test_an_image_no_larger_than_a_tile_is_one_run(size_hw: tuple[int, int]) -> None:
    def contextual(tensor: Logits) -> Logits:
        return by_pixel(tensor - tensor.mean()) + np.float32(tensor.shape[2])

    image_bgr = noise(*size_hw)
    tiled = segment_tiled(
        image_bgr, contextual, LabelHead(12), RULE, 12, Enlarging(), tile_hw=(64, 96), overlap=16
    )
    assert np.array_equal(tiled.labels, labels_from_logits(whole(image_bgr, contextual), size_hw))
    assert tiled.confidence is None


@pytest.mark.parametrize(("size_hw", "tile_hw", "overlap"), SIZES_AND_TILES)
def test_seams_are_linear_ramps_whose_weights_sum_to_one(
    size_hw: tuple[int, int], tile_hw: tuple[int, int], overlap: int
) -> None:
    """The sigmoid of the blended tile numbers is the confidence, so that they can be read back."""
    sides = [Side.of(*values, overlap) for values in zip(size_hw, tile_hw, strict=True)]
    wide = size_hw[0] < size_hw[1]
    down, right = (side.spans for side in sides)
    numbers = 1 + np.arange(len(down) * len(right), dtype=float)
    numbers = numbers.reshape(len(right), len(down)).T if wide else numbers.reshape(len(down), -1)
    expected = _weights(sides[0]).T @ numbers @ _weights(sides[1])
    scale = 8 / numbers.max()

    recorder = Recorder()
    tiled = segment_tiled(
        noise(*size_hw),
        lambda tensor: recorder(tensor) * np.float32(scale),
        LabelHead(2),
        RULE,
        2,
        Enlarging(),
        tile_hw=tile_hw,
        overlap=overlap,
        confidence=True,
    )
    assert tiled.confidence is not None
    confidence = tiled.confidence.astype(float)
    blended = np.log(confidence / (1 - confidence)) / scale
    np.testing.assert_allclose(blended, expected, rtol=2e-3)
    assert not tiled.labels.any()


def _weights(side: Side) -> NDArray[np.float64]:
    """(tiles, pixels): what each tile counts where."""
    weights = np.zeros((len(side.spans), side.length))
    for weight, span in zip(weights, side.spans, strict=True):
        weight[span.first : span.last] = 1
        rising = (np.arange(side.ramp) + 0.5) / max(side.ramp, 1)
        if span is not side.spans[0]:
            weight[span.first : span.first + side.ramp] = rising
        if span is not side.spans[-1]:
            weight[span.done : span.last] = rising[::-1]
    assert np.allclose(weights.sum(0), 1)
    return weights


def test_equal_values_stay_what_they_are_when_they_are_blended() -> None:
    """A tie that rounding broke would show as labels of class 1."""
    value = np.float32(0.1) * 3

    def ties(tensor: Logits) -> Logits:
        return np.full((2, *tensor.shape[2:]), value)

    def half_ties(tensor: Logits) -> Logits:
        logits = ties(tensor)
        logits[0] = np.nextafter(value, np.float32(1))
        return logits

    for run in (ties, half_ties):
        tiled = segment_tiled(
            noise(150, 170), run, LabelHead(2), RULE, 2, Enlarging(), tile_hw=(32, 32), overlap=15
        )
        assert not tiled.labels.any()


def test_every_tile_has_its_own_size_and_padding() -> None:
    recorder = Recorder()
    calls: list[tuple[int, int]] = []
    segment_tiled(
        noise(100, 130),
        recorder,
        LabelHead(2),
        RULE,
        2,
        Enlarging(),
        tile_hw=(50, 70),
        overlap=20,
        progress=lambda done, total: calls.append((done, total)),
    )
    assert recorder.shapes == [(1, 3, 64, 96)] * 9
    assert calls == [(done, 9) for done in range(1, 10)]


def test_a_network_of_fixed_size_is_padded_to_it() -> None:
    recorder = Recorder()
    rule = replace(RULE, fit_hw=(128, 128), padded_hw=(128, 128))
    segment_tiled(
        noise(100, 130), recorder, LabelHead(2), rule, 2, Enlarging(), tile_hw=(64, 64), overlap=20
    )
    assert set(recorder.shapes) == {(1, 3, 128, 128)}


def test_many_classes_give_sixteen_bit_labels() -> None:
    def last(tensor: Logits) -> Logits:
        logits = np.zeros((300, *tensor.shape[2:]), np.float32)
        logits[299] = 1
        return logits

    tiled = segment_tiled(
        noise(40, 50), last, LabelHead(300), RULE, 300, Enlarging(), tile_hw=(32, 32), overlap=4
    )
    assert (tiled.labels.dtype, tiled.labels.min()) == (np.uint16, 299)


def test_too_much_memory_is_refused_before_it_is_taken() -> None:
    image_bgr = np.broadcast_to(np.zeros(3, np.uint8), (9000, 12000, 3))
    tracemalloc.start()
    with pytest.raises(UsageError) as raised:
        segment_tiled(
            image_bgr,
            Recorder(),
            LabelHead(150),
            RULE,
            150,
            Enlarging(),
            tile_hw=(1024, 1024),
            overlap=128,
        )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1e6
    assert str(raised.value) == (
        "expected a tile and an overlap that take at most 1.80 GB, found 4.03 GB for 1024x1024 "
        "with 128: 0.43 for the image of 9000x12000 and its labels, 3.60 for the network and "
        "logits of 150 classes"
    )


def test_the_bound_can_be_lifted() -> None:
    def run(max_bytes: int) -> None:
        image_bgr, head = noise(100, 100), LabelHead(2)
        options = {"tile_hw": (64, 64), "overlap": 16, "max_bytes": max_bytes}
        segment_tiled(image_bgr, Recorder(), head, RULE, 2, Enlarging(), **options)  # type: ignore[arg-type]

    held = 3 * 64 * 64 + 16 * 100 + 16 * 64
    needed = 100 * 100 * 4 + 4 * 2 * (held + 64 * 64) + 300 * 64 * 64
    run(needed)
    with pytest.raises(UsageError, match="expected a tile and an overlap"):
        run(needed - 1)


@pytest.mark.parametrize("stride", [1, 16])
def test_memory_is_that_of_the_strips(stride: int) -> None:
    """Ten times the tiles along the longer side take no more than their labels."""
    head = LabelHead(50)

    def peak(width: int) -> int:
        image_bgr = noise(128, width)
        buffer = np.zeros((50, 64 // stride, 64 // stride), np.float32)
        tracemalloc.start()
        segment_tiled(
            image_bgr,
            lambda _: buffer,
            head,
            RULE,
            50,
            Enlarging(stride),
            tile_hw=(64, 64),
            overlap=16,
        )
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    tile, strips = 50 * 64 * 64, 50 * 16 * (128 + 64)
    # Beside labels a pixel of the side takes its weights.
    assert peak(512) < 4 * (6 * tile + strips) // stride + 128 * 512 + 400_000
    assert peak(5120) - peak(512) < (128 + 300) * (5120 - 512)
