"""The one input of a segmentation model: normalised numbers, or bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from ...errors import ModelError
from ...metadata import MAX_SIDE
from ...types import SizeHW

Length: TypeAlias = int | str | None
"""Of a dimension: a number, the name of one that is free, or nothing at all."""

_BYTES: Final = "tensor(uint8)"
# Axes of batch, channels, height and width.
_AXES: Final = {"tensor(float)": (0, 1, 2, 3), _BYTES: (0, 3, 1, 2)}
_CHANNELS: Final = 3


@dataclass(frozen=True)
class ImageInput:
    """What goes in.

    Attributes:
        name: Of the input.
        takes_bytes: Whether it is uint8 [batch, height, width, 3], and not float32
            [batch, 3, height, width].
        batch: How many images.
        height: Pixels.
        width: Pixels; a number if, and only if, the height is one.
    """

    name: str
    takes_bytes: bool
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
            f"[batch, 3, height, width] or tensor(uint8) [batch, height, width, 3], found "
            f"{found or 'none'}"
        )
        axes = _AXES.get(inputs[0].type) if len(inputs) == 1 else None
        if axes is None or len(inputs[0].shape) != len(axes):
            raise mismatch
        batch, channels, height, width = (inputs[0].shape[axis] for axis in axes)
        fixed = isinstance(height, int)
        if not (_allows(batch, 1) and _allows(channels, _CHANNELS)):
            raise mismatch
        if fixed != isinstance(width, int):
            raise mismatch
        if fixed and not 1 <= min(height, width) <= max(height, width) <= MAX_SIDE:
            raise ModelError(
                f"{source}: expected an input of 1x1 to {MAX_SIDE}x{MAX_SIDE}, found "
                f"{height}x{width}"
            )
        return cls(inputs[0].name, inputs[0].type == _BYTES, batch, height, width)

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


def size_hw_of(shape: Sequence[int], takes_bytes: bool) -> SizeHW:
    """Give height and width of a network's input.

    Args:
        shape: (batch, height, width, 3) of bytes, else (batch, 3, height, width).
        takes_bytes: Which of the two.
    """
    return (shape[1], shape[2]) if takes_bytes else (shape[2], shape[3])


def _allows(dimension: Length, length: int) -> bool:
    return not isinstance(dimension, int) or dimension == length
