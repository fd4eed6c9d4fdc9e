"""Streaming: results of images, videos and cameras one after another, in constant memory."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np

from ..errors import UsageError
from ..quoting import brief
from ..types import ImageBGR
from .images.files import check_max_pixels, image_bytes
from .images.headers import MAX_PIXELS
from .parallel import InOrder
from .picture import ImageSource, Picture, is_one_image
from .results.result import SegmentationResult
from .sources import Frame, Source, find_sources, read_frames
from .sources.find import camera_index
from .sources.frames import check_frame_choice
from .sources.read_ahead import ahead

Location: TypeAlias = str | Path | int
Segment: TypeAlias = Callable[[ImageBGR], SegmentationResult]

_SEVERAL: Final = 2


def stream(
    segment: Segment,
    source: Location | ImageSource | Iterable[Location | ImageSource],
    *,
    recursive: bool = False,
    vid_stride: int = 1,
    max_frames: int | None = None,
    max_pixels: int = MAX_PIXELS,
    workers: int = 1,
    several: Callable[[], Segment] | None = None,
) -> Generator[SegmentationResult, None, None]:
    """Segment everything that a source gives, in order.

    Files, addresses and cameras are read ahead in a thread, while the model works. That is so for
    one location and for a list or tuple of them. What any other iterable gives is asked for when
    it is needed, in the thread of the caller.

    Args:
        segment: What turns an image into a result, such as `OrtSegmenter.segment_bgr`.
        source: A location as `find_sources` takes it (or the number of a camera as an int),
            another image as `ImageSource` has it, or an iterable of these in any mixture.
        recursive: Also take what is in the folders below a folder.
        vid_stride: Of videos and cameras take every so many frames.
        max_frames: Stop each video or camera after so many frames were taken.
        max_pixels: Larger images and frames are refused before they are decoded.
        workers: How many images are segmented at a time, where there are several at hand and no
            camera, whose frames would grow old.
        several: Returns what is used in place of ``segment`` where several are.

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
    pending = _pending(
        items,
        recursive=recursive,
        vid_stride=vid_stride,
        max_frames=max_frames,
        max_pixels=max_pixels,
    )
    if not at_hand:
        return _results(segment, pending)
    if workers == 1 or any(_is_camera(item) for item in items):
        return _read_ahead(segment, pending)
    return _several(segment, several or (lambda: segment), pending, workers)


@dataclass(frozen=True)
class _Pending:
    """An image or a frame that may still have to be read.

    Attributes:
        read: Returns it.
        memory: Bytes that it takes, 0 where that is unknown; or the image file whose header tells.
        source: Where it comes from, if that has a location.
    """

    read: Callable[[], Frame]
    memory: int | Path
    source: Source | None

    @property
    def n_bytes(self) -> int:
        """Bytes that it takes once it is read, 0 where that is unknown."""
        return image_bytes(self.memory) if isinstance(self.memory, Path) else self.memory


def _results(
    segment: Segment, pending: Generator[_Pending, None, None]
) -> Generator[SegmentationResult, None, None]:
    with closing(pending):
        for each in pending:
            yield _result(segment, each.read(), each.source)


def _read_ahead(
    segment: Segment, pending: Generator[_Pending, None, None]
) -> Generator[SegmentationResult, None, None]:
    def read() -> Iterator[tuple[Frame, Source | None]]:
        with closing(pending):
            for each in pending:
                yield each.read(), each.source

    with closing(ahead(read(), n_bytes=lambda made: made[0].image_bgr.nbytes)) as frames:
        for frame, source in frames:
            yield _result(segment, frame, source)


def _several(
    segment: Segment,
    several: Callable[[], Segment],
    pending: Generator[_Pending, None, None],
    workers: int,
) -> Generator[SegmentationResult, None, None]:
    first = tuple(islice(pending, 2))
    alone = len(first) < _SEVERAL
    items = _after(deque(first), pending)
    del first  # frames of a video take memory
    if alone:
        yield from _read_ahead(segment, items)
        return
    one_of_several = several()
    with InOrder(
        lambda each: _result(one_of_several, each.read(), each.source),
        items,
        workers,
        n_bytes=lambda each: each.n_bytes,
    ) as results:
        yield from results


def _after(
    first: "deque[_Pending]", others: Generator[_Pending, None, None]
) -> Generator[_Pending, None, None]:
    with closing(others):
        while first:
            yield first.popleft()
        yield from others


def _result(segment: Segment, frame: Frame, source: Source | None) -> SegmentationResult:
    result = segment(frame.image_bgr)
    if source is None:
        return result
    return replace(
        result,
        path=source.path,
        frame_index=frame.index,
        time_s=frame.time_s,
        source=source.location,
    )


def _pending(
    items: Iterable[Any],
    *,
    recursive: bool,
    vid_stride: int,
    max_frames: int | None,
    max_pixels: int,
) -> Generator[_Pending, None, None]:
    """Give the frames of each location, and each image without a location."""
    for item in items:
        if not isinstance(item, str | Path | int):
            n_bytes = item.nbytes if isinstance(item, np.ndarray) else 0
            yield _Pending(partial(_frame_of, item, max_pixels), n_bytes, None)
            continue
        # A number is a camera, also where a file or a folder is called "0".
        location = f"/dev/video{item}" if isinstance(item, int) else str(item)
        found = find_sources([location], recursive=recursive)
        for source in found.sources:
            frames = read_frames(
                source, vid_stride=vid_stride, max_frames=max_frames, max_pixels=max_pixels
            )
            if source.kind == "image" and source.path is not None:
                yield _Pending(partial(next, frames), source.path, source)
                continue
            with closing(frames):
                for frame in frames:
                    yield _Pending(partial(_itself, frame), frame.image_bgr.nbytes, source)
        for error in found.errors:
            raise error


def _frame_of(item: Any, max_pixels: int) -> Frame:
    return Frame(Picture.of(item, "bgr", max_pixels).image_bgr)


def _itself(frame: Frame) -> Frame:
    return frame


def _is_camera(item: object) -> bool:
    return isinstance(item, int) or (
        isinstance(item, str | Path) and camera_index(str(item)) is not None
    )


def _is_one(source: object) -> bool:
    return is_one_image(source) or isinstance(source, int | np.ndarray)
