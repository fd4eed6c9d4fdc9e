"""The Node.js programs' labels are the golden ones."""

import shutil
import subprocess
from pathlib import Path

import cv2
import pytest

NODE = Path(__file__).parent / "node"


@pytest.fixture(scope="session", autouse=True)
def packages() -> None:
    """Install onnxruntime-node once; its scripts would fetch GPU libraries from elsewhere."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"NOT RUN: the Node.js examples need {program}, which is not installed")
    if not (NODE / "node_modules").is_dir():
        subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=NODE, check=True
        )


def node(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["node", *map(str, arguments)]
    return subprocess.run(command, cwd=NODE, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("form", ["floats", "bytes"])
def test_node_gives_the_golden_labels(form: str, models: Path) -> None:
    done = node("check.mjs", models / form / "end2end.onnx", models / form / "golden")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "labels equal" in done.stdout


def test_golden_files_of_another_model_are_refused(models: Path) -> None:
    done = node("check.mjs", models / "bytes" / "end2end.onnx", models / "floats" / "golden")
    assert done.returncode == 1
    assert "expected a file of SHA-256" in done.stderr


def test_a_picture_gets_the_golden_labels(models: Path, tmp_path: Path) -> None:
    golden = models / "bytes" / "golden"
    target = tmp_path / "labels.png"
    done = node("segment.mjs", models / "bytes" / "end2end.onnx", golden / "input.png", target)
    assert done.returncode == 0, done.stderr
    found, expected = (
        cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in (target, golden / "labels.png")
    )
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    assert (found == expected).mean() >= 0.999
    assert "mountain: " in done.stdout


def test_a_model_of_another_form_is_refused(models: Path, tmp_path: Path) -> None:
    golden = models / "floats" / "golden"
    done = node("segment.mjs", models / "floats" / "end2end.onnx", golden / "input.png", tmp_path)
    assert (done.returncode, done.stderr) == (
        1, "error: expected a file of --embed-preprocessing rgba, found rgb\n"
    )  # fmt: skip
