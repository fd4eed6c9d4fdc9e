"""Archives that different programs read differently, or that claim more than they hold."""

import io
import struct
import time
import zipfile

import pytest

from ppmobileseg_deploy.checkpoints.formats import FormatError, Source
from ppmobileseg_deploy.checkpoints.formats.zip_directory import read_directory, read_parts

PARTS = {"a/data.pkl": b"pickle", "a/data/0": bytes(range(256)), "a/version": b"3\n"}
END = struct.Struct("<4s4H2IH")


def archive_of(parts, **options):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture
def read(tmp_path):
    """``read(content)``: the bytes of each part of an archive."""

    def read_archive(content):
        path = tmp_path / "a.zip"
        path.write_bytes(content)
        with Source.open(path) as source:
            parts = read_parts(source, read_directory(source))
            return {name: bytes(part.read(0, part.size)) for name, part in parts.items()}

    return read_archive


def test_parts_are_those_of_zipfile(read):
    assert read(archive_of(PARTS)) == PARTS


def test_parts_of_pytorch_with_both_end_records(read, save_pth):
    path = save_pth({"a": 1})
    with zipfile.ZipFile(path) as archive:
        expected = {name: archive.read(name) for name in archive.namelist()}
    assert b"PK\6\6" in path.read_bytes()
    assert read(path.read_bytes()) == expected


def end_of(content):
    """The directory's size and start, as the end record says."""
    _, _, _, _, _, size, start, _ = END.unpack(content[-END.size :])
    return size, start


def with_end(content, size, start, count=3):
    return content[: -END.size] + END.pack(b"PK\5\6", 0, 0, count, count, size, start, 0)


def two_archives():
    """The end record names the first one's directory, Python's zipfile reads the second's."""
    first, second = archive_of({**PARTS, "a/data/0": bytes(256)}), archive_of(PARTS)
    size, _ = end_of(second)
    first_size, first_start = end_of(first)
    assert first_size == size
    return first[: -END.size] + with_end(second, size, first_start)


def prefixed():
    return archive_of({"x": b"another archive"})[: -END.size] + archive_of(PARTS)


def prefixed_and_shifted():
    prefix = b"PK\3\4" + bytes(96)
    size, start = end_of(archive_of(PARTS))
    content = bytearray(archive_of(PARTS))
    place = start
    while content[place : place + 4] == b"PK\1\2":
        (offset,) = struct.unpack_from("<I", content, place + 42)
        struct.pack_into("<I", content, place + 42, offset + len(prefix))
        place += 46 + struct.unpack_from("<H", content, place + 28)[0]
    return with_end(prefix + bytes(content), size, start + len(prefix))


def with_field(place, form, value, of_part=0):
    """Change a field of a part's entry in the directory."""

    def change():
        content = bytearray(archive_of(PARTS))
        _, start = end_of(bytes(content))
        for _ in range(of_part):
            start += 46 + struct.unpack_from("<H", content, start + 28)[0]
        struct.pack_into(form, content, start + place, value)
        return bytes(content)

    return change


def same_names():
    content = archive_of({"a/1": b"one", "a/2": b"two"})
    return content.replace(b"a/2", b"a/1")


def other_name_in_part():
    return archive_of(PARTS).replace(b"a/version", b"b/version", 1)


WRONG = {
    "two archives": (two_archives, "should end at byte"),
    "an archive before it": (prefixed, "should end at byte"),
    "bytes before it": (prefixed_and_shifted, "overlap"),
    "a comment at the end": (lambda: archive_of(PARTS)[:-2] + b"\2\0hi", "no end"),
    "bytes after the end": (lambda: archive_of(PARTS) + b"hi", "no end"),
    "no directory": (lambda: archive_of(PARTS)[: -END.size], "no end"),
    "nothing": (lambda: b"PK\3\4", "no end"),
    "directory beyond the end": (
        lambda: with_end(archive_of(PARTS), 2**31, 0),
        "should end at byte",
    ),
    "damaged directory": (with_field(0, "<I", 0), "the directory of its archive is none"),
    "directory cut off": (
        lambda: (lambda c, s: with_end(c, s[0] - 1, s[1] + 1))(
            archive_of(PARTS), end_of(archive_of(PARTS))
        ),
        "is none",
    ),
    "overlapping parts": (with_field(42, "<I", 0, of_part=1), "overlap"),
    "a part beyond the directory": (with_field(20, "<I", 2**31, of_part=2), "overlap"),
    "a part as long as all": (with_field(20, "<I", 400), "overlap"),
    "two parts of one name": (same_names, "two parts of one name"),
    "another name in the part": (other_name_in_part, "is not where the directory"),
    "compressed": (
        lambda: archive_of(PARTS, compression=zipfile.ZIP_DEFLATED),
        "is a compressed or encrypted archive",
    ),
    "encrypted": (with_field(8, "<H", 1), "is a compressed or encrypted archive"),
    "another checksum": (with_field(16, "<I", 5), "not what its checksum was made of"),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_archive_has_just_one_meaning(case, read):
    make, reason = WRONG[case]
    with pytest.raises(FormatError, match=reason):
        read(make())


@pytest.mark.parametrize("place", [0, 8, 40, 48])
def test_the_two_end_records_of_pytorch_must_agree(place, read, save_pth):
    content = bytearray(save_pth({"a": 1}).read_bytes())
    start = content.rindex(b"PK\6\6" if place in (0, 40, 48) else b"PK\6\7")
    content[start + place] ^= 1
    with pytest.raises(FormatError, match=r"two directories"):
        read(bytes(content))


def test_a_directory_is_bounded(tmp_path, read):
    names = {f"{number:0100}": b"" for number in range(30_000)}
    start = time.perf_counter()
    with pytest.raises(FormatError, match=r"the directory of its archive has 4\d{6} bytes"):
        content = archive_of(names)
        start = time.perf_counter()
        read(content)
    assert time.perf_counter() - start < 1


def test_a_bomb_is_not_unpacked(read):
    content = archive_of({"a/data.pkl": bytes(50_000_000)}, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(FormatError, match="compressed or encrypted"):
        read(content)
