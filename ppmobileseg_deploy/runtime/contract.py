"""What an ONNX file must take and give to be a segmentation model, and what it says of itself."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import onnxruntime as ort

from ..class_names import choose_palette
from ..errors import ModelError, UsageError
from ..metadata import RGB, ModelMetadata
from ..palettes import distinct_palette, numbered_names
from ..quoting import brief
from .image_input import ImageInput

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
        takes_bytes: Whether the input is uint8 [batch, height, width, 3], its channels in the
            metadata's order, and not normalised float32 [batch, 3, height, width].
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
    takes_bytes: bool
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
        ModelError: Its input, its output or its metadata are not as expected, or it takes bytes
            and carries no metadata.
        UsageError: The names or colours do not fit the model.

    Warns:
        MetadataWarning: The file carries no metadata; those of the official ADE20K models are
            assumed.
    """
    image = ImageInput.of(inference.get_inputs(), source)
    output, num_classes = _check_output(inference.get_outputs(), source)
    found = _metadata(inference, source, output, num_classes)
    _check_order(found, image.takes_bytes, source)
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
        input_name=image.name,
        takes_bytes=image.takes_bytes,
        output=output,
        static_size_hw=image.static_size_hw,
        free_dimensions=image.free_dimensions,
        # The paper's module looks at the classes of the whole batch.
        stackable=not isinstance(image.batch, int) and metadata.vim != "image",
        finer_labels=finer_labels,
    )


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
    if metadata.output != output:
        raise ModelError(f"{source}: its metadata say {metadata.output}, its output is {output}")
    if num_classes not in (None, metadata.num_classes):
        raise ModelError(
            f"{source}: its metadata name {metadata.num_classes} classes, "
            f"its output has {num_classes}"
        )
    return metadata


def _check_order(metadata: ModelMetadata | None, takes_bytes: bool, source: str) -> None:
    if metadata is None:
        if takes_bytes:
            # Any guess would be wrong without a sign: swapped channels give labels, too, and
            # nothing says that the numbers are normalised inside.
            raise ModelError(
                f"{source} takes bytes: expected metadata that say whether in BGR or RGB order, "
                f"as `ppms-export --embed-preprocessing` writes them, found none"
            )
        return
    if metadata.channel_order not in ("bgr", "rgb"):
        raise ModelError(
            f"{source}: expected channel order bgr or rgb, its metadata say "
            f"{brief(metadata.channel_order)}"
        )


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
