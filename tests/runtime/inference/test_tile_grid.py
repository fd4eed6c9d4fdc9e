from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from ppmobileseg_deploy.errors import UsageError
from ppmobileseg_deploy.metadata import ModelMetadata
from ppmobileseg_deploy.runtime.inference.preprocessing import Preprocessing
from ppmobileseg_deploy.runtime.inference.tile_grid import MAX_BYTES, Side, TileGrid

RULE = Preprocessing.from_metadata(ModelMetadata())


@pytest.mark.parametrize(
    ("length", "tile", "overlap"),
    [
        (12000, 512, 64),
        (9000, 512, 128),
        (513, 512, 0),
        (513, 512, 255),
        (700, 512, 255),
        (769, 512, 255),
        (770, 512, 255),
        (1000, 512, 100),
        *product(range(33, 140), [32], [0, 1, 7, 15]),
    ],
)
def test_shares_cover_a_side_without_gaps(length: int, tile: int, overlap: int) -> None:
    side = Side.of(length, tile, overlap)
    spans = side.spans
    weights = np.zeros(length)
    alone = np.zeros(length, int)
    for span in spans:
        assert 0 <= span.start <= span.first <= span.done <= span.last <= span.start + tile
        weights[span.first : span.last] += 1
        alone[span.first : span.done] += 1
    assert (alone == 1).all()  # every pixel is finished by one tile
    assert (spans[0].start, spans[0].first, spans[-1].last) == (0, 0, length)
    assert spans[-1].start == length - tile
    # Two tiles blend over the width of the ramp, never three.
    assert weights.max() <= 2
    assert (weights == 2).sum() == side.ramp * (len(spans) - 1)
    assert side.ramp <= overlap


@pytest.mark.parametrize("overlap", [0, 64, 128, 170])
@pytest.mark.parametrize("length", [1025, 2000, 12000])
def test_ramps_are_as_wide_as_asked_for_up_to_a_third_of_a_tile(length: int, overlap: int) -> None:
    assert Side.of(length, 512, overlap).ramp == overlap


def test_tiles_are_as_few_as_can_be_and_equally_far_apart() -> None:
    side = Side.of(1000, 400, 100)
    assert [span.start for span in side.spans] == [0, 300, 600]
    side = Side.of(1001, 400, 100)
    assert [span.start for span in side.spans] == [0, 200, 400, 601]


def test_seams_are_in_the_middle_of_the_overlap() -> None:
    first, second = Side.of(600, 400, 100).spans
    assert (second.start, second.first, first.last, first.start + 400) == (200, 250, 350, 400)


@pytest.mark.parametrize("length", [1, 31, 511, 512])
def test_a_side_that_fits_is_one_tile_without_seams(length: int) -> None:
    (span,) = Side.of(length, 512, 64).spans
    assert (span.start, span.first, span.done, span.last) == (0, 0, length, length)


def test_lines_run_along_the_shorter_side() -> None:
    wide = TileGrid.of((900, 1200), (128, 256), 32, RULE)
    tall = TileGrid.of((1200, 900), (256, 128), 32, RULE)
    assert (wide.lines_are_columns, tall.lines_are_columns) == (True, False)
    assert (wide.along, wide.across) == (tall.along, tall.across)
    assert wide.network_bytes(150, 16) == tall.network_bytes(150, 16)
    assert (wide.along.length, wide.along.tile, wide.across.tile) == (900, 128, 256)
    assert wide.total == len(wide.along.spans) * len(wide.across.spans)


@pytest.mark.parametrize(
    ("image_hw", "tile_hw", "padded_hw"),
    [
        ((1000, 1000), (512, 512), (512, 512)),
        ((1000, 1000), (500, 300), (512, 320)),
        ((40, 1000), (512, 512), (64, 512)),
        ((1, 1), (512, 512), (32, 32)),
    ],
)
def test_tiles_are_padded_to_what_the_network_takes(
    image_hw: tuple[int, int], tile_hw: tuple[int, int], padded_hw: tuple[int, int]
) -> None:
    assert TileGrid.of(image_hw, tile_hw, 16, RULE).padded_hw == padded_hw


def test_a_network_of_fixed_size_gets_that_size() -> None:
    rule = replace(RULE, fit_hw=(512, 640), padded_hw=(512, 640))
    assert TileGrid.of((2000, 2000), (512, 600), 64, rule).padded_hw == (512, 640)
    with pytest.raises(UsageError, match=r"expected tiles of at most 512x640, .* found 513x640"):
        TileGrid.of((2000, 2000), (513, 640), 64, rule)
    # Only what is left of the tile counts.
    assert TileGrid.of((300, 300), (1024, 1024), 64, rule).padded_hw == (512, 640)


@pytest.mark.parametrize(
    ("fixed_hw", "tile_hw", "chosen_hw", "ramp"),
    [
        (None, None, (512, 512), 64),
        (None, (1024, 1024), (1024, 1024), 64),
        (None, (256, 512), (256, 512), 64),
        (None, (96, 100), (96, 100), 24),
        ((256, 320), None, (256, 320), 64),
        ((1024, 1024), None, (1024, 1024), 64),
        ((64, 64), None, (64, 64), 16),
        ((24, 24), None, (24, 24), 6),
        ((256, 320), (128, 128), (128, 128), 32),
    ],
)
def test_tiles_not_asked_for_are_what_the_network_takes(
    fixed_hw: tuple[int, int] | None,
    tile_hw: tuple[int, int] | None,
    chosen_hw: tuple[int, int],
    ramp: int,
) -> None:
    rule = replace(RULE, fit_hw=fixed_hw, padded_hw=fixed_hw)
    grid = TileGrid.of((4000, 5000), tile_hw, None, rule)
    assert (grid.along.tile, grid.across.tile) == chosen_hw
    assert (grid.along.ramp, grid.across.ramp) == (ramp, ramp)


@pytest.mark.parametrize(
    ("tile_hw", "overlap", "message"),
    [
        ((31, 512), 0, "expected tiles of 32x32 to 8192x8192 pixels, found 31x512"),
        ((512, 8193), 0, "expected tiles of 32x32 to 8192x8192 pixels, found 512x8193"),
        ((-512, 512), 0, "found -512x512"),
        (512, 0, "expected a tile size of two whole numbers .height, width., found 512"),
        ((512.0, 512), 0, "two whole numbers"),
        ((512, 512, 512), 0, "two whole numbers"),
        ((512, 100), 50, "0 to 49 pixels for 512x100, found 50"),
        ((101, 512), 51, "0 to 50 pixels for 101x512, found 51"),
        ((512, 512), -1, "0 to 255 pixels for 512x512, found -1"),
        ((512, 512), 1.5, "expected an overlap of a whole number of pixels, found 1.5"),
    ],
)
def test_tiles_that_make_no_sense_are_refused(
    tile_hw: object, overlap: object, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        TileGrid.of((1000, 1000), tile_hw, overlap, RULE)  # type: ignore[arg-type]


def test_defaults_stay_within_the_bound_for_the_largest_images_that_are_read() -> None:
    grid = TileGrid.of((14142, 14142), (512, 512), 64, RULE)
    assert 4 * 14142**2 + grid.network_bytes(150, 16) < MAX_BYTES


def test_memory_is_that_of_the_strips_and_a_tile() -> None:
    grid = TileGrid.of((9000, 12000), (512, 512), 64, RULE)
    held = 3 * 512 * 512 + 64 * 9000 + 64 * 512
    for stride in (1, 16):
        logits = held // stride**2 + 512 * 512
        assert grid.network_bytes(150, stride) == 4 * 150 * logits + 300 * 512 * 512
