from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ppmobileseg_deploy.benchmarking import Benchmark, Spread, WholeRow
from ppmobileseg_deploy.benchmarking.head import HeadRow
from ppmobileseg_deploy.benchmarking.plotting import draw_benchmark, sections_of

PLAIN_BGR = (0xB8, 0x7F, 0x4A)
"""Colour of the bars of networks, which have no parts."""


def _bar_columns(picture_bgr: np.ndarray) -> list[int]:
    """Width of each bar of one colour, from top to bottom, in pixels."""
    found = (picture_bgr == PLAIN_BGR).all(2).sum(1)
    # A stage of the first section has this colour, too: networks are drawn below.
    rows = np.flatnonzero(found[len(found) // 2 :]) + len(found) // 2
    groups = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
    return [int(found[group].max()) for group in groups]


def test_bars_are_as_long_as_their_medians(synthetic: Callable[..., Benchmark]) -> None:
    picture = draw_benchmark(synthetic((10.0,), networks=(8.0, 4.0, 2.0)))
    assert picture.shape[1] == 1400
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous
    first, second, third = _bar_columns(picture)
    assert first / second == pytest.approx(2, rel=0.02)
    assert second / third == pytest.approx(2, rel=0.02)


def test_an_outlier_does_not_squeeze_the_bars(synthetic: Callable[..., Benchmark]) -> None:
    quiet = synthetic((10.0,), networks=(8.0, 4.0))
    first = replace(quiet.networks[0], latency_ms=Spread(8.0, 8.0, 900.0, 20))
    loud = replace(quiet, networks=[first, quiet.networks[1]])
    before, after = (_bar_columns(draw_benchmark(each))[0] for each in (quiet, loud))
    assert after == pytest.approx(before, rel=0.1)


@pytest.mark.parametrize(
    "name",
    ["a very long name of a model " * 5, "cost $x^$ of 語.onnx", "\x1b[31m\n\0.onnx", "$", ""],
    ids=["long", "formula", "control", "dollar", "empty"],
)
def test_any_name_is_drawn_within_the_picture(
    synthetic: Callable[..., Benchmark], name: str
) -> None:
    found = synthetic((10.0, 20.0), networks=(8.0,))
    rows: list[WholeRow] = [replace(row, model=name) for row in found.whole]
    picture = draw_benchmark(replace(found, whole=rows, picture=name * 3))
    for edge in (picture[:8], picture[-8:], picture[:, :8], picture[:, -8:]):
        assert (edge == 255).all()


def test_a_benchmark_has_bars_for_all_it_holds(synthetic: Callable[..., Benchmark]) -> None:
    spread = Spread(4, 3, 5, 20)
    head = HeadRow(16, 1, (32, 32), 150, 15, {"off": spread, "cell": spread}, {})
    benchmark = replace(synthetic((10.0, 20.0), networks=(8.0, 4.0)), heads=[head])
    whole, networks, heads = sections_of(benchmark)
    assert [sum(bar.parts.values()) for bar in whole.bars] == pytest.approx([10, 20])
    assert [bar.note for bar in whole.bars] == [
        "10.0 ms, 100.0 fps, 1.00 x",
        "20.0 ms, 50.0 fps, 0.50 x",
    ]
    assert [bar.note for bar in networks.bars] == ["8.0 ms, 1.00 x", "4.0 ms, 2.00 x"]
    assert [bar.label for bar in heads.bars] == [
        "15 of 150 classes, off",
        "15 of 150 classes, cell",
    ]
    assert heads.title == "upsampling alone, 32x32 grid, stride 16, 1 thread"
