"""Files that a command writes beside what it prints."""

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ..errors import UsageError
from ..files import atomic_path, check_file
from .console import stdout

JSON: Final = (".json",)
PICTURE: Final = (".png", ".jpg", ".jpeg")
STDOUT: Final = Path("-")
"""What stands for standard output, where a file of JSON is named."""

JsonFile = Annotated[
    Path | None,
    typer.Option(
        "--json",
        metavar="FILE",
        help="Also write all figures here, as JSON; - prints them on standard output, and nothing "
        "else there.",
    ),
]


def check_report(
    option: str, path: Path | None, suffixes: Collection[str], inputs: Iterable[str | Path]
) -> None:
    """Make sure, before any work, that a report can be written and replaces nothing of value.

    Args:
        option: What names the file, for messages.
        path: The file; None where none is wanted.
        suffixes: What its name may end in; JSON may go to standard output, too.
        inputs: What the command reads; whatever is no file is passed over.

    Raises:
        UsageError: The file is called otherwise, or is one of the inputs.
        OutputError: It cannot be written, see `files.check_file`.
    """
    if path is None or (path == STDOUT and suffixes == JSON):
        return
    if path.suffix.lower() not in suffixes:
        raise UsageError(f"expected {option} to end in {' or '.join(suffixes)}, found {path}")
    for each in inputs:
        if _same(path, Path(each)):
            raise UsageError(f"{option} {path} would overwrite an input of this run, {each}")
    check_file(path)


def write_json(report: Mapping[str, Any], path: Path) -> None:
    """Write a report as JSON.

    Args:
        report: What json can write; no NaN.
        path: The file, or `STDOUT`.

    Raises:
        OutputError: The file cannot be written.
    """
    text = json.dumps(report, indent=1, ensure_ascii=path == STDOUT, allow_nan=False)
    if path == STDOUT:
        stdout.out(text, highlight=False)  # not print(), whose lines rich would wrap
        return
    with atomic_path(path) as temporary:
        # What UTF-8 cannot hold, from the name of some file, becomes an escape of JSON.
        temporary.write_text(text + "\n", "utf-8", errors="backslashreplace")


def _same(first: Path, second: Path) -> bool:
    try:
        return first.samefile(second)
    except (OSError, ValueError):  # one of them does not exist
        return False
