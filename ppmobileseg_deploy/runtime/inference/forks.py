"""Telling objects that the process they are in was forked off another one."""

import ctypes
import os
from typing import Final, Protocol
from weakref import WeakSet


class Survivor(Protocol):
    """Holds what a fork breaks: locks that a thread of the parent holds, or threads."""

    def after_fork(self) -> None:
        """Replace what is broken. Called in the child before anything else runs there."""


_survivors: "WeakSet[Survivor]" = WeakSet()
_imported_in: Final = os.getpid()


def has_forked() -> bool:
    """Tell whether this process was forked off after the package was imported."""
    return os.getpid() != _imported_in


def watch(survivor: Survivor) -> None:
    """Call the object's ``after_fork`` in every child process, as long as it lives.

    Args:
        survivor: The object; it is held by a weak reference.
    """
    _survivors.add(survivor)


def never_free(thing: object) -> None:
    """Keep an object until the process ends, and beyond.

    Args:
        thing: What must not be taken apart, because the threads that it would wait for are in
            another process.
    """
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def _tell() -> None:
    for survivor in tuple(_survivors):
        survivor.after_fork()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_tell)
