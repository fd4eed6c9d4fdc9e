"""What ``ppms infer`` shows while it works: progress, JSON lines, a window."""

import json
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Final, final

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column

from ..quoting import printable
from ..runtime.batch.observer import Observer
from ..runtime.batch.planning import FRAME_NAME
from ..runtime.results.pictures import draw_overlay
from ..runtime.results.records import json_text, to_json
from .console import plural, print_note, stderr
from .hints import with_hint
from .summary import Summary

if TYPE_CHECKING:
    from types import TracebackType

    from ..runtime.batch import CocoFile, PlannedSource
    from ..runtime.drawing.style import Style
    from ..runtime.drawing.window import Window
    from ..runtime.results.segmentation import Segmentation

_NAME_WIDTH: Final = 30


@final
class ProgressObserver(Observer):
    """Shows how a run goes on, and adds its results up. A context manager, around the run.

    Args:
        total: How many sources there are.
        style: How the window's pictures are drawn, and what JSON lines tell of.
        saving: Whether results are written to files.
        json_lines: Whether each result is printed on standard output.
        window: Where results are shown, if anywhere.
        coco: The file that results are added to, if there is one.
    """

    def __init__(
        self,
        total: int,
        style: "Style",
        *,
        saving: bool,
        json_lines: bool,
        window: "Window | None",
        coco: "CocoFile | None" = None,
    ) -> None:
        self.summary = Summary()
        self._style = style
        self._json_lines = json_lines
        self._window = window
        self._coco = coco
        self.needs_images = window is not None
        self._only_shown = not (json_lines or saving)
        self._camera = False
        # A bar and lines that share a terminal would break each other.
        shown = stderr.is_interactive and not (json_lines and sys.stdout.isatty())
        self._bar = _Bar(total) if shown else None

    def __enter__(self) -> "ProgressObserver":
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: "TracebackType | None",
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def started(self, plan: "PlannedSource") -> None:
        """Show the source's name."""
        self._camera = plan.source.kind == "camera"
        if self._bar is not None:
            self._bar.next(plan.source.location)

    def tiled(self, done: int, total: int) -> None:
        """Show how much of a large image is done."""
        if self._bar is not None:
            self._bar.part(f"{done}/{total} tiles", done, total)

    def segmented(self, plan: "PlannedSource", result: "Segmentation") -> None:
        """Add a result, print it, show it."""
        moving = plan.source.is_video
        self.summary.add(result, moving=moving)
        if self._bar is not None and moving:
            self._bar.frame()
        if self._coco is not None:
            name = plan.source.relative
            if result.frame_index is not None:
                name = name / FRAME_NAME.format(result.frame_index)
            self._coco.add(result, name.as_posix())
        if self._json_lines:
            print(to_json(result, self._style), flush=True)
        if self._window is not None:
            self._window.show(draw_overlay(result, self._style), wait=not moving)

    def failed(self, plan: "PlannedSource | None", error: Exception) -> None:
        """Print a JSON line for it; as text, errors are printed at the end of the run."""
        if self._json_lines:
            source = None if plan is None else plan.source
            print_failure(
                error,
                None if source is None else source.location,
                None if source is None else source.path,
            )

    def enough(self) -> bool:
        """End with the window where nothing is left to do, or where a camera would go on."""
        closed = self._window is not None and not self._window.is_open
        return closed and (self._only_shown or self._camera)

    def ended(self, plan: "PlannedSource") -> None:  # noqa: ARG002
        """Count the source as done."""
        if self._bar is not None:
            self._bar.done()

    def interrupted(self) -> None:
        """Tell what is being waited for."""
        if self._bar is not None:
            self._bar.stop()
        print_note("finishing the files; Ctrl-C once more ends at once")


def print_failure(error: Exception, source: str | None, path: Path | None = None) -> None:
    """Print the JSON line of a source that has no result.

    Args:
        error: What went wrong.
        source: What the user knows it by; None if that is no source.
        path: Its file, if it has one.
    """
    image = {
        "path": None if path is None else json_text(str(path)),
        "source": None if source is None else json_text(source),
    }
    print(json.dumps({"image": image, "error": json_text(with_hint(error))}), flush=True)


class _Bar:
    """A line for the whole run, and one for the video or large image that is being worked on."""

    def __init__(self, total: int) -> None:
        name = Column(max_width=_NAME_WIDTH, no_wrap=True, overflow="ellipsis")
        self._progress = Progress(
            TextColumn("{task.description}", markup=False, table_column=name),
            BarColumn(),
            TextColumn("{task.fields[count]}", markup=False),
            TimeRemainingColumn(),
            console=stderr,
            transient=True,
            # It would send standard output to standard error.
            redirect_stdout=False,
        )
        self._total = total
        self._sources = 0
        self._whole = self._progress.add_task(
            "", total=total, count=f"0/{total}", visible=total > 1
        )
        self._part: TaskID | None = None
        self._name = ""
        self._frames = 0
        self._start = 0.0

    def start(self) -> None:
        self._progress.start()

    def stop(self) -> None:
        self._progress.stop()

    def next(self, name: str) -> None:
        self._name = printable(name)
        self._frames, self._start = 0, perf_counter()
        self._progress.update(self._whole, description=self._name, visible=True)

    def frame(self) -> None:
        self._frames += 1
        rate = self._frames / (perf_counter() - self._start)
        self.part(f"{plural(self._frames, 'frame')}, {rate:.1f}/s", self._frames, None)

    def part(self, count: str, done: int, total: int | None) -> None:
        if self._part is None:
            self._part = self._progress.add_task(self._name, total=total, count=count)
            if self._total == 1:
                self._progress.update(self._whole, visible=False)
        self._progress.update(self._part, completed=done, total=total, count=count)

    def done(self) -> None:
        if self._part is not None:
            self._progress.remove_task(self._part)
            self._part = None
        self._sources += 1
        self._progress.update(
            self._whole, completed=self._sources, count=f"{self._sources}/{self._total}"
        )
