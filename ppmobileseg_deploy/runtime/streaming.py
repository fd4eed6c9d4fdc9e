"""Streaming: results of images, videos and cameras one after another, in constant memory."""

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from ..errors import UsageError
from ..quoting import brief
from ..types import ImageBGR
from .images.files import check_max_pixels
from .images.headers import MAX_PIXELS
from .picture import ImageSource, Picture, is_one_image
from .results.result import SegmentationResult
from .sources import Frame, Source, find_sources, read_frames
from .sources.frames import check_frame_choice
from .sources.read_ahead import ahead

Location: TypeAlias = str | Path | int


def stream(
    segmenter: Callable[[ImageBGR], SegmentationResult],
    source: Location | ImageSource | Iterable[Location | ImageSource],
    *,
    recursive: bool = False,
    vid_stride: int = 1,
    max_frames: int | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Generator[SegmentationResult, None, None]:
    """Segment everything that a source gives, in order.

    Files, addresses and cameras are read ahead in a thread, while the model works. That is so for
    one location and for a list or tuple of them. What any other iterable gives is asked for when
    it is needed, in the thread of the caller.

    Args:
        segmenter: What turns an image into a result, such as an `OrtSegmenter`.
        source: A location as `find_sources` takes it (or the number of a camera as an int),
            another image as `ImageSource` has it, or an iterable of these in any mixture.
        recursive: Also take what is in the folders below a folder.
        vid_stride: Of videos and cameras take every so many frames.
        max_frames: Stop each video or camera after so many frames were taken.
        max_pixels: Larger images and frames are refused before they are decoded.

    Returns:
        A generator of results. ``path`` is that of the file, ``source`` what it was named as;
        ``frame_index`` and ``time_s`` tell the frames of a video or a camera apart. Closing it
        closes the file or the camera.

    Raises:
        ImageError: While going through the results: a location gives nothing, or cannot be read
            (to its end). The results before it were given.
        UsageError: ``source`` is nothing of these, or ``vid_stride``, ``max_frames`` or
            ``max_pixels`` no positive number.

    Warns:
        VideoWarning: While going through the results: a video is damaged in part, or there are
            others in its file.

    Examples:
        >>> for result in segmenter.stream("street.mp4", vid_stride=5):
        ...     print(result.time_s, result.areas())
    """
    check_frame_choice(vid_stride, max_frames)
    check_max_pixels(max_pixels)
    is_one = _is_one(source)
    if not (is_one or isinstance(source, Iterable)):
        raise UsageError(
            f"expected a path, an address, a camera's number, an image, or several of these, "
            f"found {brief(source)}"
        )
    at_hand = is_one or isinstance(source, list | tuple)
    items: Iterable[Any] = [source] if is_one else source  # type: ignore[assignment]
    read = _read(
        items,
        recursive=recursive,
        vid_stride=vid_stride,
        max_frames=max_frames,
        max_pixels=max_pixels,
    )
    return _results(segmenter, ahead(read, n_bytes=_n_bytes) if at_hand else read)


def _results(
    segmenter: Callable[[ImageBGR], SegmentationResult],
    read: "Generator[tuple[Frame, Source | None], None, None]",
) -> Generator[SegmentationResult, None, None]:
    with closing(read):
        for frame, source in read:
            result = segmenter(frame.image_bgr)
            if source is not None:
                result = replace(
                    result,
                    path=source.path,
                    frame_index=frame.index,
                    time_s=frame.time_s,
                    source=source.location,
                )
            yield result


def _read(
    items: Iterable[Any],
    *,
    recursive: bool,
    vid_stride: int,
    max_frames: int | None,
    max_pixels: int,
) -> "Generator[tuple[Frame, Source | None], None, None]":
    """Read each item: the frames of a location, or one image without a location."""
    for item in items:
        if not isinstance(item, str | Path | int):
            yield Frame(Picture.of(item, "bgr", max_pixels).image_bgr), None
            continue
        # A number is a camera, also where a file or a folder is called "0".
        location = f"/dev/video{item}" if isinstance(item, int) else str(item)
        found = find_sources([location], recursive=recursive)
        for source in found.sources:
            with closing(
                read_frames(
                    source, vid_stride=vid_stride, max_frames=max_frames, max_pixels=max_pixels
                )
            ) as frames:
                for frame in frames:
                    yield frame, source
        for error in found.errors:
            raise error


def _n_bytes(read: "tuple[Frame, Source | None]") -> int:
    return read[0].image_bgr.nbytes


def _is_one(source: object) -> bool:
    return is_one_image(source) or isinstance(source, int | np.ndarray)
