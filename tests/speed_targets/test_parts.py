from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ppmobileseg_deploy.benchmarking import Spread
from ppmobileseg_deploy.benchmarking.head import HeadRow
from ppmobileseg_deploy.exporters import ExportOptions, export_onnx
from ppmobileseg_deploy.exporters.options import Vim
from speed_targets import cores, head, models, pipeline, startup, throughput
from speed_targets.inputs import drawn_checkpoint, write_photograph
from speed_targets.mask_pipeline import MaskPipeline
from speed_targets.targets import Target


@pytest.fixture(scope="module")
def tiny_files(tmp_path_factory: pytest.TempPathFactory) -> dict[Vim, Path]:
    # Not `models.export_forms`: simplifying takes seconds, and here speed does not matter.
    files: dict[Vim, Path] = {}
    for form in ("off", "cell"):
        files[form] = tmp_path_factory.mktemp("tiny") / f"{form}.onnx"
        options = ExportOptions(vim=form, simplify=False)
        export_onnx(models.checkpoint_for("tiny"), files[form], options, verify=False)
    return files


@pytest.mark.parametrize("variant", ["tiny", "base"])
def test_drawn_weights_are_the_golden_ones(
    variant: str, golden_state_dict: Callable[[str], dict[str, torch.Tensor]]
) -> None:
    drawn = drawn_checkpoint(variant).state_dict
    golden = golden_state_dict(variant)
    assert drawn.keys() == {key for key in golden if not key.endswith("num_batches_tracked")}
    assert all(torch.equal(tensor, golden[key]) for key, tensor in drawn.items())


def test_head_targets() -> None:
    off, cell = Spread(80, 80, 80, 1), {5: 1.0, 15: 2.0, 150: 5.0}
    rows = [
        HeadRow(
            stride=stride,
            threads=1,
            grid_hw=(512 // stride, 512 // stride),
            num_classes=150,
            classes_present=count,
            latency_ms={"off": off, "image": off, "cell": Spread(median, median, median, 1)},
            differing={"off": 0, "image": 3, "cell": 0},
        )
        for stride in head.STRIDES
        for count, median in cell.items()
    ]
    assert [target.value for target in head.head_targets(rows)] == [40, 40, 5, 5]
    assert [table.row_count for table in head.head_tables(rows)] == [3, 3]


def test_model_rows(tiny_files: dict[Vim, Path]) -> None:
    rows = models.measure_model("tiny", tiny_files, turns=1, side=64)
    ways = [row.way for row in rows]
    assert ways == [
        "off, dynamic",
        "off, pinned",
        "cell, dynamic",
        "cell, pinned",
        "cell, network, pinned",
        "OpenVINO, cell",
        "OpenVINO bf16, network",
    ]
    assert models.model_table(rows).row_count == len(ways)
    (off, ours, alone, theirs, bfloat16) = (rows[number].latency_ms for number in (1, 3, 4, 5, 6))
    speedup, against_openvino, in_bfloat16 = models.model_targets(rows)
    assert rows[4].differing == rows[3].differing
    assert in_bfloat16.value == (alone.median / bfloat16.median if bfloat16 else None)
    assert speedup.value == off.median / ours.median
    assert against_openvino.value == (ours.median / theirs.median if theirs else None)


def test_without_openvino_the_row_says_so(
    tiny_files: dict[Vim, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "has_openvino", lambda _="fp32": False)
    rows = models.measure_model("tiny", tiny_files, turns=1, side=64)
    assert [row.latency_ms for row in rows[-2:]] == [None, None]
    assert list(models.model_table(rows).columns[2].cells)[-2:] == ["not here"] * 2
    assert [target.met for target in models.model_targets(rows)[1:]] == [None, None]


def test_pipeline_rows(tiny_files: dict[Vim, Path]) -> None:
    rows = pipeline.measure_pipeline(tiny_files, turns=1, size_hw=(108, 192))
    ways = [pipeline.THEIRS, pipeline.OURS, pipeline.OURS_SMALL]
    assert [row.way for row in rows] == ways
    for row in rows:
        assert all(stage.median > 0 for stage in row.latency.stages_ms.values())
    assert pipeline.pipeline_table(rows).row_count == len(ways)
    assert len(pipeline.pipeline_targets(rows)) == 2


def test_mask_pipeline_writes_an_overlay(tiny_files: dict[Vim, Path], tmp_path: Path) -> None:
    photograph, overlay = tmp_path / "photograph.png", tmp_path / "overlay.png"
    write_photograph(photograph, (96, 160))
    MaskPipeline(tiny_files["off"])(photograph, overlay)
    before: NDArray[np.uint8] = cv2.imread(str(photograph))
    after: NDArray[np.uint8] = cv2.imread(str(overlay))
    colors = 2 * after.astype(int) - before
    assert after.shape == before.shape
    # Twice the blend less the picture is the colour, up to the rounding of one value.
    assert colors.min() >= -1
    assert colors.max() <= 255
    assert not np.array_equal(before, after)


def test_startup_rows(tiny_files: dict[Vim, Path]) -> None:
    rows = {row.what: row.value for row in startup.measure_startup(tiny_files["cell"], 1, side=64)}
    bare = rows["import ppmobileseg_deploy"].median
    assert 0 < bare < rows["from ppmobileseg_deploy import OrtSegmenter"].median
    assert rows["opening tiny"].median > 0
    assert 50 < rows["peak memory"].median < 1000


def test_throughput_rows(tiny_files: dict[Vim, Path]) -> None:
    rows = throughput.measure_throughput(tiny_files, turns=1, images=5, frames=3)
    tasks = {row.task: row.pictures for row in rows}
    assert list(tasks.values()) == [5, 3, 1, 1]
    assert {row.way for row in rows} == {
        throughput.ONE_THREAD,
        throughput.ALL_CORES,
        throughput.PLANNED,
        throughput.THEIRS,
    }
    assert throughput.throughput_table(rows).row_count == len(rows) == 14
    targets = throughput.throughput_targets(rows)
    assert len(targets) == 5
    assert all(target.value and target.value > 0 for target in targets)


def test_cores_rows(tiny_files: dict[Vim, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "usable_cores", lambda: 2)
    rows = cores.measure_cores("tiny", tiny_files["cell"], turns=1, side=64)
    assert [(row.workers, row.threads, row.spinning) for row in rows] == [
        (1, 1, False),
        (1, 2, False),
        (1, 2, True),
        (2, 1, False),
    ]
    assert cores.cores_table(rows).row_count == 4


def test_import_rows_name_the_packages_that_take_longest() -> None:
    rows = startup.measure_imports()
    packages = [row.package for row in rows]
    assert {"numpy", "onnxruntime"} <= set(packages)
    times = [row.milliseconds for row in rows]
    assert times == sorted(times, reverse=True)


def test_startup_targets_need_every_row() -> None:
    names = ["ppms-infer --help", "import ppmobileseg_deploy", "peak memory"]
    names.append("from ppmobileseg_deploy import OrtSegmenter")
    rows = [startup.StartupRow(name, Spread.of([110.0]), "ms") for name in names]
    assert [target.met for target in startup.startup_targets(rows)] == [True, False, True, True]
    assert startup.startup_table(rows).row_count == 4


def test_targets_are_held_from_the_right_side() -> None:
    assert Target("speed", 8.0, 8.0, at_least=True, unit="x").met
    assert Target("speed", 7.9, 8.0, at_least=True, unit="x").met is False
    assert Target("memory", 250.1, 250.0, at_least=False, unit="MB").met is False
    assert Target("unknown", None, 1.0, at_least=False, unit="x").met is None
