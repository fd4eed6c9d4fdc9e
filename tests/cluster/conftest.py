"""Small pictures, and a batch of them."""

from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

pa = pytest.importorskip("pyarrow", reason="the extra cluster is not installed: NOT RUN")

DEMO = Path(__file__).parents[2] / "demo"


@pytest.fixture(scope="session")
def model() -> bytes:
    """Content of the demo's ONNX file."""
    return (DEMO / "ppmobileseg_tiny_demo.onnx").read_bytes()


@pytest.fixture(scope="session")
def jpeg() -> Callable[[int], bytes]:
    """``jpeg(number)``: a small photograph, another one for each number."""
    path = sorted((DEMO / "images").glob("*.jpg"))[0]
    photograph = cv2.resize(cv2.imread(str(path)), (160, 128))

    def make(number: int) -> bytes:
        return cv2.imencode(".jpg", photograph[number % 60 :, number % 90 :])[1].tobytes()

    return make


@pytest.fixture
def pictures(tmp_path: Path, jpeg: Callable[[int], bytes]) -> Path:
    """A folder of ten photographs, one that is none, and other files."""
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    for number in range(10):
        name = f"deep/{number}.jpg" if number % 3 == 0 else f"a {number} #é?.jpg"
        (folder / name).write_bytes(jpeg(number))
    (folder / "bad.png").write_bytes(b"no image")
    (folder / "notes.md").write_text("no image")
    (folder / ".hidden.jpg").write_bytes(b"")
    return folder
