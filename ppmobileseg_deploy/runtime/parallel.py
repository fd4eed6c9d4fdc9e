"""Parallel work: several threads each work on an item, and the results keep the items' order."""

import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Generic, TypeVar

from ..errors import UsageError

T = TypeVar("T")
R = TypeVar("R")

LARGE_BYTES: Final = 192_000_000
"""An image of more memory, of 64 megapixels, is worked on alone."""

_BYTES_A_WORKER: Final = 64_000_000
_PATIENCE_S: Final = 2.0


class InOrder(Generic[T, R]):
    """Applies a function to items on several threads; an iterator of the results, in order.

    The threads take the items one at a time, each when it has nothing else to do. They begin with
    the first result that is asked for. In flight, which is taken and the result not yet used up
    (that is when the next one is asked for), are at most twice as many items as threads, and one.
    They take up to `LARGE_BYTES` together, or 64 MB for each thread where that is more; a larger
    item waits until it is alone.

    A context manager, at whose end the threads have finished the items at hand.

    Args:
        work: Called in any of the threads, several times at once.
        items: What to work on. It is closed at the end.
        workers: How many threads.
        n_bytes: Tells the memory of an item before work on it begins. None where it is small.

    Raises:
        UsageError: There are no workers.

    Examples:
        >>> with InOrder(str.upper, ["a", "b", "c"], workers=2) as results:
        ...     list(results)
        ['A', 'B', 'C']
    """

    def __init__(
        self,
        work: Callable[[T], R],
        items: Iterable[T],
        workers: int,
        *,
        n_bytes: Callable[[T], int] | None = None,
    ) -> None:
        if workers < 1:
            raise UsageError(f"expected 1 or more workers, found {workers}")
        self._work = work
        self._items = items
        self._iterator: Any = None
        self._n_bytes = n_bytes
        self._most = 2 * workers + 1
        self._most_bytes = max(LARGE_BYTES, workers * _BYTES_A_WORKER)
        self._held = self._held_bytes = 0
        self._turn = threading.Lock()  # never taken by the thread that wants results
        # Not conditions: where Ctrl-C meets one within its methods, it may stay locked for ever.
        self._places: queue.SimpleQueue[_Place[R] | _End] = queue.SimpleQueue()
        self._freed: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._head: _Place[R] | _End | None = None
        self._used: int | None = None
        self._stopped = self._ended = False
        # Daemons: a server that hangs does not keep the process from ending.
        self._threads = [
            threading.Thread(target=self._run, name=f"worker-{number}", daemon=True)
            for number in range(workers)
        ]
        self._started = False

    def __iter__(self) -> "InOrder[T, R]":
        return self

    def __next__(self) -> R:
        """Return the next result.

        Raises:
            BaseException: What work on the item raised; the results after it can still be had. Or
                what the iteration over the items raised, after all results.
        """
        if not self._started:
            self._started = True
            for thread in self._threads:
                thread.start()
        if self._used is not None:
            used, self._used = self._used, None
            self._freed.put(used)
        # Kept until its result is there: after Ctrl-C, which comes while waiting, it is the next.
        if self._head is None:
            self._head = self._places.get()
        head = self._head
        if isinstance(head, _End):
            error, head.error = head.error, None
            raise error or StopIteration
        done = head.done.get()
        self._head, self._used = None, head.n_bytes
        if done.error is not None:
            raise done.error
        return done.result  # type: ignore[return-value]

    @property
    def threads(self) -> Sequence[threading.Thread]:
        """The threads that call ``work``."""
        return self._threads

    def stop(self) -> None:
        """Begin nothing more. The results of what was begun can still be had."""
        self._stopped = True
        self._freed.put(0)

    def close(self) -> None:
        """Stop, and wait until what was begun is done. A second time does nothing.

        Taking an item, which may hang, is waited for a while only.
        """
        self.stop()
        # The garbage collector may close what was left behind in any thread.
        if not self._started or threading.current_thread() in self._threads:
            return
        head, self._head = self._head, None
        while not isinstance(head, _End):
            if head is not None:
                head.done.get()
            try:
                head = self._places.get_nowait()
            except queue.Empty:
                break
        for thread in self._threads:
            thread.join(_PATIENCE_S)

    def __enter__(self) -> "InOrder[T, R]":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self) -> None:
        while (taken := self._take()) is not None:
            place, item = taken
            try:
                done = _Done(self._work(item), None)
            except BaseException as error:  # raised where the result is asked for
                done = _Done(None, error)
            place.done.put(done)
            del taken, item, done

    def _take(self) -> "tuple[_Place[R], T] | None":
        """Take the next item, in this thread's turn; None where there is none."""
        with self._turn:
            if self._ended:
                return None
            try:
                if self._iterator is None:
                    self._iterator = iter(self._items)
                # Before the item is made, since that may take the memory.
                self._wait_for_room(0)
                item: T = next(self._iterator) if not self._stopped else _none_left()
                n_bytes = 0 if self._n_bytes is None else self._n_bytes(item)
                self._wait_for_room(n_bytes)
            except StopIteration:
                self._end(None)
                return None
            except BaseException as error:  # raised after the results
                self._end(error)
                return None
            place: _Place[R] = _Place(n_bytes, queue.SimpleQueue())
            self._held += 1
            self._held_bytes += n_bytes
            self._places.put(place)
            return place, item

    def _wait_for_room(self, n_bytes: int) -> None:
        while self._held and not self._stopped:
            fits = not n_bytes or self._held_bytes + n_bytes <= self._most_bytes
            if self._held < self._most and fits:
                return
            self._held_bytes -= self._freed.get()
            self._held -= 1

    def _end(self, error: BaseException | None) -> None:
        self._ended = True
        try:
            if close := getattr(self._iterator, "close", None):
                close()
        except BaseException as raised:
            error = error or raised
        self._places.put(_End(error))


@dataclass(frozen=True)
class _Done(Generic[R]):
    """What became of an item."""

    result: R | None
    error: BaseException | None


@dataclass(frozen=True)
class _Place(Generic[R]):
    """The place of a result among the others.

    Attributes:
        n_bytes: Memory of the item.
        done: Gets the result.
    """

    n_bytes: int
    done: "queue.SimpleQueue[_Done[R]]"


class _End:
    """Comes after the last place."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def _none_left() -> Any:
    raise StopIteration
