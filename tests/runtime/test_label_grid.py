"""The choice of the grid, and what segmenting on it gives."""

from collections.abc import Callable
from fractions import Fraction
from math import floor
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from ppmobileseg_deploy import OrtSegmenter
from ppmobileseg_deploy.checkpoints import Checkpoint
from ppmobileseg_deploy.exporters import ExportOptions, export_onnx
from ppmobileseg_deploy.model import CONFIGS, PPMobileSeg, labels_off
from ppmobileseg_deploy.runtime.label_grid import MAX_LABELS, labels_per_cell
from ppmobileseg_deploy.runtime.preprocessing import Preprocessing

SizeHW = tuple[int, int]


@pytest.mark.parametrize(
    ("original_hw", "resized_hw", "padded_hw", "stride", "expected"),
    [
        ((512, 512), (512, 512), (512, 512), 16, 16),
        ((1080, 1920), (512, 910), (512, 928), 16, 34),  # 33.75 and 33.76
        ((1080, 1920), (512, 910), (512, 928), 8, 17),
        ((1920, 1080), (910, 512), (928, 512), 16, 34),
        ((2160, 3840), (512, 910), (512, 928), 16, 68),
        ((1024, 1024), (512, 512), (512, 512), 16, 32),  # exactly twice
        ((1025, 1025), (512, 512), (512, 512), 16, 33),
        ((100, 100), (512, 512), (512, 512), 16, 16),  # never coarser than the input
        ((1, 4000), (1, 2048), (32, 2048), 16, 32),
        ((6000, 9000), (512, 768), (512, 768), 16, 104),  # 187.5 would be too many
        ((8192, 8192), (4096, 4096), (4096, 4096), 16, 16),
        ((9000, 9000), (9000, 9000), (9024, 9024), 16, 16),
    ],
)
def test_the_grid_is_as_fine_as_the_image_within_limits(
    original_hw: SizeHW, resized_hw: SizeHW, padded_hw: SizeHW, stride: int, expected: int
) -> None:
    found = labels_per_cell(original_hw, resized_hw, padded_hw, stride)
    assert found == expected
    if found > stride:
        assert padded_hw[0] * padded_hw[1] * found**2 <= MAX_LABELS * stride**2


def _slope(height: int, width: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Red to the left of a slanted line, green beyond it, and which is where."""
    y, x = np.mgrid[:height, :width]
    green = ((x + 0.5) / width + 0.37 * (y + 0.5) / height > 0.7).astype(np.uint8)
    image_bgr = np.zeros((height, width, 3), np.uint8)
    image_bgr[..., 2] = 255 * (1 - green)
    image_bgr[..., 1] = 255 * green
    return image_bgr, green


@pytest.mark.parametrize("size_hw", [(1080, 1920), (1100, 700), (1280, 1281), (2000, 3000)])
def test_finer_labels_lie_where_the_colors_are(size_hw: SizeHW, refinable_model: Path) -> None:
    image_bgr, expected = _slope(*size_hw)
    labels = OrtSegmenter(refinable_model)(image_bgr).labels
    ends, expected_ends = (np.sum(each == 0, axis=1) for each in (labels, expected))
    assert abs(np.mean(ends - expected_ends)) < 0.3  # pixels that the line is too far right
    assert np.abs(ends - expected_ends).max() <= max(size_hw) / 200
    coarse = OrtSegmenter(refinable_model, fine_labels=False)(image_bgr).labels
    assert len(np.unique(ends)) > 1.3 * len(np.unique(np.sum(coarse == 0, axis=1)))


@pytest.mark.parametrize("size_hw", [(1080, 1920), (701, 1103), (40, 50)])
def test_labels_are_those_of_the_same_grid_in_full(size_hw: SizeHW, refinable_model: Path) -> None:
    image_bgr = np.random.default_rng(0).integers(0, 256, (*size_hw, 3), dtype=np.uint8)
    segmenter = OrtSegmenter(refinable_model)
    prepared = Preprocessing.from_metadata(segmenter.metadata)(image_bgr)
    logits = F.avg_pool2d(torch.from_numpy(prepared.tensor), 8)
    _check(segmenter(image_bgr).labels, logits, size_hw, prepared.resized_hw, stride=8)


def test_exported_files_are_exact_on_the_finer_grid(
    golden_state_dict: Callable[[str], dict[str, torch.Tensor]], tmp_path: Path
) -> None:
    weights = {k: v for k, v in golden_state_dict("tiny").items() if "num_batches" not in k}
    config = CONFIGS["tiny"]
    checkpoint = Checkpoint(config, 150, weights, "golden.pth", "0" * 64)
    path = tmp_path / "end2end.onnx"
    export_onnx(checkpoint, path, ExportOptions(simplify=False), verify=False)
    network = PPMobileSeg(config, 150).eval()
    network.load_state_dict(weights, strict=False)

    segmenter = OrtSegmenter(path, input_size_hw=(96, 128))
    image_bgr = np.random.default_rng(0).integers(0, 256, (233, 301, 3), dtype=np.uint8)
    preprocess = Preprocessing.from_metadata(segmenter.metadata, input_size_hw=(96, 128))
    prepared = preprocess(image_bgr)
    with torch.no_grad():
        logits = network(torch.from_numpy(prepared.tensor))
    labels = segmenter(image_bgr).labels
    assert len(np.unique(labels)) > 5
    _check(labels, logits, (233, 301), prepared.resized_hw, stride=config.stride)
    coarse = OrtSegmenter(path, input_size_hw=(96, 128), fine_labels=False)(image_bgr).labels
    assert 0.8 < np.mean(labels == coarse) < 1


def _check(
    labels: NDArray[np.generic],
    logits: torch.Tensor,
    original_hw: SizeHW,
    resized_hw: SizeHW,
    stride: int,
) -> None:
    cells_hw = logits.shape[2:]
    factor = labels_per_cell(
        original_hw, resized_hw, (cells_hw[0] * stride, cells_hw[1] * stride), stride
    )
    full = labels_off(logits, [side * factor for side in cells_hw])[0, 0].numpy()
    rows, columns = (
        [floor((i + Fraction(1, 2)) * old * factor / (new * stride)) for i in range(new)]
        for old, new in zip(resized_hw, original_hw, strict=True)
    )
    different = labels != full[rows][:, columns]
    assert different.mean() < 1e-3
    # Where the last bits of two networks' arithmetic decide, there must be little to decide.
    enlarged = F.interpolate(logits, full.shape, mode="bilinear", align_corners=False)[0].numpy()
    y, x = np.array(rows)[:, None], np.array(columns)[None]
    lost = enlarged.max(0)[y, x] - enlarged[labels, y, x]
    assert lost.max() <= 1e-4 * np.ptp(enlarged)


def test_files_that_know_no_finer_labels_are_asked_for_none(rgb_model: Path) -> None:
    image_bgr, _ = _slope(700, 900)
    fine = OrtSegmenter(rgb_model)(image_bgr).labels
    assert np.array_equal(fine, OrtSegmenter(rgb_model, fine_labels=False)(image_bgr).labels)
