import hashlib
import os

import pytest

from ppmobileseg_deploy.checkpoints.formats import FormatError, Source
from ppmobileseg_deploy.checkpoints.formats.source import FileBytes


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(range(256)) * 8192)
    return path


def test_bytes_at_a_place(path):
    with Source.open(path) as source:
        assert source.size == 2 << 20
        assert source.read(254, 4) == b"\xfe\xff\0\1"
        assert source.read(source.size, 0) == b""
        assert b"".join(source.blocks(3, 1_500_000)) == path.read_bytes()[3:1_500_003]
        assert source.sha256() == hashlib.sha256(path.read_bytes()).hexdigest()
        source.check_unchanged()


@pytest.mark.parametrize(("start", "size"), [(0, 1 << 40), (2 << 20, 1), (-1, 4), (4, -1)])
def test_no_memory_is_taken_for_what_is_not_there(start, size, path):
    with Source.open(path) as source, pytest.raises(FormatError, match="is cut off or damaged"):
        source.read(start, size)


@pytest.mark.parametrize(("start", "size"), [(0, 11), (10, 1), (-1, 1), (1 << 70, 0)])
def test_a_part_ends_where_it_ends(start, size, path):
    with Source.open(path) as source:
        part = FileBytes(source, 3, 10)
        assert part.read(0, 10) == bytes(range(3, 13))
        with pytest.raises(FormatError, match="10 bytes where"):
            part.read(start, size)


def shorten(path):
    with path.open("r+b") as file:
        file.truncate(1000)


def rewrite(path):
    with path.open("r+b") as file:
        file.write(b"other")
    os.utime(path, ns=(1, 1))


def replace(path):
    other = path.with_name("b.bin")
    other.write_bytes(path.read_bytes())
    other.replace(path)


@pytest.mark.parametrize("change", [shorten, rewrite, replace])
def test_a_file_that_changes_meanwhile_is_an_error(change, path):
    with Source.open(path) as source:
        source.read(0, 10)
        change(path)
        with pytest.raises(FormatError, match="was changed while it was read"):
            source.check_unchanged()


def test_a_file_that_is_shortened_meanwhile_is_an_error_and_no_crash(path):
    with Source.open(path) as source:
        shorten(path)
        with pytest.raises(FormatError, match="was changed while it was read"):
            source.read(1 << 20, 1 << 20)
