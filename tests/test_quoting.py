import numpy as np
import pytest

from ppmobileseg_deploy.quoting import brief, printable


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


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "None"),
        ("a\nb", r"'a\nb'"),
        (np.zeros((2, 2), int), r"array([[0, 0],\n       [0, 0]])"),
        ("x" * 78, repr("x" * 78)),
        ("x" * 79, "'" + "x" * 76 + "..."),
    ],
)
def test_values_are_shown_on_one_short_line(value: object, shown: str) -> None:
    assert brief(value) == shown
