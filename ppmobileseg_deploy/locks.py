"""Files that a living process has in use, told from those that a killed one left."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":
    import fcntl


class FileLock:
    """An open file that other processes see as being in use, where the system can lock it.

    Args:
        descriptor: The open file or folder, which this object closes; None where there is none.

    Attributes:
        held: Whether it is locked here.
    """

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self.held = False
        self._held_elsewhere = False
        if sys.platform != "win32" and descriptor is not None:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self.held = True
            except BlockingIOError:
                self._held_elsewhere = True
            except OSError:
                pass  # some network file systems cannot: there nothing is taken for abandoned

    def still_names(self, path: Path) -> bool:
        """Tell whether the path leads to the open file, and will until this lock is released.

        Who holds the lock elsewhere is about to remove the file, even if it is still there.
        """
        return not self._held_elsewhere and path.exists()

    def sync(self) -> None:
        """Bring what was written to the disk."""
        if self._descriptor is not None:
            os.fsync(self._descriptor)

    @contextmanager
    def around_renaming(self) -> Iterator[None]:
        """Release the file when it has its new name; before that, where that is not allowed."""
        if sys.platform == "win32":
            self.release()
        try:
            yield
        finally:
            self.release()

    def release(self) -> None:
        """Close the file. Does nothing the second time."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def open_folder(path: Path) -> int | None:
    """Open a folder, no link to one, so that it can be locked; None where that is impossible."""
    if sys.platform == "win32":
        return None
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
