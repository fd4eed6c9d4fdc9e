"""Background worker: writes results while the next image is segmented."""

from collections import deque
from collections.abc import Callable
from threading import Condition, RLock, Thread
from types import TracebackType
from typing import final


@final
class WritingWorker:
    """Worker thread that does pieces of work one after the other, in the order given.

    What is waiting is bounded. After the first error nothing more is done; it is raised by the
    next `put`, or by `close`. A ``with`` block closes the worker at its end, also when it ends
    by an error: what was handed over is still written.

    Examples:
        >>> done = []
        >>> with WritingWorker() as worker:
        ...     for number in range(3):
        ...         worker.put(lambda number=number: done.append(number))
        >>> done
        [0, 1, 2]
    """

    def __init__(self, max_pending: int = 8, max_pending_bytes: int = 128 << 20) -> None:
        """Start the thread.

        Args:
            max_pending: Pieces of work that may wait.
            max_pending_bytes: Memory that they may hold together; a single larger one waits
                until it is alone.
        """
        self._max_pending = max_pending
        self._max_pending_bytes = max_pending_bytes
        # Work in progress is among them until it is done, because it holds its memory.
        self._pending: deque[tuple[Callable[[], object], int]] = deque()
        self._error: BaseException | None = None
        self._failed = False
        self._closing = False
        self._ended = False
        # Entered by the lock itself: where Ctrl-C meets the methods of a condition, which are
        # written in Python, the lock may stay locked for ever.
        self._lock = RLock()
        self._changed = Condition(self._lock)
        self._thread = Thread(target=self._run, name="ppms-writing", daemon=True)
        self._thread.start()

    def put(self, work: Callable[[], object], n_bytes: int = 0) -> None:
        """Hand over a piece of work; wait while too much is pending.

        Args:
            work: What to do.
            n_bytes: Memory that is held until it is done.

        Raises:
            OutputError: Earlier work failed with it (any other error is raised as it was).
        """
        with self._lock:
            if self._closing:
                raise RuntimeError("the worker is closed")
            self._changed.wait_for(lambda: self._failed or self._has_room(n_bytes))
            self._raise_error()
            if not self._failed:
                self._pending.append((work, n_bytes))
                self._changed.notify_all()

    def check(self) -> None:
        """Raise the error of earlier work, as `put` would."""
        with self._lock:
            self._raise_error()

    def close(self) -> None:
        """Wait until everything is done, and end the thread. A second time does nothing.

        Raises:
            OutputError: As for `put`, unless that has raised it already.
        """
        with self._lock:
            self._closing = True
            self._changed.notify_all()
            # Before joining: until Python 3.12, a thread passes for ended once Ctrl-C has come
            # while it was waited for, and files would be left half written.
            self._changed.wait_for(lambda: self._ended)
        self._thread.join()
        self._raise_error()

    def __enter__(self) -> "WritingWorker":
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _has_room(self, n_bytes: int) -> bool:
        held = sum(each for _, each in self._pending)
        fits = held + n_bytes <= self._max_pending_bytes
        return not self._pending or (fits and len(self._pending) < self._max_pending)

    def _raise_error(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _run(self) -> None:
        try:
            self._work_off()
        finally:
            with self._lock:
                self._ended = True
                self._changed.notify_all()

    def _work_off(self) -> None:
        while True:
            with self._lock:
                self._changed.wait_for(lambda: self._pending or self._closing)
                if not self._pending:
                    return
                work = self._pending[0][0]
            try:
                work()
            except BaseException as error:  # raised where the work came from
                with self._lock:
                    self._error, self._failed = error, True
                    self._pending.clear()
                    self._changed.notify_all()
                return
            del work
            with self._lock:
                self._pending.popleft()
                self._changed.notify_all()
