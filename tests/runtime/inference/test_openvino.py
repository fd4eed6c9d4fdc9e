"""Options of OpenVINO's provider. What the provider makes of them: tests/openvino."""

import json
import pickle
from pathlib import Path

import onnxruntime as ort
import pytest

from ppmobileseg_deploy import DeviceError, OrtSegmenter, UsageError
from ppmobileseg_deploy.runtime.inference import execution, openvino
from ppmobileseg_deploy.runtime.inference.execution import Execution
from ppmobileseg_deploy.runtime.inference.openvino import has_bfloat16, provider_options

CPU, PROVIDER = "CPUExecutionProvider", "OpenVINOExecutionProvider"


@pytest.fixture
def with_openvino(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ONNX Runtime that has OpenVINO, says it."""
    monkeypatch.setattr(ort, "get_available_providers", lambda: [PROVIDER, CPU])


def _says(monkeypatch: pytest.MonkeyPatch, *, bfloat16: bool | None) -> None:
    monkeypatch.setattr(openvino, "has_bfloat16", lambda: bfloat16)


@pytest.mark.parametrize(
    ("precision", "bfloat16", "chosen"),
    [
        (None, True, "fp32"),
        ("fp32", True, "fp32"),
        ("bf16", True, "bf16"),
        ("bf16", None, "bf16"),
        ("auto", True, "bf16"),
        ("auto", False, "fp32"),
        ("auto", None, "fp32"),
    ],
)
def test_float32_unless_asked(
    precision: str | None,
    bfloat16: bool | None,
    chosen: str,
    with_openvino: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _says(monkeypatch, bfloat16=bfloat16)
    found = Execution.of("openvino", 3, precision=precision)
    assert (found.device, found.precision, found.on_cpu) == ("openvino", chosen, False)
    ((name, options),) = pickle.loads(pickle.dumps(found)).session_providers()
    assert name == PROVIDER
    assert options["num_of_threads"] == "3"
    hint = {"fp32": "f32", "bf16": "bf16"}[chosen]
    assert json.loads(options["load_config"]) == {"CPU": {"INFERENCE_PRECISION_HINT": hint}}


def test_the_cores_are_those_of_the_process_that_opens_the_session(
    with_openvino: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Execution.of("openvino")
    monkeypatch.setattr(execution, "allowed_threads", lambda: 5)
    assert found.session_providers()[0][1]["num_of_threads"] == "5"
    assert "num_of_threads" not in provider_options("fp32", None)


@pytest.mark.parametrize("precision", ["fp32", "bf16", "auto"])
@pytest.mark.parametrize("elsewhere", [{}, {"device": "cpu"}, {"providers": [PROVIDER]}])
def test_other_devices_compute_as_the_file_says(
    precision: str, elsewhere: dict[str, object], with_openvino: None
) -> None:
    with pytest.raises(UsageError, match="a precision can be chosen with device 'openvino' only"):
        Execution.of(**elsewhere, precision=precision)  # type: ignore[arg-type]


@pytest.mark.parametrize("precision", ["f32", "fp16", "", "BF16", 16, ["bf16"]])
def test_other_precisions_are_refused(precision: object, with_openvino: None) -> None:
    with pytest.raises(UsageError, match="expected a precision of fp32, bf16, auto, found "):
        Execution.of("openvino", precision=precision)  # type: ignore[arg-type]


def test_bfloat16_is_not_emulated(with_openvino: None, monkeypatch: pytest.MonkeyPatch) -> None:
    _says(monkeypatch, bfloat16=False)
    with pytest.raises(DeviceError, match="needs a processor with avx512_bf16 or amx_bf16"):
        Execution.of("openvino", precision="bf16")


def test_older_providers_would_not_compute_in_bfloat16(
    with_openvino: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _says(monkeypatch, bfloat16=True)
    monkeypatch.setattr(ort, "__version__", "1.22.0")
    assert Execution.of("openvino", precision="auto").precision == "fp32"
    with pytest.raises(DeviceError, match=r"needs ONNX Runtime 1\.23 or newer .*found 1\.22\.0"):
        Execution.of("openvino", precision="bf16")


def test_providers_of_the_user_keep_their_options(with_openvino: None) -> None:
    given = Execution.of(providers=[(PROVIDER, {"cache_dir": "x"})])
    assert given.session_providers() == ((PROVIDER, {"cache_dir": "x"}),)
    assert given.precision is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("processor\t: 0\nflags\t\t: fpu avx512_bf16 vnni\n", True),
        ("flags\t\t: fpu amx_bf16 amx_tile\n", True),
        ("flags\t\t: fpu avx512f avx512_bf16x\n", False),
        ("processor\t: 0\nFeatures\t: fp asimd bf16\n", None),
        ("", None),
    ],
)
def test_what_linux_says_of_the_processor(text: str, found: bool | None, tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(text)
    assert has_bfloat16(cpuinfo) is found


def test_other_systems_say_nothing(tmp_path: Path) -> None:
    assert has_bfloat16(tmp_path / "missing") is None


def test_the_segmenter_tells_what_it_computes_in(rgb_model: Path) -> None:
    assert OrtSegmenter(rgb_model).precision is None
    with pytest.raises(UsageError, match="with device 'openvino' only, found 'cpu'"):
        OrtSegmenter(rgb_model, precision="fp32")
