"""Batch run: sources are read ahead, segmented, and their results written in the background."""

import os
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from ...errors import ImageError, OutputError, PPMobileSegError, UsageError
from ...quoting import printable
from ...types import ImageBGR
from ..drawing.style import Style
from ..images.headers import MAX_PIXELS
from ..results.segmentation import Segmentation
from ..sources import Frame, read_frames
from ..sources.read_ahead import ahead
from . import (
    PlannedSource,
    VideoResultWriter,
    WritingWorker,
    write_overlay_in_place,
    write_result,
)

Segment = Callable[[ImageBGR], Segmentation]
"""Segments one picture."""

_INTERRUPTED: Final = 130


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


def run_sources(
    plans: Sequence[PlannedSource],
    segment: Segment,
    style: Style,
    *,
    reading: Reading | None = None,
    observer: Observer | None = None,
    overlapped: bool = True,
) -> RunReport:
    """Segment every source that can be segmented and write its results.

    A source that fails does not stop the others. A result that cannot be written does: whatever
    keeps it from being written keeps the next ones from it too. Ctrl-C ends the run with what
    there is, videos as files that can be played; a second Ctrl-C ends the process at once.

    Args:
        plans: The sources and the files of their results, which may be none.
        segment: Segments one picture.
        style: How pictures are drawn.
        reading: How sources are read.
        observer: Is told how the run goes on.
        overlapped: Decode the next pictures and write the last ones in other threads meanwhile.
            Otherwise there is never more than one picture in memory.

    Returns:
        What was written and what went wrong.
    """
    start = perf_counter()
    watching = observer or Observer()
    work = _Run(plans, segment, style, watching, overlapped=overlapped)
    read = _read(plans, reading or Reading(), work.given_up)
    handler: Any = None
    try:
        with closing(ahead(read, n_bytes=_n_bytes) if overlapped else read) as pictures:
            try:
                for number, picture in pictures:
                    work.take(number, picture)
                    if watching.enough():
                        break
                work.finish()
            except KeyboardInterrupt:
                handler = _end_at_next_interrupt()
                watching.interrupted()
                work.interrupted = True
                work.finish()
    except OutputError as error:
        work.give_up(error)
    except BaseException:
        work.give_up(None)
        raise
    finally:
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
    return work.report(perf_counter() - start)


def _read(
    plans: Sequence[PlannedSource], reading: Reading, given_up: set[int]
) -> Generator[tuple[int, Frame | PPMobileSegError | None], None, None]:
    """Read all sources; each ends with an error or with None."""
    for number, plan in enumerate(plans):
        frames = read_frames(
            plan.source,
            vid_stride=reading.vid_stride,
            max_frames=reading.max_frames,
            max_pixels=reading.max_pixels,
        )
        error: PPMobileSegError | None = None
        try:
            for frame in frames:
                yield number, frame
                if number in given_up:
                    break
        except ImageError as failure:
            error = failure
        except MemoryError:
            error = ImageError("not enough memory for this image")
        yield number, error


def _n_bytes(read: tuple[int, Frame | PPMobileSegError | None]) -> int:
    return read[1].image_bgr.nbytes if isinstance(read[1], Frame) else 0


class _Run:
    """State of a run."""

    def __init__(
        self,
        plans: Sequence[PlannedSource],
        segment: Segment,
        style: Style,
        observer: Observer,
        *,
        overlapped: bool,
    ) -> None:
        self.given_up: set[int] = set()  # sources that need not be read on
        self.interrupted = False
        self._plans = plans
        self._segment = segment
        self._style = style
        self._observer = observer
        self._worker: WritingWorker | _Inline = WritingWorker() if overlapped else _Inline()
        self._current: int | None = None
        self._writer: VideoResultWriter | None = None  # of the current source, if it is a video
        # The worker adds to these:
        self._files: list[Path] = []
        self._failures: list[tuple[int, PPMobileSegError]] = []
        self._told = 0  # how many of them the observer knows
        self._notes: dict[str, None] = {}
        self._done = 0

    def take(self, number: int, picture: Frame | PPMobileSegError | None) -> None:
        """Segment a frame, or end a source."""
        plan = self._plans[number]
        if number != self._current:
            self._current = number
            self._observer.started(plan)
        if isinstance(picture, Frame):
            if number not in self.given_up:
                self._segment_and_write(number, picture)
            return
        if picture is not None:
            self._fail(number, picture)
        self._close_source(number)
        self._current = None
        self._tell_failures()
        self._observer.ended(plan)

    def finish(self) -> None:
        """Write what there is; a source that has not ended is left at that."""
        if self._current is not None:
            self.given_up.add(self._current)
            self._close_source(self._current)
        self._worker.close()

    def give_up(self, error: OutputError | None) -> None:
        """Leave nothing unfinished behind."""
        if error is not None:
            done = f"{self._done} of {len(self._plans)} done"
            number = len(self._plans) if self._current is None else self._current
            self._failures.append((number, OutputError(f"{error} ({done})")))
        try:
            self._worker.close()
        except PPMobileSegError:
            pass  # it was reported before
        finally:
            if self._writer is not None:
                self._writer.abort()

    def report(self, seconds: float) -> RunReport:
        """Return the report of the run."""
        self._tell_failures()
        failures = sorted(self._failures, key=lambda failure: failure[0])
        return RunReport(
            tuple(self._files),
            tuple(error for _, error in failures),
            tuple(self._notes),
            seconds,
            self.interrupted,
            self._done,
        )

    def _segment_and_write(self, number: int, frame: Frame) -> None:
        plan = self._plans[number]
        try:
            result = self._segment(frame.image_bgr)
        except MemoryError:
            self._fail(number, ImageError("not enough memory for this image"))
            return
        except PPMobileSegError as error:
            self._fail(number, error)
            return
        result = replace(
            result,
            path=plan.source.path,
            frame_index=frame.index,
            time_s=frame.time_s,
            source=plan.source.location,
        )
        if plan.outputs:
            if plan.source.is_video:
                if self._writer is None:
                    self._writer = VideoResultWriter(plan.outputs, self._style, frame.fps)
                work = partial(self._write_frame, number, self._writer, result)
            else:
                work = partial(self._write_image, number, result)
            self._worker.put(work, n_bytes=result.image_bgr.nbytes + result.labels.nbytes)
        self._observer.segmented(plan, result)

    def _write_image(self, number: int, result: Segmentation) -> None:
        outputs = self._plans[number].outputs
        written: list[Path] = []
        try:
            # The overlay comes last, drawn into the image itself: a copy may take too much memory.
            for kind, path in sorted(outputs.items(), key=lambda output: output[0] == "overlay"):
                if kind == "overlay" and not self._observer.needs_images:
                    write_overlay_in_place(result, path, self._style)
                else:
                    write_result(result, kind, path, self._style)
                written.append(path)
        except MemoryError:
            self._fail(number, ImageError("not enough memory to draw this image"))
        finally:
            self._files += [path for path in outputs.values() if path in written]

    def _write_frame(self, number: int, writer: VideoResultWriter, result: Segmentation) -> None:
        try:
            writer.write(result)
        except MemoryError:
            self._fail(number, ImageError("not enough memory to draw this image"))

    def _fail(self, number: int, error: PPMobileSegError) -> None:
        location = printable(self._plans[number].source.location)
        if location not in str(error):
            error = type(error)(f"{location}: {error}", parameter=error.parameter)
        self._failures.append((number, error))
        self.given_up.add(number)

    def _tell_failures(self) -> None:
        """Tell the observer, in its own thread, what has failed in any since the last time."""
        for number, error in self._failures[self._told :]:
            self._told += 1
            plan = self._plans[number] if number < len(self._plans) else None
            self._observer.failed(plan, error)

    def _close_source(self, number: int) -> None:
        self._worker.put(partial(self._end_source, number, self._writer))
        self._writer = None

    def _end_source(self, number: int, writer: VideoResultWriter | None) -> None:
        # Decided in the worker, after all other work of the source, which may have failed.
        complete = number not in self.given_up
        if writer is not None:
            writer.close(complete=complete)
            self._notes.update(dict.fromkeys(writer.notes))
            self._files += self._plans[number].outputs.values()
        self._done += complete


class _Inline:
    """Replacement of the worker that does its work at once, in the thread of the caller."""

    def put(self, work: Callable[[], object], n_bytes: int = 0) -> None:  # noqa: ARG002
        work()

    def close(self) -> None:
        pass


def _end_at_next_interrupt() -> Any:
    """Let Ctrl-C end the process, come what may; return the handler to put back."""
    if threading.current_thread() is not threading.main_thread():
        return None
    return signal.signal(signal.SIGINT, lambda _number, _frame: os._exit(_INTERRUPTED))
