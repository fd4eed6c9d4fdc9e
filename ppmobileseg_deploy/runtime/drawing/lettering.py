"""Text on pictures, in Pillow's font or one of the operating system.

Pillow's font has the letters of English. For other writing a well-known font of the operating
system is used; where there is none, accents are dropped and other letters become ``?``.
"""

import unicodedata
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ...metadata import RGB
from ...quoting import printable

_SYSTEM_FONTS: Final = (
    "DejaVuSans.ttf",
    "NotoSansCJK-Regular.ttc",
    "wqy-microhei.ttc",
    "msyh.ttc",
    "PingFang.ttc",
    "Arial Unicode.ttf",
    "malgun.ttf",
    "arial.ttf",
)
_LONGEST: Final = 80
_PROBE_PX: Final = 16
_ELLIPSIS: Final = "..."
_UNKNOWN: Final = "?"


def text_width(text: str, size_px: int) -> int:
    """Return how wide a text is in a size of letters, in pixels.

    Args:
        text: From `writable`.
        size_px: Height of the letters, from the top of the highest to the foot of the lowest.
    """
    return int(np.ceil(_font(_file_for(text), size_px).getlength(text)))


def text_mask(text: str, size_px: int, height: int) -> NDArray[np.uint8]:
    """Draw a text as a mask.

    Args:
        text: From `writable`.
        size_px: Height of the letters.
        height: Height of the mask; the text is in its vertical middle.

    Returns:
        (height, width of the text) uint8: 255 inside the letters, 0 outside.
    """
    stencil = Image.new("L", (max(1, text_width(text, size_px)), height))
    # Where the foot of letters without descenders stands, so that small letters look centred.
    foot = round(height / 2 + 0.31 * size_px)
    font = _font(_file_for(text), size_px)
    ImageDraw.Draw(stencil).text((0, foot), text, 255, font, anchor="ls")
    return np.asarray(stencil)


def writable(name: str, class_id: int) -> str:
    """Return a class name as text that can be drawn; a name may hold anything.

    Characters that no font here has are replaced, control characters are escaped, the end of
    very long names is cut off.

    Args:
        name: The name.
        class_id: Written where nothing readable is left of the name.
    """
    text = printable(name[: _LONGEST + 1].strip())
    text = text if len(text) <= _LONGEST else text[:_LONGEST] + _ELLIPSIS
    if _file_for(text) is None:
        text = "".join(each if _has(None, each) else _nearest(each) for each in text)
    readable = any(each not in _UNKNOWN + " " for each in text)
    return text if readable else f"class {class_id}"


def lacks_letters(name: str) -> bool:
    """Return whether some characters of a name are in no font here, so that they are replaced."""
    text = printable(name[:_LONGEST].strip())
    return _file_for(text) is None and not all(_has(None, each) for each in text)


def fitted(text: str, size_px: int, width: int) -> str:
    """Return a text, cut off and marked with ``...`` where it is wider than some pixels."""
    if text_width(text, size_px) <= width:
        return text
    for end in range(len(text) - 1, 0, -1):
        shorter = text[:end].rstrip() + _ELLIPSIS
        if text_width(shorter, size_px) <= width:
            return shorter
    return _ELLIPSIS


def ink_on(color_rgb: RGB) -> RGB:
    """Return black or white, whichever is easier to read on a colour.

    The better one's contrast by the formula of the Web Content Accessibility Guidelines is 4.5
    or more on every colour.
    """
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (channel / 255 for channel in color_rgb)
    )
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return (0, 0, 0) if luminance > 0.179 else (255, 255, 255)


@lru_cache(maxsize=256)
def _font(file: str | None, size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size_px) if file is None else ImageFont.truetype(file, size_px)


@lru_cache(maxsize=1024)
def _file_for(text: str) -> str | None:
    if all(_has(None, each) for each in text):
        return None
    for file in _system_fonts():
        if all(_has(file, each) for each in text):
            return file
    return None


@lru_cache(maxsize=1)
def _system_fonts() -> tuple[str, ...]:
    found = []
    for file in _SYSTEM_FONTS:
        try:
            ImageFont.truetype(file, _PROBE_PX)
        except OSError:
            continue
        found.append(file)
    return tuple(found)


@lru_cache(maxsize=4096)
def _has(file: str | None, character: str) -> bool:
    return character == " " or _shape(file, character) != _shape(file, "\uffff")


def _shape(file: str | None, character: str) -> tuple[tuple[int, ...], bytes]:
    mask = _font(file, _PROBE_PX).getmask(character)
    return tuple(mask.size), bytes(mask)


def _nearest(character: str) -> str:
    bare = [c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c)]
    return "".join(bare) if bare and all(_has(None, c) for c in bare) else _UNKNOWN
