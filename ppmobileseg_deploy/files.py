"""What a path names, and writing files so that no reader ever sees half of one."""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from .errors import OutputError

_NEW_FILE: Final = 0o666  # less what the user masks


def kind_of(path: Path) -> Literal["file", "folder", "device"] | None:
    """Tell what is at a path.

    Any path has an answer: `Path.exists` and its like raise for those that are too long, hold a
    null character, or lie in a folder that may not be entered.

    Args:
        path: The path; links are followed.

    Returns:
        ``"device"`` for whatever is neither a file nor a folder, such as a pipe; None for
        nothing, or nothing that could be seen.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return None
    if stat.S_ISREG(mode):
        return "file"
    return "folder" if stat.S_ISDIR(mode) else "device"


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that takes its name when the block succeeds.

    The temporary file has the same suffix, so that writers which look at it choose the same
    format. When the block fails, the temporary file is removed and an existing ``path`` is left
    as it was. A file that exists keeps its permissions, and a link to one stays a link.

    Args:
        path: The file to write. Its folder is made if it does not exist.

    Yields:
        The path to write to.

    Raises:
        OutputError: The folder cannot be made or written to, the disk is full, or the path names
            a folder, a device or anything else that is no file.
    """
    target, mode = _target(path)
    temporary: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".ppms-{secrets.token_hex(8)}{path.suffix}")
        # Not tempfile: its files are private to the user, and a result should be as readable as
        # the folder's other files.
        writable = _NEW_FILE if mode is None else mode | stat.S_IWUSR
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, writable))
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        if mode is not None:
            temporary.chmod(mode)
        temporary.replace(target)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _target(path: Path) -> tuple[Path, int | None]:
    """Return the file that ``path`` is or links to, and its permissions if it exists."""
    try:
        target = Path(os.path.realpath(path))
        mode = target.stat().st_mode
    except FileNotFoundError:
        return target, None
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    except ValueError as error:  # a null character
        raise OutputError(f"cannot write {str(path)!r}: {error}") from error
    if not stat.S_ISREG(mode):
        found = "a folder" if stat.S_ISDIR(mode) else "a device or a pipe"
        raise OutputError(f"cannot write {path}: expected a file or nothing, found {found}")
    return target, mode & 0o777
