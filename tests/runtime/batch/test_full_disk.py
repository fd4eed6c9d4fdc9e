"""A full disk is one error; what was finished stays whole, and nothing half-written stays."""

import subprocess
import sys
from pathlib import Path

import pytest

# A child process may write no larger files: the system then refuses as it does on a full disk.
_LIMITED = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from ppmobileseg_deploy.errors import OutputError
from ppmobileseg_deploy.runtime.results.result import SegmentationResult
from ppmobileseg_deploy.runtime.batch import VideoResultWriter, WritingWorker, write_result
from ppmobileseg_deploy.runtime.drawing.style import Style

kind, moving, limit = sys.argv[1], sys.argv[2] == "moving", int(sys.argv[3])
if sys.argv[4] == "without av":
    sys.modules["av"] = None
rng = np.random.default_rng(0)

def result(number, size):
    return SegmentationResult(
        rng.integers(0, 3, (size, size), np.uint8), ("a", "b", "c"), ((1, 2, 3),) * 3,
        rng.integers(0, 256, (size, size, 3), np.uint8), None, {}, frame_index=number,
    )

suffix = {"json": ".json", "rle": ".json"}.get(kind, ".png")
write_result(result(0, 8), kind, Path("finished" + suffix), Style())
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
writer = None
try:
    with WritingWorker() as worker:
        if moving:
            suffix = {"json": ".jsonl", "rle": ".jsonl", "labels": ""}.get(kind, ".mp4")
            writer = VideoResultWriter({kind: Path("new" + suffix)}, Style(), 25)
            for number in range(400 if kind == "json" else 60):
                frame = result(number, 128)
                worker.put(lambda frame=frame: writer.write(frame))
            worker.put(writer.close)
        else:
            for number in range(3):
                each = result(number, 512)
                worker.put(
                    lambda each=each, number=number: write_result(
                        each, kind, Path(f"new{number}{suffix}"), Style()
                    )
                )
except OutputError as error:
    if writer is not None:
        writer.abort()
    print(error)
"""

_CASES = [
    ("overlay", "still"),
    ("labels", "still"),
    ("rle", "still"),
    ("overlay", "moving"),
    ("labels", "moving"),
    ("json", "moving"),
    ("rle", "moving"),
]


def _run(folder, *arguments, prefix=()):
    command = [*prefix, sys.executable, "-c", _LIMITED, *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no limits for files")
@pytest.mark.parametrize(
    ("kind", "form"),
    [("labels", "still"), ("overlay", "moving"), ("overlay", "moving without av")],
)
def test_files_that_cannot_grow_are_one_error(tmp_path, kind, form):
    form, _, without = form.partition(" ")
    limit = 4096 if form == "moving" else 40_000
    done = _run(tmp_path, kind, form, limit, without)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    assert done.stdout.startswith("cannot write new")
    assert "File too large" in done.stdout or "disk may be full" in done.stdout
    assert [path.stem for path in tmp_path.iterdir()] == ["finished"]


_MOUNT = [
    "unshare",
    "-rm",
    "sh",
    "-c",
    'mount -t tmpfs -o size=200k tmpfs "$0" && cd "$0" && "$@"',
]


def _can_mount(folder):
    try:
        return subprocess.run([*_MOUNT, folder, "true"], capture_output=True).returncode == 0
    except OSError:
        return False


@pytest.mark.parametrize(("kind", "form"), _CASES)
def test_a_full_disk_is_one_error(tmp_path, kind, form):
    if not _can_mount(tmp_path):
        pytest.skip("no file system of its own here")
    (tmp_path / "small").mkdir()
    # What is left is copied out of the small disk, which only the command sees.
    shown = ["sh", "-c", '"$@" && cp -a . "$0"', tmp_path / "left"]
    done = _run(tmp_path, kind, form, 0, "", prefix=[*_MOUNT, tmp_path / "small", *shown])
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    assert "No space left on device" in done.stdout
    left = [path for path in Path(tmp_path / "left").iterdir() if path.stem != "finished"]
    # Stills before the one for which there was no room.
    assert [path.stem for path in sorted(left)] == [f"new{i}" for i in range(len(left))]
    assert form == "still" or not left
