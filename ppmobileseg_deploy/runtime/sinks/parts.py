"""What the results of a moving source are written to, one class for each form."""

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Protocol

import cv2
from numpy.typing import NDArray

from ...files import AtomicFile, AtomicFolder, write_errors
from .planning import FRAME_NAME
from .stills import indexed_png, labels_png, opaque, picture, rle_json
from .video import VideoFile, open_video

if TYPE_CHECKING:
    from ..result import SegmentationResult
    from ..style import Style

# A gap in the time stamps longer than this is damage.
_LONGEST_GAP_SECONDS: Final = 60


class Part(Protocol):
    """One kind of result of a moving source."""

    path: Path
    note: str

    @property
    def target(self) -> AtomicFile | AtomicFolder:
        """The file or folder on its way to ``path``."""

    def add(self, result: "SegmentationResult") -> None:
        """Write the result of the next frame."""

    def finish(self) -> None:
        """Write what is still missing."""

    def abandon(self) -> None:
        """Let go of the file, whatever state it is in."""


class Pictures:
    """A video of what is drawn."""

    def __init__(self, kind: str, path: Path, style: "Style", fps: Fraction) -> None:
        self.path = path
        self.target = AtomicFile(path)
        self.note = ""
        self._kind = kind
        self._style = style
        self._fps = fps
        self._file: VideoFile | None = None
        self._size_hw = (0, 0)
        self._slot = -1
        self._start_s: float | None = None

    def add(self, result: "SegmentationResult") -> None:
        """See `Part`."""
        image = opaque(picture(result, self._kind, self._style))
        if self._file is None:
            self._size_hw = image.shape[:2]
            self._file, self.note = open_video(
                self.target.temporary, self._size_hw, self._fps, name=self.path
            )
        self._slot = self._next_slot(result.time_s)
        self._file.write(_fitted(image, self._size_hw), self._slot)

    def _next_slot(self, time_s: float | None) -> int:
        """Return when a frame is shown, counted in frames.

        Cameras and telephones do not deliver frames evenly. On the grid of the frame rate they
        come at most half a frame too early or late, and videos with a steady rate come out so.
        """
        following = self._slot + 1
        if time_s is None:
            return following
        if self._start_s is None:
            self._start_s = time_s
        slot = round((time_s - self._start_s) * self._fps)
        longest = max(1, round(_LONGEST_GAP_SECONDS * self._fps))
        return slot if following <= slot < following + longest else following

    def finish(self) -> None:
        """See `Part`."""
        if self._file is not None:
            self._file.close()

    def abandon(self) -> None:
        """See `Part`."""
        if self._file is not None:
            self._file.abandon()


class Frames:
    """A folder of PNGs."""

    note = ""

    def __init__(self, kind: str, path: Path) -> None:
        self.path = path
        self.target = AtomicFolder(path)
        self._encode = labels_png if kind == "labels" else indexed_png
        self._count = 0

    def add(self, result: "SegmentationResult") -> None:
        """See `Part`."""
        number = self._count if result.frame_index is None else result.frame_index
        self._count += 1
        with write_errors(self.path):
            file = self.target.temporary / FRAME_NAME.format(number)
            file.write_bytes(self._encode(result))

    def finish(self) -> None:
        """See `Part`: every file is whole as it is."""

    def abandon(self) -> None:
        """See `Part`: every file is whole as it is."""


class Lines:
    """JSON Lines."""

    note = ""

    def __init__(self, kind: str, path: Path, style: "Style") -> None:
        self.path = path
        self.target = AtomicFile(path)
        self._kind = kind
        self._style = style
        self._file: IO[bytes] | None = None

    def add(self, result: "SegmentationResult") -> None:
        """See `Part`."""
        if self._kind == "json":
            style = self._style
            line = result.to_json(classes=style.classes, confidence=style.confidence)
        else:
            line = rle_json(result, self._style)
        with write_errors(self.path):
            if self._file is None:
                self._file = self.target.temporary.open("wb")
            self._file.write(line.encode() + b"\n")

    def finish(self) -> None:
        """See `Part`."""
        if self._file is not None:
            with write_errors(self.path):
                self._file.close()

    def abandon(self) -> None:
        """See `Part`."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()


def _fitted(image_bgr: NDArray[Any], size_hw: tuple[int, int]) -> NDArray[Any]:
    """Bring a picture to the size of its video: made smaller if need be, and padded."""
    height, width = image_bgr.shape[:2]
    if (height, width) == size_hw:
        return image_bgr
    scale = min(1.0, size_hw[0] / height, size_hw[1] / width)
    if scale < 1.0:
        smaller_wh = max(1, int(width * scale)), max(1, int(height * scale))
        image_bgr = cv2.resize(image_bgr, smaller_wh, interpolation=cv2.INTER_AREA)
        height, width = image_bgr.shape[:2]
    border = size_hw[0] - height, size_hw[1] - width
    return cv2.copyMakeBorder(image_bgr, 0, border[0], 0, border[1], cv2.BORDER_CONSTANT)
