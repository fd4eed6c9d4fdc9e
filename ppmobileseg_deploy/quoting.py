"""Text from strangers' files, and values from wherever, in what is printed."""

from typing import Final

_MOST: Final = 80


def printable(text: str) -> str:
    """Return text that is safe on a terminal and stays on its line.

    Names in a file, and of files, may hold line breaks or terminal codes: such characters are
    escaped as in Python's literals, all others are kept.
    """
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def brief(value: object) -> str:
    """Return a value as Python writes it, on one line and no longer than `_MOST` characters.

    Args:
        value: Anything, however large: what somebody gave in place of what was expected.
    """
    return shortened(repr(value))


def shortened(text: str, most: int = _MOST) -> str:
    """Return text that is printable and no longer than ``most`` characters.

    Args:
        text: Text of any length, from anywhere.
        most: Length that is left of it.
    """
    text = printable(text[: most + 1])
    return text if len(text) <= most else f"{text[: most - 3]}..."
