"""One segmenter in other processes and in many threads."""

import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from ppmobileseg_deploy import ModelError, OrtSegmenter, UsageError
from ppmobileseg_deploy.metadata import ModelMetadata

MakeModel = Callable[..., Path]
CPU = "CPUExecutionProvider"
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks")


def _images() -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(0)
    sizes = rng.integers(20, 90, (12, 2))
    return [rng.integers(0, 256, (h, w, 3), dtype=np.uint8) for h, w in sizes]


def _in_a_fork(work: Callable[[], object]) -> str:
    """Run in a fork of this process and tell what came of it; "hangs" after ten seconds."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answer = str(work())
        except Exception as error:
            answer = f"{type(error).__name__}: {error}"
        os.write(writing, answer.encode())
        os._exit(0)  # ONNX Runtime 1.32 hangs when a fork exits in the ordinary way
    os.close(writing)
    killer = threading.Timer(10, os.kill, (child, 9))
    killer.start()
    with os.fdopen(reading) as stream:
        answer = stream.read()
    os.waitpid(child, 0)
    killer.cancel()
    return answer or "hangs"


@pytest.mark.parametrize("as_type", [Path, Path.read_bytes])
@pytest.mark.parametrize("fixed_size", [None, (64, 96)])
def test_pickled_it_gives_the_same(
    as_type: Callable[[Path], Path | bytes],
    fixed_size: tuple[int, int] | None,
    rgb_model: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    segmenter = OrtSegmenter(as_type(rgb_model), fixed_size=fixed_size, names=["x", "y", "z"])
    expected = segmenter.batch(_images())
    # The path counts, not the folder that is the current one.
    monkeypatch.chdir("/")
    again = pickle.loads(pickle.dumps(segmenter))
    assert repr(again) == repr(segmenter)
    assert again.names == ("x", "y", "z")
    for one, other in zip(expected, again.batch(_images()), strict=True):
        assert np.array_equal(one.labels, other.labels)


def test_relative_paths_survive_another_folder(
    rgb_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(rgb_model.parent)
    pickled = pickle.dumps(OrtSegmenter(rgb_model.name))
    monkeypatch.chdir("/")
    assert pickle.loads(pickled)(_images()[0]).model_file == "rgb.onnx"


def test_results_can_be_pickled(rgb_model: Path) -> None:
    result = OrtSegmenter(rgb_model)(_images()[0])
    again = pickle.loads(pickle.dumps(result))
    assert np.array_equal(result.labels, again.labels)
    assert result.speed == again.speed


@pytest.mark.parametrize("fate", ["gone", "replaced"])
def test_a_file_that_has_changed_is_noticed_at_the_first_image(
    fate: str, make_model: MakeModel, rgb_metadata: ModelMetadata
) -> None:
    path = make_model("rgb.onnx", props=rgb_metadata.to_props())
    pickled = pickle.dumps(OrtSegmenter(path))
    path.unlink()
    message = "no such file"
    if fate == "replaced":
        make_model("rgb.onnx", props=rgb_metadata.to_props(), first_id=1)
        message = r"rgb\.onnx again: the file has changed"
    # Not while it is unpickled: a pool's worker would die of that without a word.
    again = pickle.loads(pickled)
    with pytest.raises(ModelError, match=message):
        again(_images()[0])


def test_what_belongs_to_the_process_cannot_be_pickled(rgb_model: Path) -> None:
    inference = ort.InferenceSession(str(rgb_model), providers=[CPU])
    with pytest.raises(UsageError, match="cannot pickle a segmenter of an InferenceSession"):
        pickle.dumps(OrtSegmenter(inference))
    with pytest.raises(UsageError, match="cannot pickle a segmenter with sess_options"):
        pickle.dumps(OrtSegmenter(rgb_model, sess_options=ort.SessionOptions()))


def test_closed_it_stays_closed(rgb_model: Path) -> None:
    segmenter = OrtSegmenter(rgb_model)
    segmenter.close()
    with pytest.raises(UsageError, match="closed"):
        pickle.loads(pickle.dumps(segmenter))(_images()[0])


_POOL = """
import multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor
import numpy as np
from ppmobileseg_deploy import OrtSegmenter

if __name__ == "__main__":
    images = [np.full((40, 50, 3), color, np.uint8) for color in np.eye(3, dtype=np.uint8) * 255]
    segmenter = OrtSegmenter(sys.argv[2])
    segmenter(images[0])
    context = multiprocessing.get_context(sys.argv[1])
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        for result in pool.map(segmenter, images * 3):
            print(*result.areas())
"""


@pytest.mark.parametrize(
    "method", [m for m in ("spawn", "fork") if m in multiprocessing.get_all_start_methods()]
)
def test_a_pool_of_processes_segments(method: str, rgb_model: Path, tmp_path: Path) -> None:
    # In a process of its own: pytest's has threads, about which Python 3.12 warns at a fork.
    script = tmp_path / "pool.py"
    script.write_text(_POOL)
    ran = subprocess.run(
        [sys.executable, str(script), method, str(rgb_model)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ran.stdout.split() == ["blue", "green", "red"] * 3
    assert ran.stderr == "" or "DeprecationWarning" in ran.stderr


@forks
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("fixed_size", [None, (64, 96)])
def test_a_fork_starts_its_own_session(
    fixed_size: tuple[int, int] | None, rgb_model: Path
) -> None:
    segmenter = OrtSegmenter(rgb_model, threads=2, fixed_size=fixed_size)
    images = _images()
    expected = [result.labels for result in segmenter.batch(images)]

    def same() -> bool:
        found = segmenter.batch(images)
        return all(np.array_equal(a.labels, b) for a, b in zip(found, expected, strict=True))

    assert _in_a_fork(same) == "True"
    assert _in_a_fork(lambda: _in_a_fork(same)) == "True"
    assert same()


@forks
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_fork_can_drop_what_it_never_used(rgb_model: Path) -> None:
    segmenters = [OrtSegmenter(rgb_model, threads=4)]
    segmenters[0](_images()[0])
    assert _in_a_fork(segmenters.clear) == "None"


@forks
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_fork_while_threads_are_at_work_does_not_hang(rgb_model: Path) -> None:
    segmenter = OrtSegmenter(rgb_model, threads=2)
    images = _images()
    expected = segmenter(images[0]).labels
    done = threading.Event()

    def work() -> None:
        while not done.is_set():
            segmenter.batch(images)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            same = _in_a_fork(lambda: np.array_equal(segmenter(images[0]).labels, expected))
            assert same == "True"
    finally:
        done.set()
        for thread in threads:
            thread.join()


@forks
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_an_open_session_does_not_survive_a_fork(rgb_model: Path) -> None:
    segmenter = OrtSegmenter(ort.InferenceSession(str(rgb_model), providers=[CPU]))
    segmenter(_images()[0])
    answer = _in_a_fork(lambda: segmenter(_images()[0]))
    assert answer.startswith("UsageError: expected the process that made the InferenceSession")
    assert segmenter(_images()[0])


def test_calls_in_flight_finish_when_it_is_closed(rgb_model: Path) -> None:
    segmenter = OrtSegmenter(rgb_model)
    images = _images()
    expected = [result.labels for result in segmenter.batch(images)]
    halfway, closed = threading.Event(), threading.Event()

    def slowly() -> object:
        for number, image in enumerate(images):
            if number == 6:
                halfway.set()
                assert closed.wait(10)
            yield image

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(segmenter.batch, slowly())  # type: ignore[arg-type]
        assert halfway.wait(10)
        segmenter.close()
        closed.set()
        found = [result.labels for result in running.result()]
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))
    with pytest.raises(UsageError, match="closed"):
        segmenter(images[0])
