"""Results of a video or a camera: one file or folder for each kind, complete or not there."""

from collections.abc import Mapping
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import IO, Any, Final, Protocol

import cv2
from numpy.typing import NDArray

from ...errors import OutputError, UsageError
from ...files import AtomicFile, AtomicFolder, write_errors
from ..drawing.style import Style
from ..results.documents import to_document
from ..results.encoding import indexed_png, labels_png
from ..results.kinds import KINDS
from ..results.pictures import DRAWN_KINDS, draw, opaque
from ..results.segmentation import Segmentation
from .existing import mark_finished, mark_unfinished
from .planning import FRAME_NAME
from .video_file import VideoFile, frame_rate, open_video

# A gap in the time stamps longer than this is damage.
_LONGEST_GAP_SECONDS: Final = 60
_ROUNDING_SECONDS: Final = 0.001


class VideoResultWriter:
    """Writer of the results of one video or camera: every kind asked for, frame by frame.

    Nothing is seen under the final names before `close`, which puts everything in place. Files
    are opened with the first result; without one there are none.

    Pictures become H.264 videos (see `video_file.open_video`), class ids folders of PNGs named
    after the frames' numbers, JSON and run lengths JSON Lines with one object for each frame.

    Examples:
        >>> writer = VideoResultWriter({"overlay": Path("street_overlay.mp4")}, Style(), 25.0)
        >>> for result in segmenter.stream("street.mp4"):  # doctest: +SKIP
        ...     writer.write(result)
        >>> writer.close()
    """

    def __init__(self, outputs: Mapping[str, Path], style: Style, fps: float | None) -> None:
        """Prepare the outputs; files are opened with the first result.

        Args:
            outputs: Kind of result and its file or folder, from `plan_outputs`.
            style: How pictures are drawn, and what JSON and run lengths tell of.
            fps: Frames a second of the result; None if unknown.

        Raises:
            UsageError: A kind is unknown.
        """
        self._outputs = dict(outputs)
        self._style = style
        self._fps = frame_rate(fps)
        self._open_outputs: list[_Output] = []
        self._notes: dict[str, None] = {}
        unknown = [kind for kind in outputs if kind not in KINDS]
        if unknown:
            raise UsageError(f"expected kinds of result from {', '.join(KINDS)}, found {unknown}")

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know about the files, such as a weaker video format.

        Complete after the first result.
        """
        return tuple(self._notes)

    def write(self, result: Segmentation) -> None:
        """Add the result of the next frame.

        Args:
            result: Its ``time_s`` and ``frame_index``, where known, place it in the files.

        Raises:
            OutputError: A file cannot be written. Nothing of any file is left then.
            UsageError: The model has more classes than a kind of result can hold.
        """
        try:
            if not self._open_outputs:
                for kind, path in self._outputs.items():
                    self._open_outputs.append(self._open(kind, path))
            for output in self._open_outputs:
                output.add(result)
        except OutputError:
            self.abort()
            raise
        self._notes.update((output.note, None) for output in self._open_outputs if output.note)

    def close(self, *, complete: bool = True) -> None:
        """Put everything written so far in place, as files that can be played and read.

        Args:
            complete: Whether this is the whole source. If not (the user stopped the run), a
                resumed run will do it again.

        Raises:
            OutputError: A file cannot be finished; what was not put in place by then is removed.
        """
        try:
            for output in self._open_outputs:
                output.finish()
            for output in self._open_outputs:
                if complete:
                    output.target.commit()
                    mark_finished(output.path)
                else:
                    mark_unfinished(output.path)
                    output.target.commit()
        finally:
            self.abort()

    def abort(self) -> None:
        """Leave nothing of what was written. Does nothing after `close`."""
        outputs, self._open_outputs, self._outputs = self._open_outputs, [], {}
        for output in outputs:
            output.abandon()
            output.target.discard()

    def _open(self, kind: str, path: Path) -> "_Output":
        if kind in DRAWN_KINDS:
            return _VideoOutput(kind, path, self._style, self._fps)
        if kind in ("labels", "indexed"):
            return _FramesOutput(kind, path)
        return _JsonLinesOutput(kind, path, self._style)


class _Output(Protocol):
    """The file or folder of one kind of result."""

    path: Path
    note: str

    @property
    def target(self) -> AtomicFile | AtomicFolder:
        """The file or folder on its way to ``path``."""

    def add(self, result: Segmentation) -> None:
        """Write the result of the next frame."""

    def finish(self) -> None:
        """Write what is still missing."""

    def abandon(self) -> None:
        """Close the file, complete or not."""


class _VideoOutput:
    """A video file of pictures: overlays, colours or legends."""

    def __init__(self, kind: str, path: Path, style: Style, fps: Fraction) -> None:
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

    def add(self, result: Segmentation) -> None:
        """See `_Output`."""
        image = opaque(draw(result, self._kind, self._style))
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
        """See `_Output`."""
        if self._file is not None:
            self._file.close()

    def abandon(self) -> None:
        """See `_Output`."""
        if self._file is not None:
            self._file.abandon()


class _FramesOutput:
    """A folder of PNG files, one for each frame."""

    note = ""

    def __init__(self, kind: str, path: Path) -> None:
        self.path = path
        self.target = AtomicFolder(path)
        self._encode = labels_png if kind == "labels" else indexed_png
        self._count = 0

    def add(self, result: Segmentation) -> None:
        """See `_Output`."""
        number = self._count if result.frame_index is None else result.frame_index
        self._count += 1
        with write_errors(self.path):
            file = self.target.temporary / FRAME_NAME.format(number)
            file.write_bytes(self._encode(result))

    def finish(self) -> None:
        """See `_Output`: every file is whole as it is."""

    def abandon(self) -> None:
        """See `_Output`: every file is whole as it is."""


class _JsonLinesOutput:
    """A JSON Lines file, one line for each frame."""

    note = ""

    def __init__(self, kind: str, path: Path, style: Style) -> None:
        self.path = path
        self.target = AtomicFile(path)
        self._kind = kind
        self._style = style
        self._file: IO[bytes] | None = None

    def add(self, result: Segmentation) -> None:
        """See `_Output`."""
        line = to_document(result, self._kind, self._style, self.path)
        with write_errors(self.path):
            if self._file is None:
                self._file = self.target.temporary.open("wb")
            self._file.write(line.encode() + b"\n")

    def finish(self) -> None:
        """See `_Output`."""
        if self._file is not None:
            with write_errors(self.path):
                self._file.close()

    def abandon(self) -> None:
        """See `_Output`."""
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
