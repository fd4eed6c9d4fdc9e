"""JPEG: tables, frame and scans; whatever else is in a file is stepped over.

Scans are counted before they are decoded. Each costs a walk over all blocks, however few bytes it
has, so that a progressive file of kilobytes can take minutes.

Format: ITU-T T.81; https://www.w3.org/Graphics/JPEG/itu-t81.pdf
"""

import hashlib
import io
import re
from dataclasses import dataclass, field
from typing import BinaryIO, Final

import simplejpeg
from PIL import JpegImagePlugin

from ....errors import ImageError
from ....types import ImageBGR
from ..headers import ALMOST_NOTHING, JPEG, Limits
from ..pil_images import bgr_of_pil
from .orientation import EXIF_MARK, MOST_BYTES, orientation_of, turned
from .pieces import Piece, assembled

MAGIC: Final = b"\xff\xd8\xff"

_START, _END, _SCAN = 0xD8, 0xD9, 0xDA
_SEQUENTIAL, _PROGRESSIVE, _ARITHMETIC = (0xC0, 0xC1, 0xC9), (0xC2, 0xCA), (0xC9, 0xCA)
_REFUSED: Final = {
    0xC3: "a lossless JPEG file",
    0xC5: "a hierarchical JPEG file",
    0xC6: "a hierarchical JPEG file",
    0xC7: "a hierarchical JPEG file",
    0xCB: "a lossless JPEG file",
    0xCD: "a hierarchical JPEG file",
    0xCE: "a hierarchical JPEG file",
    0xCF: "a hierarchical JPEG file",
    0xF7: "a JPEG-LS file",
}
# Tables, restart interval, and what tells which colours they are: JFIF's and Adobe's segments.
_KEPT: Final = frozenset({0xC4, 0xCC, 0xDB, 0xDD, 0xE0, 0xEE, *_SEQUENTIAL, *_PROGRESSIVE})
_APP1: Final = 0xE1
_CMYK: Final = 4  # channels
_XMP: Final = b"http://ns.adobe.com/xap/1.0/\0"

_MOST_SEGMENTS: Final = 4096
_MOST_SCANS: Final = 256
_MOST_PIXELS_OF_SCANS: Final = 2_000_000_000  # 0.7 s, at 0.34 ns a pixel
_FEW_SCANS: Final = 24  # encoders write 10, and a few more for four channels
# Any byte before a marker counts as filling. Restart markers, of which there may be millions, and
# 0xFF00, which stands for a byte of pixels, are none of those that are looked for.
_MARKER: Final = re.compile(rb"\xff+([\x02-\xcf\xd8-\xfe])")
# What is put in place of pixels that may be missing.
_FILLINGS: Final = (b"\x55" * 96, bytes(range(250, 2, -7)) * 3)
_RESTART_INTERVAL: Final = b"\xff\xdd"
_RESTARTS: Final = tuple(bytes((0xFF, 0xD0 + each)) for each in range(8))


@dataclass
class _Header:
    """What comes before the first scan, without what pixels do not need."""

    frame: int = 0
    size_hw: tuple[int, int] = (0, 0)
    components: tuple[int, ...] = ()
    exif: bytes = b""
    xmp: bytes = b""
    pieces: list[Piece] = field(default_factory=lambda: [b"\xff\xd8"])
    first_scan: int = 0


def decode(stream: BinaryIO, limits: Limits) -> ImageBGR:
    """Decode a JPEG file, of several images the first; see `formats`."""
    content = _without_filling(stream.read())
    header = _read_header(content)
    limits.check(header.size_hw, ALMOST_NOTHING if header.frame in _ARITHMETIC else JPEG)
    has_all = _check_scans(content, header)
    bgr = _undamaged(header, content)
    if bgr is None:
        try:
            bgr = _pixels(header, content)
        except OSError:
            if not has_all:
                raise
            bgr = _pixels_without_end(header, content)
    return turned(bgr, orientation_of(header.exif, header.xmp))


def _without_filling(content: bytes) -> bytes:
    # Zeros that fill a disk's sector, or replace data that were not received, would be decoded
    # as pixels.
    stripped = content.rstrip(b"\0")
    return stripped if len(content) - len(stripped) > 2 else content


def _read_header(content: bytes) -> _Header:
    header, at = _Header(), 2
    for _ in range(_MOST_SEGMENTS):
        marker, start, end = _segment(content, at)
        if marker == _END:
            break
        data = content[start + 4 : end]
        if marker in _REFUSED:
            raise ImageError(
                f"expected a baseline or progressive JPEG file, found {_REFUSED[marker]}"
            )
        if marker in _SEQUENTIAL or marker in _PROGRESSIVE:
            _read_frame(header, marker, data)
        elif marker == _APP1:
            # EXIF data of more than 64 kB go on in the next segment.
            if data.startswith(EXIF_MARK) and len(header.exif) < MOST_BYTES:
                header.exif += data[len(EXIF_MARK) if header.exif else 0 :]
            elif data.startswith(_XMP):
                header.xmp = data[len(_XMP) :]
        if marker == _SCAN:
            if not header.frame:
                raise ValueError("pixels before a header")
            header.first_scan = start
            header.pieces.append(range(start, len(content)))
            return header
        if marker in _KEPT:
            header.pieces.append(range(start, end))
        at = end
    else:
        raise ImageError(f"expected at most {_MOST_SEGMENTS} segments in a JPEG file, found more")
    raise ValueError("no pixels")


def _segment(content: bytes, at: int) -> tuple[int, int, int]:
    """Find the next segment: its marker, where that begins, and where the segment ends."""
    match = _MARKER.search(content, at)
    if match is None:
        raise ValueError("no pixels")
    marker, start = match[1][0], match.end() - 2
    if marker in (_START, _END):
        return marker, start, start + 2
    count = int.from_bytes(content[start + 2 : start + 4], "big")
    if count < 2 or start + 2 + count > len(content):
        raise ValueError("a segment that is cut off")
    return marker, start, start + 2 + count


def _read_frame(header: _Header, marker: int, data: bytes) -> None:
    if header.frame:
        raise ValueError("two headers")
    bits, height, width = (
        data[0],
        int.from_bytes(data[1:3], "big"),
        int.from_bytes(data[3:5], "big"),
    )
    components = data[6::3]
    if bits != 8:
        raise ImageError(f"expected a JPEG file of 8 bits a channel, found one of {bits}")
    if not height:
        raise ImageError("expected a JPEG file with its height in the header, found one without")
    if len(components) not in (1, 3, 4) or data[5] != len(components):
        raise ImageError(
            f"expected a JPEG file of 1, 3 or 4 channels, found one of {len(components)}"
        )
    header.frame, header.size_hw, header.components = marker, (height, width), tuple(components)


def _check_scans(content: bytes, header: _Header) -> bool:
    """Refuse a file of too many scans; tell whether they leave nothing out.

    A coefficient may come in several scans, of one bit each: it is all there after that of bit 0.
    """
    height, width = header.size_hw
    most = max(_FEW_SCANS, min(_MOST_SCANS, _MOST_PIXELS_OF_SCANS // (height * width)))
    lowest_bit = {(component, at): 16 for component in header.components for at in range(64)}
    scans, at = 0, header.first_scan
    for _ in range(_MOST_SEGMENTS):
        try:
            marker, start, end = _segment(content, at)
        except ValueError:  # an end that is missing is for the decoder to see
            break
        at = end
        if marker == _END:
            break
        if marker != _SCAN:
            continue
        scans += 1
        if scans > most:
            raise ImageError(
                f"expected at most {most} scans in a JPEG file of {height}x{width} pixels, "
                "found more"
            )
        data = content[start + 4 : end]
        count = data[0] if data else 0
        if len(data) != 4 + 2 * count:
            raise ValueError("a scan without a header")
        first, last, bits = data[-3:]
        if header.frame in _SEQUENTIAL:
            first, last, bits = 0, 63, 0
            if count == len(header.components):
                return True  # all there is: decoders stop here, too
        for component in data[1 : 1 + 2 * count : 2]:
            lowest_bit.update({(component, each): bits & 15 for each in range(first, last + 1)})
    else:
        raise ImageError(f"expected at most {_MOST_SEGMENTS} segments in a JPEG file, found more")
    return not any(lowest_bit.values())


def _undamaged(header: _Header, content: bytes) -> ImageBGR | None:
    """Decode a file without the least damage, of gray or three channels; None for others.

    libjpeg-turbo fills our array itself, in a third of the time that Pillow takes and half of the
    memory, with the same pixels. Whatever it warns of is left to Pillow.
    """
    if len(header.components) == _CMYK:
        return None
    try:
        whole = b"".join(
            piece if isinstance(piece, bytes) else content[piece.start : piece.stop]
            for piece in header.pieces
        )
        bgr: ImageBGR = simplejpeg.decode_jpeg(whole, "BGR", fastdct=False, fastupsample=False)
    except ValueError:
        return None
    return bgr


def _pixels(header: _Header, content: bytes, end: bytes = b"") -> ImageBGR:
    pieces = [*header.pieces, end]
    return bgr_of_pil(JpegImagePlugin.JpegImageFile(assembled(io.BytesIO(content), pieces)))


def _pixels_without_end(header: _Header, content: bytes) -> ImageBGR:
    """Decode a file that lacks its end; an error if it lacks pixels, too.

    The decoder fills in pixels that are missing, and does not say so. So other bytes are put in
    their place: where all pixels are there already, those change nothing.
    """
    content = content.rstrip(b"\xff")  # half a mark
    header.pieces[-1] = range(header.first_scan, len(content))
    end = b"\xff\xd9"
    fillings = [filling + end for filling in _FILLINGS]
    if _RESTART_INTERVAL in content:  # where the next mark is due, all else is skipped
        fillings.append(_next_restart(content) + fillings[0])
    found = {_digest(_pixels(header, content, filling)) for filling in fillings}
    bgr = _pixels(header, content, end)
    if found != {_digest(bgr)}:
        raise ValueError("its last pixels are missing")
    return bgr


def _next_restart(content: bytes) -> bytes:
    start = content.rindex(bytes((0xFF, _SCAN)))
    last = max((content.rfind(mark, start), each) for each, mark in enumerate(_RESTARTS))
    return _RESTARTS[(last[1] + 1) % 8 if last[0] > 0 else 0]


def _digest(bgr: ImageBGR) -> bytes:
    return hashlib.blake2b(bgr.data).digest()
