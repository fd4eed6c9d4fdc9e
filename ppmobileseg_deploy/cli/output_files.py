"""Files that a command writes where its user says."""

from collections.abc import Iterable
from pathlib import Path

from ..errors import UsageError
from ..files import kind_of


def check_output(path: Path, suffixes: tuple[str, ...], inputs: Iterable[str | Path]) -> None:
    """Make sure that a file to write is none of those that are read, nor called like one.

    A slip of tab completion would otherwise replace somebody's checkpoint.

    Args:
        path: The file to write.
        suffixes: What its name may end in, in lower case.
        inputs: Files that the command reads; names that are no files do not matter.

    Raises:
        UsageError: The name ends in something else, or the file is one of the inputs.
    """
    if path.suffix.lower() not in suffixes:
        raise UsageError(f"expected a file name ending in {' or '.join(suffixes)}, found {path}")
    if kind_of(path) is not None:
        for each in map(Path, inputs):
            if kind_of(each) is not None and path.samefile(each):
                raise UsageError(f"expected another file to write than the input {each}")
