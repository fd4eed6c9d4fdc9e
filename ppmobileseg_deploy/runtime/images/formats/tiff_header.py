"""TIFF header: written anew for the pixels of a file.

Format: TIFF 6.0 (Adobe, 1992), section 2.
"""

import struct
from collections.abc import Mapping
from typing import BinaryIO, Final

from .pieces import assembled
from .tags import BYTES_OF_TYPE, Directory
from .tiff_layout import (
    BLACK_IS_ZERO,
    COLORS,
    GRAY,
    JPEG,
    MOST_SEGMENTS,
    PALETTE,
    RAW,
    RGB,
    YCBCR,
    Layout,
)

_SHORT, _LONG, _BYTES = 3, 4, 7
# What codecs need: options of fax, subsampling of YCbCr; tables of JPEG, which are bytes.
_COPIED_NUMBERS: Final = (292, 293, 530)
_JPEG_TABLES: Final = 347
_COLOR_MAP: Final = 320
_LARGEST_OFFSET: Final = 2**32 - 1

Values = tuple[int, bytes]
"""TIFF's number of a type, and values of it as they are stored."""


def rewritten(
    directory: Directory, layout: Layout, file_bytes: int, *, plane: int | None = None
) -> BinaryIO:
    """Make a TIFF file of one page, or of one sample of it.

    Args:
        directory: The page's.
        layout: What it says.
        file_bytes: Size of the file that it is in.
        plane: This sample alone, as a gray picture; all samples without.

    Returns:
        The new file. What is gray has black at 0, and YCbCr without JPEG is called RGB.

    Raises:
        ValueError: Pixels are missing, or lie where others do.
    """
    # Samples of 12 bits are packed alike in both byte orders, but Pillow reads little endian only.
    order = "<" if layout.bits == (12,) else directory.order
    segments = _segments(directory, layout, file_bytes, plane or 0)
    places = list(dict.fromkeys(segments))
    if sum(map(len, places)) > file_bytes:
        raise ValueError("strips or tiles that lie where others do")
    entries = _description(directory, layout, order, gray=plane is not None)
    at, counts = (324, 325) if layout.tiled else (273, 279)
    entries[counts] = _LONG, _packed(order, "I", *map(len, segments))
    entries[at] = _LONG, bytes(len(entries[counts][1]))
    offset = len(_header(order, entries))
    offsets = {}
    for place in places:
        offsets[place] = offset
        offset += len(place)
    if offset > _LARGEST_OFFSET:
        raise ValueError(f"{offset} bytes of pixels")
    entries[at] = _LONG, _packed(order, "I", *(offsets[each] for each in segments))
    return assembled(directory.stream, [_header(order, entries), *places])


def _segments(directory: Directory, layout: Layout, file_bytes: int, plane: int) -> list[range]:
    """Find the strips or tiles of a page, or of one of its planes."""
    offsets = directory.numbers(324 if layout.tiled else 273, MOST_SEGMENTS)
    if layout.compression == RAW:  # it follows from the size, and files may state it wrongly
        counts = _raw_byte_counts(layout)
    else:
        counts = list(directory.numbers(325 if layout.tiled else 279, MOST_SEGMENTS))
        if layout.segments == len(offsets) == 1 and not any(counts):
            counts = [file_bytes]  # old files do not state it for their only strip
    if layout.planes:
        first = plane * layout.segments
        offsets = offsets[first : first + layout.segments]
        counts = counts if layout.compression == RAW else counts[first : first + layout.segments]
    if min(len(offsets), len(counts)) < layout.segments:
        raise ValueError(f"{min(len(offsets), len(counts))} of {layout.segments} strips or tiles")
    segments = []
    for start, count in zip(offsets[: layout.segments], counts, strict=False):
        end = min(start + count, file_bytes)
        if start >= end or (layout.compression == RAW and end < start + count):
            raise ValueError(f"{count} bytes of pixels at {start}, beyond the end of {file_bytes}")
        segments.append(range(start, end))
    return segments


def _raw_byte_counts(layout: Layout) -> list[int]:
    height, width = layout.segment_hw
    line_bytes = -(-width * layout.bits[0] * (1 if layout.planes else layout.samples) // 8)
    across = -(-layout.size_hw[1] // width)
    # Of the lowest tiles only the rows on the page: the others may be missing.
    rows = [
        min(height, layout.size_hw[0] - index // across * height)
        for index in range(layout.segments)
    ]
    return [each * line_bytes for each in rows]


def _description(
    directory: Directory, layout: Layout, order: str, *, gray: bool
) -> dict[int, Values]:
    samples = 1 if gray else layout.samples
    photometric = BLACK_IS_ZERO if gray or layout.photometric in GRAY else layout.photometric
    if photometric == YCBCR and layout.compression != JPEG:
        photometric = RGB
    rows, columns = layout.segment_hw
    numbers = {
        256: (layout.size_hw[1],),
        257: (layout.size_hw[0],),
        258: layout.bits * samples,
        259: (layout.compression,),
        262: (photometric,),
        266: (2 if layout.reversed_bits else 1,),
        277: (samples,),
        317: (layout.predictor,),
        **({322: (columns,), 323: (rows,)} if layout.tiled else {278: (rows,)}),
    }
    numbers |= {tag: directory.numbers(tag) for tag in _COPIED_NUMBERS if tag in directory.entries}
    extra = samples - COLORS[photometric]
    if extra > 0:
        numbers[338] = (layout.alpha,) + (0,) * (extra - 1)
    entries = {tag: (_LONG, _packed(order, "I", *each)) for tag, each in numbers.items()}
    if _JPEG_TABLES in directory.entries:
        entries[_JPEG_TABLES] = _BYTES, directory.data(_JPEG_TABLES)
    if photometric == PALETTE:
        entries[_COLOR_MAP] = _SHORT, _packed(order, "H", *_color_map(directory, layout.bits[0]))
    return entries


def _color_map(directory: Directory, bits: int) -> tuple[int, ...]:
    colors = directory.numbers(_COLOR_MAP, 3 << bits)
    if len(colors) != 3 << bits:
        raise ValueError(f"a palette of {len(colors)} numbers")
    # Some programs write bytes; as numbers of 16 bits, all of them would be black.
    return tuple(each * 257 for each in colors) if max(colors) <= 0xFF else colors


def _packed(order: str, code: str, *numbers: int) -> bytes:
    return struct.pack(f"{order}{len(numbers)}{code}", *numbers)


def _header(order: str, entries: Mapping[int, Values]) -> bytes:
    """Write a header and its only directory; the length depends on the values' lengths alone."""
    start = 8 + 2 + 12 * len(entries) + 4
    table, after = b"", b""
    for tag, (kind, data) in sorted(entries.items()):
        table += struct.pack(f"{order}HHI", tag, kind, len(data) // BYTES_OF_TYPE[kind])
        if len(data) <= 4:
            table += data.ljust(4, b"\0")
        else:
            table += struct.pack(f"{order}I", start + len(after))
            after += data + bytes(len(data) % 2)
    magic = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, 8)
    return magic + struct.pack(f"{order}H", len(entries)) + table + bytes(4) + after
