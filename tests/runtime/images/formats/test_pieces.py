import io
import os

import pytest

from ppmobileseg_deploy.runtime.images.formats.pieces import assembled

OTHER = bytes(range(100))
PIECES = [b"head", range(10, 20), b"", range(5, 5), range(90, 100), b"tail"]
WHOLE = b"head" + OTHER[10:20] + OTHER[90:] + b"tail"


def test_the_parts_are_one_file():
    assert assembled(io.BytesIO(OTHER), PIECES).read() == WHOLE


@pytest.mark.parametrize("start", [0, 3, 4, 13, 14, 27, 28, 99])
@pytest.mark.parametrize("count", [1, 5, 100])
def test_it_is_read_from_anywhere(start, count):
    file = assembled(io.BytesIO(OTHER), PIECES)
    assert file.seek(start) == start
    assert file.read(count) == WHOLE[start : start + count]
    assert file.tell() == start + len(WHOLE[start : start + count])
    assert file.seek(-4, os.SEEK_END) == len(WHOLE) - 4
    assert file.read() == b"tail"


def test_what_the_other_file_does_not_have_ends_it():
    assert assembled(io.BytesIO(OTHER), [range(95, 200), b"tail"]).read() == OTHER[95:]


def test_decoders_get_no_file_descriptor(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(OTHER)
    with path.open("rb") as stream, pytest.raises(OSError, match="fileno"):
        assembled(stream, PIECES).fileno()
