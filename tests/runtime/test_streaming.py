"""Results come in the order of what was asked for, each saying where it is from."""

import gc
import threading
import time
import weakref
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np
import pytest
from PIL import Image

from ppmobileseg_deploy.errors import ImageError, UsageError
from ppmobileseg_deploy.runtime import parallel
from ppmobileseg_deploy.runtime import streaming as tested
from ppmobileseg_deploy.runtime.images.files import as_image_bgr
from ppmobileseg_deploy.runtime.results.result import SegmentationResult
from ppmobileseg_deploy.runtime.sources import Frame, web
from ppmobileseg_deploy.runtime.sources import frames as sources_frames
from ppmobileseg_deploy.runtime.streaming import stream


def _segment(picture):
    """Take the gray of the first pixel for the class of all."""
    image_bgr = as_image_bgr(picture)
    return SegmentationResult(
        labels=image_bgr[:, :, 0].copy(),
        names=("a",),
        palette_rgb=((0, 0, 0),),
        image_bgr=image_bgr,
        path=None,
        speed=MappingProxyType({}),
    )


def _gray(value):
    return np.full((32, 32, 3), value, np.uint8)


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = threading.active_count()
    yield
    assert threading.active_count() == before


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three images, and a video of four frames."""
    monkeypatch.chdir(tmp_path)
    Path("in/deeper").mkdir(parents=True)
    for name, value in (("in/a.png", 10), ("in/b.png", 20), ("in/deeper/c.png", 30)):
        cv2.imwrite(name, _gray(value))
    writer = cv2.VideoWriter("in/v.avi", cv2.VideoWriter_fourcc(*"MJPG"), 10, (32, 32))
    for value in (40, 80, 120, 160):
        writer.write(_gray(value))
    writer.release()


@dataclass(frozen=True)
class Told:
    value: int
    path: str | None
    index: int | None = None
    time_s: float | None = None


def _told(results):
    return [
        Told(
            round(int(r.labels[0, 0]), -1),
            None if r.path is None else r.path.as_posix(),
            r.frame_index,
            None if r.time_s is None else round(r.time_s, 3),
        )
        for r in results
    ]


A, B, C = Told(10, "in/a.png"), Told(20, "in/b.png"), Told(30, "in/deeper/c.png")
V = [Told(v, "in/v.avi", i, i / 10) for i, v in enumerate((40, 80, 120, 160))]


@pytest.mark.parametrize(
    ("source", "choice", "expected"),
    [
        ("in/a.png", {}, [A]),
        (Path("in/a.png"), {}, [A]),
        (["in/b.png", "in/a.png", "in/b.png"], {}, [B, A, B]),
        ("in", {}, [A, B, *V]),
        ("in", {"recursive": True}, [A, B, *V, C]),
        ("in/**/*.png", {}, [A, B, C]),
        ("in/v.avi", {"vid_stride": 2}, [V[0], V[2]]),
        ("in", {"max_frames": 1}, [A, B, V[0]]),
        (_gray(50), {}, [Told(50, None)]),
        (Image.new("RGB", (4, 4), (50, 50, 50)), {}, [Told(50, None)]),
        ([_gray(50), "in/a.png", _gray(60)], {}, [Told(50, None), A, Told(60, None)]),
        ([], {}, []),
    ],
)
@pytest.mark.parametrize("workers", [1, 2, 5])
def test_everything_comes_in_order(folder, source, choice, expected, workers):
    assert _told(stream(_segment, source, workers=workers, **choice)) == expected


def test_results_say_what_they_are_of(folder, monkeypatch):
    png = Path("in/a.png").read_bytes()
    monkeypatch.setattr(web, "fetch_image", lambda _: png)
    results = stream(_segment, ["in/a.png", "http://me:secret@example.org/b.png", _gray(0)])
    assert [r.source for r in results] == ["in/a.png", "http://example.org/b.png", ""]


def test_several_workers_read_and_segment_what_is_at_hand(folder):
    threads, prepared = set(), []

    def segment(picture):
        threads.add(threading.current_thread())
        time.sleep(0.02)
        return _segment(picture)

    def several():
        prepared.append(threading.current_thread())
        return segment

    found = list(stream(_segment, ["in/a.png", "in/b.png"] * 5, workers=2, several=several))
    assert _told(found) == [A, B] * 5
    assert prepared == [threading.main_thread()]
    assert len(threads - {threading.main_thread()}) == 2


@pytest.mark.parametrize("source", ["in/a.png", _gray(50), ["in/b.png"]])
def test_one_image_alone_needs_no_workers(folder, source):
    def several():
        raise AssertionError

    assert len(list(stream(_segment, source, workers=2, several=several))) == 1


@pytest.mark.parametrize("camera", [0, "0", "/dev/video0", Path("/dev/video0")])
def test_a_camera_among_others_keeps_them_from_being_several(folder, monkeypatch, camera):
    def frames(index, **_):
        assert index == 0
        yield from (Frame(_gray(value), number) for number, value in enumerate((70, 80)))

    def several():
        raise AssertionError

    monkeypatch.setattr(sources_frames, "camera_frames", frames)
    found = stream(_segment, ["in/a.png", "in/b.png", camera], workers=2, several=several)
    assert _told(found) == [A, B, Told(70, None, 0), Told(80, None, 1)]


def test_the_first_frames_are_let_go_of_as_others_are(folder, monkeypatch):
    made = []

    def frames(source, **_):
        for _ in range(9):
            image_bgr = np.zeros((4, 4, 3), np.uint8)
            made.append(weakref.ref(image_bgr))
            yield Frame(image_bgr)

    monkeypatch.setattr(tested, "read_frames", frames)
    results = stream(_segment, "in/v.avi", workers=2)
    for _ in range(5):
        next(results)
    gc.collect()
    assert [reference() for reference in made[:4]] == [None] * 4
    results.close()


def test_closing_does_not_wait_for_a_video_that_hangs(folder, monkeypatch):
    monkeypatch.setattr(parallel, "_PATIENCE_S", 0.1)
    hangs, release, closed = threading.Event(), threading.Event(), threading.Event()

    def frames(source, **_):
        try:
            for _ in range(3):
                yield Frame(_gray(70))
            hangs.set()
            assert release.wait(10)
        finally:
            closed.set()

    monkeypatch.setattr(tested, "read_frames", frames)
    results = stream(_segment, "in/v.avi", workers=2)
    next(results)
    assert hangs.wait(10)
    results.close()
    assert not closed.is_set()
    release.set()
    assert closed.wait(10)
    for thread in threading.enumerate():
        if thread.name.startswith("worker-"):
            thread.join(10)


def test_an_error_among_several_comes_at_its_place(folder):
    Path("in/ab.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    results = stream(_segment, "in", workers=3)
    assert _told([next(results)]) == [A]
    with pytest.raises(ImageError, match=r"in/ab\.png"):
        next(results)
    assert list(results) == []


def test_an_iterator_is_asked_in_the_thread_of_the_caller_when_needed(folder):
    asked = []

    def sources():
        for source in (_gray(50), "in/a.png"):
            asked.append(threading.current_thread())
            yield source

    results = stream(_segment, sources())
    assert not asked
    next(results)
    assert asked == [threading.main_thread()]
    assert _told(results) == [A]


def test_a_bad_source_ends_the_stream_after_what_came_before(folder):
    Path("in/ab.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    results = stream(_segment, "in")
    assert _told([next(results)]) == [A]
    with pytest.raises(ImageError, match=r"in/ab\.png"):
        next(results)
    assert list(results) == []


def test_a_missing_source_is_an_error(folder):
    with pytest.raises(ImageError, match=r"no such file or folder: gone\.png"):
        list(stream(_segment, ["in/a.png", "gone.png"]))


def test_a_missing_camera_is_an_error():
    with pytest.raises(ImageError, match="cannot open camera 99"):
        list(stream(_segment, 99))


def test_a_number_is_a_camera_whatever_files_are_called(folder):
    Path("in").rename("99")
    with pytest.raises(ImageError, match="cannot open camera 99"):
        list(stream(_segment, 99))
    assert len(list(stream(_segment, "99"))) == 6


def test_arguments_are_checked_before_anything_else():
    with pytest.raises(UsageError, match="found 0"):
        stream(_segment, "gone.png", vid_stride=0)


def test_files_are_read_while_the_model_works(folder):
    threads = set()

    def segment(picture):
        threads.add((threading.current_thread(), threading.active_count()))
        return _segment(picture)

    before = threading.active_count()
    results = stream(segment, "in/v.avi")
    next(results)
    assert threads == {(threading.main_thread(), before + 1)}
    results.close()


def test_an_error_of_the_model_ends_reading(folder):
    def fail(picture):
        raise KeyError(picture.shape)

    with pytest.raises(KeyError):
        next(stream(fail, "in"))


@pytest.mark.parametrize("source", [None, 1.5])
def test_what_is_no_source_is_wrong_use(source):
    with pytest.raises(UsageError, match=f"expected a path, .* found {source!r}"):
        stream(_segment, source)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"vid_stride": "2"}, "expected a video stride of 1 or more, found '2'"),
        ({"vid_stride": None}, "expected a video stride of 1 or more, found None"),
        ({"max_frames": 1.5}, "expected 1 or more frames at most, found 1.5"),
    ],
)
def test_numbers_of_frames_are_whole(choice, message):
    with pytest.raises(UsageError, match=message):
        stream(_segment, _gray(0), **choice)
    assert len(list(stream(_segment, _gray(0), vid_stride=np.int64(2)))) == 1
