"""A float32 model to integers, layer by layer, through ONNX Runtime's static quantization."""

import inspect
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import onnx
from onnx import ModelProto, NodeProto
from onnxruntime import __version__ as onnxruntime_version
from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from ...errors import ExportError, UsageError
from ...runtime.inference.ort_session import first_line
from ..trace import LOGITS
from .calibration import CalibrationReader

OPERATORS: Final = (
    *("Conv", "MatMul", "Add", "Mul", "Relu", "Clip", "Sigmoid", "Concat", "Split"),
    *("AveragePool", "GlobalAveragePool", "Resize", "Reshape", "Transpose"),
)
"""Operators that may compute with integers. Whatever lies between two of them and is not here
costs a conversion there and back, which is why the cheap ones take part."""

_NETWORK: Final = "/network/"  # what the names of its nodes begin with
_LAYER_PARTS: Final = ("conv", "activation")  # convolution, batch norm and activation are one


class Quantizer:
    """Makes the same model with other layers in integers, from ranges that are measured once.

    Weights are int8 with one scale per output channel, activations uint8. Of the weights' 8
    bits 7 are used: x86 processors without VNNI add two products of 8 bits in 16 bits, and
    would silently saturate. That costs 0.02 % of the labels (tiny, drawn scenes), and lets a
    file give the same labels everywhere.

    Only what leads to the logits is ever quantized: the labels are made of float32 logits.

    Args:
        model: The exported model, with the outputs ``output`` and ``logits``.
        folder: A folder for intermediate files, which stay there.

    Raises:
        ExportError: ONNX Runtime cannot prepare the model.
        UsageError: ONNX Runtime's quantization is too old.
    """

    def __init__(self, model: ModelProto, folder: Path) -> None:
        if "calibration_cache_path" not in inspect.signature(quantize_static).parameters:
            raise UsageError(
                f"int8 needs an ONNX Runtime whose quantization keeps calibrated ranges, found "
                f"{onnxruntime_version}; install with: pip install -U onnxruntime"
            )
        self._ranges = folder / "ranges.json"
        self._quantized = folder / "int8.onnx"
        self._prepared = folder / "prepared.onnx"
        _prepare(model, folder / "float.onnx", self._prepared)
        prepared = onnx.load(self._prepared)
        self._nodes: Mapping[str, Sequence[str]] = _by_group(_before(prepared, LOGITS))
        if not self._nodes:
            raise ExportError("expected layers that can be quantized, found none")

    @property
    def groups(self) -> tuple[str, ...]:
        """Parts of the network that can be in integers, in the order of execution."""
        return tuple(self._nodes)

    def calibrate(self, reader: CalibrationReader) -> None:
        """Measure the ranges of all activations.

        Args:
            reader: The images.
        """
        self._ranges.unlink(missing_ok=True)
        self._run(self.groups, reader)

    def quantize(self, groups: Collection[str]) -> ModelProto:
        """Return the model with some groups in integers, the rest in float32.

        Args:
            groups: Some of `groups`, at least one. `calibrate` comes first.

        Returns:
            A model with the same outputs. The same groups give the same bytes.

        Raises:
            ExportError: ONNX Runtime cannot quantize them.
        """
        self._run(groups, None)
        return onnx.load(self._quantized)

    def _run(self, groups: Collection[str], reader: CalibrationReader | None) -> None:
        nodes = [node for group in self.groups if group in groups for node in self._nodes[group]]
        try:
            quantize_static(
                self._prepared,
                self._quantized,
                reader,
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=list(OPERATORS),
                nodes_to_quantize=nodes,
                per_channel=True,
                reduce_range=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibration_cache_path=self._ranges,
            )
        except (RuntimeError, ValueError, KeyError, TypeError) as error:
            raise ExportError(
                f"ONNX Runtime cannot quantize the model: {first_line(error)}"
            ) from error


def group_of(node_name: str) -> str:
    """Return the part of the network that a node belongs to: a block, a branch, a layer.

    Args:
        node_name: Name of a node as it was traced, the path of its module.

    Examples:
        >>> group_of("/network/backbone/smb2/blocks/blocks.1/mid_se/squeeze/Conv")
        'backbone/smb2/blocks.1'
        >>> group_of("/network/decode_head/conv_seg/Conv")
        'decode_head/conv_seg'
    """
    path = node_name.strip("/").split("/")[1:-1]
    for index, part in enumerate(path):
        if re.search(r"\.\d+$", part):
            is_list = index > 0 and part.startswith(path[index - 1] + ".")
            return "/".join([*path[: index - is_list], part])
    while path and path[-1] in _LAYER_PARTS:
        del path[-1]
    return "/".join(path)


def _prepare(model: ModelProto, plain: Path, prepared: Path) -> None:
    onnx.save(model, plain)
    try:
        # Symbolic shape inference does not understand the upsampling; the rest suffices.
        quant_pre_process(plain, prepared, skip_symbolic_shape=True)
    except Exception as error:  # it raises whatever its parts do, Exception itself among it
        raise ExportError(
            f"ONNX Runtime cannot prepare the model for quantization: {first_line(error)}"
        ) from error


def _before(model: ModelProto, tensor: str) -> list[NodeProto]:
    """Return the nodes that a tensor depends on, in the model's order."""
    needed = {tensor}
    nodes = []
    for node in reversed(model.graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            nodes.append(node)
    return nodes[::-1]


def _by_group(nodes: Iterable[NodeProto]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for node in nodes:
        if node.op_type in OPERATORS and node.name.startswith(_NETWORK):
            groups.setdefault(group_of(node.name), []).append(node.name)
    return groups
