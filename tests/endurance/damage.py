"""Damage: what disks, networks, careless programs and ill-meaning people do to image files."""

import random
import struct
import zlib
from collections.abc import Callable, Mapping

SIZES = (
    0,
    1,
    2,
    255,
    256,
    4000,
    4096,
    9000,
    12000,
    14000,
    16383,
    16384,
    20000,
    40000,
    65500,
    65535,
)
MOST_BYTES = 64 << 20
HUGE = (*SIZES, 100_000, 1_000_000, 200_000_000, 2**31 - 1, 2**31, 2**32 - 1)


def damaged(files: Mapping[str, bytes], seed: int, number: int) -> tuple[str, bytes]:
    """Make one damaged file.

    Args:
        files: The intact ones, by name.
        seed: Of the whole series.
        number: Of the file in it: every one can be made again without the others.

    Returns:
        What was done, and the content.
    """
    rng = random.Random(f"{seed} {number}")
    names = list(files)
    # Each kind of file and each kind of damage has its turn.
    name = names[number % len(names)]
    steps = [number // len(names) % len(DAMAGES)]
    while rng.random() < 0.25:
        steps.append(rng.randrange(len(DAMAGES)))
    content = files[name]
    for step in steps:
        content = DAMAGES[step](content, files, rng)[:MOST_BYTES]
    if content[:4] == b"\x89PNG" and rng.random() < 0.6:
        content = _with_checksums(content)
    done = ", ".join(DAMAGES[step].__name__.strip("_") for step in steps)
    return f"{name}: {done}", content


Damage = Callable[[bytes, Mapping[str, bytes], random.Random], bytes]


def _flipped_bits(content: bytes, files: Mapping[str, bytes], rng: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5, 30))):
        if data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def _flipped_header(content: bytes, files: Mapping[str, bytes], rng: random.Random) -> bytes:
    head = min(len(content), rng.choice((32, 64, 256)))
    return _flipped_bits(content[:head], files, rng) + content[head:]


def _truncated(content: bytes, files: Mapping[str, bytes], rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def _end_lost(content: bytes, files: Mapping[str, bytes], rng: random.Random) -> bytes:
    return content[: -rng.randrange(1, 40)]


def _zeroed(content: bytes, files: Mapping[str, bytes], rng: random.Random) -> bytes:
    start = rng.randrange(len(content) + 1)
    end = min(len(content), start + rng.choice((1, 4, 64, 512)))
    return content[:start] + rng.choice((b"\0", b"\xff")) * (end - start) + content[end:]


def _block_lost(content: bytes, files: Mapping[str, bytes], rng: random.Random) -> bytes:
    start = rng.randrange(len(content) + 1)
    return content[:start] + content[start + rng.choice((1, 2, 16, 300)) :]


def _block_twice(content: bytes, files: Mapping[str, bytes], rng: random.Random) -> bytes:
    start = rng.randrange(len(content) + 1)
    end = start + rng.choice((1, 2, 16, 300, 5000))
    return content[:end] + content[start:end] * rng.choice((1, 2, 20)) + content[end:]


def _noise_inserted(content: bytes, files: Mapping[str, bytes], rng: random.Random) -> bytes:
    start = rng.randrange(len(content) + 1)
    return content[:start] + rng.randbytes(rng.choice((1, 4, 100))) + content[start:]


def _spliced(content: bytes, files: Mapping[str, bytes], rng: random.Random) -> bytes:
    other = rng.choice(list(files.values()))
    cut = rng.randrange(len(content) + 1)
    return content[:cut] + other[rng.choice((min(cut, len(other)), rng.randrange(len(other)))) :]


def _other_header(content: bytes, files: Mapping[str, bytes], rng: random.Random) -> bytes:
    other = rng.choice(list(files.values()))
    head = rng.choice((4, 8, 16, 30, 64, 200))
    return other[:head] + content[head:]


def _extreme_number(content: bytes, files: Mapping[str, bytes], rng: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(rng.choice((1, 2))):
        code = rng.choice(("<H", ">H", "<I", ">I"))
        count = struct.calcsize(code)
        end = min(len(data), rng.choice((40, 200, len(data)))) - count
        if end > 0:
            values = SIZES if count == 2 else HUGE
            struct.pack_into(code, data, rng.randrange(end), rng.choice(values))
    return bytes(data)


def _claimed_size(content: bytes, files: Mapping[str, bytes], rng: random.Random) -> bytes:
    """Another width and height where the format has them: the damage that costs most."""
    data = bytearray(content)
    wide = content[:4] == b"\x89PNG" or content[:2] in (b"BM", b"II", b"MM")
    sizes = HUGE if wide and rng.random() < 0.3 else SIZES
    width, height = rng.choice(sizes), rng.choice(sizes)
    # Often just below the limit of 200 megapixels.
    if rng.random() < 0.4:
        width = rng.choice((3000, 12000, 14000, 16000))
        height = rng.choice((5000, 12000, 12400, 14000))
    for code, offset, first in _size_fields(content):
        value = width if first else height
        if offset + struct.calcsize(code) <= len(data):
            limit = 256 ** struct.calcsize(code) - 1
            struct.pack_into(code, data, offset, min(value, limit))
    return _with_checksums(bytes(data)) if content[:4] == b"\x89PNG" else bytes(data)


def _other_chunks(content: bytes, files: Mapping[str, bytes], rng: random.Random) -> bytes:
    """Chunks of a PNG file lost, moved, repeated, renamed, or followed by others."""
    if content[:4] != b"\x89PNG":
        return _flipped_header(content, files, rng)
    chunks = _chunks(content)
    for _ in range(rng.choice((1, 1, 3))):
        at = rng.randrange(len(chunks))
        name, data = chunks[at]
        kind = rng.randrange(6)
        if kind == 0:
            del chunks[at]
        elif kind == 1:
            chunks.insert(rng.randrange(len(chunks)), chunks.pop(at))
        elif kind == 2:
            chunks[at:at] = [(name, data)] * rng.choice((1, 2, 5000))
        elif kind == 3:
            chunks[at] = rng.choice(CHUNKS), data
        elif kind == 4:
            chunks[at] = name, data[: rng.randrange(len(data) + 1)]
        else:
            grown = zlib.compress(bytes(rng.choice((0, 1000, 50_000_000))), 1)
            text = rng.choice((b"Raw profile type exif\0\0", b"XML:com.adobe.xmp\0\1\0\0\0", b""))
            chunks.insert(at, (rng.choice(CHUNKS), text + rng.choice((b"", grown))))
        if not chunks:
            break
    return content[:8] + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


CHUNKS = tuple(
    b"IHDR PLTE IDAT IEND CgBI acTL fcTL fdAT eXIf gAMA iCCP iTXt pHYs sBIT tEXt tIME tRNS zTXt "
    b"prVt \0\0\0\0".split(b" ")
)


def _chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    chunks, offset = [], 8
    while offset + 12 <= len(content):
        (count,) = struct.unpack_from(">I", content, offset)
        end = min(offset + 8 + count, len(content))
        chunks.append((content[offset + 4 : offset + 8], content[offset + 8 : end]))
        offset = end + 4
    return chunks or [(b"IEND", b"")]


def _other_tags(content: bytes, files: Mapping[str, bytes], rng: random.Random) -> bytes:
    """Entries of a TIFF file's first directory with other tags, types, counts and values."""
    places = _tiff_entries(content)
    if not places:
        return _flipped_header(content, files, rng)
    data = bytearray(content)
    order = "<" if content[:1] == b"I" else ">"
    wide = content[2:4] in (b"+\0", b"\0+")
    pointer = "Q" if wide else "I"
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.choice(places)
        kind = rng.randrange(5)
        if kind == 0:
            struct.pack_into(f"{order}H", data, at, rng.choice(TAGS))
        elif kind == 1:
            struct.pack_into(
                f"{order}H", data, at + 2, rng.choice((0, 1, 2, 3, 4, 5, 7, 12, 16, 99))
            )
        elif kind == 2:
            struct.pack_into(f"{order}{pointer}", data, at + 4, rng.choice(HUGE))
        elif kind == 3:
            value = rng.choice((*HUGE, *range(9), rng.randrange(len(data))))
            struct.pack_into(f"{order}{pointer}", data, at + (12 if wide else 8), value)
        else:  # small numbers, as most tags have, at the place where they are
            at += 12 if wide else 8
            struct.pack_into(
                f"{order}H", data, at, rng.choice((0, 1, 2, 3, 4, 5, 6, 8, 12, 16, 32))
            )
    return bytes(data)


TYPES = (0, 1, 2, 3, 4, 5, 7, 12, 16, 99)
SMALL = (0, 1, 2, 3, 4, 5, 6, 8, 12, 16, 32)
TAGS = (
    *(254, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 292, 293, 317, 320),
    *(322, 323, 324, 325, 330, 332, 338, 339, 347, 513, 514, 529, 530, 532, 700, 32997, 34665),
)


DAMAGES: tuple[Damage, ...] = (
    _flipped_bits,
    _flipped_header,
    _truncated,
    _claimed_size,
    _end_lost,
    _zeroed,
    _block_lost,
    _block_twice,
    _noise_inserted,
    _spliced,
    _other_header,
    _extreme_number,
    _other_chunks,
    _other_tags,
)


def _size_fields(content: bytes) -> list[tuple[str, int, bool]]:
    """Struct code and offset of every width (True) and height (False)."""
    if content[:4] == b"\x89PNG":
        return [(">I", 16, True), (">I", 20, False)]
    if content[:2] == b"BM":
        return [("<I", 18, True), ("<I", 22, False)]
    if content[:3] == b"GIF":
        frame = content.find(b",")
        fields = [("<H", 6, True), ("<H", 8, False)]
        return fields + ([("<H", frame + 5, True), ("<H", frame + 7, False)] if frame > 0 else [])
    if content[:4] == b"RIFF":
        return _webp_fields(content)
    if content[:2] == b"\xff\xd8":
        found = [content.find(bytes([0xFF, marker])) for marker in (0xC0, 0xC1, 0xC2)]
        return [
            field
            for at in found
            if at > 0
            for field in ((">H", at + 7, True), (">H", at + 5, False))
        ]
    if content[:2] in (b"II", b"MM"):
        return _tiff_fields(content)
    return []


def _webp_fields(content: bytes) -> list[tuple[str, int, bool]]:
    fields = []
    if content[12:16] == b"VP8X":  # 24 bits each, of which the upper eight stay
        fields += [("<H", 24, True), ("<H", 27, False)]
    at = content.find(b"\x9d\x01\x2a")
    if at > 0:
        fields += [("<H", at + 3, True), ("<H", at + 5, False)]
    at = content.find(b"VP8L")
    if at > 0:  # 14 bits each, not at byte borders: width in the lower ones
        fields += [("<H", at + 9, True), ("<H", at + 11, False)]
    return fields


def _tiff_fields(content: bytes) -> list[tuple[str, int, bool]]:
    order = "<" if content[:2] == b"II" else ">"
    value = 12 if content[2:4] in (b"+\0", b"\0+") else 8
    fields = []
    for entry in _tiff_entries(content):
        tag, kind = struct.unpack_from(f"{order}HH", content, entry)
        if tag in (256, 257):
            fields.append((order + ("I" if kind == 4 else "H"), entry + value, tag == 256))
    return fields


def _tiff_entries(content: bytes) -> list[int]:
    """Where the entries of a TIFF file's first directory are."""
    if content[:4] not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return []
    order = "<" if content[:2] == b"II" else ">"
    wide = b"+" in content[:4]
    try:
        (start,) = struct.unpack_from(f"{order}{'Q' if wide else 'I'}", content, 8 if wide else 4)
        (count,) = struct.unpack_from(f"{order}{'Q' if wide else 'H'}", content, start)
    except (struct.error, OverflowError):
        return []
    start, size = (start + 8, 20) if wide else (start + 2, 12)
    return list(range(start, min(start + size * min(count, 50), len(content) - size + 1), size))


def _with_checksums(png: bytes) -> bytes:
    data, offset = bytearray(png), 8
    while offset + 12 <= len(data):
        (count,) = struct.unpack_from(">I", data, offset)
        end = offset + 8 + count
        if end + 4 > len(data):
            break
        struct.pack_into(">I", data, end, zlib.crc32(data[offset + 4 : end]))
        offset = end + 4
    return bytes(data)
