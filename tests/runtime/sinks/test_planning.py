"""Every result has a file of its own, and a window exists or is refused in time."""

import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.runtime.sinks import Window, parse_kinds, plan_outputs
from ppmobileseg_deploy.runtime.sources import find_images

ALL = ("overlay", "color", "labels")


@pytest.fixture(autouse=True)
def pictures(tmp_path, monkeypatch):
    """Empty files with all the names that the tests use."""
    monkeypatch.chdir(tmp_path)
    names = "a.png a.jpg b.JPEG c.jpg c_overlay.jpg d.png d_labels.png d.png_labels.png"
    for name in [*names.split(), "x/a.png", "y/a.png", "folder.png/e.png"]:
        path = Path(name)
        path.parent.mkdir(exist_ok=True)
        path.touch()


def _plan(sources, kinds, output=None):
    images = find_images(sources).images
    plans = plan_outputs(images, kinds, None if output is None else Path(output))
    assert [plan.source for plan in plans] == list(images)
    assert all(tuple(plan.outputs) == tuple(kinds) for plan in plans)
    return [path.as_posix() for plan in plans for path in plan.outputs.values()]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("overlay", ("overlay",)),
        ("labels,color", ("labels", "color")),
        (" Overlay , labels,overlay", ("overlay", "labels")),
    ],
)
def test_kinds_are_read(text, kinds):
    assert parse_kinds(text) == kinds


@pytest.mark.parametrize("text", ["", "overlays", "overlay,", "overlay labels"])
def test_unknown_kinds_are_refused(text):
    with pytest.raises(UsageError, match="expected kinds of result from overlay, color, labels"):
        parse_kinds(text)


@pytest.mark.parametrize(
    ("sources", "kinds", "output", "expected"),
    [
        pytest.param(
            ["a.png"],
            ALL,
            None,
            ["a_overlay.png", "a_color.png", "a_labels.png"],
            id="beside a PNG",
        ),
        pytest.param(
            ["x/../b.JPEG"],
            ALL,
            None,
            ["x/../b_overlay.jpg", "x/../b_color.png", "x/../b_labels.png"],
            id="beside a JPEG",
        ),
        pytest.param(["x/a.png"], ["color"], "out", ["out/a_color.png"], id="into a folder"),
        pytest.param(
            ["a.png", "a.jpg"],
            ["color"],
            "out",
            ["out/a.png_color.png", "out/a.jpg_color.png"],
            id="equal but for the suffix",
        ),
        pytest.param(
            ["x/a.png", "y/a.png"],
            ["labels"],
            "out",
            ["out/x/a_labels.png", "out/y/a_labels.png"],
            id="equal names in two folders",
        ),
        pytest.param(
            ["a.jpg", "x/a.png"],
            ["color"],
            None,
            ["a_color.png", "x/a_color.png"],
            id="equal but for the suffix, each beside its image",
        ),
        pytest.param(
            ["x/a.png", "y/a.png"],
            ["labels"],
            None,
            ["x/a_labels.png", "y/a_labels.png"],
            id="equal names, each beside its image",
        ),
        pytest.param(
            ["c.jpg", "c_overlay.jpg"],
            ["overlay"],
            None,
            ["c.jpg_overlay.jpg", "c_overlay_overlay.jpg"],
            id="a result would overwrite another image",
        ),
        pytest.param(
            ["d.png", "d_labels.png", "d.png_labels.png"],
            ["labels"],
            None,
            ["d.png-2_labels.png", "d_labels_labels.png", "d.png_labels_labels.png"],
            id="twice",
        ),
        pytest.param(["a.png"], ["overlay"], "out.JPG", ["out.JPG"], id="one file"),
        pytest.param(["a.png"], ["labels"], "x/out.png", ["x/out.png"], id="one file of labels"),
        pytest.param(
            ["a.png"], ["color"], "folder.png", ["folder.png/a_color.png"], id="folder.png is one"
        ),
    ],
)
def test_every_result_has_its_own_file(sources, kinds, output, expected):
    assert _plan(sources, kinds, output) == expected


@pytest.mark.parametrize(
    ("sources", "kinds", "output", "message"),
    [
        (["a.png", "b.JPEG"], ["overlay"], "out.png", "holds one result, found 2 images"),
        (["a.png"], ["overlay", "labels"], "out.png", r"2 kinds of result \(overlay, labels\)"),
        (["a.png"], ["labels"], "out.jpg", r"expected \.png for labels"),
        (["a.png"], ["overlay"], "out.gif", r"expected \.bmp .* found out\.gif"),
        (["a.png"], ["overlay"], "x/../a.png", "overwrite its own image"),
        (["a.png"], ["overlay"], "link.png", "overwrite its own image"),
        (["a.png"], ["overlay"], "plain", "expected a folder or an image file"),
    ],
)
def test_an_output_that_cannot_be_meant_is_refused(sources, kinds, output, message):
    Path("plain").touch()
    Path("link.png").symlink_to("a.png")
    with pytest.raises(UsageError, match=message):
        _plan(sources, kinds, output)


def test_no_display_is_an_error_before_anything_is_shown(monkeypatch):
    for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    with pytest.raises(UsageError, match="needs a display"):
        Window("test")


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
