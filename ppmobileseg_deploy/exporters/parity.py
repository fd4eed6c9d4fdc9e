"""Parity proof: an exported model computes what PyTorch computes.

The reference is the network in the paper's form, followed by plain bilinear upsampling of all
classes: nothing of what the exporter rewrites or speeds up takes part in it.
"""

import copy
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from onnx import ModelProto
from torch import Tensor

from ..agreement import (
    ComparisonSession,
    Float64Errors,
    LabelAgreement,
    LogitDifference,
    clearly_wrong,
    equal_share,
    flat,
    gradients,
    largest_difference,
    noisy_batch,
)
from ..errors import ModelError, ParityError
from ..model import PPMobileSeg, pad_to_multiple, upsample_logits
from ..runtime.inference.ort_session import first_line
from .graph import shipped
from .options import ExportOptions
from .trace import INPUT, LOGITS, OUTPUT

_DYNAMIC_SHAPES: Final = ((1, 64, 96), (1, 97, 131), (2, 160, 128), (1, 256, 320))
"""(batch, height, width): a small one, one that is no multiple of 32, a batch, a larger one."""

_SMOOTH_SIZES_HW: Final = ((512, 1024), (1024, 2048))
"""Of images without noise, on which sums over the whole image lose most to rounding."""

_STATIC_INPUTS: Final = 3

RELATIVE_TOLERANCE: Final = 1e-4
"""Largest permitted difference, as a share of the largest logit, when no other is given."""

ROUNDING_TOLERANCE: Final = 16.0
"""Difference, as a multiple of PyTorch's own rounding error, that is permitted in any case.

Sharp attention amplifies rounding: with some weights float32 and float64 differ by 5e-4 in
PyTorch alone. Holding the file to less than that would reject a correct one.
"""

MIN_EQUAL_LABELS: Final = 0.999
"""Least share of equal labels over all inputs, run as anyone would."""

MAX_WRONG_LABELS_IMAGE: Final = 0.001
"""Share of labels that ``vim="image"`` may get wrong: rounding decides whether a class that
wins a single cell is present at all. The other forms must not get any label wrong."""


@dataclass(frozen=True)
class ParityCase:
    """One input on which both were compared.

    Attributes:
        batch: Images in the input.
        size_hw: Height and width of the input.
        max_logit_difference: Largest absolute difference of the logits.
        max_logit: Largest absolute logit that PyTorch computed.
        equal_labels: Share of pixels with the same class, in [0, 1].
        labels_pytorch: Class ids by PyTorch, (batch, 1, height, width).
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
    """Comparisons of one exported model with PyTorch.

    Attributes:
        cases: One entry per input.
        atol: The absolute tolerance that was asked for, or None for the default one.
        float64_error: Largest absolute difference of the logits from those of PyTorch in float64,
            on images without noise.
        pytorch_float64_error: The same for PyTorch in float32.
    """

    cases: tuple[ParityCase, ...]
    atol: float | None
    float64_error: float
    pytorch_float64_error: float

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
        agreement = LabelAgreement()
        for case in self.cases:
            agreement.update(case.labels_pytorch, case.labels_onnx)
        return agreement.equal


def prove(
    model: ModelProto,
    network: PPMobileSeg,
    options: ExportOptions,
    *,
    tolerance: float | None = None,
    atol: float | None = None,
) -> ParityReport:
    """Compare an exported model with the network.

    Each input runs twice in ONNX Runtime. Once as anyone would run the file that ships: at least
    `MIN_EQUAL_LABELS` of the labels must be equal. And once with the logits as a second output
    and without ONNX Runtime's blocked convolutions, whose order of summation errs up to 20 times
    as much as PyTorch's and would hide small mistakes of the graph. There the logits must agree
    to the tolerance, and a label may differ only where PyTorch's logits of both classes are
    closer than the tolerance allows to tell.

    Noise and small images hide what rounding does to sums over a whole image. So a flat image of
    1024x2048 pixels and one of slow gradients, of 512x1024, are held against the network in
    float64: the file's error may be a few times that of PyTorch in float32, see `Float64Errors`.

    Args:
        model: The exported model, with the outputs ``output`` and ``logits``.
        network: The network in evaluation mode, as it was before any rewriting.
        options: What the model was exported with.
        tolerance: Largest difference of the logits, as a share of an input's largest logit; the
            default is `RELATIVE_TOLERANCE` or, where that is more, `ROUNDING_TOLERANCE` times
            PyTorch's rounding error on the input.
        atol: The same as an absolute difference; not with ``tolerance``.

    Returns:
        The measurements.

    Raises:
        ParityError: They are outside the tolerance, or ONNX Runtime cannot run the model.
    """
    proof = _Proof(model, network, options, tolerance, atol)
    shapes = ((1, *options.shape_hw),) * _STATIC_INPUTS if options.shape_hw else _DYNAMIC_SHAPES
    images = [noisy_batch((h, w), batch, seed=i) for i, (batch, h, w) in enumerate(shapes)]
    cases = [proof.compare(torch.from_numpy(image)) for image in images]
    smooth_sizes_hw = (options.shape_hw,) * 2 if options.shape_hw else _SMOOTH_SIZES_HW
    smooth = [make(size) for make, size in zip((gradients, flat), smooth_sizes_hw, strict=True)]
    errors = proof.float64_errors(map(torch.from_numpy, smooth))
    report = ParityReport(tuple(cases), atol, errors.found, errors.reference)
    if not report.equal_labels >= MIN_EQUAL_LABELS:
        raise ParityError(
            f"expected at least {MIN_EQUAL_LABELS:.1%} equal labels, "
            f"found {report.equal_labels:.2%}"
        )
    return report


class _Proof:
    """Both sides of the comparison, ready to be run on inputs."""

    def __init__(
        self,
        model: ModelProto,
        network: PPMobileSeg,
        options: ExportOptions,
        tolerance: float | None,
        atol: float | None,
    ) -> None:
        levels = ort.GraphOptimizationLevel
        self.shipped = _open(shipped(model, options), levels.ORT_ENABLE_ALL)
        self.exact = _open(model, levels.ORT_ENABLE_EXTENDED)
        self.network = network
        self.options = options
        self.tolerance = RELATIVE_TOLERANCE if tolerance is None else tolerance
        self.atol = atol
        self.allows_rounding = tolerance is None and atol is None

    @torch.inference_mode()
    def compare(self, image: Tensor) -> ParityCase:
        """Run both on one image; raise `ParityError` where they differ too much."""
        feed = {INPUT: image.numpy()}
        output, logits = (
            torch.from_numpy(each) for each in _run(self.exact, [OUTPUT, LOGITS], feed)
        )
        name = LOGITS if self.options.coarse_logits else OUTPUT
        (shipped,) = (torch.from_numpy(each) for each in _run(self.shipped, [name], feed))
        if self.options.coarse_logits:
            shipped = self._upsampled(shipped, image.shape[-2:]).argmax(1, keepdim=True)

        expected_logits = self.network(pad_to_multiple(image))
        upsampled = self._upsampled(expected_logits, image.shape[-2:])
        self._require_form(output, upsampled)
        pairs = [(expected_logits, logits)]
        if self.options.logits:
            pairs.append((upsampled, output))
            output, shipped = (each.argmax(1, keepdim=True) for each in (output, shipped))
        difference = LogitDifference.of(
            ((first.numpy(), second.numpy()) for first, second in pairs),
            max_logit=float(expected_logits.abs().max()),
        )
        limit = self._require_close_logits(image, difference)
        best, expected = self._candidates(expected_logits, upsampled).max(1, keepdim=True)
        # Either logit may be off by the limit.
        wrong = clearly_wrong(output.numpy(), upsampled.numpy(), best.numpy(), 2 * limit)
        self._require_labels(image, wrong)
        batch, _, height, width = image.shape
        return ParityCase(
            batch=batch,
            size_hw=(height, width),
            max_logit_difference=difference.largest,
            max_logit=difference.max_logit,
            equal_labels=equal_share(expected.numpy(), shipped.numpy()),
            labels_pytorch=expected.numpy(),
            labels_onnx=shipped.numpy(),
        )

    @torch.inference_mode()
    def float64_errors(self, images: Iterable[Tensor]) -> Float64Errors:
        """Measure how far the file and PyTorch are from float64; raise `ParityError` if too far.

        Args:
            images: Inputs of any sizes.
        """
        double = copy.deepcopy(self.network).double()
        rows = []
        for image in images:
            padded = pad_to_multiple(image)
            exact = double(padded.double()).numpy()
            (found,) = _run(self.exact, [LOGITS], {INPUT: image.numpy()})
            pytorch = self.network(padded).numpy()
            differences = (largest_difference(exact, each) for each in (found, pytorch))
            rows.append((*differences, float(np.abs(exact).max())))
        errors = Float64Errors(*np.max(rows, axis=0).tolist())  # a NaN stays one
        if self.allows_rounding and not errors.agree:
            raise ParityError(
                f"expected logits of images without noise within {errors.limit:.3g} of those in "
                f"float64, {errors.ratio:g} times PyTorch's own error, found {errors.found:.3g}"
            )
        return errors

    def _upsampled(self, logits: Tensor, size_hw: torch.Size) -> Tensor:
        height, width = size_hw
        padded_hw = [side * self.network.config.stride for side in logits.shape[-2:]]
        return upsample_logits(logits, padded_hw)[:, :, :height, :width]

    def _candidates(self, logits: Tensor, upsampled: Tensor) -> Tensor:
        """Rule out what the paper's form does not look at: classes that win no cell."""
        if self.options.vim != "image" or self.options.logits:
            return upsampled
        absent = torch.ones(logits.shape[1], dtype=torch.bool)
        absent[logits.argmax(1).flatten()] = False
        return upsampled.masked_fill(absent[:, None, None], -torch.inf)

    def _require_form(self, output: Tensor, upsampled: Tensor) -> None:
        channels = upsampled.shape[1] if self.options.logits else 1
        expected = (upsampled.shape[0], channels, *upsampled.shape[2:])
        name = "float32" if self.options.logits else self.options.label_dtype
        if tuple(output.shape) != expected or output.dtype != getattr(torch, name):
            raise ParityError(
                f"expected an output of {name} {expected}, "
                f"found {output.dtype} {tuple(output.shape)}"
            )

    def _require_close_logits(self, image: Tensor, difference: LogitDifference) -> float:
        relative = self.tolerance * difference.max_logit
        limit = relative if self.atol is None else self.atol
        if not difference.largest <= limit and self.allows_rounding:
            # Asked only now: float64 is slow, and trained weights do not get here.
            limit = max(limit, ROUNDING_TOLERANCE * self._rounding_error(image))
        # Negated, so that a NaN fails.
        if not difference.largest <= limit:
            raise ParityError(
                f"expected logits within {limit:.3g} of PyTorch's {_on(image)}, "
                f"found a difference of {difference.largest:.3g}"
            )
        return limit

    def _require_labels(self, image: Tensor, wrong: float) -> None:
        allowed = MAX_WRONG_LABELS_IMAGE if self.options.vim == "image" else 0.0
        if wrong > allowed:
            raise ParityError(
                f"expected at most {allowed:.1%} of labels whose logit is below the best by more "
                f"than rounding {_on(image)}, found {wrong:.3%}"
            )

    def _rounding_error(self, image: Tensor) -> float:
        """Largest difference of the logits between PyTorch in float32 and in float64."""
        padded = pad_to_multiple(image)
        double = copy.deepcopy(self.network).double()
        exact = double(padded.double()).numpy()
        return largest_difference(exact, self.network(padded).numpy())


def _open(model: ModelProto, optimization: ort.GraphOptimizationLevel) -> ComparisonSession:
    with parity_errors("load the graph"):
        return ComparisonSession(model.SerializeToString(), optimization=optimization)


def _run(
    session: ComparisonSession, outputs: Sequence[str], feeds: dict[str, NDArray[Any]]
) -> list[NDArray[Any]]:
    with parity_errors("run the graph"):
        return session.run(outputs, feeds)


@contextmanager
def parity_errors(what: str) -> Iterator[None]:
    """Raise a `ParityError` where ONNX Runtime fails.

    Args:
        what: What it was to do, for the message.
    """
    try:
        yield
    except ModelError as error:
        reason = first_line(error.__cause__ or error)
        raise ParityError(f"ONNX Runtime cannot {what}: {reason}") from error


def _on(image: Tensor) -> str:
    return f"on an input of {'x'.join(map(str, image.shape))}"
