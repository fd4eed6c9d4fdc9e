"""Labels and confidence at any size are those of interpolated logits."""

import pickle
import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray

from ppmobileseg_deploy.agreement import smooth_logits
from ppmobileseg_deploy.runtime.inference import label_head
from ppmobileseg_deploy.runtime.inference.label_head import LabelHead
from ppmobileseg_deploy.runtime.inference.sampling import Sampling, resized_axis
from ppmobileseg_deploy.runtime.inference.scores import MOST, Scores, finite

Axes = tuple[Sampling, Sampling]

NONE = np.zeros((0, 0), np.uint8)
"""Labels, where the confidence of logits does not look at them."""

# Grid, network's input, the part of it that shows the image, photograph.
NAMED_SIZES = {
    "network's size": ((8, 10), (128, 160), (128, 160), (128, 160)),
    "padded": ((8, 10), (128, 160), (120, 149), (120, 149)),
    "larger": ((8, 10), (128, 160), (120, 149), (371, 460)),
    "smaller": ((8, 10), (128, 160), (120, 149), (61, 75)),
    "fewer pixels than grid points": ((8, 10), (128, 160), (120, 149), (3, 4)),
    "one pixel": ((2, 2), (32, 32), (32, 32), (1, 1)),
    "one grid point": ((1, 1), (16, 16), (9, 11), (20, 30)),
    "logits of full size": ((40, 52), (40, 52), (37, 50), (37, 50)),
    "logits of full size, larger": ((40, 52), (40, 52), (37, 50), (61, 83)),
    "half size, smaller": ((40, 52), (80, 104), (75, 100), (40, 53)),
}
SIZES = list(NAMED_SIZES.values())


def axes_of(sizes: tuple[tuple[int, int], ...]) -> Axes:
    return tuple(resized_axis(*(each[side] for each in sizes)) for side in (0, 1))


def interpolated(logits: NDArray[np.float32], axes: Axes) -> NDArray[np.float64]:
    """All logits at the photograph's size, (classes, height, width)."""
    down, across = (
        np.zeros((len(axis.points), side))
        for axis, side in zip(axes, logits.shape[1:], strict=True)
    )
    for matrix, axis in ((down, axes[0]), (across, axes[1])):
        np.add.at(matrix, (np.arange(len(matrix))[:, None], axis.points), axis.weights)
    return down @ logits.astype(np.float64) @ across.T


def scene(classes: int, grid_hw: tuple[int, int], seed: int = 0) -> NDArray[np.float32]:
    if min(grid_hw) == 1:
        return np.random.default_rng(seed).normal(size=(classes, *grid_hw)).astype(np.float32)
    present = min(classes, grid_hw[0] * grid_hw[1], 12)
    return smooth_logits(present, grid_hw, classes, seed)[0]


@pytest.mark.parametrize("classes", [1, 2, 16, 17, 150, 256, 257, 300])
@pytest.mark.parametrize("sizes", SIZES, ids=NAMED_SIZES)
def test_labels(sizes: tuple[tuple[int, int], ...], classes: int) -> None:
    logits, axes = scene(classes, sizes[0]), axes_of(sizes)
    expected = interpolated(logits, axes)

    labels = LabelHead(classes).labels(logits, *axes)

    assert labels.dtype == (np.uint8 if classes <= 256 else np.uint16)
    chosen = np.take_along_axis(expected, labels[None].astype(np.intp), 0)[0]
    assert (expected.max(0) - chosen).max() <= 1e-5 * np.ptp(logits)
    assert (labels != expected.argmax(0)).sum() <= 1


@pytest.mark.parametrize("classes", [1, 2, 150])
@pytest.mark.parametrize("sizes", SIZES, ids=NAMED_SIZES)
def test_confidence(sizes: tuple[tuple[int, int], ...], classes: int) -> None:
    logits, axes = scene(classes, sizes[0]), axes_of(sizes)
    likelihood = np.exp(interpolated(logits, axes) - logits.max())
    expected = likelihood.max(0) / likelihood.sum(0)

    head = LabelHead(classes)
    confidence = head.confidence(logits, *axes, head.labels(logits, *axes))

    assert confidence.dtype == np.float32
    np.testing.assert_allclose(confidence, expected, rtol=2e-5)


def test_confidence_of_huge_logits_is_a_number() -> None:
    axes = axes_of(NAMED_SIZES["larger"])
    logits = scene(150, (8, 10)) * 1000

    confidence = LabelHead(150).confidence(logits, *axes, labels=NONE)

    assert ((confidence > 0) & (confidence <= 1)).all()


@pytest.mark.parametrize("sizes", [NAMED_SIZES["larger"], NAMED_SIZES["smaller"]])
@pytest.mark.parametrize("values", [150, 50_000, 400_000])
def test_bands_give_the_same_labels(
    values: int, sizes: tuple[tuple[int, int], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    logits, axes = scene(150, sizes[0]), axes_of(sizes)
    expected = LabelHead(150).labels(logits, *axes)

    monkeypatch.setattr(label_head, "_MOST_VALUES", values)
    monkeypatch.setattr(label_head, "_BAND_VALUES", values)

    assert np.array_equal(LabelHead(150).labels(logits, *axes), expected)


@pytest.mark.parametrize("values", [150, 100_000, 10_000_000])
def test_rows_at_once_do_not_change_the_confidence(
    values: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    logits, axes = scene(150, (8, 10)), axes_of(NAMED_SIZES["larger"])
    expected = LabelHead(150).confidence(logits, *axes, labels=NONE)

    monkeypatch.setattr(label_head, "_CACHED_VALUES", values)

    found = LabelHead(150).confidence(logits, *axes, labels=NONE)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("classes", [1, 2, 16, 17, 150])
@pytest.mark.parametrize("value", [-np.inf, -1e31, -1e29])
@pytest.mark.parametrize("sizes", SIZES, ids=NAMED_SIZES)
def test_where_every_class_is_ruled_out_by_a_neighbour_there_is_one_of_them_all_the_same(
    sizes: tuple[tuple[int, int], ...], value: float, classes: int
) -> None:
    logits = np.full((1, classes, *sizes[0]), value, np.float32)
    grid = np.indices(sizes[0]).sum(0)
    for class_id in range(classes):
        logits[0, class_id, grid % classes == class_id] = 5
    assert finite(logits)
    labels = LabelHead(classes).labels(logits[0], *axes_of(sizes))
    assert labels.max() < classes
    lowest = np.full_like(logits[0], max(value, -MOST))
    assert not LabelHead(classes).labels(lowest, *axes_of(sizes)).any()


def test_numbers_near_the_largest_of_float32_are_labelled() -> None:
    logits = np.array([[[[-3e38, -3e38]], [[3e38, 0]], [[0, 3.3e38]]]], np.float32)
    assert finite(logits)
    axes = resized_axis(1, 16, 16, 10), resized_axis(2, 32, 32, 20)
    labels = LabelHead(3).labels(logits[0], *axes)
    assert labels[0].tolist() == [1] * 10 + [2] * 10


def test_noise_of_fine_logits_takes_memory_for_the_rows_at_hand_only() -> None:
    side, classes = 512, 40
    logits = np.random.default_rng(0).normal(size=(classes, side // 2, side // 2))
    logits = logits.astype(np.float32)
    axes = (resized_axis(side // 2, side, side, side),) * 2
    tracemalloc.start()
    try:
        LabelHead(classes).labels(logits, *axes)
        assert tracemalloc.get_traced_memory()[1] < logits.nbytes / 2
    finally:
        tracemalloc.stop()


def test_ties_go_to_the_lower_id() -> None:
    logits = scene(20, (8, 10))
    twins = np.concatenate([logits, logits[::-1]])

    assert LabelHead(40).labels(twins, *axes_of(NAMED_SIZES["larger"])).max() < 20


def test_it_can_be_pickled_after_use() -> None:
    logits, axes = scene(150, (8, 10)), axes_of(NAMED_SIZES["larger"])
    head = LabelHead(150)
    expected = head.labels(logits, *axes)

    copy = pickle.loads(pickle.dumps(head))

    assert np.array_equal(copy.labels(logits, *axes), expected)


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.5, 0.9])
def test_confidence_of_one_class_is_the_probability_of_the_label(threshold: float) -> None:
    logit = scene(2, (8, 10))[0] * 0.3 + 0.5
    scores = Scores.of_two(0.5, threshold)
    logits = scores.complete(np.stack([np.zeros_like(logit), logit])[None])[0]
    axes = axes_of(NAMED_SIZES["larger"])
    probability = 1 / (1 + np.exp(-interpolated(logit[None], axes)[0]))
    head = LabelHead(2, scores)

    labels = head.labels(logits, *axes)
    confidence = head.confidence(logits, *axes, labels)

    assert np.array_equal(labels, probability > threshold)
    expected = np.where(labels, probability, 1 - probability)
    np.testing.assert_allclose(confidence, expected, atol=1e-5)


def test_probabilities_are_the_confidence_themselves() -> None:
    likelihood = np.exp(scene(20, (8, 10)))
    axes = axes_of(NAMED_SIZES["larger"])
    probabilities = likelihood / likelihood.sum(0)
    head = LabelHead(20, Scores("probabilities"))

    confidence = head.confidence(probabilities, *axes, head.labels(probabilities, *axes))

    expected = interpolated(probabilities, axes).max(0)
    np.testing.assert_allclose(confidence, expected, atol=1e-6)
