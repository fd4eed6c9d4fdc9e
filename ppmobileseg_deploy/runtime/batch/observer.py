"""Observer and report of a run: what is told while it goes on, and at its end."""

from dataclasses import dataclass
from pathlib import Path

from ...errors import PPMobileSegError
from ..results.segmentation import Segmentation
from .planning import PlannedSource


class Observer:
    """Observer of a run, called in the thread of `run_sources`. Override what matters."""

    needs_images: bool = False
    """Whether results' images are looked at, which may be drawn over otherwise."""

    def started(self, plan: PlannedSource) -> None:
        """The first picture of a source was read, or failed to be."""

    def segmented(self, plan: PlannedSource, result: Segmentation) -> None:
        """There is a result; its files are being written."""

    def failed(self, plan: PlannedSource | None, error: PPMobileSegError) -> None:
        """Something went wrong with a source, or with the whole run (None)."""

    def ended(self, plan: PlannedSource) -> None:
        """Nothing more comes from a source."""

    def enough(self) -> bool:
        """Whether the run may end here. Asked after each picture."""
        return False

    def interrupted(self) -> None:
        """Ctrl-C was pressed: files are being closed, and the next Ctrl-C ends the process."""


@dataclass(frozen=True)
class RunReport:
    """Report of a run.

    Attributes:
        files: What was written, complete files and folders only. Of a video that was stopped or
            is damaged, what there was until then.
        failures: What went wrong, in the order of the sources.
        notes: What is worth knowing about the files, each once.
        seconds: How long the run took.
        interrupted: Whether Ctrl-C ended it.
        done: How many sources were segmented and written whole.
    """

    files: tuple[Path, ...]
    failures: tuple[PPMobileSegError, ...]
    notes: tuple[str, ...]
    seconds: float
    interrupted: bool
    done: int
