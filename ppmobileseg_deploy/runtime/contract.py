"""What an ONNX file must take and give to be a segmentation model, and what it says of itself."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import onnxruntime as ort

from ..class_names import choose_palette
from ..errors import ModelError, UsageError
from ..metadata import MAX_SIDE, RGB, ModelMetadata
from ..palettes import distinct_palette, numbered_names
from ..quoting import brief

LABELS_PER_CELL: Final = "labels_per_cell"
"""Optional input of files whose grid of labels can be refined: int64 (), labels along each side
of a cell of the logits, by default the stride."""

_LABEL_TYPES: Final = ("tensor(int64)", "tensor(int32)", "tensor(uint8)")
_ONLY_DEFAULTS: Final = "OpenVINOExecutionProvider"
"""It ignores what is fed to an optional input."""


class MetadataWarning(UserWarning):
    """A model file says nothing about itself, so documented defaults are used."""


@dataclass(frozen=True)
class Classes:
    """What to call and how to paint the classes, in place of what the model file says.

    Attributes:
        names: Name of each class id; None for those of the file.
        palette_rgb: Colour of each class id, or of the classes of these names; None for those of
            the file.

    Raises:
        UsageError: The names or the colours are no such thing.
    """

    names: Sequence[str] | None = None
    palette_rgb: Sequence[RGB] | Mapping[str, RGB] | None = None

    def __post_init__(self) -> None:
        if self.names is not None:
            _check_names(self.names)
        if self.palette_rgb is not None:
            _check_palette(self.palette_rgb)

    def applied(self, metadata: ModelMetadata, count_known: bool) -> ModelMetadata:
        """Put the names and the colours into metadata.

        Args:
            metadata: What the file says, or what is assumed of it.
            count_known: Whether the number of classes is the file's, and not assumed.

        Raises:
            UsageError: There is another number of classes, or a colour is none.
        """
        if self.names is not None:
            names = tuple(self.names)
            if len(names) != metadata.num_classes:
                if count_known:
                    raise UsageError(
                        f"expected {metadata.num_classes} class names, found {len(names)}"
                    )
                metadata = replace(metadata, palette_rgb=distinct_palette(len(names)))
            metadata = replace(metadata, class_names=names)
        if self.palette_rgb is not None:
            palette = choose_palette(metadata.class_names, metadata.palette_rgb, self.palette_rgb)
            metadata = replace(metadata, palette_rgb=palette)
        return metadata


def _check_names(names: object) -> None:
    # A generator would be used up by the first look at it, and an array has no truth value.
    if isinstance(names, str) or not isinstance(names, Sequence) or not names:
        raise UsageError(f"expected a list of at least one class name, found {brief(names)}")
    for class_id, name in enumerate(names):
        if not isinstance(name, str):
            raise UsageError(
                f"expected class names of text, found {brief(name)} as number {class_id}"
            )


def _check_palette(palette_rgb: object) -> None:
    if isinstance(palette_rgb, Mapping):
        for name in palette_rgb:
            if not isinstance(name, str):
                raise UsageError(f"expected colours by class name, found {brief(name)} as a name")
        if palette_rgb:
            return
    elif isinstance(palette_rgb, Sequence | np.ndarray) and not isinstance(palette_rgb, str):
        return
    raise UsageError(
        f"expected a list of colours, or colours by class name, found {brief(palette_rgb)}"
    )


@dataclass(frozen=True)
class Contract:
    """What goes in and what comes out.

    Attributes:
        metadata: What the file says about itself, or the defaults, with the `Classes` asked for.
        input_name: Name of the one input.
        output: ``"labels"`` or ``"logits"``: what the one output holds.
        static_size_hw: Height and width of a file that takes one size only, else None.
        free_dimensions: Names of the dimensions that can be pinned: height, width and, unless
            it is always one, batch. Empty if they are static or have no names of their own.
        stackable: Whether images can be stacked: the batch is open, and the labels of an image
            do not depend on its neighbours.
        finer_labels: Whether it has the optional input `LABELS_PER_CELL`.
    """

    metadata: ModelMetadata
    input_name: str
    output: str
    static_size_hw: tuple[int, int] | None
    free_dimensions: tuple[str, ...]
    stackable: bool
    finer_labels: bool


def read_contract(
    inference: ort.InferenceSession, source: str, classes: Classes, *, stacklevel: int
) -> Contract:
    """Check that a session is one of a segmentation model.

    Args:
        inference: The session.
        source: File name, for messages.
        classes: Names and colours in place of the file's.
        stacklevel: Frames between whom a warning is for and this function.

    Raises:
        ModelError: Its input, its output or its metadata are not as expected.
        UsageError: The names or colours do not fit the model.

    Warns:
        MetadataWarning: The file carries no metadata; those of the official ADE20K models are
            assumed.
    """
    inputs = inference.get_inputs()
    input_name, static_size_hw = _check_input(inputs, source)
    output, num_classes = _check_output(inference.get_outputs(), source)
    found = _metadata(inference, source, output, num_classes)
    metadata = found or _assumed(output, num_classes)
    count_known = found is not None or num_classes is not None
    if found is None:
        names = "" if classes.names else f"{_origin(metadata)} and "
        warnings.warn(
            f"{source} carries no metadata: assuming {names}the official models' preprocessing",
            MetadataWarning,
            stacklevel=stacklevel + 1,
        )
    finer_labels = (
        output == "labels"
        and metadata.stride > 0
        and _ONLY_DEFAULTS not in inference.get_providers()
        and any(
            (each.name, each.type) == (LABELS_PER_CELL, "tensor(int64)")
            for each in inference.get_overridable_initializers()
        )
    )
    return Contract(
        metadata=classes.applied(metadata, count_known),
        input_name=input_name,
        output=output,
        static_size_hw=static_size_hw,
        free_dimensions=_free_dimensions(inputs[0].shape),
        # The paper's module looks at the classes of the whole batch.
        stackable=not isinstance(inputs[0].shape[0], int) and metadata.vim != "image",
        finer_labels=finer_labels,
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
) -> ModelMetadata | None:
    try:
        metadata = ModelMetadata.from_props(inference.get_modelmeta().custom_metadata_map)
    except ValueError as error:
        raise ModelError(f"{source}: {error}") from error
    if metadata is None:
        return None
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


def _assumed(output: str, num_classes: int | None) -> ModelMetadata:
    metadata = ModelMetadata(output=output)
    if num_classes is None or num_classes == metadata.num_classes:
        return metadata
    return replace(
        metadata,
        class_names=numbered_names(num_classes),
        palette_rgb=distinct_palette(num_classes),
    )


def _origin(metadata: ModelMetadata) -> str:
    if metadata.class_names == ModelMetadata().class_names:
        return "the names of ADE20K"
    return f"the names 'class 0' to 'class {metadata.num_classes - 1}'"
