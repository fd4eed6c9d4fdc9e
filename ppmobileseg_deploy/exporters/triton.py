"""A model repository for Triton Inference Server, around an exported file.

Source: ``model_config.proto`` of triton-inference-server/common, and its ONNX Runtime backend.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ..errors import UsageError
from ..files import atomic_path
from ..inspection import Tensor, inspect
from ..quoting import printable

CONFIG: Final = "config.pbtxt"
LABELS: Final = "labels.txt"
MODEL: Final = "1/model.onnx"
"""The file, as the only version."""

_DATA_TYPES: Final[Mapping[str, str]] = {
    "float16": "TYPE_FP16",
    "float32": "TYPE_FP32",
    "int32": "TYPE_INT32",
    "int64": "TYPE_INT64",
    "uint8": "TYPE_UINT8",
}


def write_triton(model: str | Path, repository: str | Path) -> Path:
    """Write a model repository.

    ``NAME/config.pbtxt`` names inputs and outputs as they are in the file, the batch among their
    dimensions: Triton puts no requests together, which gains nothing on a CPU. ``NAME/labels.txt``
    has a class name a line.

    Args:
        model: A file that `export_onnx` has written. ``NAME`` is its name without suffix.
        repository: Folder of the repository, with other models perhaps; it is made where there
            is none.

    Returns:
        The folder ``NAME``.

    Raises:
        ModelError: The file is missing, or no ONNX file.
        UsageError: It carries no metadata, or has tensors of unusual types.
        OutputError: Something could not be written.

    Examples:
        >>> write_triton("end2end.onnx", "models").name
        'end2end'
    """
    model = Path(model)
    found = inspect(model)
    if found.metadata is None:
        raise UsageError(f"expected a file of ppms-export, found no metadata in {model}")
    folder = Path(repository) / model.stem
    inputs = [_tensor(each) for each in found.inputs if not each.optional]
    outputs = [_tensor(each) for each in found.outputs]
    config = _config(model.stem, inputs, outputs)
    with atomic_path(folder / MODEL) as temporary:
        shutil.copyfile(model, temporary)
    names = "".join(f"{printable(name)}\n" for name in found.metadata.class_names)
    for name, text in ((LABELS, names), (CONFIG, config)):
        with atomic_path(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return folder


def _config(name: str, inputs: list[str], outputs: list[str]) -> str:
    # Of what the first output holds, the labels, or the logits of a file without.
    first, *others = outputs
    first = first.replace("\n  }", f'\n    label_filename: "{LABELS}"\n  }}')
    return (
        f"name: {json.dumps(name)}\n"
        'backend: "onnxruntime"\n'
        'default_model_filename: "model.onnx"\n'
        "max_batch_size: 0\n"
        f"input [\n{_listed(inputs)}\n]\n"
        f"output [\n{_listed([first, *others])}\n]\n"
        "instance_group [\n  {\n    count: 1\n    kind: KIND_CPU\n  }\n]\n"
    )


def _listed(tensors: list[str]) -> str:
    return ",\n".join(tensors)


def _tensor(tensor: Tensor) -> str:
    if tensor.dtype not in _DATA_TYPES or tensor.shape is None:
        raise UsageError(
            f"expected tensors of {', '.join(_DATA_TYPES)}, found {tensor.name} of {tensor.dtype}"
        )
    dims = ", ".join(str(side if isinstance(side, int) else -1) for side in tensor.shape)
    return (
        "  {\n"
        f"    name: {json.dumps(tensor.name)}\n"
        f"    data_type: {_DATA_TYPES[tensor.dtype]}\n"
        f"    dims: [ {dims} ]\n"
        "  }"
    )
