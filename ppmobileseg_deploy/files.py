"""What a path names, and writing files so that no reader ever sees half of one."""

import hashlib
import os
import re
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final, Literal

from .errors import OutputError

if sys.platform != "win32":
    import fcntl

_PIECE_BYTES: Final = 1 << 20
_NEW_FILE: Final = 0o666  # less what the user masks
_TEMPORARY: Final = re.compile(r"\.ppms-[0-9a-f]{16}(\..*)?", re.DOTALL)


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


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal.

    Args:
        path: The file, of any size.

    Raises:
        OSError: It cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def check_folder(folder: Path) -> None:
    """Make sure, without making anything, that files can be written in a folder.

    What only writing can tell, such as a full disk, stays for then.

    Args:
        folder: The folder, which need not exist: then it is one that can be made.

    Raises:
        OutputError: It may not be written to, or cannot be made.
    """
    for each in (folder, *folder.parents):
        try:
            mode = each.stat().st_mode
        except FileNotFoundError:
            if each.is_symlink():
                raise OutputError(f"cannot write to {folder}: {_leads_nowhere(each)}") from None
            continue
        except OSError as error:
            raise OutputError(f"cannot write to {folder}: {error.strerror or error}") from None
        except ValueError as error:  # a null character
            raise OutputError(f"cannot write to {str(folder)!r}: {error}") from None
        if not stat.S_ISDIR(mode):
            raise OutputError(f"cannot write to {folder}: {each} is no folder")
        if not os.access(each, os.W_OK | os.X_OK):
            raise OutputError(f"cannot write to {folder}: no permission to write in {each}")
        return


def check_file(path: Path) -> None:
    """Make sure, without making anything, that a file can be written.

    Args:
        path: The file, which need not exist, nor its folder.

    Raises:
        OutputError: The path names something else than a file, its folder may not be written to
            or cannot be made, or a link on the way leads nowhere.
    """
    check_folder(path.parent)
    _target(path)


class AtomicFile:
    """A file that is written under another name and takes its own when it is complete.

    The temporary file lies beside the final one and has the same suffix, so that writers which
    look at it choose the same format. It is locked while this object lives: `remove_abandoned`
    tells by that whether somebody is still writing. A final file that exists keeps its
    permissions, and a link to one stays a link. A link that leads nowhere is refused: whoever
    made it would choose where a new file appears.

    Attributes:
        temporary: The path to write to.
    """

    def __init__(self, path: Path) -> None:
        """Make the temporary file, and its folder if that does not exist.

        Args:
            path: The file to write.

        Raises:
            OutputError: The folder cannot be made or written to, the path names a folder, a
                device or anything else that is no file, or it goes through a link that leads
                nowhere.
        """
        self._path = path
        self._target, self._mode = _target(path)
        # Not tempfile: its files are private to the user, and a result should be as readable as
        # the folder's other files.
        mode = _NEW_FILE if self._mode is None else self._mode | stat.S_IWUSR
        with write_errors(path):
            self._target.parent.mkdir(parents=True, exist_ok=True)
            self.temporary = _temporary_path(self._target, path.suffix)
            self._lock = _make_locked(self.temporary, lambda path: _make_file(path, mode))

    def commit(self) -> None:
        """Put the file in place.

        Raises:
            OutputError: That is not possible. Call `discard` then.
        """
        with write_errors(self._path):
            # So that no power cut turns a finished result into an empty file. It takes 0.5 ms on
            # the disk of a virtual machine, and results are written in the background.
            _sync(self.temporary)
            if self._mode is not None:
                self.temporary.chmod(self._mode)
            self.temporary.replace(self._target)
        self._lock.close()

    def discard(self) -> None:
        """Remove what was written. Does nothing after `commit`."""
        with suppress(OSError):
            self.temporary.unlink(missing_ok=True)
        self._lock.close()


class AtomicFolder:
    """A folder of files that is filled under another name and takes its own when complete.

    Like `AtomicFile`, but what it replaces is a folder.

    Attributes:
        temporary: The folder to write to.
    """

    def __init__(self, path: Path) -> None:
        """Make the temporary folder.

        Args:
            path: The folder to write.

        Raises:
            OutputError: It cannot be made, the path names something that is no folder, or it goes
                through a link that leads nowhere.
        """
        self._path = path
        existing = kind_of(path)
        if existing not in (None, "folder"):
            raise OutputError(f"cannot write {path}: expected a folder or nothing, found a file")
        if existing is None:
            _check_links(path)
        with write_errors(path):
            self._target = Path(os.path.realpath(path))
            self._target.parent.mkdir(parents=True, exist_ok=True)
            self.temporary = _temporary_path(self._target, "")
            self._lock = _make_locked(self.temporary, Path.mkdir)

    def commit(self) -> None:
        """Put the folder in place; one that is there already is removed with all its files.

        Raises:
            OutputError: That is not possible. Call `discard` then.
        """
        with write_errors(self._path):
            for file in self.temporary.iterdir():
                _sync(file)
            if not self._target.exists():
                self.temporary.rename(self._target)
            else:
                self._replace_folder()
        self._lock.close()

    def _replace_folder(self) -> None:
        # A folder cannot replace one that has files: between the two renamings there is none for
        # a moment. The lock keeps the old one from being taken for abandoned.
        old = _temporary_path(self._target, "")
        with closing(_Lock(self._target)):
            self._target.rename(old)
            try:
                self.temporary.rename(self._target)
            except OSError:
                old.rename(self._target)
                raise
        # The new folder is in place. What cannot be removed now, `remove_abandoned` removes.
        _remove_folder(old, ignore_errors=True)

    def discard(self) -> None:
        """Remove what was written. Does nothing after `commit`."""
        _remove_folder(self.temporary, ignore_errors=True)
        self._lock.close()


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that takes its name when the block succeeds.

    When the block fails, the temporary file is removed and an existing ``path`` is left as it
    was. See `AtomicFile` for what else is promised.

    Args:
        path: The file to write. Its folder is made if it does not exist.

    Yields:
        The path to write to.

    Raises:
        OutputError: The folder cannot be made or written to, the disk is full, or `AtomicFile`
            refuses the path.
    """
    file = AtomicFile(path)
    try:
        with write_errors(path):
            yield file.temporary
        file.commit()
    finally:
        file.discard()


@contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Turn the system's errors within a block into one line.

    Args:
        path: What is being written.

    Raises:
        OutputError: Instead of any `OSError`.
    """
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def remove_abandoned(folder: Path) -> int:
    """Remove the temporary files and folders that killed processes left in a folder.

    What a living process is writing is locked, and stays. Where files cannot be locked (Windows,
    some network file systems) everything stays.

    Args:
        folder: The folder; those below it are not looked at.

    Returns:
        How many were removed.
    """
    try:
        with os.scandir(folder) as entries:
            left = [Path(entry.path) for entry in entries if _TEMPORARY.fullmatch(entry.name)]
    except OSError:
        return 0
    return sum(map(_remove_if_abandoned, left))


def _remove_if_abandoned(path: Path) -> bool:
    try:
        mode = path.lstat().st_mode
        is_folder = stat.S_ISDIR(mode)
        if not is_folder and not stat.S_ISREG(mode):
            return False
        with closing(_Lock(path)) as lock:
            if not lock.held:
                return False
            if is_folder:
                _remove_folder(path)
            else:
                path.unlink()
            return True
    except OSError:
        return False


class _Lock:
    """Marks a file or folder as being in use, for other processes to see.

    Windows and some network file systems have no such locks: there none is ever held.

    Attributes:
        held: Whether it is locked here: it is not where another process holds it.
    """

    def __init__(self, path: Path) -> None:
        self.held = False
        self._descriptor: int | None = None
        if sys.platform != "win32":
            with suppress(OSError):
                # For writing, because NFS locks no others; folders open for reading only.
                access = os.O_RDONLY | os.O_DIRECTORY if path.is_dir() else os.O_WRONLY
                self._descriptor = os.open(path, access | os.O_NOFOLLOW | os.O_NONBLOCK)
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self.held = True

    def close(self) -> None:
        """Give it free. Does nothing the second time."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _make_locked(path: Path, make: Callable[[Path], object]) -> _Lock:
    """Make a file or folder that nobody takes for abandoned: it is locked before it is found.

    Under its first name `remove_abandoned` passes it over. A process that is killed just then
    leaves it behind, still empty.
    """
    unlocked = path.with_name(f".new{path.name}")
    make(unlocked)
    lock = _Lock(unlocked)
    unlocked.rename(path)
    return lock


def _make_file(path: Path, mode: int) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, mode))


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_WRONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_folder(path: Path, *, ignore_errors: bool = False) -> None:
    import shutil  # here: it loads three decompressors, and few programs write folders

    shutil.rmtree(path, ignore_errors=ignore_errors)


def _temporary_path(target: Path, suffix: str) -> Path:
    return target.with_name(f".ppms-{os.urandom(8).hex()}{suffix}")


def _target(path: Path) -> tuple[Path, int | None]:
    """Return the file that ``path`` is or links to, and its permissions if it exists."""
    try:
        target = Path(os.path.realpath(path))
        mode = target.stat().st_mode
    except FileNotFoundError:
        _check_links(path)
        return target, None
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    except ValueError as error:  # a null character
        raise OutputError(f"cannot write {str(path)!r}: {error}") from error
    if not stat.S_ISREG(mode):
        found = "a folder" if stat.S_ISDIR(mode) else "a device or a pipe"
        raise OutputError(f"cannot write {path}: expected a file or nothing, found {found}")
    return target, mode & 0o777


def _check_links(path: Path) -> None:
    for each in (path, *path.parents):
        if os.path.islink(each) and not os.path.exists(each):  # noqa: PTH110, PTH114  never raise
            raise OutputError(f"cannot write {path}: {_leads_nowhere(each)}")


def _leads_nowhere(link: Path) -> str:
    return f"expected a file, a folder or nothing, found the link {link} that leads nowhere"
