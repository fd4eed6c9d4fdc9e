import numpy as np
import pytest

from ppmobileseg_deploy.runtime.drawing import lettering
from ppmobileseg_deploy.runtime.drawing.lettering import (
    fitted,
    ink_on,
    lacks_letters,
    text_mask,
    text_width,
    writable,
)


@pytest.fixture
def no_system_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lettering, "_system_fonts", tuple)
    monkeypatch.setattr(lettering, "_file_for", lettering._file_for.__wrapped__)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sky", "sky"),
        ("  sky  ", "sky"),
        ("street lamp", "street lamp"),
        ("a\nb", "a\\nb"),
        ("\x1b[31m", "\\x1b[31m"),
        ("caf\u00e9", "cafe"),
        ("\u5929\u7a7a", "class 7"),
        ("sky \u5929", "sky ?"),
        ("\U0001f642", "class 7"),
        ("\u202etxt", "\\u202etxt"),
        ("\ud800x", "\\ud800x"),
        ("\u0301", "class 7"),
        ("", "class 7"),
        (" ", "class 7"),
        ("?", "class 7"),
        ("x" * 1_000_000, "x" * 80 + "..."),
    ],
)
def test_names_become_what_the_font_can_write(no_system_fonts: None, name: str, text: str) -> None:
    assert writable(name, 7) == text
    assert text_mask(text, 12, 20).any()


@pytest.mark.parametrize(
    ("name", "lacks"),
    [("sky", False), ("a\nb", False), ("", False), ("caf\u00e9", True), ("\u5929", True)],
)
def test_names_that_no_font_can_write_are_told(
    no_system_fonts: None, name: str, lacks: bool
) -> None:
    assert lacks_letters(name) == lacks


def test_other_writing_takes_a_system_font_where_there_is_one() -> None:
    if not any(lettering._has(file, "\u0436") for file in lettering._system_fonts()):
        pytest.skip("no such font here")
    assert writable("\u0436", 0) == "\u0436"
    assert text_mask("\u0436", 20, 30).any()


def test_fonts_that_are_not_installed_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lettering, "_SYSTEM_FONTS", ("no such font.ttf",))
    assert lettering._system_fonts.__wrapped__() == ()


@pytest.mark.parametrize("size_px", [8, 16, 120])
def test_masks_are_as_large_as_said_and_hold_the_letters(size_px: int) -> None:
    height = round(1.5 * size_px)
    mask = text_mask("Highway", size_px, height)
    assert mask.shape == (height, text_width("Highway", size_px))
    assert mask.max() > 200
    # Nothing is cut off at the top or at the bottom, and the middle is in the middle.
    assert not mask[0].any()
    assert not mask[-1].any()
    small = np.nonzero(text_mask("xax", size_px, height).max(axis=1) > 127)[0]
    assert abs(small.mean() - (height - 1) / 2) <= 0.1 * size_px + 1


def test_text_that_is_too_wide_ends_in_dots() -> None:
    assert fitted("road", 16, 1000) == "road"
    short = fitted("chest of drawers", 16, 80)
    assert short.startswith("chest")
    assert short.endswith("...")
    assert text_width(short, 16) <= 80
    assert text_width(fitted("chest of drawers", 16, 90), 16) <= 90
    assert fitted("road", 16, 1) == "..."


def test_ink_is_readable_on_every_color() -> None:
    def luminance(rgb: tuple[int, int, int]) -> float:
        parts = [c / 255 for c in rgb]
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    levels = range(0, 256, 15)
    for color in [(r, g, b) for r in levels for g in levels for b in levels]:
        light, dark = sorted([luminance(color), luminance(ink_on(color))], reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5
