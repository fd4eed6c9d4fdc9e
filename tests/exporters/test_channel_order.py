"""A network for BGR gives the same labels as its twin for RGB, wherever it runs."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray

from ppmobileseg_deploy import OrtSegmenter
from ppmobileseg_deploy.evaluation.torch_segmenter import TorchSegmenter
from ppmobileseg_deploy.exporters import Description, ExportOptions, ExportReport, export_onnx
from ppmobileseg_deploy.exporters.embedding import embed_preprocessing
from ppmobileseg_deploy.exporters.graph import seal
from ppmobileseg_deploy.exporters.options import ByteOrder

STEM = "backbone.smb1.conv.conv.weight"
MEAN_RGB, STD_RGB = (120.0, 110.0, 100.0), (60.0, 55.0, 50.0)


@pytest.fixture(scope="module")
def twin(demo_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's checkpoint, turned round for BGR, with a mean and std in that order."""
    content = torch.load(demo_checkpoint, weights_only=True)
    weights = content["state_dict"]
    weights[STEM] = weights[STEM].flip(1)
    weights["data_preprocessor.mean"] = torch.tensor(MEAN_RGB[::-1]).view(3, 1, 1)
    weights["data_preprocessor.std"] = torch.tensor(STD_RGB[::-1]).view(3, 1, 1)
    path = tmp_path_factory.mktemp("twin") / "bgr.pth"
    torch.save(content, path)
    return path


@pytest.fixture(scope="module")
def rgb_labels(
    demo_checkpoint: Path, drawn_images: tuple[NDArray[np.uint8], ...]
) -> list[NDArray[Any]]:
    """What the demo's network sees."""
    description = Description(mean_rgb=MEAN_RGB, std_rgb=STD_RGB)
    segmenter = TorchSegmenter(demo_checkpoint, description=description)
    return [segmenter(image).labels for image in drawn_images]


@pytest.fixture(scope="module")
def report(twin: Path, tmp_path_factory: pytest.TempPathFactory) -> ExportReport:
    """The twin, exported to logits."""
    output = tmp_path_factory.mktemp("bgr") / "bgr.onnx"
    description = Description(channel_order="bgr")
    options = ExportOptions(logits=True)
    return export_onnx(twin, output, options, description=description, verify=False)


Labels = Callable[[Any], list[NDArray[Any]]]


@pytest.fixture(scope="module")
def labels_of_all(drawn_images: tuple[NDArray[np.uint8], ...]) -> Labels:
    return lambda segmenter: [segmenter(image).labels for image in drawn_images]


def share_equal(first: list[NDArray[Any]], second: list[NDArray[Any]]) -> float:
    return float(np.mean([np.mean(a == b) for a, b in zip(first, second, strict=True)]))


def test_the_checkpoint_in_pytorch(
    twin: Path, rgb_labels: list[NDArray[Any]], labels_of_all: Labels
) -> None:
    segmenter = TorchSegmenter(twin, description=Description(channel_order="bgr"))
    assert segmenter.metadata.mean_rgb == MEAN_RGB
    assert share_equal(labels_of_all(segmenter), rgb_labels) > 0.9999
    assert share_equal(labels_of_all(TorchSegmenter(twin)), rgb_labels) < 0.99


def test_the_file_in_the_runtime(
    report: ExportReport, rgb_labels: list[NDArray[Any]], labels_of_all: Labels
) -> None:
    assert report.metadata.channel_order == report.channel_order == "bgr"
    assert (report.metadata.mean_rgb, report.metadata.std_rgb) == (MEAN_RGB, STD_RGB)
    assert share_equal(labels_of_all(OrtSegmenter(report.path)), rgb_labels) > 0.9999


@pytest.mark.parametrize("order", ["bgr", "rgb"])
def test_a_file_that_takes_bytes(
    order: ByteOrder,
    report: ExportReport,
    rgb_labels: list[NDArray[Any]],
    labels_of_all: Labels,
) -> None:
    model = onnx.load(report.path)
    embedded = embed_preprocessing(model, report.metadata, order)
    embedded = seal(embedded, replace(report.metadata, channel_order=order), model.ir_version)
    segmenter = OrtSegmenter(embedded.SerializeToString())
    assert share_equal(labels_of_all(segmenter), rgb_labels) > 0.9999
