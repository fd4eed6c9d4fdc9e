"""Writing files so that no reader ever sees half of one."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import OutputError


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that takes its name when the block succeeds.

    The temporary file has the same suffix, so that writers which look at it choose the same
    format. When the block fails, the temporary file is removed and an existing ``path`` is left
    as it was.

    Args:
        path: The file to write. Its folder is made if it does not exist.

    Yields:
        The path to write to.

    Raises:
        OutputError: The folder cannot be made or written to, or the disk is full.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".ppms-{secrets.token_hex(8)}{path.suffix}")
        # Not tempfile: its files are private to the user, and a result should be as readable as
        # the folder's other files.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
