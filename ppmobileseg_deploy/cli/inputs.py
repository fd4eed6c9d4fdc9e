"""Files that a command is asked to read."""

from pathlib import Path

from ..cache import OFFICIAL_MODELS
from ..errors import UsageError
from ..files import kind_of


def check_inputs(*paths: str | Path | None) -> None:
    """Make sure, before any work, that what was named is there.

    What is in a file, and whether it may be read, is found by whoever reads it.

    Args:
        paths: The files; None for those that were not named.

    Raises:
        UsageError: There is nothing, or a folder, at a path.
    """
    for path in paths:
        kind = None if path is None else kind_of(Path(path))
        if path is not None and kind in (None, "folder"):
            found = "found a folder" if kind else "there is none"
            raise UsageError(f"expected a file at {path}, {found}")


def check_models(*names: str) -> None:
    """Make sure of the same where official models may be named, too.

    Args:
        names: Files, or names of official models.

    Raises:
        UsageError: There is nothing, or a folder, at a path.
    """
    for name in names:
        if name not in OFFICIAL_MODELS:
            try:
                check_inputs(name)
            except UsageError as error:
                official = ", ".join(OFFICIAL_MODELS)
                raise UsageError(f"{error} (official models: {official})") from None
