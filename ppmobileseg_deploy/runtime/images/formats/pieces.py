"""Files assembled from parts of another file, without a copy in memory."""

import io
from bisect import bisect_right
from collections.abc import Iterable
from typing import BinaryIO

Piece = bytes | range
"""Bytes, or where they are in the other file."""


def assembled(stream: BinaryIO, pieces: Iterable[Piece]) -> BinaryIO:
    """Put a file together.

    Args:
        stream: The file that ranges point into; seekable. Ranges that go beyond its end are cut.
        pieces: What the new file consists of, in order.

    Returns:
        The new file, to be read and sought in. It has no file descriptor, so that a decoder in C
        cannot read past it.
    """
    return io.BufferedReader(_Assembled(stream, [piece for piece in pieces if len(piece)]))


class _Assembled(io.RawIOBase):
    def __init__(self, stream: BinaryIO, pieces: list[Piece]) -> None:
        self._stream = stream
        self._pieces = pieces
        self._ends: list[int] = []
        end = 0
        for piece in pieces:
            end += len(piece)
            self._ends.append(end)
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        end = self._ends[-1] if self._ends else 0
        self._position = max(0, offset + (0, self._position, end)[whence])
        return self._position

    def readall(self) -> bytes:
        # Python's own reads growing pieces and copies them.
        data = memoryview(bytearray(max(0, (self._ends or [0])[-1] - self._position)))
        filled = 0
        while count := self.readinto(data[filled:]):
            filled += count
        return bytes(data[:filled])

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        index = bisect_right(self._ends, self._position)
        if index == len(self._pieces):
            return 0
        piece = self._pieces[index]
        skipped = self._position - (self._ends[index] - len(piece))
        count = min(len(buffer), len(piece) - skipped)
        if isinstance(piece, bytes):
            data = piece[skipped : skipped + count]
        else:
            self._stream.seek(piece.start + skipped)
            data = self._stream.read(count)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)
