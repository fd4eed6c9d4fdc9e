"""The upsampling alone: from logits to a label for every pixel, one thread."""

from collections.abc import Sequence
from typing import Final

from rich.table import Table

from ppmobileseg_deploy.benchmarking.head import HeadRow, measure_head
from ppmobileseg_deploy.cli.bench_report import head_table

from .targets import Target

CLASSES_PRESENT: Final = (5, 15, 30, 150)
STRIDES: Final = (16, 8)
_GOALS: Final = {16: 40.0, 8: 35.0}


def measure_heads(turns: int, side: int = 512) -> list[HeadRow]:
    """Time all forms on synthetic logits.

    Args:
        turns: How often each form has its turn.
        side: Height and width of the labels, a multiple of the strides.
    """
    return [
        row
        for stride in STRIDES
        for row in measure_head(
            turns, stride, (side // stride, side // stride), CLASSES_PRESENT, threads=1
        )
    ]


def head_tables(rows: Sequence[HeadRow]) -> list[Table]:
    """Lay out the measurements for printing, each stride in a table of its own."""
    return [head_table([row for row in rows if row.stride == stride]) for stride in STRIDES]


def head_targets(rows: Sequence[HeadRow]) -> list[Target]:
    """Hold the measurements to what was promised."""
    found = {(row.stride, row.classes_present): row for row in rows}
    targets = []
    for stride, goal in _GOALS.items():
        if (stride, 15) in found:
            name = f"head, stride {stride}, 15 classes: off / cell"
            targets.append(
                Target(name, found[stride, 15].ratio("cell"), goal, at_least=True, unit="x")
            )
    for stride in _GOALS:
        if {(stride, 5), (stride, 150)} <= found.keys():
            few, many = (found[stride, count].latency_ms["cell"].median for count in (5, 150))
            name = f"head, stride {stride}: cell with 150 classes / with 5"
            targets.append(Target(name, many / few, 4.0, at_least=False, unit="x"))
    return targets
