"""Tensors of the Open Inference Protocol: in JSON, and as bytes behind it."""

import base64
import binascii
import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..quoting import brief
from .problems import RequestError

MAX_JSON_BYTES: Final = 16 << 20
"""Python's objects take 20 times as much memory as the text that they are read from."""

_LENGTH: Final = struct.Struct("<I")
_MAX_DIMENSIONS: Final = 8
_MAX_DEPTH: Final = 4
_BYTES_OF_DATATYPE: Final = {"UINT8": 1, "UINT16": 2}


@dataclass(frozen=True)
class Tensor:
    """A tensor of a request.

    Attributes:
        name: What it is for.
        datatype: ``"UINT8"`` or ``"BYTES"``.
        array: (height, width, 3) uint8 of the former; None of the latter.
        content: The one element of the latter.
    """

    name: str
    datatype: str
    array: NDArray[np.uint8] | None
    content: bytes = b""


@dataclass(frozen=True)
class InferRequest:
    """A request for inference.

    Attributes:
        request_id: The client's, which goes back with the answer.
        tensors: Inputs.
        outputs: Name of each output that is wanted, and whether as bytes; None for all.
        binary: Whether all outputs are wanted as bytes.
    """

    request_id: str
    tensors: tuple[Tensor, ...]
    outputs: Mapping[str, bool] | None
    binary: bool


def read_request(body: bytes, header_bytes: int | None) -> InferRequest:
    """Read a request.

    Args:
        body: JSON, and after it the bytes of tensors.
        header_bytes: Length of the JSON; None where there is nothing else.

    Raises:
        RequestError: It makes no sense.
    """
    if header_bytes is not None and not 0 <= header_bytes <= len(body):
        raise _wrong(f"Inference-Header-Content-Length of 0 to {len(body)}", header_bytes)
    text = body if header_bytes is None else body[:header_bytes]
    rest = memoryview(b"" if header_bytes is None else body)[header_bytes or 0 :]
    if len(text) > MAX_JSON_BYTES:
        raise RequestError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"expected at most {MAX_JSON_BYTES} bytes of JSON, found {len(text)}: send tensors as "
            "binary data",
        )
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestError(
            HTTPStatus.BAD_REQUEST, f"expected JSON, found something else: {brief(str(error))}"
        ) from None
    asked = _mapping(content, "a request")
    tensors = []
    for each in _list(asked.get("inputs"), "inputs"):
        tensor, rest = _tensor(_mapping(each, "an input"), rest)
        tensors.append(tensor)
    if rest:
        raise _wrong("binary data as long as the inputs say", f"{len(rest)} bytes more")
    outputs = asked.get("outputs")
    wanted = None
    if outputs is not None:
        named = [_mapping(each, "an output") for each in _list(outputs, "outputs")]
        wanted = {
            _text(each.get("name"), "the name of an output"): _parameter(each, "binary_data")
            for each in named
        }
    return InferRequest(
        _text(asked.get("id", ""), "an id"),
        tuple(tensors),
        wanted,
        _parameter(asked, "binary_data_output"),
    )


def _tensor(given: Mapping[str, Any], rest: memoryview) -> tuple[Tensor, memoryview]:
    name = _text(given.get("name"), "the name of an input")
    datatype = _text(given.get("datatype"), f"the datatype of {brief(name)}")
    shape = _shape(given.get("shape"), name)
    parameters = _mapping(given.get("parameters", {}), "parameters")
    if any(key.startswith("shared_memory") for key in parameters):
        raise _wrong("tensors in the request", "shared memory")
    size = parameters.get("binary_data_size")
    raw: memoryview | None = None
    if size is not None:
        if type(size) is not int or not 0 <= size <= len(rest):
            raise _wrong(f"a binary_data_size of 0 to {len(rest)} for {brief(name)}", size)
        raw, rest = rest[:size], rest[size:]
    if datatype == "BYTES":
        if prod(shape) != 1:
            raise _wrong(f"a shape of one element for {brief(name)}", list(shape))
        return Tensor(name, datatype, None, _element(name, raw, given.get("data"))), rest
    if datatype != "UINT8":
        raise _wrong(f"datatype UINT8 or BYTES for {brief(name)}", datatype)
    if len(shape) != 3 or shape[2] != 3 or not prod(shape):
        raise _wrong(f"a shape [height, width, 3] for {brief(name)}", list(shape))
    flat = (
        _numbers(given.get("data"), prod(shape), name)
        if raw is None
        else np.frombuffer(raw, np.uint8)
    )
    if flat.size != prod(shape):
        raise _wrong(f"{prod(shape)} numbers for {brief(name)}", flat.size)
    return Tensor(name, datatype, flat.reshape(shape)), rest


def _element(name: str, raw: memoryview | None, data: object) -> bytes:
    """Return the one element of a tensor of bytes: binary with its length, or text in base64."""
    if raw is not None:
        if len(raw) < _LENGTH.size or _LENGTH.unpack_from(raw)[0] != len(raw) - _LENGTH.size:
            raise _wrong(f"one element with its length before it for {brief(name)}", "another")
        return bytes(raw[_LENGTH.size :])
    while isinstance(data, list) and len(data) == 1:
        data = data[0]
    text = _text(data, f"one text in base64 for {brief(name)}")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _wrong(f"base64 for {brief(name)}", str(error)) from None


def _numbers(data: object, count: int, name: str) -> NDArray[np.uint8]:
    """Return whole numbers in [0, 255], flat, from lists that are flat or nested as the shape."""
    level: Any = _list(data, f"the data of {brief(name)}")
    for _ in range(_MAX_DEPTH):
        if not (level and isinstance(level[0], list)):
            break
        if not all(isinstance(each, list) for each in level):
            raise _wrong(f"lists of one depth for {brief(name)}", "others")
        if sum(map(len, level)) > count:
            raise _wrong(f"{count} numbers for {brief(name)}", "more")
        level = [number for each in level for number in each]
    if len(level) != count:
        raise _wrong(f"{count} numbers for {brief(name)}", len(level))
    try:
        return np.frombuffer(bytes(level), np.uint8)
    except (TypeError, ValueError):
        raise _wrong(f"whole numbers from 0 to 255 for {brief(name)}", "others") from None


def _shape(given: object, name: str) -> tuple[int, ...]:
    sides = _list(given, f"the shape of {brief(name)}")
    if len(sides) > _MAX_DIMENSIONS or any(
        type(side) is not int or not 0 <= side <= 1 << 31 for side in sides
    ):
        raise _wrong(f"whole numbers as the shape of {brief(name)}", sides)
    return tuple(sides)


def _mapping(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(f"an object as {what}", value)
    return value


def _list(value: object, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise _wrong(f"a list as {what}", value)
    return value


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise _wrong(f"text as {what}", value)
    return value


def _parameter(given: Mapping[str, Any], name: str) -> bool:
    return _mapping(given.get("parameters", {}), "parameters").get(name) is True


def _wrong(expected: str, found: object) -> RequestError:
    return RequestError(HTTPStatus.BAD_REQUEST, f"expected {expected}, found {_shown(found)}")


def _shown(found: object) -> str:
    if isinstance(found, str):
        return brief(found)
    # repr of a large list would take as long as all the rest.
    return brief(found) if isinstance(found, int | float | None) else type(found).__name__


Output = tuple[str, NDArray[Any] | bytes]
"""Name of an output, and (height, width) uint8 or uint16, or the one element of bytes."""


def write_answer(
    outputs: Iterable[Output], asked: InferRequest, model: str, version: str
) -> tuple[bytes, int | None]:
    """Write an answer.

    Args:
        outputs: What there is; those that are wanted are written, in their order.
        asked: The request.
        model: Name of the model.
        version: Of the model.

    Returns:
        The body, and how long its JSON is; None where there is nothing else.

    Raises:
        RequestError: An output is wanted that there is not.
    """
    found = dict(outputs)
    wanted = dict.fromkeys(found, False) if asked.outputs is None else asked.outputs
    described, binary, texts = [], [], []
    for name, as_bytes in wanted.items():
        value = found[name]
        if isinstance(value, bytes):
            datatype, shape, raw = "BYTES", [1], _LENGTH.pack(len(value)) + value
            text = json.dumps([value.decode()]).encode()
        else:
            datatype, shape = f"UINT{value.itemsize * 8}", list(value.shape)
            raw, text = b"", b""
        one: dict[str, Any] = {"name": name, "datatype": datatype, "shape": shape}
        if as_bytes or asked.binary:
            if not isinstance(value, bytes):
                raw = np.ascontiguousarray(value, value.dtype.newbyteorder("<")).tobytes()
            one["parameters"] = {"binary_data_size": len(raw)}
            binary.append(raw)
            texts.append(b"")
        else:
            texts.append(text or _as_json(value))
        described.append(one)
    head: dict[str, Any] = {"model_name": model, "model_version": version}
    if asked.request_id:
        head["id"] = asked.request_id
    parts = [
        json.dumps(one).encode()[:-1] + (b', "data": ' + text if text else b"") + b"}"
        for one, text in zip(described, texts, strict=True)
    ]
    start = json.dumps(head).encode()[:-1] + b', "outputs": ['
    content = start + b", ".join(parts) + b"]}"
    return b"".join([content, *binary]), len(content) if binary else None


def check_outputs(asked: InferRequest, names: Iterable[str]) -> None:
    """Make sure that there is what is wanted.

    Raises:
        RequestError: There is not.
    """
    known = list(names)
    for name in asked.outputs or ():
        if name not in known:
            raise _wrong(f"outputs of {', '.join(known)}", name)


def _as_json(array: Any) -> bytes:
    """Write an array of small numbers as a flat list, without an object for each of them."""
    count = int(array.max()) + 1 if array.size else 0
    width = len(str(max(count - 1, 0)))
    table = np.array([f",{number:{width}d}".encode() for number in range(count)])
    text = table[array].tobytes() if count else b","
    return b"[" + text[1:] + b"]"
