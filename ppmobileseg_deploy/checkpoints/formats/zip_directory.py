"""Directory of a zip archive, read only if the archive has just one meaning.

A zip archive is read from its end, where its directory is. What lies before and between can be
another archive, and programs differ in which of the two they see. Here the directory must lie
where the end record says and reach up to that record; the parts, which PyTorch does not
compress, must lie one after the other before it, as long as directory and part both say.
"""

import struct
import zlib
from dataclasses import dataclass
from typing import Any, Final

from ...quoting import shortened
from .source import FileBytes, FormatError, Source

_END: Final = struct.Struct("<4s4H2IH")
_LOCATOR_64: Final = struct.Struct("<4sIQI")
_END_64: Final = struct.Struct("<4sQ2H2I4Q")
_ENTRY: Final = struct.Struct("<4s6H3I5H2I")
_PART: Final = struct.Struct("<4s5H3I2H")
_MAX_DIRECTORY: Final = 4 << 20
"""Bytes of a directory: 40 000 parts, of which this network with its optimizer has 2000."""

_STORED: Final = 0  # as opposed to compressed
_ENCRYPTED: Final = 1


@dataclass(frozen=True)
class Entry:
    """Directory entry of one part.

    Attributes:
        name: Path of the part inside of the archive.
        start: Where the header of the part begins, in bytes from the start of the file.
        size: Bytes of the part.
        checksum: CRC-32 of the part.
        plain: Whether the part is neither compressed nor encrypted.
    """

    name: str
    start: int
    size: int
    checksum: int
    plain: bool


def read_directory(source: Source) -> tuple[Entry, ...]:
    """Read the directory of an archive, in the order of the parts.

    Args:
        source: The file.

    Raises:
        FormatError: It is cut off or damaged, or can be read as two different archives.
    """
    start, size = _place(source)
    entries = _entries(bytes(source.read(start, size)))
    reached = 0
    for entry in entries:
        # What lies before the first part, or between two, could be another archive's.
        if entry.start < reached or (reached == 0 and entry.start > 0):
            raise FormatError("is damaged or no checkpoint: the parts of its archive overlap")
        reached = entry.start + _PART.size + entry.size
    if reached > start:
        raise FormatError("is damaged or no checkpoint: the parts of its archive overlap")
    if len({entry.name for entry in entries}) < len(entries):
        raise FormatError("is damaged or no checkpoint: its archive has two parts of one name")
    return entries


def read_parts(source: Source, entries: tuple[Entry, ...]) -> dict[str, FileBytes]:
    """Find the bytes of each part, and compare the checksums.

    PyTorch does not compare them: a flipped bit would be a wrong weight.

    Args:
        source: The file.
        entries: What `read_directory` returned.

    Returns:
        The bytes of each part, by its name.

    Raises:
        FormatError: A part is compressed or encrypted, or not what the directory says.
    """
    parts = {entry.name: _content(source, entry) for entry in entries}
    if all(entry.checksum == 0 for entry in entries):
        return parts  # torch.serialization.set_crc32_options(False) saves without checksums
    for entry in entries:
        content, checksum = parts[entry.name], 0
        for block in source.blocks(content.start, content.size):
            checksum = zlib.crc32(block, checksum)
        if checksum != entry.checksum:
            raise FormatError(
                f"is damaged: {shortened(entry.name)} is not what its checksum was made of"
            )
    return parts


def _place(source: Source) -> tuple[int, int]:
    """Return start and size of the directory, if all that is said of them agrees."""
    end = source.size - _END.size
    if end < 0:
        raise FormatError("is cut off or damaged: its archive has no end")
    signature, _, _, _, _, size, start, comment_size = _unpack(_END, source, end)
    if signature != b"PK\5\6" or comment_size:
        raise FormatError("is cut off or damaged: its archive has no end")
    locator = end - _LOCATOR_64.size
    if locator >= _END_64.size:
        signature, _, end_64, _ = _unpack(_LOCATOR_64, source, locator)
        if signature == b"PK\6\7":
            # PyTorch writes both forms of the end record.
            end = locator - _END_64.size
            signature, *_, size_64, start_64 = _unpack(_END_64, source, end)
            if (signature, end_64, size_64, start_64) != (b"PK\6\6", end, size, start):
                raise FormatError("is damaged or no checkpoint: its archive has two directories")
    if start + size != end:
        raise FormatError(
            "is cut off, damaged or no checkpoint: the directory of its archive should end at "
            f"byte {end}, and is said to end at {start + size}"
        )
    if size > _MAX_DIRECTORY:
        raise FormatError(f"is no checkpoint: the directory of its archive has {size} bytes")
    return start, size


def _entries(directory: bytes) -> tuple[Entry, ...]:
    found = []
    at = 0
    while at < len(directory):
        if at + _ENTRY.size > len(directory):
            raise FormatError("is damaged: the directory of its archive is cut off")
        fields = _ENTRY.unpack_from(directory, at)
        signature, _, _, flags, method, _, _, checksum, packed_size, size = fields[:10]
        name_size, extra_size, comment_size, *_, start = fields[10:]
        if signature != b"PK\1\2":
            raise FormatError("is damaged: the directory of its archive is none")
        name_at = at + _ENTRY.size
        name = directory[name_at : name_at + name_size].decode("utf-8", "replace")
        plain = method == _STORED and packed_size == size and not flags & _ENCRYPTED
        found.append(Entry(name, start, packed_size, checksum, plain))
        at = name_at + name_size + extra_size + comment_size
    return tuple(sorted(found, key=lambda entry: entry.start))


def _content(source: Source, entry: Entry) -> FileBytes:
    if not entry.plain:
        raise FormatError(
            "is a compressed or encrypted archive, expected one that torch.save wrote: it does "
            "neither"
        )
    signature, *_, name_size, extra_size = _unpack(_PART, source, entry.start)
    name_at = entry.start + _PART.size
    name = bytes(source.read(name_at, name_size)).decode("utf-8", "replace")
    if signature != b"PK\3\4" or name != entry.name:
        raise FormatError(
            f"is damaged or no checkpoint: {shortened(entry.name)} is not where the directory of "
            "its archive says"
        )
    return FileBytes(source, name_at + name_size + extra_size, entry.size)


def _unpack(form: struct.Struct, source: Source, start: int) -> tuple[Any, ...]:
    return form.unpack(source.read(start, form.size))
