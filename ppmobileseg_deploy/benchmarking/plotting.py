"""A benchmark as a picture."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .bar_chart import Bar, Section, draw_bars
from .benchmark import Benchmark
from .stages import STAGES

_PLAIN: Final = 1
"""Colour of bars that have no parts."""

_REFERENCE: Final = "off"


def draw_benchmark(benchmark: Benchmark) -> NDArray[np.uint8]:
    """Draw what was measured as bars: the median, a whisker from p5 to p95, and the figures.

    Args:
        benchmark: The measurements.

    Returns:
        (height, width, 3) uint8, BGR.
    """
    sections = [_whole(benchmark), *_networks(benchmark), *_heads(benchmark)]
    explained = "Bars: medians. Lines: 5 to 95 % of the runs. x: how many times as fast"
    against = f"{explained} as the first bar; upsampling: as {_REFERENCE}."
    return draw_bars(sections, [against, str(benchmark.conditions)])


def _whole(benchmark: Benchmark) -> Section:
    height, width = benchmark.picture_hw
    bars = []
    for row in benchmark.whole:
        total = row.latency.total_ms
        medians = [row.latency.stages_ms[stage].median for stage in STAGES]
        # The medians of the stages do not add up to that of the whole, where the bar should end.
        scale = total.median / sum(medians)
        bars.append(
            Bar(
                label=benchmark.short_name(row.model),
                detail=_threads(row.threads),
                parts=[(number, scale * median) for number, median in enumerate(medians)],
                spread=total,
                note=f"{total.median:.1f} ms, {row.images_per_second:.1f} fps, "
                f"{benchmark.speedup(row):.2f} x",
            )
        )
    title = f"{benchmark.picture}, {height}x{width}: from its file to the overlay's"
    return Section(title, STAGES, bars)


def _networks(benchmark: Benchmark) -> Iterator[Section]:
    if not benchmark.networks:
        return
    first = benchmark.networks[0].latency_ms.median
    bars = [
        Bar(
            label=benchmark.short_name(row.model),
            detail=f"{_threads(row.threads)}, {row.engine}",
            parts=[(_PLAIN, row.latency_ms.median)],
            spread=row.latency_ms,
            note=f"{row.latency_ms.median:.1f} ms, {first / row.latency_ms.median:.2f} x",
        )
        for row in benchmark.networks
    ]
    yield Section("the network alone", (), bars)


def _heads(benchmark: Benchmark) -> Iterator[Section]:
    for rows in benchmark.heads_by_kind():
        first = rows[0]
        height, width = first.grid_hw
        bars = [
            Bar(
                label=f"{row.classes_present} of {row.num_classes} classes",
                detail=f", {form}",
                parts=[(number, latency.median)],
                spread=latency,
                note=f"{latency.median:.2f} ms, {row.ratio(form):.1f} x",
            )
            for row in rows
            for number, (form, latency) in enumerate(row.latency_ms.items())
        ]
        title = f"upsampling alone, {height}x{width} grid, stride {first.stride}"
        yield Section(title + _threads(first.threads), (), bars)


def _threads(threads: int | None) -> str:
    if threads is None:
        return ""
    return f", {threads} thread" + ("" if threads == 1 else "s")
