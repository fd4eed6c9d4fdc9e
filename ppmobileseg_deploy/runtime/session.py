"""An ONNX file opened and checked: what goes in, what comes out, where it runs."""

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from ..errors import DeviceError, ModelError, UsageError
from ..metadata import ModelMetadata
from ..palettes import distinct_palette

PROVIDERS: Final = MappingProxyType(
    {
        "cpu": "CPUExecutionProvider",
        "cuda": "CUDAExecutionProvider",
        "coreml": "CoreMLExecutionProvider",
        "dml": "DmlExecutionProvider",
        "openvino": "OpenVINOExecutionProvider",
    }
)
"""Device name to ONNX Runtime's name of the execution provider."""

LABELS_PER_CELL: Final = "labels_per_cell"
"""Optional input of files whose grid of labels can be refined: int64 (), labels along each side
of a cell of the logits, by default the stride."""

_LABEL_TYPES: Final = ("tensor(int64)", "tensor(int32)", "tensor(uint8)")
_ONLY_DEFAULTS: Final = ("openvino",)
"""Devices that ignore what is fed to an optional input."""

_ERROR: Final = 3  # ONNX Runtime's severities: 0 verbose, 1 info, 2 warning, 3 error, 4 fatal


class MetadataWarning(UserWarning):
    """A model file says nothing about itself, so documented defaults are used."""


@dataclass(frozen=True, eq=False)
class Session:
    """An open model. `run` may be called from several threads.

    Attributes:
        inference: ONNX Runtime's session.
        metadata: What the file says about itself, or the defaults.
        input_name: Name of the one input.
        output: ``"labels"`` or ``"logits"``: what the one output holds.
        static_size_hw: Height and width of a file that takes one size only, else None.
        finer_labels: Whether it has the optional input `LABELS_PER_CELL`.
        device: Where it runs, a key of `PROVIDERS`.
        source: File name, for messages.
    """

    inference: ort.InferenceSession
    metadata: ModelMetadata
    input_name: str
    output: str
    static_size_hw: tuple[int, int] | None
    finer_labels: bool
    device: str
    source: str

    def run(self, tensor: NDArray[np.float32], labels_per_cell: int | None = None) -> NDArray[Any]:
        """Compute the output for one input.

        Args:
            tensor: (1, 3, height, width) float32, as `Preprocessing` makes it.
            labels_per_cell: Labels along each side of a cell of the logits; None for one label
                a pixel. Only if `finer_labels`.

        Returns:
            (height, width) class ids, any integer type, or (classes, height, width) float32
            logits, as `output` says. With ``labels_per_cell``, height and width are those of
            the tensor times it, divided by the stride and rounded up.

        Raises:
            ModelError: The model fails on this input or answers in another shape.
        """
        feeds: dict[str, NDArray[Any]] = {self.input_name: tensor}
        height, width = tensor.shape[2:]
        if labels_per_cell is not None:
            feeds[LABELS_PER_CELL] = np.array(labels_per_cell, np.int64)
            height, width = (
                -(-side * labels_per_cell // self.metadata.stride) for side in (height, width)
            )
        try:
            (found,) = self.inference.run(None, feeds)
        except Exception as error:  # the errors' classes differ between releases
            raise ModelError(f"{self.source} failed: {_first_line(error)}") from error
        values: NDArray[Any] = np.asarray(found)
        if self.output == "logits":
            expected = (1, self.metadata.num_classes, height, width)
            if values.shape == expected:
                return values[0]  # type: ignore[no-any-return]
        else:
            expected = (1, 1, height, width)
            if values.shape in (expected, (1, height, width)):
                return values.reshape(height, width)
        raise ModelError(
            f"{self.source}: expected {self.output} of shape {expected}, found {values.shape}"
        )


def open_session(
    model: str | Path | bytes, device: str = "cpu", threads: int | None = None
) -> Session:
    """Open an ONNX file and check that it is a segmentation model.

    Args:
        model: Path of the file, or its content.
        device: A key of `PROVIDERS`. There is no fall back to another one.
        threads: Threads within an operator; None lets ONNX Runtime take all cores.

    Raises:
        UsageError: The number of threads is below one, or the device has no meaning.
        DeviceError: This ONNX Runtime has no provider for the device, or it does not start.
        ModelError: The file cannot be read, or its input or output is not as expected.

    Warns:
        MetadataWarning: The file carries no metadata; those of the official ADE20K models are
            assumed.
    """
    provider = _provider(device)
    if threads is not None and threads < 1:
        raise UsageError(f"expected at least one thread, found {threads}")
    source = "model" if isinstance(model, bytes) else Path(model).name
    inference = _start(_content(model), source, device, provider, threads)
    input_name, static_size_hw = _check_input(inference.get_inputs(), source)
    output, num_classes = _check_output(inference.get_outputs(), source)
    metadata = _metadata(inference, source, output, num_classes)
    finer_labels = (
        output == "labels"
        and metadata.stride > 0
        and device not in _ONLY_DEFAULTS
        and any(
            (each.name, each.type) == (LABELS_PER_CELL, "tensor(int64)")
            for each in inference.get_overridable_initializers()
        )
    )
    return Session(
        inference, metadata, input_name, output, static_size_hw, finer_labels, device, source
    )


def _provider(device: str) -> str:
    provider = PROVIDERS.get(device)
    if provider is None:
        raise UsageError(f"expected a device of {', '.join(PROVIDERS)}, found {device!r}")
    available = ort.get_available_providers()
    if provider not in available:
        here = ", ".join(name for name, each in PROVIDERS.items() if each in available)
        raise DeviceError(
            f"device {device!r} needs an ONNX Runtime with {provider}, "
            f"the one installed has: {here}"
        )
    return provider


def _content(model: str | Path | bytes) -> str | bytes:
    if isinstance(model, bytes):
        return model
    # Asked here, because ONNX Runtime words these cases differently from release to release.
    path = Path(model)
    if not path.exists():
        raise ModelError(f"cannot load {path}: no such file")
    if not path.is_file():
        raise ModelError(f"cannot load {path}: expected an ONNX file, found a folder")
    if path.stat().st_size == 0:
        raise ModelError(f"cannot load {path}: expected an ONNX file, found an empty one")
    return str(path)


def _start(
    content: str | bytes, source: str, device: str, provider: str, threads: int | None
) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.log_severity_level = _ERROR
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        inference = ort.InferenceSession(content, options, providers=[provider], enable_fallback=0)
    except Exception as error:  # the errors' classes differ between releases
        raise ModelError(
            f"cannot load {source}: expected a complete ONNX file ({_first_line(error)})"
        ) from error
    # A provider whose libraries are missing is left out with no more than a line in the log.
    if inference.get_providers()[0] != provider:
        raise DeviceError(f"device {device!r}: {provider} is installed, but does not start here")
    inference.disable_fallback()
    return inference


def _check_input(inputs: Sequence[Any], source: str) -> tuple[str, tuple[int, int] | None]:
    found = ", ".join(f"{each.name} {each.type} {each.shape}" for each in inputs)
    mismatch = ModelError(
        f"{source} is no segmentation model: expected one input tensor(float) "
        f"[batch, 3, height, width], found {found or 'none'}"
    )
    if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(inputs[0].shape) != 4:
        raise mismatch
    batch, channels, height, width = inputs[0].shape
    fixed = isinstance(height, int)
    if not (_allows(batch, 1) and _allows(channels, 3)) or fixed != isinstance(width, int):
        raise mismatch
    return inputs[0].name, (height, width) if fixed else None


def _check_output(outputs: Sequence[Any], source: str) -> tuple[str, int | None]:
    if len(outputs) == 1:
        (output,) = outputs
        rank = len(output.shape)
        if output.type in _LABEL_TYPES and (
            rank == 3 or (rank == 4 and _allows(output.shape[1], 1))
        ):
            return "labels", None
        if output.type == "tensor(float)" and rank == 4 and output.shape[1] != 1:
            channels = output.shape[1]
            return "logits", channels if isinstance(channels, int) else None
    found = ", ".join(f"{each.name} {each.type} {each.shape}" for each in outputs)
    raise ModelError(
        f"{source} is no segmentation model: expected one output, class ids "
        f"[batch, 1, height, width] or tensor(float) logits [batch, classes, height, width], "
        f"found {found or 'none'}"
    )


def _allows(dimension: int | str | None, length: int) -> bool:
    return not isinstance(dimension, int) or dimension == length


def _metadata(
    inference: ort.InferenceSession, source: str, output: str, num_classes: int | None
) -> ModelMetadata:
    try:
        metadata = ModelMetadata.from_props(inference.get_modelmeta().custom_metadata_map)
    except ValueError as error:
        raise ModelError(f"{source}: {error}") from error
    if metadata is None:
        return _assumed_metadata(source, output, num_classes)
    if metadata.channel_order != "rgb":
        raise ModelError(
            f"{source}: expected channel order rgb, its metadata say {metadata.channel_order!r}"
        )
    if metadata.output != output:
        raise ModelError(f"{source}: its metadata say {metadata.output}, its output is {output}")
    if num_classes not in (None, metadata.num_classes):
        raise ModelError(
            f"{source}: its metadata name {metadata.num_classes} classes, "
            f"its output has {num_classes}"
        )
    return metadata


def _assumed_metadata(source: str, output: str, num_classes: int | None) -> ModelMetadata:
    metadata = ModelMetadata(output=output)
    names = "the names of ADE20K"
    if num_classes is not None and num_classes != metadata.num_classes:
        names = f"the names 'class 0' to 'class {num_classes - 1}'"
        metadata = replace(
            metadata,
            class_names=tuple(f"class {class_id}" for class_id in range(num_classes)),
            palette_rgb=distinct_palette(num_classes),
        )
    warnings.warn(
        f"{source} carries no metadata: assuming {names} and the official models' preprocessing",
        MetadataWarning,
        stacklevel=5,  # whoever makes an OrtSegmenter
    )
    return metadata


def _first_line(error: BaseException) -> str:
    text = str(error).strip().split("\n", 1)[0]
    # "[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : " says nothing that the rest does not.
    return re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", text) or type(error).__name__
