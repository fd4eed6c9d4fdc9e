"""Two models on the same examples: logits, labels, and the layer where they diverge."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..agreement import LogitDifference, away_from_edges, equal_share
from ..errors import ParityError, UsageError
from ..runtime.inference.scores import add_up_to_one
from .comparable_model import ComparableModel, ModelOutput
from .examples import Example, channels_swapped
from .layers import Divergence, Layers, first_divergence
from .onnx_model import OnnxModel
from .opening import choose_examples

if TYPE_CHECKING:
    from ..checkpoints import Checkpoint

LOGIT_TOLERANCE: Final = 1e-3
"""Largest difference of equal logits, as a share of the largest one."""

MIN_EQUAL_LABELS: Final = 0.999
"""Least share of equal labels of equal models."""

_ROUNDING: Final = 1e-4


@dataclass(frozen=True)
class ExampleComparison:
    """Comparison of two models on one example.

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
        equal_photograph_labels: Share of pixels with the same class at the size of the
            photograph; None if the example is none, or one of the models gives labels only.
    """

    name: str
    size_hw: tuple[int, int]
    max_logit_difference: float | None
    mean_logit_difference: float | None
    max_logit: float | None
    equal_labels: float
    equal_labels_inside: float | None
    equal_photograph_labels: float | None = None


@dataclass(frozen=True)
class Verification:
    """Comparison of two models on all examples.

    Attributes:
        first: Name of the first model.
        second: Name of the second one.
        examples: One comparison for each example.
        agreed: Whether all are within the tolerances.
        divergence: The first layer in which they differ, where they do and layers can be seen;
            found in the checkpoint, if one of them is one, else in the first model.
        hint: What is likely wrong, or empty.
    """

    first: str
    second: str
    examples: tuple[ExampleComparison, ...]
    agreed: bool
    divergence: Divergence | None
    hint: str


def verify(
    first: ComparableModel,
    second: ComparableModel,
    examples: Sequence[Example],
    *,
    logit_tolerance: float = LOGIT_TOLERANCE,
    min_equal_labels: float = MIN_EQUAL_LABELS,
) -> Verification:
    """Compare two models.

    Args:
        first: The reference.
        second: The model to check.
        examples: What to run them on. Models that were stored bring their own.
        logit_tolerance: Largest difference of the logits, as a share of the largest one; also
            of layers, when the first that differs is looked for.
        min_equal_labels: Least share of equal labels on each example.

    Returns:
        The measurements. Layers are compared only if the models do not agree, on the smallest
        example on which they do not.

    Raises:
        UsageError: There is no example, both models were stored with different ones, or they
            give labels or logits of different shapes.
        ModelError: A model fails on an example.
    """
    examples = _common_examples(first, second, examples)
    comparisons = [_compare(first.run(each), second.run(each), each) for each in examples]
    wrong = [
        example
        for example, found in zip(examples, comparisons, strict=True)
        if not agrees(found, logit_tolerance, min_equal_labels)
    ]
    divergence, hint = None, "" if wrong else _remark(comparisons)
    if wrong:
        smallest = min(wrong, key=lambda example: example.tensor.size)
        # A checkpoint knows all layers; those of a file were fused and rewritten.
        whole, rewritten = (second, first) if second.is_checkpoint else (first, second)
        layers, others = whole.layers(smallest), rewritten.layers(smallest)
        hint = _hint(first, second, smallest, min_equal_labels)
        if layers and others:
            divergence = _divergence(layers, others, logit_tolerance)
            if divergence is None and not hint:
                hint = "all layers agree, so the two differ in how labels are made of the last"
    return Verification(
        first=first.name,
        second=second.name,
        examples=tuple(comparisons),
        agreed=not wrong,
        divergence=divergence,
        hint=hint,
    )


def _divergence(layers: Layers, others: Layers, tolerance: float) -> Divergence | None:
    # Labels may differ where no layer does by as much as the tolerance.
    for finer in (1.0, 0.1, 0.01):
        divergence = first_divergence(layers, others, tolerance * finer)
        if divergence is not None:
            return divergence
    return None


def _remark(comparisons: Sequence[ExampleComparison]) -> str:
    """Return a remark about models that agree, or an empty text."""
    shares = [
        each.max_logit_difference / each.max_logit
        for each in comparisons
        if each.max_logit_difference is not None and each.max_logit
    ]
    if not shares:
        return "only labels were compared: one of the two shows no logits, or probabilities"
    if max(shares) > _ROUNDING:
        return (
            f"logits differ by {max(shares):.1e} of the largest, which is within the tolerance, "
            "but more than rounding in float32 usually makes"
        )
    return ""


def agrees(
    found: ExampleComparison,
    logit_tolerance: float = LOGIT_TOLERANCE,
    min_equal_labels: float = MIN_EQUAL_LABELS,
) -> bool:
    """Tell whether two models agree on an example.

    Args:
        found: How they compare.
        logit_tolerance: Largest difference of the logits, as a share of the largest one.
        min_equal_labels: Least share of equal labels.
    """
    gap, scale = found.max_logit_difference, found.max_logit
    # As "within", not "not beyond", so that a NaN fails.
    close = gap is None or scale is None or gap <= logit_tolerance * scale
    at_size = found.equal_photograph_labels
    equal = found.equal_labels >= min_equal_labels
    return close and equal and (at_size is None or at_size >= min_equal_labels)


def prove_file(
    checkpoint: "Checkpoint | str", content: bytes, name: str, images: Sequence[str | Path] = ()
) -> Verification:
    """Compare a file with the checkpoint that it was made from.

    The exporter's own proof looks at the graph, from inside. This one opens the finished file,
    runs it on pictures as anyone would and, if it fails, tells the layer.

    Args:
        checkpoint: A loaded checkpoint, the path of one, or the name of an official one.
        content: The file.
        name: What it will be called, for the message.
        images: Photographs to compare on besides synthetic pictures.

    Returns:
        The measurements; the two agree.

    Raises:
        ParityError: They do not agree.
        ImageError: A photograph cannot be read.

    Examples:
        >>> from functools import partial
        >>> from ppmobileseg_deploy.exporters import export_onnx
        >>> examine = partial(prove_file, "my.pth", name="my.onnx", images=["photo.jpg"])
        >>> export_onnx("my.pth", "my.onnx", examine=examine)  # doctest: +SKIP
    """
    from .torch_model import TorchModel  # here, since ONNX files are compared without PyTorch

    models = TorchModel(checkpoint), OnnxModel(name, content)
    found = verify(*models, choose_examples(models, images))
    if not found.agreed:
        wrong = [each for each in found.examples if not agrees(each)]
        raise ParityError(
            f"expected {name} to compute what {found.first} computes, found another result on "
            f"{len(wrong)} of {len(found.examples)} pictures: {_measured(wrong[0])}"
            f"{_cause(found)}"
        )
    return found


def _common_examples(
    first: ComparableModel, second: ComparableModel, examples: Sequence[Example]
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


def _compare(first: ModelOutput, second: ModelOutput, example: Example) -> ExampleComparison:
    if first.labels.shape != second.labels.shape:
        raise UsageError(
            f"expected labels of the same shape, found {first.labels.shape} and "
            f"{second.labels.shape} for {example.name}"
        )
    inside = away_from_edges(first.labels)
    logits = _logit_difference(first.logits, second.logits, example)
    return ExampleComparison(
        name=example.name,
        size_hw=example.size_hw,
        max_logit_difference=logits.largest if logits else None,
        mean_logit_difference=logits.mean if logits else None,
        max_logit=logits.max_logit if logits else None,
        equal_labels=equal_share(first.labels, second.labels),
        equal_labels_inside=_equal(first.labels[inside], second.labels[inside]),
        equal_photograph_labels=_equal(first.photograph_labels, second.photograph_labels),
    )


def _equal(first: NDArray[Any] | None, second: NDArray[Any] | None) -> float | None:
    return (
        None if first is None or second is None or not first.size else equal_share(first, second)
    )


def _logit_difference(
    first: NDArray[np.float32] | None, second: NDArray[np.float32] | None, example: Example
) -> LogitDifference | None:
    # Probabilities and logits of one model have the same largest class, and other numbers.
    if first is None or second is None or add_up_to_one(first) != add_up_to_one(second):
        return None
    if len(first) != len(second):
        raise UsageError(f"expected as many classes, found {len(first)} and {len(second)}")
    planes: Iterable[Any] = zip(first, second, strict=True)
    if first.shape != second.shape:  # one of them may be upsampled already
        planes = ((_shown(one, example), _shown(other, example)) for one, other in planes)
    max_logit = float(np.abs(first[np.isfinite(first)]).max(initial=0))
    return LogitDifference.of(planes, max_logit=max_logit)


def _shown(plane: NDArray[np.float32], example: Example) -> NDArray[np.float32]:
    """Return one class's logits for every pixel of the picture."""
    height, width = example.shown_hw
    if plane.shape not in (example.size_hw, example.shown_hw):
        enlarged = cv2.resize(plane, example.padded_hw[::-1], interpolation=cv2.INTER_LINEAR)
        plane = enlarged.astype(np.float32, copy=False)
    return plane[:height, :width]


def _hint(
    first: ComparableModel, second: ComparableModel, example: Example, min_equal_labels: float
) -> str:
    outputs = first.run(example), second.run(example)
    thresholds = [each.threshold for each in outputs if each.threshold is not None]
    if len(set(thresholds)) > 1:
        return (
            f"they see the class of their heads above different probabilities, {thresholds[0]:g} "
            f"and {thresholds[1]:g}: compare them at the same threshold"
        )
    if second.examples is not None:
        return ""
    expected = outputs[0].labels
    for swapped in channels_swapped(example):
        try:
            found = second.run(swapped).labels
        except UsageError:  # it takes bytes, which swapped after the normalisation are none
            continue
        if np.mean(found == expected) >= min_equal_labels:
            return (
                f"they agree once red and blue are exchanged for {second.name}: one of the two "
                "takes BGR for RGB, or the other way round"
            )
    return ""


def _measured(found: ExampleComparison) -> str:
    labels = f"{found.equal_labels:.2%} of labels equal on {found.name}"
    if found.max_logit_difference is None or found.max_logit is None:
        return labels
    gap, largest = found.max_logit_difference, found.max_logit
    return f"{labels}, logits off by {gap:.2g} where the largest is {largest:.3g}"


def _cause(found: Verification) -> str:
    parts = []
    if found.divergence is not None:
        after = f", after {found.divergence.after}" if found.divergence.after else ""
        parts.append(f"the first layer that differs is {found.divergence.layer}{after}")
    if found.hint:
        parts.append(found.hint)
    return "".join(f"; {part}" for part in parts)
