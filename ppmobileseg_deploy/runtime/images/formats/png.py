"""PNG: header, palette and pixels; whatever else is in a file is stepped over.

Editors keep their work in a PNG's text: megabytes of it, packed, which Pillow refuses to inflate.
Here no text and no colour profile is inflated, checked or copied, but the one that says how a
camera was held.

Format: https://www.w3.org/TR/png-3/
"""

import binascii
import contextlib
import struct
import zlib
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from PIL import PngImagePlugin

from ....errors import ImageError
from ....types import ImageBGR
from ..headers import DEFLATE, Limits
from ..pil_images import bgr_of_pil
from .orientation import MOST_BYTES, orientation_of, turned
from .pieces import Piece, assembled

MAGIC: Final = b"\x89PNG\r\n\x1a\n"

_MOST_CHUNKS: Final = 1 << 18  # of 8192 bytes, as libpng writes them: 2 GB
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PALETTE: Final = 3
_TRANSPARENT: Final = {0: (2,), 2: (6,), _PALETTE: range(1, 257)}  # and how many bytes say so
_END: Final = b"\0\0\0\0IEND\xae\x42\x60\x82"
_EXIF: Final = b"eXIf"
_XMP: Final = b"XML:com.adobe.xmp"
_RAW_EXIF: Final = b"Raw profile type exif"  # ImageMagick's


@dataclass
class PngParts:
    """What is of use in a PNG file.

    Attributes:
        size_hw: Height and width.
        bits: Of a pixel.
        color: PNG's number of what a pixel is: gray, red, green and blue, an index, ...
        pieces: A PNG file of header, palette and pixels.
        upright: The chunks that may tell which side is up, as they are stored: the first of each
            kind.
    """

    size_hw: tuple[int, int]
    bits: int
    color: int
    pieces: list[Piece] = field(default_factory=list)
    upright: dict[bytes, tuple[bytes, bytes]] = field(default_factory=dict)


def decode(stream: BinaryIO, limits: Limits) -> ImageBGR:
    """Decode a PNG file, of an animation the default image; see `formats`."""
    image, parts = open_png(stream, limits)
    return turned(bgr_of_pil(image), _orientation(parts))


def open_png(stream: BinaryIO, limits: Limits) -> tuple[PngImagePlugin.PngImageFile, PngParts]:
    """Open a PNG file without decoding its pixels.

    Args:
        stream: The file.
        limits: How large it may be.

    Returns:
        The file as Pillow sees it, and what was found in it.

    Raises:
        ImageError: It is too large, or no PNG file but for its first bytes.
        Exception: Its header is damaged.
    """
    parts = _read_chunks(stream, limits.file_bytes)
    limits.check(parts.size_hw, DEFLATE * 8 / parts.bits)
    return PngImagePlugin.PngImageFile(assembled(stream, parts.pieces)), parts


def _read_chunks(stream: BinaryIO, file_bytes: int) -> PngParts:
    parts, start, has_palette = None, len(MAGIC), False
    for _ in range(_MOST_CHUNKS):
        stream.seek(start)
        head = stream.read(8)
        if len(head) < 8 or head[4:] == b"IEND":
            break
        count, name = struct.unpack(">I4s", head)
        end = start + 12 + count
        if parts is None:
            parts = _read_header(name, stream.read(count) if count == 13 else b"")
            parts.pieces.append(range(end))
        elif name == b"IDAT" and count:
            if end > file_bytes:  # its pixels may be there all the same
                count = max(0, file_bytes - start - 8)
                chunk = range(start + 8, start + 8 + count)
                parts.pieces += [struct.pack(">I4s", count, name), chunk, bytes(4)]
                break
            _append(parts.pieces, range(start, end))
        elif name == b"PLTE" and parts.color == _PALETTE and not has_palette:
            has_palette = True
            parts.pieces.append(range(start, end))
        elif name == b"tRNS" and count in _TRANSPARENT.get(parts.color, ()):
            if _is_intact(name, stream.read(count), stream):
                parts.pieces.append(range(start, end))
        elif count <= MOST_BYTES:
            _note_orientation(parts, name, stream, count)
        start = end
    else:
        raise ImageError(f"expected at most {_MOST_CHUNKS} chunks in a PNG file, found more")
    if parts is None:
        raise ValueError("no header")
    if parts.color == _PALETTE and not has_palette:
        raise ValueError("no palette")
    parts.pieces.append(_END)
    return parts


def _append(pieces: list[Piece], chunk: range) -> None:
    last = pieces[-1]
    if isinstance(last, range) and last.stop == chunk.start:
        pieces[-1] = range(last.start, chunk.stop)
    else:
        pieces.append(chunk)


def _read_header(name: bytes, data: bytes) -> PngParts:
    if name == b"CgBI":
        raise ImageError("expected a PNG file, found an iPhone app's own form of one (CgBI)")
    if name != b"IHDR" or len(data) < 13:
        raise ValueError("no header")
    width, height, depth, color = struct.unpack_from(">IIBB", data)
    if color not in _CHANNELS or not depth:
        raise ValueError(f"colour type {color} of {depth} bits")
    return PngParts((height, width), depth * _CHANNELS[color], color)


def _note_orientation(parts: PngParts, name: bytes, stream: BinaryIO, count: int) -> None:
    if name not in (_EXIF, b"iTXt", b"zTXt", b"tEXt"):
        return
    data = stream.read(count)
    keyword, _, text = (name, b"", data) if name == _EXIF else data.partition(b"\0")
    if keyword in (_EXIF, _XMP, _RAW_EXIF) and _is_intact(name, data, stream):
        parts.upright.setdefault(keyword, (name, text))


def _orientation(parts: PngParts) -> int:
    exif = parts.upright.get(_EXIF, (b"", b""))[1]
    if not exif and _RAW_EXIF in parts.upright:
        name, text = parts.upright[_RAW_EXIF]
        text = _inflated(text[1:]) if name == b"zTXt" else text
        # A name, a count of bytes, then digits in lines.
        with contextlib.suppress(ValueError):
            exif = binascii.unhexlify(b"".join(text.split(b"\n")[3:]))
    name, text = parts.upright.get(_XMP, (b"", b""))
    packed, text = text[:1] == b"\1", text[2:].split(b"\0", 2)[-1]
    return orientation_of(exif, _inflated(text) if packed else text)


def _is_intact(name: bytes, data: bytes, stream: BinaryIO) -> bool:
    return stream.read(4) == struct.pack(">I", zlib.crc32(name + data))


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, MOST_BYTES)
    except zlib.error:
        return b""
