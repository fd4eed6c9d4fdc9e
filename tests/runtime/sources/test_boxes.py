"""MP4 files that break off are told from whole ones by the sizes of their boxes."""

import struct

import pytest

from ppmobileseg_deploy.runtime.sources.containers import ends_within_box, has_boxes

FTYP = struct.pack(">I4s8x", 16, b"ftyp")
LARGE = struct.pack(">I4sQ", 1, b"mdat", 30) + bytes(14)


@pytest.mark.parametrize(
    ("content", "short"),
    [
        (FTYP, False),
        (FTYP + FTYP, False),
        (FTYP + LARGE, False),
        (FTYP[:-1], True),
        (FTYP + FTYP[:9], True),
        (FTYP + FTYP[:5], True),
        (FTYP + LARGE[:-1], True),
        pytest.param(FTYP + struct.pack(">I4s", 0, b"mdat") + bytes(50), False, id="to the end"),
        pytest.param(FTYP + struct.pack(">I4s", 3, b"mdat"), False, id="no size at all"),
        pytest.param(FTYP * 150_000, False, id="very many"),
    ],
)
def test_a_file_that_is_shorter_than_its_last_box_is_short(tmp_path, content, short):
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    assert has_boxes(path)
    assert ends_within_box(path) == short


@pytest.mark.parametrize("content", [b"", b"\x1aE\xdf\xa3", b"RIFF\0\0\0\0AVI "])
def test_other_files_have_no_boxes(tmp_path, content):
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    assert not has_boxes(path)
