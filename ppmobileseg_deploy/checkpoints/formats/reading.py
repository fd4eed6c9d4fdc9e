"""Checkpoint files of any format, recognised by their content."""

import re
from typing import Final

from .pytorch import BUILDERS, LEGACY_MAGIC, ZIP_MAGIC, read_legacy, read_zip
from .safetensors_file import is_safetensors, read_safetensors
from .source import FormatError, Source
from .unpickling import unpickle

_HEAD: Final = 1024
_PICKLE: Final = re.compile(rb"\x80[\x02-\x05]")
_LEGACY: Final = re.compile(
    b"|".join(map(re.escape, (LEGACY_MAGIC.to_bytes(10, "little"), str(LEGACY_MAGIC).encode())))
)

_OTHERS: Final = (
    (
        rb"version https://git-lfs",
        "is a Git LFS pointer, which only names the checkpoint: fetch that with `git lfs pull`",
    ),
    (
        rb"\s*<(!doctype html|html|head|\?xml)",
        "is a web page, not a checkpoint: perhaps the page that leads to the download",
    ),
    (
        rb"\x1f\x8b|BZh\d|\xfd7zXZ|\x28\xb5\x2f\xfd|7z\xbc\xaf|Rar!",
        "is compressed: unpack it first",
    ),
    (rb".{257}ustar", "is a tar archive: unpack it first"),
    # A tensor of Paddle: version 0, no levels, version 0, and the size of its description.
    (
        rb"\0{16}[\x02-\xff]\0{3}\x08",
        "holds the weights of a Paddle inference model (.pdiparams), which have no names, "
        "expected those of training (.pdparams)",
    ),
    (
        rb"\x08[\x01-\x1f][\x12\x1a\x22\x32\x3a\x42]",
        "is an ONNX model, not a checkpoint: ppms-infer runs it, `ppms inspect` tells what it is",
    ),
    (rb".{4}ORTM", "is a model in ORT format, not a checkpoint: ppms-infer runs it"),
    (rb"\x93NUMPY", "is a single array (.npy), expected weights with names"),
    (rb"\x89HDF", "is an HDF5 file, as Keras writes them, expected weights of PyTorch or Paddle"),
)
"""First bytes of files that are mistaken for checkpoints, and messages about them."""


def read_any(source: Source) -> object:
    """Read a checkpoint of any known format; its content decides which.

    Args:
        source: The file, at least one byte of it.

    Returns:
        What was saved: dicts, lists, tuples, numbers and texts, with a `StoredTensor` for every
        tensor and a `PickledArray` for every array, whose values are still in the file.

    Raises:
        FormatError: It is of another kind, damaged, or asks to run programs; nothing was run.
    """
    head = bytes(source.read(0, min(source.size, _HEAD)))
    if head.startswith(ZIP_MAGIC):
        return read_zip(source)
    if _LEGACY.search(head[:32]):
        return read_legacy(source)
    if _PICKLE.match(head):
        return unpickle(source, 0, source.size, BUILDERS)[0]
    if is_safetensors(head, source.size):
        return read_safetensors(source)
    for pattern, what in _OTHERS:
        if re.match(pattern, head, re.DOTALL | re.IGNORECASE):
            raise FormatError(what)
    raise FormatError(
        "is neither a PyTorch file (.pth) nor a Paddle pickle (.pdparams) nor .safetensors: it "
        f"begins with {head[:8]!r}"
    )
