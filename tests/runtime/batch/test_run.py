"""A run goes on past what fails, stops where it must, and leaves nothing half-done."""

import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from ppmobileseg_deploy.errors import ImageError, ModelError, OutputError, UsageError
from ppmobileseg_deploy.runtime.batch import (
    VideoResultWriter,
    plan_outputs,
    reading,
    settle_existing,
)
from ppmobileseg_deploy.runtime.batch import run as running
from ppmobileseg_deploy.runtime.batch.observer import Observer
from ppmobileseg_deploy.runtime.batch.reading import Reading
from ppmobileseg_deploy.runtime.batch.run import run_sources
from ppmobileseg_deploy.runtime.drawing.style import Style
from ppmobileseg_deploy.runtime.results.result import SegmentationResult
from ppmobileseg_deploy.runtime.sources import Frame, Source

MOST_BEGUN = 20  # by 5 workers, and what waits for the writing thread

EVERY_WAY = pytest.mark.parametrize("workers", [0, 1, 2, 5])


def _image(value: int) -> np.ndarray:
    return np.full((8, 8, 3), value, np.uint8)


def _segment(image_bgr: np.ndarray) -> SegmentationResult:
    """The pixels' values are the classes; 100 and up are ways to fail."""
    value = int(image_bgr[0, 0, 0])
    failures = {100: ModelError("no such class"), 101: MemoryError(), 102: ZeroDivisionError()}
    if value in failures:
        raise failures[value]
    return SegmentationResult(
        labels=image_bgr[..., 0],
        names=("zero", "one", "two"),
        palette_rgb=((0, 0, 0), (90, 90, 90), (250, 250, 250)),
        image_bgr=image_bgr,
        path=None,
        speed={"preprocess": 1.0, "inference": 1.0, "postprocess": 1.0},
    )


class _Log(Observer):
    def __init__(self):
        self.calls = []
        self.threads = set()

    def _add(self, what, plan, *more):
        self.calls.append((what, plan and plan.source.location, *more))
        self.threads.add(threading.current_thread())

    def started(self, plan):
        self._add("started", plan)

    def segmented(self, plan, result):
        self._add("segmented", plan, result.frame_index)

    def failed(self, plan, error):
        self._add("failed", plan, str(error))

    def ended(self, plan):
        self._add("ended", plan)


@pytest.fixture
def reads(monkeypatch):
    """``reads({"a.png": [1, 2, error]})``: what reading each source gives; returns how often."""

    def pretend(content):
        counts = dict.fromkeys(content, 0)

        def read_frames(source, *, vid_stride, max_frames, max_pixels):
            assert (vid_stride, max_frames, max_pixels) == (1, None, 200_000_000)
            for number, item in enumerate(content[source.location]):
                if isinstance(item, BaseException):
                    raise item
                counts[source.location] += 1
                place = (number, number / 10, 10.0) if source.is_video else (None, None, None)
                yield Frame(_image(item), *place)

        monkeypatch.setattr(reading, "read_frames", read_frames)
        return counts

    return pretend


def _plans(folder: Path, *names: str, kinds: tuple[str, ...] = ("labels",)):
    sources = [
        Source(name, Path(name), folder / name, "video" if name.endswith(".mp4") else "image")
        for name in names
    ]
    return plan_outputs(sources, kinds, folder / "out")


def _files(folder: Path) -> list[str]:
    found = (path for path in (folder / "out").rglob("*") if path.is_file())
    return sorted(path.relative_to(folder / "out").as_posix() for path in found)


@EVERY_WAY
def test_everything_in_order(tmp_path, reads, workers):
    reads({"a.png": [0], "b.mp4": [1, 2], "c.png": [2]})
    log = _Log()
    plans = _plans(tmp_path, "a.png", "b.mp4", "c.png")
    report = run_sources(plans, _segment, Style(), observer=log, workers=workers)
    assert log.calls == [
        *[("started", "a.png"), ("segmented", "a.png", None), ("ended", "a.png")],
        *[("started", "b.mp4"), ("segmented", "b.mp4", 0), ("segmented", "b.mp4", 1)],
        *[("ended", "b.mp4")],
        *[("started", "c.png"), ("segmented", "c.png", None), ("ended", "c.png")],
    ]
    assert log.threads == {threading.current_thread()}
    assert (report.failures, report.interrupted) == ((), False)
    assert report.seconds > 0
    out = tmp_path / "out"
    assert list(report.files) == [out / "a_labels.png", out / "b_labels", out / "c_labels.png"]
    for name, value in {"a_labels.png": 0, "b_labels/000001.png": 2, "c_labels.png": 2}.items():
        assert (cv2.imread(str(out / name), cv2.IMREAD_UNCHANGED) == value).all()


@EVERY_WAY
def test_what_fails_does_not_stop_the_others(tmp_path, reads, workers):
    counts = reads(
        {
            "unreadable.png": [ImageError("cannot read unreadable.png: cut")],
            "failing.png": [100],
            "good.png": [1],
            "large.png": [101],
            "enormous.png": [MemoryError()],
            "failing.mp4": [1, 100, *[1] * 50],
            "broken.mp4": [1, 2, ImageError("broken.mp4 breaks off")],
            "last.png": [2],
        }
    )
    log = _Log()
    plans = _plans(tmp_path, *counts)
    report = run_sources(plans, _segment, Style(), observer=log, workers=workers)
    assert [(type(error), str(error)) for error in report.failures] == [
        (ImageError, "cannot read unreadable.png: cut"),
        (ModelError, "failing.png: no such class"),
        (ImageError, "large.png: not enough memory for this image"),
        (ImageError, "enormous.png: not enough memory for this image"),
        (ModelError, "failing.mp4: no such class"),
        (ImageError, "broken.mp4 breaks off"),
    ]
    assert [call[1] for call in log.calls if call[0] == "ended"] == list(counts)
    failed = {call[1]: call[2] for call in log.calls if call[0] == "failed"}
    assert list(failed.values()) == [str(error) for error in report.failures]
    for name, error in failed.items():
        assert log.calls.index(("failed", name, error)) < log.calls.index(("ended", name))
    assert log.threads == {threading.current_thread()}
    assert report.done == 2
    assert counts["failing.mp4"] < 10, "the rest of a video that has failed is not read"
    written = ["good_labels.png", "last_labels.png", "broken_labels/000001.png"]
    assert set(written) < set(_files(tmp_path))


@EVERY_WAY
def test_a_video_whose_last_frame_fails_late_is_not_whole(tmp_path, reads, monkeypatch, workers):
    reads({"a.mp4": [1, 1, 1], "b.mp4": [1]})
    write, seen = VideoResultWriter.write, []

    def slow_and_failing(writer, result):
        if result.frame_index == 2:
            while workers and len(seen) < 2:  # until all has been queued
                time.sleep(0.01)
            raise MemoryError
        write(writer, result)

    class Counting(Observer):
        def ended(self, plan):
            seen.append(plan)

    monkeypatch.setattr(VideoResultWriter, "write", slow_and_failing)
    plans = _plans(tmp_path, "a.mp4", "b.mp4")
    report = run_sources(plans, _segment, Style(), observer=Counting(), workers=workers)
    assert [str(error) for error in report.failures] == [
        "a.mp4: not enough memory to draw this image"
    ]
    assert settle_existing(plans, resume=True) == plans[:1]


@EVERY_WAY
@pytest.mark.parametrize("needs_images", [True, False])
def test_an_observer_that_needs_images_finds_them_untouched(
    tmp_path, reads, workers, needs_images
):
    reads({"a.png": [1]})

    results = []

    class Looking(Observer):
        def segmented(self, _plan, result):
            results.append(result)

    Looking.needs_images = needs_images
    kinds = ("overlay", "legend", "labels")
    plans = _plans(tmp_path, "a.png", kinds=kinds)
    report = run_sources(plans, _segment, Style(), observer=Looking(), workers=workers)
    # The overlay is written last, whatever the order that was asked for; files keep that order.
    assert list(report.files) == [plans[0].outputs[kind] for kind in kinds]
    assert (results[0].image_bgr == _image(1)).all() == needs_images
    overlay_bgr = cv2.imread(str(plans[0].outputs["overlay"]))
    expected = cv2.imencode(plans[0].outputs["overlay"].suffix, _segment(_image(1)).plot())[1]
    assert np.array_equal(overlay_bgr, cv2.imdecode(expected, cv2.IMREAD_COLOR))


@EVERY_WAY
def test_an_image_that_fails_late_is_not_counted_as_done(tmp_path, reads, monkeypatch, workers):
    reads({"a.png": [1], "b.png": [1], "c.png": [1]})

    def write_result(result, _kind, path, _style):
        if path.name.startswith("a"):
            time.sleep(0.1 * bool(workers))
            raise MemoryError
        if path.name.startswith("c"):
            raise OutputError("cannot write: no space")

    monkeypatch.setattr(running, "write_result", write_result)
    plans = _plans(tmp_path, "a.png", "b.png", "c.png")
    log = _Log()
    report = run_sources(plans, _segment, Style(), observer=log, workers=workers)
    told = [call[1:] for call in log.calls if call[0] == "failed"]
    assert sorted(error for _, error in told) == sorted(map(str, report.failures))
    assert told[0][0] == "a.png"
    assert log.threads == {threading.current_thread()}
    assert report.done == 1
    assert [str(error) for error in report.failures] == [
        "a.png: not enough memory to draw this image",
        "cannot write: no space (1 of 3 done)",
    ]


@EVERY_WAY
@pytest.mark.parametrize("name", ["b.png", "b.mp4"])
def test_a_result_that_cannot_be_written_ends_the_run(tmp_path, reads, monkeypatch, workers, name):
    counts = reads({"a.png": [1], name: [1, 1], **{f"{i}.png": [1] for i in range(50)}})

    def fail(*_):
        raise OutputError("cannot write: no space")

    write = running.write_result
    monkeypatch.setattr(
        running,
        "write_result",
        lambda result, kind, path, style: (
            fail() if path.name.startswith("b") else write(result, kind, path, style)
        ),
    )
    monkeypatch.setattr(VideoResultWriter, "write", fail)
    report = run_sources(_plans(tmp_path, *counts), _segment, Style(), workers=workers)
    (failure,) = report.failures
    assert str(failure) == f"cannot write: no space ({report.done} of 52 done)"
    assert f"{name[0]}_labels.png" not in _files(tmp_path)
    assert len(_files(tmp_path)) == report.done
    assert "a_labels.png" in _files(tmp_path)
    assert report.done <= (1 if workers < 2 else 1 + MOST_BEGUN)
    assert sum(counts.values()) < 40


@EVERY_WAY
def test_what_is_no_error_of_ours_comes_through_and_leaves_nothing(tmp_path, reads, workers):
    reads({"a.mp4": [1, 1, 1, 102, 1]})
    with pytest.raises(ZeroDivisionError):
        run_sources(_plans(tmp_path, "a.mp4"), _segment, Style(), workers=workers)
    assert _files(tmp_path) == []


@EVERY_WAY
def test_ctrl_c_closes_what_there_is(tmp_path, reads, workers):
    reads({"a.png": [1], "b.mp4": [1] * 1000, "c.png": [1]})

    class Impatient(_Log):
        def segmented(self, _plan, result):
            if result.frame_index == 4:
                raise KeyboardInterrupt

        def interrupted(self):
            self.calls.append("interrupted")

    log = Impatient()
    plans = _plans(tmp_path, "a.png", "b.mp4", "c.png")
    report = run_sources(plans, _segment, Style(), observer=log, workers=workers)
    assert report.interrupted
    assert log.calls[-1] == "interrupted"
    assert [path.name for path in report.files] == ["a_labels.png", "b_labels"]
    frames = [name for name in _files(tmp_path) if name.startswith("b_labels/")]
    assert frames == [f"b_labels/{number:06}.png" for number in range(len(frames))]
    assert 5 <= len(frames) <= (5 if workers < 2 else 5 + MOST_BEGUN)


@EVERY_WAY
def test_an_observer_may_have_enough(tmp_path, reads, workers):
    reads({"a.mp4": [1] * 1000, "b.png": [1]})

    class Sated(_Log):
        def enough(self):
            return len(self.calls) == 4

    log = Sated()
    plans = _plans(tmp_path, "a.mp4", "b.png")
    report = run_sources(plans, _segment, Style(), observer=log, workers=workers)
    assert (report.failures, report.interrupted) == ((), False)
    assert [call[0] for call in log.calls[:4]] == ["started", *["segmented"] * 3]
    assert {call[0] for call in log.calls[4:]} <= {"segmented"}
    assert len(log.calls) <= (4 if workers < 2 else 4 + MOST_BEGUN)
    assert [name for name in _files(tmp_path) if name.endswith(".png")] == [
        f"a_labels/{number:06}.png" for number in range(len(log.calls) - 1)
    ]


def test_without_overlap_there_is_one_picture_at_a_time(tmp_path, reads):
    counts = reads({"a.png": [1], "b.png": [1], "c.png": [1]})
    seen = []

    class Counting(Observer):
        def segmented(self, _plan, _result):
            seen.append((sum(counts.values()), len(_files(tmp_path))))

    plans = _plans(tmp_path, *counts)
    run_sources(plans, _segment, Style(), observer=Counting(), workers=0)
    assert seen == [(1, 1), (2, 2), (3, 3)]


def test_no_thread_is_left(tmp_path, reads):
    reads({"a.png": [1], "b.mp4": [1] * 9})
    before = threading.active_count()
    run_sources(_plans(tmp_path, "a.png", "b.mp4"), _segment, Style())
    assert threading.active_count() == before


@pytest.mark.parametrize("name", ["vid_stride", "max_frames", "max_pixels"])
def test_reading_nothing_is_refused(name):
    with pytest.raises(UsageError, match="at least 1, found 0"):
        Reading(**{name: 0})
