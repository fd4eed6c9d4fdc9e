"""Reading ahead: a thread makes the next items while the present one is used."""

import queue
import threading
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from ...errors import UsageError
from ..parallel import LARGE_BYTES

T = TypeVar("T")

_PATIENCE_S: Final = 2.0


def ahead(
    items: Iterable[T], depth: int = 2, *, n_bytes: Callable[[T], int] | None = None
) -> Generator[T, None, None]:
    """Run an iteration in a thread of its own, at most ``depth`` items ahead.

    The thread begins with the first item that is asked for. It ends with the iteration, or when
    the generator is closed, which a ``for`` loop that is left does sooner or later, and
    `contextlib.closing` at once. ``items`` is closed too, by that thread.

    Args:
        items: What to iterate over.
        depth: How many items may be made before they are asked for.
        n_bytes: Tells the memory of an item. After one of more than `LARGE_BYTES` the next is made
            when that one is asked for. None where items are small.

    Returns:
        The same items in the same order. An error of the iteration comes where it happened,
        after the items before it.

    Raises:
        UsageError: ``depth`` is less than 1.
    """
    if depth < 1:
        raise UsageError(f"expected a depth of 1 or more, found {depth}")
    return _ahead(_Worker(items, depth, n_bytes))


def _ahead(worker: "_Worker[T]") -> Generator[T, None, None]:
    worker.start()
    try:
        while not isinstance(made := worker.made.get(), _End):
            worker.release(made.places)
            item = made.item
            del made
            yield item
            del item
        if made.error is not None:
            raise made.error
    finally:
        worker.stop()


@dataclass(frozen=True)
class _Made(Generic[T]):
    """An item, and how many places it takes until it is asked for."""

    item: T
    places: int


class _End:
    """Comes after the last item."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class _Worker(threading.Thread, Generic[T]):
    def __init__(self, items: Iterable[T], depth: int, n_bytes: Callable[[T], int] | None) -> None:
        # A daemon: a camera or server that hangs does not keep the process from ending.
        super().__init__(name="read-ahead", daemon=True)
        self.made: queue.SimpleQueue[_Made[T] | _End] = queue.SimpleQueue()
        # Not a semaphore: where Ctrl-C meets one within its methods, it may stay locked for ever.
        self.free: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.release(depth)
        self._items = items
        self._depth = depth
        self._n_bytes = n_bytes
        self._stopped = False

    def run(self) -> None:
        iterator = None
        error: BaseException | None = None
        try:
            iterator = iter(self._items)
            while True:
                # Before the item is made, since that takes the memory.
                self.free.get()
                if self._stopped:
                    break
                try:
                    item = next(iterator)
                except StopIteration:
                    break
                is_large = self._n_bytes is not None and self._n_bytes(item) > LARGE_BYTES
                places = self._depth if is_large else 1
                self.made.put(_Made(item, places))
                del item
                for _ in range(places - 1):
                    self.free.get()
        except BaseException as raised:  # handed to the thread that waits for items
            error = raised
        try:
            if close := getattr(iterator, "close", None):
                close()
        except BaseException as raised:
            error = error or raised
        self.made.put(_End(error))

    def release(self, places: int) -> None:
        """Let so many more items be made."""
        for _ in range(places):
            self.free.put(None)

    def stop(self) -> None:
        """End the thread. It finishes the item at hand, which is waited for a while."""
        self._stopped = True
        self.release(self._depth)
        # The garbage collector closes a generator that is left behind in whichever thread it runs.
        if threading.current_thread() is not self:
            self.join(_PATIENCE_S)
