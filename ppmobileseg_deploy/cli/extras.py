"""Packages that only some commands need."""

from ..dependencies import lacking_for_export
from ..errors import UsageError


def require_export_extra(purpose: str) -> None:
    """Make sure that the packages of the extra ``export`` are installed.

    Args:
        purpose: What they are needed for, the first word of the message.

    Raises:
        UsageError: Some are missing; says which, and how to install them.
    """
    lacking = lacking_for_export()
    if lacking is not None:
        raise UsageError(f"{purpose} needs {lacking}")
