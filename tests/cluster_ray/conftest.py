"""A real Ray of several nodes on this machine, and S3: ``make test-cluster`` has the packages."""

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

if not all(importlib.util.find_spec(name) for name in ("ray", "moto", "boto3", "flask")):
    collect_ignore_glob = ["test_*.py"]

MODEL = Path(__file__).parents[2] / "demo" / "ppmobileseg_tiny_demo.onnx"

# What Ray reports, and to whom, is nobody's business here.
os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO="0")


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 60 small photographs and one file that is none."""
    import cv2

    folder = tmp_path_factory.mktemp("in")
    photograph = cv2.imread(str(MODEL.parent / "images" / "avenue.jpg"))
    photograph = cv2.resize(photograph, (320, 256))
    for number in range(60):
        cv2.imwrite(str(folder / f"{number}.jpg"), photograph[number:, number:])
    (folder / "bad.jpg").write_bytes(b"")
    return folder


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    """A cluster whose two nodes have a CPU each, besides a head without."""
    from nodes import Nodes

    with Nodes(2) as started:
        yield started
