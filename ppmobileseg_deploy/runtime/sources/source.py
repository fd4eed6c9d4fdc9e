"""Sources and frames: what can be segmented, and one picture of it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias

from ...errors import ImageError
from ...types import ImageBGR

Kind: TypeAlias = Literal["image", "video", "camera", "web", "stdin"]

VIDEO_SUFFIXES: Final = frozenset(
    {
        *(".3gp", ".asf", ".avi", ".dv", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg"),
        *(".mpg", ".mts", ".mxf", ".ogv", ".ts", ".vob", ".webm", ".wmv"),
    }
)
"""What video files are called; an animated GIF or WebP is an image (its first frame)."""


class SourceError(ImageError):
    """A location that gives nothing to segment.

    Args:
        message: See `ImageError`.
        location: What the user named, or a line of a list; an address without its secrets.
        parameter: See `PPMobileSegError`.
    """

    def __init__(
        self, message: str = "", location: str = "", *, parameter: str | None = None
    ) -> None:
        super().__init__(message, parameter=parameter)
        self.location = location


@dataclass(frozen=True)
class Source:
    """One image, video or camera to segment.

    Attributes:
        location: What it is called in messages: the path as the user wrote it, the address
            without its credentials and query, ``"camera 0"``, ``"standard input"``.
        relative: Its place below an output folder, which no other source of the run has. It ends
            in a file name: ``Path("street.jpg")``, ``Path("trip/day1/video.mp4")``,
            ``Path("camera0.mp4")``.
        path: The file; None where there is none (web, camera, standard input).
        kind: What it is.
        address: The whole http(s) address of a web image, with whatever secrets are in it.
        data: The bytes of the image from standard input.
        camera: Index of the camera.
        named: Whether the user named it by itself: a file, not a folder, pattern or list.
    """

    location: str
    relative: Path
    path: Path | None = None
    kind: Kind = "image"
    address: str | None = field(default=None, repr=False)
    data: bytes | None = field(default=None, repr=False)
    camera: int | None = None
    named: bool = False

    @property
    def is_video(self) -> bool:
        """Whether it gives more than one frame: a video or a camera."""
        return self.kind in ("video", "camera")


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
