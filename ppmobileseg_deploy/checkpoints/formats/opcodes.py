"""The opcodes of a pickle with their arguments, bounded in number and size.

Long arguments, the bytes of arrays above all, stay in the file.
"""

import pickle
import pickletools
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from .source import FileBytes, FormatError, Source

MAX_OPCODES: Final = 1_000_000
"""A checkpoint of this network with its optimizer and curves has less than a tenth of that."""

_INLINE: Final = 1 << 16  # longer texts stay in the file
_MAX_DIGITS: Final = 1000
_BUFFER: Final = 1 << 18  # also the longest line


@dataclass(frozen=True, slots=True)
class FileText:
    """A long text that stays in the file, as UTF-8, until it is needed."""

    content: FileBytes

    def read(self) -> str:
        """Return the text.

        Raises:
            FormatError: It is no UTF-8.
        """
        return _decoded(self.content.read(0, self.content.size))


def read_opcodes(
    source: Source, start: int, stop: int, most: int = MAX_OPCODES
) -> Iterator[tuple[str, Any, int]]:
    """Yield the opcodes of one pickle up to its end.

    Args:
        source: The file.
        start: Where the pickle begins.
        stop: Where it ends at the latest.
        most: How many opcodes there may be.

    Yields:
        The opcode as `pickletools` names it; its argument: a number, a text, bytes as
        `FileBytes`, a long text as `FileText`, the two names of a global, or None; and the place
        after it.

    Raises:
        FormatError: It is cut off, damaged, has more than that many opcodes, or one that no
            framework writes.
    """
    cursor = _Cursor(source, start, stop)
    for _ in range(most):
        code = cursor.take(1)
        if code not in _OPCODES:
            raise FormatError(f"is damaged or no checkpoint: a pickle with opcode {code!r}")
        name, argument = _OPCODES[code]
        yield name, argument and argument(cursor), cursor.at
        if name == "STOP":
            return
    raise FormatError(f"is no checkpoint: a pickle of more than {most} opcodes")


class _Cursor:
    """Goes through a part of a file, a buffer at a time."""

    def __init__(self, source: Source, start: int, stop: int) -> None:
        self._source, self._stop = source, stop
        self._buffer = b""
        self._base, self._offset = start, 0

    @property
    def at(self) -> int:
        return self._base + self._offset

    def take(self, size: int) -> bytes:
        if self._offset + size > len(self._buffer):
            self._fill(size)
        start, self._offset = self._offset, self._offset + size
        return self._buffer[start : self._offset]

    def skip(self, size: int) -> FileBytes:
        self._check(size)
        skipped = FileBytes(self._source, self.at, size)
        # Many small ones must not make the buffer be read anew each time.
        self._offset += size
        if self._offset > len(self._buffer):
            self._base, self._offset, self._buffer = self.at, 0, b""
        return skipped

    def line(self) -> bytes:
        end = self._buffer.find(b"\n", self._offset)
        if end < 0:
            self._fill(1)
            end = self._buffer.find(b"\n")
        if end < 0:
            raise FormatError("is cut off or damaged: a line of its pickle has no end")
        return self.take(end + 1 - self._offset)[:-1]

    def _fill(self, size: int) -> None:
        self._check(size)
        self._base, self._offset = self.at, 0
        size = min(max(size, _BUFFER), self._stop - self._base)
        self._buffer = bytes(self._source.read(self._base, size))

    def _check(self, size: int) -> None:
        if size > self._stop - self.at:
            raise FormatError("is cut off or damaged: its pickle has no end")


_Argument = Callable[[_Cursor], Any]


def _number(form: str) -> _Argument:
    packed = struct.Struct(form)
    return lambda cursor: packed.unpack(cursor.take(packed.size))[0]


def _bytes(count: str) -> _Argument:
    size = _number(count)
    return lambda cursor: cursor.skip(size(cursor))


def _text(count: str) -> _Argument:
    size_of = _number(count)

    def read(cursor: _Cursor) -> str | FileText:
        size = size_of(cursor)
        return FileText(cursor.skip(size)) if size > _INLINE else _decoded(cursor.take(size))

    return read


def _python_2_text(count: str) -> _Argument:
    size_of = _number(count)

    def read(cursor: _Cursor) -> str | FileBytes:
        size = size_of(cursor)
        return cursor.skip(size) if size > _INLINE else cursor.take(size).decode("latin-1")

    return read


def _long(count: str) -> _Argument:
    size_of = _number(count)

    def read(cursor: _Cursor) -> int:
        size = size_of(cursor)
        if size > _MAX_DIGITS:
            raise FormatError(f"is damaged or no checkpoint: a number of {size} bytes")
        return pickle.decode_long(cursor.take(size))

    return read


def _digits(cursor: _Cursor) -> bytes:
    line = cursor.line()
    if len(line) > _MAX_DIGITS:
        raise FormatError(f"is damaged or no checkpoint: a number of {len(line)} digits")
    return line


def _integer(cursor: _Cursor) -> int | bool:
    line = _digits(cursor).removesuffix(b"L")
    return line == b"01" if line in (b"00", b"01") else _converted(int, line)


def _global(cursor: _Cursor) -> tuple[str, str]:
    return _decoded(cursor.line()), _decoded(cursor.line())


def _quoted(cursor: _Cursor) -> str:
    return cursor.line().strip(b"'\"").decode("latin-1")


def _escaped(cursor: _Cursor) -> str:
    text: str = _converted(lambda line: line.decode("raw-unicode-escape"), cursor.line())
    return text


def _decoded(content: bytes | bytearray) -> str:
    text: str = _converted(lambda each: each.decode("utf-8", "surrogatepass"), content)
    return text


def _converted(convert: Callable[[Any], Any], content: bytes | bytearray) -> Any:
    try:
        return convert(content)
    except ValueError as error:
        raise FormatError(f"is damaged: {type(error).__name__} in its pickle") from error


_ARGUMENTS: Final[dict[str, _Argument]] = {
    "uint1": _number("<B"),
    "uint2": _number("<H"),
    "uint4": _number("<I"),
    "uint8": _number("<Q"),
    "int4": _number("<i"),
    "float8": _number(">d"),
    "long1": _long("<B"),
    "long4": _long("<I"),
    "decimalnl_short": _integer,
    "decimalnl_long": _integer,
    "floatnl": lambda cursor: _converted(float, _digits(cursor)),
    "bytes1": _bytes("<B"),
    "bytes4": _bytes("<I"),
    "bytes8": _bytes("<Q"),
    "bytearray8": _bytes("<Q"),
    "unicodestring1": _text("<B"),
    "unicodestring4": _text("<I"),
    "unicodestring8": _text("<Q"),
    "unicodestringnl": _escaped,
    "string1": _python_2_text("<B"),
    "string4": _python_2_text("<I"),
    "stringnl": _quoted,
    "stringnl_noescape_pair": _global,
}

_NEVER_WRITTEN: Final = {"EXT1", "EXT2", "EXT4", "PERSID", "NEXT_BUFFER", "READONLY_BUFFER"}

_OPCODES: Final[dict[bytes, tuple[str, _Argument | None]]] = {
    opcode.code.encode("latin-1"): (
        opcode.name,
        None if opcode.arg is None else _ARGUMENTS[opcode.arg.name],
    )
    for opcode in pickletools.opcodes
    if opcode.name not in _NEVER_WRITTEN
}
