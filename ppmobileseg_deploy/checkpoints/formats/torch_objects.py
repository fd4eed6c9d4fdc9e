"""PyTorch tensors in pickles: a call for each, and storages whose bytes lie elsewhere."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Final

from .source import FileBytes, FormatError
from .stored import StoredTensor, can_read, element_bytes, is_shape
from .unpickling import Builder, Global

_STORAGES: Final = {
    "HalfStorage": ("float16", 2),
    "BFloat16Storage": ("bfloat16", 2),
    "FloatStorage": ("float32", 4),
    "DoubleStorage": ("float64", 8),
    "BoolStorage": ("bool", 1),
    "ByteStorage": ("uint8", 1),
    "CharStorage": ("int8", 1),
    "ShortStorage": ("int16", 2),
    "IntStorage": ("int32", 4),
    "LongStorage": ("int64", 8),
    "ComplexFloatStorage": ("complex64", 8),
    "ComplexDoubleStorage": ("complex128", 16),
    "QInt8Storage": ("qint8", 1),
    "QUInt8Storage": ("quint8", 1),
    "QUInt4x2Storage": ("quint4x2", 1),
    "QUInt2x4Storage": ("quint2x4", 1),
    "QInt32Storage": ("qint32", 4),
    "UntypedStorage": ("uint8", 1),
}
_MAX_MARKS: Final = 2  # as many as there are: neg and conj
_MOST_ARGUMENTS: Final = 8


class TorchStorage:
    """A block of elements of one type.

    Attributes:
        dtype: Their type.
        key: What the file calls it.
        size: Its size in bytes, as claimed.
        element_bytes: Size of an element.
        big_endian: Whether the most significant byte of an element comes first.
        content: Its bytes, once their place is known.
    """

    def __init__(self, dtype: str, element_bytes: int, key: str, count: int) -> None:
        self.dtype, self.element_bytes, self.key = dtype, element_bytes, key
        self.size = count * element_bytes
        self.big_endian = False
        self.content: FileBytes | None = None

    @classmethod
    def of(cls, identity: object) -> "TorchStorage":
        """Read what a pickle says of a storage.

        Args:
            identity: ``("storage", type, key, device, number of elements)`` and, in old files,
                a view of it or None.

        Raises:
            FormatError: It is anything else.
        """
        match identity:
            case ("storage", Global(name=name), str(key), str(), int(count)) | (
                "storage",
                Global(name=name),
                str(key),
                str(),
                int(count),
                None,
            ):
                module, _, kind = name.rpartition(".")
                if module.split(".")[0] == "torch" and kind in _STORAGES and count >= 0:
                    return cls(*_STORAGES[kind], key, count)
        raise FormatError("is damaged or no checkpoint: its pickle has an unknown kind of storage")

    def place(self, content: FileBytes) -> None:
        """Say where its bytes are.

        Raises:
            FormatError: It claims another number of bytes.
        """
        if content.size != self.size:
            raise FormatError(
                f"is damaged: a storage claims {self.size} bytes where there are {content.size}"
            )
        self.content = content

    def read(self, start: int, size: int) -> bytearray:
        """Return some of its bytes."""
        if self.content is None:
            raise FormatError("is damaged: a storage without bytes")
        return self.content.read(start, size)


def _tensor(arguments: tuple[Any, ...], dtype: str | None = None) -> StoredTensor:
    match arguments:
        case (TorchStorage() as storage, int(offset), tuple(shape), tuple(strides)):
            pass
        case _:
            raise FormatError("is damaged: a tensor in a form that PyTorch does not write")
    dtype = dtype or storage.dtype
    if not is_shape(shape) or not is_shape(strides) or len(shape) != len(strides) or offset < 0:
        raise FormatError(
            "is damaged: a tensor whose sizes, strides or offset are no numbers from 0 on"
        )
    if not can_read(dtype):
        return StoredTensor(dtype, shape)
    tensor = StoredTensor(dtype, shape, strides, offset, storage, storage.big_endian)
    if (offset + tensor.span) * element_bytes(dtype) > storage.size:
        raise FormatError(f"is damaged: a tensor that reaches beyond its {storage.size} bytes")
    return tensor


def _tensor_v2(arguments: tuple[Any, ...]) -> StoredTensor:
    # Then come requires_grad, hooks and, rarely, a dict of marks.
    return _marked(_tensor(arguments[:4]), arguments[6:])


def _tensor_v3(arguments: tuple[Any, ...]) -> StoredTensor:
    match arguments[6:]:
        case (Global(name=name), *marks):
            return _marked(_tensor(arguments[:4], name.removeprefix("torch.")), marks)
    raise FormatError("is damaged: a tensor without a type")


def _marked(tensor: StoredTensor, marks: Sequence[object]) -> StoredTensor:
    match marks:
        case ({} as bits,) if len(bits) > _MAX_MARKS or any(bits.values()):
            names = " and ".join(islice(bits, _MAX_MARKS))
            return StoredTensor(f"{tensor.dtype} marked as {names}", tensor.shape)
    return tensor


def _from_type(arguments: tuple[Any, ...]) -> object:
    match arguments:
        case (Global(name=name), _, tuple(inner), *_) if name in _PLAIN_TENSORS:
            return _PLAIN_TENSORS[name](inner[:_MOST_ARGUMENTS])
    return StoredTensor("of a class of its own")


def _first(arguments: tuple[Any, ...]) -> object:
    return arguments[0] if arguments else None


def _of_kind(kind: str) -> Builder:
    return lambda _: StoredTensor(kind)


_PLAIN_TENSORS: Final[Mapping[str, Builder]] = {
    "torch._utils._rebuild_tensor": lambda arguments: _tensor(arguments[:4]),
    "torch._utils._rebuild_tensor_v2": _tensor_v2,
    "torch._utils._rebuild_tensor_v3": _tensor_v3,
}

TORCH_BUILDERS: Final[Mapping[str, Builder]] = {
    **_PLAIN_TENSORS,
    "torch._tensor._rebuild_from_type_v2": _from_type,
    "torch._utils._rebuild_parameter": _first,
    "torch._utils._rebuild_parameter_with_state": _first,
    "torch._utils._rebuild_device_tensor_from_numpy": _first,
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": _first,
    "torch._utils._rebuild_qtensor": _of_kind("quantized"),
    "torch._utils._rebuild_sparse_tensor": _of_kind("sparse"),
    "torch._utils._rebuild_nested_tensor": _of_kind("nested"),
    "torch._utils._rebuild_meta_tensor_no_storage": _of_kind("without values"),
    "torch._utils._rebuild_wrapper_subclass": _of_kind("of a class of its own"),
}
"""Builders by the name of PyTorch's call."""
