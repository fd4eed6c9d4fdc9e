"""Batch run: sources are read ahead, segmented, and their results written in the background."""

import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, Final, TypeAlias

from ...errors import ImageError, OutputError, PPMobileSegError
from ...quoting import printable
from ...types import ImageBGR
from ..drawing.style import Style
from ..images.files import image_bytes
from ..inference.calls import end_runs
from ..parallel import InOrder
from ..results.segmentation import Segmentation
from ..sources import Frame, Source
from ..sources.read_ahead import ahead
from . import (
    PlannedSource,
    VideoResultWriter,
    WritingWorker,
    write_overlay_in_place,
    write_result,
)
from .observer import Observer, RunReport
from .reading import Reading

Segment = Callable[[ImageBGR], Segmentation]
"""Segments one picture."""

_INTERRUPTED: Final = 130
_SEVERAL: Final = 2
_PATIENCE_S: Final = 2.0
_AGAIN_S: Final = 0.1
_TOO_LARGE: Final = "not enough memory for this image"
_TOO_LARGE_TO_DRAW: Final = "not enough memory to draw this image"


@dataclass(frozen=True)
class _Segmented:
    """A picture that was segmented.

    Attributes:
        result: What was found.
        fps: Frames a second of its video.
    """

    result: Segmentation
    fps: float | None


@dataclass(frozen=True)
class _Ended:
    """The end of a source, with what keeps it from going on."""

    error: PPMobileSegError | None


_Read: TypeAlias = tuple[int, Frame | Source | _Ended]
"""Number of a source, and a frame of it, or the image itself, still to be read, or its end."""

_Outcome: TypeAlias = tuple[int, _Segmented | PPMobileSegError | _Ended | None]
"""Number of a source, and what became of a picture of it, or its end; None is nothing."""

_Outcomes: TypeAlias = "InOrder[_Read, _Outcome] | Generator[_Outcome, None, None]"


def run_sources(
    plans: Sequence[PlannedSource],
    segment: Segment,
    style: Style,
    *,
    reading: Reading | None = None,
    observer: Observer | None = None,
    workers: int = 1,
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
        workers: How many pictures are segmented at a time. With several, each worker also reads
            and writes the images that it segments; frames of videos are read one by one, and
            written in order. With one, the next pictures are read and the last ones written in
            other threads meanwhile. With 0, there is never more than one picture in memory.

    Returns:
        What was written and what went wrong.
    """
    start = perf_counter()
    watching = observer or Observer()
    reading = reading or Reading()
    work = _Run(plans, segment, style, watching, reading, workers)
    read = _read(plans, reading, work.given_up, whole=workers < _SEVERAL)
    outcomes: _Outcomes
    if workers >= _SEVERAL:
        outcomes = InOrder(work.segment_and_write, read, workers, n_bytes=_n_bytes)
    else:
        outcomes = work.segment_each(ahead(read, n_bytes=_n_bytes) if workers else read)
    handler: Any = None
    try:
        with closing(outcomes):
            try:
                with work.stopped_by_errors():
                    for number, outcome in outcomes:
                        work.settle(number, outcome)
                        if watching.enough():
                            break
                _finish(outcomes, work)
            except KeyboardInterrupt:
                handler = _end_at_next_interrupt()
                watching.interrupted()
                work.interrupted = True
                _finish(outcomes, work)
    except BaseException:
        work.abort()
        raise
    finally:
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
    return work.report(perf_counter() - start)


def _finish(outcomes: _Outcomes, work: "_Run") -> None:
    """Take what the workers have begun; after Ctrl-C only what they finish within a short time."""
    if isinstance(outcomes, InOrder):
        outcomes.stop()
        settled = threading.Event()

        def end_late_runs() -> None:
            wait_s = _PATIENCE_S
            while not settled.wait(wait_s):
                end_runs(outcomes.threads)
                wait_s = _AGAIN_S

        if work.interrupted:
            threading.Thread(target=end_late_runs, name="interrupting", daemon=True).start()
        try:
            while not settled.is_set():
                # KeyboardInterrupt is a worker's, whose run took too long, or else the user's.
                with work.stopped_by_errors(), suppress(*work.ended_runs):
                    for number, outcome in outcomes:
                        work.settle(number, outcome)
                    settled.set()
        finally:
            settled.set()
    work.finish()


def _read(
    plans: Sequence[PlannedSource],
    reading: Reading,
    given_up: set[int],
    *,
    whole: bool,
) -> Generator[_Read, None, None]:
    """Read all sources; each ends with an error or with None.

    Args:
        plans: The sources.
        reading: How they are read.
        given_up: Numbers of those that need not be read on.
        whole: Also read the files of images; otherwise the source comes instead, and no end.
    """
    for number, plan in enumerate(plans):
        if not whole and plan.source.kind == "image":
            yield number, plan.source
            continue
        error: PPMobileSegError | None = None
        try:
            for frame in reading.frames(plan.source):
                yield number, frame
                if number in given_up:
                    break
        except ImageError as failure:
            error = failure
        except MemoryError:
            error = ImageError(_TOO_LARGE)
        yield number, _Ended(error)


def _n_bytes(read: _Read) -> int:
    picture = read[1]
    if isinstance(picture, Frame):
        return picture.image_bgr.nbytes
    if isinstance(picture, Source) and picture.path is not None:
        return image_bytes(picture.path)
    return 0


class _Run:
    """State of a run."""

    def __init__(
        self,
        plans: Sequence[PlannedSource],
        segment: Segment,
        style: Style,
        observer: Observer,
        reading: Reading,
        workers: int,
    ) -> None:
        self.given_up: set[int] = set()  # sources that need not be read on
        self.interrupted = False
        self._plans = plans
        self._segment = segment
        self._style = style
        self._observer = observer
        self._reading = reading
        self._several = workers >= _SEVERAL
        self._worker: WritingWorker | _Inline = WritingWorker() if workers else _Inline()
        self._written: set[int] = set()  # images whose worker has written their results
        self._current: int | None = None
        self._writer: VideoResultWriter | None = None  # of the current source, if it is a video
        # Workers add to these:
        self._files: list[tuple[int, Path]] = []
        self._failures: list[tuple[int, PPMobileSegError]] = []
        self._told = 0  # how many of them the observer knows
        self._notes: dict[str, None] = {}
        self._done: list[int] = []
        self._stopped_by: tuple[int | None, OutputError] | None = None

    def segment_each(
        self, pictures: Generator[_Read, None, None]
    ) -> Generator[_Outcome, None, None]:
        """Segment pictures one after the other, in the thread of the caller."""
        with closing(pictures):
            for number, picture in pictures:
                yield number, self._segmented(number, picture)

    def segment_and_write(self, read: _Read) -> _Outcome:
        """Segment a picture; also read and write what is an image. Called in any thread."""
        number, picture = read
        outcome = self._segmented(number, picture)
        if isinstance(outcome, _Segmented) and not self._plans[number].source.is_video:
            try:
                self._write_image(number, outcome.result)
            except MemoryError:
                return number, ImageError(_TOO_LARGE_TO_DRAW)
            except ImageError as error:  # where it lies on Earth
                return number, error
            self._written.add(number)
        return number, outcome

    def settle(self, number: int, outcome: _Segmented | PPMobileSegError | _Ended | None) -> None:
        """Take what became of a picture, in the order of the pictures."""
        plan = self._plans[number]
        if number != self._current:
            self._current = number
            self._observer.started(plan)
        if isinstance(outcome, _Ended):
            self._end(number, outcome.error)
            return
        if number in self.given_up or outcome is None:
            pass  # a frame that was read before another one failed
        elif isinstance(outcome, _Segmented):
            self._write(number, outcome)
            self._observer.segmented(plan, outcome.result)
        else:
            self._fail(number, outcome)
        if self._several and plan.source.kind == "image":
            self._end(number, None)

    @property
    def ended_runs(self) -> tuple[type[BaseException], ...]:
        """What runs of workers raise that were ended after Ctrl-C."""
        return (KeyboardInterrupt,) if self.interrupted else ()

    @contextmanager
    def stopped_by_errors(self) -> Iterator[None]:
        """Remember what keeps results from being written; the first such error counts."""
        try:
            yield
        except OutputError as error:  # several workers may meet the same full disk
            if self._stopped_by is None:
                self._stopped_by = (self._current, error)

    def finish(self) -> None:
        """Write what there is; a source that has not ended is left at that."""
        with self.stopped_by_errors():
            if self._stopped_by is None and self._current is not None:
                self.given_up.add(self._current)
                self._close_source(self._current)
            self._worker.close()
        if self._stopped_by is not None:
            current, reason = self._stopped_by
            done = f"{len(self._done)} of {len(self._plans)} done"
            number = len(self._plans) if current is None else current
            self._failures.append((number, OutputError(f"{reason} ({done})")))
            self.abort()

    def abort(self) -> None:
        """Leave nothing unfinished behind."""
        with suppress(PPMobileSegError):  # reported before
            self._worker.close()
        if self._writer is not None:
            self._writer.abort()

    def report(self, seconds: float) -> RunReport:
        """Return the report of the run."""
        self._tell_failures()
        failures = sorted(self._failures, key=lambda failure: failure[0])
        return RunReport(
            tuple(path for _, path in sorted(self._files, key=lambda file: file[0])),
            tuple(error for _, error in failures),
            tuple(self._notes),
            seconds,
            self.interrupted,
            len(self._done),
        )

    def _segmented(
        self, number: int, picture: Frame | Source | _Ended
    ) -> _Segmented | PPMobileSegError | _Ended | None:
        if isinstance(picture, _Ended):
            return picture
        if number in self.given_up:
            return None
        try:
            if isinstance(picture, Source):
                picture = next(self._reading.frames(picture))
            result = self._segment(picture.image_bgr)
        except MemoryError:
            return ImageError(_TOO_LARGE)
        except PPMobileSegError as error:
            return error
        source = self._plans[number].source
        result = replace(
            result,
            path=source.path,
            frame_index=picture.index,
            time_s=picture.time_s,
            source=source.location,
        )
        return _Segmented(result, picture.fps)

    def _end(self, number: int, error: PPMobileSegError | None) -> None:
        if error is not None:
            self._fail(number, error)
        self._close_source(number)
        self._current = None
        self._tell_failures()
        self._observer.ended(self._plans[number])

    def _write(self, number: int, segmented: _Segmented) -> None:
        plan, result = self._plans[number], segmented.result
        if not plan.outputs or number in self._written:
            return
        if plan.source.is_video:
            if self._writer is None:
                self._writer = VideoResultWriter(plan.outputs, self._style, segmented.fps)
            work = partial(self._write_frame, number, self._writer, result)
        else:
            work = partial(self._write_in_background, number, result)
        self._worker.put(work, n_bytes=result.image_bgr.nbytes + result.labels.nbytes)

    def _write_in_background(self, number: int, result: Segmentation) -> None:
        try:
            self._write_image(number, result)
        except MemoryError:
            self._fail(number, ImageError(_TOO_LARGE_TO_DRAW))
        except ImageError as error:  # where it lies on Earth
            self._fail(number, error)

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
        finally:
            self._files += [(number, path) for path in outputs.values() if path in written]

    def _write_frame(self, number: int, writer: VideoResultWriter, result: Segmentation) -> None:
        try:
            writer.write(result)
        except MemoryError:
            self._fail(number, ImageError(_TOO_LARGE_TO_DRAW))

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
        if number in self._written:
            self._end_source(number, None)
            self._worker.check()  # an earlier video may meet a full disk meanwhile
        else:
            self._worker.put(partial(self._end_source, number, self._writer))
        self._writer = None

    def _end_source(self, number: int, writer: VideoResultWriter | None) -> None:
        # Decided in the worker, after all other work of the source, which may have failed.
        complete = number not in self.given_up
        if writer is not None:
            writer.close(complete=complete)
            self._notes.update(dict.fromkeys(writer.notes))
            self._files += [(number, path) for path in self._plans[number].outputs.values()]
        if complete:
            self._done.append(number)


class _Inline:
    """Replacement of the worker that does its work at once, in the thread of the caller."""

    def put(self, work: Callable[[], object], n_bytes: int = 0) -> None:  # noqa: ARG002
        work()

    def check(self) -> None:
        pass

    def close(self) -> None:
        pass


def _end_at_next_interrupt() -> Any:
    """Let Ctrl-C end the process, come what may; return the handler to put back."""
    if threading.current_thread() is not threading.main_thread():
        return None
    return signal.signal(signal.SIGINT, lambda _number, _frame: os._exit(_INTERRUPTED))
