"""Camera: its frames, read by OpenCV."""

import math
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final

import cv2

from ...errors import ImageError
from ...types import ImageBGR
from .source import Frame

_MOST_FPS: Final = 1000.0  # more is no frame rate
_LOG_LEVEL_SILENT: Final = 0


def camera_frames(
    index: int, *, vid_stride: int, max_frames: int | None, max_pixels: int
) -> Generator[Frame, None, None]:
    """Read a camera.

    Args:
        index: Its number, from 0.
        vid_stride: Take every so many frames.
        max_frames: Stop after so many frames were taken; None for without end.
        max_pixels: Larger frames are refused.

    Returns:
        The frames, as they come.

    Raises:
        ImageError: While reading: the camera cannot be opened, or gives no more frames.
    """
    with _opened(index) as capture:
        height = capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
        width = capture.get(cv2.CAP_PROP_FRAME_WIDTH)
        _check_pixels(index, int(height), int(width), max_pixels)
        fps = _fps(capture)
        read = taken = 0
        started = monotonic()
        while taken != max_frames:
            if not capture.grab():
                raise ImageError(f"camera {index} gave no more frames, after {read} of them")
            if read == 0:
                started = monotonic()
            if read % vid_stride == 0:
                time_s = monotonic() - started
                image_bgr = _retrieved(index, capture, max_pixels)
                yield Frame(image_bgr, read, time_s, fps / vid_stride if fps else None)
                taken += 1
            read += 1


@contextmanager
def _opened(index: int) -> Iterator[cv2.VideoCapture]:
    with _silent():
        capture = cv2.VideoCapture(index)
    try:
        if not capture.isOpened():
            raise ImageError(
                f"cannot open camera {index}: none is connected, it is in use, or access is denied"
            )
        # Without a queue, so that the newest frame is read.
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        yield capture
    finally:
        capture.release()


@contextmanager
def _silent() -> Iterator[None]:
    """Silence OpenCV's messages, which our errors repeat, unless the user has set their level."""
    if "OPENCV_LOG_LEVEL" in os.environ:
        yield
        return
    logging: Any = getattr(cv2.utils, "logging", cv2)  # moved between OpenCV 4 and 5
    level = logging.getLogLevel()
    logging.setLogLevel(_LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(level)


def _retrieved(index: int, capture: cv2.VideoCapture, max_pixels: int) -> ImageBGR:
    try:
        complete, image_bgr = capture.retrieve()
    except cv2.error as error:
        raise ImageError(f"cannot read camera {index}: {' '.join(str(error).split())}") from error
    if not complete or image_bgr.ndim != 3 or image_bgr.shape[2] != 3:
        raise ImageError(f"cannot read camera {index}: expected a frame in colour, found none")
    height, width = image_bgr.shape[:2]
    _check_pixels(index, height, width, max_pixels)
    return image_bgr  # type: ignore[return-value]


def _check_pixels(index: int, height: int, width: int, max_pixels: int) -> None:
    if height * width > max_pixels:
        raise ImageError(
            f"cannot read camera {index}: expected frames of at most {max_pixels} pixels, found "
            f"{height}x{width}"
        )


def _fps(capture: cv2.VideoCapture) -> float | None:
    fps = float(capture.get(cv2.CAP_PROP_FPS))
    return fps if math.isfinite(fps) and 0 < fps <= _MOST_FPS else None
