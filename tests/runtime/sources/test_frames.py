"""Frames of every kind of source: in order, upright, timed, and one clear error."""

import struct
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from ppmobileseg_deploy.errors import ImageError, UsageError
from ppmobileseg_deploy.runtime.sources import Source, find_sources, read_frames

_VIDEO_CAPTURE = cv2.VideoCapture


def _frames(path, **choice):
    return list(read_frames(Source(str(path), Path("a"), Path(path), "video"), **choice))


def _grays(frames):
    """Return the number that `make_video` painted into each frame."""
    return [round(float(frame.image_bgr[20:, 20:].mean()) / 8) for frame in frames]


def _until_error(path):
    frames = []
    with pytest.raises(ImageError) as raised:
        frames.extend(read_frames(Source(str(path), Path("a"), Path(path), "video")))
    return frames, str(raised.value)


@pytest.mark.parametrize("suffix", ["mp4", "mov", "m4v", "avi", "mkv", "webm", "mpg", "ts", "wmv"])
def test_videos_are_read_frame_by_frame(make_video, suffix):
    path = make_video(f"a.{suffix}", rate=25)
    frames = _frames(path)
    assert _grays(frames) == pytest.approx(range(20), abs=1)
    assert [frame.index for frame in frames] == list(range(20))
    assert [frame.time_s for frame in frames] == pytest.approx(np.arange(20) / 25, abs=0.045)
    assert {frame.fps for frame in frames} == {25}
    image_bgr = frames[3].image_bgr
    assert (image_bgr.shape, image_bgr.dtype) == ((48, 64, 3), np.uint8)
    assert image_bgr.flags.c_contiguous
    assert image_bgr[5, 5].argmax() == 2


@pytest.mark.parametrize(
    ("choice", "indices"),
    [
        ({"vid_stride": 7}, [0, 7, 14]),
        ({"max_frames": 3}, [0, 1, 2]),
        ({"vid_stride": 4, "max_frames": 2}, [0, 4]),
        ({"vid_stride": 100}, [0]),
        ({"max_frames": 20}, list(range(20))),
    ],
)
def test_frames_can_be_chosen(make_video, choice, indices):
    frames = _frames(make_video("a.mp4"), **choice)
    assert [frame.index for frame in frames] == indices
    assert _grays(frames) == pytest.approx(indices, abs=1)
    assert [frame.time_s for frame in frames] == pytest.approx([n / 10 for n in indices])
    assert frames[0].fps == pytest.approx(10 / choice.get("vid_stride", 1))


@pytest.mark.parametrize("choice", [{"vid_stride": 0}, {"max_frames": 0}, {"max_frames": -1}])
def test_choices_without_meaning_are_refused_at_once(choice):
    with pytest.raises(UsageError, match=r"expected .*1 or more"):
        read_frames(Source("a", Path("a"), Path("a"), "video"), **choice)


def test_each_frame_has_memory_of_its_own(make_video):
    frames = _frames(make_video("a.mp4"), max_frames=2)
    assert not np.shares_memory(frames[0].image_bgr, frames[1].image_bgr)


def test_a_note_how_to_turn_a_video_is_followed(make_video):
    content = make_video("a.mp4").read_bytes()
    upright = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    turned = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 48 << 16, 0, 1 << 30)
    at = content.index(upright, content.index(b"tkhd"))
    path = Path(make_video("b.mp4"))
    path.write_bytes(content[:at] + turned + content[at + len(turned) :])
    image_bgr = _frames(path, max_frames=1)[0].image_bgr
    assert image_bgr.shape == (64, 48, 3)
    assert image_bgr[5, -6].argmax() == 2  # the red corner went to the right
    assert image_bgr[5, -6].max() > 100
    assert image_bgr[5, 5].max() < 50


@pytest.mark.parametrize(
    ("name", "options"), [("a.mp4", {"movflags": "faststart"}), ("a.mkv", {}), ("a.webm", {})]
)
def test_of_a_video_that_breaks_off_the_rest_is_missed(make_video, name, options):
    path = make_video(name, 30, **options)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])
    frames, error = _until_error(path)
    assert 3 < len(frames) < 25
    assert _grays(frames[:-1]) == pytest.approx(range(len(frames) - 1), abs=1)
    found = frames[-1].time_s + 0.1
    assert error == (
        f"cannot read {path} to its end: expected 3.0 s, found {found:.1f} s "
        f"({len(frames)} frames): the file is incomplete or damaged"
    )


def test_what_is_missing_at_the_end_does_not_matter_to_whom_stops_before(make_video):
    path = make_video("a.mkv", 30)
    path.write_bytes(path.read_bytes()[:-500])
    assert len(_frames(path, max_frames=5)) == 5


def test_a_trimmed_clip_is_whole(make_video, tmp_path):
    # As phones trim: the frames before stay in the file, a note says where to begin.
    path = tmp_path / "trimmed.mp4"
    with av.open(str(make_video("a.mp4", 40))) as whole, av.open(str(path), "w") as trimmed:
        video = whole.streams.video[0]
        stream = trimmed.add_stream_from_template(video)
        for packet in whole.demux(video):
            if packet.dts is not None:
                packet.pts -= round(2 / video.time_base)
                packet.dts -= round(2 / video.time_base)
                packet.stream = stream
                trimmed.mux(packet)
    frames = _frames(path)
    assert 15 < len(frames) < 25
    assert frames[0].time_s == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "found an empty file"),
        (b"hello " * 500, "found a file that starts with b'hello hello '"),
        pytest.param(b"#EXTM3U\n#EXTINF:5,\na.ts\n", "starts with b'#EXTM3U", id="playlist"),
        pytest.param(b"v=0\nc=IN IP4 127.0.0.1\n", "starts with b'v=0", id="session"),
        pytest.param(b"ffconcat version 1.0\nfile a.mp4\n", "b'ffconcat", id="concatenation"),
        pytest.param(b"\0\0\0\x10ftypisom" + bytes(99), "expected a complete video", id="damage"),
        pytest.param(b"\x1aE\xdf\xa3" + b"\xff" * 99, "expected a complete video", id="noise"),
    ],
)
def test_what_is_no_video_is_one_error(tmp_path, content, said):
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    frames, error = _until_error(path)
    assert not frames
    assert error.startswith(f"cannot read {path}: ")
    assert said in error
    assert "\n" not in error


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("gone.mp4", "nothing"),
        ("http://127.0.0.1:9/a.mp4", "nothing"),
        ("concat:a.mp4", "nothing"),
        (".", "a folder"),
        ("/dev/null", "a device or a pipe"),
    ],
)
def test_only_files_are_opened_as_videos(name, found):
    _, error = _until_error(name)
    assert error.endswith(f": expected a video file, found {found}")


def test_names_of_files_are_no_protocols(make_video, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    make_video("a.mp4").rename("concat:b.mp4")
    assert len(_frames("concat:b.mp4", max_frames=3)) == 3


class _Watched:
    """A capture that tells what is done with it; OpenCV's own cannot be inherited from."""

    def __init__(self, *arguments):
        self._capture = _VIDEO_CAPTURE(*arguments)

    def __getattr__(self, name):
        _Watched.calls.append(name)
        return getattr(self._capture, name)


@pytest.fixture
def calls(monkeypatch):
    """Give the names of what was called of captures."""
    monkeypatch.setattr(_Watched, "calls", [], raising=False)
    monkeypatch.setattr(cv2, "VideoCapture", _Watched)
    return _Watched.calls


def test_large_frames_are_refused_before_they_are_read(make_video, calls):
    with pytest.raises(ImageError, match="at most 3071 pixels, found 48x64"):
        _frames(make_video("a.mp4"), max_pixels=3071)
    assert "grab" not in calls
    assert "release" in calls


def test_frames_between_are_not_converted(make_video, calls):
    _frames(make_video("a.mp4"), vid_stride=5)
    assert calls.count("retrieve") == 4


def test_closing_closes_the_file(make_video, calls):
    source = Source("a", Path("a"), make_video("a.mp4"), "video")
    frames = read_frames(source)
    assert not calls
    with closing(frames):
        next(frames)
        assert "release" not in calls
    assert "release" in calls


def test_a_camera_that_is_not_there_is_one_quick_error():
    start = time.monotonic()
    with pytest.raises(ImageError, match=r"^cannot open camera 99: none is connected"):
        next(read_frames(find_sources(["99"]).sources[0]))
    assert time.monotonic() - start < 5


class _Camera:
    """A camera of three frames."""

    def __init__(self, _index):
        self.left = 3

    def isOpened(self):  # noqa: N802
        return True

    def get(self, prop):
        return {cv2.CAP_PROP_FRAME_HEIGHT: 4.0, cv2.CAP_PROP_FRAME_WIDTH: 6.0}.get(prop, 30.0)

    def set(self, _prop, _value):
        return True

    def grab(self):
        self.left -= 1
        return self.left >= 0

    def retrieve(self):
        return True, np.zeros((4, 6, 3), np.uint8)

    def release(self):
        pass


def test_a_camera_gives_frames_until_it_stops(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", _Camera)
    source = find_sources(["0"]).sources[0]
    assert [frame.index for frame in read_frames(source, vid_stride=2, max_frames=2)] == [0, 2]
    frames = []
    with pytest.raises(ImageError, match="camera 0 gave no more frames, after 3 of them"):
        frames.extend(read_frames(source))
    assert [frame.fps for frame in frames] == [30, 30, 30]
    times = [frame.time_s for frame in frames]
    assert times[0] == pytest.approx(0, abs=0.1)
    assert times == sorted(times)


@pytest.mark.parametrize("kind", ["image", "stdin"])
def test_a_still_is_one_frame(tmp_path, kind):
    image_bgr = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), image_bgr)
    if kind == "image":
        (source,) = find_sources([path]).sources
    else:
        source = Source("standard input", Path("a"), kind="stdin", data=path.read_bytes())
    (frame,) = read_frames(source, vid_stride=3)
    assert (frame.image_bgr == image_bgr).all()
    assert (frame.index, frame.time_s, frame.fps) == (None, None, None)
    with pytest.raises(ImageError, match="19"):
        list(read_frames(source, max_pixels=19))


@pytest.mark.parametrize("wish", [{}, {"OPENCV_FFMPEG_LOGLEVEL": "48"}])
def test_libraries_keep_quiet_unless_they_are_asked(make_video, wish, monkeypatch):
    for name in ("OPENCV_FFMPEG_LOGLEVEL", "OPENCV_FFMPEG_DEBUG", "OPENCV_LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in wish.items():
        monkeypatch.setenv(name, value)
    path = make_video("a.mp4")
    path.write_bytes(path.read_bytes()[:2000])
    program = """
import os, sys, cv2
from ppmobileseg_deploy.errors import ImageError
from ppmobileseg_deploy.runtime.sources import find_sources, read_frames
before = dict(os.environ)
for source in find_sources(sys.argv[1:]).sources:
    try:
        list(read_frames(source))
    except ImageError as error:
        print(error)
assert os.environ == before
"""
    done = subprocess.run(
        [sys.executable, "-c", program, path, "99"], capture_output=True, text=True, check=True
    )
    said = (done.stdout + done.stderr).splitlines()
    assert len([line for line in said if line.startswith("cannot ")]) == 2
    assert (len(said) > 2) == bool(wish)
