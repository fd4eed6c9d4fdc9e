"""Writing the results of a video or a camera."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..result import SegmentationResult
    from ..style import Style


class ResultWriter:
    """Takes the results of one moving source in order and writes every kind that was asked for.

    Nothing is seen under the final names before `close`, which puts everything in place. Files
    are opened with the first result.

    Attributes:
        notes: What the user should know about the files, such as a weaker video format. Complete
            after the first result.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, outputs: Mapping[str, Path], style: "Style", fps: float | None) -> None:
        """Note what is to be written.

        Args:
            outputs: Kind of result and its file or folder, from `plan_outputs`.
            style: How pictures are drawn.
            fps: Frames a second of the result; None if unknown.
        """

    def write(self, result: "SegmentationResult") -> None:
        """Add the result of the next frame.

        Raises:
            OutputError: A file cannot be written. Call `abort` then.
        """
        raise NotImplementedError

    def close(self, *, complete: bool = True) -> None:
        """Put everything written so far in place, as files that can be played and read.

        Args:
            complete: Whether this is the whole source. If not (the user stopped the run), a
                resumed run will do it again.

        Raises:
            OutputError: A file cannot be finished; what was not put in place by then is removed.
        """
        raise NotImplementedError

    def abort(self) -> None:
        """Leave nothing of what was written. Does nothing after `close`."""
        raise NotImplementedError
