"""Frames whose lines were recorded at two times to frames of one time.

Interlaced frames hold two fields, the even and the odd lines, one recorded after the other. What
moves is torn between them. Of each frame the earlier field is kept, and its missing lines are
filled in by FFmpeg's ``bwdif``: from the frames before and after where nothing moves, from the
lines around where something does.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, TypeAlias

from .filters import Filter, FilterChain

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

Parity: TypeAlias = Literal["tff", "bff"]
"""Which field is the earlier one: the even lines, which begin at the top, or the odd ones."""


class Deinterlacer:
    """Deinterlaces the frames that say that they are interlaced, and gives back all others.

    Until the first interlaced frame they are given back at once, from then on one frame later.

    Args:
        threads: Threads that work on a frame.
        parity: For frames that say nothing: all are interlaced in this way.

    Attributes:
        used: Whether there was an interlaced frame.
    """

    def __init__(self, threads: int, parity: Parity | None = None) -> None:
        self.used = parity is not None
        self._threads = threads
        deint = "interlaced" if parity is None else "all"
        options = {"mode": "send_frame", "parity": parity or "auto", "deint": deint}
        self._filter: Filter = "bwdif", options
        self._chain: FilterChain | None = None
        self._kind: object = None

    def put(self, frame: "VideoFrame") -> "Iterator[VideoFrame]":
        """Take the next frame, and give what is ready.

        Raises:
            ImageError: It cannot be deinterlaced.
        """
        kind = frame.format.name, frame.width, frame.height
        if kind != self._kind:
            yield from self.flush()
        self.used = self.used or frame.interlaced_frame
        if not self.used:
            yield frame
            return
        if self._chain is None:
            self._chain, self._kind = FilterChain(frame, [self._filter], self._threads), kind
        yield from self._chain.put(frame)

    def flush(self) -> "Iterator[VideoFrame]":
        """Give what is left; more frames may follow.

        Raises:
            ImageError: It cannot be deinterlaced.
        """
        chain, self._chain = self._chain, None
        if chain is not None:
            yield from chain.put(None)
