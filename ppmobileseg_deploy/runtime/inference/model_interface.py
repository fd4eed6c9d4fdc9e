"""Interface of a segmentation model: its input, the output that is used, and its metadata."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeAlias

import onnxruntime as ort

from ...class_names import default_classes
from ...errors import ModelError
from ...metadata import (
    CHANNEL_ORDERS,
    COARSE_LOGITS,
    DEFAULT_THRESHOLD,
    MAX_SIDE,
    NETWORK_MULTIPLE,
    ModelMetadata,
)
from ...quoting import brief
from ...sidecar import metadata_beside
from ...types import SizeHW
from .classes import Classes
from .enlarging import Enlarging
from .model_graph import ModelGraph
from .model_output import LOGITS, ModelOutput
from .scores import Scores, scores_of

Length: TypeAlias = int | str | None
"""Of a dimension: a number, the name of a free dimension, or None."""

_BYTES: Final = "tensor(uint8)"
# Axes of batch, channels, height and width.
_AXES: Final = {"tensor(float)": (0, 1, 2, 3), _BYTES: (0, 3, 1, 2)}
_COLORS: Final = 3
_WITH_ALPHA: Final = 4


class MetadataWarning(UserWarning):
    """A model file lacks metadata, or they leave something open: documented defaults are used."""


@dataclass(frozen=True)
class ImageInput:
    """The one input of a segmentation model: images.

    Attributes:
        name: Of the input.
        takes_bytes: Whether it is uint8 [batch, height, width, channels], and not float32
            [batch, 3, height, width].
        channels: 3, or of bytes also 4; None where the file leaves that open.
        batch: How many images.
        height: Pixels.
        width: Pixels; a number if, and only if, the height is one.
    """

    name: str
    takes_bytes: bool
    channels: int | None
    batch: Length
    height: Length
    width: Length

    @classmethod
    def of(cls, inputs: Sequence[Any], source: str) -> "ImageInput":
        """Check a session's inputs.

        Args:
            inputs: As ONNX Runtime lists them.
            source: File name, for messages.

        Raises:
            ModelError: There is more than one, it takes no images, or only too large ones.
        """
        found = ", ".join(f"{each.name} {each.type} {each.shape}" for each in inputs)
        mismatch = ModelError(
            f"{source} is no segmentation model: expected one input, tensor(float) "
            f"[batch, 3, height, width] or tensor(uint8) [batch, height, width, 3 or 4], found "
            f"{found or 'none'}"
        )
        axes = _AXES.get(inputs[0].type) if len(inputs) == 1 else None
        if axes is None or len(inputs[0].shape) != len(axes):
            raise mismatch
        batch, channels, height, width = (inputs[0].shape[axis] for axis in axes)
        fixed = isinstance(height, int)
        takes_bytes = inputs[0].type == _BYTES
        possible = (_COLORS, _WITH_ALPHA) if takes_bytes else (_COLORS,)
        if not (_allows(batch, 1) and any(_allows(channels, each) for each in possible)):
            raise mismatch
        if fixed != isinstance(width, int):
            raise mismatch
        if fixed and not 1 <= min(height, width) <= max(height, width) <= MAX_SIDE:
            raise ModelError(
                f"{source}: expected an input of 1x1 to {MAX_SIDE}x{MAX_SIDE}, found "
                f"{height}x{width}"
            )
        known = channels if isinstance(channels, int) else None
        return cls(inputs[0].name, takes_bytes, known, batch, height, width)

    @property
    def static_size_hw(self) -> SizeHW | None:
        """Height and width of a file that takes one size only, else None."""
        if isinstance(self.height, int) and isinstance(self.width, int):
            return self.height, self.width
        return None

    @property
    def free_dimensions(self) -> tuple[str, ...]:
        """Names of height, width and, unless it is always one, batch.

        Empty if one of them has no name, or two have the same.
        """
        lengths = [self.height, self.width]
        if self.batch != 1:
            lengths.append(self.batch)
        free = tuple(name for name in lengths if isinstance(name, str) and name)
        return free if len(set(free)) == len(lengths) else ()


@dataclass(frozen=True)
class ModelInterface:
    """Input, output and metadata of a segmentation model.

    Attributes:
        metadata: The file's, or the defaults, with the `Classes` that the user gave.
        input_name: Name of the one input.
        takes_bytes: Whether the input is uint8 [batch, height, width, 3 or 4], its channels in
            the metadata's order, and not normalised float32 [batch, 3, height, width].
        output: The output that is used: class ids, or a score for each class.
        enlarging: From the output to the pixels of the network's input; of a stride above 1 for
            logits before upsampling.
        scores: What the scores mean.
        static_size_hw: Height and width of a file that takes one size only, else None.
        free_dimensions: Names of the dimensions that can be pinned: height, width and, unless
            it is always one, batch. Empty if they are static or have no names of their own.
        batchable: Whether a run can take several images: the batch is free, and the labels of one
            do not depend on the others.
    """

    metadata: ModelMetadata
    input_name: str
    takes_bytes: bool
    output: ModelOutput
    enlarging: Enlarging
    scores: Scores
    static_size_hw: SizeHW | None
    free_dimensions: tuple[str, ...]
    batchable: bool

    def input_hw(self, shape: Sequence[int]) -> SizeHW:
        """Return height and width of an input.

        Args:
            shape: (batch, height, width, channels) of bytes, else (batch, 3, height, width).
        """
        return (shape[1], shape[2]) if self.takes_bytes else (shape[2], shape[3])

    def output_shape(self, input_shape: Sequence[int]) -> tuple[int, ...]:
        """Return the shape of the output.

        Args:
            input_shape: Shape of the input.
        """
        batch, size_hw = input_shape[0], self.enlarging.grid_hw(self.input_hw(input_shape))
        if self.output.rank == 3:
            return (batch, *size_hw)
        one_channel = self.output.kind == "labels" or self.scores.one_channel
        return (batch, 1 if one_channel else self.metadata.num_classes, *size_hw)


def read_interface(
    inference: ort.InferenceSession,
    source: str,
    classes: Classes,
    graph: ModelGraph | None,
    *,
    path: Path | None = None,
    stacklevel: int,
) -> ModelInterface:
    """Read the interface of a session, and check that it is a segmentation model.

    Args:
        inference: The session.
        source: File name, for messages.
        classes: Names and colours in place of the file's.
        graph: Facts about the graph; None if unknown.
        path: The file, whose sidecar counts where it carries no metadata; None if unknown.
        stacklevel: Frames between whom a warning is for and this function.

    Raises:
        ModelError: Its input, its output, its metadata or its sidecar are not as expected, or it
            takes bytes and has neither.
        UsageError: The names, the colours or the threshold do not fit the model.

    Warns:
        MetadataWarning: The file carries no metadata, and those of the official ADE20K models are
            assumed; or it gives probabilities, or one channel only.
    """
    image = ImageInput.of(inference.get_inputs(), source)
    output = ModelOutput.of(inference.get_outputs(), source)
    found = _metadata(inference, source, output, path)
    check_order(found, source, image)
    metadata = found or _assumed(output)
    count_known = found is not None or output.channels is not None
    wanted = metadata.threshold if classes.threshold is None else classes.threshold
    scores = scores_of(
        output,
        graph,
        source,
        described=found is not None,
        stored=None if found is None else found.threshold,
        wanted=wanted,
    )
    notes = [] if found else [_assumptions(metadata, named=bool(classes.names))]
    notes += _meaning(output, scores, wanted)
    if notes:
        warnings.warn(
            f"{source} {'; it '.join(notes)}", MetadataWarning, stacklevel=stacklevel + 1
        )
    return ModelInterface(
        metadata=classes.applied(metadata, count_known=count_known),
        input_name=image.name,
        takes_bytes=image.takes_bytes,
        output=output,
        enlarging=_enlarging(output, found),
        scores=scores,
        static_size_hw=image.static_size_hw,
        free_dimensions=image.free_dimensions,
        # The paper's upsampling depends on the classes present in the whole batch.
        batchable=not isinstance(image.batch, int)
        and (output.kind == "logits" or metadata.vim != "image"),
    )


def _enlarging(output: ModelOutput, metadata: ModelMetadata | None) -> Enlarging:
    if metadata is None or not _is_coarse(output, metadata):
        return Enlarging()
    return Enlarging(metadata.stride, metadata.upsampling)


def _is_coarse(output: ModelOutput, metadata: ModelMetadata) -> bool:
    """Return whether it is the coarse logits that our files give, beside labels or alone."""
    if output.kind != "logits":
        return False
    return metadata.output == COARSE_LOGITS or (
        metadata.output == "labels" and output.name == LOGITS
    )


def _metadata(
    inference: ort.InferenceSession, source: str, output: ModelOutput, path: Path | None
) -> ModelMetadata | None:
    try:
        metadata = ModelMetadata.from_props(inference.get_modelmeta().custom_metadata_map)
    except ValueError as error:
        raise ModelError(f"{source}: {error}") from error
    if metadata is None and path is not None:
        metadata = metadata_beside(path)
    if metadata is None:
        return None
    if _is_coarse(output, metadata):
        padded = metadata.upsampling == "padded"
        if not metadata.stride or (padded and NETWORK_MULTIPLE % metadata.stride):
            raise ModelError(
                f"{source}: expected a stride of at least 1"
                f"{f' that divides {NETWORK_MULTIPLE}' if padded else ''}, its metadata say "
                f"{metadata.stride}"
            )
    elif metadata.output != output.kind:
        raise ModelError(
            f"{source}: its metadata say {metadata.output}, its output is {output.kind}"
        )
    if output.channels not in (None, metadata.num_classes):
        raise ModelError(
            f"{source}: its metadata name {metadata.num_classes} classes, "
            f"its output has {output.channels}"
        )
    return metadata


def _assumptions(metadata: ModelMetadata, *, named: bool) -> str:
    names = "" if named else f"{_origin(metadata)} and "
    return f"carries no metadata: assuming {names}the official models' preprocessing"


def _meaning(output: ModelOutput, scores: Scores, threshold: float | None) -> list[str]:
    """Return notes on how the values are interpreted, where the output's kind leaves that open."""
    if scores.one_channel:
        taken = "probability" if scores.kind == "probabilities" else "logit"
        return [
            f"gives one channel: taken for the {taken} of class 1, which is seen above a "
            f"probability of {threshold:g}"
        ]
    if output.kind == "logits" and scores.kind == "probabilities":
        return ["ends in a softmax or sigmoid: its output is taken for probabilities"]
    return []


def check_order(metadata: ModelMetadata | None, source: str, image: ImageInput) -> None:
    """Check that it is known how the channels of an input are ordered.

    Args:
        metadata: Of the file; None where there are none.
        source: File name, for messages.
        image: The input.

    Raises:
        ModelError: It takes bytes, and there are no metadata; or they name no order, or one of
            another number of channels than the input has.
    """
    if metadata is None:
        if image.takes_bytes:
            # No guessing: a wrong channel order still gives plausible labels, and the file may or
            # may not normalise.
            raise ModelError(
                f"{source} takes bytes: expected metadata as `ppms-export --embed-preprocessing` "
                "writes them, or a sidecar, that say whether in BGR or RGB order, found none"
            )
        return
    possible = [
        order
        for order in CHANNEL_ORDERS
        if image.channels in (None, len(order)) and (image.takes_bytes or len(order) == _COLORS)
    ]
    if metadata.channel_order not in possible:
        raise ModelError(
            f"{source}: expected channel order {' or '.join(possible)}, its metadata say "
            f"{brief(metadata.channel_order)}"
        )


def _assumed(output: ModelOutput) -> ModelMetadata:
    metadata = ModelMetadata(output=output.kind)
    if output.channels in (None, metadata.num_classes):
        return metadata
    names, palette = default_classes(output.channels)
    threshold = DEFAULT_THRESHOLD if output.channels == 1 else None
    return replace(metadata, class_names=names, palette_rgb=palette, threshold=threshold)


def _origin(metadata: ModelMetadata) -> str:
    if metadata.class_names == ModelMetadata().class_names:
        return "the names of ADE20K"
    first, last = metadata.class_names[0], metadata.class_names[-1]
    joined = "and" if metadata.threshold is not None else "to"
    return f"the names {first!r} {joined} {last!r}"


def _allows(dimension: Length, length: int) -> bool:
    return not isinstance(dimension, int) or dimension == length
