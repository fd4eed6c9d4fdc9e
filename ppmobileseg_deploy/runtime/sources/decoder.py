"""Decoding a video, past whatever in it is damaged."""

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ...errors import ImageError
from .containers import reason_of
from .deinterlacing import Deinterlacer, Parity
from .look import Look, Looks

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_SEPARATE_FIELDS: Final = frozenset({"hevc"})
"""Codecs whose fields FFmpeg does not join: it gives each as a frame of half the height."""

_UNMARKED: Final = frozenset({"jpeg2000", "mjpeg", "png"})
"""Codecs of photographs, whose frames do not say whether they are interlaced."""

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
            # PyAV tells it from release 18 on.
            parity = _PARITIES.get(getattr(stream.codec_context, "field_order", 0))
        self._deinterlacer = Deinterlacer(threads, parity)
        self._looks = Looks(stream)
        self._waiting: deque[Look] = deque()  # those of the frames that are in the deinterlacer

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

    def frames(self) -> "Iterator[tuple[VideoFrame, Look]]":
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
                self._waiting.append(self._looks.of(frame))
                yield from self._with_looks(self._deinterlacer.put(frame))
        yield from self._with_looks(self._deinterlacer.flush())

    def _with_looks(self, frames: "Iterator[VideoFrame]") -> "Iterator[tuple[VideoFrame, Look]]":
        for frame in frames:
            # Some pixel formats become others when they are deinterlaced.
            yield frame, replace(self._waiting.popleft(), pixel_format=frame.format.name)

    def _packets(self) -> "Iterator[Packet[VideoStream] | None]":
        import av

        try:
            yield from self._container.demux(self._stream)
        except OSError as error:
            raise ImageError(reason_of(error)) from error
        except av.FFmpegError as error:  # also MemoryError, in which a packet's claim may end
            self._note(error)
            yield None  # for what the decoder still holds

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
