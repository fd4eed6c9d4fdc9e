"""The provider is in another package of ONNX Runtime: ``make test-openvino`` has one with it."""

import os
from pathlib import Path

import onnxruntime as ort
import pytest

MODELS = Path(os.environ.get("OPENVINO_MODELS", ""))
IMAGES = sorted((Path(__file__).parents[2] / "demo" / "images").glob("*.jpg"))

if "OpenVINOExecutionProvider" not in ort.get_available_providers():
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def models() -> Path:
    """Give the folder of what `write_models.py` has written."""
    return MODELS


@pytest.fixture(scope="session")
def images() -> list[Path]:
    """Give the demo's photographs."""
    return IMAGES
