"""One axis at a time: cells and weights are those of interpolating step by step."""

from dataclasses import astuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ppmobileseg_deploy.model.axes import Axis, enlarged_axis, resized_axis

# Grid points, pixels of the network's input, those that show the image, those of the photograph.
RESIZED = [
    (32, 512, 512, 512),  # a photograph of the network's size
    (32, 512, 512, 1080),
    (58, 928, 910, 1920),
    (64, 512, 500, 4000),  # stride 8
    (32, 512, 512, 256),  # smaller than what the network sees
    (43, 688, 683, 500),
    (32, 512, 512, 511),
    (32, 512, 512, 513),
    (16, 256, 230, 17),  # fewer pixels than grid points
    (32, 512, 512, 1),
    (2, 32, 1, 700),  # all of the image is one pixel of the network's
    (1, 32, 20, 50),  # one grid point
    (1, 1, 1, 1),
    (128, 2048, 2048, 8191),
    (7, 7, 6, 13),  # logits at full size
]


def dense(axis: Axis, grid: int) -> NDArray[np.float64]:
    """The axis as a matrix of (length, grid)."""
    corners, weights, cell, pixel = (each.numpy() for each in astuple(axis))
    matrix = np.zeros((len(cell), grid))
    rows = np.arange(len(cell))[:, None]
    np.add.at(matrix, (rows, corners[cell]), weights[cell, pixel].astype(np.float64))
    return matrix


def step_by_step(grid: int, padded: int, valid: int, length: int) -> NDArray[np.float64]:
    """The same by PyTorch in float64, for every grid point alone."""
    points = torch.eye(grid, dtype=torch.float64)[None]
    enlarged = F.interpolate(points, padded, mode="linear", align_corners=False)[:, :, :valid]
    resized = F.interpolate(enlarged, length, mode="linear", align_corners=False)
    return resized[0].t().numpy()


def resized(grid: int, padded: int, valid: int, length: int) -> Axis:
    return resized_axis(*(torch.tensor(size) for size in (grid, padded, valid, length)))


@pytest.mark.parametrize("sizes", RESIZED)
def test_resized(sizes: tuple[int, int, int, int]) -> None:
    np.testing.assert_allclose(
        dense(resized(*sizes), sizes[0]), step_by_step(*sizes), rtol=0, atol=1e-7
    )


@pytest.mark.parametrize("grid, factor, length", [
    (1, 1, 1), (1, 16, 9), (2, 16, 32), (9, 8, 72), (9, 7, 60), (4, 3, 12), (5, 64, 300),
])  # fmt: skip
def test_enlarged(grid: int, factor: int, length: int) -> None:
    expected = step_by_step(grid, grid * factor, grid * factor, grid * factor)[:length]

    found = dense(enlarged_axis(grid, factor, length), grid)

    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("sizes", RESIZED)
def test_corners_without_weight_do_not_count(sizes: tuple[int, int, int, int]) -> None:
    axis = resized(*sizes)

    for corners, weights in zip(axis.corners[axis.cell], axis.weights[axis.cell], strict=True):
        assert set(corners[weights.amax(0) == 0].tolist()) <= set(
            corners[weights.amax(0) > 0].tolist()
        )


@pytest.mark.parametrize("sizes", RESIZED)
def test_cells_are_about_as_large_as_one_another(sizes: tuple[int, int, int, int]) -> None:
    grid, _, valid, length = sizes

    pixels = resized(*sizes).weights.shape[1]

    # Tiles are as large as the largest cell: what is above the mean is evaluated in vain.
    assert pixels <= length / valid * (sizes[1] / grid) + 2


def test_large_sizes_are_exact() -> None:
    # PyTorch rounds to the nearest pixel where it lies within 0.0005 of it.
    grid, padded, length = 1024, 16384, 16383
    image_pixel = (np.arange(length) + 0.5) * padded / length - 0.5
    values = np.random.default_rng(0).normal(size=grid)
    enlarged = np.interp((np.arange(padded) + 0.5) * grid / padded - 0.5, range(grid), values)
    expected = np.interp(image_pixel, range(padded), enlarged)

    found = dense(resized(grid, padded, padded, length), grid) @ values

    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_weights_sum_to_one() -> None:
    weights: Tensor = resized(58, 928, 910, 1920).weights

    torch.testing.assert_close(weights.sum(2), torch.ones(weights.shape[:2]), rtol=0, atol=3e-7)
