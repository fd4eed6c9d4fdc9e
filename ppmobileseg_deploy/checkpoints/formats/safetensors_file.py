"""Reading ``.safetensors`` files, with the library of that name."""

import struct
from dataclasses import dataclass
from typing import Any, Final

from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from ...quoting import shortened
from .source import FormatError, Source
from .stored import StoredTensor

_LENGTH: Final = struct.Struct("<Q")
_MAX_HEADER: Final = 4 << 20
"""Bytes of the table at the beginning: 40 000 tensors, of which this network has 600."""

_TYPES: Final = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "BOOL": "bool",
    **{
        f"{sign}{bits}": f"{name}{bits}"
        for sign, name in (("I", "int"), ("U", "uint"))
        for bits in (8, 16, 32, 64)
    },
}


@dataclass(frozen=True, slots=True)
class _Tensor(StoredTensor):
    """A tensor that the library reads."""

    file: Any = None
    key: str = ""

    def read(self) -> NDArray[Any]:
        try:
            tensor = self.file.get_tensor(self.key)
        except (SafetensorError, OSError) as error:
            raise FormatError(f"cannot be read: {shortened(str(error))}") from error
        # Numpy has no bfloat16.
        values: NDArray[Any] = (tensor.float() if self.dtype == "bfloat16" else tensor).numpy()
        return values


def is_safetensors(head: bytes, size: int) -> bool:
    """Tell whether a file is in the safetensors format: the length of a JSON object, and that.

    Args:
        head: The first bytes of the file, at least 9 where it has as many.
        size: Its size in bytes.
    """
    return (
        len(head) > _LENGTH.size
        and head[_LENGTH.size :][:1] == b"{"
        and _LENGTH.unpack_from(head)[0] + _LENGTH.size <= size
    )


def read_safetensors(source: Source) -> dict[str, StoredTensor]:
    """Find the tensors of a file; their values stay there.

    Args:
        source: The file.

    Raises:
        FormatError: It is damaged.
    """
    (size,) = _LENGTH.unpack(source.read(0, _LENGTH.size))
    if size > _MAX_HEADER:
        raise FormatError(f"is no checkpoint of this network: its table takes {size} bytes")
    try:
        # Not mapped into memory, see `source`. PyTorch, because numpy has no bfloat16.
        file = safe_open(source.path, framework="pt", backend="pread")
        return {key: _described(file, key) for key in file.keys()}  # type: ignore[no-untyped-call]  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise FormatError(f"is damaged: {shortened(str(error), 200)}") from error


def _described(file: Any, key: str) -> StoredTensor:
    part = file.get_slice(key)
    kind = part.get_dtype()
    return _Tensor(_TYPES.get(kind, kind.lower()), tuple(part.get_shape()), file=file, key=key)
