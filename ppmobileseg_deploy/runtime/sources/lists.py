"""Lists of locations, from a text file or standard input, which may hold an image instead."""

import codecs
import re
import sys
from pathlib import Path
from typing import Final

from ...errors import ImageError
from ...small_files import read_small
from ..images.files import MOST_BYTES

LIST_SUFFIX: Final = ".txt"
"""Files with this name are lists."""

MAX_LIST_BYTES: Final = 16 << 20

# More than the first letters, since a list may begin with "BMW.jpg" or "P6.png".
_IMAGE: Final = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|RIFF....WEBP|BM.{0,12}?\0|II[*+]\0|MM\0[*+]|GIF8[79]a|P[56]\s",
    re.DOTALL,
)
_UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SHOWN_BYTES: Final = 12


def looks_like_image(content: bytes) -> bool:
    """Return whether content begins like a file of one of the types that `read_image` reads."""
    return _IMAGE.match(content) is not None


def read_list(path: Path) -> list[str]:
    """Read a text file of locations.

    Args:
        path: One location a line, which may stand in double quotes; empty lines and those that
            begin with ``#`` mean nothing.

    Returns:
        The locations.

    Raises:
        ImageError: The file cannot be read, is no text, has no location, or is larger than
            `MAX_LIST_BYTES`.
    """
    try:
        content = read_small(path, MAX_LIST_BYTES)
    except OSError as error:
        raise ImageError(f"cannot read {path}: {error.strerror or error}") from error
    return _lines(content, str(path))


def read_stdin() -> bytes | list[str]:
    """Read standard input to its end: the content decides what it is.

    Returns:
        The bytes of an image, or locations as `read_list` gives them.

    Raises:
        ImageError: It is neither, is empty, or is too large.
    """
    name = "standard input"
    if sys.stdin is None:
        raise ImageError(f"cannot read {name}: there is none")
    stream = sys.stdin.buffer
    try:
        content = stream.read(MAX_LIST_BYTES + 1)
        if not looks_like_image(content):
            return _lines(content, name)
        pieces, size = [content], len(content)
        while size <= MOST_BYTES and (piece := stream.read(1 << 20)):
            pieces.append(piece)
            size += len(piece)
    except OSError as error:
        raise ImageError(f"cannot read {name}: {error.strerror or error}") from error
    if size > MOST_BYTES:
        raise ImageError(f"cannot read {name}: expected at most {MOST_BYTES} bytes")
    return b"".join(pieces)


def _lines(content: bytes, name: str) -> list[str]:
    if not content.strip():
        raise ImageError(
            f"cannot read {name}: expected at least one path or address, found an empty list"
        )
    try:
        # PowerShell writes UTF-16 when told to redirect.
        text = content.decode("utf-16" if content.startswith(_UTF16_MARKS) else "utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise ImageError(
            f"cannot read {name}: expected an image or a list of paths (UTF-8, one a line), "
            f"found content that starts with {content[:_SHOWN_BYTES]!r}"
        )
    if len(content) > MAX_LIST_BYTES:
        raise ImageError(f"cannot read {name}: expected a list of at most {MAX_LIST_BYTES} bytes")
    lines = (line.strip() for line in text.split("\n"))
    locations = [_unquoted(line) for line in lines if line and not line.startswith("#")]
    if not locations:
        raise ImageError(
            f"cannot read {name}: expected at least one path or address, found an empty list"
        )
    return locations


def _unquoted(line: str) -> str:
    # Windows copies paths in quotes, which no file name there can hold.
    quoted = len(line) > 2 and line[0] == line[-1] == '"' and '"' not in line[1:-1]
    return line[1:-1] if quoted else line
