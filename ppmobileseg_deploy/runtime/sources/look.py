"""What a video says about how its frames are to be shown.

Numbers are those of ISO/IEC 23091-2, which FFmpeg and all codecs share.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

UNKNOWN: Final = 2
"""Says nothing, for a matrix, a transfer function and primaries alike."""

NO_MATRIX: Final = frozenset({0, UNKNOWN, 3})
"""Numbers that say nothing of YUV: that of RGB, that of not saying it, and a reserved one."""

_SQUARE: Final = Fraction(1)


@dataclass(frozen=True)
class Look:
    """What a frame and its video say about how the frame is to be shown.

    Attributes:
        pixel_format: FFmpeg's name of it.
        size_hw: Height and width as stored.
        pixel_aspect: Width of a pixel over its height.
        matrix: From RGB to YUV.
        color_range: 1 for limited, 2 for full.
        transfer: From light to signals.
        primaries: What red, green and blue are.
    """

    pixel_format: str
    size_hw: tuple[int, int]
    pixel_aspect: Fraction
    matrix: int
    color_range: int
    transfer: int
    primaries: int

    @property
    def shown_hw(self) -> tuple[int, int]:
        """Height and width in square pixels."""
        height, width = self.size_hw
        if self.pixel_aspect >= 1:
            return height, round(width * self.pixel_aspect)
        return round(height / self.pixel_aspect), width


class Looks:
    """Tells the look of each frame of a video, by its container and by what is coded in it.

    What the container says of the shape of the pixels counts, until the stream changes it midway;
    of colours, where the stream says nothing, which FFmpeg's decoders of HEVC and VP9 forget.

    PyAV has the shape of the pixels of the decoder, not of the frame: where it changes midway it
    changes some frames early, one for each thread of the decoder.

    Args:
        stream: The video, of which nothing is decoded yet.
    """

    def __init__(self, stream: "VideoStream") -> None:
        context = stream.codec_context
        self._context = context
        self._container_aspect = stream.sample_aspect_ratio
        self._first_aspect = context.sample_aspect_ratio
        self._container_colors = (context.colorspace, context.color_trc, context.color_primaries)
        self._container_range = context.color_range

    def of(self, frame: "VideoFrame") -> Look:
        """Return the look of the frame that was decoded last."""
        aspect = self._context.sample_aspect_ratio
        if aspect == self._first_aspect:
            aspect = self._container_aspect
        coded = (frame.colorspace, frame.color_trc, frame.color_primaries)
        matrix, transfer, primaries = (
            container if of_stream == UNKNOWN else of_stream
            for of_stream, container in zip(coded, self._container_colors, strict=True)
        )
        color_range = frame.color_range
        if matrix != frame.colorspace:
            color_range = self._container_range or color_range
        return Look(
            pixel_format=frame.format.name,
            size_hw=(frame.height, frame.width),
            pixel_aspect=aspect or _SQUARE,
            matrix=matrix,
            color_range=color_range,
            transfer=transfer,
            primaries=primaries,
        )
