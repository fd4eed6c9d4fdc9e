"""Where downloaded checkpoints and exported official models are kept."""

import os
from pathlib import Path
from typing import Final

OFFICIAL_MODELS: Final = ("tiny", "base")
"""Names of the official models."""


def cache_dir() -> Path:
    """Return this package's cache folder, which may not exist yet.

    ``$XDG_CACHE_HOME/ppmobileseg_deploy``, or ``~/.cache/ppmobileseg_deploy`` where the variable
    is unset, empty or relative (XDG Base Directory Specification 0.8).
    """
    root = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not root.is_absolute():
        root = Path.home() / ".cache"
    return root / "ppmobileseg_deploy"


def official_model_path(name: str) -> Path:
    """Return where ``ppms-export NAME`` keeps a copy for ``ppms-infer`` to find.

    Args:
        name: Official checkpoint name: ``"tiny"`` or ``"base"``.
    """
    return cache_dir() / "models" / f"{name}.onnx"
