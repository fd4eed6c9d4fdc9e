"""Packages of annotation tools are large: ``make test-annotation`` has an environment of them."""

import importlib.util
from pathlib import Path

import pytest

from ppmobileseg_deploy import OrtSegmenter, SegmentationResult

DEMO = Path(__file__).parents[2] / "demo"
MODEL = DEMO / "ppmobileseg_tiny_demo.onnx"
IMAGES = sorted((DEMO / "images").glob("*.jpg"))

NEEDED = ("cvat_cli", "cvat_sdk", "label_studio_sdk", "labelme", "pycocotools", "supervision")
if any(importlib.util.find_spec(name) is None for name in NEEDED):
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def results() -> list[SegmentationResult]:
    """Results of the demo's photographs."""
    with OrtSegmenter(MODEL) as segmenter:
        return [segmenter(path) for path in IMAGES]


@pytest.fixture(scope="session")
def model() -> Path:
    """Give the demo model."""
    return MODEL
