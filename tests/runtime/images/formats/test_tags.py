import io
import struct

import pytest

from ppmobileseg_deploy.runtime.images.formats.orientation import orientation_of
from ppmobileseg_deploy.runtime.images.formats.tags import read_directory


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_numbers_of_every_width_are_read(order, big, tiff):
    tags = {258: (8, 8, 8), 40000: 7, 40001: (70_000, 3), 40002: 2**33, 40003: range(300)}
    tags = tags if big else {tag: each for tag, each in tags.items() if tag != 40002}
    directory = read_directory(io.BytesIO(tiff([b"1234"], tags, order=order, big=big)))
    assert directory.order == order
    assert not directory.has_next
    assert directory.numbers(258) == (8, 8, 8)
    assert directory.number(40000, 1) == 7
    assert directory.numbers(40001) == (70_000, 3)
    assert directory.numbers(40003, 300) == tuple(range(300))
    assert directory.numbers(50000) == ()
    assert directory.number(50000, 9) == 9
    if big:
        assert directory.number(40002, 0) == 2**33


def entry(tag: int, kind: int, count: int, value: int) -> bytes:
    return struct.pack("<HHII", tag, kind, count, value)


def directory_of(*entries: bytes, count: int | None = None, after: bytes = b"") -> bytes:
    number = len(entries) if count is None else count
    return b"II*\0" + struct.pack("<IH", 8, number) + b"".join(entries) + bytes(4) + after


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected a TIFF header"),
        (b"II\0*\0\0\0\x08", "expected a TIFF header"),
        (directory_of(), "expected 1 to 4096 tags, found 0"),
        (directory_of(count=5000), "expected 1 to 4096 tags, found 5000"),
        (directory_of(entry(1, 3, 1, 1), count=9), "expected 9 tags, found 1"),
        (struct.pack("<4sHHQ", b"II+\0", 8, 0, 2**63), "expected an offset within the file"),
    ],
)
def test_what_is_no_directory_is_an_error(content, message):
    with pytest.raises(ValueError, match=message):
        read_directory(io.BytesIO(content))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (entry(1, 3, 17, 8), "expected 1 to 16 whole numbers in tag 1, found 17 of type 3"),
        (entry(1, 3, 0, 8), "found 0 of type 3"),
        (entry(1, 2, 1, 8), "found 1 of type 2"),
        (entry(1, 99, 1, 8), "found 1 of type 99"),
        (entry(1, 4, 16, 8), "expected 64 bytes in tag 1, found"),
        (entry(1, 4, 16, 2**32 - 1), "expected 64 bytes in tag 1, found 0"),
    ],
)
def test_numbers_that_are_none_are_an_error(entry, message):
    directory = read_directory(io.BytesIO(directory_of(entry)))
    with pytest.raises(ValueError, match=message):
        directory.numbers(1)


def test_of_entries_with_one_tag_the_first_counts():
    content = directory_of(entry(1, 3, 1, 5), entry(1, 3, 1, 6))
    assert read_directory(io.BytesIO(content)).number(1, 0) == 5


def test_more_bytes_than_asked_for_are_not_read():
    directory = read_directory(io.BytesIO(directory_of(entry(1, 7, 2**31, 8))))
    with pytest.raises(ValueError, match="expected at most 100 bytes in tag 1, found 2147483648"):
        directory.data(1, 100)


@pytest.mark.parametrize("value", range(10))
def test_an_orientation_that_is_none_is_upright(value):
    expected = value if 1 <= value <= 8 else 1
    assert orientation_of(b"Exif\0\0" + directory_of(entry(0x0112, 3, 1, value))) == expected
    assert orientation_of(b"", b'x tiff:Orientation="%d"' % value) == expected


@pytest.mark.parametrize("exif", [b"", b"Exif\0\0", b"MM\0*\xff\xff\xff\xff", bytes(99)])
def test_unreadable_exif_is_upright(exif):
    assert orientation_of(exif) == 1
