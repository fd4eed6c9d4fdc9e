"""An ONNX file opened and checked: what goes in, what comes out, where it runs."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from ..errors import ModelError
from ..metadata import MAX_SIDE, ModelMetadata
from ..palettes import distinct_palette, numbered_names
from .starting import Starter, first_line

LABELS_PER_CELL: Final = "labels_per_cell"
"""Optional input of files whose grid of labels can be refined: int64 (), labels along each side
of a cell of the logits, by default the stride."""

_LABEL_TYPES: Final = ("tensor(int64)", "tensor(int32)", "tensor(uint8)")
_ONLY_DEFAULTS: Final = ("openvino",)
"""Devices that ignore what is fed to an optional input."""


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
        free_dimensions: Names of the dimensions that can be pinned: height, width and, unless
            it is always one, batch. Empty if they are static or have no names of their own.
        finer_labels: Whether it has the optional input `LABELS_PER_CELL`.
        starter: Starts further sessions of the same file.
    """

    inference: ort.InferenceSession
    metadata: ModelMetadata
    input_name: str
    output: str
    static_size_hw: tuple[int, int] | None
    free_dimensions: tuple[str, ...]
    finer_labels: bool
    starter: Starter

    @property
    def device(self) -> str:
        """Where it runs, a key of `starting.PROVIDERS`."""
        return self.starter.device

    @property
    def source(self) -> str:
        """File name, for messages."""
        return self.starter.source

    def pinned(self, size_hw: tuple[int, int]) -> "Session":
        """Open the same file for one image of one size at a time, which is faster.

        Args:
            size_hw: Height and width of the input.

        Returns:
            A session whose results are the same but for the rounding of float32. Without
            `free_dimensions` it is no faster.

        Raises:
            ModelError: The file is gone or has changed since.
        """
        inference = self.inference
        if self.free_dimensions:
            # Most files let the batch vary too, which is the third name then.
            lengths = dict(zip(self.free_dimensions, (*size_hw, 1), strict=False))
            inference = self.starter.start(lengths)
        return replace(self, inference=inference, static_size_hw=size_hw)

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
            raise ModelError(f"{self.source} failed: {first_line(error)}") from error
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
        device: A key of `starting.PROVIDERS`. There is no fall back to another one.
        threads: Threads within an operator; None lets ONNX Runtime take all cores.

    Raises:
        UsageError: The number of threads, or the device, has no meaning.
        DeviceError: This ONNX Runtime has no provider for the device, or it does not start.
        ModelError: The file cannot be read, or its input or output is not as expected.

    Warns:
        MetadataWarning: The file carries no metadata; those of the official ADE20K models are
            assumed.
    """
    starter = Starter.of(model, device, threads)
    inference, source = starter.start(), starter.source
    input_name, static_size_hw = _check_input(inference.get_inputs(), source)
    free_dimensions = _free_dimensions(inference.get_inputs()[0].shape)
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
        inference=inference,
        metadata=metadata,
        input_name=input_name,
        output=output,
        static_size_hw=static_size_hw,
        free_dimensions=free_dimensions,
        finer_labels=finer_labels,
        starter=starter,
    )


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
    if fixed and not 1 <= min(height, width) <= max(height, width) <= MAX_SIDE:
        raise ModelError(
            f"{source}: expected an input of 1x1 to {MAX_SIDE}x{MAX_SIDE}, found {height}x{width}"
        )
    return inputs[0].name, (height, width) if fixed else None


def _free_dimensions(shape: Sequence[int | str | None]) -> tuple[str, ...]:
    batch, _, height, width = shape
    names = [height, width] if batch == 1 else [height, width, batch]
    free = tuple(name for name in names if isinstance(name, str) and name)
    return free if len(set(free)) == len(names) else ()


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
            class_names=numbered_names(num_classes),
            palette_rgb=distinct_palette(num_classes),
        )
    warnings.warn(
        f"{source} carries no metadata: assuming {names} and the official models' preprocessing",
        MetadataWarning,
        stacklevel=5,  # whoever makes an OrtSegmenter
    )
    return metadata
