"""Timing of a video: the time of every frame, and whether the video ends early."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .containers import OpenVideo, ends_within_box, has_boxes

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_CLOCK_RATE: Final = 1000  # of Matroska; with few frames FFmpeg takes it for the frame rate
_TOLERANCE: Final = 0.02  # of a video's duration: containers round, and soundtracks are longer
_TOLERATED_FRAMES: Final = 3
_DURATION: Final = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")


class Clock:
    """Clock of a video: when its frames are shown, in seconds after the first.

    Args:
        stream: The video.

    Attributes:
        fps: Frames a second; None where that is unknown.
        frames: How many frames were shown.
        time_s: When the latest of them was shown.
        end_s: When it ended, by the clock of the file, which may begin before the first frame
            that can be decoded.
    """

    def __init__(self, stream: "VideoStream") -> None:
        self.fps = _fps(stream)
        self.frames = 0
        self.time_s = self.end_s = 0.0
        self._start_s = 0.0
        if stream.start_time is not None and stream.time_base is not None:
            self._start_s = float(stream.start_time * stream.time_base)
        self._step_s = 1 / self.fps if self.fps else 0.0
        self._first_s: float | None = None

    def show(self, frame: "VideoFrame") -> None:
        """Go on to the next frame. One without a time, or not after the one before, follows it."""
        stated_s: float | None = frame.time
        following_s = self.time_s + self._step_s if self.frames else 0.0
        if stated_s is not None and self._first_s is None:
            self._first_s = stated_s - following_s
        after_s = following_s
        if stated_s is not None and self._first_s is not None:
            after_s = stated_s - self._first_s
        self.time_s = after_s if after_s > self.time_s else following_s
        self.frames += 1
        duration_s = float(frame.duration * frame.time_base) if frame.time_base else 0.0
        lead_s = 0.0 if self._first_s is None else max(0.0, self._first_s - self._start_s)
        self.end_s = lead_s + self.time_s + max(self._step_s, duration_s)


def missing_end(path: Path, video: OpenVideo, clock: Clock) -> str:
    """Tell whether a video breaks off before its end, which FFmpeg does not report.

    Args:
        path: The file.
        video: The same, open.
        clock: After the last frame.

    Returns:
        What is missing, in words; nothing if the video is whole, or does not say how long it is.
    """
    expected_s = _duration_s(video, clock.fps)
    if clock.fps is None or expected_s is None:
        return ""
    if clock.end_s >= expected_s - max(_TOLERATED_FRAMES / clock.fps, _TOLERANCE * expected_s):
        return ""
    # A phone that trims a clip leaves the frames in the file and notes which ones to show.
    if has_boxes(path) and not ends_within_box(path):
        return ""
    return (
        f"expected {expected_s:.1f} s, found {clock.end_s:.1f} s ({clock.frames} frames): the "
        "file is incomplete or damaged"
    )


def _fps(stream: "VideoStream") -> float | None:
    for rate in (stream.guessed_rate, stream.average_rate):
        if rate is not None and 0 < rate < _CLOCK_RATE:
            return float(rate)
    return None


def _duration_s(video: OpenVideo, fps: float | None) -> float | None:
    stream = video.stream
    if stream.frames > 0 and fps:
        return stream.frames / fps
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    # Matroska states the duration of all streams together, and a soundtrack may be longer. Most
    # writers tag each stream with its own: "00:00:02.400000000".
    tagged = _DURATION.fullmatch(stream.metadata.get("DURATION", ""))
    if tagged is not None:
        return int(tagged[1]) * 3600 + int(tagged[2]) * 60 + float(tagged[3])
    return None if video.container.duration is None else video.container.duration / 1e6
