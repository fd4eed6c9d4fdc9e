"""Frame rates, and videos without PyAV."""

import sys
from fractions import Fraction

import cv2
import numpy as np
import pytest

from ppmobileseg_deploy.errors import OutputError
from ppmobileseg_deploy.runtime.batch import VideoResultWriter
from ppmobileseg_deploy.runtime.batch.video_file import frame_rate
from ppmobileseg_deploy.runtime.drawing.style import Style


@pytest.mark.parametrize(
    ("fps", "expected"),
    [
        (25.0, Fraction(25)),
        (29.97002997002997, Fraction(30000, 1001)),
        (23.976023976, Fraction(24000, 1001)),
        (12.5, Fraction(25, 2)),
        (1 / 30, Fraction(1, 30)),
        (1e-9, Fraction(1, 1000)),
        (1e9, Fraction(1000)),
        *[(bad, Fraction(30)) for bad in (None, 0.0, -25.0, float("nan"), float("inf"))],
    ],
)
def test_frame_rates_are_exact(fps, expected):
    assert frame_rate(fps) == expected


@pytest.fixture
def without_av(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)


@pytest.mark.parametrize("size_hw", [(48, 64), (97, 131)])
def test_without_pyav_opencv_writes_and_a_note_says_so(tmp_path, make_result, without_av, size_hw):
    path = tmp_path / "a.mp4"
    writer = VideoResultWriter({"overlay": path, "color": tmp_path / "b.mp4"}, Style(), 12.5)
    results = [make_result(size_hw, number) for number in range(6)]
    for result in results:
        writer.write(result)
    notes = writer.notes
    assert len(notes) == 1
    assert "pip install 'ppmobileseg-deploy[video]'" in notes[0]
    writer.close()
    assert writer.notes == notes
    assert sorted(tmp_path.iterdir()) == [path, tmp_path / "b.mp4"]
    capture = cv2.VideoCapture(str(path))
    assert capture.get(cv2.CAP_PROP_FPS) == 12.5
    height, width = size_hw
    for result in results:
        _, found = capture.read()
        assert np.abs(found[:height, :width].astype(int) - result.plot()).mean() < 12
    assert not capture.read()[0]
    capture.release()


def test_a_video_that_opencv_did_not_finish_is_an_error(
    tmp_path, make_result, without_av, monkeypatch
):
    writer = VideoResultWriter({"overlay": tmp_path / "a.mp4"}, Style(), 25)
    writer.write(make_result())
    writer.write(make_result())
    real = cv2.VideoCapture

    class Shorter:
        def __init__(self, path):
            self._file = real(path)

        def get(self, key):
            return self._file.get(key) - 1

        def __getattr__(self, name):
            return getattr(self._file, name)

    monkeypatch.setattr(cv2, "VideoCapture", Shorter)
    with pytest.raises(OutputError, match="expected 2 frames in the finished file, found 1"):
        writer.close()
    assert list(tmp_path.iterdir()) == []
