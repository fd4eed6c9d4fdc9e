"""TIFF directories, of TIFF files and of EXIF data, read within bounds.

A directory may say that it has 65 535 entries of gigabytes each, all of them at one place. Here an
entry costs memory only when it is asked for, and never more than the caller expects.

Format: TIFF 6.0 (Adobe, 1992), section 2; BigTIFF (https://www.awaresystems.be/imaging/tiff/bigtiff.html).
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final

MAGICS: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""First bytes of TIFF files; the last two are BigTIFF."""

_MOST_ENTRIES: Final = 4096
_RATIO: Final = 5
_LARGEST_OFFSET: Final = 2**62  # beyond it, `seek` has errors of its own
_NUMBERS: Final = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
BYTES_OF_TYPE: Final = {2: 1, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 17: 8} | {
    kind: struct.calcsize(f"={code}") for kind, code in _NUMBERS.items()
}
"""By TIFF's numbers of types."""


@dataclass(frozen=True)
class Entry:
    """One entry of a directory.

    Attributes:
        kind: TIFF's number of the type of its values.
        count: How many values there are, by its own account.
        offset: Where the first of them is in the file.
    """

    kind: int
    count: int
    offset: int


@dataclass(frozen=True)
class Directory:
    """The first directory of a file.

    Attributes:
        stream: The file.
        order: ``"<"`` or ``">"``, as `struct` calls byte orders.
        entries: By tag; of several with one tag, the first.
        has_next: Another directory follows.
    """

    stream: BinaryIO
    order: str
    entries: Mapping[int, Entry]
    has_next: bool

    def numbers(self, tag: int, most: int = 16) -> tuple[int, ...]:
        """Read unsigned whole numbers.

        Args:
            tag: The entry's.
            most: How many there may be.

        Returns:
            The numbers; empty without such an entry.

        Raises:
            ValueError: The entry is of another type, has more, or goes beyond the file's end.
        """
        entry = self.entries.get(tag)
        if entry is None:
            return ()
        code = _NUMBERS.get(entry.kind)
        if code is None or not 0 < entry.count <= most:
            raise ValueError(
                f"expected 1 to {most} whole numbers in tag {tag}, "
                f"found {entry.count} of type {entry.kind}"
            )
        return struct.unpack(f"{self.order}{entry.count}{code}", self.data(tag))

    def number(self, tag: int, default: int) -> int:
        """Read the first of an entry's numbers; `default` without such an entry."""
        return (self.numbers(tag) or (default,))[0]

    def ratios(self, tag: int, most: int = 6) -> tuple[float, ...]:
        """Read unsigned fractions; as of `numbers`."""
        entry = self.entries.get(tag)
        if entry is None:
            return ()
        if entry.kind != _RATIO or not 0 < entry.count <= most:
            raise ValueError(f"expected 1 to {most} fractions in tag {tag}, found {entry.count}")
        parts = struct.iter_unpack(f"{self.order}II", self.data(tag))
        return tuple(over / under if under else 0.0 for over, under in parts)

    def data(self, tag: int, most: int = 1 << 22) -> bytes:
        """Read an entry's bytes as they are.

        Args:
            tag: The entry's.
            most: How many there may be.

        Raises:
            ValueError: There are more, or fewer than the entry says.
            KeyError: There is no such entry.
        """
        entry = self.entries[tag]
        count = entry.count * BYTES_OF_TYPE.get(entry.kind, 1)
        if count > most:
            raise ValueError(f"expected at most {most} bytes in tag {tag}, found {count}")
        found = _read(self.stream, entry.offset, count)
        if len(found) < count:
            raise ValueError(f"expected {count} bytes in tag {tag}, found {len(found)}")
        return found


def read_directory(stream: BinaryIO) -> Directory:
    """Read the first directory of a TIFF file, or of EXIF data.

    Args:
        stream: It; seekable.

    Raises:
        ValueError: There is none, it is cut off, or has thousands of entries.
    """
    stream.seek(0)
    magic = stream.read(4)
    if magic not in MAGICS:
        raise ValueError(f"expected a TIFF header, found {magic!r}")
    order = "<" if magic[:1] == b"I" else ">"
    big = b"+" in magic
    # BigTIFF says how long its offsets are: 8 bytes, since no other length was ever defined.
    (first,) = _unpacked(stream, 8 if big else 4, f"{order}{'Q' if big else 'I'}")
    (count,) = _unpacked(stream, first, f"{order}{'Q' if big else 'H'}")
    if not 0 < count <= _MOST_ENTRIES:
        raise ValueError(f"expected 1 to {_MOST_ENTRIES} tags, found {count}")
    code = f"{order}HHQQ" if big else f"{order}HHII"
    size, inline = struct.calcsize(code), 8 if big else 4
    start = first + (8 if big else 2)
    table = _read(stream, start, size * count)
    entries: dict[int, Entry] = {}
    for at in range(0, len(table) - size + 1, size):
        tag, kind, values, offset = struct.unpack_from(code, table, at)
        if values * BYTES_OF_TYPE.get(kind, 1) <= inline:
            offset = start + at + size - inline
        entries.setdefault(tag, Entry(kind, values, offset))
    if len(table) < size * count:
        raise ValueError(f"expected {count} tags, found {len(table) // size}")
    after = stream.read(inline)
    return Directory(stream, order, entries, has_next=any(after))


def _unpacked(stream: BinaryIO, offset: int, code: str) -> tuple[int, ...]:
    return struct.unpack(code, _read(stream, offset, struct.calcsize(code)))


def _read(stream: BinaryIO, offset: int, count: int) -> bytes:
    if offset > _LARGEST_OFFSET:
        raise ValueError(f"expected an offset within the file, found {offset}")
    stream.seek(offset)
    return stream.read(count)
