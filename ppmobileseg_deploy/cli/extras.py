"""Packages that only some commands need."""

from ..dependencies import (
    lacking_for_cluster,
    lacking_for_export,
    lacking_for_onnx,
    lacking_for_serve,
)
from ..errors import UsageError


def require_export_extra(purpose: str) -> None:
    """Make sure that the packages of the extra ``export`` are installed.

    Args:
        purpose: What they are needed for, the first word of the message.

    Raises:
        UsageError: Some are missing; says which, and how to install them.
    """
    _require(purpose, lacking_for_export())


def require_onnx(purpose: str) -> None:
    """Make sure that the package onnx, which is the extra of that name, is installed.

    Args:
        purpose: What it is needed for, the first word of the message.

    Raises:
        UsageError: It is missing; says how to install it.
    """
    _require(purpose, lacking_for_onnx())


def require_serve_extra(purpose: str) -> None:
    """Make sure that the packages of the extra ``serve`` are installed.

    Args:
        purpose: What they are needed for, the first word of the message.

    Raises:
        UsageError: Some are missing; says which, and how to install them.
    """
    _require(purpose, lacking_for_serve())


def require_cluster_extra(purpose: str, *, ray: bool) -> None:
    """Make sure that the packages of the extra ``cluster`` are installed.

    Args:
        purpose: What they are needed for, the first words of the message.
        ray: Whether Ray is needed, too.

    Raises:
        UsageError: Some are missing; says which, and how to install them.
    """
    _require(purpose, lacking_for_cluster(ray=ray))


def _require(purpose: str, lacking: str | None) -> None:
    if lacking is not None:
        raise UsageError(f"{purpose} needs {lacking}")
