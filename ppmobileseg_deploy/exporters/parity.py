"""The proof that an exported file computes what PyTorch computes.

The reference is the network in the paper's form, followed by plain bilinear upsampling of all
classes: nothing of what the exporter rewrites or speeds up takes part in it.
"""

import copy
from collections.abc import Sequence
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
from ..model import PPMobileSeg, upsample_logits
from ..runtime.inference.ort_session import first_line
from .graph import shipped
from .options import ExportOptions
from .trace import INPUT, LOGITS, OUTPUT
from .wrapper import SIZE_MULTIPLE

_DYNAMIC_SHAPES: Final = ((1, 64, 96), (1, 97, 131), (2, 160, 128), (1, 256, 320))
"""(batch, height, width): a small one, one that is no multiple of 32, a batch, a larger one."""

_SMOOTH_SHAPES: Final = ((1, 512, 1024), (1, 1024, 2048))
"""Of images without noise, on which sums over the whole image lose most to rounding."""

_STATIC_INPUTS: Final = 3
_FATAL: Final = 4  # severity in ONNX Runtime's log; its errors are raised as well

RELATIVE_TOLERANCE: Final = 1e-4
"""Largest permitted difference, as a share of the largest logit, when no other is given ..."""

ROUNDING_TOLERANCE: Final = 16.0
"""... or, if that is more, this many times PyTorch's own rounding error.

Sharp attention amplifies rounding: with some weights float32 and float64 differ by 5e-4 in
PyTorch alone. Holding the file to less than that would reject a correct one.
"""

MAX_ERROR_RATIO: Final = 4.0
"""On images without noise the logits may differ from those of PyTorch in float64 by this many
times the difference between PyTorch in float32 and in float64 ..."""

RELATIVE_ERROR: Final = 1e-6
"""... or, if that is more, by this share of the largest logit."""

MAX_AMPLIFIED_RATIO: Final = 64.0
"""The same ratio where PyTorch errs by more than ten times that share: the network amplifies
rounding, and by how much is chance."""

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
    """The comparisons of one export.

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
        equal = sum(case.equal_labels * case.labels_onnx.size for case in self.cases)
        return equal / sum(case.labels_onnx.size for case in self.cases)


def prove(
    model: ModelProto, network: PPMobileSeg, options: ExportOptions, atol: float | None = None
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
    float64: the file may err no more than `MAX_ERROR_RATIO` times what PyTorch errs in float32.

    Args:
        model: The exported model, with the outputs ``output`` and ``logits``.
        network: The network in evaluation mode, as it was before any rewriting.
        options: What the model was exported with.
        atol: Largest absolute difference of the logits; the default for each input is the
            larger of `RELATIVE_TOLERANCE` times its largest logit and `ROUNDING_TOLERANCE`
            times PyTorch's rounding error on it.

    Returns:
        The measurements.

    Raises:
        ParityError: They are outside the tolerance, or ONNX Runtime cannot run the model.
    """
    proof = _Proof(model, network, options, atol)
    shapes = ((1, *options.shape_hw),) * _STATIC_INPUTS if options.shape_hw else _DYNAMIC_SHAPES
    cases = [proof.compare(parity_input(*shape, seed=i)) for i, shape in enumerate(shapes)]
    smooth_shapes = ((1, *options.shape_hw),) * 2 if options.shape_hw else _SMOOTH_SHAPES
    smooth = [make(*shape) for make, shape in zip((gradients, flat), smooth_shapes, strict=True)]
    errors = proof.float64_errors(smooth)
    report = ParityReport(tuple(cases), atol, *errors)
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


def gradients(batch: int, height: int, width: int) -> Tensor:
    """Return a normalised image that grows slowly to the right, downwards, and both.

    Args:
        batch: Number of images, which are all alike.
        height: Height in pixels.
        width: Width in pixels.

    Returns:
        float32 (batch, 3, height, width), between -2 and 2.
    """
    right = torch.linspace(-2, 2, width).expand(height, width)
    down = torch.linspace(-2, 2, height)[:, None].expand(height, width)
    return torch.stack([right, down, (right + down) / 2]).expand(batch, -1, -1, -1).contiguous()


def flat(batch: int, height: int, width: int) -> Tensor:
    """Return a normalised image of one colour.

    Args:
        batch: Number of images, which are all alike.
        height: Height in pixels.
        width: Width in pixels.

    Returns:
        float32 (batch, 3, height, width).
    """
    color = torch.tensor([1.3, 1.47, 1.68])[:, None, None]
    return color.expand(batch, 3, height, width).contiguous()


class _Proof:
    """Both sides of the comparison, ready to be run on inputs."""

    def __init__(
        self,
        model: ModelProto,
        network: PPMobileSeg,
        options: ExportOptions,
        atol: float | None,
    ) -> None:
        levels = ort.GraphOptimizationLevel
        self.shipped = _start(shipped(model, options), levels.ORT_ENABLE_ALL)
        self.exact = _start(model, levels.ORT_ENABLE_EXTENDED)
        self.network = network
        self.options = options
        self.atol = atol

    @torch.inference_mode()
    def compare(self, image: Tensor) -> ParityCase:
        """Run both on one image; raise `ParityError` where they differ too much."""
        feed = {INPUT: image.numpy()}
        output, logits = (
            torch.from_numpy(each) for each in _run(self.exact, [OUTPUT, LOGITS], feed)
        )
        (shipped,) = (torch.from_numpy(each) for each in _run(self.shipped, [OUTPUT], feed))

        expected_logits = self.network(_padded(image))
        upsampled = self._upsampled(expected_logits, image.shape[-2:])
        self._require_form(output, upsampled)
        difference = float((logits - expected_logits).abs().max())
        max_logit = float(expected_logits.abs().max())
        if self.options.logits:
            difference = max(difference, float((output - upsampled).abs().max()))
            output, shipped = (each.argmax(1, keepdim=True) for each in (output, shipped))
        limit = self._require_close_logits(image, difference, max_logit)
        best, expected = self._candidates(expected_logits, upsampled).max(1, keepdim=True)
        self._require_labels(image, best - upsampled.gather(1, output.long()), limit)
        batch, _, height, width = image.shape
        return ParityCase(
            batch=batch,
            size_hw=(height, width),
            max_logit_difference=difference,
            max_logit=max_logit,
            equal_labels=float((shipped == expected).double().mean()),
            labels_pytorch=expected.numpy(),
            labels_onnx=shipped.numpy(),
        )

    @torch.inference_mode()
    def float64_errors(self, images: Sequence[Tensor]) -> tuple[float, float]:
        """Measure how far the file and PyTorch are from float64; raise `ParityError` if too far.

        Args:
            images: Inputs of any sizes.

        Returns:
            Largest absolute difference of the file's logits, and of PyTorch's.
        """
        double = copy.deepcopy(self.network).double()
        file_error, pytorch_error, largest = 0.0, 0.0, 0.0
        for image in images:
            padded = _padded(image)
            exact = double(padded.double())
            (found,) = _run(self.exact, [LOGITS], {INPUT: image.numpy()})
            file_error = max(file_error, float((torch.from_numpy(found) - exact).abs().max()))
            pytorch_error = max(pytorch_error, float((self.network(padded) - exact).abs().max()))
            largest = max(largest, float(exact.abs().max()))
        amplified = pytorch_error > 10 * RELATIVE_ERROR * largest
        ratio = MAX_AMPLIFIED_RATIO if amplified else MAX_ERROR_RATIO
        limit = max(ratio * pytorch_error, RELATIVE_ERROR * largest)
        # Negated, so that a NaN fails.
        if self.atol is None and not file_error <= limit:
            raise ParityError(
                f"expected logits of images without noise within {limit:.3g} of those in float64, "
                f"{ratio:g} times PyTorch's own error, found {file_error:.3g}"
            )
        return file_error, pytorch_error

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

    def _require_close_logits(self, image: Tensor, difference: float, max_logit: float) -> float:
        limit = RELATIVE_TOLERANCE * max_logit if self.atol is None else self.atol
        if not difference <= limit and self.atol is None:
            # Asked only now: float64 is slow, and trained weights do not get here.
            limit = max(limit, ROUNDING_TOLERANCE * self._rounding_error(image))
        # Negated, so that a NaN fails.
        if not difference <= limit:
            raise ParityError(
                f"expected logits within {limit:.3g} of PyTorch's {_on(image)}, "
                f"found a difference of {difference:.3g}"
            )
        return limit

    def _require_labels(self, image: Tensor, deficit: Tensor, limit: float) -> None:
        # Either logit may be off by the limit.
        wrong = float((deficit > 2 * limit).double().mean())
        allowed = MAX_WRONG_LABELS_IMAGE if self.options.vim == "image" else 0.0
        if wrong > allowed:
            raise ParityError(
                f"expected at most {allowed:.1%} of labels whose logit is below the best by more "
                f"than rounding {_on(image)}, found {wrong:.3%}"
            )

    def _rounding_error(self, image: Tensor) -> float:
        """Largest difference of the logits between PyTorch in float32 and in float64."""
        padded = _padded(image)
        double = copy.deepcopy(self.network).double()
        return float((self.network(padded) - double(padded.double())).abs().max())


def _start(model: ModelProto, optimization: ort.GraphOptimizationLevel) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.graph_optimization_level = optimization
    options.log_severity_level = _FATAL
    try:
        return ort.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # the errors' classes differ between releases
        raise ParityError(f"ONNX Runtime cannot load the graph: {first_line(error)}") from error


def _run(
    session: ort.InferenceSession, outputs: list[str], feed: dict[str, NDArray[Any]]
) -> list[NDArray[Any]]:
    try:
        results: list[NDArray[Any]] = session.run(outputs, feed)
    except Exception as error:  # as above
        raise ParityError(f"ONNX Runtime cannot run the graph: {first_line(error)}") from error
    return results


def _padded(image: Tensor) -> Tensor:
    batch, channels, height, width = image.shape
    padded_hw = (-(-side // SIZE_MULTIPLE) * SIZE_MULTIPLE for side in (height, width))
    padded = image.new_zeros((batch, channels, *padded_hw))
    padded[:, :, :height, :width] = image
    return padded


def _on(image: Tensor) -> str:
    return f"on an input of {'x'.join(map(str, image.shape))}"
