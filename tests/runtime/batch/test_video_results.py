"""Results of videos: in order, whole or not at all, and readable by others."""

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from ppmobileseg_deploy.errors import OutputError, UsageError
from ppmobileseg_deploy.runtime.batch import VideoResultWriter, plan_outputs, settle_existing
from ppmobileseg_deploy.runtime.drawing.style import Style
from ppmobileseg_deploy.runtime.results.kinds import KINDS

NTSC = 30000 / 1001
PLAIN = Style()


@pytest.fixture
def write(tmp_path, make_source, make_result, monkeypatch):
    """Write some frames of every kind; give the plans and the results."""
    monkeypatch.chdir(tmp_path)

    def write(frames=5, size_hw=(48, 64), kinds=KINDS, style=PLAIN, **close):
        plans = plan_outputs([make_source("a.mp4")], kinds)
        results = [make_result(size_hw, 3 * i, time_s=i / NTSC) for i in range(frames)]
        before = set(Path().iterdir())
        writer = VideoResultWriter(plans[0].outputs, style, NTSC)
        for result in results:
            writer.write(result)
        new = set(Path().iterdir()) - before
        assert len(new) == len(kinds)
        assert all(path.name.startswith(".ppms-") for path in new)
        writer.close(**close)
        assert writer.notes == ()
        return plans, results

    return write


def _names(folder="."):
    return sorted(path.name for path in Path(folder).iterdir())


def _bgr(planes):
    """Convert 4:2:0 planes by BT.709. Early releases of PyAV do not look at the flags."""
    height, width = planes.shape[0] * 2 // 3, planes.shape[1]
    y = (planes[:height] - 16.0) / 219
    chroma = (planes[height:].reshape(2, height // 2, width // 2) - 128.0) / 224
    cb, cr = chroma.repeat(2, axis=1).repeat(2, axis=2)
    green = y - 0.1873 * cb - 0.4681 * cr
    image = np.stack([y + 1.8556 * cb, green, y + 1.5748 * cr], axis=2)
    return (image * 255).round().clip(0, 255).astype(np.uint8)


def _decode(path):
    """Return a video's frames (BGR), their times in seconds, and what its stream says."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        images = [_bgr(frame.to_ndarray()) for frame in frames]
        codec = stream.codec_context
        flags = codec.colorspace, codec.color_primaries, codec.color_trc, codec.color_range
        facts = codec.name, codec.pix_fmt, stream.average_rate, tuple(map(int, flags))
        return images, [frame.time for frame in frames], facts


def _error(found, expected):
    """Mean absolute difference of two images over whatever both have."""
    height, width = expected.shape[:2]
    return np.abs(found[:height, :width].astype(int) - expected).mean()


def test_every_kind_is_written_and_nothing_else(write):
    write()
    assert _names() == [
        "a_color.mp4",
        "a_cutout.mp4",
        "a_geojson.jsonl",
        "a_indexed",
        "a_json.jsonl",
        "a_label-studio.jsonl",
        "a_labelme.jsonl",
        "a_labels",
        "a_legend.mp4",
        "a_overlay.mp4",
        "a_polygons.jsonl",
        "a_rle.jsonl",
    ]


def test_labels_are_numbered_like_the_frames(write):
    _, results = write()
    for folder in ("a_labels", "a_indexed"):
        assert _names(folder) == [f"{3 * i:06d}.png" for i in range(5)]
    for i, result in enumerate(results):
        for folder in ("a_labels", "a_indexed"):
            with Image.open(Path(folder) / f"{3 * i:06d}.png") as image:
                np.testing.assert_array_equal(np.asarray(image), result.labels)


def test_lines_are_one_a_frame(write, decode_coco):
    _, results = write()
    lines = Path("a_json.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [json.loads(r.to_json()) for r in results]
    lines = Path("a_rle.jsonl").read_text().splitlines()
    assert len(lines) == 5
    for line, result in zip(lines, results, strict=True):
        for each in json.loads(line):
            np.testing.assert_array_equal(decode_coco(each), result.labels == each["category_id"])


@pytest.mark.parametrize("size_hw", [(48, 64), (97, 131), (1, 1), (240, 426)])
@pytest.mark.parametrize("kind", ["overlay", "color", "legend"])
def test_videos_play_with_the_right_frames_colours_and_times(write, size_hw, kind):
    _, results = write(40, size_hw, [kind])
    path = f"a_{kind}.mp4"
    images, times, facts = _decode(path)
    expected = [getattr(r, {"overlay": "plot"}.get(kind, kind))() for r in results]
    even_hw = tuple(side + side % 2 for side in expected[0].shape[:2])
    assert [image.shape[:2] for image in images] == [even_hw] * 40
    np.testing.assert_allclose(times, np.arange(40) / NTSC, atol=1e-4)
    # Edges between colours lose half of their colour's resolution; faces do not.
    assert max(map(_error, images, expected)) < (12 if min(size_hw) < 90 else 5)
    # The flags are BT.709's, and say that the range is limited.
    assert facts == ("h264", "yuv420p", Fraction(30000, 1001), (1, 1, 1, 1))
    capture = cv2.VideoCapture(path)
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 40
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(NTSC, abs=1e-3)
    for image in expected:
        _, found = capture.read()
        assert _error(found, image) < (12 if min(size_hw) < 90 else 5)
    capture.release()


def test_plain_colours_survive(write, make_result, tmp_path):
    """Full faces of strong colours: within what eight bits of YCbCr can hold."""
    _, results = write(3, (96, 192), ["color"])
    for image, result in zip(_decode("a_color.mp4")[0], results, strict=True):
        inner = np.ones(result.labels.shape, bool)
        changes = np.flatnonzero(np.diff(result.labels[0].astype(int)))
        for column in changes:
            inner[:, column - 3 : column + 5] = False
        difference = np.abs(image.astype(int) - result.color())[inner]
        assert difference.max() <= 8


def test_videos_start_before_they_are_loaded(write):
    write(kinds=["overlay"])
    content = Path("a_overlay.mp4").read_bytes()
    assert 0 < content.index(b"moov") < content.index(b"mdat")


def test_what_is_left_out_of_colours_is_black(write):
    _, results = write(2, (96, 192), ["color"], Style(classes=(0,)))
    image = _decode("a_color.mp4")[0][0]
    dark = image[:, (results[0].labels != 0).all(axis=0)]
    assert np.median(dark) <= 3


@pytest.mark.parametrize(
    ("fps", "times_s", "expected_s"),
    [
        pytest.param(10, [0, 0.1, 0.2], [0, 0.1, 0.2], id="steady"),
        pytest.param(10, [5.0, 5.1, 5.2], [0, 0.1, 0.2], id="a video that starts late"),
        pytest.param(10, [0, 0.14, 0.54, 0.61], [0, 0.14, 0.54, 0.61], id="uneven"),
        pytest.param(10, [0, 0.01, 0.02], [0, 0.01, 0.02], id="faster than it says"),
        pytest.param(NTSC, [0, 0.033, 0.067, 0.1], [n / NTSC for n in range(4)], id="rounded"),
        pytest.param(10, [0, None, 0.5], [0, 0.1, 0.5], id="unknown"),
        pytest.param(10, [3, 1, 1e9], [0, 0.1, 0.2], id="damaged"),
        pytest.param(None, [0, 1, 2], [0, 1, 2], id="a camera that says nothing"),
        pytest.param(0.5, [0, 2, 4], [0, 2, 4], id="time lapse"),
    ],
)
def test_frames_come_when_they_came(tmp_path, make_result, fps, times_s, expected_s):
    writer = VideoResultWriter({"overlay": tmp_path / "a.mp4"}, Style(), fps)
    for i, time_s in enumerate(times_s):
        writer.write(make_result(number=i, time_s=time_s))
    writer.close()
    assert _decode(tmp_path / "a.mp4")[1] == pytest.approx(expected_s, abs=1e-5)


def test_what_changes_its_size_goes_on_in_that_of_its_first_frame(tmp_path, make_result):
    writer = VideoResultWriter({"overlay": tmp_path / "a.mp4"}, Style(), 25)
    for size_hw in ((48, 64), (96, 96), (24, 32), (20, 40)):
        writer.write(make_result(size_hw))
    writer.close()
    images = _decode(tmp_path / "a.mp4")[0]
    assert [image.shape for image in images] == [(48, 64, 3)] * 4
    bright = [(image > 30).any(axis=2) for image in images]
    assert [round(each[:32].any(axis=0).sum() / 8) for each in bright] == [8, 6, 8, 8]
    assert [round(each.any(axis=1).sum() / 8) for each in bright] == [6, 6, 6, 4]


def test_a_stopped_run_leaves_what_there_is_and_is_resumed(write):
    plans, _ = write(4, complete=False)
    assert len(_decode("a_overlay.mp4")[0]) == 4
    assert len(_names("a_labels")) == 4
    assert settle_existing(plans, resume=True) == plans
    _, results = write(6)
    assert len(_decode("a_overlay.mp4")[0]) == len(_names("a_labels")) == len(results)
    assert settle_existing(plans, resume=True) == []
    assert not [name for name in _names() if name.startswith(".")]


@pytest.mark.parametrize("frames", [0, 1])
def test_aborting_leaves_nothing(tmp_path, make_result, frames):
    outputs = {kind: tmp_path / kind for kind in KINDS}
    writer = VideoResultWriter(outputs, Style(), 25)
    for number in range(frames):
        writer.write(make_result(number=number))
    writer.abort()
    writer.abort()
    writer.close()
    assert list(tmp_path.iterdir()) == []


def test_no_frames_make_no_files(tmp_path):
    writer = VideoResultWriter({kind: tmp_path / kind for kind in KINDS}, Style(), 25)
    writer.close()
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_kind_is_refused(tmp_path):
    with pytest.raises(UsageError, match="expected kinds of result from overlay"):
        VideoResultWriter({"x": tmp_path / "x"}, Style(), 25)


def test_one_kind_that_cannot_be_written_is_one_error_that_leaves_nothing(tmp_path, make_result):
    (tmp_path / "file").touch()
    outputs = {"overlay": tmp_path / "a.mp4", "labels": tmp_path / "file" / "a"}
    writer = VideoResultWriter(outputs, Style(), 25)
    with pytest.raises(OutputError, match=r"cannot write .*file/a"):
        writer.write(make_result(number=0))
    assert _names(tmp_path) == ["file"]
    writer.abort()


@pytest.mark.parametrize("name", ["ä ö.mp4", "100%.mp4", "a:b.mp4", "\udcff.mp4", "-a.mp4"])
@pytest.mark.parametrize("folder", ["plain", "f\udcff", "%03d", "file:x"])
def test_unusual_names_are_names(tmp_path, monkeypatch, make_result, name, folder):
    monkeypatch.chdir(tmp_path)
    path = Path(folder) / name
    writer = VideoResultWriter({"overlay": path}, Style(), 25)
    for number in range(3):
        writer.write(make_result(number=number))
    writer.close()
    path.rename("plain.mp4")
    assert len(_decode("plain.mp4")[0]) == 3


_KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from ppmobileseg_deploy.runtime.results.result import SegmentationResult
from ppmobileseg_deploy.runtime.batch import VideoResultWriter
from ppmobileseg_deploy.runtime.drawing.style import Style
labels, image = np.zeros((64, 64), np.uint8), np.zeros((64, 64, 3), np.uint8)
outputs = {"overlay": Path("a_overlay.mp4"), "labels": Path("a_labels"), "json": Path("a.jsonl")}
writer = VideoResultWriter(outputs, Style(), 25)
for number in range(50):
    writer.write(
        SegmentationResult(labels, ("a",), ((1, 2, 3),), image, None, {}, frame_index=number)
    )
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="files cannot be locked there")
def test_a_killed_run_leaves_nothing_under_the_final_names(tmp_path, make_source, monkeypatch):
    monkeypatch.chdir(tmp_path)
    killed = subprocess.run([sys.executable, "-c", _KILLED])
    assert killed.returncode < 0
    left = _names()
    assert len(left) == 3
    assert all(name.startswith(".ppms-") for name in left)
    plans = plan_outputs([make_source("a.mp4")], ["overlay", "labels", "json"])
    assert settle_existing(plans, resume=True) == plans
    assert _names() == []
