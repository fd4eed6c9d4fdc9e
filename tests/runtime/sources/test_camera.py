"""Cameras, without one."""

import subprocess
import sys
import time

import cv2
import numpy as np
import pytest

from ppmobileseg_deploy.errors import ImageError
from ppmobileseg_deploy.runtime.sources import find_sources, read_frames


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


def test_opencv_keeps_quiet_about_cameras():
    program = """
import sys
from ppmobileseg_deploy.errors import ImageError
from ppmobileseg_deploy.runtime.sources import find_sources, read_frames
try:
    list(read_frames(find_sources(["99"]).sources[0]))
except ImageError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("cannot open camera 99: ")
    assert done.stderr == ""
