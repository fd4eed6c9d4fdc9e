"""Text from strangers' files in what is printed."""


def printable(text: str) -> str:
    """Return text that is safe on a terminal and stays on its line.

    Names in a file, and of files, may hold line breaks or terminal codes: such characters are
    escaped as in Python's literals, all others are kept.
    """
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
