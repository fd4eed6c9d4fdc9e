"""Looking through an ONNX file before ONNX Runtime opens it, for files that strangers made.

ONNX keeps large weights in files of their own, which a model names by a path. ONNX Runtime 1.15
follows any path, so that a model could read whatever its user can: here only files in the
model's folder pass. Tensors that claim more elements than there are bytes for are refused as
well, before anybody sets memory aside for them.

The walk knows those parts of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto that lead to
a tensor, and skips the rest, weights included: tiny's 6 MB take 8 ms.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import MappingProxyType
from typing import Final

from ..errors import ModelError
from ..files import kind_of
from ..quoting import brief, printable
from .wire import MalformedError, Wire

MAX_DEPTH: Final = 100
"""Messages within messages; protobuf's own readers stop here too."""

_MESSAGES: Final = MappingProxyType(
    {
        "model": {7: "graph", 20: "training", 25: "function"},
        "training": {1: "graph", 2: "graph"},
        "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
        "function": {7: "node", 11: "attribute"},
        "node": {5: "attribute"},
        "attribute": {
            5: "tensor",
            6: "graph",
            10: "tensor",
            11: "graph",
            22: "sparse tensor",
            23: "sparse tensor",
        },
        "sparse tensor": {1: "tensor", 2: "tensor"},
    }
)
"""Message to the fields that lead to tensors."""

# Protobuf merges what comes twice: two tensors would become one that was not looked at.
_ONCE: Final = frozenset(
    {("attribute", 5), ("attribute", 22), ("sparse tensor", 1), ("sparse tensor", 2)}
)

_DIMS: Final = MappingProxyType({"tensor": 1, "sparse tensor": 3})
_EXTERNAL_DATA: Final = 13
_MAX_TEXT: Final = 4096
_MAX_RANK: Final = 64
# Of the types that ONNX has, the smallest takes two bits.
_ELEMENTS_PER_BYTE: Final = 4
# A sparse tensor is made dense when it is opened, whatever little it holds.
_MAX_DENSE: Final = 1 << 27

_ORT_FORMAT: Final = b"ORTM"
_ORT_FORMAT_AT: Final = 4


@dataclass
class _Tensor:
    """What a tensor declares.

    Attributes:
        dims: Its shape.
        held: Bytes that it takes in the file, a bound of what it holds.
        external: Where the rest is: the entries of ``external_data``.
    """

    held: int
    dims: list[int] = field(default_factory=list)
    external: list[tuple[str, str]] = field(default_factory=list)


def check_model_file(model: str | bytes) -> None:
    """Check that a model reads nothing outside its folder and holds what it declares.

    Files in the format of ONNX Runtime itself (``.ort``) name no others and pass.

    Args:
        model: Path of the file, which exists, or its content.

    Raises:
        ModelError: It is no ONNX file; or its external data are outside its folder, missing or
            too short, or it comes as content, which has no folder; or a tensor declares more
            elements than there is data for.
    """
    source = "model" if isinstance(model, bytes) else printable(Path(model).name)
    folders = () if isinstance(model, bytes) else _folders(Path(model))
    try:
        with io.BytesIO(model) if isinstance(model, bytes) else Path(model).open("rb") as stream:
            head = stream.read(_ORT_FORMAT_AT + len(_ORT_FORMAT))
            # ONNX Runtime goes by the name of a file, and by the content of what has none.
            named = isinstance(model, bytes) or model.endswith(".ort")
            if named and head[_ORT_FORMAT_AT:] == _ORT_FORMAT:
                return
            size = stream.seek(0, io.SEEK_END)
            stream.seek(0)
            for tensor in _tensors(Wire(stream), "model", size, 0):
                _check_tensor(tensor, source, folders)
    except MalformedError as error:
        raise ModelError(
            f"cannot load {source}: expected a complete ONNX file, found {error}"
        ) from None
    except OSError as error:
        raise ModelError(f"cannot load {source}: {error.strerror or error}") from error


def _tensors(wire: Wire, kind: str, end: int, depth: int) -> Iterator[_Tensor]:
    if depth > MAX_DEPTH:
        raise MalformedError(f"messages nested more than {MAX_DEPTH} deep")
    found = _Tensor(held=end - wire.position)
    deeper = _MESSAGES.get(kind, {})
    seen = set()
    while wire.position < end:
        number, length = wire.field()
        if length is None:
            value = wire.varint()
            if number == _DIMS.get(kind):
                found.dims.append(value)
                if len(found.dims) > _MAX_RANK:
                    raise MalformedError(f"a tensor of more than {_MAX_RANK} dimensions")
            continue
        if length > end - wire.position:
            raise MalformedError(f"a field that ends behind its message, byte {wire.position}")
        if number in deeper:
            if (kind, number) in _ONCE and number in seen:
                raise MalformedError(f"two tensors in place of one at byte {wire.position}")
            seen.add(number)
            yield from _tensors(wire, deeper[number], wire.position + length, depth + 1)
        elif number == _DIMS.get(kind):
            found.dims.extend(_packed(wire, length, _MAX_RANK - len(found.dims)))
        elif kind == "tensor" and number == _EXTERNAL_DATA:
            found.external.append(_entry(wire, length))
        else:
            wire.skip(length)
    if wire.position != end:
        raise MalformedError(f"a field that ends behind its message, byte {wire.position}")
    if kind == "tensor":
        yield found
    elif kind == "sparse tensor" and not _is_size(found.dims, _MAX_DENSE):
        raise MalformedError(f"a sparse tensor of shape {found.dims}")


def _packed(wire: Wire, length: int, most: int) -> Iterator[int]:
    end = wire.position + length
    while wire.position < end:
        if most == 0:
            raise MalformedError(f"a tensor of more than {_MAX_RANK} dimensions")
        yield wire.varint()
        most -= 1


def _entry(wire: Wire, length: int) -> tuple[str, str]:
    end = wire.position + length
    texts = {1: "", 2: ""}
    while wire.position < end:
        number, inner = wire.field()
        if inner is None:
            wire.varint()
        elif inner > end - wire.position or inner > _MAX_TEXT:
            raise MalformedError(f"external data described in {inner} bytes")
        else:
            text = wire.take(inner)
            try:
                texts[number] = text.decode()
            except UnicodeDecodeError:
                raise MalformedError("external data described in no UTF-8") from None
    if wire.position != end:
        raise MalformedError(f"a field that ends behind its message, byte {wire.position}")
    return texts[1], texts[2]


def _is_size(dims: list[int], most: int) -> bool:
    # Negative lengths are huge here, as numbers on the wire have no sign.
    return max(dims, default=0) <= most and prod(dims) <= most


def _check_tensor(tensor: _Tensor, source: str, folders: tuple[Path, ...]) -> None:
    held = tensor.held
    if tensor.external:
        held = _external_bytes(tensor.external, source, folders)
    if tensor.dims and not _is_size(tensor.dims, held * _ELEMENTS_PER_BYTE):
        raise ModelError(
            f"cannot load {source}: expected tensors that hold what they declare, found one of "
            f"shape {tensor.dims} with {held} bytes"
        )


def _external_bytes(entries: list[tuple[str, str]], source: str, folders: tuple[Path, ...]) -> int:
    keys = [key for key, _ in entries]
    described = dict(entries)
    location = described.get("location")
    if not location or len(set(keys)) != len(keys):
        raise ModelError(f"cannot load {source}: expected one location of each external data")
    if not folders:
        raise ModelError(
            f"cannot load a model with external data ({brief(location)}) from its content: "
            "expected the path of its file"
        )
    path = _inside(location, source, folders)
    size = path.stat().st_size
    offset = _number(described.get("offset", "0"), source)
    length = _number(described.get("length", str(max(size - offset, 0))), source)
    if offset + length > size:
        raise ModelError(
            f"cannot load {source}: expected at least {offset + length} bytes of external data in "
            f"{brief(location)}, found {size}"
        )
    return length


def _inside(location: str, source: str, folders: tuple[Path, ...]) -> Path:
    refused = ModelError(
        f"cannot load {source}: expected external data in the model's own folder, "
        f"found {brief(location)}"
    )
    for named in (PurePosixPath(location), PureWindowsPath(location)):
        # In-memory addresses are ONNX Runtime's own, and no business of a file's.
        if named.anchor or ".." in named.parts or "_ORT_MEM_ADDR_" in named.parts:
            raise refused
    path = folders[0] / location
    kind = kind_of(path)
    if kind != "file":
        raise ModelError(
            f"cannot load {source}: expected its external data in {brief(location)}, "
            f"found {'no such file' if kind is None else f'a {kind}'}"
        )
    resolved = path.resolve()
    if not any(resolved.is_relative_to(folder.resolve()) for folder in folders):
        raise refused
    return resolved


def _folders(path: Path) -> tuple[Path, ...]:
    # Where the path says, and where the file lies: caches of downloads keep all files in a
    # folder of links to one of contents.
    return path.parent, path.resolve().parent


def _number(text: str, source: str) -> int:
    # Not int(): it takes signs, blanks and underscores.
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise ModelError(
            f"cannot load {source}: expected external data at a whole number of bytes, "
            f"found {brief(text)}"
        )
    return int(text)
