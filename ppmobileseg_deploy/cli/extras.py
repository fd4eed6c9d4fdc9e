"""Packages that only some commands need."""

import importlib.util
from typing import Final

from ..errors import UsageError

_EXPORT: Final = ("torch", "onnx", "onnxsim")
_INSTALL: Final = "pip install torch onnx onnxsim (without a GPU: PyTorch's CPU build first)"


def require_export_extra(purpose: str) -> None:
    """Make sure that the packages of the extra ``export`` are installed.

    Args:
        purpose: What they are needed for, the first word of the message.

    Raises:
        UsageError: Some are missing; says which, and how to install them.
    """
    missing = [name for name in _EXPORT if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"{purpose} needs {', '.join(missing)}; install with: {_INSTALL}")
