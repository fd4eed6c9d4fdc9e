"""Whole networks: every form of the exported file, one thread, and OpenVINO beside them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from rich.table import Table

from ppmobileseg_deploy.benchmarking import Spread, latencies_ms
from ppmobileseg_deploy.benchmarking.head import FORMS
from ppmobileseg_deploy.benchmarking.networks import (
    Run,
    has_openvino,
    onnxruntime_run,
    openvino_run,
)
from ppmobileseg_deploy.checkpoints import Checkpoint, load_checkpoint
from ppmobileseg_deploy.exporters import ExportOptions, export_onnx
from ppmobileseg_deploy.exporters.options import Vim

from .inputs import DEMO_CHECKPOINT, demo_tensor, drawn_checkpoint
from .targets import Target

_GOALS: Final = {"tiny": 8.0, "base": 4.0}
_OPENVINO: Final = "OpenVINO, cell"


@dataclass(frozen=True)
class ModelRow:
    """One way to run one network.

    Attributes:
        variant: ``"tiny"`` or ``"base"``.
        way: Form of the file, and how it is run.
        latency_ms: Milliseconds, None where it could not be run.
        classes_present: Different labels in the result.
        differing: Labels that are not those of ``off``.
    """

    variant: str
    way: str
    latency_ms: Spread | None
    classes_present: int
    differing: int


def checkpoint_for(variant: str) -> Checkpoint:
    """Return the weights to measure with: the demo's for tiny, drawn ones for base."""
    return load_checkpoint(DEMO_CHECKPOINT) if variant == "tiny" else drawn_checkpoint(variant)


def export_forms(variant: str, folder: Path) -> dict[Vim, Path]:
    """Export every form of a network; the proof of parity is left to ``ppms-export``.

    Args:
        variant: ``"tiny"`` or ``"base"``.
        folder: Where to write the files.

    Returns:
        Form to file.
    """
    checkpoint = checkpoint_for(variant)
    files = {form: folder / f"{variant}_{form}.onnx" for form in FORMS}
    for form, path in files.items():
        export_onnx(checkpoint, path, ExportOptions(vim=form), verify=False)
    return files


def measure_model(
    variant: str, files: dict[Vim, Path], turns: int, side: int = 512
) -> list[ModelRow]:
    """Time every form of a network on a square picture, one thread.

    Args:
        variant: What the files hold.
        files: Form to file, see `export_forms`.
        turns: How often each way has its turn.
        side: Height and width of the picture, a multiple of 32.
    """
    tensor = demo_tensor(side)
    pinned = {"batch": 1, "height": side, "width": side}
    runs: dict[str, Run] = {}
    for form, path in files.items():
        runs[f"{form}, dynamic"] = onnxruntime_run(path, 1)
        runs[f"{form}, pinned"] = onnxruntime_run(path, 1, pinned)
    if has_openvino():
        runs[_OPENVINO] = openvino_run(files["cell"], (1, 3, side, side), 1)
    jobs: dict[str, Callable[[], object]] = {
        way: partial(run, tensor) for way, run in runs.items()
    }
    latency = latencies_ms(jobs, turns)
    expected = runs["off, dynamic"](tensor)
    rows = []
    for way, run in runs.items():
        labels = run(tensor)
        rows.append(
            ModelRow(
                variant=variant,
                way=way,
                latency_ms=latency[way],
                classes_present=len(np.unique(labels)),
                differing=int((labels != expected).sum()),
            )
        )
    if not has_openvino():
        rows.append(ModelRow(variant, _OPENVINO, None, 0, 0))
    return rows


def model_table(rows: Sequence[ModelRow], side: int = 512) -> Table:
    """Lay out the measurements for printing."""
    table = Table(title=f"whole network, {side}x{side}, 1 thread, ms", title_justify="left")
    headings = ("network", "form", "median", "p5 to p95", "off, pinned / this", "classes present")
    for heading in (*headings, "differing labels"):
        table.add_column(heading, justify="left" if heading in headings[:2] else "right")
    for row in rows:
        if row.latency_ms is None:
            table.add_row(row.variant, row.way, "not installed", *[""] * 4)
            continue
        latency = row.latency_ms
        table.add_row(
            row.variant,
            row.way,
            f"{latency.median:.2f}",
            f"{latency.p5:.2f} to {latency.p95:.2f}",
            f"{_median(rows, row.variant, 'off, pinned') / latency.median:.2f} x",
            str(row.classes_present),
            str(row.differing),
        )
    return table


def model_targets(rows: Sequence[ModelRow]) -> list[Target]:
    """Hold the measurements to what was promised."""
    targets = []
    for variant in dict.fromkeys(row.variant for row in rows):
        ours = _median(rows, variant, "cell, pinned")
        speedup = _median(rows, variant, "off, pinned") / ours
        name = f"{variant}, shapes pinned: off / cell"
        targets.append(Target(name, speedup, _GOALS[variant], at_least=True, unit="x"))
        theirs = _median(rows, variant, _OPENVINO)
        name = f"{variant}, cell: ONNX Runtime, pinned / OpenVINO"
        targets.append(
            Target(name, ours / theirs if theirs else None, 1.0, at_least=False, unit="x")
        )
    return targets


def _median(rows: Sequence[ModelRow], variant: str, way: str) -> float:
    """Milliseconds, 0 where the way could not be run."""
    found = next(row.latency_ms for row in rows if (row.variant, row.way) == (variant, way))
    return found.median if found else 0.0
