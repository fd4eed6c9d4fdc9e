"""Files that a command writes beside what it prints."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from ..errors import UsageError
from ..files import check_file

JSON: Final = (".json",)
PICTURE: Final = (".png", ".jpg", ".jpeg")


def check_report(
    option: str, path: Path | None, suffixes: Collection[str], inputs: Iterable[str | Path]
) -> None:
    """Make sure, before any work, that a report can be written and replaces nothing of value.

    Args:
        option: What names the file, for messages.
        path: The file; None where none is wanted.
        suffixes: What its name may end in.
        inputs: What the command reads; whatever is no file is passed over.

    Raises:
        UsageError: The file is called otherwise, or is one of the inputs.
        OutputError: It cannot be written, see `files.check_file`.
    """
    if path is None:
        return
    if path.suffix.lower() not in suffixes:
        raise UsageError(f"expected {option} to end in {' or '.join(suffixes)}, found {path}")
    for each in inputs:
        if _same(path, Path(each)):
            raise UsageError(f"{option} {path} would overwrite an input of this run, {each}")
    check_file(path)


def _same(first: Path, second: Path) -> bool:
    try:
        return first.samefile(second)
    except (OSError, ValueError):  # one of them does not exist
        return False
