"""Heads of one class in every form: what mmsegmentation makes of the sigmoid, pixel by pixel."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from ppmobileseg_deploy.checkpoints import build_model, load_checkpoint
from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.exporters import (
    CalibrationSet,
    ExportOptions,
    Int8Options,
    export_onnx,
)
from ppmobileseg_deploy.metadata import ModelMetadata
from ppmobileseg_deploy.model import upsample_logits

Labels = Callable[[Path, np.ndarray], np.ndarray]
Normalise = Callable[[np.ndarray], np.ndarray]


@pytest.fixture(scope="module")
def image(drawn_images: tuple[np.ndarray, ...], normalized: Normalise) -> np.ndarray:
    return normalized(np.ascontiguousarray(drawn_images[0][:192, :288]))


@pytest.fixture(scope="module")
def probability(one_class_pth: Path, image: np.ndarray) -> np.ndarray:
    """Of each pixel: the sigmoid of the interpolated logit."""
    with torch.inference_mode():
        logit = build_model(load_checkpoint(one_class_pth))(torch.from_numpy(image))
        return torch.sigmoid(upsample_logits(logit, (192, 288))).numpy()


@pytest.mark.usefixtures("small_smooth_images")
@pytest.mark.parametrize(
    ("options", "threshold"),
    [
        (ExportOptions(), None),
        (ExportOptions(), 0.8),
        (ExportOptions(vim="image", label_dtype="uint8"), None),
        (ExportOptions(vim="off", shape_hw=(192, 288)), 0.5),
        (ExportOptions(precision="fp16"), None),
    ],
)
def test_labels_are_those_of_sigmoid_and_threshold(
    options: ExportOptions,
    threshold: float | None,
    one_class_pth: Path,
    image: np.ndarray,
    probability: np.ndarray,
    labels_of: Labels,
    tmp_path: Path,
) -> None:
    report = export_onnx(one_class_pth, tmp_path / "sky.onnx", options, threshold=threshold)
    found = labels_of(report.path, image)
    threshold = threshold or 0.3
    assert report.metadata.threshold == threshold
    expected = probability > threshold
    assert 0.1 < expected.mean() < 0.9
    close = 1e-2 if options.precision == "fp16" else 1e-5
    sure = np.abs(probability - threshold) > close
    assert sure.mean() > 0.99
    assert np.array_equal(found[sure] == 1, expected[sure])
    assert set(np.unique(found)) == {0, 1}


def test_the_file_names_two_classes_and_its_threshold(one_class_pth: Path, tmp_path: Path) -> None:
    report = export_onnx(one_class_pth, tmp_path / "sky.onnx", verify=False)
    props = {each.key: each.value for each in onnx.load(report.path).metadata_props}
    metadata = ModelMetadata.from_props(props)
    assert metadata == report.metadata
    assert metadata is not None
    assert metadata.class_names == ("background", "foreground")
    assert metadata.threshold == 0.3
    (tmp_path / "names.txt").write_text("sky")
    named = export_onnx(
        one_class_pth, tmp_path / "named.onnx", classes=tmp_path / "names.txt", verify=False
    )
    assert named.metadata.class_names == ("background", "sky")


def test_logits_hold_the_threshold_as_class_0_in_integers_too(
    one_class_pth: Path,
    image: np.ndarray,
    drawn_images: tuple[np.ndarray, ...],
    labels_of: Labels,
    tmp_path: Path,
) -> None:
    for number, image_bgr in enumerate(drawn_images[:2]):
        Image.fromarray(image_bgr[..., ::-1].copy()).save(tmp_path / f"{number}.png")
    report = export_onnx(
        one_class_pth,
        tmp_path / "int8.onnx",
        ExportOptions(logits=True, precision="int8", shape_hw=(64, 96)),
        int8=Int8Options(CalibrationSet.find(tmp_path), min_equal_labels=0.9),
        verify=False,
    )
    found = labels_of(report.path, image[:, :, :64, :96])
    assert found.shape == (1, 2, 64, 96)
    assert np.unique(found[:, 0].round(5)).tolist() == pytest.approx([np.log(0.3 / 0.7)], abs=1e-5)
    assert report.int8 is not None
    assert 0.9 < report.int8.after.score.equal_labels < 1


def test_other_heads_have_no_threshold(demo_checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected a head of one class with a threshold"):
        export_onnx(demo_checkpoint, tmp_path / "model.onnx", threshold=0.5)
    assert list(tmp_path.iterdir()) == []
