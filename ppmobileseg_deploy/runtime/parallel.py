"""Parallel work: several threads each work on an item, and the results keep the items' order."""

import atexit
import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import inf
from time import monotonic
from types import TracebackType
from typing import Any, Final, Generic, TypeVar
from weakref import WeakSet

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

    A context manager, at whose end the threads have finished the items at hand. Results are for
    one thread, and for the process that asked for the first one.

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
        self._places: deque[_Place[R]] = deque()  # of the results to come, in order
        self._error: BaseException | None = None  # of the iteration over the items
        self._ended = False
        # Not conditions: where Ctrl-C meets one within its methods, it may stay locked for ever.
        # And nothing is handed over in this one: Ctrl-C may come when it was taken out.
        self._changed: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._freed: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._used: int | None = None
        self._stopped = False
        self._patient_until_s = inf
        # Daemons: a server that hangs does not keep the process from ending.
        self._threads = [
            threading.Thread(target=self._run, name=f"worker-{number}", daemon=True)
            for number in range(workers)
        ]
        self._process: int | None = None  # in which the threads were started

    def __iter__(self) -> "InOrder[T, R]":
        return self

    def __next__(self) -> R:
        """Return the next result.

        Raises:
            BaseException: What work on the item raised; the results after it can still be had. Or
                what the iteration over the items raised, after all results.
        """
        if self._process is None:
            self._process = os.getpid()
            _begun.add(self)
            for thread in self._threads:
                thread.start()
        elif self._process != os.getpid():
            raise UsageError("expected the process that asked for the first result, found a fork")
        if self._used is not None:
            used, self._used = self._used, None
            self._freed.put(used)
        done = self._await_first()
        if done is None:
            error, self._error = self._error, None
            raise error or StopIteration
        self._used = self._places.popleft().n_bytes
        if done.error is not None:
            raise done.error
        return done.result  # type: ignore[return-value]

    @property
    def threads(self) -> Sequence[threading.Thread]:
        """The threads that call ``work``."""
        return self._threads

    def stop(self) -> None:
        """Begin nothing more. The results of what was begun can still be had.

        An item that is just being taken, which may hang, is waited for a while only.
        """
        if not self._stopped:
            self._patient_until_s = monotonic() + _PATIENCE_S
            self._stopped = True
        self._freed.put(0)

    def close(self) -> None:
        """Stop, and wait until what was begun is done. A second time does nothing."""
        self.stop()
        # The garbage collector may close what was left behind in any thread, and in a fork.
        if self._process != os.getpid() or threading.current_thread() in self._threads:
            return
        while self._await_first() is not None:
            self._places.popleft()
        self._join()

    def __enter__(self) -> "InOrder[T, R]":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _await_first(self) -> "_Done[R] | None":
        """Wait for the next result, which stays at its place; None where there is no other."""
        while True:
            # Before looking, so that what changes after it is noticed.
            while not self._changed.empty():
                self._changed.get_nowait()
            ended = self._ended  # also before: no place comes after it
            if self._places:
                if (done := self._places[0].done) is not None:
                    return done
                self._changed.get()
            elif ended:
                return None
            elif not self._stopped:
                self._changed.get()
            else:
                try:
                    self._changed.get(timeout=max(0, self._patient_until_s - monotonic()))
                except queue.Empty:
                    return None

    def _join(self) -> None:
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0, self._patient_until_s - monotonic()))

    def _run(self) -> None:
        while (taken := self._take()) is not None:
            place, item = taken
            try:
                done = _Done(self._work(item), None)
            except BaseException as error:  # raised where the result is asked for
                done = _Done(None, error)
            place.done = done
            self._changed.put(None)
            del taken, place, item, done

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
                if self._stopped:  # meanwhile; nobody may wait for this item any more
                    _none_left()
            except StopIteration:
                self._end(None)
                return None
            except BaseException as error:  # raised after the results
                self._end(error)
                return None
            place: _Place[R] = _Place(n_bytes)
            self._held += 1
            self._held_bytes += n_bytes
            self._places.append(place)
            self._changed.put(None)
            return place, item

    def _wait_for_room(self, n_bytes: int) -> None:
        while self._held and not self._stopped:
            fits = not n_bytes or self._held_bytes + n_bytes <= self._most_bytes
            if self._held < self._most and fits:
                return
            self._held_bytes -= self._freed.get()
            self._held -= 1

    def _end(self, error: BaseException | None) -> None:
        try:
            if close := getattr(self._iterator, "close", None):
                close()
        except BaseException as raised:
            error = error or raised
        self._error = error
        self._ended = True
        self._changed.put(None)


@dataclass(frozen=True)
class _Done(Generic[R]):
    """What became of an item."""

    result: R | None
    error: BaseException | None


@dataclass
class _Place(Generic[R]):
    """The place of a result among the others.

    Attributes:
        n_bytes: Memory of the item.
        done: What became of it, once that is known.
    """

    n_bytes: int
    done: "_Done[R] | None" = None


def _none_left() -> Any:
    raise StopIteration


_begun: "Final[WeakSet[InOrder[Any, Any]]]" = WeakSet()


def _end_threads() -> None:
    """End what was left behind, as the process ends: C++ aborts it if its thread is torn down."""
    begun = [each for each in tuple(_begun) if each._process == os.getpid()]
    for each in begun:
        each.stop()
    for each in begun:
        each._join()


atexit.register(_end_threads)
