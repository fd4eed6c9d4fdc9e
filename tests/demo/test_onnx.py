"""The demo model's ONNX file, which lies in the repository, is the demo checkpoint."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from ppmobileseg_deploy import OrtSegmenter
from ppmobileseg_deploy.evaluation.torch_segmenter import TorchSegmenter

DEMO = Path(__file__).resolve().parents[2] / "demo"
CHECKPOINT = DEMO / "ppmobileseg_tiny_demo.pth"


@pytest.fixture(scope="module")
def segmenter() -> OrtSegmenter:
    return OrtSegmenter(DEMO / "ppmobileseg_tiny_demo.onnx")


def test_it_was_made_from_the_checkpoint(segmenter: OrtSegmenter) -> None:
    metadata = segmenter.metadata
    assert metadata.checkpoint == CHECKPOINT.name
    assert metadata.checkpoint_sha256 == hashlib.sha256(CHECKPOINT.read_bytes()).hexdigest()
    assert (metadata.precision, metadata.num_classes) == ("fp16", 150)


@pytest.mark.parametrize("name", ["avenue", "harbour"])
def test_it_gives_the_checkpoint_s_labels(segmenter: OrtSegmenter, name: str) -> None:
    result = segmenter(DEMO / "images" / f"{name}.jpg")
    assert result.image_bgr is not None
    expected = TorchSegmenter(CHECKPOINT)(result.image_bgr).labels
    assert len(np.unique(expected)) > 5
    assert np.mean(result.labels == expected) > 0.9999
