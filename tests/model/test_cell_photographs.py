"""Labels at a photograph's own size are those of mmsegmentation's two interpolations."""

from dataclasses import dataclass
from math import ceil

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from ppmobileseg_deploy.model.axes import resized_axis
from ppmobileseg_deploy.model.cell import labels_on_axes, narrow_type

from .test_cell import FAMILIES, smooth

SHORT_SIDE, LONG_SIDE, MULTIPLE = 512, 2048, 32

# Height and width of photographs: one pixel to 4000, smaller than the network's input, as large
# and larger; 2048 is the longest side that the network sees.
PHOTOGRAPHS_HW = [
    (1, 1), (1, 2), (2, 1), (1, 4000), (4000, 1), (3, 5), (7, 7), (16, 16), (17, 31), (32, 33),
    (31, 512), (60, 80), (64, 64), (97, 131), (100, 399), (120, 160), (240, 320), (255, 257),
    (256, 320), (333, 500), (375, 500), (500, 375), (426, 640), (480, 640), (511, 511), (511, 513),
    (512, 511), (512, 512), (512, 513), (513, 513), (512, 683), (512, 1024), (512, 2048),
    (512, 2049), (600, 800), (683, 1024), (768, 512), (1024, 1024), (1024, 512), (720, 1280),
    (300, 2500), (400, 4000), (2500, 300), (1000, 1001),
]  # fmt: skip


@dataclass(frozen=True)
class Sizes:
    """Of one photograph on its way, (height, width)."""

    grid: tuple[int, int]
    padded: tuple[int, int]
    valid: tuple[int, int]
    photograph: tuple[int, int]


def sizes_of(photograph_hw: tuple[int, int], stride: int) -> Sizes:
    scale = min(LONG_SIDE / max(photograph_hw), SHORT_SIDE / min(photograph_hw))
    height, width = (max(1, int(side * scale + 0.5)) for side in photograph_hw)
    rows, columns = (ceil(side / MULTIPLE) * MULTIPLE for side in (height, width))
    grid_hw = rows // stride, columns // stride
    return Sizes(grid_hw, (rows, columns), (height, width), photograph_hw)


def labels_of(logits: Tensor, sizes: Sizes) -> Tensor:
    rows, columns = (
        resized_axis(*(torch.tensor(each[side]) for each in
                       (sizes.grid, sizes.padded, sizes.valid, sizes.photograph)))
        for side in (0, 1)
    )  # fmt: skip
    return labels_on_axes(logits, rows, columns, narrow_type(logits.shape[1]))


def interpolation(sizes: Sizes, side: int) -> NDArray[np.float64]:
    """Both steps as one matrix of (photograph, grid), in float64, from numpy's interpolation."""
    grid, padded, valid, length = (
        each[side] for each in (sizes.grid, sizes.padded, sizes.valid, sizes.photograph)
    )
    step_1, step_2 = (
        np.stack([np.interp(at, range(source), point) for point in np.eye(source)], 1)
        for source, at in (
            (grid, (np.arange(padded) + 0.5) * grid / padded - 0.5),
            (valid, (np.arange(length) + 0.5) * valid / length - 0.5),
        )
    )
    matrix: NDArray[np.float64] = step_2 @ step_1[:valid]
    return matrix


def differences(logits: Tensor, labels: Tensor, sizes: Sizes) -> tuple[int, float]:
    """How many pixels have another label than the reference's, and by how much it is worse."""
    down, across = (torch.from_numpy(interpolation(sizes, side)) for side in (0, 1))
    assert labels.shape == (len(logits), 1, *sizes.photograph)
    differing, largest_gap = 0, 0.0
    for planes, found in zip(logits.double(), labels[:, 0].long(), strict=True):
        best = torch.full(sizes.photograph, -torch.inf, dtype=torch.float64)
        expected = torch.zeros(sizes.photograph, dtype=torch.int64)
        chosen = best.clone()
        for class_id, plane in enumerate(planes):
            interpolated = down @ plane @ across.t()
            chosen = torch.where(found == class_id, interpolated, chosen)
            expected = torch.where(interpolated > best, class_id, expected)
            best = torch.maximum(best, interpolated)
        differing += int((found != expected).sum())
        largest_gap = max(largest_gap, float((best - chosen).max()))
    return differing, largest_gap / float(logits.max() - logits.min() + 1e-30)


def scene(seed: int, classes: int, sizes: Sizes, batch: int = 1) -> Tensor:
    """Regions about as large as a network sees them, with noise of a few grid points."""
    shape = (classes, *sizes.grid)
    images = [
        4 * smooth(seed + i, *shape, blur=8) + smooth(seed + 50 + i, *shape, blur=2)
        for i in range(batch)
    ]
    return torch.cat(images)


@pytest.mark.parametrize("stride", [8, 16])
@pytest.mark.parametrize("photograph_hw", PHOTOGRAPHS_HW, ids=lambda hw: f"{hw[0]}x{hw[1]}")
def test_any_size(photograph_hw: tuple[int, int], stride: int) -> None:
    sizes = sizes_of(photograph_hw, stride)
    logits = scene(sum(photograph_hw), 19, sizes)

    differing, gap = differences(logits, labels_of(logits, sizes), sizes)

    assert differing <= 2
    assert gap <= 1e-5


@pytest.mark.parametrize("classes", [1, 2, 3, 16, 17, 18, 150, 256, 257, 300])
@pytest.mark.parametrize("photograph_hw", [(60, 83), (375, 500), (640, 511)])
def test_any_number_of_classes(photograph_hw: tuple[int, int], classes: int) -> None:
    sizes = sizes_of(photograph_hw, 16)
    logits = scene(classes, classes, sizes)

    labels = labels_of(logits, sizes)
    differing, gap = differences(logits, labels, sizes)

    assert labels.dtype == (torch.uint8 if classes <= 256 else torch.int32)
    assert differing <= 1
    assert gap <= 1e-5


def test_1080p_with_150_classes() -> None:
    sizes = sizes_of((1080, 1920), 16)
    logits = scene(0, 150, sizes)

    differing, gap = differences(logits, labels_of(logits, sizes), sizes)

    assert differing <= 2  # of 2.07 million
    assert gap <= 1e-5


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("stride, scale, cut", [(16, 2.1, 5), (8, 0.7, 0), (16, 0.06, 15)])
def test_fields_of_every_kind(family: str, stride: int, scale: float, cut: int) -> None:
    pixels, differing = 0, 0
    for logits in FAMILIES[family]():
        padded = logits.shape[2] * stride, logits.shape[3] * stride
        valid = padded[0] - cut, padded[1] - cut
        photograph = tuple(max(1, round(side * scale)) for side in valid)
        sizes = Sizes((logits.shape[2], logits.shape[3]), padded, valid, photograph)

        labels = labels_of(logits, sizes)
        count, gap = differences(logits, labels, sizes)

        assert gap <= 1e-5
        pixels, differing = pixels + labels.numel(), differing + count
    # Whole numbers make exact ties all along the borders, which rounding decides.
    assert family == "integers" or differing <= 1e-6 * pixels + 1


def test_images_of_a_batch_do_not_see_one_another() -> None:
    sizes = sizes_of((375, 500), 16)
    logits = scene(7, 20, sizes, batch=3)

    together = labels_of(logits, sizes)

    assert torch.equal(together, torch.cat([labels_of(each[None], sizes) for each in logits]))
    assert differences(logits, together, sizes)[0] <= 1


@pytest.mark.parametrize("photograph_hw", [(3, 3), (375, 500), (1000, 700)])
def test_ties_go_to_the_lower_id(photograph_hw: tuple[int, int]) -> None:
    sizes = sizes_of(photograph_hw, 16)
    logits = scene(3, 40, sizes)
    twins = torch.cat([logits, logits.flip(1)], 1)

    assert (labels_of(twins, sizes) < 40).all()
