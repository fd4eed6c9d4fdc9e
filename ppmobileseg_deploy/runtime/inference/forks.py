"""Notification after a fork, for objects with locks, threads or sessions of the parent."""

import ctypes
import os
from typing import Final, Protocol
from weakref import WeakSet


class ForkListener(Protocol):
    """An object with something that does not work in a forked child: a lock, or threads."""

    def after_fork(self) -> None:
        """Replace what is broken. Called in the child before anything else runs there."""


_listeners: "WeakSet[ForkListener]" = WeakSet()
_imported_in: Final = os.getpid()


def has_forked() -> bool:
    """Return whether this process was forked off after the package was imported."""
    return os.getpid() != _imported_in


def call_after_fork(listener: ForkListener) -> None:
    """Call the object's ``after_fork`` in every child process, as long as it lives.

    Args:
        listener: The object; it is held by a weak reference.
    """
    _listeners.add(listener)


def never_free(thing: object) -> None:
    """Keep an object until the process ends, and beyond.

    Args:
        thing: What must not be taken apart, because the threads that it would wait for are in
            another process.
    """
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def _tell() -> None:
    for listener in tuple(_listeners):
        listener.after_fork()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_tell)
