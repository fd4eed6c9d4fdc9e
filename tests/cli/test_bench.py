"""``ppms-bench`` as its users meet it: what it prints, writes, draws and refuses."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from ppmobileseg_deploy.benchmarking import benchmark, find_conditions, networks
from ppmobileseg_deploy.cli.bench import main
from ppmobileseg_deploy.exporters import ExportOptions, export_onnx

DEMO = Path(__file__).resolve().parents[2] / "demo"
STAGES = ("read", "preprocess", "inference", "postprocess", "draw", "write")

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def bench(desk: Path, monkeypatch, in_process) -> Run:
    """``bench("a.onnx", ...)``: run ppms-bench in the current folder, on a quiet machine."""
    monkeypatch.setenv("COLUMNS", "80")
    found = replace(find_conditions(), load=0.0, cores=2, machine_cores=2)
    monkeypatch.setattr(benchmark, "find_conditions", lambda: found)
    return in_process("ppms-bench", main)


@pytest.fixture(scope="session")
def demo_model(tmp_path_factory) -> Path:
    """The demo model; speed does not matter here, and simplifying takes seconds."""
    path = tmp_path_factory.mktemp("demo") / "demo.onnx"
    checkpoint = DEMO / "ppmobileseg_tiny_demo.pth"
    export_onnx(checkpoint, path, ExportOptions(simplify=False), verify=False)
    return path


def test_the_demo_model_is_measured_printed_written_and_drawn(bench, demo_model):
    code, out, err = bench(
        str(demo_model),
        *("--image", str(DEMO / "images" / "avenue.jpg"), "--runs", "3", "--threads", "1,2"),
        *("--json", "found.json", "--plot", "found.png"),
    )
    assert (code, err) == (0, "")
    assert "avenue.jpg, 512x768 (height x width), file to overlay; 3 runs each" in " ".join(
        out.split()
    )
    assert out.count("demo.onnx") == 4
    stages = out[out.index("network") :].splitlines()
    assert [line.split()[2] for line in stages[1:3]] == ["512x768", "512x768"]
    assert max(map(len, out.splitlines())) <= 80
    report = json.loads(Path("found.json").read_text())
    assert report["turns"] == 3
    assert report["conditions"]["versions"]["onnxruntime"]
    assert [row["threads"] for row in report["whole"]] == [1, 2]
    for row in report["whole"]:
        total = row["latency"]["total_ms"]
        assert 0 < total["p5"] <= total["median"] <= total["p95"]
        assert total["samples"] == 3
        assert tuple(row["latency"]["stages_ms"]) == STAGES
        assert row["network_hw"] == [512, 768]
        assert row["images_per_second"] == pytest.approx(1000 / total["median"])
        assert row["speedup"] == pytest.approx(
            report["whole"][0]["latency"]["total_ms"]["median"] / total["median"]
        )
        assert row["start"]["session_ms"]["samples"] == 3
        assert 50 < row["start"]["peak_mb"] < 1000
    assert cv2.imread("found.png").shape[1] == 1400


def test_without_an_image_a_synthetic_one_is_taken(bench):
    code, out, _ = bench("end2end.onnx", "--runs", "1", "--size", "40x60")
    assert code == 0
    assert "synthetic picture, 40x60 (height x width), file to overlay; 1 run each" in out
    assert list(Path().iterdir()) == [Path("end2end.onnx")]


def test_models_of_one_name_are_told_apart_by_their_folder(bench, model_bytes):
    Path("other").mkdir()
    Path("other/end2end.onnx").write_bytes(model_bytes())
    out = bench("end2end.onnx", "other/end2end.onnx", "--runs", "1", "--size", "32")[1]
    shown = [line.split()[0] for line in out.splitlines() if line.startswith(("other", "end2"))]
    assert shown == ["end2end.onnx", "other/", "end2end.onnx"] * 2


def test_the_upsampling_is_timed_for_each_number_of_classes(bench, demo_model):
    code, out, err = bench(
        *(str(demo_model), "--runs", "1", "--size", "64x64", "--classes-present", "2,15"),
        *("--json", "found.json"),
    )
    assert (code, err) == (0, "")
    assert "upsampling alone: 32x32 grid, stride 16, 150 classes, all threads; ms" in out
    heads = json.loads(Path("found.json").read_text())["heads"]
    assert [head["classes_present"] for head in heads] == [2, 15]
    assert all(set(head["latency_ms"]) == {"off", "image", "cell"} for head in heads)
    assert max(map(len, out.splitlines())) <= 80


def test_impossible_numbers_of_classes_are_refused_at_once(bench, demo_model, monkeypatch):
    monkeypatch.setattr(benchmark, "measure_whole", lambda *_, **__: pytest.fail("too late"))
    code, _, err = bench(str(demo_model), "--classes-present", "15,151")
    assert code == 2
    assert "expected 1 to 150 classes present, found 151" in err


def test_a_busy_machine_is_said_in_one_line(bench, monkeypatch):
    busy = replace(find_conditions(), machine_cores=4, load=9.5)
    monkeypatch.setattr(benchmark, "find_conditions", lambda: busy)
    code, _, err = bench("end2end.onnx", "--runs", "1", "--size", "32")
    assert code == 0
    assert err == ("note: this machine is busy (load 9.5 on 4 cores): do not trust the figures\n")


def test_more_threads_than_cores_are_noted_once(bench):
    arguments = ("end2end.onnx", "--runs", "1", "--size", "32")
    assert bench(*arguments, "--threads", "2")[2] == ""
    code, _, err = bench(*arguments, "--threads", "1,3,4")
    assert code == 0
    assert err == "note: 4 threads on 2 cores take turns: do not expect them to be faster\n"


def test_tables_of_large_networks_fit_a_terminal(bench, model_bytes):
    path = Path("a_model_with_a_long_name_of_its_own.onnx")
    path.write_bytes(model_bytes())
    out = bench(str(path), "--runs", "1", "--size", "1024x2048")[1]
    assert max(map(len, out.splitlines())) <= 80
    assert "…" not in out
    # The name is folded, the numbers are not.
    assert "64x128" in out


def test_the_name_of_a_grafted_file_takes_one_line(bench, model_bytes):
    Path("end2end.grafted.onnx").write_bytes(model_bytes())
    out = bench("end2end.onnx", "end2end.grafted.onnx", "--runs", "1", "--size", "512")[1]
    assert sum(line.startswith("end2end.grafted.onnx ") for line in out.splitlines()) == 2


def test_engines_are_said_to_be_compared_with_onnx_runtime(bench, monkeypatch):
    def stand_in(model, shape, threads, precision):
        return lambda tensor: np.zeros((1, 1, *tensor.shape[2:]), np.int64)

    monkeypatch.setattr(benchmark, "require_openvino", lambda _: None)
    monkeypatch.setattr(networks, "openvino_run", stand_in)
    arguments = ("--runs", "1", "--size", "32", "--against", "openvino")
    code, out, _ = bench("end2end.onnx", *arguments)
    assert code == 0
    assert "equal: to the labels of the same file in ONNX Runtime" in " ".join(out.split())
    assert max(map(len, out.splitlines())) <= 80


def test_a_model_without_metadata_is_noted_once(bench, model_bytes):
    Path("bare.onnx").write_bytes(model_bytes(metadata=False))
    code, _, err = bench("bare.onnx", "--runs", "1", "--size", "32", "--threads", "1,2")
    assert code == 0
    assert err.count("bare.onnx carries no metadata") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "MODEL"),
        (("missing.onnx",), 2, "expected an ONNX file at missing.onnx"),
        (("end2end.onnx", "end2end.onnx"), 2, "expected each model once"),
        (("end2end.onnx", "--runs", "0"), 2, "--runs"),
        (("end2end.onnx", "--size", "big"), 2, "expected a size such as 512x512"),
        (("end2end.onnx", "--size", "9000"), 2, "expected a picture of 1x1 to 8192x8192"),
        (("end2end.onnx", "--size", "32", "--image", "a.png"), 2, "--image or --size"),
        (("end2end.onnx", "--image", "a.png"), 2, "expected a file at a.png, there is none"),
        (("end2end.onnx", "--threads", "1,x"), 2, "expected --threads to be numbers such as 1,2"),
        (("end2end.onnx", "--threads", "2,2"), 2, "expected --threads to be different numbers"),
        (("end2end.onnx", "--threads", "2000"), 2, "expected 1 to 1024 threads, found 2000"),
        (
            ("end2end.onnx", "--against", "tvm"),
            2,
            "expected --against openvino or openvino-bf16, or both with a comma, found 'tvm'",
        ),
        (
            ("end2end.onnx", "--against", "openvino,openvino"),
            2,
            "expected --against openvino or openvino-bf16, or both",
        ),
        (("end2end.onnx", "--plot", "a.svg"), 2, "expected --plot to end in .png or .jpg"),
        (("end2end.onnx", "--json", "end2end.onnx"), 2, "expected --json to end in .json"),
        (("end2end.onnx", "--json", "link.json"), 2, "would overwrite an input of this run"),
        (("end2end.onnx", "--plot", "link.png"), 2, "would overwrite an input of this run"),
        (("end2end.onnx", "--image", "a.png", "--plot", "b/../a.png"), 2, "overwrite an input"),
        (("end2end.onnx", "--json", "end2end.onnx/a.json"), 1, "cannot write to end2end.onnx"),
        (("end2end.onnx", "--classes-present", "0"), 2, "different numbers from 1 on, found '0'"),
        (
            ("end2end.onnx", "--classes-present", "2", "--runs", "1", "--size", "32"),
            2,
            "expects models that tell their stride, end2end.onnx does not",
        ),
    ],
)
def test_wrong_use_is_one_line(bench, arguments, code, message, monkeypatch):
    if {"--json", "--plot"} & set(arguments):
        monkeypatch.setattr(benchmark, "measure_whole", lambda *_, **__: pytest.fail("too late"))
        for name in ("link.json", "link.png"):
            Path(name).symlink_to("end2end.onnx")
        Path("a.png").touch()
        Path("b").mkdir()
    found_code, out, err = bench(*arguments)
    assert (found_code, out) == (code, "")
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("missing", "arguments", "message"),
    [
        ("torch", ("--classes-present", "5"), "--classes-present needs torch; install with: pip"),
        ("openvino", ("--against", "openvino"), "needs the package openvino; install with: pip"),
    ],
)
def test_missing_packages_are_named_before_anything_is_measured(
    bench, monkeypatch, missing, arguments, message
):
    find_spec = importlib.util.find_spec

    def without(name):
        return None if name == missing else find_spec(name)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    monkeypatch.setattr("ppmobileseg_deploy.benchmarking.networks.find_spec", without)
    code, out, err = bench("end2end.onnx", *arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_a_chart_without_matplotlib_is_refused_before_anything_is_measured(bench, monkeypatch):
    monkeypatch.setattr(benchmark, "measure_whole", lambda *_, **__: pytest.fail("too late"))
    plotting = "ppmobileseg_deploy.benchmarking.plotting"
    for name in [each for each in sys.modules if each.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, plotting, raising=False)

    class WithoutMatplotlib:
        @staticmethod
        def find_spec(name, *_):
            if name.split(".")[0] == "matplotlib":
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(sys, "meta_path", [WithoutMatplotlib, *sys.meta_path])
    code, out, err = bench("end2end.onnx", "--plot", "a.png")
    assert (code, out) == (1, "")
    assert err == "error: Matplotlib is not installed: pip install matplotlib\n"


def test_it_runs_without_pytorch_and_onnx(desk):
    code = (
        "import sys; sys.modules.update(torch=None, onnx=None, onnxsim=None)\n"
        "from ppmobileseg_deploy.cli.bench import main; main()"
    )
    arguments = ("end2end.onnx", "--runs", "1", "--size", "32", "--json", "a.json")
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments, "--plot", "a.png"],
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    assert {"a.json", "a.png"} <= {path.name for path in desk.iterdir()}
