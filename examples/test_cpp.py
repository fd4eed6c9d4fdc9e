"""The C++ programs build, and their labels are the golden ones."""

import json
import shutil
import subprocess
from pathlib import Path

import cv2
import pytest

CPP = Path(__file__).parent / "cpp"
FORMS = "floats", "bytes"


def run(*command: str | Path) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the programs that can be built here."""
    if shutil.which("cmake") is None:
        pytest.skip("NOT RUN: the C++ examples need cmake, which is not installed")
    import openvino.utils

    folder = tmp_path_factory.mktemp("cpp")
    openvino_dir = openvino.utils.get_cmake_path()
    print(run("cmake", "-S", CPP, "-B", folder, f"-DOpenVINO_DIR={openvino_dir}"))
    run("cmake", "--build", folder, "--parallel", "2")
    return folder


def program(programs: Path, name: str, needs: str) -> Path:
    path = programs / name
    if not path.is_file():
        pytest.skip(f"NOT RUN: {name} needs {needs}, which are not installed")
    return path


def check(programs: Path, model: Path, golden: Path) -> subprocess.CompletedProcess[str]:
    entry = json.loads((golden / "golden.json").read_text())["tensor"]
    height, width = entry["shape"][1:3] if entry["dtype"] == "uint8" else entry["shape"][2:]
    command = [programs / "check_openvino", model, golden, str(height), str(width)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("form", FORMS)
def test_openvino_gives_the_golden_labels(form: str, programs: Path, models: Path) -> None:
    done = check(programs, models / form / "end2end.onnx", models / form / "golden")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "labels equal" in done.stdout


def test_other_labels_and_tensors_are_told_apart(
    programs: Path, models: Path, tmp_path: Path
) -> None:
    model, golden = models / "bytes" / "end2end.onnx", tmp_path / "golden"
    shutil.copytree(models / "bytes" / "golden", golden)
    labels = (golden / "output.bin").read_bytes()
    (golden / "output.bin").write_bytes(bytes(400) + labels[400:])  # 0.11 % of them
    assert check(programs, model, golden).returncode == 1
    (golden / "tensor.bin").write_bytes(b"short")
    assert "error: expected tensor.bin of" in check(programs, model, golden).stderr


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("name", "needs"),
    [
        ("segment_openvino", "OpenCV's headers"),
        ("segment_onnxruntime", "ONNX Runtime's and OpenCV's headers"),
    ],
)
def test_a_picture_gets_the_golden_labels(
    name: str, needs: str, form: str, programs: Path, models: Path, tmp_path: Path
) -> None:
    segment = program(programs, name, needs)
    golden = models / form / "golden"
    run(segment, models / form / "end2end.onnx", golden / "input.png", tmp_path / "labels.png")
    found = cv2.imread(str(tmp_path / "labels.png"), cv2.IMREAD_UNCHANGED)
    expected = cv2.imread(str(golden / "labels.png"), cv2.IMREAD_UNCHANGED)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    assert (found == expected).mean() >= 0.999
