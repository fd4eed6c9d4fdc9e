"""Label heads as ONNX files of their own: from coarse logits to labels and to confidence.

The runtime labels photographs by heads that know nothing but logits and the weights along both
axes. They are part of the package, in ``runtime/inference/heads``; ``python -m
ppmobileseg_deploy.exporters.label_head`` makes them anew. `export_label_head` writes one for other
programs, which takes sizes and finds the weights itself.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import onnx
import torch
from onnx import ModelProto
from torch import Tensor, nn

from ..errors import ExportError
from ..files import atomic_path
from ..model.axes import Axis, resized_axis
from ..model.cell import labels_on_axes, narrow_type
from .graph import neutral, simplify
from .trace import known_warnings

_OPSET: Final = 17
_IR_VERSION: Final = 8
_LOGITS: Final = "logits"
_AXES: Final = ("row", "column")
_DIMS: Final = {
    "corners": ("cells", "corners"),
    "weights": ("cells", "pixels", "corners"),
    "cell": ("length",),
    "pixel": ("length",),
}
_EXAMPLE: Final = (1, 150, 8, 10)
_EXAMPLE_SIZES: Final = ((8, 128, 120, 200), (10, 160, 150, 170))


def export_label_head(output: str | Path, num_classes: int, stride: int) -> None:
    """Write a file that labels photographs at their own size, for programs in any language.

    Its inputs are ``logits``, float32 (batch, classes, h, w), as a model's second output;
    ``resized_hw``, int64 (2,), height and width of the image as it was scaled for the network,
    without padding; and ``size_hw``, int64 (2,), the size at which labels are wanted. Its output
    ``labels``, (batch, 1, height, width), is uint8, or int32 above 256 classes. The labels are
    those of mmsegmentation: logits enlarged to the padded image, the padding cut off, resized to
    the photograph, and the best class taken.

    Args:
        output: The file to write.
        num_classes: How many classes the logits are of.
        stride: Pixels of the network's input per grid point of the logits.

    Raises:
        ExportError: The head could not be translated.
        OutputError: The file could not be written.
    """
    batch, _, h, w = _EXAMPLE
    logits = torch.zeros(batch, num_classes, h, w)
    sizes = [torch.tensor([each[i] for each in _EXAMPLE_SIZES]) for i in (2, 3)]
    model = traced(
        _SizesHead(stride, narrow_type(num_classes)),
        {_LOGITS: logits, "resized_hw": sizes[0], "size_hw": sizes[1]},
        {_LOGITS: {0: "batch", 2: "logits_height", 3: "logits_width"}},
        {0: "batch", 2: "label_height", 3: "label_width"},
    )
    with atomic_path(Path(output)) as path:
        onnx.save_model(model, path)


def runtime_heads() -> dict[str, ModelProto]:
    """Build the heads that are part of the package.

    Returns:
        File name to model: ``labels_uint8.onnx`` and ``labels_int32.onnx``, which take float32
        logits (1, classes, h, w) of at least `model.cell.MIN_CLASSES` classes and the arrays of
        two `model.axes.Axis`; ``confidence.onnx`` and ``maximum.onnx``, see `_BestHead`.
    """
    axes = [resized_axis(*map(torch.tensor, sizes)) for sizes in _EXAMPLE_SIZES]
    arrays = {
        f"{name}_{field}": getattr(axis, field)
        for name, axis in zip(_AXES, axes, strict=True)
        for field in _DIMS
    }
    dims = {
        f"{name}_{field}": {i: f"{name}_{dim}" for i, dim in enumerate(names)}
        for name in _AXES
        for field, names in _DIMS.items()
    }
    grid = {1: "classes", 2: "logits_height", 3: "logits_width"}
    heads = {
        f"labels_{name}.onnx": traced(
            _AxesHead(dtype),
            {_LOGITS: torch.zeros(_EXAMPLE), **arrays},
            {_LOGITS: grid, **dims},
            {0: "batch", 2: "row_length", 3: "column_length"},
        )
        for name, dtype in (("uint8", torch.uint8), ("int32", torch.int32))
    }
    for name in ("confidence", "maximum"):
        heads[f"{name}.onnx"] = traced(
            _BestHead(softmax=name == "confidence"),
            {
                _LOGITS: torch.zeros(_EXAMPLE)[0].permute(1, 2, 0),
                "row_corners": axes[0].corners[0],
                "row_weights": axes[0].weights[0],
                "column_corners": axes[1].corners,
                "column_weights": axes[1].weights,
            },
            {
                _LOGITS: {0: "logits_height", 1: "logits_width", 2: "classes"},
                "row_corners": {0: "row_corners"},
                "row_weights": {0: "rows", 1: "row_corners"},
                "column_corners": dims["column_corners"],
                "column_weights": dims["column_weights"],
            },
            {0: "rows", 1: "column_cells", 2: "column_pixels"},
            output=name,
        )
    return heads


class _AxesHead(nn.Module):
    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype

    def forward(self, logits: Tensor, *arrays: Tensor) -> Tensor:
        half = len(_DIMS)
        return labels_on_axes(logits, Axis(*arrays[:half]), Axis(*arrays[half:]), self.dtype)


class _SizesHead(nn.Module):
    def __init__(self, stride: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.stride = stride
        self.dtype = dtype

    def forward(self, logits: Tensor, resized_hw: Tensor, size_hw: Tensor) -> Tensor:
        rows, columns = (
            resized_axis(grid, grid * self.stride, resized_hw[i], size_hw[i])
            for i, grid in enumerate(torch.as_tensor(side) for side in logits.shape[2:])
        )
        return labels_on_axes(logits, rows, columns, self.dtype)


class _BestHead(nn.Module):
    """The best class's logit, or its probability, of each pixel of some rows of one cell.

    All classes take part in that, so that there is nothing to save but memory traffic: a few rows
    at a time stay in the processor's cache.
    """

    def __init__(self, *, softmax: bool) -> None:
        super().__init__()
        self.softmax = softmax

    def forward(
        self,
        logits: Tensor,
        row_corners: Tensor,
        row_weights: Tensor,
        column_corners: Tensor,
        column_weights: Tensor,
    ) -> Tensor:
        """Interpolate along both axes, then take the largest.

        Args:
            logits: float32 (h, w, classes).
            row_corners: int64 (k,), grid rows that the cell's pixels are interpolated from.
            row_weights: float32 (rows, k).
            column_corners: int64 (cells, k), as in `Axis`.
            column_weights: float32 (cells, pixels, k), as in `Axis`.

        Returns:
            float32 (rows, cells, pixels).
        """
        lines = (row_weights @ logits[row_corners].flatten(1)).view(-1, *logits.shape[1:])
        interpolated = column_weights @ lines[:, column_corners]
        return (torch.softmax(interpolated, -1) if self.softmax else interpolated).amax(-1)


def traced(
    module: nn.Module,
    inputs: dict[str, Tensor],
    dims: dict[str, dict[int, str]],
    output_dims: dict[int, str],
    output: str = "labels",
    opset: int = _OPSET,
) -> ModelProto:
    """Translate a head to a small model of its own.

    Args:
        module: The head.
        inputs: An example of each input, by name.
        dims: Which of their dimensions vary, and their names.
        output_dims: The same of the output.
        output: Name of the output.
        opset: ONNX opset version.

    Raises:
        ExportError: PyTorch cannot translate it.
    """
    with known_warnings(), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "head.onnx"
        try:
            torch.onnx.export(
                module.eval(),
                tuple(inputs.values()),
                path,
                dynamo=False,
                opset_version=opset,
                input_names=list(inputs),
                output_names=[output],
                dynamic_axes={**dims, output: output_dims},
            )
        except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
            raise ExportError(f"PyTorch cannot translate the label head: {error}") from error
        return neutral(simplify(onnx.load_model(path)), _IR_VERSION)


def main(arguments: Sequence[str] = ()) -> None:
    """Write the runtime's heads into the package, or into another folder."""
    package = Path(__file__).parents[1] / "runtime" / "inference" / "heads"
    folder = Path(*arguments) if arguments else package
    for name, model in runtime_heads().items():
        with atomic_path(folder / name) as path:
            onnx.save_model(model, path)


if __name__ == "__main__":
    main()
