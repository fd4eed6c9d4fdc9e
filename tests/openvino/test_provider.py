"""Models in OpenVINO's execution provider: whole, equal, quiet, in threads and other processes."""

import json
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime as ort
import pytest

from ppmobileseg_deploy import DeviceError, ModelError, OrtSegmenter
from ppmobileseg_deploy.runtime.inference import openvino
from ppmobileseg_deploy.runtime.inference.execution import Execution
from ppmobileseg_deploy.runtime.inference.ort_session import SessionFactory

PROVIDER = "OpenVINOExecutionProvider"
ROOT = Path(__file__).parents[2]
MIN_EQUAL = {"fp32": 0.9999, "bf16": 0.998}
MIN_EQUAL_INT8 = 0.98
"""Rounding decides between integers that are a step apart."""

bfloat16 = pytest.mark.skipif(not openvino.has_bfloat16(), reason="needs a processor with bf16")
PRECISIONS = ["fp32", pytest.param("bf16", marks=bfloat16)]
FORMS = ["cell", "off", "image", "logits", "fp16", "int8", "shape", "bytes", "remainder"]


@pytest.mark.filterwarnings("ignore::ppmobileseg_deploy.MetadataWarning")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_labels_are_those_of_the_cpu(
    form: str, precision: Any, models: Path, images: list[Path], capfd: pytest.CaptureFixture[str]
) -> None:
    model = models / f"{form}.onnx"
    segmenter = OrtSegmenter(model, "openvino", precision=precision)
    on_cpu = OrtSegmenter(model)
    assert (segmenter.device, segmenter.precision) == ("openvino", precision)
    least = MIN_EQUAL_INT8 if form == "int8" else MIN_EQUAL[precision]
    for path in images[: 6 if form == "cell" else 1]:
        assert (segmenter(path).labels == on_cpu(path).labels).mean() >= least
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("form", ["cell", "fp16", "bytes"])
def test_the_network_runs_in_one_piece_at_any_size(
    form: str, models: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    factory = SessionFactory.of(models / f"{form}.onnx", Execution.of("openvino"))
    options = ort.SessionOptions()
    options.log_severity_level = 0
    ort.InferenceSession(
        factory.model(), options, providers=list(factory.execution.session_providers())
    )
    log = capfd.readouterr().err
    assert f"All nodes placed on [{PROVIDER}]. Number of nodes: 1" in log


def test_labels_alone_at_any_size_are_too_much_for_it(models: Path) -> None:
    message = r"device 'openvino' cannot open labels\.onnx, which device 'cpu' may: .*acyclic"
    with pytest.raises(ModelError, match=message):
        OrtSegmenter(models / "labels.onnx", "openvino")


def test_float32_is_float32_without_being_asked(models: Path, images: list[Path]) -> None:
    default = OrtSegmenter(models / "cell.onnx", "openvino", confidence=True)
    explicit = OrtSegmenter(models / "cell.onnx", "openvino", confidence=True, precision="fp32")
    on_cpu = OrtSegmenter(models / "cell.onnx", confidence=True)
    found, asked, expected = (each(images[0]) for each in (default, explicit, on_cpu))
    assert default.precision == "fp32"
    assert np.array_equal(found.confidence, asked.confidence)
    assert np.abs(found.confidence - expected.confidence).max() < 1e-3


@bfloat16
def test_bfloat16_rounds_more_and_auto_takes_it(models: Path, images: list[Path]) -> None:
    by_name = {
        precision: OrtSegmenter(
            models / "cell.onnx", "openvino", confidence=True, precision=precision
        )
        for precision in ("fp32", "bf16", "auto")
    }
    found = {name: each(images[0]).confidence for name, each in by_name.items()}
    assert by_name["auto"].precision == "bf16"
    assert np.array_equal(found["auto"], found["bf16"])
    assert np.abs(found["bf16"] - found["fp32"]).max() > 1e-3


def test_without_bfloat16_auto_is_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino, "has_bfloat16", lambda: False)
    assert Execution.of("openvino", precision="auto").precision == "fp32"
    with pytest.raises(DeviceError, match="'bf16' needs a processor with avx512_bf16 or amx"):
        Execution.of("openvino", precision="bf16")


@pytest.mark.parametrize("size_hw", [(1, 1), (31, 97), (97, 31), (333, 500), (700, 320)])
def test_any_size_of_image(size_hw: tuple[int, int], models: Path) -> None:
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
    image_bgr = cv2.resize(small, size_hw[::-1])
    model = models / "cell.onnx"
    found, expected = (OrtSegmenter(model, each)(image_bgr) for each in ("openvino", "cpu"))
    assert (found.labels == expected.labels).mean() >= 0.999


def test_repeated_sizes_are_pinned(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ppmobileseg_deploy.runtime.inference.session_pool.PATIENCE", 2)
    segmenter = OrtSegmenter(models / "cell.onnx", "openvino")
    image_bgr = cv2.resize(cv2.imread(str(ROOT / "demo/images/avenue.jpg")), (384, 256))
    labels = [segmenter(image_bgr).labels for _ in range(5)]
    assert len(segmenter._sessions.pinned_sizes_hw) == 1
    assert all(np.array_equal(labels[0], each) for each in labels)


def test_fixed_sizes_batches_and_tiles(models: Path, images: list[Path]) -> None:
    model = models / "cell.onnx"
    fixed = [OrtSegmenter(model, each, fixed_size=(256, 384)) for each in ("openvino", "cpu")]
    assert (fixed[0](images[0]).labels == fixed[1](images[0]).labels).mean() >= MIN_EQUAL["fp32"]
    segmenter, on_cpu = OrtSegmenter(model, "openvino"), OrtSegmenter(model)
    for one, other in zip(
        segmenter.batch(images[:4], batch_size=2), on_cpu.batch(images[:4]), strict=True
    ):
        assert (one.labels == other.labels).mean() >= MIN_EQUAL["fp32"]
    one, other = (each.tiled(images[0], tile_hw=(256, 256)) for each in (segmenter, on_cpu))
    assert (one.labels == other.labels).mean() >= MIN_EQUAL["fp32"]


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_are_those_that_were_given(threads: int, models: Path) -> None:
    session = OrtSegmenter(models / "cell.onnx", "openvino", threads)._sessions.dynamic
    (_, options), *_ = session.lazy.factory.execution.session_providers()
    assert options["num_of_threads"] == str(threads)


def test_one_thread_takes_no_more_than_its_own_time(models: Path, images: list[Path]) -> None:
    code = (
        "import sys, time\n"
        "from ppmobileseg_deploy import OrtSegmenter\n"
        "segmenter = OrtSegmenter(sys.argv[1], 'openvino', 1)\n"
        "segmenter(sys.argv[2])\n"
        "session = segmenter._sessions.dynamic\n"
        "import numpy as np\n"
        "tensor = np.zeros((1, 3, 512, 768), np.float32)\n"
        "session.run(tensor)\n"
        "wall, cpu = time.perf_counter(), time.process_time()\n"
        "for _ in range(20): session.run(tensor)\n"
        "wall, cpu = time.perf_counter() - wall, time.process_time() - cpu\n"
        "print(cpu / wall)\n"
    )
    arguments = [sys.executable, "-c", code, str(models / "cell.onnx"), str(images[0])]
    found = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=60)
    assert float(found.stdout) < 1.2


def test_many_threads_share_a_segmenter(models: Path, images: list[Path]) -> None:
    segmenter = OrtSegmenter(models / "cell.onnx", "openvino")
    expected = [segmenter(path).labels for path in images]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(segmenter, images * 3))
    for number, result in enumerate(found):
        assert np.array_equal(result.labels, expected[number % len(images)])


@pytest.mark.parametrize("precision", PRECISIONS)
def test_pickled_it_computes_the_same(precision: Any, models: Path, images: list[Path]) -> None:
    segmenter = OrtSegmenter(models / "cell.onnx", "openvino", 1, precision=precision)
    again = pickle.loads(pickle.dumps(segmenter))
    assert again.precision == precision
    assert np.array_equal(again(images[0]).labels, segmenter(images[0]).labels)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks")
def test_a_fork_opens_its_own_session(models: Path, images: list[Path]) -> None:
    segmenter = OrtSegmenter(models / "cell.onnx", "openvino")
    expected = segmenter(images[0]).labels
    assert _in_a_fork(lambda: np.array_equal(segmenter(images[0]).labels, expected)) == "True"


def test_a_file_that_is_no_model_is_refused_as_on_the_cpu(models: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.onnx"
    cut.write_bytes((models / "cell.onnx").read_bytes()[:-5000])
    messages = []
    for device in ("cpu", "openvino"):
        with pytest.raises(Exception, match=r"cut\.onnx") as raised:
            OrtSegmenter(cut, device)
        messages.append(str(raised.value))
    assert messages[0] == messages[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [((), ""), (("--precision", "fp32"), ""), (("--precision", "auto"), "auto: computing in ")],
)
def test_the_command_says_nothing_but_what_was_asked(
    arguments: tuple[str, ...], said: str, models: Path, images: list[Path], tmp_path: Path
) -> None:
    command = [str(Path(sys.executable).with_name("ppms-infer")), str(images[0])]
    command += ["-m", str(models / "cell.onnx"), "-o", str(tmp_path), "--device", "openvino"]
    found = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60)
    assert found.returncode == 0, found.stderr
    assert (said in found.stderr) if said else (found.stderr == "")


@bfloat16
def test_engines_are_columns_of_the_evaluation(
    models: Path, images: list[Path], tmp_path: Path
) -> None:
    commands, model = Path(sys.executable).parent, str(models / "cell.onnx")
    pictures, labels = tmp_path / "pictures", tmp_path / "labels"
    pictures.mkdir()
    (pictures / "a.jpg").write_bytes(images[0].read_bytes())
    _run(commands / "ppms-infer", pictures, "-m", model, "-o", labels, "--save", "labels")
    found = tmp_path / "found.json"
    evaluated = ("--images", pictures, "--labels", labels, "--json", found)
    _run(commands / "ppms-eval", model, *evaluated, "--against", "openvino,openvino-bf16")
    scores = json.loads(found.read_text())["models"]
    assert list(scores) == [model, f"{model} (openvino)", f"{model} (openvino-bf16)"]
    cpu, float32, bfloat16 = (each["pixel_accuracy"] for each in scores.values())
    assert (cpu, float32) == (1, pytest.approx(1, abs=1e-4))
    assert 0.998 < bfloat16 < 1


def _run(*command: object) -> None:
    found = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60)
    assert found.returncode == 0, found.stderr


def _in_a_fork(work: Callable[[], object]) -> str:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answer = str(work())
        except Exception as error:
            answer = f"{type(error).__name__}: {error}"
        os.write(writing, answer.encode())
        os._exit(0)
    os.close(writing)
    killer = threading.Timer(20, os.kill, (child, 9))
    killer.start()
    with os.fdopen(reading) as stream:
        answer = stream.read()
    os.waitpid(child, 0)
    killer.cancel()
    return answer or "hangs"
