"""Text from a stranger's file in our messages."""


def printable(text: str) -> str:
    """Return text that is safe on a terminal and stays on its line.

    Names in a file may hold line breaks or terminal codes; such a text is quoted and escaped.
    """
    return text if text.isprintable() else ascii(text)
