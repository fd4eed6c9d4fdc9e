"""From a source to its pixels, one frame after another."""

import math
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Final

import cv2
import numpy as np

from ...errors import ImageError, UsageError
from ...quoting import brief
from ..arrays import ImageBGR
from ..images import decode_image, read_image
from .boxes import ends_within_box, has_boxes
from .capture import open_camera, open_video
from .source import Source
from .web import read_web_image

_MOST_FPS: Final = 1000.0  # beyond it, it is a clock rate that some files name as their own
_TOLERANCE: Final = 0.02  # of a video's duration: containers round, and soundtracks are longer
_TOLERATED_FRAMES: Final = 3


@dataclass(frozen=True)
class Frame:
    """One picture of a source.

    Attributes:
        image_bgr: (height, width, 3) uint8, BGR, upright, contiguous.
        index: Its number in the video or camera stream, from 0, frames left out by a stride
            counted too; None for a still image.
        time_s: When it is shown, in seconds after the first frame; None for a still image.
        fps: Frames that are read for each second of the video (its own rate over the stride);
            None where that is unknown.
    """

    image_bgr: ImageBGR
    index: int | None = None
    time_s: float | None = None
    fps: float | None = None


def read_frames(
    source: Source,
    *,
    vid_stride: int = 1,
    max_frames: int | None = None,
    max_pixels: int = 200_000_000,
) -> Generator[Frame, None, None]:
    """Read a source: one frame of an image, all of a video, those of a camera without end.

    Nothing is opened before the first frame is asked for; closing the generator closes the file
    or the camera.

    Args:
        source: What to read, from `find_sources`.
        vid_stride: Of a moving source take every so many frames.
        max_frames: Stop a moving source after so many frames were taken.
        max_pixels: Larger pictures are refused before they are decoded.

    Returns:
        The frames, in order, in constant memory.

    Raises:
        ImageError: While reading: the source cannot be read, or not to its end, and then what
            could be read comes first.
        UsageError: ``vid_stride`` or ``max_frames`` is no positive number.
    """
    check_frame_choice(vid_stride, max_frames)
    if source.kind == "video":
        return _video_frames(source, vid_stride, max_frames, max_pixels)
    if source.kind == "camera":
        return _camera_frames(source, vid_stride, max_frames, max_pixels)
    return _still(source, max_pixels)


def check_frame_choice(vid_stride: int, max_frames: int | None) -> None:
    """Make sure that a choice of frames has a meaning.

    Raises:
        UsageError: ``vid_stride`` or ``max_frames`` is no positive number.
    """
    if not _is_count(vid_stride):
        raise UsageError(f"expected a video stride of 1 or more, found {brief(vid_stride)}")
    if max_frames is not None and not _is_count(max_frames):
        raise UsageError(f"expected 1 or more frames at most, found {brief(max_frames)}")


def _is_count(number: object) -> bool:
    return isinstance(number, int | np.integer) and bool(number >= 1)


def _still(source: Source, max_pixels: int) -> Generator[Frame, None, None]:
    if source.address is not None:
        yield Frame(read_web_image(source.address, max_pixels=max_pixels))
    elif source.data is not None:
        yield Frame(decode_image(source.data, source.location, max_pixels=max_pixels))
    elif source.path is not None:
        yield Frame(read_image(source.path, max_pixels=max_pixels))
    else:
        raise UsageError(f"expected a source with a path, an address or data, found {source}")


def _video_frames(
    source: Source, vid_stride: int, max_frames: int | None, max_pixels: int
) -> Generator[Frame, None, None]:
    if source.path is None:
        raise UsageError(f"expected a video with a path, found {source}")
    with open_video(source.path) as capture:
        _check_size(source, capture, max_pixels)
        fps = _fps(capture)
        count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        read = taken = 0
        first_s = time_s = 0.0
        while taken != max_frames and capture.grab():
            shown_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3
            if read == 0:
                first_s = shown_s
            # Frames without a time of their own follow the one before.
            elif shown_s - first_s > time_s:
                time_s = shown_s - first_s
            else:
                time_s += 1 / fps if fps else 0.0
            if read % vid_stride == 0:
                image_bgr = _retrieved(source, capture, max_pixels)
                yield Frame(image_bgr, read, time_s, fps / vid_stride if fps else None)
                taken += 1
            read += 1
        if taken != max_frames:
            _check_end(source.path, read, time_s, fps, count)


def _camera_frames(
    source: Source, vid_stride: int, max_frames: int | None, max_pixels: int
) -> Generator[Frame, None, None]:
    if source.camera is None:
        raise UsageError(f"expected a camera with an index, found {source}")
    with open_camera(source.camera) as capture:
        _check_size(source, capture, max_pixels)
        fps = _fps(capture)
        read = taken = 0
        started = monotonic()
        while taken != max_frames:
            if not capture.grab():
                raise ImageError(f"{source.location} gave no more frames, after {read} of them")
            if read == 0:
                started = monotonic()
            if read % vid_stride == 0:
                time_s = monotonic() - started
                image_bgr = _retrieved(source, capture, max_pixels)
                yield Frame(image_bgr, read, time_s, fps / vid_stride if fps else None)
                taken += 1
            read += 1


def _retrieved(source: Source, capture: cv2.VideoCapture, max_pixels: int) -> ImageBGR:
    try:
        complete, image_bgr = capture.retrieve()
    except cv2.error as error:
        raise ImageError(
            f"cannot read {source.location}: {' '.join(str(error).split())}"
        ) from error
    if not complete or image_bgr.ndim != 3 or image_bgr.shape[2] != 3:
        raise ImageError(f"cannot read {source.location}: expected a frame in colour, found none")
    height, width = image_bgr.shape[:2]
    _check_pixels(source, height, width, max_pixels)
    return image_bgr  # type: ignore[return-value]


def _check_size(source: Source, capture: cv2.VideoCapture, max_pixels: int) -> None:
    height = capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    width = capture.get(cv2.CAP_PROP_FRAME_WIDTH)
    _check_pixels(source, int(height), int(width), max_pixels)


def _check_pixels(source: Source, height: int, width: int, max_pixels: int) -> None:
    if height * width > max_pixels:
        raise ImageError(
            f"cannot read {source.location}: expected frames of at most {max_pixels} pixels, "
            f"found {height}x{width}"
        )


def _fps(capture: cv2.VideoCapture) -> float | None:
    fps = float(capture.get(cv2.CAP_PROP_FPS))
    return fps if math.isfinite(fps) and 0 < fps <= _MOST_FPS else None


def _check_end(path: Path, read: int, time_s: float, fps: float | None, count: float) -> None:
    """Tell a video that is over from one that breaks off: OpenCV ends both alike."""
    if read == 0:
        raise ImageError(f"cannot read {path}: expected a video, found no frame in it")
    if fps is None or not 0 < count < math.inf:
        return
    # In seconds, since only some containers count frames and for others OpenCV reckons.
    expected_s, found_s = count / fps, time_s + 1 / fps
    if found_s >= expected_s - max(_TOLERATED_FRAMES / fps, _TOLERANCE * expected_s):
        return
    # A phone that trims a clip leaves the frames in the file and notes which ones to show.
    if has_boxes(path) and not ends_within_box(path):
        return
    raise ImageError(
        f"cannot read {path} to its end: expected {expected_s:.1f} s, found {found_s:.1f} s "
        f"({read} frames): the file is incomplete or damaged"
    )
