"""The sidecar of a model file: JSON beside it that says what its metadata say, and more.

Some runtimes, onnxruntime-web among them, show no metadata of an ONNX file, and other programs
should not have to parse protobuf for the names of classes. ``end2end.json`` says of
``end2end.onnx`` what goes in, what comes out and what the numbers mean;
``sidecar.schema.json`` in this package describes its form.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from .errors import ModelError
from .files import kind_of, sha256_of
from .metadata import COARSE_LOGITS, ModelMetadata
from .quoting import brief, printable
from .small_files import read_small

SCHEMA_VERSION: Final = 1
"""Of the form. It grows when programs that know the former one would misread the new one."""

SCHEMA: Final = Path(__file__).with_name("sidecar.schema.json")
"""The form, as a JSON schema of draft 2020-12."""

TOOL: Final = "ppmobileseg_deploy"
"""What a sidecar calls the tool that wrote it, by which it is known from JSON of others."""

_MOST_BYTES: Final = 1 << 24  # 65536 classes with names of 200 characters
_PLACES: Final[Mapping[str, tuple[str, str]]] = {
    "variant": ("model", "variant"),
    "vim": ("model", "vim"),
    "stride": ("model", "stride"),
    "precision": ("model", "precision"),
    "threshold": ("model", "threshold"),
    "checkpoint": ("model", "checkpoint"),
    "checkpoint_sha256": ("model", "checkpoint_sha256"),
    "channel_order": ("input", "channel_order"),
    "mean_rgb": ("input", "mean_rgb"),
    "std_rgb": ("input", "std_rgb"),
    "resize_rule": ("resize", "rule"),
    "short_side": ("resize", "short_side"),
    "long_side": ("resize", "long_side"),
    "stretched_hw": ("resize", "stretched_hw"),
    "size_multiple": ("resize", "size_multiple"),
    "tool_version": ("tool", "version"),
}
"""Where the fields of the metadata stand in a sidecar: the part, and the name in it.

What is None is left out: OpenCV, which C++ programs read JSON with, knows no null.
"""

_SCALING: Final[Mapping[str, tuple[str, ...]]] = {
    "sides": ("short_side", "long_side"),
    "stretched": ("stretched_hw",),
    "none": (),
}
"""How pictures are scaled, and the entries of ``resize`` that go with it."""
_ALL_SIZES: Final = {name for names in _SCALING.values() for name in names}


def sidecar_path(model: Path) -> Path:
    """Return where the sidecar of a model file is: ``end2end.json`` beside ``end2end.onnx``."""
    return model.with_suffix(".json")


def sidecar(
    metadata: ModelMetadata,
    model: Mapping[str, Any],
    model_input: Mapping[str, Any],
    outputs: list[dict[str, Any]],
) -> dict[str, Any]:
    """Put a sidecar together.

    Args:
        metadata: Of the file.
        model: Further facts about the file: its name and SHA-256.
        model_input: Further facts about the input.
        outputs: What comes out, the first one first.

    Returns:
        What is to be written as JSON.
    """
    parts: dict[str, dict[str, Any]] = {
        "tool": {"name": TOOL},
        "model": dict(model),
        "input": dict(model_input),
        "resize": {"interpolation": "bilinear", "scaling": _scaling(metadata)},
    }
    for field, (part, name) in _PLACES.items():
        value = getattr(metadata, field)
        if value is not None:
            parts[part][name] = value
    classes = zip(metadata.class_names, metadata.palette_rgb, strict=True)
    return {
        "schema_version": SCHEMA_VERSION,
        **parts,
        "outputs": outputs,
        "classes": [
            {"id": number, "name": name, "color_rgb": list(color)}
            for number, (name, color) in enumerate(classes)
        ],
    }


def metadata_beside(model: Path) -> ModelMetadata | None:
    """Read the sidecar of a model file that carries no metadata of its own.

    Args:
        model: The ONNX file.

    Returns:
        What its sidecar says; None where there is none, or JSON of somebody else has its name.

    Raises:
        ModelError: The sidecar is of another file, is damaged, or is newer than this package.
    """
    path = sidecar_path(model)
    if path == model or kind_of(path) != "file":
        return None
    source = printable(path.name)
    try:
        content = read_small(path, _MOST_BYTES)
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot read the sidecar {source}: {error}") from error
    if len(content) > _MOST_BYTES:
        raise ModelError(f"cannot read the sidecar {source}: expected at most {_MOST_BYTES} bytes")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ModelError(
            f"cannot read the sidecar {source}: expected JSON ({error}); give the model file "
            "another name if this file has nothing to do with it"
        ) from None
    if not isinstance(found, dict) or _part(found, "tool").get("name") != TOOL:
        return None
    version = found.get("schema_version")
    if version != SCHEMA_VERSION:
        raise ModelError(
            f"cannot use the sidecar {source}: expected schema version {SCHEMA_VERSION}, found "
            f"{brief(version)}"
        )
    try:
        metadata = _metadata(found)
    except ValueError as error:
        raise ModelError(f"cannot use the sidecar {source}: {error}") from None
    expected = _part(found, "model").get("sha256")
    try:
        actual = sha256_of(model)
    except OSError as error:
        raise ModelError(f"cannot load {model}: {error.strerror or error}") from error
    if expected != actual:
        raise ModelError(
            f"the sidecar {source} is not that of {printable(model.name)}: expected a file of "
            f"SHA-256 {brief(expected)}, found {actual}"
        )
    return metadata


def _metadata(found: Mapping[str, Any]) -> ModelMetadata:
    # By way of the texts that files carry, so that both are checked in one place.
    # Neither limit, unless the sidecar says so: the metadata's own defaults have both.
    values: dict[str, Any] = {"short_side": None, "long_side": None}
    scaling = _part(found, "resize").get("scaling")
    if not isinstance(scaling, str) or scaling not in _SCALING:
        raise ValueError(
            f"expected a scaling of {', '.join(_SCALING)} in 'resize', found {brief(scaling)}"
        )
    for field, (part, name) in _PLACES.items():
        value = _part(found, part).get(name)
        is_size = name in _ALL_SIZES
        needed = name in _SCALING[scaling] if is_size else part in ("input", "resize")
        if needed and value is None:
            raise ValueError(f"expected {name!r} in {part!r}, found none")
        if is_size and not needed and value is not None:
            raise ValueError(f"expected no {name!r} with a scaling of {scaling}, found one")
        if value is not None:
            values[field] = value
    values["class_names"], values["palette_rgb"] = _classes(found.get("classes"))
    values["output"] = _output(found.get("outputs"))
    props = {
        f"ppms.{field}": value if isinstance(value, str) else json.dumps(value)
        for field, value in values.items()
    }
    metadata = ModelMetadata.from_props(props)
    if metadata is None:
        raise ValueError("expected classes, found none")
    return metadata


def _scaling(metadata: ModelMetadata) -> str:
    if metadata.stretched_hw is not None:
        return "stretched"
    return "none" if metadata.short_side is None else "sides"


def _part(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = found.get(name)
    return part if isinstance(part, dict) else {}


def _classes(classes: object) -> tuple[list[Any], list[Any]]:
    names, colors = [], []
    for number, each in enumerate(classes if isinstance(classes, list) else ()):
        if not isinstance(each, dict) or each.get("id") != number:
            raise ValueError(f"expected class {number} as class {number}, found {brief(each)}")
        names.append(each.get("name"))
        colors.append(each.get("color_rgb"))
    return names, colors


def _output(outputs: object) -> object:
    first = outputs[0] if isinstance(outputs, list) and outputs else None
    if not isinstance(first, dict):
        raise ValueError(f"expected outputs, found {brief(outputs)}")
    kind, stride = first.get("kind"), first.get("stride")
    return COARSE_LOGITS if kind == "logits" and stride != 1 else kind
