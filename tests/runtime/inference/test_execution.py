"""Devices, providers, session options and sessions of the user's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from ppmobileseg_deploy import DeviceError, OrtSegmenter, UsageError
from ppmobileseg_deploy.runtime.inference.execution import PROVIDERS, Execution
from ppmobileseg_deploy.types import Device

CPU = "CPUExecutionProvider"
Draw = Callable[[int, int], NDArray[np.uint8]]


@pytest.fixture
def with_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ONNX Runtime that has CUDA, says it."""
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CUDAExecutionProvider", CPU])


def test_editors_offer_the_devices_that_there_are() -> None:
    assert get_args(Device) == tuple(PROVIDERS)


@pytest.mark.parametrize(
    ("arguments", "providers", "device"),
    [
        ({}, ((CPU, {}),), "cpu"),
        ({"device": "cuda"}, (("CUDAExecutionProvider", {}),), "cuda"),
        ({"providers": [CPU]}, ((CPU, {}),), "cpu"),
        ({"providers": [(CPU, {"a": 1})]}, ((CPU, {"a": "1"}),), "cpu"),
        ({"providers": [CPU], "provider_options": [{"a": "b"}]}, ((CPU, {"a": "b"}),), "cpu"),
        (
            {"providers": [("CUDAExecutionProvider", {"device_id": 1}), CPU]},
            (("CUDAExecutionProvider", {"device_id": "1"}), (CPU, {})),
            "cuda",
        ),
    ],
)
def test_where_it_runs(
    arguments: dict[str, Any], providers: object, device: str, with_cuda: None
) -> None:
    execution = Execution.of(**arguments)
    assert execution.providers == providers
    assert execution.device == device
    assert execution.on_cpu == (device == "cpu")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"device": "gpu"}, "expected a device of cpu, cuda, .* found 'gpu'"),
        ({"device": "cuda", "providers": [CPU]}, "a device or providers, found 'cuda'"),
        ({"providers": CPU}, "expected a list of execution providers, found 'CPU"),
        ({"providers": []}, "expected a list of execution providers"),
        ({"providers": [3]}, r"name, or \(name, options\), found 3"),
        ({"providers": [(CPU, None)]}, r"name, or \(name, options\), found"),
        ({"providers": [(CPU,)]}, r"name, or \(name, options\), found"),
        ({"providers": [CPU, CPU]}, "each execution provider once"),
        ({"provider_options": [{}]}, "expected providers with provider_options, found none"),
        ({"providers": [CPU], "provider_options": []}, "options for 1 providers, found 0"),
        ({"providers": [(CPU, {})], "provider_options": [{}]}, "beside them, found both"),
        ({"sess_options": {}}, "expected sess_options to be onnxruntime.SessionOptions"),
        ({"sess_options": ort.SessionOptions(), "threads": 2}, "threads or sess_options"),
        ({"threads": 0}, "expected 1 to 1024 threads, found 0"),
        ({"threads": -1}, "expected 1 to 1024 threads"),
        ({"threads": 1025}, "expected 1 to 1024 threads"),
        ({"threads": 10**11}, "expected 1 to 1024 threads"),
        ({"threads": 1.0}, "expected 1 to 1024 threads"),
        ({"threads": "a"}, "expected 1 to 1024 threads"),
        ({"device": ["cpu"]}, r"expected a device of cpu, .*, found \['cpu'\]"),
        ({"providers": [CPU], "provider_options": 5}, "one for each provider, found 5"),
        ({"providers": [CPU], "provider_options": {"a": 1}}, "one for each provider, found {'a'"),
        ({"providers": [("x" * 999,)]}, r"name, or \(name, options\), found .{0,80}$"),
    ],
)
def test_what_makes_no_sense_is_wrong_use(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Execution.of(**arguments)


def test_threads_may_be_any_kind_of_whole_number() -> None:
    threads: Any = np.int64(3)
    assert Execution.of(threads=threads).threads == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"device": "cuda"}, r"'cuda' needs .* the one installed has: cpu$"),
        ({"providers": ["CUDAExecutionProvider"]}, "of CPUEx.* installed has, found 'CUDAEx"),
        ({"providers": ["NoSuchProvider", CPU]}, "found 'NoSuchProvider'"),
    ],
)
def test_what_is_not_installed_is_named(
    arguments: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ort, "get_available_providers", lambda: [CPU])
    with pytest.raises(DeviceError, match=message):
        Execution.of(**arguments)


def test_providers_reach_onnx_runtime(rgb_model: Path, quadrants_bgr: Draw) -> None:
    image_bgr = quadrants_bgr(40, 60)
    expected = OrtSegmenter(rgb_model)(image_bgr).labels
    segmenter = OrtSegmenter(rgb_model, providers=[(CPU, {})])
    assert segmenter.device == "cpu"
    assert np.array_equal(segmenter(image_bgr).labels, expected)


def test_session_options_are_used_as_they_are(rgb_model: Path, quadrants_bgr: Draw) -> None:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 3
    options.log_severity_level = 4
    settings = [name for name in dir(options) if not name.startswith("_")]
    before = {name: repr(getattr(options, name)) for name in settings}
    segmenter = OrtSegmenter(rgb_model, sess_options=options, fixed_size=(64, 96))
    assert segmenter(quadrants_bgr(40, 60)).labels.shape == (40, 60)
    sessions = segmenter._opened()
    used = sessions.for_size((64, 96)).lazy.inference.get_session_options()
    assert (used.intra_op_num_threads, used.enable_mem_pattern) == (3, True)
    assert sessions.pinned_sizes_hw == ()
    assert {name: repr(getattr(options, name)) for name in settings} == before
    with pytest.raises(RuntimeError):  # no entry of ours
        options.get_session_config_entry("session.intra_op.allow_spinning")


def test_an_open_session_is_used_as_it_is(
    rgb_model: Path, quadrants_bgr: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ppmobileseg_deploy.runtime.inference.session_pool.PATIENCE", 2)
    inference = ort.InferenceSession(str(rgb_model), providers=[CPU])
    segmenter = OrtSegmenter(inference)
    expected = OrtSegmenter(rgb_model)
    image_bgr = quadrants_bgr(40, 60)
    for _ in range(5):
        result = segmenter(image_bgr)
        assert np.array_equal(result.labels, expected(image_bgr).labels)
    assert result.model_file == ""
    assert segmenter._opened().pinned_sizes_hw == ()
    assert segmenter._opened().dynamic.lazy.inference is inference
    assert repr(segmenter).startswith("OrtSegmenter(the session, ")
    assert OrtSegmenter(inference, fixed_size=(64, 96))(image_bgr).orig_shape == (40, 60)
    segmenter.close()
    assert inference.run(None, {"input": np.zeros((1, 3, 8, 8), np.float32)})[0].shape


@pytest.mark.parametrize(
    "arguments",
    [
        {"threads": 1},
        {"sess_options": ort.SessionOptions()},
        {"providers": [(CPU, {"a": "b"})]},
    ],
)
def test_nothing_goes_with_an_open_session(arguments: dict[str, Any], rgb_model: Path) -> None:
    inference = ort.InferenceSession(str(rgb_model), providers=[CPU])
    with pytest.raises(UsageError, match="InferenceSession, which has its own"):
        OrtSegmenter(inference, **arguments)


def test_a_device_does_not_go_with_an_open_session(rgb_model: Path, with_cuda: None) -> None:
    inference = ort.InferenceSession(str(rgb_model), providers=[CPU])
    with pytest.raises(UsageError, match="InferenceSession, which has its own"):
        OrtSegmenter(inference, "cuda")


@pytest.mark.parametrize("model", [None, 3, ["a.onnx"]])
def test_a_model_is_one_of_three_things(model: Any) -> None:
    with pytest.raises(UsageError, match="path, its content as bytes, or an InferenceSession"):
        OrtSegmenter(model)
