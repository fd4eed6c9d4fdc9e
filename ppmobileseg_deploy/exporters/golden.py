"""Golden files: a picture, the tensor it becomes, and what a model file answers to it.

A program in any language that runs the file feeds it the tensor and compares the answer, then
makes the tensor from the picture itself and compares that. Everything but the pictures is raw
little-endian numbers in C order, which every language reads without a library.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..agreement import ComparisonSession, drawn_picture
from ..files import atomic_path, check_folder, sha256_of
from ..runtime.inference.preprocessing import Preprocessing
from ..runtime.inference.session import open_session
from ..runtime.segmenter import OrtSegmenter
from ..sidecar import TOOL
from ..version import VERSION

MANIFEST: Final = "golden.json"
"""Name of the file that lists the others."""

_OUTPUTS: Final = ("output.bin", "logits.bin")  # not their own names, which lead anywhere
_SCHEMA_VERSION: Final = 1
_SIZE_HW: Final = (375, 500)  # no multiple of 32, before or after scaling
_MOST_BYTES_STORED: Final = 1 << 25
_ONE_BYTE: Final = 256


def write_golden(model: str | Path, folder: str | Path) -> Path:
    """Write a picture, the tensor that it becomes, and a model file's answers.

    ``input.png`` is drawn, the same one every time. ``tensor.bin`` is what goes in,
    ``output.bin`` the first output and ``logits.bin`` the second one; of logits at the input's
    size, which are large, the class ids of the largest are kept. ``labels.png`` has the picture's
    class ids at its own size, as `OrtSegmenter` gives them: a byte a pixel, or two for more than
    256 classes. `MANIFEST` says what is what, with the SHA-256 of each.

    Args:
        model: A file that `export_onnx` has written.
        folder: Where to; it is made if needed. Files of these names are replaced.

    Returns:
        The manifest.

    Raises:
        ModelError: The file cannot be read or run.
        OutputError: A file could not be written.

    Examples:
        >>> write_golden("end2end.onnx", "golden").name
        'golden.json'
    """
    model, folder = Path(model), Path(folder)
    check_folder(folder)
    picture_bgr = drawn_picture(_SIZE_HW)
    interface = open_session(model).interface
    preprocess = Preprocessing.from_metadata(
        interface.metadata,
        static_size_hw=interface.static_size_hw,
        takes_bytes=interface.takes_bytes,
    )
    prepared = preprocess(picture_bgr)
    session = ComparisonSession(model)
    names = [each.name for each in session.inference.get_outputs()]
    found = session.run(names, {interface.input_name: prepared.tensor})
    labels = OrtSegmenter(model)(picture_bgr).labels

    entries = {
        "picture": _picture(folder / "input.png", picture_bgr),
        "tensor": {
            "name": interface.input_name,
            **_numbers(folder / "tensor.bin", prepared.tensor),
            "resized_hw": list(prepared.resized_hw),
        },
        "outputs": [
            {"name": name, **_answer(folder / file_name, output)}
            for name, file_name, output in zip(names, _OUTPUTS, found, strict=False)
        ],
        "labels": _picture(folder / "labels.png", _narrow(labels, interface.metadata.num_classes)),
    }
    content = {
        "schema_version": _SCHEMA_VERSION,
        "tool": {"name": TOOL, "version": VERSION},
        "model": {"file": model.name, "sha256": sha256_of(model)},
        **entries,
    }
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    _write(folder / MANIFEST, text.encode())
    return folder / MANIFEST


def _answer(path: Path, output: NDArray[Any]) -> Mapping[str, Any]:
    if output.dtype == np.float32 and output.nbytes > _MOST_BYTES_STORED:
        ids = output.argmax(1, keepdims=True)
        return {**_numbers(path, _narrow(ids, output.shape[1])), "content": "argmax"}
    return {**_numbers(path, output), "content": "values"}


def _narrow(ids: NDArray[Any], num_classes: int) -> NDArray[Any]:
    return ids.astype(np.uint8 if num_classes <= _ONE_BYTE else np.uint16)


def _numbers(path: Path, numbers: NDArray[Any]) -> dict[str, Any]:
    little = np.ascontiguousarray(numbers, numbers.dtype.newbyteorder("<"))
    entry = {"dtype": str(numbers.dtype), "shape": list(numbers.shape)}
    return _write(path, little.tobytes()) | entry


def _picture(path: Path, pixels: NDArray[Any]) -> dict[str, Any]:
    _, encoded = cv2.imencode(".png", pixels)
    return _write(path, encoded.tobytes()) | {"size_hw": list(pixels.shape[:2])}


def _write(path: Path, content: bytes) -> dict[str, Any]:
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
    return {"file": path.name, "sha256": hashlib.sha256(content).hexdigest()}
