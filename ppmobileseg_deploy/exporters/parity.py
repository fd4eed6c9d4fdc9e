"""The proof that an exported file computes what PyTorch computes."""

import copy
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from onnx import ModelProto
from torch import Tensor
from torch.nn import functional as F

from ..errors import ParityError
from .graph import without_logits
from .options import ExportOptions
from .trace import INPUT, LOGITS
from .wrapper import EndToEnd, pad_to_multiple

_DYNAMIC_SHAPES: Final = ((1, 64, 96), (1, 97, 131), (2, 160, 128), (1, 256, 320))
"""(batch, height, width): a small one, one that is no multiple of 32, a batch, a larger one."""

_STATIC_INPUTS: Final = 3
_ERROR: Final = 3  # severity; a default for an optional input is worth a warning to ONNX Runtime

RELATIVE_TOLERANCE: Final = 1e-4
"""Largest permitted difference, as a share of the largest logit, when no other is given ..."""

ROUNDING_TOLERANCE: Final = 16.0
"""... or, if that is more, this many times PyTorch's own rounding error.

Sharp attention amplifies rounding: with some weights float32 and float64 differ by 5e-4 in
PyTorch alone. Holding the file to less than that would reject a correct one.
"""

MIN_EQUAL_LABELS: Final = 0.999
"""Least share of equal labels over all inputs; rounding may tip pixels where classes tie."""


@dataclass(frozen=True)
class ParityCase:
    """One input on which both were compared.

    Attributes:
        batch: Images in the input.
        size_hw: Height and width of the input.
        max_logit_difference: Largest absolute difference of the low-resolution logits.
        max_logit: Largest absolute logit that PyTorch computed.
        equal_labels: Share of pixels with the same class, in [0, 1].
        labels_pytorch: Class ids that PyTorch gives, (batch, 1, height, width).
        labels_onnx: Class ids that the file gives, of the same shape.
    """

    batch: int
    size_hw: tuple[int, int]
    max_logit_difference: float
    max_logit: float
    equal_labels: float
    labels_pytorch: NDArray[np.integer[Any]] = field(repr=False, compare=False)
    labels_onnx: NDArray[np.integer[Any]] = field(repr=False, compare=False)


@dataclass(frozen=True)
class ParityReport:
    """The comparisons of one export.

    Attributes:
        cases: One entry per input.
        atol: The absolute tolerance that was asked for, or None for the default one.
    """

    cases: tuple[ParityCase, ...]
    atol: float | None

    @property
    def max_logit_difference(self) -> float:
        """Largest absolute difference over all cases."""
        return max(case.max_logit_difference for case in self.cases)

    @property
    def max_relative_difference(self) -> float:
        """Largest difference over all cases, as a share of that case's largest logit."""
        return max(case.max_logit_difference / max(case.max_logit, 1e-30) for case in self.cases)

    @property
    def equal_labels(self) -> float:
        """Share of equal labels over all pixels of all cases."""
        pixels = [case.batch * case.size_hw[0] * case.size_hw[1] for case in self.cases]
        equal = [n * case.equal_labels for n, case in zip(pixels, self.cases, strict=True)]
        return sum(equal) / sum(pixels)


def prove(
    model: ModelProto, module: EndToEnd, options: ExportOptions, atol: float | None = None
) -> ParityReport:
    """Compare an exported model with the module it was traced from.

    Labels are taken from the model as it ships, run as anyone would. The logits come from the
    same graph, run without ONNX Runtime's blocked convolutions: their order of summation errs
    up to 20 times as much as PyTorch's, which would hide small mistakes of the graph.

    Args:
        model: The exported model, with the outputs ``output`` and ``logits``.
        module: The PyTorch module, in evaluation mode.
        options: What the model was exported with.
        atol: Largest absolute difference of the logits; the default for each input is the
            larger of `RELATIVE_TOLERANCE` times its largest logit and `ROUNDING_TOLERANCE`
            times PyTorch's rounding error on it.

    Returns:
        The measurements.

    Raises:
        ParityError: They are outside the tolerance, or ONNX Runtime cannot run the model.
    """
    shapes = ((1, *options.shape_hw),) * _STATIC_INPUTS if options.shape_hw else _DYNAMIC_SHAPES
    images = [parity_input(*shape, seed=seed) for seed, shape in enumerate(shapes)]
    try:
        shipped = _session(without_logits(model))
        with_logits = _session(model, ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED)
        cases = tuple(_compare(module, shipped, with_logits, image) for image in images)
    except ort.capi.onnxruntime_pybind11_state.OrtException as error:
        raise ParityError(f"ONNX Runtime cannot run the exported graph: {error}") from error
    for case, image in zip(cases, images, strict=True):
        _require_close_logits(case, module, image, atol)
    report = ParityReport(cases, atol)
    if not report.equal_labels >= MIN_EQUAL_LABELS:
        raise ParityError(
            f"expected at least {MIN_EQUAL_LABELS:.1%} equal labels, "
            f"found {report.equal_labels:.2%}"
        )
    return report


def parity_input(batch: int, height: int, width: int, seed: int) -> Tensor:
    """Return a made-up normalised image: smooth regions under fine noise.

    Args:
        batch: Number of images.
        height: Height in pixels.
        width: Width in pixels.
        seed: Another seed gives another image.

    Returns:
        float32 (batch, 3, height, width), about zero mean and unit variance.
    """
    generator = torch.Generator().manual_seed(seed)
    regions = torch.randn(batch, 3, 5, 7, generator=generator)
    noise = torch.randn(batch, 3, height, width, generator=generator)
    smooth = F.interpolate(regions, size=(height, width), mode="bilinear", align_corners=False)
    return smooth + 0.3 * noise


def _session(
    model: ModelProto,
    optimization: ort.GraphOptimizationLevel = ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
) -> ort.InferenceSession:
    session_options = ort.SessionOptions()
    session_options.graph_optimization_level = optimization
    session_options.log_severity_level = _ERROR
    return ort.InferenceSession(
        model.SerializeToString(), session_options, providers=["CPUExecutionProvider"]
    )


def _compare(
    module: EndToEnd,
    shipped: ort.InferenceSession,
    with_logits: ort.InferenceSession,
    image: Tensor,
) -> ParityCase:
    with torch.inference_mode():
        expected_output, expected_logits = (tensor.numpy() for tensor in module(image))
    feed = {INPUT: image.numpy()}
    output = shipped.run(None, feed)[0]
    logits = with_logits.run([LOGITS], feed)[0]
    if output.shape != expected_output.shape or output.dtype != expected_output.dtype:
        raise ParityError(
            f"expected an output of {expected_output.dtype} {expected_output.shape}, "
            f"found {output.dtype} {output.shape}"
        )
    difference = _max_abs(logits - expected_logits)
    if module.options.logits:
        output = output.argmax(1, keepdims=True)
        expected_output = expected_output.argmax(1, keepdims=True)
    batch, _, height, width = image.shape
    return ParityCase(
        batch=batch,
        size_hw=(height, width),
        max_logit_difference=difference,
        max_logit=_max_abs(expected_logits),
        equal_labels=float((output == expected_output).mean()),
        labels_pytorch=expected_output,
        labels_onnx=output,
    )


def _max_abs(array: NDArray[np.floating[Any]]) -> float:
    return float(np.abs(array).max())


def _require_close_logits(
    case: ParityCase, module: EndToEnd, image: Tensor, atol: float | None
) -> None:
    limit = RELATIVE_TOLERANCE * case.max_logit if atol is None else atol
    if case.max_logit_difference <= limit:
        return
    if atol is None:
        # Asked only now: float64 is slow, and trained weights do not get here.
        limit = max(limit, ROUNDING_TOLERANCE * _rounding_error(module, image))
    # Negated, so that a NaN fails.
    if not case.max_logit_difference <= limit:
        raise ParityError(
            f"expected logits within {limit:.3g} of PyTorch's "
            f"on an input of {case.batch}x3x{case.size_hw[0]}x{case.size_hw[1]}, "
            f"found a difference of {case.max_logit_difference:.3g}"
        )


def _rounding_error(module: EndToEnd, image: Tensor) -> float:
    """Largest difference of the logits between PyTorch in float32 and in float64."""
    exact = copy.deepcopy(module.network).double()
    padded = pad_to_multiple(image)
    with torch.inference_mode():
        return float((module.network(padded) - exact(padded.double())).abs().max())
