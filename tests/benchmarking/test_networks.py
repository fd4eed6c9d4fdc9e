import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ppmobileseg_deploy import DeviceError, ModelError, UsageError
from ppmobileseg_deploy.benchmarking import candidates, measure_networks, networks
from ppmobileseg_deploy.benchmarking.networks import network_run, onnxruntime_run, openvino_run
from ppmobileseg_deploy.runtime.images.files import read_image


def test_onnxruntime_runs_a_file_for_a_size_of_its_own(model: Path) -> None:
    tensor = np.random.default_rng(0).normal(size=(1, 3, 32, 64)).astype(np.float32)
    for lengths in ({}, {"n": 1, "h": 32, "w": 64}):
        labels = onnxruntime_run(model, 1, lengths)(tensor)
        assert (labels[:, 0] == tensor.argmax(1)).all()


def test_a_file_of_labels_and_logits_runs_as_a_whole() -> None:
    demo = Path(__file__).parents[2] / "demo" / "ppmobileseg_tiny_demo.onnx"
    labels = onnxruntime_run(demo, 1)(np.zeros((1, 3, 64, 96), np.float32))
    assert (labels.shape, labels.dtype) == ((1, 1, 64, 96), np.int64)


def test_the_same_file_runs_in_both_engines(
    model: Path, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[tuple[int, ...], int | None, str]] = []

    def stand_in(
        model: Path, shape: tuple[int, ...], threads: int | None, precision: str
    ) -> Callable[[np.ndarray], np.ndarray]:
        asked.append((shape, threads, precision))
        return lambda tensor: np.zeros((1, 1, *tensor.shape[2:]), np.int64)

    monkeypatch.setattr(networks, "openvino_run", stand_in)
    picture = read_image(image)
    runners = candidates([model], [1, 2])
    rows = measure_networks(runners, picture, turns=2, precisions=["fp32", "bf16"])
    assert [(row.engine, row.threads) for row in rows] == [
        ("ONNX Runtime", 1),
        ("OpenVINO", 1),
        ("OpenVINO, bfloat16", 1),
        ("ONNX Runtime", 2),
        ("OpenVINO", 2),
        ("OpenVINO, bfloat16", 2),
    ]
    shape = (1, 3, 64, 128)
    assert asked == [(shape, n, precision) for n in (1, 2) for precision in ("fp32", "bf16")]
    assert [row.equal == 1 for row in rows] == [True, False, False] * 2
    assert all(row.equal > 0 for row in rows)


def test_openvino_computes_the_same(model: Path, tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    tensor = np.random.default_rng(0).normal(size=(1, 3, 32, 64)).astype(np.float32)
    labels = openvino_run(model, tensor.shape, 1)(tensor)
    assert (labels[:, 0] == tensor.argmax(1)).all()
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(model.read_bytes()[:-50])
    with pytest.raises(ModelError, match=r"OpenVINO cannot load damaged.onnx: ."):
        openvino_run(damaged, tensor.shape, 1)


def test_what_the_runtime_runs_is_the_network_up_to_its_logits() -> None:
    demo = Path(__file__).parents[2] / "demo" / "ppmobileseg_tiny_demo.onnx"
    logits = network_run(demo, 1)(np.zeros((1, 3, 64, 96), np.float32))
    assert (logits.shape, logits.dtype) == ((1, 150, 4, 6), np.float32)


def test_a_precision_that_the_processor_lacks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "find_spec", lambda _: "found")
    monkeypatch.setattr(networks, "_capabilities", lambda: ["FP32", "INT8"])
    networks.require_openvino(["fp32"])
    with pytest.raises(DeviceError, match="OpenVINO does not compute in bf16 on this processor"):
        networks.require_openvino(["fp32", "bf16"])


def test_without_openvino_the_error_tells_how_to_install_it(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr("ppmobileseg_deploy.benchmarking.networks.find_spec", lambda _: None)
    with pytest.raises(UsageError, match="pip install openvino"):
        openvino_run(model, (1, 3, 32, 32))
