"""From a source to its pixels, one frame after another."""

from collections.abc import Iterator
from dataclasses import dataclass

from ..arrays import ImageBGR
from .source import Source


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
) -> Iterator[Frame]:
    """Read a source: one frame of an image, all of a video, those of a camera without end.

    Args:
        source: What to read, from `find_sources`.
        vid_stride: Of a moving source take every so many frames.
        max_frames: Stop a moving source after so many frames were taken.
        max_pixels: Larger pictures are refused before they are decoded.

    Yields:
        The frames, in order, in constant memory.

    Raises:
        ImageError: The source cannot be read, or not to its end: what could be read comes first.
        UsageError: ``vid_stride`` or ``max_frames`` is no positive number.
    """
    raise NotImplementedError
