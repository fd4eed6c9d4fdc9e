"""Video decoder: packets to frames that are not interlaced; damaged packets are left out.

Interlaced frames hold two fields, the even and the odd lines, recorded one after the other, so
that what moves is torn between them. Of each frame the earlier field is kept, and its missing
lines are filled in by FFmpeg's ``bwdif``: from the frames before and after where nothing moves,
from the lines around where something does.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from ...errors import ImageError
from .containers import reason_of
from .conversion import FrameFormat, FrameFormats
from .filters import Filter, FilterChain

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

Parity: TypeAlias = Literal["tff", "bff"]
"""Which field is the earlier one: the even lines, which begin at the top, or the odd ones."""

_SEPARATE_FIELDS: Final = frozenset({"hevc"})
"""Codecs whose fields FFmpeg does not join: it gives each as a frame of half the height."""

_UNMARKED: Final = frozenset({"jpeg2000", "mjpeg", "png"})
"""Still-image codecs, whose frames carry no mark of interlacing."""

_PARITIES: Final[dict[int, Parity]] = {2: "tff", 3: "bff", 4: "bff", 5: "tff"}
"""By how containers say it: FFmpeg's AVFieldOrder."""


class Decoder:
    """Decodes a video into frames that are not interlaced, in the order in which they are shown.

    Args:
        container: The file.
        stream: The video in it, of which nothing is decoded yet.
        threads: Threads that deinterlace a frame.

    Attributes:
        damaged: How many packets could not be decoded, or not wholly.
    """

    def __init__(self, container: "InputContainer", stream: "VideoStream", threads: int) -> None:
        self.damaged = 0
        self._reason = ""
        self._container = container
        self._stream = stream
        parity = None
        if stream.name in _UNMARKED:
            # PyAV has it from release 18 on.
            parity = _PARITIES.get(getattr(stream.codec_context, "field_order", 0))
        self._deinterlacer = Deinterlacer(threads, parity)
        self._formats = FrameFormats(stream)
        # Formats of the frames that are in the deinterlacer.
        self._waiting: deque[FrameFormat] = deque()

    @property
    def deinterlaces(self) -> bool:
        """Whether there was an interlaced frame."""
        return self._deinterlacer.used

    @property
    def damage(self) -> str:
        """What was damaged, in words; nothing if nothing was."""
        if not self.damaged:
            return ""
        packets = "1 packet" if self.damaged == 1 else f"{self.damaged} packets"
        reason = f" ({self._reason})" if self._reason else ""
        return f"{packets} of it could not be decoded, or not wholly{reason}"

    def frames(self) -> "Iterator[tuple[VideoFrame, FrameFormat]]":
        """Decode; once.

        Returns:
            Each frame, and how it is to be shown.

        Raises:
            ImageError: After the frames before: the file cannot be read on, or the video is of a
                kind that cannot be shown.
        """
        for packet in self._packets():
            for frame in self._decoded(packet):
                if frame.interlaced_frame and self._stream.name in _SEPARATE_FIELDS:
                    raise ImageError(
                        "expected a video whose frames are whole, found one in HEVC that holds "
                        "its fields one by one"
                    )
                self._waiting.append(self._formats.of(frame))
                yield from self._with_formats(self._deinterlacer.put(frame))
        yield from self._with_formats(self._deinterlacer.flush())

    def _with_formats(
        self, frames: "Iterator[VideoFrame]"
    ) -> "Iterator[tuple[VideoFrame, FrameFormat]]":
        for frame in frames:
            # Some pixel formats become others when they are deinterlaced.
            yield frame, replace(self._waiting.popleft(), pixel_format=frame.format.name)

    def _packets(self) -> "Iterator[Packet[VideoStream] | None]":
        import av

        try:
            yield from self._container.demux(self._stream)
        except OSError as error:
            raise ImageError(reason_of(error)) from error
        except av.FFmpegError as error:  # also MemoryError, of a packet of impossible size
            self._note(error)
            yield None  # flushes the decoder

    def _decoded(self, packet: "Packet[VideoStream] | None") -> "list[VideoFrame]":
        import av

        try:
            frames = self._stream.decode(packet)
        except MemoryError:
            raise
        except av.FFmpegError as error:
            self._note(error)
            return []
        self.damaged += sum(frame.is_corrupt for frame in frames)
        return frames

    def _note(self, error: Exception) -> None:
        self.damaged += 1
        self._reason = reason_of(error)


class Deinterlacer:
    """Deinterlaces the frames that are marked as interlaced; the others pass unchanged.

    Until the first interlaced frame they are given back at once, from then on one frame later.

    Args:
        threads: Threads that work on a frame.
        parity: Of frames that carry no mark and are all interlaced; None where marks count.

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
