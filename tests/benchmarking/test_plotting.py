from collections.abc import Callable

import numpy as np
import pytest

from ppmobileseg_deploy.benchmarking import Spread, bar_chart
from ppmobileseg_deploy.benchmarking.bar_chart import COLORS, Bar, Section, draw_bars
from ppmobileseg_deploy.benchmarking.benchmark import Benchmark
from ppmobileseg_deploy.benchmarking.head import HeadRow
from ppmobileseg_deploy.benchmarking.plotting import draw_benchmark


def _count(picture_bgr: np.ndarray, color: int) -> int:
    return int((picture_bgr == COLORS[color][::-1]).all(2).sum())


def test_bars_are_as_long_as_their_parts() -> None:
    bars = [
        Bar("a", "", [(0, 10.0), (1, 30.0)], None, "40"),
        Bar("b", "", [(2, 20.0)], None, "20"),
    ]
    picture = draw_bars([Section("title", (), bars)], ["note"])
    assert _count(picture, 1) == pytest.approx(3 * _count(picture, 0), rel=0.01)
    assert _count(picture, 2) == pytest.approx(2 * _count(picture, 0), rel=0.01)
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous


def test_an_outlier_does_not_squeeze_the_bars() -> None:
    quiet = draw_bars([Section("", (), [Bar("a", "", [(1, 10.0)], None, "")])], [])
    outlier = Bar("a", "", [(1, 10.0)], Spread(10, 10, 900, 20), "")
    loud = draw_bars([Section("", (), [outlier])], [])
    assert _count(loud, 1) > 0.7 * _count(quiet, 1)


def test_nothing_is_written_beyond_the_edge() -> None:
    name = "a very long name of a model " * 5
    bar = Bar(name, ", 2 threads", [(0, 10.0)], Spread(10, 9, 50, 3), "10.0 ms, 100.0 fps, 1.00 x")
    picture = draw_bars([Section(name, ("key",), [bar])], [name, "x" * 400])
    for edge in (picture[:20], picture[-20:], picture[:, :20], picture[:, -20:]):
        assert (edge == 255).all()


def test_a_benchmark_has_bars_for_all_it_holds(
    made_up: Callable[..., Benchmark], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[list[Section]] = []
    monkeypatch.setattr(
        "ppmobileseg_deploy.benchmarking.plotting.draw_bars",
        lambda sections, notes: (drawn.append(sections), bar_chart.draw_bars(sections, notes))[1],
    )
    spread = Spread(4, 3, 5, 20)
    head = HeadRow(16, 1, (32, 32), 150, 15, {"off": spread, "cell": spread}, {})
    benchmark = made_up((10.0, 20.0), networks=(8.0, 4.0))
    object.__setattr__(benchmark, "heads", [head])
    assert draw_benchmark(benchmark).shape[1] == 1400
    whole, networks, heads = drawn[0]
    assert [bar.length for bar in whole.bars] == pytest.approx([10, 20])
    assert [bar.note for bar in whole.bars] == [
        "10.0 ms, 100.0 fps, 1.00 x",
        "20.0 ms, 50.0 fps, 0.50 x",
    ]
    assert [bar.note for bar in networks.bars] == ["8.0 ms, 1.00 x", "4.0 ms, 2.00 x"]
    assert [bar.detail for bar in heads.bars] == [", off", ", cell"]
