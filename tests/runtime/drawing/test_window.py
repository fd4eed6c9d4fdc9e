"""A window exists or is refused in time."""

import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.runtime.drawing.window import Window


def test_no_display_is_an_error_before_anything_is_shown(monkeypatch):
    for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    with pytest.raises(UsageError, match="needs a display"):
        Window("test")


def test_no_program_of_the_current_folder_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("cv2.py").write_text("open('was_here', 'w')\ndef namedWindow(_): pass\n")
    monkeypatch.setenv("QT_QPA_PLATFORM", "nothing")
    with pytest.raises(UsageError, match="needs a display"):
        Window("test")
    assert not Path("was_here").exists()


class _Screen:
    """Stands in for OpenCV's windows: replays what the user does, one entry a poll."""

    def __init__(self, monkeypatch, events):
        self.events = iter(events)
        self.shown = []
        self.visible = True
        monkeypatch.setattr(
            subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], returncode=0)
        )
        monkeypatch.setattr(cv2, "namedWindow", lambda *_: None)
        monkeypatch.setattr(cv2, "imshow", lambda _, image: self.shown.append(int(image[0, 0, 0])))
        monkeypatch.setattr(cv2, "waitKey", self._wait_key)
        monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: float(self.visible))
        monkeypatch.setattr(cv2, "destroyAllWindows", lambda: None)

    def _wait_key(self, _milliseconds):
        event = next(self.events)
        self.visible = event != "close"
        return ord(event) if len(event) == 1 else -1


@pytest.mark.parametrize(
    ("events", "shown"),
    [
        (["wait", " ", "wait", "n", "x"], [0, 1, 2]),
        ([" ", "q"], [0, 1]),
        (["\x1b"], [0]),
        (["wait", "close"], [0]),
    ],
)
def test_keys_go_through_the_images(monkeypatch, events, shown):
    screen = _Screen(monkeypatch, events)
    window = Window("test")
    for value in range(3):
        window.show(np.full((2, 2, 3), value, np.uint8))
    assert screen.shown == shown
