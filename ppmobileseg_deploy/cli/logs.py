"""What the library logs, as notes."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from .console import print_note


@contextmanager
def logs_as_notes(*, wanted: bool) -> Iterator[None]:
    """Print what the library logs within a block.

    Args:
        wanted: Otherwise nothing is printed.
    """
    if not wanted:
        yield
        return
    logger = logging.getLogger(__package__.partition(".")[0])
    handler, level = _NoteHandler(), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)


class _NoteHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        print_note(record.getMessage())
