"""NumPy arrays in pickles: an empty one, which then takes its type, shape and bytes."""

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from .opcodes import FileText
from .source import FileBytes, FormatError
from .stored import StoredTensor, can_read, element_bytes, is_shape, row_major
from .unpickling import Builder, Placeholder

_KINDS: Final = {"f": "float", "i": "int", "u": "uint", "b": "bool"}


class PickledDtype:
    """Takes the place of ``numpy.dtype``.

    Attributes:
        name: ``"float32"`` and so on.
        big_endian: Whether the most significant byte of an element comes first.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.big_endian = False

    def set_state(self, state: object) -> None:
        """Take the byte order; the rest is of structured types."""
        match state:
            case (_, ">", *_):
                self.big_endian = True


class PickledArray:
    """Takes the place of ``numpy.ndarray``.

    Attributes:
        stored: The array; None for one of texts or objects, and until its state has come.
    """

    def __init__(self) -> None:
        self.stored: StoredTensor | None = None

    def set_state(self, state: object) -> None:
        """Take version, shape, type, order and bytes.

        Raises:
            FormatError: They contradict each other.
        """
        match state:
            case (int(), shape, PickledDtype() as dtype, bool(fortran), content):
                self.stored = _array(shape, dtype, content, fortran=fortran)
            case _:
                raise FormatError("is damaged: an array in a form that numpy does not write")


class EncodedText:
    """Bytes of an array as protocols before 3 write them: a text of as many characters."""

    def __init__(self, text: str | FileText) -> None:
        self._text = text

    def read(self, start: int, size: int) -> bytearray:
        """Return some of the bytes."""
        text = self._text if isinstance(self._text, str) else self._text.read()
        try:
            content = text.encode("latin-1")
        except UnicodeEncodeError:
            raise FormatError("is damaged: an array whose text is none of bytes") from None
        if not 0 <= start <= start + size <= len(content):
            raise FormatError(f"is damaged: {len(content)} bytes where {start + size} are claimed")
        return bytearray(content[start : start + size])


def _array(
    shape: object, dtype: PickledDtype, content: object, *, fortran: bool
) -> StoredTensor | None:
    if not is_shape(shape):
        raise FormatError("is damaged: an array whose shape is no tuple of sizes")
    assert isinstance(shape, tuple)  # noqa: S101  narrows the type
    if not can_read(dtype.name):
        return None
    size = math.prod(shape) * element_bytes(dtype.name)
    if not isinstance(content, FileBytes | EncodedText):
        raise FormatError("is damaged: an array without bytes")
    if isinstance(content, FileBytes) and content.size != size:
        raise FormatError(f"is damaged: an array of {size} bytes in {content.size} bytes")
    strides = row_major(shape[::-1])[::-1] if fortran else row_major(shape)
    return StoredTensor(dtype.name, shape, strides, 0, content, dtype.big_endian)


def _dtype(arguments: tuple[Any, ...]) -> PickledDtype:
    code = arguments[0] if arguments else None
    if isinstance(code, str) and (match := re.fullmatch(r"([fiub])([1248])", code)):
        bits = "" if match[1] == "b" else str(8 * int(match[2]))
        return PickledDtype(_KINDS[match[1]] + bits)
    return PickledDtype("objects")


def _from_buffer(arguments: tuple[Any, ...]) -> object:
    array = PickledArray()
    match arguments:
        case (content, PickledDtype() as dtype, shape, str(order)):
            array.stored = _array(shape, dtype, content, fortran=order == "F")
    return array


def _encoded(arguments: tuple[Any, ...]) -> object:
    match arguments:
        case (str() | FileText() as text, "latin1" | "latin-1"):
            return EncodedText(text)
    return Placeholder("_codecs.encode")


def _tuple(arguments: tuple[Any, ...]) -> object:
    match arguments:
        case (tuple(items),):  # paddle.save writes some tensors as (name, array)
            return items
    return Placeholder("builtins.tuple")


NUMPY_BUILDERS: Final[Mapping[str, Builder]] = {
    "numpy.dtype": _dtype,
    "numpy.ndarray": lambda _: PickledArray(),
    "_codecs.encode": _encoded,
    "builtins.tuple": _tuple,
    **{
        f"numpy.{core}.multiarray._reconstruct": lambda _: PickledArray()
        for core in ("core", "_core")  # as numpy 1 and as numpy 2 call it
    },
    **{f"numpy.{core}.numeric._frombuffer": _from_buffer for core in ("core", "_core")},
}
"""Builders by the name of NumPy's call."""
