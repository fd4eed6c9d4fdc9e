"""Frames of a source, read one after another."""

from collections.abc import Generator

import numpy as np

from ...errors import UsageError
from ...quoting import brief
from ..images.files import decode_image, read_image
from ..images.headers import MAX_PIXELS
from .camera import camera_frames
from .source import Frame, Source
from .video import video_frames
from .web import read_web_image


def read_frames(
    source: Source,
    *,
    vid_stride: int = 1,
    max_frames: int | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Generator[Frame, None, None]:
    """Read a source: one frame of an image, all of a video, those of a camera without end.

    Nothing is opened before the first frame is asked for; closing the generator closes the file
    or the camera.

    Args:
        source: What to read, from `find_sources`.
        vid_stride: Of a video or camera take every so many frames.
        max_frames: Stop a video or camera after so many frames were taken.
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
        if source.path is None:
            raise UsageError(f"expected a video with a path, found {source}")
        return video_frames(
            source.path, vid_stride=vid_stride, max_frames=max_frames, max_pixels=max_pixels
        )
    if source.kind == "camera":
        if source.camera is None:
            raise UsageError(f"expected a camera with an index, found {source}")
        return camera_frames(
            source.camera, vid_stride=vid_stride, max_frames=max_frames, max_pixels=max_pixels
        )
    return _image_frame(source, max_pixels)


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


def _image_frame(source: Source, max_pixels: int) -> Generator[Frame, None, None]:
    if source.address is not None:
        yield Frame(read_web_image(source.address, max_pixels=max_pixels))
    elif source.data is not None:
        yield Frame(decode_image(source.data, source.location, max_pixels=max_pixels))
    elif source.path is not None:
        yield Frame(read_image(source.path, max_pixels=max_pixels))
    else:
        raise UsageError(f"expected a source with a path, an address or data, found {source}")
