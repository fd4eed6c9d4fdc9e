"""Search for the ONNX file to run: named, from the environment, in the folder, in the cache."""

import os
import re
from pathlib import Path
from typing import Final

from ...cache import OFFICIAL_MODELS, official_model_path
from ...dependencies import lacking_for_export
from ...errors import UsageError
from ...file_names import names_checkpoint
from ...files import kind_of

MODEL_VARIABLE: Final = "PPMS_MODEL"
"""Environment variable that names the ONNX file to use where none is given."""

DEFAULT_MODEL: Final = Path("end2end.onnx")
"""What ``ppms-export`` and mmdeploy call their file."""

_IMAGE: Final = re.compile(rb"\xff\xd8\xff|\x89PNG|RIFF....WEBP|BM|II\*\0|MM\0\*|GIF8", re.DOTALL)
# Protobuf has control characters among its first bytes: tags, lengths, the version.
_TEXT: Final = re.compile(rb"[\t\n\r -~\x80-\xff]+")
_LOOKED_AT_BYTES: Final = 256


def find_model(model: str | None = None) -> Path:
    """Find the ONNX file to run.

    In this order: ``model``; the file that ``$PPMS_MODEL`` names; ``end2end.onnx`` in the current
    folder; the official models that ``ppms-export`` has left in the cache, tiny before base.
    A file that is named must exist: there is no fallback.

    Args:
        model: Path of an ONNX file, or the name of an official model (``"tiny"``, ``"base"``)
            that was exported before; None to search.

    Returns:
        The path of an existing file; whether it is a model is not known yet.

    Raises:
        UsageError: The named file is missing, or is a training checkpoint, an image or a text;
            or nothing was named and nothing was found.
    """
    if model is not None:
        return _named(model, said_by="")
    from_environment = os.environ.get(MODEL_VARIABLE)
    if from_environment:
        return _named(from_environment, said_by=f"${MODEL_VARIABLE}: ")
    for path in (DEFAULT_MODEL, *map(official_model_path, OFFICIAL_MODELS)):
        if kind_of(path) == "file":
            return path
    raise UsageError(
        f"no model: set ${MODEL_VARIABLE}, or export one with `ppms-export tiny`{_needs()}",
        parameter="model",
    )


def _named(model: str, said_by: str) -> Path:
    path = Path(model)
    if names_checkpoint(path):
        raise UsageError(
            f"{said_by}expected an ONNX file, found the training checkpoint {model}: "
            f"convert it first with `ppms-export {model}`{_needs()}"
        )
    kind = kind_of(path)
    if kind == "file":
        mistaken = _mistaken(path)
        if mistaken is not None:
            raise UsageError(f"{said_by}expected an ONNX file, found the {mistaken} {model}")
        return path
    if model in OFFICIAL_MODELS:  # also where a folder is called so
        cached = official_model_path(model)
        if kind_of(cached) == "file":
            return cached
        raise UsageError(
            f"{said_by}the official model {model} is not here yet: run `ppms-export {model}`"
            f"{_needs()}"
        )
    found = f"found a {kind}" if kind else "there is none"
    raise UsageError(f"{said_by}expected an ONNX file at {model}, {found}")


def _needs() -> str:
    # Said here already, not only by the command that is recommended.
    lacking = lacking_for_export()
    return "" if lacking is None else f", which needs {lacking}"


def _mistaken(path: Path) -> str | None:
    """Return what kind of file it is if its first bytes rule out a model, else None."""
    try:
        with path.open("rb") as file:
            start = file.read(_LOOKED_AT_BYTES)
    except OSError:
        return None  # loading it will raise the error
    if _IMAGE.match(start):
        return "image"
    return "text file" if _TEXT.fullmatch(start) else None
