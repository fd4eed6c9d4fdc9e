"""Two models on the same examples: logits, labels, and the layer where they part."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from .examples import Example, channels_swapped
from .layers import Parting, first_parting
from .subjects import Outcome, Subject

LOGIT_TOLERANCE: Final = 1e-3
"""Largest difference of equal logits, as a share of the largest one."""

MIN_EQUAL_LABELS: Final = 0.999
"""Least share of equal labels of equal models."""

_EDGE_PIXELS: Final = 2


@dataclass(frozen=True)
class ExampleComparison:
    """How two models compare on one example.

    Attributes:
        name: Name of the example.
        size_hw: Height and width of the input.
        max_logit_difference: Largest absolute difference of the logits; None where one of the
            models does not show them.
        mean_logit_difference: Mean of the same.
        max_logit: Largest absolute logit of the first model.
        equal_labels: Share of pixels with the same class, in [0, 1].
        equal_labels_inside: The same, away from edges: pixels all of whose neighbours up to
            two pixels away have the same class in the first model. None if there are none.
    """

    name: str
    size_hw: tuple[int, int]
    max_logit_difference: float | None
    mean_logit_difference: float | None
    max_logit: float | None
    equal_labels: float
    equal_labels_inside: float | None


@dataclass(frozen=True)
class Verification:
    """Whether two models compute the same.

    Attributes:
        first: Name of the first model.
        second: Name of the second one.
        examples: One comparison for each example.
        agreed: Whether all are within the tolerances.
        parting: The first layer in which they differ, where they do and layers can be seen.
        hint: What is likely wrong, or empty.
    """

    first: str
    second: str
    examples: tuple[ExampleComparison, ...]
    agreed: bool
    parting: Parting | None
    hint: str


def verify(
    first: Subject,
    second: Subject,
    examples: Sequence[Example],
    *,
    logit_tolerance: float = LOGIT_TOLERANCE,
    min_equal_labels: float = MIN_EQUAL_LABELS,
) -> Verification:
    """Compare two models.

    Args:
        first: The reference.
        second: What is doubted.
        examples: What to run them on. Models that were stored bring their own.
        logit_tolerance: Largest difference of the logits, as a share of the largest one.
        min_equal_labels: Least share of equal labels on each example.

    Returns:
        The measurements. Layers are compared on the smallest example, and only if the models do
        not agree.

    Raises:
        UsageError: There is no example, both models were stored with different ones, or they
            give labels or logits of different shapes.
        ModelError: A model fails on an example.
    """
    examples = _common_examples(first, second, examples)
    comparisons = [_compare(first.run(each), second.run(each), each) for each in examples]
    agreed = all(_agrees(each, logit_tolerance, min_equal_labels) for each in comparisons)
    smallest = min(examples, key=lambda example: example.tensor.size)
    return Verification(
        first=first.name,
        second=second.name,
        examples=tuple(comparisons),
        agreed=agreed,
        parting=None if agreed else _parting(first, second, smallest),
        hint="" if agreed else _hint(first, second, smallest, min_equal_labels),
    )


def _common_examples(
    first: Subject, second: Subject, examples: Sequence[Example]
) -> Sequence[Example]:
    stored = [each.examples for each in (first, second) if each.examples is not None]
    if len(stored) == 2 and not _same(*stored):
        raise UsageError(
            f"expected outputs for the same inputs, found other ones in {first.name} than in "
            f"{second.name}"
        )
    chosen = stored[0] if stored else examples
    if not chosen:
        raise UsageError("expected at least one example, found none")
    return chosen


def _same(first: Sequence[Example], second: Sequence[Example]) -> bool:
    return [each.name for each in first] == [each.name for each in second] and all(
        np.array_equal(a.tensor, b.tensor) for a, b in zip(first, second, strict=True)
    )


def _compare(first: Outcome, second: Outcome, example: Example) -> ExampleComparison:
    if first.labels.shape != second.labels.shape:
        raise UsageError(
            f"expected labels of the same shape, found {first.labels.shape} and "
            f"{second.labels.shape} for {example.name}"
        )
    equal = first.labels == second.labels
    inside = _inside(first.labels)
    largest, mean, scale = _logit_differences(first.logits, second.logits)
    return ExampleComparison(
        name=example.name,
        size_hw=example.size_hw,
        max_logit_difference=largest,
        mean_logit_difference=mean,
        max_logit=scale,
        equal_labels=float(equal.mean()),
        equal_labels_inside=float(equal[inside].mean()) if inside.any() else None,
    )


def _inside(labels: NDArray[Any]) -> NDArray[np.bool_]:
    ids = labels.astype(np.float32)  # OpenCV knows no wider integers here
    window = np.ones((2 * _EDGE_PIXELS + 1,) * 2, np.uint8)
    uniform: NDArray[np.bool_] = cv2.dilate(ids, window) == cv2.erode(ids, window)
    return uniform


def _logit_differences(
    first: NDArray[np.float32] | None, second: NDArray[np.float32] | None
) -> tuple[float | None, float | None, float | None]:
    if first is None or second is None:
        return None, None, None
    if len(first) != len(second):
        raise UsageError(f"expected as many classes, found {len(first)} and {len(second)}")
    # One of them may be upsampled already.
    size_hw = max(first.shape[1:], second.shape[1:])
    gap = np.abs(_enlarged(first, size_hw) - _enlarged(second, size_hw))
    return float(gap.max()), float(gap.mean()), float(np.abs(first).max())


def _enlarged(logits: NDArray[np.float32], size_hw: tuple[int, ...]) -> NDArray[np.float32]:
    if logits.shape[1:] == size_hw:
        return logits
    size_wh = size_hw[1], size_hw[0]
    return np.stack(
        [cv2.resize(plane, size_wh, interpolation=cv2.INTER_LINEAR) for plane in logits]
    )


def _agrees(found: ExampleComparison, logit_tolerance: float, min_equal_labels: float) -> bool:
    gap, scale = found.max_logit_difference, found.max_logit
    # As "within", not "not beyond", so that a NaN fails.
    close = gap is None or scale is None or gap <= logit_tolerance * scale
    return close and found.equal_labels >= min_equal_labels


def _parting(first: Subject, second: Subject, example: Example) -> Parting | None:
    layers, others = first.layers(example), second.layers(example)
    return None if layers is None or others is None else first_parting(layers, others)


def _hint(first: Subject, second: Subject, example: Example, min_equal_labels: float) -> str:
    if second.examples is not None:
        return ""
    expected = first.run(example).labels
    for swapped in channels_swapped(example):
        if np.mean(second.run(swapped).labels == expected) >= min_equal_labels:
            return (
                f"{second.name} agrees once red and blue are exchanged: it takes BGR for RGB, "
                "or the other way round"
            )
    return ""
