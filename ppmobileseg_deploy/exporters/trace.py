"""PyTorch to ONNX."""

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import onnx
import torch

from ..errors import ExportError
from .options import ExportOptions
from .wrapper import EndToEnd

INPUT: Final = "input"
OUTPUT: Final = "output"
LOGITS: Final = "logits"

_DIMS: Final = {0: "batch", 2: "height", 3: "width"}
_EXAMPLE_SHAPE: Final = (2, 3, 128, 160)
"""Distinct sizes, so that no two dimensions are taken for one another while tracing."""


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
