"""Connections that end when their time is over, however slowly the other side sends."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Deadline:
    """Ends every connection that it watches when it has passed.

    A timeout of a socket begins anew with each byte, so that a server which sends one now and
    then could hold us for ever, in the headers too.

    Attributes:
        passed: Whether the time is over.
    """

    def __init__(self) -> None:
        self.passed = False
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []

    @classmethod
    @contextmanager
    def within(cls, limit_s: float) -> "Iterator[Deadline]":
        """Yield a deadline that passes after so many seconds in the block."""
        deadline = cls()
        timer = threading.Timer(limit_s, deadline._end)
        timer.daemon = True
        timer.start()
        try:
            yield deadline
        finally:
            timer.cancel()
            timer.join()
            for each in deadline._sockets:
                each.close()

    def watch(self, connected: socket.socket) -> None:
        """Take a socket that is connected, before TLS replaces the object.

        Raises:
            TimeoutError: The time is over.
        """
        with self._lock:
            self._sockets.append(connected.dup())
            if self.passed:
                raise TimeoutError

    def _end(self) -> None:
        with self._lock:
            self.passed = True
            for each in self._sockets:
                with suppress(OSError):  # the other side was faster
                    each.shutdown(socket.SHUT_RDWR)
