"""Pool of sessions: one for every size of input, and faster ones pinned to frequent sizes."""

from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock
from typing import Any, Final

from ...errors import DeviceError, ModelError
from ...types import SizeHW
from .execution import DEFAULT_DEVICE, OPENVINO
from .forks import call_after_fork
from .session import Session

PATIENCE: Final = 32
"""Images of one size in a row before a session is pinned to that size.

Opening one takes as long as it saves over some 40 images with tiny and 25 with base (60 and 90 ms,
one thread). A row this long is likely to go on for as long again, and a shorter one costs nothing.
"""

MAX_PINNED: Final = 3
"""Pinned sessions that are kept. Each holds a copy of the weights: 12 MB for tiny, 35 for base."""


_PINNED_ON: Final = (DEFAULT_DEVICE, OPENVINO)
"""Devices on which pinning was measured. OpenVINO takes 0.2 s to open, and then 18 % less time
in float32 and 36 % less in bfloat16 (tiny, 512x512): made up for after 60 to 90 images."""


class SessionPool:
    """A dynamic session for all sizes, and pinned ones for sizes that came often in a row.

    Pinned sessions are 5 to 10 % faster: there is no arithmetic with shapes left in them, and
    memory is planned ahead. Their results are the same but for the rounding of float32, which
    decides where two classes are equally likely: a pixel in a hundred thousand. All threads
    share them. The one that is called when it is time opens the pinned session, the others go
    on with the dynamic one meanwhile.

    Args:
        dynamic: Serves all sizes that have no session of their own, and batches.
        fixed_hw: The only size there will be, which gets its session at once.

    Raises:
        ModelError: The file is gone or has changed since.
    """

    def __init__(self, dynamic: Session, fixed_hw: SizeHW | None = None) -> None:
        self.dynamic = dynamic
        self._fixed_hw = fixed_hw
        self._expected_hw: tuple[SizeHW, ...] | None = None
        self._pinned: OrderedDict[SizeHW, Session] = OrderedDict()  # the least recent first
        self._pins = dynamic.pinnable and dynamic.device in _PINNED_ON and fixed_hw is None
        self._counts = self._pins
        self._last_hw: SizeHW | None = None
        self._in_a_row = 0
        self._lock = Lock()
        call_after_fork(self)
        if fixed_hw is not None and dynamic.pinnable:
            self._pinned[fixed_hw] = dynamic.pinned(fixed_hw)
            # It serves only batches from now on, if there are any: no second copy of the weights.
            dynamic.lazy.release()

    @property
    def pinned_sizes_hw(self) -> tuple[SizeHW, ...]:
        """Sizes that have a session, the least recently used first."""
        with self._lock:
            return tuple(self._pinned)

    def for_size(self, size_hw: SizeHW) -> Session:
        """Return the session for one image, and count its size.

        Args:
            size_hw: Height and width of the network's input.
        """
        if not self._counts:
            with self._lock:
                return self._pinned.get(size_hw, self.dynamic)
        with self._lock:
            self._in_a_row = self._in_a_row + 1 if size_hw == self._last_hw else 1
            self._last_hw = size_hw
            session = self._pinned.get(size_hw)
            if session is not None:
                self._pinned.move_to_end(size_hw)
                return session
            # Equality, not more than: exactly one thread sees this number and opens the session.
            if self._in_a_row != PATIENCE + 1:
                return self.dynamic
        return self._pin(size_hw)

    def expect(self, sizes_hw: Iterable[SizeHW]) -> None:
        """Pin sessions to these sizes now, and pin no size by itself from now on.

        Which session an image gets then depends on its size alone, not on those before it.

        Args:
            sizes_hw: Height and width of the network's input; of more than `MAX_PINNED`, the last
                ones stay.
        """
        self._counts = False
        self._expected_hw = tuple(sizes_hw)
        for size_hw in self._expected_hw:
            if self._pins and size_hw not in self.pinned_sizes_hw:
                self._pin(size_hw)

    def with_threads(self, threads: int) -> "SessionPool":
        """Return a pool of sessions on so many threads, for the sizes that this one expects.

        Args:
            threads: Threads within an operator.

        Raises:
            ModelError: The file is gone or has changed since.
        """
        other = SessionPool(self.dynamic.with_threads(threads), self._fixed_hw)
        if self._expected_hw is not None:
            other.expect(self._expected_hw)
        return other

    def _pin(self, size_hw: SizeHW) -> Session:
        try:
            session = self.dynamic.pinned(size_hw)
        except (ModelError, DeviceError):
            # The file may be gone by now. The dynamic session does the same, only slower.
            self._pins = self._counts = False
            return self.dynamic
        with self._lock:
            self._pinned[size_hw] = session
            if len(self._pinned) > MAX_PINNED:
                self._pinned.popitem(last=False)
        return session

    def for_tile(self, size_hw: SizeHW) -> Session:
        """Return the session for a tile, without pinning one to its size.

        A pinned session plans its memory ahead: as much again as the network takes.

        Args:
            size_hw: Height and width of the network's input.
        """
        with self._lock:
            return self._pinned.get(size_hw, self.dynamic)

    def after_fork(self) -> None:
        """Replace the lock, which a thread of the parent may hold."""
        self._lock = Lock()

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:  # another thread may be pinning
            state = {**vars(self), "_pinned": self._pinned.copy()}
        del state["_lock"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._lock = Lock()
        call_after_fork(self)
