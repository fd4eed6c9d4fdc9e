"""One picture of a source, with its place in time."""

from dataclasses import dataclass

from ..images.arrays import ImageBGR


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
