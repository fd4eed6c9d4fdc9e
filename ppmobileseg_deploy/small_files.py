"""Reading the small files that users name: never more than may be there, never for ever."""

import errno
import os
import select
import stat
import time
from pathlib import Path
from typing import Final

_PATIENCE_S: Final = 5.0
_PIECE_BYTES: Final = 1 << 16


def read_small(path: Path, most_bytes: int) -> bytes:
    """Read a file, or what a pipe such as a shell's ``<(command)`` gives.

    Args:
        path: The file or pipe.
        most_bytes: No more than one byte beyond this many is read.

    Returns:
        The content; of a longer one the first ``most_bytes + 1`` bytes.

    Raises:
        OSError: It cannot be read, or a pipe was not written to its end within 5 seconds.
        ValueError: The path holds a null character.
    """
    # Without O_NONBLOCK, a pipe is not even open before somebody writes to it.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags), "rb", buffering=0) as file:  # noqa: PTH123  a descriptor
        waits = not stat.S_ISREG(os.fstat(file.fileno()).st_mode)
        deadline = time.monotonic() + _PATIENCE_S
        content = bytearray()
        while len(content) <= most_bytes:
            if waits:
                _wait(file.fileno(), deadline)
            piece = file.read(min(_PIECE_BYTES, most_bytes + 1 - len(content)))
            if piece:
                content += piece
            elif piece is not None:  # None: nothing yet
                break
    return bytes(content)


def _wait(descriptor: int, deadline: float) -> None:
    ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
    if not ready:
        raise TimeoutError(
            errno.ETIMEDOUT, f"nobody wrote to this pipe to its end within {_PATIENCE_S:g} s"
        )
