"""The whole way, all cores: a JPEG in, an overlay as JPEG out."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from rich.table import Table

from ppmobileseg_deploy import OrtSegmenter
from ppmobileseg_deploy.benchmarking import (
    STAGES,
    Stages,
    StageSpreads,
    segment_file,
    take_turns,
)
from ppmobileseg_deploy.exporters.options import Vim

from .inputs import write_photograph
from .mask_pipeline import MaskPipeline
from .targets import Target

OURS: Final = "ppms-infer"
OURS_SMALL: Final = "ppms-infer --input-size 512x512"
THEIRS: Final = "mmsegmentation's procedure"
_GOALS: Final = {OURS: 6.0, OURS_SMALL: 9.0}


@dataclass(frozen=True)
class PipelineRow:
    """One way from file to file.

    Attributes:
        way: Which one.
        latency: Milliseconds, all together and stage by stage.
    """

    way: str
    latency: StageSpreads


def measure_pipeline(
    files: dict[Vim, Path], turns: int, size_hw: tuple[int, int] = (1080, 1920)
) -> list[PipelineRow]:
    """Time three ways from a photograph's file to an overlay's.

    Args:
        files: Form to file of one network; ours runs ``cell``, theirs ``off``.
        turns: How often each way has its turn.
        size_hw: Height and width of the photograph.
    """
    with tempfile.TemporaryDirectory() as folder:
        photograph = Path(folder) / "photograph.jpg"
        overlay = Path(folder) / "overlay.jpg"
        write_photograph(photograph, size_hw)
        ours = OrtSegmenter(files["cell"])
        ours_small = OrtSegmenter(files["cell"], input_size_hw=(512, 512))
        jobs: dict[str, Callable[[], Stages]] = {
            THEIRS: partial(MaskPipeline(files["off"]), photograph, overlay),
            OURS: partial(segment_file, ours, photograph, overlay),
            OURS_SMALL: partial(segment_file, ours_small, photograph, overlay),
        }
        samples = take_turns(jobs, turns)
    return [PipelineRow(way, StageSpreads.of(taken)) for way, taken in samples.items()]


def pipeline_table(rows: Sequence[PipelineRow], size_hw: tuple[int, int] = (1080, 1920)) -> Table:
    """Lay out the measurements for printing."""
    table = Table(
        title=f"{size_hw[1]}x{size_hw[0]} JPEG to overlay as JPEG, tiny, all cores, ms (median)",
        title_justify="left",
    )
    for heading in ("way", *STAGES, "total", "p5 to p95", "ratio"):
        table.add_column(heading, justify="left" if heading == "way" else "right")
    first = rows[0].latency.total_ms
    for row in rows:
        total = row.latency.total_ms
        table.add_row(
            row.way,
            *(f"{row.latency.stages_ms[stage].median:.1f}" for stage in STAGES),
            f"{total.median:.1f}",
            f"{total.p5:.1f} to {total.p95:.1f}",
            f"{first.median / total.median:.2f} x",
        )
    return table


def pipeline_targets(rows: Sequence[PipelineRow]) -> list[Target]:
    """Hold the measurements to what was promised."""
    medians = {row.way: row.latency.total_ms.median for row in rows}
    return [
        Target(
            f"whole way: {THEIRS} / {way}",
            medians[THEIRS] / medians[way],
            goal,
            at_least=True,
            unit="x",
        )
        for way, goal in _GOALS.items()
    ]
