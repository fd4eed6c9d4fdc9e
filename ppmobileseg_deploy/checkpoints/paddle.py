"""Reading PaddleSeg's ``.pdparams`` files without Paddle, and renaming what is in them.

Such a file is a pickle of a dict from names to numpy arrays, with one entry that is no weight:
``StructuredToParameterName@@``, a dict from these names to those that Paddle uses inside. It is
read by an unpickler that knows a handful of classes, and arrays are built here from their raw
bytes: nothing that the file names is called, and no array can be larger than the file.
"""

import io
import math
import pickle
import pickletools
import re
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from ..errors import CheckpointError
from ..quoting import printable
from .pickle_keys import check_keys

_RULES = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\.c\.(?=weight$)", ".conv."),
        (r"\.mid_se\.conv([12])\.", r".mid_se.conv_act\1.conv."),
        (r"\.stride_conv\.0\.", ".stride_conv.conv."),
        (r"\.stride_conv\.1\.", ".stride_conv.bn."),
        # Index 0 is the activation before the convolution.
        (r"\.(proj|proj_encode_row|proj_encode_column)\.1\.", r".\1."),
        (r"\.mlp\.dwconv\.(?=(weight|bias)$)", ".mlp.dwconv.conv."),
        (r"\._mean$", ".running_mean"),
        (r"\._variance$", ".running_var"),
    )
]


def openmmlab_key(paddle_key: str) -> str:
    """Return the name that open-mmlab's checkpoints have for one of PaddleSeg's.

    Shapes are equal under both names; nothing is transposed.
    """
    for pattern, replacement in _RULES:
        paddle_key = pattern.sub(replacement, paddle_key)
    return paddle_key


class _Dtype:
    """Takes the place of ``numpy.dtype``: plain numbers only."""

    def __init__(self, code: str, *_flags: object) -> None:
        if not re.fullmatch(r"[fiub][1248]", code):
            raise pickle.UnpicklingError(f"an array of type {code!r}, expected plain numbers")
        self.numpy = np.dtype(code)

    def __setstate__(self, state: tuple[object, ...]) -> None:
        if state[1] == ">":
            self.numpy = self.numpy.newbyteorder(">")


class PaddleArray:
    """Takes the place of ``numpy.ndarray`` and of the function that builds one in a pickle."""

    _EMPTY: ClassVar = np.zeros(0, np.float32)

    def __init__(self, *_arguments: object) -> None:
        self.array: np.ndarray = self._EMPTY

    def __setstate__(self, state: tuple[object, ...]) -> None:
        match state:
            case (int(), tuple() as shape, _Dtype() as dtype, bool() as fortran, bytes() as data):
                pass
            case _:
                raise pickle.UnpicklingError("an array in a form that numpy does not write")
        # Without bounds the product below could grow to gigabytes, and so could a message.
        if len(shape) > 32 or not all(
            isinstance(side, int) and 0 <= side < 1 << 63 for side in shape
        ):
            raise pickle.UnpicklingError("an array whose shape is no tuple of up to 32 sizes")
        if math.prod(shape) * dtype.numpy.itemsize != len(data):
            raise pickle.UnpicklingError(f"an array of shape {shape} in {len(data)} bytes")
        flat = np.frombuffer(data, dtype.numpy)
        self.array = flat.reshape(shape, order="F" if fortran else "C")

    def tensor(self) -> Tensor:
        """Return a copy as a tensor of the same type."""
        native = self.array.dtype.newbyteorder("=")
        return torch.from_numpy(np.array(self.array, native, order="C"))


class _OrderedDict(dict[object, object]):
    """Takes the place of ``OrderedDict``: filled item by item, not from arguments."""

    def __init__(self) -> None:
        super().__init__()

    def __setstate__(self, _state: object) -> None:
        pass


class _Tuple(tuple[object, ...]):
    """Takes the place of ``tuple``: takes one as it is, and turns nothing else into one.

    A text's or a dict's copies, eight bytes for each of its entries, could fill the memory.
    """

    def __new__(cls, items: object) -> tuple[object, ...]:  # type: ignore[misc]
        if not isinstance(items, tuple):
            raise pickle.UnpicklingError("a tuple made of something else")
        return items

    def __setstate__(self, _state: object) -> None:
        pass


class _Unpickler(pickle.Unpickler):
    # Classes, not functions: a pickle can set attributes of whatever it is given that has no
    # __setstate__ and is written in Python.
    _KNOWN: ClassVar[dict[tuple[str, str], type]] = {
        ("numpy.core.multiarray", "_reconstruct"): PaddleArray,
        ("numpy._core.multiarray", "_reconstruct"): PaddleArray,
        ("numpy", "ndarray"): PaddleArray,
        ("numpy", "dtype"): _Dtype,
        ("collections", "OrderedDict"): _OrderedDict,
        ("builtins", "tuple"): _Tuple,  # paddle.save writes some tensors as (name, array)
    }

    def find_class(self, module_name: str, global_name: str) -> type:
        try:
            return self._KNOWN[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"it asks for {module_name}.{global_name}, expected numpy arrays only; "
                "nothing was run"
            ) from None


def is_pdparams(data: bytes) -> bool:
    """Whether the bytes begin as a binary pickle does."""
    return len(data) > 1 and data[0] == pickle.PROTO[0] and 2 <= data[1] <= 5


def read_pdparams(data: bytes, file_name: str) -> object:
    """Read a file that ``paddle.save`` wrote.

    Args:
        data: Content of the file.
        file_name: How messages call the file.

    Returns:
        What was saved, with a `PaddleArray` for every array.

    Raises:
        CheckpointError: The file is damaged, or names a class or function other than those
            that an array needs. None of its code was run.
    """
    try:
        # Where a pickle stores an object for later, it names the slot, and the reader makes
        # room for as many: a few bytes could ask for gigabytes.
        for opcode, argument, _ in pickletools.genops(data):
            is_slot = opcode.name in ("PUT", "BINPUT", "LONG_BINPUT")
            if is_slot and isinstance(argument, int) and argument > len(data):
                raise pickle.UnpicklingError(f"it asks for {argument} memory slots")
        check_keys(data)
        return _Unpickler(io.BytesIO(data)).load()
    except Exception as error:
        # Bytes from a stranger can make the unpickler fail in any way.
        reason = str(error) or type(error).__name__
        raise CheckpointError(
            f"{file_name} cannot be read as PaddleSeg parameters: {printable(reason)}"
        ) from error


def to_tensors(arrays: dict[str, PaddleArray], data: bytes, file_name: str) -> dict[str, Tensor]:
    """Copy arrays into tensors under open-mmlab's names.

    Args:
        arrays: Weights by PaddleSeg's names, without prefixes.
        data: Content of the file that they came from.
        file_name: How messages call the file.

    Raises:
        CheckpointError: Two names mean the same weight, or arrays share bytes, so that together
            they are larger than the file.
    """
    total = sum(array.array.nbytes for array in arrays.values())
    if total > len(data):
        raise CheckpointError(f"{file_name} holds {len(data)} bytes, but {total} bytes of arrays")
    names: dict[str, str] = {}
    for key in arrays:
        other = names.setdefault(openmmlab_key(key), key)
        if other != key:
            raise CheckpointError(
                f"{file_name} names one weight twice: {printable(other)} and {printable(key)}"
            )
    return {name: arrays[key].tensor() for name, key in names.items()}
