"""The model is opened for the way of sharing the cores that suits the run."""

import logging
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from ppmobileseg_deploy.runtime.batch import PlannedSource
from ppmobileseg_deploy.runtime.batch import sharing as tested
from ppmobileseg_deploy.runtime.batch.reading import Reading
from ppmobileseg_deploy.runtime.batch.sharing import MEASURED_FROM, open_for_run
from ppmobileseg_deploy.runtime.inference import workers as cores
from ppmobileseg_deploy.runtime.inference.workers import Workers
from ppmobileseg_deploy.runtime.sources import Source


class _Segmenter:
    def __init__(self, shared, takes_s):
        self.shared, self._takes_s = shared, takes_s

    def expect(self, sizes_hw):
        self.expected = list(sizes_hw)

    def segment_bgr(self, _image_bgr):
        time.sleep(self._takes_s)


@pytest.fixture
def opened(monkeypatch):
    """``opened(takes_s)`` opens models that take so long for an image, by the way of sharing."""
    monkeypatch.setattr(cores, "usable_cores", lambda: 4)

    def of(takes_s):
        return lambda shared: _Segmenter(shared, takes_s[shared])

    return of


def _plans(folder: Path, count: int, kind: str = "image"):
    path = folder / "a.png"
    cv2.imwrite(str(path), np.zeros((8, 8, 3), np.uint8))
    return [PlannedSource(Source(str(path), Path("a.png"), path, kind), {})] * count


WAYS = [Workers(4, 1), Workers(2, 2), Workers(1, None)]


@pytest.mark.parametrize(
    ("takes_s", "expected"),
    [
        ((0.004, 0.004, 0.004), WAYS[0]),
        ((0.02, 0.004, 0.008), WAYS[1]),
        ((0.02, 0.02, 0.002), WAYS[2]),
    ],
)
def test_a_long_run_takes_what_is_measured_to_be_fastest(
    tmp_path, opened, caplog, takes_s, expected
):
    caplog.set_level(logging.INFO)
    plans = _plans(tmp_path, MEASURED_FROM)
    open_model = opened(dict(zip(WAYS, takes_s, strict=True)))
    segmenter, shared = open_for_run(open_model, plans, Reading())
    assert segmenter.shared == shared == expected
    assert caplog.messages[-1] == f"segmenting {expected}"
    assert len(caplog.messages) == 2


@pytest.mark.parametrize(("rate", "expected"), [(109.0, WAYS[0]), (111.0, WAYS[1])])
def test_what_is_hardly_faster_is_not_taken(tmp_path, opened, monkeypatch, rate, expected):
    rates = {WAYS[0]: 100.0, WAYS[1]: rate, WAYS[2]: 90.0}
    monkeypatch.setattr(tested, "_rate", lambda _, segmenter, __: rates[segmenter.shared])
    plans = _plans(tmp_path, MEASURED_FROM)
    _, shared = open_for_run(opened(dict.fromkeys(WAYS, 0.0)), plans, Reading())
    assert shared == expected


@pytest.mark.parametrize(
    ("count", "kind", "choice", "expected"),
    [
        (1, "image", {}, WAYS[2]),
        (2, "image", {}, WAYS[1]),
        (MEASURED_FROM - 1, "image", {}, WAYS[0]),
        (1, "video", {}, WAYS[0]),
        (MEASURED_FROM, "image", {"workers": 1}, WAYS[2]),
        (MEASURED_FROM, "image", {"workers": 2, "threads": 3}, Workers(2, 3)),
        (MEASURED_FROM, "image", {"threads": 3}, Workers(1, 3)),
    ],
)
def test_nothing_else_is_measured(tmp_path, opened, monkeypatch, count, kind, choice, expected):
    monkeypatch.setattr(tested, "_fastest", None)
    open_model = opened({expected: 0.0})
    plans = _plans(tmp_path, count, kind)
    segmenter, shared = open_for_run(open_model, plans, Reading(), **choice)
    assert segmenter.shared == shared == expected


def test_an_image_that_cannot_be_read_is_left_to_the_run(tmp_path, opened):
    plans = _plans(tmp_path, MEASURED_FROM)
    (tmp_path / "a.png").write_bytes(b"no image")
    _, shared = open_for_run(opened({WAYS[0]: 0.0}), plans, Reading())
    assert shared == WAYS[0]
