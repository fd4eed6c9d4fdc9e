"""A description of one array or tensor in a checkpoint, and the reading of its values."""

import math
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from .source import FormatError

FLOATS: Final = frozenset({"float16", "bfloat16", "float32", "float64"})
"""Types in which weights can be stored."""

_NUMPY: Final = {
    name: np.dtype(name)
    for name in (
        *("float16", "float32", "float64", "bool"),
        *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    )
} | {"bfloat16": np.dtype("uint16")}
_MAX_DIMENSIONS: Final = 32  # as many as numpy 1 has
_MAX_ELEMENTS: Final = 1 << 62


class Readable(Protocol):
    """Bytes that can be read at any place, such as a storage."""

    def read(self, start: int, size: int) -> bytearray:
        """Return ``size`` bytes from the one numbered ``start`` on."""


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """An array or tensor, of which nothing has been read yet.

    Attributes:
        dtype: ``"float32"``, ``"int64"`` and so on; for whatever cannot be read its kind, such as
            ``"sparse"``.
        shape: Its sizes.
        strides: Steps between neighbours along each axis, in elements.
        offset: Place of the first element, in elements.
        storage: Where the elements are; None if they cannot be read.
        big_endian: Whether the most significant byte of an element comes first.
    """

    dtype: str
    shape: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    offset: int = 0
    storage: Readable | None = None
    big_endian: bool = False

    @property
    def span(self) -> int:
        """Number of elements from the first to the last one, both included."""
        steps = zip(self.shape, self.strides, strict=True)
        return 0 if 0 in self.shape else 1 + sum((side - 1) * step for side, step in steps)

    @property
    def span_bytes(self) -> int:
        """Number of bytes of the file that are read for it."""
        return self.span * _NUMPY[self.dtype].itemsize if self.storage else 0

    def read(self) -> NDArray[Any]:
        """Read the values.

        Returns:
            A contiguous array of its own; bfloat16 becomes float32, which holds the same values.

        Raises:
            FormatError: The elements are not all there, or of a kind that cannot be read.
        """
        if self.storage is None:
            raise FormatError(f"holds a tensor of a kind that is not read ({self.dtype})")
        kind = _NUMPY[self.dtype]
        content = self.storage.read(self.offset * kind.itemsize, self.span_bytes)
        elements = np.frombuffer(content, kind)
        if self.big_endian:
            elements = elements.byteswap()
        values = np.lib.stride_tricks.as_strided(
            elements, self.shape, [step * kind.itemsize for step in self.strides]
        )
        if not values.flags.c_contiguous:
            values = values.copy()
        if self.dtype == "bfloat16":
            return (values.astype(np.uint32) << 16).view(np.float32)
        return values


def can_read(dtype: str) -> bool:
    """Tell whether elements of a type can be read."""
    return dtype in _NUMPY


def element_bytes(dtype: str) -> int:
    """Return the size of an element of a type that can be read."""
    return _NUMPY[dtype].itemsize


def is_shape(value: object) -> bool:
    """Tell whether a value from a file is a tuple of sizes that an array can have."""
    return (
        isinstance(value, tuple)
        and len(value) <= _MAX_DIMENSIONS
        and all(type(side) is int and 0 <= side <= _MAX_ELEMENTS for side in value)
        and math.prod(value) <= _MAX_ELEMENTS
    )


def row_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides, in elements, of an array whose last index runs fastest."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
