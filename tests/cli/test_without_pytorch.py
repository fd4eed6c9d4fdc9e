"""What works on ONNX files works without PyTorch."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

_WITHOUT = """
import sys
sys.modules.update(dict.fromkeys({blocked}))
from ppmobileseg_deploy.cli.ppms import main
main()
"""
_OF_EXPORT = ("onnxsim", "safetensors", "torch", "yaml")


@pytest.fixture
def folder(tmp_path, monkeypatch, exported_demo):
    """A folder with an exported model, and a labelled image."""
    monkeypatch.chdir(tmp_path)
    Path("a.onnx").write_bytes(Path(exported_demo()).read_bytes())
    Path("b.onnx").write_bytes(Path(exported_demo(precision="fp16")).read_bytes())
    for name in ("images", "labels"):
        Path(name).mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3)).astype(np.uint8)
    cv2.imwrite("images/one.png", pixels)
    cv2.imwrite("labels/one_labels.png", np.zeros((64, 96), np.uint8))
    return tmp_path


def _run(blocked, *arguments):
    return subprocess.run(
        [sys.executable, "-c", _WITHOUT.format(blocked=blocked), *arguments],
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        ("inspect a.onnx --json -", "operators"),
        ("verify a.onnx b.onnx --min-agreement 0.9 --tolerance 0.1 --json -", "agreed"),
        ("eval a.onnx b.onnx --images images --labels labels --json -", "models"),
        ("bench a.onnx --runs 1 --size 64x64 --threads 1 --json -", "whole"),
        ("infer images/one.png -m a.onnx --json-lines", "classes"),
    ],
)
def test_onnx_files_need_no_pytorch(folder, arguments, key):
    ended = _run(_OF_EXPORT, *arguments.split())
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)[key]


@pytest.mark.parametrize(
    "arguments",
    [
        "eval a.onnx --images images --labels labels --json -",
        "bench a.onnx --runs 1 --size 64x64 --threads 1 --json -",
        "infer images/one.png -m a.onnx --json-lines",
    ],
)
def test_and_most_no_onnx(folder, arguments):
    ended = _run((*_OF_EXPORT, "onnx"), *arguments.split())
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("inspect a.onnx", "inspecting needs onnx; install with: pip install onnx"),
        ("verify a.onnx b.onnx", "verifying needs onnx; install with: pip install onnx"),
        ("verify a.pth a.onnx", "verifying needs onnx"),
        (
            "eval a.pth --images images --labels labels",
            "evaluating a checkpoint needs torch",
        ),
        ("bench a.onnx --classes-present 5", "--classes-present needs torch"),
        ("export a.pth", "exporting needs torch, onnx, onnxsim, safetensors; install with: pip"),
    ],
)
def test_what_is_missing_is_told_with_the_line_that_installs_it(folder, arguments, message):
    Path("a.pth").touch()
    ended = _run((*_OF_EXPORT, "onnx"), *arguments.split())
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"error: {message}")
    assert ended.stderr.count("\n") == 1


_DEMO = str(Path(__file__).parents[2] / "demo" / "ppmobileseg_tiny_demo.pth")
_PYTHON = "data_preprocessor = dict(mean=[1, 2, 3], std=[4, 5, 6], bgr_to_rgb=True)\n"
_YAML = "val_dataset: {transforms: [{type: Normalize}]}\n"


@pytest.mark.parametrize("config", [[], ["--config", "a.py"]])
def test_a_checkpoint_needs_no_pyyaml(folder, config):
    Path("a.py").write_text(_PYTHON)
    ended = _run(
        ("yaml",),
        *("eval", _DEMO, "--images", "images", "--labels", "labels", "--json", "-", *config),
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["models"]


@pytest.mark.parametrize(
    "arguments", [["eval", _DEMO, "--images", "images", "--labels", "labels"], ["export", _DEMO]]
)
def test_a_configuration_of_paddleseg_does(folder, arguments):
    Path("a.yml").write_text(_YAML)
    ended = _run(("yaml",), *arguments, "--config", "a.yml")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        "error: reading a.yml needs PyYAML; install with: pip install pyyaml\n"
    )


def test_a_checkpoint_to_verify_needs_pytorch(folder):
    Path("a.pth").touch()
    ended = _run(_OF_EXPORT, "verify", "a.pth", "a.onnx")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("error: verifying a checkpoint needs torch, onnxsim, safe")
