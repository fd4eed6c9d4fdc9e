"""ORT format, for ONNX Runtime's small builds on phones, and the list of operators to build in."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import onnx
import onnxruntime as ort
from onnx import ModelProto

from ..errors import ExportError, UsageError
from ..files import atomic_path
from ..metadata import ModelMetadata
from ..runtime.inference.ort_session import first_line
from .comparison import Comparison, compare, synthetic_images
from .trace import INPUT

MIN_EQUAL_LABELS: Final = 0.999
"""Measured: all of them are equal."""

CONFIG_SUFFIX: Final = ".required_operators.config"

_TIMEOUT_S: Final = 600


@dataclass(frozen=True)
class OrtReport:
    """A file in ORT format.

    Attributes:
        path: The file.
        config: The operators that a build needs to run it, for ``--include_ops_by_config`` of ONNX
            Runtime's build script.
        size_bytes: Size of the file.
        sha256: SHA-256 of the file, in hexadecimal. Two conversions of one model can differ in
            the order of their parts.
        comparison: How its labels agree with the ONNX file's.
    """

    path: Path
    config: Path
    size_bytes: int
    sha256: str
    comparison: Comparison


def convert_to_ort(model: Path, output: Path | None = None) -> OrtReport:
    """Convert an exported file to ORT format, load the result, and compare its labels.

    Everything stays that the ONNX file has: inputs, the optional one among them, named
    dimensions and metadata. The two files that it writes appear one after the other, each complete
    or not at all. Other than ONNX files, the result runs only in releases of ONNX
    Runtime that know its version of the format: what 1.32 writes is refused by 1.15.

    Args:
        model: An ONNX file that `export_onnx` has written, fp32 or int8.
        output: The file to write; by default beside the model, with the suffix ``.ort``. The
            list of operators goes beside it and ends in `CONFIG_SUFFIX`.

    Returns:
        The report.

    Raises:
        UsageError: The model is none of ours or stores its weights in fp16: ONNX Runtime would
            store them in float32, so that nothing is won.
        ExportError: ONNX Runtime cannot convert it.
        ParityError: The result gives other labels; nothing was written.
        OutputError: A file could not be written.
    """
    output = output or model.with_suffix(".ort")
    if output.suffix != ".ort":
        raise UsageError(f"expected a file name that ends in .ort, found {output}")
    loaded, metadata = _load(model)
    if metadata.precision == "fp16":
        raise UsageError(
            f"expected a model in fp32 or int8, found fp16 in {model}: "
            f"in ORT format its weights would be stored as float32"
        )
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "model.onnx"
        shutil.copyfile(model, source)
        _convert(source)
        converted, config = source.with_suffix(".ort"), source.with_suffix(CONFIG_SUFFIX)
        if not converted.is_file() or not config.is_file():
            raise ExportError(f"ONNX Runtime converted {model} without writing a file")
        images = synthetic_images(_static_size_hw(loaded))
        # Blocked convolutions are of this processor: no such file has them. Their rounding moves
        # int8 labels, since a number that is rounded to another integer is a step away.
        level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        comparison = compare("ORT format", model, converted, images, MIN_EQUAL_LABELS, level)
        content = converted.read_bytes()
        # Its first lines name the temporary folder.
        operators = [line for line in config.read_text().splitlines() if line[:1] != "#"]
    config_path = output.with_suffix(CONFIG_SUFFIX)
    with atomic_path(output) as temporary, atomic_path(config_path) as temporary_config:
        temporary.write_bytes(content)
        lines = (f"# Generated from {output.name}", *operators)
        temporary_config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return OrtReport(
        path=output,
        config=config_path,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        comparison=comparison,
    )


def _load(path: Path) -> tuple[ModelProto, ModelMetadata]:
    try:
        model = onnx.load(path)
        metadata = ModelMetadata.from_props({p.key: p.value for p in model.metadata_props})
    except Exception as error:  # a damaged file makes protobuf raise whatever it likes
        raise UsageError(f"expected an ONNX file at {path}: {first_line(error)}") from error
    if metadata is None:
        raise UsageError(f"expected a file of ppms-export, found no metadata in {path}")
    return model, metadata


def _static_size_hw(model: ModelProto) -> tuple[int, int] | None:
    (image,) = (value for value in model.graph.input if value.name == INPUT)
    shape = [dim.dim_value for dim in image.type.tensor_type.shape.dim]
    takes_bytes = image.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    height, width = shape[1:3] if takes_bytes else shape[2:4]
    return (height, width) if height and width else None


def _convert(source: Path) -> None:
    # In a process of its own: the tool prints, and changes how the whole process logs.
    tool = "onnxruntime.tools.convert_onnx_models_to_ort"
    arguments = [sys.executable, "-m", tool, str(source), "--optimization_style", "Fixed"]
    try:
        done = subprocess.run(
            arguments,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
            # Python would import from the current folder first, whatever lies there.
            cwd=source.parent,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ExportError(f"cannot run {tool}: {error}") from error
    if done.returncode != 0:
        last_line = (done.stderr.strip() or "no message").splitlines()[-1]
        raise ExportError(f"ONNX Runtime cannot convert the model to ORT format: {last_line}")
