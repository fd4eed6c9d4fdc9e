"""From a video file to its frames as they are meant to be seen."""

import logging
import re
import warnings
from collections.abc import Generator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...errors import ImageError
from ...quoting import printable
from ..arrays import ImageBGR
from .boxes import ends_within_box, has_boxes
from .containers import MOST_PIXELS, OpenVideo, decoder_threads, open_video
from .conversion import NO_MATRIX, Converter, Look
from .decoder import Decoder
from .frame import Frame
from .turning import Matrix, matrix_of, said_of, turned

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_log: Final = logging.getLogger(__name__)

_MOST_FPS: Final = 1000.0  # beyond it, it is a clock rate that some files name as their own
_TOLERANCE: Final = 0.02  # of a video's duration: containers round, and soundtracks are longer
_TOLERATED_FRAMES: Final = 3
_CHANGES_LOGGED: Final = 20
_DOLBY_VISION: Final = frozenset({"dvh1", "dvhe"})  # in MP4, where nothing else is in the file
_SQUARE: Final = Fraction(1)


class VideoWarning(UserWarning):
    """A video file is damaged in part, or holds more than was read of it."""


def video_frames(
    path: Path, *, vid_stride: int, max_frames: int | None, max_pixels: int
) -> Generator[Frame, None, None]:
    """Read a video file.

    What is honoured of what it says about itself is logged, with level INFO.

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
        images = _Images(video.stream, most_pixels, threads)
        fps = _fps(video.stream)
        clock, log = _Clock(fps), _Log(path, video.stream, fps)
        read = taken = 0
        for read, frame in enumerate(decoder.frames(), start=1):
            index = read - 1
            clock.show(frame.time)
            if index % vid_stride == 0:
                image_bgr = images.of(frame)
                log.tell(index, images.said, decoder.deinterlaces)
                yield Frame(image_bgr, index, clock.time_s, fps / vid_stride if fps else None)
                taken += 1
            if taken == max_frames:
                break
        else:
            if read == 0:
                damage = f": {decoder.damage}" if decoder.damaged else ""
                raise ImageError(f"expected a video, found no frame in it{damage}")
            missing = _missing(path, video, read, clock, fps)
            if missing:
                return missing
        if decoder.damaged:
            _warn(f"{path} is damaged: {decoder.damage}")
        return ""


def _warn(text: str) -> None:
    warnings.warn(printable(text), VideoWarning, stacklevel=3)


class _Clock:
    """Tells when frames are shown, in seconds after the first.

    Args:
        fps: Frames a second, if known.

    Attributes:
        time_s: The time of the latest frame.
    """

    def __init__(self, fps: float | None) -> None:
        self.time_s = 0.0
        self._step_s = 1 / fps if fps else 0.0
        self._first_s: float | None = None
        self._shown = False

    def show(self, stated_s: float | None) -> None:
        """Go on to the next frame.

        Args:
            stated_s: Its time in the file. One that is missing, or not after the frame before,
                follows that.
        """
        if not self._shown:
            self._shown, self._first_s = True, stated_s
            return
        if stated_s is not None and self._first_s is None:
            self._first_s = stated_s - self.time_s - self._step_s
        after_s = None if stated_s is None else stated_s - (self._first_s or 0.0)
        if after_s is not None and after_s > self.time_s:
            self.time_s = after_s
        else:
            self.time_s += self._step_s

    def lead_s(self, stream: "VideoStream") -> float:
        """Return for how long a video had begun when its first frame could be decoded."""
        if self._first_s is None or stream.start_time is None or stream.time_base is None:
            return 0.0
        return max(0.0, self._first_s - float(stream.start_time * stream.time_base))


class _Images:
    """Turns decoded frames into images, whatever changes midway.

    Args:
        stream: The video.
        most_pixels: Larger frames are refused.
        threads: Threads that work on a frame.

    Attributes:
        said: What was honoured of the latest frame, for people.
    """

    def __init__(self, stream: "VideoStream", most_pixels: int, threads: int) -> None:
        self.said = ""
        self._context = stream.codec_context
        self._stated_aspect = stream.sample_aspect_ratio
        self._first_aspect = self._context.sample_aspect_ratio
        self._most_pixels = most_pixels
        self._threads = threads
        self._look: Look | None = None
        self._converter: Converter | None = None
        self._matrix: Matrix | None = None

    def of(self, frame: "VideoFrame") -> ImageBGR:
        """Convert and turn a frame.

        Raises:
            ImageError: It cannot be shown as it says.
        """
        look, matrix = self._look_of(frame), matrix_of(frame)
        if self._converter is None or look != self._look:
            for height, width in (look.size_hw, look.shown_hw):
                _check_pixels(height, width, self._most_pixels)
            if self._context.codec_tag in _DOLBY_VISION and look.matrix in NO_MATRIX:
                raise ImageError(
                    "expected a picture for ordinary screens, PQ or HLG, found one in Dolby "
                    "Vision's own colours (profile 5)"
                )
            self._converter = Converter(frame, look, self._threads)
            self._look, self.said = look, ""
        image_bgr = turned(self._converter.convert(frame), matrix)
        if matrix != self._matrix or not self.said:
            self.said = ", ".join(filter(None, [self._converter.said, said_of(matrix)]))
            self._matrix = matrix
        return image_bgr

    def _look_of(self, frame: "VideoFrame") -> Look:
        context = self._context
        # The container's word first; but where the stream changes midway, it knows better.
        aspect = context.sample_aspect_ratio
        if aspect == self._first_aspect:
            aspect = self._stated_aspect
        return Look(
            pixel_format=frame.format.name,
            size_hw=(frame.height, frame.width),
            pixel_aspect=aspect or _SQUARE,
            matrix=frame.colorspace,
            color_range=frame.color_range,
            transfer=context.color_trc,
            primaries=context.color_primaries,
        )


class _Log:
    """Logs what a video is, and what changes midway.

    Args:
        path: The file.
        stream: The video in it.
        fps: Frames a second, if known.
    """

    def __init__(self, path: Path, stream: "VideoStream", fps: float | None) -> None:
        self._path = path
        self._stream = stream
        self._fps = fps
        self._told: tuple[str, bool] | None = None
        self._lines = 0

    def tell(self, index: int, said: str, deinterlaced: bool) -> None:
        """Log, if anything is new.

        Args:
            index: Number of a frame.
            said: What was honoured of it.
            deinterlaced: Whether frames are deinterlaced.
        """
        if (said, deinterlaced) == self._told or self._lines == _CHANGES_LOGGED:
            return
        self._told = said, deinterlaced
        context = self._stream.codec_context
        size = f"{context.height}x{context.width}"
        rate = f", {self._fps:g} fps" if self._fps else ""
        what = f"{context.codec.canonical_name} {context.pix_fmt} {size}{rate}"
        start = f"from frame {index} on " if self._lines else ""
        interlaced = ", deinterlaced" if deinterlaced else ""
        _log.info("%s", printable(f"{self._path}: {start}{what}: {said}{interlaced}"))
        self._lines += 1


def _check_pixels(height: int, width: int, most: int) -> None:
    if height * width > most:
        raise ImageError(f"expected frames of at most {most} pixels, found {height}x{width}")


def _fps(stream: "VideoStream") -> float | None:
    for rate in (stream.guessed_rate, stream.average_rate):
        if rate is not None and 0 < rate <= _MOST_FPS:
            return float(rate)
    return None


def _duration_s(video: OpenVideo, fps: float) -> float | None:
    """Return how long a video is by what its container says; None if it says nothing."""
    stream = video.stream
    if stream.frames > 0:
        return stream.frames / fps
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    # Matroska says it of all streams together, and a soundtrack may be longer. Most writers add
    # it for each: "00:00:02.400000000".
    tagged = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", stream.metadata.get("DURATION", ""))
    if tagged is not None:
        return int(tagged[1]) * 3600 + int(tagged[2]) * 60 + float(tagged[3])
    return None if video.container.duration is None else video.container.duration / 1e6


def _missing(path: Path, video: OpenVideo, read: int, clock: _Clock, fps: float | None) -> str:
    """Tell a video that is over from one that breaks off: FFmpeg ends both alike."""
    expected_s = _duration_s(video, fps) if fps else None
    if fps is None or expected_s is None:
        return ""
    found_s = clock.lead_s(video.stream) + clock.time_s + 1 / fps
    if found_s >= expected_s - max(_TOLERATED_FRAMES / fps, _TOLERANCE * expected_s):
        return ""
    # A phone that trims a clip leaves the frames in the file and notes which ones to show.
    if has_boxes(path) and not ends_within_box(path):
        return ""
    return (
        f"expected {expected_s:.1f} s, found {found_s:.1f} s ({read} frames): the file is "
        "incomplete or damaged"
    )
