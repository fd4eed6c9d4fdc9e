"""Checkpoints to export: the golden weights with any number of classes, and the demo's."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from numpy.typing import NDArray

from ppmobileseg_deploy.checkpoints import Checkpoint
from ppmobileseg_deploy.exporters import ExportReport, export_onnx
from ppmobileseg_deploy.metadata import ModelMetadata
from ppmobileseg_deploy.model import CONFIGS

ROOT = Path(__file__).resolve().parents[2]

# `demo` is part of the repository, not of the installed package: make it importable.
sys.path.insert(0, str(ROOT))


@pytest.fixture(scope="session")
def make_checkpoint(
    golden_state_dict: Callable[[str], dict[str, torch.Tensor]],
) -> Callable[..., Checkpoint]:
    """``make_checkpoint("tiny", num_classes=150)``: golden weights, the first classes only."""

    def make(variant: str, num_classes: int = 150) -> Checkpoint:
        weights = {
            key: tensor
            for key, tensor in golden_state_dict(variant).items()
            if not key.endswith("num_batches_tracked")
        }
        for key in ("decode_head.conv_seg.weight", "decode_head.conv_seg.bias"):
            repeats = -(-num_classes // len(weights[key]))
            weights[key] = torch.cat([weights[key]] * repeats)[:num_classes].clone()
        return Checkpoint(
            config=CONFIGS[variant],
            num_classes=num_classes,
            state_dict=weights,
            file_name=f"golden_{variant}.pth",
            sha256="0" * 64,
        )

    return make


@pytest.fixture(scope="session")
def demo_checkpoint() -> Path:
    """A trained checkpoint; with synthetic weights, rounding decides many labels."""
    return ROOT / "demo" / "ppmobileseg_tiny_demo.pth"


@pytest.fixture(scope="session")
def demo_export(demo_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> ExportReport:
    """The demo checkpoint, exported with all defaults."""
    output = tmp_path_factory.mktemp("demo") / "end2end.onnx"
    return export_onnx(demo_checkpoint, output, verify=False)


@pytest.fixture(scope="session")
def demo_model(demo_export: ExportReport) -> onnx.ModelProto:
    """The same, loaded. Do not change it."""
    return onnx.load(demo_export.path)


@pytest.fixture(scope="session")
def drawn_images() -> tuple[NDArray[np.uint8], ...]:
    """Six of the demo's scenes that training never saw, (200, 300, 3) uint8, BGR."""
    from demo.scenes import draw_scene

    return tuple(draw_scene(seed, (200, 300)).image_bgr for seed in range(6))


@pytest.fixture(scope="session")
def normalized() -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    """Map an image, BGR, to the network's input, (1, 3, height, width) RGB, of the same size."""
    defaults = ModelMetadata()
    mean, std = (np.array(each, np.float32) for each in (defaults.mean_rgb, defaults.std_rgb))

    def normalize(image_bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
        rgb = (image_bgr[..., ::-1].astype(np.float32) - mean) / std
        return np.ascontiguousarray(rgb.transpose(2, 0, 1)[None])

    return normalize


@pytest.fixture(scope="session")
def labels_of() -> Callable[[onnx.ModelProto | Path, NDArray[Any]], NDArray[np.int64]]:
    """Run a model on one input and return its output."""

    def run(model: onnx.ModelProto | Path, image: NDArray[Any]) -> NDArray[np.int64]:
        options = ort.SessionOptions()
        options.log_severity_level = 3  # a default for an optional input is worth a warning to it
        content = str(model) if isinstance(model, Path) else model.SerializeToString()
        session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        return session.run(["output"], {"input": image})[0]

    return run
