"""Output of a segmentation model: class ids, or a score for each class."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

import numpy as np

from ...errors import ModelError
from ...metadata import MAX_CLASSES

_LABEL_TYPES: Final = MappingProxyType(
    {
        f"tensor({sign}int{bits})": np.dtype(f"{sign}int{bits}")
        for sign in ("", "u")
        for bits in (64, 32, 16, 8)
    }
)
LOGITS: Final = "logits"
"""Name of the second output of files of this package."""

_SCORES: Final = "tensor(float)"
_RANK: Final = 4


@dataclass(frozen=True)
class ModelOutput:
    """The output that is used.

    Attributes:
        name: Of the output.
        kind: ``"labels"`` (class ids) or ``"logits"`` (a number for each class).
        dtype: Type of its elements.
        rank: 4 for [batch, channels, height, width]; 3 for labels without their one channel.
        channels: How many channels there are, of logits; None where the file leaves that open.
        declared: Its shape as the file has it, for messages.
    """

    name: str
    kind: Literal["labels", "logits"]
    dtype: "np.dtype[Any]"
    rank: int
    channels: int | None
    declared: str

    @classmethod
    def of(cls, outputs: Sequence[Any], source: str) -> "ModelOutput":
        """Check a session's outputs and choose one: logits if the file has labels and logits.

        Files of this package give labels, and the `LOGITS` that these are made of.

        Args:
            outputs: As ONNX Runtime lists them.
            source: File name, for messages.

        Raises:
            ModelError: There are other outputs, of other types or shapes, or too many classes.
        """
        names = [each.name for each in outputs]
        if names[1:] == [LOGITS]:
            labels, logits = (cls.of([each], source) for each in outputs)
            if (labels.kind, logits.kind) == ("labels", "logits"):
                return logits
        if len(outputs) == 1:
            (output,) = outputs
            declared, rank = str(output.shape), len(output.shape)
            channels = output.shape[1] if rank == _RANK else None
            channels = channels if isinstance(channels, int) else None
            if output.type in _LABEL_TYPES and rank in (3, _RANK) and channels in (None, 1):
                dtype = _LABEL_TYPES[output.type]
                return cls(output.name, "labels", dtype, rank, None, declared)
            if output.type == _SCORES and rank == _RANK:
                if channels is not None and not 1 <= channels <= MAX_CLASSES:
                    raise ModelError(
                        f"{source}: expected logits of 1 to {MAX_CLASSES} classes, found "
                        f"{channels}"
                    )
                dtype = np.dtype(np.float32)
                return cls(output.name, "logits", dtype, rank, channels, declared)
        found = ", ".join(f"{each.name} {each.type} {each.shape}" for each in outputs)
        raise ModelError(
            f"{source} is no segmentation model: expected one output, class ids "
            f"[batch, 1, height, width] or tensor(float) logits [batch, classes, height, width], "
            f"found {found or 'none'}"
        )
