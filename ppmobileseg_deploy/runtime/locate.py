"""Which ONNX file to run when there may be several, or none."""

import os
from pathlib import Path
from typing import Final

from ..cache import official_model_path
from ..errors import UsageError
from ..files import kind_of

MODEL_VARIABLE: Final = "PPMS_MODEL"
"""Environment variable that names the ONNX file to use where none is given."""

DEFAULT_MODEL: Final = Path("end2end.onnx")
"""What ``ppms-export`` and mmdeploy call their file."""

CHECKPOINT_SUFFIXES: Final = frozenset({".pth", ".pt", ".pdparams", ".ckpt", ".safetensors"})
"""How files end that are training checkpoints, which people take for models."""

_OFFICIAL: Final = ("tiny", "base")


def find_model(model: str | None = None) -> Path:
    """Find the ONNX file to run.

    In this order: ``model``; the file that ``$PPMS_MODEL`` names; ``end2end.onnx`` in the current
    folder; the official models that ``ppms-export`` has left in the cache, tiny before base.
    Whatever is named explicitly must be there: nothing else is taken in its place.

    Args:
        model: Path of an ONNX file, or the name of an official model (``"tiny"``, ``"base"``)
            that was exported before; None to search.

    Returns:
        The path of an existing file, which was not opened.

    Raises:
        UsageError: The named file is missing or is a training checkpoint, or nothing was named
            and nothing was found.
    """
    if model is not None:
        return _named(model, said_by="")
    from_environment = os.environ.get(MODEL_VARIABLE)
    if from_environment:
        return _named(from_environment, said_by=f"${MODEL_VARIABLE}: ")
    for path in (DEFAULT_MODEL, *map(official_model_path, _OFFICIAL)):
        if kind_of(path) == "file":
            return path
    raise UsageError(
        f"no model: export one with `ppms-export tiny`, or name an ONNX file with -m FILE "
        f"(or ${MODEL_VARIABLE})"
    )


def _named(model: str, said_by: str) -> Path:
    path = Path(model)
    if path.suffix.lower() in CHECKPOINT_SUFFIXES:
        raise UsageError(
            f"{said_by}expected an ONNX file, found the training checkpoint {model}: "
            f"convert it first with `ppms-export {model}`"
        )
    kind = kind_of(path)
    if kind == "file":
        return path
    if model in _OFFICIAL and kind is None:
        cached = official_model_path(model)
        if kind_of(cached) == "file":
            return cached
        raise UsageError(
            f"{said_by}the official model {model} is not here yet: run `ppms-export {model}`"
        )
    found = f"found a {kind}" if kind else "there is none"
    raise UsageError(f"{said_by}expected an ONNX file at {model}, {found}")
