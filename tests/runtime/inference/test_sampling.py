"""Weights along an axis are those of interpolating step by step."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ppmobileseg_deploy.runtime.inference.sampling import AxisCells, Sampling, resized_axis

# Grid points, pixels of the network's input, those that show the image, those of the photograph.
RESIZED = [
    (32, 512, 512, 512),
    (32, 512, 512, 1080),
    (58, 928, 910, 1920),
    (64, 512, 500, 4000),
    (32, 512, 512, 256),
    (43, 688, 683, 500),
    (16, 256, 230, 17),
    (32, 512, 512, 1),
    (2, 32, 1, 700),
    (1, 32, 20, 50),
    (1, 1, 1, 1),
    (1024, 16384, 16384, 16383),
    (9, 63, 60, 61),
    (7, 7, 6, 13),
]


def of_sampling(sampling: Sampling, source: int) -> NDArray[np.float64]:
    """The sampling as a matrix of (length, source)."""
    matrix = np.zeros((len(sampling.points), source))
    rows = np.arange(len(matrix))[:, None]
    np.add.at(matrix, (rows, sampling.points), sampling.weights)
    return matrix


def of_cells(cells: AxisCells, source: int) -> NDArray[np.float64]:
    matrix = np.zeros((len(cells.cell), source))
    rows = np.arange(len(matrix))[:, None]
    weights = cells.weights[cells.cell, cells.pixel].astype(np.float64)
    np.add.at(matrix, (rows, cells.corners[cells.cell]), weights)
    return matrix


def interpolate(values: NDArray[np.float64], target: int) -> NDArray[np.float64]:
    source = len(values)
    at = (np.arange(target) + 0.5) * source / target - 0.5
    return np.interp(at, np.arange(source), values)


@pytest.mark.parametrize("sizes", RESIZED)
def test_resized(sizes: tuple[int, int, int, int]) -> None:
    grid, padded, valid, length = sizes
    values = np.random.default_rng(0).normal(size=grid)
    expected = interpolate(interpolate(values, padded)[:valid], length)

    sampling = resized_axis(*sizes)

    np.testing.assert_allclose(of_sampling(sampling, grid) @ values, expected, atol=1e-12)
    np.testing.assert_allclose(of_cells(sampling.cells, grid) @ values, expected, atol=1e-6)


@pytest.mark.parametrize("sizes", RESIZED)
def test_pixels_are_in_order_and_every_corner_counts(sizes: tuple[int, int, int, int]) -> None:
    cells = resized_axis(*sizes).cells

    assert (np.diff(cells.cell) >= 0).all()
    assert np.array_equal(np.unique(cells.cell), np.arange(len(cells.corners)))
    places = list(zip(cells.cell.tolist(), cells.pixel.tolist(), strict=True))
    assert len(set(places)) == sizes[3]
    for corners, weights in zip(cells.corners, cells.weights, strict=True):
        assert set(corners[weights.max(0) == 0]) <= set(corners[weights.max(0) > 0])


def test_a_whole_factor_needs_two_corners_and_the_network_s_size_no_more() -> None:
    cells = resized_axis(32, 512, 512, 512).cells

    assert cells.corners.shape == (33, 2)
    assert cells.weights.shape == (33, 16, 2)


@pytest.mark.parametrize("sizes", [(32, 512, 512, 1080), (58, 928, 910, 1920)])
def test_a_photograph_s_cells_are_no_larger_than_the_distance_of_grid_points(
    sizes: tuple[int, int, int, int],
) -> None:
    cells = resized_axis(*sizes).cells

    assert cells.corners.shape[1] == 3
    assert cells.weights.shape[1] == 34


@pytest.mark.parametrize("first, last", [(0, 1), (0, 300), (17, 18), (200, 470), (1079, 5000),
                                         (0, 1080)])  # fmt: skip
def test_a_part_is_the_same_with_fewer_source_pixels(first: int, last: int) -> None:
    whole = resized_axis(32, 512, 500, 1080)
    values = np.random.default_rng(1).normal(size=32)

    part, needed = whole.part(first, last)

    expected = (of_sampling(whole, 32) @ values)[first:last]
    few = values[needed]
    np.testing.assert_allclose(of_cells(part.cells, len(few)) @ few, expected, atol=1e-6)
    assert len(few) <= 3 + (last - first) * 32 / 1000 or last > 1080


def test_weights_are_found_once_for_a_size() -> None:
    first = resized_axis(32, 512, 512, 777)

    assert resized_axis(32, 512, 512, 777) is first
    assert first.cells is first.cells
