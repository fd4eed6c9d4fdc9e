"""Checks of an ONNX file from an untrusted source, before ONNX Runtime opens it.

External data: ONNX stores large weights in separate files, which a model names by a path. ONNX
Runtime 1.15 follows any path, so a model could read every file that its user can; here only files
in the model's folder are allowed. Sizes: tensors that declare more elements than the file holds
bytes for are refused before memory is taken for them.
"""

import io
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Final

from ...errors import ModelError
from ...files import kind_of
from ...quoting import brief, printable
from .model_graph import ModelGraph
from .onnx_walk import MAX_DEPTH, Tensor, is_size, walk
from .protobuf import MalformedError, Wire

__all__ = ["MAX_DEPTH", "check_model_file"]

# ONNX's smallest type takes two bits.
_ELEMENTS_PER_BYTE: Final = 4
_ORT_FORMAT: Final = b"ORTM"
_ORT_FORMAT_AT: Final = 4


def check_model_file(model: str | bytes) -> ModelGraph | None:
    """Check that a model reads no files outside its folder and holds the data it declares.

    Files in the format of ONNX Runtime itself (``.ort``) name no others and pass.

    Args:
        model: Path of the file, which exists, or its content.

    Returns:
        Facts about its graph; None for the format of ONNX Runtime, which is not parsed.

    Raises:
        ModelError: It is no ONNX file; or its external data are outside its folder, missing or
            too short, or it comes as content, which has no folder; or a tensor declares more
            elements than there is data for; or its graph is refused, see `ModelGraph.of`.
    """
    source = "model" if isinstance(model, bytes) else printable(Path(model).name)
    folders = () if isinstance(model, bytes) else _folders(Path(model))
    try:
        with io.BytesIO(model) if isinstance(model, bytes) else Path(model).open("rb") as stream:
            head = stream.read(_ORT_FORMAT_AT + len(_ORT_FORMAT))
            # ONNX Runtime decides by the suffix of a file, and by the content if there is no file.
            named = isinstance(model, bytes) or model.endswith(".ort")
            if named and head[_ORT_FORMAT_AT:] == _ORT_FORMAT:
                return None
            size = stream.seek(0, io.SEEK_END)
            stream.seek(0)
            has_external = False

            def check(tensor: Tensor) -> None:
                nonlocal has_external
                has_external |= bool(tensor.external)
                _check_tensor(tensor, source, folders)

            graph = ModelGraph.of(*walk(Wire(stream), size, check))
            # The reduced model is opened from memory, where external data cannot be found.
            return replace(graph, network=frozenset()) if has_external else graph
    except MalformedError as error:
        raise ModelError(
            f"cannot load {source}: expected a complete ONNX file, found {error}"
        ) from None
    except OSError as error:
        raise ModelError(f"cannot load {source}: {error.strerror or error}") from error


def _check_tensor(tensor: Tensor, source: str, folders: tuple[Path, ...]) -> None:
    held = tensor.held
    if tensor.external:
        held = _external_bytes(tensor.external, source, folders)
    if tensor.dims and not is_size(tensor.dims, held * _ELEMENTS_PER_BYTE):
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
        # The last is ONNX Runtime's marker for data in memory, whose offset is an address.
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
    # The folder of the path and that of the file it links to: download caches store files in
    # one folder and link to them from another.
    return path.parent, path.resolve().parent


def _number(text: str, source: str) -> int:
    # Not int(): it takes signs, blanks and underscores.
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise ModelError(
            f"cannot load {source}: expected external data at a whole number of bytes, "
            f"found {brief(text)}"
        )
    return int(text)
