"""Writing the results of a video or a camera."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import OutputError, UsageError
from ..results.kinds import KINDS
from .existing import mark_finished, mark_unfinished
from .image_results import PICTURES
from .parts import Frames, Lines, Part, Pictures
from .video_file import frame_rate

if TYPE_CHECKING:
    from ..drawing.style import Style
    from ..results.result import SegmentationResult


class ResultWriter:
    """Takes the results of one moving source in order and writes every kind that was asked for.

    Nothing is seen under the final names before `close`, which puts everything in place. Files
    are opened with the first result; without one there are none.

    Pictures become H.264 videos (see `video.open_video`), class ids folders of PNGs named after
    the frames' numbers, JSON and run lengths JSON Lines with one object for each frame.

    Example:
        >>> writer = ResultWriter({"overlay": Path("street_overlay.mp4")}, Style(), 25.0)
        >>> for result in segmenter.stream("street.mp4"):  # doctest: +SKIP
        ...     writer.write(result)
        >>> writer.close()
    """

    def __init__(self, outputs: Mapping[str, Path], style: "Style", fps: float | None) -> None:
        """Note what is to be written.

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
        self._parts: list[Part] = []
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

    def write(self, result: "SegmentationResult") -> None:
        """Add the result of the next frame.

        Args:
            result: Its ``time_s`` and ``frame_index``, where known, place it in the files.

        Raises:
            OutputError: A file cannot be written. Nothing of any file is left then.
            UsageError: The model has more classes than a kind of result can hold.
        """
        try:
            if not self._parts:
                for kind, path in self._outputs.items():
                    self._parts.append(self._open(kind, path))
            for part in self._parts:
                part.add(result)
        except OutputError:
            self.abort()
            raise
        self._notes.update((part.note, None) for part in self._parts if part.note)

    def close(self, *, complete: bool = True) -> None:
        """Put everything written so far in place, as files that can be played and read.

        Args:
            complete: Whether this is the whole source. If not (the user stopped the run), a
                resumed run will do it again.

        Raises:
            OutputError: A file cannot be finished; what was not put in place by then is removed.
        """
        try:
            for part in self._parts:
                part.finish()
            for part in self._parts:
                if complete:
                    part.target.commit()
                    mark_finished(part.path)
                else:
                    mark_unfinished(part.path)
                    part.target.commit()
        finally:
            self.abort()

    def abort(self) -> None:
        """Leave nothing of what was written. Does nothing after `close`."""
        parts, self._parts, self._outputs = self._parts, [], {}
        for part in parts:
            part.abandon()
            part.target.discard()

    def _open(self, kind: str, path: Path) -> Part:
        if kind in PICTURES:
            return Pictures(kind, path, self._style, self._fps)
        if kind in ("labels", "indexed"):
            return Frames(kind, path)
        return Lines(kind, path, self._style)
