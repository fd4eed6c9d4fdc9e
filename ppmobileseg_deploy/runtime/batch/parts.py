"""What the results of a moving source are written to, one class for each form."""

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Protocol

import cv2
from numpy.typing import NDArray

from ...files import AtomicFile, AtomicFolder, write_errors
from .image_results import indexed_png, labels_png, opaque, picture, rle_json
from .planning import FRAME_NAME
from .video_file import VideoFile, open_video

if TYPE_CHECKING:
    from ..drawing.style import Style
    from ..results.result import SegmentationResult

# A gap in the time stamps longer than this is damage.
_LONGEST_GAP_SECONDS: Final = 60
_ROUNDING_SECONDS: Final = 0.001


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
        self._start_s: float | None = None
        self._shown_s: float | None = None

    def add(self, result: "SegmentationResult") -> None:
        """See `Part`."""
        image = opaque(picture(result, self._kind, self._style))
        if self._file is None:
            self._size_hw = image.shape[:2]
            self._file, self.note = open_video(
                self.target.temporary, self._size_hw, self._fps, name=self.path
            )
        self._shown_s = self._time_of(result.time_s)
        self._file.write(_fitted(image, self._size_hw), self._shown_s)

    def _time_of(self, stated_s: float | None) -> float:
        """Return when a frame is shown: at its own time, unless that is missing or damaged.

        Some containers round times to milliseconds. On the grid of the frame rate, videos with a
        steady rate come out with one.
        """
        following_s = 0.0 if self._shown_s is None else self._shown_s + 1 / float(self._fps)
        if stated_s is None:
            return following_s
        if self._start_s is None:
            self._start_s = stated_s - following_s
        time_s = stated_s - self._start_s
        on_grid_s = float(round(time_s * self._fps) / self._fps)
        if abs(time_s - on_grid_s) < _ROUNDING_SECONDS:
            time_s = on_grid_s
        if self._shown_s is None or 0 < time_s - self._shown_s <= _LONGEST_GAP_SECONDS:
            return time_s
        return following_s

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
    """Bring a picture to the size of its video: scaled to fit, and padded."""
    height, width = image_bgr.shape[:2]
    if (height, width) == size_hw:
        return image_bgr
    scale = min(size_hw[0] / height, size_hw[1] / width)
    fitting_hw = max(1, int(height * scale)), max(1, int(width * scale))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    image_bgr = cv2.resize(image_bgr, fitting_hw[::-1], interpolation=interpolation)
    border = size_hw[0] - fitting_hw[0], size_hw[1] - fitting_hw[1]
    return cv2.copyMakeBorder(image_bgr, 0, border[0], 0, border[1], cv2.BORDER_CONSTANT)
