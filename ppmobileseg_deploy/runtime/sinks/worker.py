"""Writing in the background while the next image is segmented."""

from collections.abc import Callable


class WritingWorker:
    """Does pieces of work in another thread, one after the other, in the order given.

    What is waiting is bounded. After the first error nothing more is done; it is raised by the
    next `put`, or by `close`.
    """

    def __init__(self, max_pending: int = 8, max_pending_bytes: int = 128 << 20) -> None:
        """Start the thread.

        Args:
            max_pending: Pieces of work that may wait.
            max_pending_bytes: Memory that they may hold together; a single larger one waits
                until it is alone.
        """

    def put(self, work: Callable[[], object], n_bytes: int = 0) -> None:
        """Hand over a piece of work; wait while too much is pending.

        Args:
            work: What to do.
            n_bytes: Memory that is held until it is done.

        Raises:
            OutputError: Earlier work failed with it (any other error is raised as it was).
        """
        raise NotImplementedError

    def close(self) -> None:
        """Wait until everything is done, and end the thread.

        Raises:
            OutputError: As for `put`, unless that has raised it already.
        """
        raise NotImplementedError
