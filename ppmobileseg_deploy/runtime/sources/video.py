"""Video files: frames decoded, deinterlaced, converted to BGR and rotated for display."""

import logging
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...errors import ImageError
from ...quoting import printable
from ...types import ImageBGR
from .containers import MOST_PIXELS, decoder_threads, open_video
from .conversion import NO_MATRIX, Converter, FrameFormat
from .decoder import Decoder
from .rotation import Matrix, describe_rotation, display_matrix, rotated
from .source import Frame
from .timing import Clock, missing_end

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_log: Final = logging.getLogger(__name__)

_CHANGES_LOGGED: Final = 20
_DOLBY_VISION: Final = frozenset({"dvh1", "dvhe"})  # in MP4, where nothing else is in the file


class VideoWarning(UserWarning):
    """A video file is damaged in part, or holds more than was read of it."""


def video_frames(
    path: Path, *, vid_stride: int, max_frames: int | None, max_pixels: int
) -> Generator[Frame, None, None]:
    """Read a video file.

    The codec, size, rate and colour conversion are logged, with level INFO.

    Args:
        path: The file.
        vid_stride: Take every so many frames.
        max_frames: Stop after so many frames were taken.
        max_pixels: Larger frames are refused before they are decoded.

    Returns:
        The frames, in order, in constant memory.

    Raises:
        ImageError: While reading: the file cannot be read, or not to its end, and then what could
            be read comes first.

    Warns:
        VideoWarning: Parts of it are damaged, or there is another video in it.
    """
    try:
        missing = yield from _frames(path, vid_stride, max_frames, min(max_pixels, MOST_PIXELS))
    except ImageError as error:
        raise ImageError(f"cannot read {path}: {error}") from error.__cause__
    if missing:
        raise ImageError(f"cannot read {path} to its end: {missing}")


def _frames(
    path: Path, vid_stride: int, max_frames: int | None, most_pixels: int
) -> Generator[Frame, None, str]:
    """Give the frames, and in the end what is missing of them, in words."""
    with open_video(path) as video:
        _check_pixels(video.stream.height, video.stream.width, most_pixels)
        if video.others:
            _warn(f"{path} holds {video.others + 1} videos: the first is read")
        threads = decoder_threads()
        decoder = Decoder(video.container, video.stream, threads)
        converter = _FrameConverter(video.stream.codec_context.codec_tag, most_pixels, threads)
        clock = Clock(video.stream)
        log = _Log(path, video.stream, clock.fps)
        fps = clock.fps / vid_stride if clock.fps else None
        read = taken = 0
        for read, (frame, frame_format) in enumerate(decoder.frames(), start=1):
            index = read - 1
            clock.show(frame)
            if index % vid_stride == 0:
                image_bgr = converter.image_of(frame, frame_format)
                log.add(index, converter.description, deinterlaced=decoder.deinterlaces)
                yield Frame(image_bgr, index, clock.time_s, fps)
                taken += 1
            if taken == max_frames:
                break
        else:
            if read == 0:
                damage = f": {decoder.damage}" if decoder.damaged else ""
                raise ImageError(f"expected a video, found no frame in it{damage}")
            missing = missing_end(path, video, clock)
            if missing:
                return missing
        if decoder.damaged:
            _warn(f"{path} is damaged: {decoder.damage}")
        return ""


def _warn(text: str) -> None:
    warnings.warn(printable(text), VideoWarning, stacklevel=3)


class _FrameConverter:
    """Conversion of decoded frames to images; their format may change midway.

    Args:
        codec_tag: What the container calls the codec.
        most_pixels: Larger frames are refused.
        threads: Threads that work on a frame.

    Attributes:
        description: What was applied to the latest frame, for logs.
    """

    def __init__(self, codec_tag: str, most_pixels: int, threads: int) -> None:
        self.description = ""
        self._codec_tag = codec_tag
        self._most_pixels = most_pixels
        self._threads = threads
        self._format: FrameFormat | None = None
        self._converter: Converter | None = None
        self._matrix: Matrix | None = None

    def image_of(self, frame: "VideoFrame", frame_format: FrameFormat) -> ImageBGR:
        """Convert and rotate a frame.

        Args:
            frame: The frame.
            frame_format: Its format.

        Raises:
            ImageError: Its format or rotation is not supported.
        """
        matrix = display_matrix(frame)
        if self._converter is None or frame_format != self._format:
            for height, width in (frame_format.size_hw, frame_format.shown_hw):
                _check_pixels(height, width, self._most_pixels)
            if self._codec_tag in _DOLBY_VISION and frame_format.matrix in NO_MATRIX:
                raise ImageError(
                    "expected a picture for ordinary screens, PQ or HLG, found one in Dolby "
                    "Vision's own colours (profile 5)"
                )
            self._converter = Converter(frame, frame_format, self._threads)
            self._format, self.description = frame_format, ""
        image_bgr = rotated(self._converter.convert(frame), matrix)
        if matrix != self._matrix or not self.description:
            self.description = ", ".join(
                filter(None, [self._converter.description, describe_rotation(matrix)])
            )
            self._matrix = matrix
        return image_bgr


class _Log:
    """Log of a video: its codec and size, and what changes midway.

    Args:
        path: The file.
        stream: The video in it.
        fps: Frames a second, if known.
    """

    def __init__(self, path: Path, stream: "VideoStream", fps: float | None) -> None:
        self._path = path
        self._stream = stream
        self._fps = fps
        self._logged: tuple[str, bool] | None = None
        self._lines = 0

    def add(self, index: int, description: str, *, deinterlaced: bool) -> None:
        """Log, if anything is new.

        Args:
            index: Number of a frame.
            description: What was applied to it.
            deinterlaced: Whether frames are deinterlaced.
        """
        if (description, deinterlaced) == self._logged or self._lines == _CHANGES_LOGGED:
            return
        self._logged = description, deinterlaced
        context = self._stream.codec_context
        size = f"{context.height}x{context.width}"
        rate = f", {self._fps:g} fps" if self._fps else ""
        what = f"{context.codec.canonical_name} {context.pix_fmt} {size}{rate}"
        start = f"from frame {index} on " if self._lines else ""
        interlaced = ", deinterlaced" if deinterlaced else ""
        _log.info("%s", printable(f"{self._path}: {start}{what}: {description}{interlaced}"))
        self._lines += 1


def _check_pixels(height: int, width: int, most: int) -> None:
    if height * width > most:
        raise ImageError(f"expected frames of at most {most} pixels, found {height}x{width}")
