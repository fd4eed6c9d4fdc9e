"""Whatever goes wrong with ``ppms-infer`` is one line, the right exit code, and no half file."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from ppmobileseg_deploy.metadata import ModelMetadata
from ppmobileseg_deploy.runtime.images import files as images
from ppmobileseg_deploy.runtime.segmenter import OrtSegmenter


def _only_line(outcome) -> str:
    """The one line on standard error."""
    assert outcome.stderr.count("\n") == 1, outcome.stderr
    assert outcome.stderr.startswith("error: ")
    return outcome.stderr.removeprefix("error: ").strip()


def _left_over() -> list[str]:
    return [path.name for path in Path().rglob(".ppms-*")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.png", "--save", "overlay,mask"], "found 'mask'"),
        (["a.png", "--save", ""], "expected kinds of result"),
        (["a.png", "--opacity", "1.5"], "expected an opacity in [0, 1], found 1.5"),
        (["a.png", "--opacity", "nan"], "expected an opacity in [0, 1], found nan"),
        (["a.png", "--opacity", "half"], "--opacity"),
        (["a.png", "--input-size", "512x"], "expected a size such as 512x512"),
        (["a.png", "--threads", "0"], "expected 1 to 1024 threads, found 0"),
        (["a.png", "--threads", "two"], "--threads"),
        (["a.png", "--threads", "100000000000"], "expected 1 to 1024 threads"),
        ([""], "found an empty one"),
        (["a.png", "-o", ""], "found an empty one"),
        (["a.png", "--device", "npu"], "expected a device of cpu, cuda"),
        (["a.png", "--device", "coreml"], "CoreMLExecutionProvider"),
        (["a.png", "-m", "nowhere.onnx"], "expected an ONNX file at nowhere.onnx"),
        (["a.png", "-m", "my.pth"], "`ppms-export my.pth`"),
        (["a.png", "-o", "a.png"], "overwrite its own image"),
        (["a.png", "-o", "text.txt"], "for overlay, found text.txt"),
        (["a.png", "-o", "end2end.onnx"], "found the model end2end.onnx; -m FILE names the model"),
        (["a.png", "-o", "new.ONNX"], "found the model new.ONNX; -m FILE names the model"),
        (["a.png", "b.png", "-o", "out.png"], "holds one result"),
        (["a.png", "--save", "labels", "-o", "out.jpg"], "expected .png for labels"),
        (["mis\x1b[31ms\ning"], r"match mis\x1b[31ms\ning"),
        (["missing.png"], "no such file or folder: missing.png"),
        (["empty", "missing.png"], "no images or videos in folder empty"),
        (["end2end.onnx"], "found the model end2end.onnx"),
        (["x" * 300], "no such file or folder: xxx"),
        (["a.png", "-m", "x" * 300], "xxx, there is none"),
        (["a.png", "--input-size", "20000x20000"], "1x1 to 8192x8192, found 20000x20000"),
        (["a.png", "--input-size", "9" * 5000], "expected a size such as"),
        ([], "SOURCE"),
        (["a.png", "--colour"], "--colour"),
    ],
    ids=lambda value: " ".join(value)[:40] or "nothing" if isinstance(value, list) else "",
)
def test_wrong_use_is_code_2_and_writes_nothing(desk, picture, infer, arguments, message):
    picture("a.png")
    picture("b.png")
    Path("empty").mkdir()
    Path("text.txt").touch()
    Path("my.pth").touch()
    before = sorted(desk.rglob("*"))
    done = infer(*arguments)
    assert done.code == 2
    assert done.stdout == ""
    assert message in _only_line(done)
    assert sorted(desk.rglob("*")) == before


def test_show_without_a_display_is_refused_before_the_work(desk, picture, infer, monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    picture("a.png")
    done = infer("a.png", "--show")
    assert done.code == 2
    assert "showing needs a display" in _only_line(done)
    assert not Path("a_overlay.png").exists()


def test_one_bad_file_does_not_stop_the_others(desk, picture, infer):
    for name in ("in/a.png", "in/c.png"):
        picture(name)
    Path("in/b.png").write_text("no picture")
    whole = Path("in/a.png").read_bytes()
    Path("in/d.png").write_bytes(whole[: len(whole) // 2])
    done = infer("in", "missing", "-o", "out")
    assert done.code == 1
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "a_overlay.png",
        "c_overlay.png",
    ]
    assert "2 images" in done.stdout
    missing, text, truncated = done.stderr.splitlines()
    assert missing == "error: no such file or folder: missing"
    assert text.startswith("error: cannot read in/b.png")
    assert truncated.startswith("error: cannot read in/d.png")


@pytest.mark.skipif(sys.platform == "win32", reason="no file is called so there")
def test_a_line_break_in_a_name_is_escaped_and_the_name_told_once(desk, infer):
    Path("a\nb.png").touch()
    done = infer("a\nb.png")
    assert _only_line(done) == "cannot read a\\nb.png: expected an image, found an empty file"


def test_only_bad_files_give_no_table(desk, infer):
    Path("b.png").touch()
    done = infer("b.png")
    assert done.code == 1
    assert done.stdout == ""
    assert "b.png: expected an image, found an empty file" in _only_line(done)


def test_an_error_names_its_image_even_where_the_cause_does_not(desk, picture, infer, monkeypatch):
    picture("a.png", size_hw=(7, 9))
    picture("b.png")
    segment = OrtSegmenter.segment_bgr

    def fail(self, image_bgr):
        if image_bgr.shape[0] == 7:
            raise MemoryError
        return segment(self, image_bgr)

    monkeypatch.setattr(OrtSegmenter, "segment_bgr", fail)
    done = infer("a.png", "b.png")
    assert done.code == 1
    assert _only_line(done) == "a.png: not enough memory for this image"
    assert Path("b_overlay.png").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"\x08no model", pytest.param("cut", id="cut off")],
)
def test_a_bad_model_is_code_1(desk, picture, infer, model_bytes, content):
    picture("a.png")
    whole = model_bytes()
    Path("bad.onnx").write_bytes(whole[:-1] if content == "cut" else content)
    done = infer("a.png", "-m", "bad.onnx")
    assert done.code == 1
    assert "bad.onnx" in _only_line(done)
    assert not Path("a_overlay.png").exists()


def test_an_output_folder_that_cannot_be_made(desk, picture, infer):
    picture("a.png")
    picture("b.png")
    Path("file").touch()
    done = infer("a.png", "b.png", "-o", "file/out")
    assert done.code == 1
    message = _only_line(done)
    assert message.startswith("cannot write to file/out: ")


def test_an_output_folder_that_may_not_be_written_is_told_before_the_model_is_opened(
    desk, picture, infer, monkeypatch
):
    picture("a.png")
    Path("out").mkdir()
    Path("end2end.onnx").write_bytes(b"never opened")
    monkeypatch.setattr(os, "access", lambda path, _mode: path.name != "out")  # root may
    done = infer("a.png", "-o", "out/deeper/and/deeper")
    assert done.code == 1
    assert "no permission to write in out" in _only_line(done)
    assert not list(Path("out").iterdir())


@pytest.mark.parametrize("name", ["x" * 300, "x" * 300 + ".png"], ids=["folder", "file"])
def test_an_output_name_that_is_too_long(desk, picture, infer, name):
    picture("a.png")
    done = infer("a.png", "-o", name)
    assert done.code == 1
    assert "File name too long" in _only_line(done)


def test_a_result_that_is_a_folder_already(desk, picture, infer):
    picture("a.png")
    Path("a_overlay.png").mkdir()
    for options in ([], ["--overwrite"], ["--resume"]):
        done = infer("a.png", *options)
        assert done.code == 2
        assert "a_overlay.png, found a folder" in _only_line(done)
    assert _left_over() == []


def _full_disk(monkeypatch, fails):
    """Let the n-th write fail, for n in ``fails``, halfway, as a full disk does."""
    write = Path.write_bytes
    calls = []

    def write_or_fail(self, data):
        calls.append(self)
        if len(calls) in fails:
            write(self, bytes(data)[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(self, data)

    monkeypatch.setattr(Path, "write_bytes", write_or_fail)


def test_a_full_disk_keeps_what_is_whole(desk, picture, infer, monkeypatch):
    for name in ("a.png", "b.png", "c.png"):
        picture(name)
    Path("b_overlay.png").write_bytes(b"an older result")
    _full_disk(monkeypatch, fails={2, 3})
    done = infer("a.png", "b.png", "c.png", "--overwrite", "--workers", "1")
    assert done.code == 1
    assert _only_line(done) == (
        "cannot write b_overlay.png: No space left on device (1 of 3 done)"
    )
    assert done.stdout.endswith("wrote a_overlay.png\n1 done, 1 failed, 1 not begun\n")
    assert Path("a_overlay.png").exists()
    assert Path("b_overlay.png").read_bytes() == b"an older result"
    assert not Path("c_overlay.png").exists()
    assert _left_over() == []


def test_where_nothing_could_be_written_there_is_no_table(desk, picture, infer, monkeypatch):
    picture("a.png")
    _full_disk(monkeypatch, fails={1})
    done = infer("a.png")
    assert (done.code, done.stdout) == (1, "")
    assert "No space left on device (0 of 1 done)" in _only_line(done)


def test_a_disk_that_is_really_full(desk, infer, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    images.write_image("noise.png", noise)
    disk = tmp_path / "disk"
    disk.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    try:
        mounted = subprocess.run(mounting, capture_output=True).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("needs the right to mount a small tmpfs")
    try:
        done = infer("noise.png", "-o", str(disk))
        assert done.code == 1
        assert "No space left on device" in _only_line(done)
        assert done.stdout == ""
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_ctrl_c_leaves_no_half_file(desk, picture, infer, monkeypatch):
    picture("a.png")

    def interrupt(self, data):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", interrupt)
    done = infer("a.png")
    assert done.code == 130
    assert done.stderr.endswith("\ninterrupted\n")
    assert not Path("a_overlay.png").exists()
    assert _left_over() == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["bad.png"], 1), (["missing.png"], 2), (["bad.png", "--save", "x"], 2), (["--wrong"], 2)],
)
def test_a_process_ends_without_a_traceback(desk, infer_process, arguments, code):
    Path("bad.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    done = infer_process(*arguments)
    assert done.code == code
    assert done.stdout == ""
    _only_line(done)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no closed pipe of this kind")
def test_a_closed_pipe_gives_no_traceback(desk, picture):
    picture("a.png")
    command = "from ppmobileseg_deploy.cli.infer import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", command, "a.png"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    errors = process.stderr.read().decode()
    process.stderr.close()
    process.wait(timeout=120)
    assert errors == ""
    assert process.returncode == 141
    assert Path("a_overlay.png").exists()


def test_terminal_codes_in_names_are_shown_not_obeyed(desk, picture, infer, model_bytes):
    Path("end2end.onnx").write_bytes(model_bytes(names=("r\x1b]0;owned\x07", "green", "blue")))
    picture("a\x1b[2J\nb.png", classes=(0,))
    done = infer("a\x1b[2J\nb.png")
    assert done.code == 0
    assert r"r\x1b]0;owned\x07" in done.stdout
    assert r"wrote a\x1b[2J\nb_overlay.png" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_model_that_fails_says_so_once(desk, picture, infer_process):
    # A row of nothing: the node fails as it runs, and ONNX Runtime logs what it raises.
    input_info = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, "h", "w"])
    output_info = helper.make_tensor_value_info("output", TensorProto.INT64, ["n", 1, "h", "w"])
    graph = helper.make_graph(
        [
            helper.make_node("Reshape", ["input", "shape"], ["odd"]),
            helper.make_node("ArgMax", ["odd"], ["output"], axis=1),
        ],
        "failing",
        [input_info],
        [output_info],
        [helper.make_tensor("shape", TensorProto.INT64, [4], [1, 3, 7, 1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, ModelMetadata().to_props())
    Path("failing.onnx").write_bytes(model.SerializeToString())
    picture("a.png")
    done = infer_process("a.png", "-m", "failing.onnx")
    assert done.code == 1
    assert "a.png: failing.onnx failed" in _only_line(done)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_standard_output(desk, picture):
    picture("a.png")
    command = "from ppmobileseg_deploy.cli.infer import main; main()"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", command, "a.png"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
        )
    assert done.returncode == 1
    assert done.stderr == "error: [Errno 28] No space left on device\n"
    assert Path("a_overlay.png").exists()
