"""PyTorch to ONNX: padding, network, upsampling and label type traced as one module."""

import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import onnx
import torch
from torch import Tensor, nn

from ..errors import ExportError
from ..model import PPMobileSeg, labels_image, labels_off, pad_to_multiple, upsample_logits
from ..model.cell import narrow_labels_cell
from .options import ExportOptions

INPUT: Final = "input"
OUTPUT: Final = "output"
LOGITS: Final = "logits"

_DIMS: Final = {0: "batch", 2: "height", 3: "width"}
_EXAMPLE_SHAPE: Final = (2, 3, 128, 160)
"""Distinct sizes, so that no two dimensions are taken for one another while tracing."""


class EndToEnd(nn.Module):
    """The exported module: from the normalised image to labels or logits.

    Whatever the size, the image is padded with zeros at the right and at the bottom and the
    output cut back, as in mmsegmentation's test pipeline. So all forms of upsampling see the
    same logits, and their labels can be compared at any size.

    Args:
        network: The network, in evaluation mode.
        options: Form of the output.
    """

    def __init__(self, network: PPMobileSeg, options: ExportOptions) -> None:
        super().__init__()
        self.network = network
        self.options = options
        self.stride = network.config.stride

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the output, and the logits before upsampling.

        Args:
            image: float32 (batch, 3, height, width), normalised RGB.

        Returns:
            The output, (batch, 1, height, width) labels or (batch, classes, height, width)
            logits, and float32 (batch, classes, h, w) logits of the padded image, where h and w
            are its height and width divided by the stride.
        """
        size_hw = image.shape[-2:]
        padded = pad_to_multiple(image)
        logits = self.network(padded)
        if self.options.logits:
            return _cut(upsample_logits(logits, padded.shape[-2:]), size_hw), logits
        if self.options.vim == "cell":
            labels = narrow_labels_cell(logits, self.stride, size_hw)
        else:
            upsample: Callable[[Tensor, Sequence[int]], Tensor]
            upsample = labels_image if self.options.vim == "image" else labels_off
            labels = _cut(upsample(logits, padded.shape[-2:]), size_hw)
        return labels.to(getattr(torch, self.options.label_dtype)), logits


def _cut(image: Tensor, size_hw: Sequence[int | Tensor]) -> Tensor:
    height, width = size_hw
    return image[:, :, :height, :width]


def trace(module: EndToEnd, options: ExportOptions) -> onnx.ModelProto:
    """Trace the module into an ONNX model with the outputs ``output`` and ``logits``.

    The TorchScript exporter is used on purpose: it is 25 times faster than the dynamo-based one
    here, keeps the dimension names, and writes an IR version that old runtimes read.

    Args:
        module: What to trace, in evaluation mode.
        options: Opset, and a fixed shape if there is to be one.

    Returns:
        The model, with dynamic batch, height and width unless ``options.shape_hw`` is set.

    Raises:
        ExportError: PyTorch could not translate the module.
    """
    static = options.shape_hw is not None
    shape = (1, 3, *options.shape_hw) if options.shape_hw else _EXAMPLE_SHAPE
    low_resolution = {0: "batch", 2: "logits_height", 3: "logits_width"}
    with known_warnings(), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "traced.onnx"
        try:
            torch.onnx.export(
                module,
                (torch.zeros(shape),),
                path,
                dynamo=False,
                opset_version=options.opset,
                input_names=[INPUT],
                output_names=[OUTPUT, LOGITS],
                dynamic_axes=None
                if static
                else {INPUT: _DIMS, OUTPUT: _DIMS, LOGITS: low_resolution},
            )
        except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
            raise ExportError(f"PyTorch cannot translate the network: {error}") from error
        return onnx.load_model(path)


@contextmanager
def known_warnings() -> Iterator[None]:
    """Silence the four warnings of the tracer that are understood, and no others."""
    with warnings.catch_warnings():
        # Announced for a later release; constraints.txt pins one that has it.
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"torch\.onnx")
        warnings.filterwarnings("ignore", message=".*legacy TorchScript-based ONNX export")
        # Numbers of channels become constants, as they should. If a size of the image did, the
        # parity proof, which runs on several sizes, would find it.
        warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)  # type: ignore[attr-defined]
        warnings.filterwarnings("ignore", message="Constant folding - Only steps=1 can be")
        yield
