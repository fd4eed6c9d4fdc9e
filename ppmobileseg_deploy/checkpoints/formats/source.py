"""Bytes of a checkpoint file, read at given places and never beyond its end.

A file is not mapped into memory: a training run that writes its next checkpoint over the last
one shortens it, which would end this process with a bus error.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

_BLOCK: Final = 1 << 20


class FormatError(Exception):
    """A file cannot be read as a checkpoint.

    The message is the end of a sentence, such as "is damaged: ...", which `load_checkpoint`
    begins with the file's name.
    """


class Source:
    """An open file.

    Attributes:
        path: Where it was found.
        size: Its size in bytes.
    """

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self._file = file
        self._before = _state(os.fstat(file.fileno()))
        self.size = os.fstat(file.fileno()).st_size

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> "Iterator[Source]":
        """Open a file for the time of a block.

        Raises:
            OSError: It cannot be opened.
        """
        with path.open("rb") as file:
            yield cls(path, file)

    def read(self, start: int, size: int) -> bytearray:
        """Return some of the bytes, exactly as many as asked for.

        Args:
            start: Place of the first, from 0.
            size: How many.

        Raises:
            FormatError: The file does not reach so far. No memory was taken then.
        """
        if not 0 <= start <= start + size <= self.size:
            raise FormatError(
                f"is cut off or damaged: it has {self.size} bytes, expected {start + size}"
            )
        content = bytearray(size)
        self._file.seek(start)
        if self._file.readinto(content) != size:  # type: ignore[attr-defined]
            raise FormatError("was changed while it was read")
        return content

    def blocks(self, start: int, size: int) -> Iterator[bytearray]:
        """Yield some of the bytes, a megabyte at a time."""
        for at in range(start, start + size, _BLOCK):
            yield self.read(at, min(_BLOCK, start + size - at))

    def sha256(self) -> str:
        """Return the SHA-256 of the whole file, in hexadecimal."""
        digest = hashlib.sha256()
        for block in self.blocks(0, self.size):
            digest.update(block)
        return digest.hexdigest()

    def check_unchanged(self) -> None:
        """Make sure that all that was read, the hash included, is of one file.

        Raises:
            FormatError: The file has been written to or replaced since it was opened.
        """
        now = _state(os.fstat(self._file.fileno()))
        if not now == self._before == _state(self.path.stat()):
            raise FormatError("was changed while it was read")


@dataclass(frozen=True, slots=True)
class FileBytes:
    """Some bytes of a file that stay there until they are needed.

    Attributes:
        source: The file.
        start: Place of the first.
        size: How many.
    """

    source: Source
    start: int
    size: int

    def read(self, start: int, size: int) -> bytearray:
        """Return some of them; `start` counts from the first of these.

        Raises:
            FormatError: There are fewer.
        """
        if not 0 <= start <= start + size <= self.size:
            raise FormatError(f"is damaged: {self.size} bytes where {start + size} are claimed")
        return self.source.read(self.start + start, size)


def _state(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_size, found.st_mtime_ns
