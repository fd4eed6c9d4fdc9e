"""Reading of a run: which frames of its sources are read, and how large they may be."""

from collections.abc import Generator
from dataclasses import dataclass

from ...errors import UsageError
from ..images.headers import MAX_PIXELS
from ..sources import Frame, Source, read_frames


@dataclass(frozen=True)
class Reading:
    """How sources are read; the fields are arguments of `sources.read_frames`.

    Attributes:
        vid_stride: Of videos and cameras take every so many frames.
        max_frames: Of each video and camera take no more frames than this; None for all.
        max_pixels: Larger pictures are refused before they are decoded.

    Raises:
        UsageError: A number is less than 1.
    """

    vid_stride: int = 1
    max_frames: int | None = None
    max_pixels: int = MAX_PIXELS

    def __post_init__(self) -> None:
        for name in ("vid_stride", "max_frames", "max_pixels"):
            value = getattr(self, name)
            if value is not None and value < 1:
                option = name.replace("_", "-")
                raise UsageError(f"expected a {option} of at least 1, found {value}")

    def frames(self, source: Source) -> Generator[Frame, None, None]:
        """Read a source, see `sources.read_frames`."""
        return read_frames(
            source,
            vid_stride=self.vid_stride,
            max_frames=self.max_frames,
            max_pixels=self.max_pixels,
        )
