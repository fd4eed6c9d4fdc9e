"""The sidecar of an exported file: ``end2end.json`` beside ``end2end.onnx``."""

import json
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..files import atomic_path, sha256_of
from ..inspection import Inspection, Tensor, inspect
from ..sidecar import sidecar, sidecar_path
from .trace import LOGITS


def write_sidecar(model: str | Path) -> Path:
    """Write what a model file is as JSON, for programs that cannot read it from the file.

    Its form is that of ``ppmobileseg_deploy/sidecar.schema.json``. The runtime of this package
    reads it, too, where a file carries no metadata.

    Args:
        model: A file that `export_onnx` has written.

    Returns:
        The sidecar: ``NAME.json`` beside ``NAME.onnx``.

    Raises:
        ModelError: The file is missing, or no ONNX file.
        UsageError: It carries no metadata.
        OutputError: The sidecar could not be written.

    Examples:
        >>> write_sidecar("end2end.onnx").name
        'end2end.json'
    """
    model = Path(model)
    text = _text(describe_file(model))
    path = sidecar_path(model)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def describe_file(model: Path) -> dict[str, Any]:
    """Return what the sidecar of a file says.

    Args:
        model: A file that `export_onnx` has written.

    Raises:
        ModelError: The file is missing, or no ONNX file.
        UsageError: It carries no metadata, has several inputs that must be given, or logits
            that are enlarged otherwise.
    """
    found = inspect(model)
    metadata = found.metadata
    if metadata is None:
        raise UsageError(f"expected a file of ppms-export, found no metadata in {model}")
    if metadata.upsampling != "padded":  # which other programs would not expect
        raise UsageError(
            f"expected logits that are enlarged as those of ppms-export, found "
            f"{metadata.upsampling} in {model}"
        )
    images = [each for each in found.inputs if not each.optional]
    if len(images) != 1:
        raise UsageError(f"expected one input, found {len(images)} in {model}")
    (image,) = images
    takes_bytes = image.dtype == "uint8"
    return sidecar(
        metadata,
        model={"file": model.name, "sha256": sha256_of(model)},
        model_input={
            "name": image.name,
            "dtype": image.dtype,
            "layout": "NHWC" if takes_bytes else "NCHW",
            "shape": list(image.shape or ()),
            "normalized_by": "file" if takes_bytes else "caller",
        },
        outputs=[_output(each, found) for each in found.outputs],
    )


def _output(tensor: Tensor, found: Inspection) -> dict[str, Any]:
    metadata = found.metadata
    is_coarse = tensor.name == LOGITS
    return {
        "name": tensor.name,
        "kind": "logits" if tensor.dtype == "float32" else "labels",
        "dtype": tensor.dtype,
        "layout": "NCHW",
        "shape": list(tensor.shape or ()),
        "stride": metadata.stride if is_coarse and metadata is not None else 1,
    }


def _text(content: dict[str, Any]) -> str:
    """Write JSON with a line for every part, and of lists for every item."""

    def line(value: object) -> str:
        return json.dumps(value, ensure_ascii=False)

    parts = (
        f"  {line(name)}: "
        + (
            "[\n    " + ",\n    ".join(map(line, value)) + "\n  ]"
            if isinstance(value, list)
            else line(value)
        )
        for name, value in content.items()
    )
    return "{\n" + ",\n".join(parts) + "\n}\n"
