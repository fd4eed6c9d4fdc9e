import io

import pytest

from ppmobileseg_deploy.runtime.inference import protobuf as module
from ppmobileseg_deploy.runtime.inference.protobuf import MalformedError, Wire


def test_fields_come_with_their_numbers_and_lengths() -> None:
    wire = Wire(io.BytesIO(b"\x08\x96\x01\x3a\x03abc\x0d1234\xfa\x01\x00"))
    assert wire.field() == (1, None)
    assert wire.varint() == 150
    assert wire.field() == (7, 3)
    assert wire.take(3) == b"abc"
    assert wire.field() == (1, 4)
    wire.skip(4)
    assert wire.field() == (31, 0)
    assert wire.position == 16


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an end at byte 0"),
        (b"\x80", "an end at byte 1"),
        (b"\x00", "field 0"),
        (b"\x0b", "wire type 3"),
        (b"\x0c", "wire type 4"),
        (b"\x0e", "wire type 6"),
        (b"\x82\x80\x80\x80\x10", "field 536870912"),
        (b"\xff" * 11, "an endless number"),
    ],
)
def test_what_is_no_field_is_refused(content: bytes, found: str) -> None:
    with pytest.raises(MalformedError, match=found):
        Wire(io.BytesIO(content)).field()


def test_content_that_ends_early_is_refused() -> None:
    wire = Wire(io.BytesIO(b"\x0a\x05abc"))
    assert wire.field() == (1, 5)
    with pytest.raises(MalformedError, match="an end within"):
        wire.take(5)


def test_fields_without_end_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FIELDS", 3)
    wire = Wire(io.BytesIO(b"\x0a\x00" * 9))
    for _ in range(3):
        wire.field()
    with pytest.raises(MalformedError, match="more than 3 fields"):
        wire.field()
