"""The Python examples run, in an environment without PyTorch."""

import csv
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient

PYTHON = Path(__file__).parent / "python"
IMAGES = PYTHON.parents[1] / "demo" / "images"
FARM = IMAGES / "farm.jpg"


@pytest.fixture(scope="session")
def model(models: Path) -> Path:
    return models / "floats" / "end2end.onnx"


def run(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PYTHON / name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_pytorch_is_not_here() -> None:
    assert importlib.util.find_spec("torch") is None


@pytest.fixture
def upload(model: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.setenv("PPMS_MODEL", str(model))
    spec = importlib.util.spec_from_file_location("upload", PYTHON / "upload.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    module.segmenter.close()


def test_a_server_segments_uploads(upload: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "MOST_BYTES", FARM.stat().st_size)
    with TestClient(upload.app) as client:
        answer = client.post("/segment", files={"picture": FARM.read_bytes()})
        assert answer.status_code == 200
        height, width = cv2.imread(str(FARM)).shape[:2]
        found = answer.json()
        assert (found["width"], found["height"]) == (width, height)
        assert {"sky", "grass"} <= set(found["areas"])
        drawn = client.post("/overlay", files={"picture": FARM.read_bytes()})
        assert drawn.headers["content-type"] == "image/png"
        picture = cv2.imdecode(np.frombuffer(drawn.content, np.uint8), cv2.IMREAD_COLOR)
        assert picture.shape == (height, width, 3)
        for content, status in ((b"no picture", 415), (FARM.read_bytes() + b"x", 413)):
            refused = client.post("/segment", files={"picture": content})
            assert refused.status_code == status
            assert refused.json()["detail"]


def test_several_at_once(model: Path) -> None:
    pictures = [FARM, IMAGES / "nowhere.jpg", IMAGES / "avenue.jpg"]
    done = run("many_at_once.py", model, *pictures)
    assert done.returncode == 1
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == [
        str(FARM), str(IMAGES / "avenue.jpg")
    ]  # fmt: skip
    assert "nowhere.jpg" in done.stderr


def test_several_processes(model: Path, tmp_path: Path) -> None:
    done = run("process_pool.py", model, IMAGES, tmp_path / "labels")
    assert done.returncode == 0, done.stderr
    names = sorted(path.stem for path in IMAGES.glob("*.jpg"))
    assert sorted(path.stem for path in (tmp_path / "labels").iterdir()) == names
    assert len(done.stdout.splitlines()) == len(names)


def test_a_table(model: Path, tmp_path: Path) -> None:
    done = run("batch.py", model, IMAGES, tmp_path / "areas.csv")
    assert done.returncode == 0, done.stderr
    with (tmp_path / "areas.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(list(IMAGES.glob("*.jpg")))
    for row in rows:
        name = row.pop("picture")
        assert Path(name).is_file()
        assert sum(map(float, row.values())) == pytest.approx(1, abs=0.01)


def test_the_notebook_runs(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("PPMS_MODEL", str(model))
    monkeypatch.setenv("PPMS_PICTURE", str(FARM))
    notebook = nbformat.read(PYTHON / "segment.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)  # it is kept without results
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert [each.output_type for each in outputs] == ["execute_result"] * 4
    assert "image/png" in outputs[0].data
    assert "'sky'" in outputs[1].data["text/plain"]
