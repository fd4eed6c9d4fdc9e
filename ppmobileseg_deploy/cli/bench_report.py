"""What ``ppms bench`` prints and writes."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..benchmarking import STAGES, Spread
from ..benchmarking.benchmark import Benchmark
from ..quoting import printable
from .console import plural

if TYPE_CHECKING:
    from ..benchmarking.head import HeadRow

_SHORT: Final = {"preprocess": "prep", "inference": "infer", "postprocess": "post"}


def print_report(benchmark: Benchmark, console: Console) -> None:
    """Print the conditions and a table of everything that was measured."""
    console.print(Text(printable(str(benchmark.conditions))))
    height, width = benchmark.picture_hw
    console.print(
        Text(
            f"{printable(benchmark.picture)}, {height}x{width} (height x width), file to "
            f"overlay; {plural(benchmark.turns, 'run')} each, taking turns; ms"
        )
    )
    for table in (_whole(benchmark), _stages(benchmark)):
        console.print()
        console.print(table)
    if benchmark.networks:
        console.print()
        console.print(
            "network alone, opened for this size, one label a pixel of its input; ms; equal: to "
            "the labels of the same file in ONNX Runtime"
        )
        console.print(_networks(benchmark))
    for rows in benchmark.heads_by_kind():
        console.print()
        console.print(head_table(rows))


def _table(*columns: str, gap: int = 1) -> Table:
    """A plain table: the first column is text, the others are numbers, ``gap`` spaces apart."""
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="bold")
    for number, column in enumerate(columns):
        if number == 0:
            table.add_column(column, overflow="fold")
        else:
            table.add_column(column, justify="right", no_wrap=True)
    return table


def _whole(benchmark: Benchmark) -> Table:
    table = _table("model", "threads", "median", "p5 to p95", "fps", "speed", "peak MB", "start")
    for row in benchmark.whole:
        total, peak_mb = row.latency.total_ms, row.start.peak_mb
        table.add_row(
            _name(benchmark, row.model),
            _threads(row.threads),
            f"{total.median:.1f}",
            _range(total),
            f"{row.images_per_second:.1f}",
            f"{benchmark.speedup(row):.2f} x",
            "-" if peak_mb is None else f"{peak_mb:.0f}",
            f"{row.start.session_ms.median:.0f}",
        )
    return table


def _stages(benchmark: Benchmark) -> Table:
    headings = (_SHORT.get(stage, stage) for stage in STAGES)
    table = _table("model", "threads", "network", *headings, "classes")
    for row in benchmark.whole:
        table.add_row(
            _name(benchmark, row.model),
            _threads(row.threads),
            "{}x{}".format(*row.network_hw),
            *(f"{row.latency.stages_ms[stage].median:.1f}" for stage in STAGES),
            str(row.classes_found),
        )
    return table


def _networks(benchmark: Benchmark) -> Table:
    table = _table("model", "threads", "engine", "median", "p5 to p95", "speed", "equal %")
    first = benchmark.networks[0].latency_ms.median
    for row in benchmark.networks:
        table.add_row(
            _name(benchmark, row.model),
            _threads(row.threads),
            row.engine,
            f"{row.latency_ms.median:.1f}",
            _range(row.latency_ms),
            f"{first / row.latency_ms.median:.2f} x",
            f"{100 * row.equal:.3f}",
        )
    return table


def head_table(rows: "Sequence[HeadRow]") -> Table:
    """Lay out what the upsampling alone takes.

    Args:
        rows: At least one; all of one grid, stride and number of threads.
    """
    first = rows[0]
    forms = list(first.latency_ms)
    others = forms[1:]
    table = _table(
        "present",
        *forms,
        *(f"{forms[0]}/{form}" for form in others),
        f"wrong ({', '.join(others)})",
        gap=2,
    )
    height, width = first.grid_hw
    threads = "all threads" if first.threads is None else plural(first.threads, "thread")
    table.title = (
        f"upsampling alone: {height}x{width} grid, stride {first.stride}, "
        f"{first.num_classes} classes, {threads}; ms"
    )
    table.title_justify = "left"
    table.title_style = ""
    for row in rows:
        table.add_row(
            str(row.classes_present),
            *(f"{row.latency_ms[form].median:.2f}" for form in forms),
            *(f"{row.ratio(form):.1f} x" for form in others),
            ", ".join(str(row.differing[form]) for form in others),
        )
    return table


def _name(benchmark: Benchmark, model: str) -> Text:
    shown = benchmark.short_name(model)
    name = Path(shown).name
    # A path breaks before the file's name: the column is narrow, and would break within it.
    return Text("\n".join(printable(part) for part in (shown.removesuffix(name), name) if part))


def _threads(threads: int | None) -> str:
    return "all" if threads is None else str(threads)


def _range(spread: Spread) -> str:
    return f"{spread.p5:.1f} to {spread.p95:.1f}"


def as_json(benchmark: Benchmark) -> dict[str, Any]:
    """Return all figures as plain data; what is not known is None."""
    report: dict[str, Any] = asdict(benchmark)
    report["conditions"]["busy"] = benchmark.conditions.busy
    for found, row in zip(report["whole"], benchmark.whole, strict=True):
        found["images_per_second"] = row.images_per_second
        found["speedup"] = benchmark.speedup(row)
    return report
