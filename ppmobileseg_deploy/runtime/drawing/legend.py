"""Legend: names, colours and shares of classes in a panel beside the picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ...metadata import RGB
from .lettering import fitted, text_mask, text_width, writable
from .name_tags import letter_size

_PAPER_BGR: Final = (255, 255, 255)
_INK_BGR: Final = (38, 32, 30)
_FAINT_BGR: Final = (120, 112, 108)
_SMALLEST_PX: Final = 11
_LEAST_ROWS: Final = 8
_NAME_EM: Final = 12
_SHARE: Final = "100 %"
_NOTHING: Final = "none found"


@dataclass(frozen=True)
class LegendLayout:
    """Layout of a legend, the same for all pictures of one size and one set of names.

    It does not depend on which classes are present, so that the legends of a video's frames have
    one size.

    Attributes:
        picture_hw: Height and width of the picture, at the top left.
        size_hw: Height and width of picture and panel together.
        letter_px: Height of the letters.
        name_width: Width of the longest name, in pixels.
    """

    picture_hw: tuple[int, int]
    size_hw: tuple[int, int]
    letter_px: int
    name_width: int

    def letters_for(self, class_count: int) -> int:
        """Return the height of letters, in pixels: less where many classes have to fit."""
        letter_px = self.letter_px
        while letter_px > _SMALLEST_PX and _rows(self.size_hw[0], letter_px) < class_count:
            letter_px -= 1
        return letter_px


@lru_cache(maxsize=64)
def legend_layout(picture_hw: tuple[int, int], names: tuple[str, ...]) -> LegendLayout:
    """Lay out the legend of a picture.

    Args:
        picture_hw: Height and width of the picture. Small ones get a panel that is higher.
        names: Name of each class id.
    """
    height, width = picture_hw
    letter_px = max(_SMALLEST_PX, letter_size(height, width))
    # Low and wide pictures: smaller letters until a useful number of classes fits.
    while letter_px > _SMALLEST_PX and _needed(letter_px) > height:
        letter_px -= 1
    longest = max(
        (text_width(writable(name, i), letter_px) for i, name in enumerate(names)), default=0
    )
    name_width = min(longest, _NAME_EM * letter_px)
    panel = round(4.0 * letter_px) + name_width + text_width(_SHARE, letter_px)
    return LegendLayout(
        picture_hw, (max(height, _needed(letter_px)), width + panel), letter_px, name_width
    )


def draw_panel(
    canvas_bgr: NDArray[np.uint8],
    layout: LegendLayout,
    classes: Sequence[tuple[int, float]],
    names: Sequence[str],
    palette_rgb: Sequence[RGB],
) -> None:
    """Draw the panel, and fill the canvas below a picture that is lower.

    Args:
        canvas_bgr: ``layout.size_hw`` and 3 channels, uint8, changed in place; the picture's
            part is left alone.
        layout: From `legend_layout`.
        classes: Id and share in (0, 1] of each class to show, in order. Where they do not all
            fit, the last line says how many more there are; where there are none, the first one
            says so.
        names: Name of each class id.
        palette_rgb: Colour of each class id.
    """
    height, width = layout.picture_hw
    canvas_bgr[:, width:] = _PAPER_BGR
    canvas_bgr[height:, :width] = _PAPER_BGR
    px = layout.letters_for(len(classes))
    rows = _rows(layout.size_hw[0], px)
    fit = len(classes) if len(classes) <= rows else rows - 1
    left = width + layout.letter_px
    right = layout.size_hw[1] - layout.letter_px
    for row, (class_id, share) in enumerate(classes[:fit]):
        line = _line(canvas_bgr, px, row)
        _swatch(line[:, left : left + px], palette_rgb[class_id])
        name = fitted(writable(names[class_id], class_id), px, layout.name_width)
        _write(line, left + round(1.5 * px), name, px, _INK_BGR)
        text = share_text(share)
        _write(line, right - text_width(text, px), text, px, _FAINT_BGR)
    if not classes:
        text = fitted(_NOTHING, px, right - left)
        _write(_line(canvas_bgr, px, 0), left, text, px, _FAINT_BGR)
    elif fit < len(classes):
        line = _line(canvas_bgr, px, fit)
        _write(line, left + round(1.5 * px), f"+{len(classes) - fit} more", px, _FAINT_BGR)


def share_text(share: float) -> str:
    """Return a share in [0, 1] as people read it: ``"31 %"``, ``"<1 %"``."""
    return "<1 %" if 0 < share < 0.005 else f"{100 * share:.0f} %"


def _row_height(letter_px: int) -> int:
    return round(1.6 * letter_px)


def _needed(letter_px: int) -> int:
    return letter_px + _LEAST_ROWS * _row_height(letter_px)


def _rows(height: int, letter_px: int) -> int:
    return (height - letter_px) // _row_height(letter_px)


def _line(canvas: NDArray[np.uint8], letter_px: int, row: int) -> NDArray[np.uint8]:
    top = letter_px // 2 + row * _row_height(letter_px)
    return canvas[top : top + _row_height(letter_px)]


def _swatch(cell: NDArray[np.uint8], color_rgb: RGB) -> None:
    side = cell.shape[1]
    top = (cell.shape[0] - side) // 2
    line = max(1, side // 16)
    # Framed, because colours may be as light as the paper.
    cv2.rectangle(cell, (0, top), (side - 1, top + side - 1), _FAINT_BGR, cv2.FILLED)
    inner = (line, top + line), (side - 1 - line, top + side - 1 - line)
    cv2.rectangle(cell, *inner, color_rgb[::-1], cv2.FILLED)


def _write(
    line: NDArray[np.uint8], left: int, text: str, px: int, ink_bgr: tuple[int, int, int]
) -> None:
    letters = text_mask(text, px, line.shape[0])
    patch = line[:, left : left + letters.shape[1]]
    share = letters[:, : patch.shape[1], None] / np.float32(255)
    patch[...] = np.rint(patch + share * (np.array(ink_bgr, np.float32) - patch))
