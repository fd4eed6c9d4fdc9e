"""Calls of ONNX Runtime that Ctrl-C and a time limit end."""

import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from ppmobileseg_deploy import MetadataWarning, ModelError, OrtSegmenter, UsageError
from ppmobileseg_deploy.errors import ModelTimeoutError
from ppmobileseg_deploy.metadata import ModelMetadata
from ppmobileseg_deploy.runtime.inference import session
from ppmobileseg_deploy.runtime.inference.calls import end_runs

IMAGE = np.zeros((8, 8, 3), np.uint8)


ENDLESS = 1 << 62


@pytest.fixture
def looping(looping_model: Callable[[int], bytes], tmp_path: Path) -> Callable[[int], Path]:
    """``looping(times)``: a file that goes round so often before it answers with class 2."""

    def write(times: int) -> Path:
        path = tmp_path / "looping.onnx"
        path.write_bytes(looping_model(times))
        return path

    return write


def _nothing_runs() -> bool:
    """Whether the threads of runs end."""
    for thread in threading.enumerate():
        if thread.name == "onnxruntime":
            thread.join(5)
    return not any(each.name == "onnxruntime" for each in threading.enumerate())


def test_a_loop_with_an_end_is_like_anything_else(looping: Callable[[int], Path]) -> None:
    with pytest.warns(MetadataWarning, match=r"looping\.onnx has a loop .* an image gets 20 s"):
        segmenter = OrtSegmenter(looping(100))
    assert segmenter(IMAGE).areas() == {"blue": 1.0}


@pytest.mark.parametrize("in_main_thread", [True, False])
def test_a_time_limit_ends_what_has_no_end(
    in_main_thread: bool, looping: Callable[[int], Path]
) -> None:
    segmenter = OrtSegmenter(looping(ENDLESS), timeout=0.2)
    errors: list[BaseException] = []

    def segment() -> None:
        try:
            segmenter(IMAGE)
        except ModelTimeoutError as error:
            errors.append(error)

    start = time.monotonic()
    if in_main_thread:
        segment()
    else:
        thread = threading.Thread(target=segment)
        thread.start()
        thread.join(20)
    assert 0.2 <= time.monotonic() - start < 5
    assert [str(error) for error in errors] == [
        "looping.onnx: expected an answer within 0.2 s, found none"
    ]
    assert _nothing_runs()
    with pytest.raises(ModelTimeoutError):
        segmenter(IMAGE)


def test_without_a_limit_a_file_with_a_loop_gets_one(
    looping: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "LOOP_TIMEOUT_S", 0.1)
    with pytest.warns(MetadataWarning, match=r"an image gets 0\.1 s"):
        segmenter = OrtSegmenter(looping(ENDLESS))
    with pytest.raises(ModelTimeoutError, match=r"within 0\.1 s"):
        segmenter(IMAGE)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
@pytest.mark.parametrize("kind", [KeyboardInterrupt, ZeroDivisionError])
def test_what_a_signal_raises_ends_a_run(
    kind: type[BaseException], looping: Callable[[int], Path]
) -> None:
    segmenter = OrtSegmenter(looping(ENDLESS), timeout=60)

    def interrupt(_number: int, _frame: object) -> None:
        raise kind

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        start = time.monotonic()
        with pytest.raises(kind):
            segmenter(IMAGE)
        assert time.monotonic() - start < 5
    finally:
        signal.signal(signal.SIGALRM, before)
    assert _nothing_runs()


@pytest.mark.parametrize("timeout", [None, 30.0])
def test_a_run_in_another_thread_is_ended_for_ctrl_c(
    timeout: float | None, looping: Callable[[int], Path]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MetadataWarning)
        segmenter = OrtSegmenter(looping(ENDLESS), timeout=timeout)
    errors: list[BaseException] = []

    def segment() -> None:
        try:
            segmenter(IMAGE)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=segment)
    thread.start()
    while thread.is_alive():
        end_runs([thread])
        thread.join(0.05)
    assert [type(error) for error in errors] == [KeyboardInterrupt]
    assert _nothing_runs()


def test_a_limit_that_is_kept_changes_nothing(rgb_model: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (30, 50, 3), np.uint8)
    labels = OrtSegmenter(rgb_model)(image).labels
    assert np.array_equal(OrtSegmenter(rgb_model, timeout=60)(image).labels, labels)
    found = []
    thread = threading.Thread(target=lambda: found.append(OrtSegmenter(rgb_model)(image).labels))
    thread.start()
    thread.join()
    assert np.array_equal(found[0], labels)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), "5", True])
def test_a_limit_is_a_number_of_seconds(timeout: object, rgb_model: Path) -> None:
    with pytest.raises(UsageError, match="expected a timeout of more than 0 seconds, found"):
        OrtSegmenter(rgb_model, timeout=timeout)


def test_where_there_can_be_no_thread_there_is_none(
    rgb_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segmenter = OrtSegmenter(rgb_model)

    def refuse(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert segmenter(IMAGE).labels.shape == (8, 8)


def test_lengths_that_a_file_declares_are_told(
    make_model: Callable[..., Path], rgb_metadata: ModelMetadata
) -> None:
    path = make_model(kind="half-size labels", props=rgb_metadata.to_props())
    model = onnx.load(path)
    model.graph.output[0].type.tensor_type.shape.dim[2].dim_value = 7
    onnx.save(model, path)
    # Newer releases look at what is declared, 1.15 at what comes out.
    found = r"(\['batch', 1, 7|\(1, 1, 256, 256\))"
    with pytest.raises(ModelError, match=rf"expected labels of shape .*, found {found}"):
        OrtSegmenter(path)(IMAGE)
