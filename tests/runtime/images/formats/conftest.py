"""Files of kinds that no library writes, a picture to put into them, and how they are read."""

import io
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ppmobileseg_deploy.runtime.images.files import decode_image

HEIGHT, WIDTH = 45, 70  # neither a multiple of 8 or 16
_SHORT, _LONG, _LONG8 = 3, 4, 16
_CODES = {1: "B", _SHORT: "H", _LONG: "I", _LONG8: "Q"}


@pytest.fixture(scope="session")
def rgb() -> NDArray[np.uint8]:
    """A picture in which no two rows, columns or channels are alike."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    image = np.dstack([columns * 3 % 256, rows * 5 % 256, (rows + columns) * 2 % 256])
    image[20:30, 30:60] = 250, 30, 40
    return image.astype(np.uint8)


@pytest.fixture(scope="session")
def read() -> Callable[..., NDArray[np.uint8]]:
    """Decode a file's content; RGB."""
    return lambda content, **options: decode_image(content, "x", **options)[:, :, ::-1]


@pytest.fixture(scope="session")
def saved() -> Callable[..., bytes]:
    """Write a picture with Pillow."""

    def save(pixels: NDArray[np.uint8] | Image.Image, kind: str, **options: object) -> bytes:
        stream = io.BytesIO()
        image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
        image.save(stream, kind, **options)
        return stream.getvalue()

    return save


@pytest.fixture(scope="session")
def chunk() -> Callable[[bytes, bytes], bytes]:
    """Write one chunk of a PNG file."""
    return lambda name, data: (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    )


@pytest.fixture(scope="session")
def tiff() -> Callable[..., bytes]:
    """Write a TIFF file of one page, which may lie about everything."""

    def write(
        segments: Sequence[bytes],
        tags: Mapping[int, Sequence[int] | int],
        *,
        order: str = "<",
        big: bool = False,
        size_hw: tuple[int, int] = (HEIGHT, WIDTH),
        next_page: int = 0,
    ) -> bytes:
        """Put segments after the header, and the directory after them.

        Args:
            segments: Strips, or tiles if `tags` have a tile's width.
            tags: Numbers by tag; those that every file has are there already.
            order: Of bytes.
            big: BigTIFF.
            size_hw: Height and width.
            next_page: Offset of the next directory.
        """
        data, offsets = b"", []
        start = 16 if big else 8
        for segment in segments:
            offsets.append(start + len(data))
            data += segment + bytes(len(segment) % 2)
        at, counts = (324, 325) if 322 in tags else (273, 279)
        every = {
            256: size_hw[1],
            257: size_hw[0],
            258: 8,
            259: 1,
            262: 1,
            277: 1,
            at: offsets,
            counts: [len(each) for each in segments],
        }
        entries, after = _directory({**every, **tags}, order, start + len(data), big)
        head = struct.pack(
            f"{order}2sHHHQ" if big else f"{order}2sHI",
            b"II" if order == "<" else b"MM",
            *((43, 8, 0) if big else (42,)),
            start + len(data),
        )
        last = struct.pack(f"{order}{'Q' if big else 'I'}", next_page)
        return head + data + entries + last + after

    return write


def _directory(
    tags: Mapping[int, Sequence[int] | int], order: str, start: int, big: bool
) -> tuple[bytes, bytes]:
    pointer, inline = ("Q", 8) if big else ("I", 4)
    end = start + (8 + 20 * len(tags) + 8 if big else 2 + 12 * len(tags) + 4)
    table, after = struct.pack(f"{order}{'Q' if big else 'H'}", len(tags)), b""
    for tag, given in sorted(tags.items()):
        values = [given] if isinstance(given, int) else list(given)
        kind = _LONG8 if max(values) >= 2**32 else _LONG if max(values) > 0xFFFF else _SHORT
        raw = struct.pack(f"{order}{len(values)}{_CODES[kind]}", *values)
        table += struct.pack(f"{order}HH{pointer}", tag, kind, len(values))
        if len(raw) <= inline:
            table += raw.ljust(inline, b"\0")
        else:
            table += struct.pack(f"{order}{pointer}", end + len(after))
            after += raw
    return table, after
