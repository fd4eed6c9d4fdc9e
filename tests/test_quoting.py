import pytest

from ppmobileseg_deploy.quoting import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("straße 'a' \\n", "straße 'a' \\n"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x1b]0;title\x07\x9b2J", r"\x1b]0;title\x07\x9b2J"),
        ("left\u202eright\udcff", r"left\u202eright\udcff"),
    ],
)
def test_only_what_is_not_printable_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown
