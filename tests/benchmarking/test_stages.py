from dataclasses import astuple
from pathlib import Path

import pytest

from ppmobileseg_deploy import OrtSegmenter
from ppmobileseg_deploy.benchmarking import STAGES, Stages, StageSpreads, segment_file
from ppmobileseg_deploy.benchmarking.stages import laps_ms
from ppmobileseg_deploy.runtime.images.files import read_image


def test_stages_add_up() -> None:
    assert Stages(1, 2, 4, 8, 16, 32).total == 63


def test_spreads_are_those_of_each_stage_and_of_the_sum() -> None:
    # The median of the sums is not the sum of the medians.
    runs = [Stages(0, 0, 10, 0, 0, 0), Stages(0, 0, 20, 0, 0, 9), Stages(0, 0, 21, 0, 0, 1)]
    found = StageSpreads.of(iter(runs))
    assert tuple(found.stages_ms) == STAGES
    assert found.stages_ms["inference"].median == 20
    assert found.stages_ms["write"].median == 1
    assert found.total_ms.median == 22


def test_laps_are_milliseconds_since_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 10.5, 10.75])
    monkeypatch.setattr("ppmobileseg_deploy.benchmarking.stages.perf_counter", lambda: next(clock))
    laps = laps_ms()
    assert [next(laps), next(laps)] == [500, 250]


def test_a_file_is_segmented_as_ppms_infer_does(model: Path, image: Path, tmp_path: Path) -> None:
    segmenter = OrtSegmenter(model)
    stages = segment_file(segmenter, image, tmp_path / "overlay.png")
    assert min(astuple(stages)) > 0
    written = read_image(tmp_path / "overlay.png")
    assert (written == segmenter(image).plot()).all()
