"""Charts of lying bars, drawn with Pillow."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ..metadata import RGB
from ..runtime.drawing.lettering import fitted, text_mask, text_width, writable
from .timing import Spread

COLORS: Final[tuple[RGB, ...]] = (
    (163, 193, 222),
    (74, 127, 184),
    (27, 58, 107),
    (246, 194, 128),
    (208, 112, 40),
    (122, 58, 20),
)
"""Cold and warm, light to dark: neighbours differ without any sense of colour."""

_WIDTH: Final = 1400
_MARGIN: Final = 36
_LABEL_WIDTH: Final = 380
_NOTE_WIDTH: Final = 290
_GAP: Final = 16
_LINE: Final = 44
_BAR: Final = 26
_WHISKER: Final = 7
_TITLE_PX: Final = 25
_TEXT_PX: Final = 20
_SMALL_PX: Final = 17
_PAPER: Final = (255, 255, 255)
_INK: Final = (30, 32, 38)
_FAINT: Final = (96, 100, 108)
_LONGEST_TAIL: Final = 1.25
"""How far beyond the longest bar whiskers may reach: an outlier should not squeeze all bars."""


@dataclass(frozen=True)
class Bar:
    """One line of a chart.

    Attributes:
        label: What it is about; cut off where it is too long.
        detail: Written behind the label, never cut off.
        parts: Index of a colour in `COLORS` and length, drawn one behind the other.
        spread: Where 5 and 95 % of the samples lie, None to draw no whisker.
        note: Written behind the bar.
    """

    label: str
    detail: str
    parts: Sequence[tuple[int, float]]
    spread: Spread | None
    note: str

    @property
    def length(self) -> float:
        """All parts together."""
        return sum(value for _, value in self.parts)


@dataclass(frozen=True)
class Section:
    """Bars that share a scale.

    Attributes:
        title: Stands above them.
        key: What the colours stand for, in the order of `COLORS`; empty where labels tell.
        bars: The bars.
    """

    title: str
    key: Sequence[str]
    bars: Sequence[Bar]


def draw_bars(sections: Sequence[Section], footnotes: Iterable[str]) -> NDArray[np.uint8]:
    """Draw sections below each other.

    Args:
        sections: Each has a scale of its own.
        footnotes: Written in small letters at the end, wrapped.

    Returns:
        (height, 1400, 3) uint8, BGR.
    """
    lines = [line for note in footnotes for line in _wrapped(note, _WIDTH - 2 * _MARGIN)]
    heights = [_LINE * (len(each.bars) + (2 if each.key else 1)) + _LINE // 2 for each in sections]
    small = round(1.5 * _SMALL_PX)
    canvas = Image.new("RGB", (_WIDTH, 2 * _MARGIN + sum(heights) + small * len(lines)), _PAPER)
    top = _MARGIN
    for section, height in zip(sections, heights, strict=True):
        _draw_section(canvas, section, top)
        top += height
    for line in lines:
        _write(canvas, _MARGIN, top, small, line, _SMALL_PX, _FAINT)
        top += small
    return np.ascontiguousarray(np.asarray(canvas)[..., ::-1])


def _draw_section(canvas: Image.Image, section: Section, top: int) -> None:
    title = fitted(writable(section.title, 0), _TITLE_PX, _WIDTH - 2 * _MARGIN)
    _write(canvas, _MARGIN, top, _LINE, title, _TITLE_PX, _INK)
    top += _LINE
    if section.key:
        _draw_key(canvas, section.key, top)
        top += _LINE
    longest = max(bar.length for bar in section.bars)
    tails = max(bar.spread.p95 if bar.spread else 0.0 for bar in section.bars)
    left = _MARGIN + _LABEL_WIDTH + _GAP
    right = _WIDTH - _MARGIN - _NOTE_WIDTH - _GAP
    scale = (right - left) / max(longest, min(tails, _LONGEST_TAIL * longest), 1e-9)
    for bar in section.bars:
        room = _LABEL_WIDTH - text_width(bar.detail, _TEXT_PX)
        label = fitted(writable(bar.label, 0), _TEXT_PX, room) + bar.detail
        indent = _LABEL_WIDTH - text_width(label, _TEXT_PX)
        _write(canvas, _MARGIN + indent, top, _LINE, label, _TEXT_PX, _INK)
        end = _draw_bar(ImageDraw.Draw(canvas), bar, (left, top), scale, right)
        _write(canvas, end + _GAP, top, _LINE, bar.note, _TEXT_PX, _FAINT)
        top += _LINE


def _draw_bar(
    draw: ImageDraw.ImageDraw, bar: Bar, corner: tuple[int, int], scale: float, right: int
) -> int:
    """Draw a bar and its whisker; return where they end."""
    left, top = corner
    upper = top + (_LINE - _BAR) // 2
    start = 0.0
    for color, value in bar.parts:
        ends = round(left + scale * start), round(left + scale * (start + value))
        if ends[1] > ends[0]:
            draw.rectangle((ends[0], upper, ends[1] - 1, upper + _BAR - 1), COLORS[color])
        start += value
    end = round(left + scale * start)
    if bar.spread is None:
        return end
    first, last = (min(round(left + scale * x), right) for x in (bar.spread.p5, bar.spread.p95))
    middle = top + _LINE // 2
    # Light around dark, as it lies half on the bar and half on the paper.
    for width, ink in ((5, _PAPER), (2, _INK)):
        draw.line((first, middle, last, middle), ink, width)
        for x in (first, last):
            draw.line((x, middle - _WHISKER, x, middle + _WHISKER), ink, width)
    return max(end, last)


def _draw_key(canvas: Image.Image, key: Sequence[str], top: int) -> None:
    left = _MARGIN + _LABEL_WIDTH + _GAP
    upper = top + (_LINE - _TEXT_PX) // 2
    for name, color in zip(key, COLORS, strict=False):
        square = (left, upper, left + _TEXT_PX - 1, upper + _TEXT_PX - 1)
        ImageDraw.Draw(canvas).rectangle(square, color)
        left += round(1.4 * _TEXT_PX)
        _write(canvas, left, top, _LINE, name, _TEXT_PX, _INK)
        left += text_width(name, _TEXT_PX) + 2 * _GAP


def _write(
    canvas: Image.Image, left: int, top: int, height: int, text: str, px: int, ink: RGB
) -> None:
    """Write a line, in the vertical middle of so many pixels."""
    canvas.paste(ink, (left, top), Image.fromarray(text_mask(text, px, height)))


def _wrapped(text: str, width: int) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, _SMALL_PX) <= width:
            lines[-1] = longer
        else:
            lines.append(fitted(word, _SMALL_PX, width))
    return lines
