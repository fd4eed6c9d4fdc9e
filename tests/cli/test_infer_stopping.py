"""``ppms-infer`` stopped on its way: by Ctrl-C, by a reader that has enough, by a kill."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import onnx
import pytest
from onnx import TensorProto, helper

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")

# Segments slowly enough to be stopped on the way. Tests that run in the background of a shell
# ignore Ctrl-C, and so would their children.
_SLOW = """
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from ppmobileseg_deploy.runtime.segmenter import OrtSegmenter
segment = OrtSegmenter.segment_bgr
def slow(self, *arguments, **keywords):
    time.sleep(0.05)
    return segment(self, *arguments, **keywords)
OrtSegmenter.segment_bgr = slow
"""
_MAIN = "from ppmobileseg_deploy.cli.infer import main; main()"


@pytest.fixture
def start(desk):
    """``start("a.avi", "--json-lines", before=...)``: the process of a slow ppms-infer."""
    processes = []

    def run(*arguments: str, before: str = "") -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-c", f"{_SLOW}\n{before}\n{_MAIN}", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def _hidden(folder: str) -> list[str]:
    return [path.name for path in Path(folder).rglob(".ppms-*")]


def test_ctrl_c_leaves_a_video_that_plays(start, film):
    film("clip.avi", (0, 1, 2) * 100)
    process = start("clip.avi", "-o", "out", "--save", "overlay,json,labels", "--json-lines")
    for _ in range(5):
        assert process.stdout.readline()
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr.splitlines() == [
        "note: finishing the files; Ctrl-C once more ends at once",
        "interrupted",
    ]
    lines = 5 + stdout.count("\n")
    assert lines < 300
    capture = cv2.VideoCapture("out/clip_overlay.mp4")
    frames = 0
    while capture.read()[0]:
        frames += 1
    capture.release()
    assert lines - 1 <= frames <= lines + 1
    assert len(Path("out/clip_json.jsonl").read_text().splitlines()) == frames
    assert len(list(Path("out/clip_labels").iterdir())) == frames
    assert _hidden("out") == []


def test_what_ctrl_c_has_cut_is_done_again_by_resume(start, film, infer):
    film("clip.avi", (0, 1, 2) * 30)
    process = start("clip.avi", "-o", "out", "--save", "json", "--json-lines")
    assert process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert len(Path("out/clip_json.jsonl").read_text().splitlines()) < 90
    assert infer("clip.avi", "-o", "out", "--save", "json", "--resume").code == 0
    assert len(Path("out/clip_json.jsonl").read_text().splitlines()) == 90
    again = infer("clip.avi", "-o", "out", "--save", "json", "--resume")
    assert again.stderr == "note: 1 of 1 source done before\n"


def test_a_second_ctrl_c_ends_at_once(start, film):
    film("clip.avi", (0, 1, 2) * 100)
    never_closes = (
        "import time\n"
        "from ppmobileseg_deploy.runtime.batch import VideoResultWriter\n"
        "VideoResultWriter.close = lambda self, **_: time.sleep(600)"
    )
    process = start("clip.avi", "--json-lines", "--save", "overlay", before=never_closes)
    assert process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.stderr.readline().startswith("note: finishing")
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    assert time.monotonic() - begin < 5


@pytest.mark.parametrize("tiled", [False, True])
def test_ctrl_c_ends_a_network_that_has_no_end(start, picture, looping_model, tiled):
    if tiled:  # which needs logits
        endless = onnx.load_model_from_string(looping_model(1 << 62))
        del endless.graph.node[3:]
        endless.graph.node[-1].output[0] = "output"
        endless.graph.node.append(
            helper.make_node("Concat", ["output", "output", "output"], ["o"], axis=1)
        )
        endless.graph.output[0].CopyFrom(
            helper.make_tensor_value_info("o", TensorProto.FLOAT, ["b", 3, "h", "w"])
        )
        for entry in endless.metadata_props:
            entry.value = "logits" if entry.key == "ppms.output" else entry.value
        Path("endless.onnx").write_bytes(endless.SerializeToString())
    else:
        Path("endless.onnx").write_bytes(looping_model(1 << 62))
    picture("a.png")
    picture("b.png")
    options = ["--tile", "32x32", "--overlap", "0"] if tiled else []
    process = start("a.png", "b.png", "-m", "endless.onnx", *options)
    assert "endless.onnx has a loop in its graph" in process.stderr.readline()
    time.sleep(0.5)  # it prints nothing more before the first result
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    assert time.monotonic() - begin < 5
    assert process.stderr.read().splitlines()[-1] == "interrupted"
    assert not list(Path().glob("*overlay*"))


def test_a_network_without_end_is_an_error_of_its_image(desk, picture, looping_model, infer):
    Path("endless.onnx").write_bytes(looping_model(1 << 62))
    picture("a.png")
    found = infer("a.png", "-m", "endless.onnx", "--timeout", "0.2")
    assert found.code == 1
    assert found.stderr.splitlines()[-1] == (
        "error: a.png: endless.onnx: expected an answer within 0.2 s, found none"
    )


def test_ctrl_c_in_a_folder_keeps_what_is_done(start, picture):
    for number in range(60):
        picture(f"in/{number}.png")
    process = start("in", "-o", "out", "--json-lines", "--save", "overlay")
    for _ in range(3):
        assert process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    done = len(list(Path("out").iterdir()))
    assert 3 <= done < 60
    assert _hidden("out") == []


def test_a_reader_that_has_enough_ends_the_run_quietly(start, picture):
    for number in range(60):
        picture(f"in/{number}.png")
    process = start("in", "--json-lines")
    assert json.loads(process.stdout.readline())["image"]["source"] == "in/0.png"
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(timeout=60) == 141


def test_after_a_kill_resume_does_the_rest_and_nothing_twice(start, picture, infer):
    for number in range(40):
        picture(f"in/{number}.png")
    process = start("in", "-o", "out", "--json-lines", "--save", "overlay,labels")
    for _ in range(10):
        assert process.stdout.readline()
    process.kill()
    process.communicate()
    before = {path: path.stat().st_mtime_ns for path in Path("out").glob("[!.]*")}
    assert 0 < len(before) < 80
    done = infer("in", "-o", "out", "--save", "overlay,labels", "--resume")
    assert done.code == 0
    files = [path.name for path in Path("out").iterdir()]
    assert len(files) == 80
    assert not [name for name in files if name.startswith(".")]
    assert {path: path.stat().st_mtime_ns for path in before} == before
    sizes = {cv2.imread(f"out/{name}", cv2.IMREAD_UNCHANGED).shape[:2] for name in files}
    assert sizes == {cv2.imread(f"in/{name.name}").shape[:2] for name in Path("in").iterdir()}
