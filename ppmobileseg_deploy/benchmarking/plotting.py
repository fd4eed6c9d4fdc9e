"""A benchmark as a bar chart. Needs the package ``matplotlib``, part of the extra ``bench``."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

from ..quoting import printable
from .benchmark import Benchmark
from .stages import STAGES
from .timing import Spread

_COLORS: Final = ("#a3c1de", "#4a7fb8", "#1b3a6b", "#f6c280", "#d07028", "#7a3a14")
"""Cold and warm, light to dark: neighbours differ without any sense of colour."""

_DPI: Final = 100
_WIDTH_IN: Final = 14.0
_BAR_IN: Final = 0.42
_TITLE_IN: Final = 0.45
_NOTE_IN: Final = 1.0
_LABEL_SHOWN: Final = 36
_TITLE_SHOWN: Final = 100
_LONGEST_TAIL: Final = 1.25
"""How far beyond the longest bar whiskers may reach: an outlier should not squeeze all bars."""


@dataclass(frozen=True)
class Bar:
    """One line of a chart.

    Attributes:
        label: Written in front of it.
        parts: Name of each part to its length, drawn one behind the other.
        spread: Where 5 and 95 % of the samples lie.
        note: Written behind it.
        color: Colour of the first part, an index.
    """

    label: str
    parts: Mapping[str, float]
    spread: Spread
    note: str
    color: int = 0


@dataclass(frozen=True)
class Section:
    """Bars that share a scale, at least one.

    Attributes:
        title: Stands above them.
        bars: The bars, the first on top.
    """

    title: str
    bars: Sequence[Bar]


def draw_benchmark(benchmark: Benchmark) -> NDArray[np.uint8]:
    """Draw what was measured as bars: the median, a whisker from p5 to p95, and the figures.

    Args:
        benchmark: The measurements.

    Returns:
        (height, 1400, 3) uint8, BGR.
    """
    sections = list(sections_of(benchmark))
    bars = [len(section.bars) for section in sections]
    height_in = _BAR_IN * sum(bars) + _TITLE_IN * len(sections) + _NOTE_IN
    layout = ConstrainedLayoutEngine(w_pad=0.2, h_pad=0.1)
    figure = Figure((_WIDTH_IN, height_in), dpi=_DPI, layout=layout)
    rows = figure.subplots(len(sections), 1, squeeze=False, height_ratios=bars)
    for axes, section in zip(rows[:, 0], sections, strict=True):
        _draw_section(axes, section)
    figure.supxlabel(
        "Bars: medians. Lines: 5 to 95 % of the runs. x: how many times as fast as the first bar; "
        f"upsampling: as off.\n{printable(str(benchmark.conditions))}",
        x=0.01, ha="left", size=8, color="#60646c", wrap=True, parse_math=False,
    )  # fmt: skip
    with warnings.catch_warnings():
        # A name may hold letters that no font here has; they are drawn as boxes.
        warnings.filterwarnings("ignore", r"Glyph \d+ ", UserWarning)
        figure.savefig(drawn := BytesIO(), format="rgba")
    rgba = np.frombuffer(drawn.getvalue(), np.uint8).reshape(-1, round(_WIDTH_IN * _DPI), 4)
    return np.ascontiguousarray(rgba[..., 2::-1])


def _draw_section(axes: Axes, section: Section) -> None:
    lengths = [sum(bar.parts.values()) for bar in section.bars]
    tails = max(bar.spread.p95 for bar in section.bars)
    end = max(max(lengths), min(tails, _LONGEST_TAIL * max(lengths)), 1e-9)
    for number, (bar, length) in enumerate(zip(section.bars, lengths, strict=True)):
        left = 0.0
        for color, (name, part) in enumerate(bar.parts.items(), bar.color):
            axes.barh(number, part, 0.62, left, color=_COLORS[color], label=name)
            left += part
        # Light around dark, as it lies half on the bar and half on the paper.
        for width, ink in ((4.0, "white"), (1.5, "#1e2026")):
            whisker = [[length - bar.spread.p5], [bar.spread.p95 - length]]
            axes.errorbar(
                length, number, xerr=np.maximum(whisker, 0), fmt="none", ecolor=ink,
                elinewidth=width, capsize=4, capthick=width,
            )  # fmt: skip
        behind = min(max(length, bar.spread.p95), end)
        axes.annotate(
            bar.note, (behind, number), (8, 0), textcoords="offset points", va="center",
            size=10, color="#60646c", annotation_clip=False, parse_math=False,
        )  # fmt: skip
    labels = [bar.label for bar in section.bars]
    axes.set_yticks(range(len(labels)), labels, size=10, parse_math=False)
    axes.set_xlim(0, end)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    title = printable(section.title[:_TITLE_SHOWN])
    stacked = len(section.bars[0].parts) > 1
    axes.set_title(title, loc="left", size=12, pad=28 if stacked else 6, parse_math=False)
    if stacked:
        handles, names = axes.get_legend_handles_labels()
        axes.legend(
            handles[: len(STAGES)], names[: len(STAGES)], ncols=len(STAGES), frameon=False,
            loc="lower left", bbox_to_anchor=(0, 1), borderpad=0, fontsize=10,
        )  # fmt: skip


def sections_of(benchmark: Benchmark) -> Iterator[Section]:
    """Yield what is drawn: end to end, then the networks, then the upsampling, where measured."""
    height, width = benchmark.picture_hw
    yield Section(
        f"{benchmark.picture}, {height}x{width}: from its file to the overlay's",
        list(_whole(benchmark)),
    )
    if benchmark.networks:
        yield Section("the network alone", list(_networks(benchmark)))
    for rows in benchmark.heads_by_kind():
        first = rows[0]
        height, width = first.grid_hw
        bars = [
            Bar(
                label=f"{row.classes_present} of {row.num_classes} classes, {form}",
                parts={form: latency.median},
                spread=latency,
                note=f"{latency.median:.2f} ms, {row.ratio(form):.1f} x",
                color=color,
            )
            for row in rows
            for color, (form, latency) in enumerate(row.latency_ms.items())
        ]
        title = f"upsampling alone, {height}x{width} grid, stride {first.stride}"
        yield Section(title + _threads(first.threads), bars)


def _whole(benchmark: Benchmark) -> Iterator[Bar]:
    for row in benchmark.whole:
        total = row.latency.total_ms
        medians = {stage: row.latency.stages_ms[stage].median for stage in STAGES}
        # The medians of the stages do not add up to that of the whole, where the bar should end.
        scale = total.median / sum(medians.values())
        yield Bar(
            label=_name(benchmark, row.model) + _threads(row.threads),
            parts={stage: scale * median for stage, median in medians.items()},
            spread=total,
            note=f"{total.median:.1f} ms, {row.images_per_second:.1f} fps, "
            f"{benchmark.speedup(row):.2f} x",
        )


def _networks(benchmark: Benchmark) -> Iterator[Bar]:
    first = benchmark.networks[0].latency_ms.median
    for row in benchmark.networks:
        median = row.latency_ms.median
        yield Bar(
            label=f"{_name(benchmark, row.model)}{_threads(row.threads)}, {row.engine}",
            parts={"network": median},
            spread=row.latency_ms,
            note=f"{median:.1f} ms, {first / median:.2f} x",
            color=1,
        )


def _name(benchmark: Benchmark, model: str) -> str:
    """A model's name; of a long one the beginning, where folders stand, is left out."""
    name = printable(benchmark.short_name(model))
    return name if len(name) <= _LABEL_SHOWN else "..." + name[3 - _LABEL_SHOWN :]


def _threads(threads: int | None) -> str:
    if threads is None:
        return ""
    return f", {threads} thread" + ("" if threads == 1 else "s")
