"""``ppms-export graft`` as its users meet it."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ppmobileseg_deploy import OrtSegmenter
from ppmobileseg_deploy.cli.export import main
from ppmobileseg_deploy.cli.ppms import main as ppms_main


@pytest.fixture
def run(tmp_path, monkeypatch, in_process):
    """``run("graft", "a.onnx")``: run ppms-export in a folder with ``coarse.onnx``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    weights = np.random.default_rng(0).normal(0, 1, (40, 3, 16, 16)).astype(np.float32)
    dims = ["batch", 3, "height", "width"]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["pixels", "weights"], ["scores"], strides=[16, 16])],
        "coarse",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, dims)],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", 40, "h", "w"])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save_model(model, "coarse.onnx")
    return in_process("ppms-export", main)


def test_a_table_and_a_file_that_the_runtime_takes(run):
    code, out, err = run("graft", "coarse.onnx", "--mean", "1,2,3", "--short-side", "128")
    assert code == 0
    for text in ("coarse.grafted.onnx", "40, names made up", "mean 1, 2, 3", "short side to 128"):
        assert text in out
    assert "100.000 % equal" in out
    assert "times as fast" in out
    assert "the file gives coarse scores" in err
    image_bgr = np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8)
    assert OrtSegmenter("coarse.grafted.onnx")(image_bgr).labels.shape == (90, 120)


def test_json_on_standard_output_is_all_that_is_printed(run):
    code, out, _ = run("graft", "coarse.onnx", "-o", "fast.onnx", "--json", "-")
    found = json.loads(out)
    assert (code, found["path"], found["gave"]) == (0, "fast.onnx", "coarse scores")
    assert found["proof"]["old_end_ms"] > found["proof"]["new_end_ms"] > 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["none.onnx"], 2, "expected a file at none.onnx, there is none"),
        (["coarse.onnx", "-o", "coarse.onnx"], 2, "would overwrite an input of this run"),
        (["coarse.onnx", "-o", "coarse.ort"], 2, "expected --output to end in .onnx"),
        (["coarse.onnx", "--names", "ade20k"], 2, "expected 40 class names"),
        (["coarse.onnx", "--threshold", "2"], 2, "expected a threshold between 0 and 1, found 2"),
    ],
)
def test_wrong_use_is_one_line(run, arguments, code, message):
    found, out, err = run("graft", *arguments)
    assert (found, out) == (code, "")
    assert message in err
    assert err.count("\n") == 1
    assert [each.name for each in Path().iterdir()] == ["coarse.onnx"]


def test_ppms_has_it_too(run, in_process):
    ppms = in_process("ppms", ppms_main)
    assert ppms("graft", "coarse.onnx", "-o", "a.onnx")[0] == 0
    assert Path("a.onnx").exists()
