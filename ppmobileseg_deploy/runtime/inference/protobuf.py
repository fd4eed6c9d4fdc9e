"""Reader of protobuf messages for untrusted files: field by field, no schema, no copies."""

from typing import BinaryIO, Final

MAX_FIELDS: Final = 1 << 22
"""Fields looked at before a file is given up: the largest networks have a tenth of it."""

_MAX_TAG: Final = (1 << 32) - 1
_MAX_VARINT_BYTES: Final = 10
_LENGTH_DELIMITED: Final = 2
_FIXED_BYTES: Final = {1: 8, 5: 4}


class MalformedError(ValueError):
    """The bytes are no protobuf message, or exceed a limit of this reader."""


class Wire:
    """A position in a protobuf file.

    What protobuf readers treat differently (groups, tags of more than 32 bits) is refused, so
    that nothing is missed here that another reader finds.

    Args:
        stream: The file, open for reading in binary mode, at its start.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._fields = 0
        self.position = 0

    def field(self) -> tuple[int, int | None]:
        """Read the tag of a field.

        Returns:
            Its number, and the length of its content in bytes, which comes next; None for a
            whole number, to be read by `varint`.

        Raises:
            MalformedError: Here is no field, or there were more than `MAX_FIELDS`.
        """
        self._fields += 1
        if self._fields > MAX_FIELDS:
            raise MalformedError(f"more than {MAX_FIELDS} fields")
        tag = self.varint()
        number, wire_type = tag >> 3, tag & 7
        if tag > _MAX_TAG or number == 0:
            raise MalformedError(f"field {number} at byte {self.position}")
        if wire_type == 0:
            return number, None
        if wire_type == _LENGTH_DELIMITED:
            return number, self.varint()
        if wire_type not in _FIXED_BYTES:
            raise MalformedError(f"wire type {wire_type} at byte {self.position}")
        return number, _FIXED_BYTES[wire_type]

    def varint(self) -> int:
        """Read a whole number in [0, 2**64).

        Raises:
            MalformedError: The file ends, or the number does not.
        """
        value = 0
        for place in range(_MAX_VARINT_BYTES):
            byte = self._stream.read(1)
            if place == 0 and byte and byte[0] < 0x80:  # nearly all are
                self.position += 1
                return byte[0]
            if not byte:
                raise MalformedError(f"an end at byte {self.position}")
            self.position += 1
            value |= (byte[0] & 0x7F) << (7 * place)
            if byte[0] < 0x80:
                return value & ((1 << 64) - 1)
        raise MalformedError(f"an endless number at byte {self.position}")

    def take(self, length: int) -> bytes:
        """Read bytes.

        Args:
            length: How many; the caller keeps it small.

        Raises:
            MalformedError: The file ends.
        """
        content = self._stream.read(length)
        if len(content) != length:
            raise MalformedError(f"an end within field content at byte {self.position}")
        self.position += length
        return content

    def skip(self, length: int) -> None:
        """Skip bytes; the caller has checked that they exist.

        Args:
            length: How many.
        """
        self._stream.seek(length, 1)
        self.position += length
