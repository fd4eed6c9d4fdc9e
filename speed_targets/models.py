"""Whole networks: every form of the exported file, one thread, and OpenVINO beside them.

"network" is the file up to its logits, as the runtime runs it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from ppmobileseg_deploy.benchmarking import Spread, latencies_ms
from ppmobileseg_deploy.benchmarking.head import FORMS
from ppmobileseg_deploy.benchmarking.networks import (
    Run,
    has_openvino,
    network_run,
    onnxruntime_run,
    openvino_run,
)
from ppmobileseg_deploy.checkpoints import Checkpoint, load_checkpoint
from ppmobileseg_deploy.exporters import ExportOptions, export_onnx
from ppmobileseg_deploy.exporters.options import Vim
from ppmobileseg_deploy.runtime.inference.execution import Execution
from ppmobileseg_deploy.runtime.inference.label_head import LabelHead
from ppmobileseg_deploy.runtime.inference.ort_session import SessionFactory
from ppmobileseg_deploy.runtime.inference.sampling import resized_axis

from .inputs import DEMO_CHECKPOINT, demo_tensor, drawn_checkpoint
from .targets import Target

_GOALS: Final = {"tiny": 8.0, "base": 4.0}
_BFLOAT16_GOAL: Final = 1.6
_OPENVINO: Final = "OpenVINO, cell"
_NETWORK: Final = "cell, network, pinned"
_BFLOAT16: Final = "OpenVINO bf16, network"


@dataclass(frozen=True)
class ModelRow:
    """One way to run one network.

    Attributes:
        variant: ``"tiny"`` or ``"base"``.
        way: Form of the file, and how it is run.
        latency_ms: Milliseconds; None where OpenVINO is not installed, or has no bfloat16 here.
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
    runs[_NETWORK] = network_run(files["cell"], 1, pinned)
    if has_openvino():
        runs[_OPENVINO] = openvino_run(files["cell"], tensor.shape, 1)
    if has_openvino("bf16"):
        content = SessionFactory.of(files["cell"], Execution()).model()
        runs[_BFLOAT16] = openvino_run(content, tensor.shape, 1, "bf16")
    jobs: dict[str, Callable[[], object]] = {
        way: partial(run, tensor) for way, run in runs.items()
    }
    latency = latencies_ms(jobs, turns)
    expected = runs["off, dynamic"](tensor)
    rows = []
    for way, run in runs.items():
        labels = _labels(run(tensor), side)
        rows.append(
            ModelRow(
                variant=variant,
                way=way,
                latency_ms=latency[way],
                classes_present=len(np.unique(labels)),
                differing=int((labels != expected).sum()),
            )
        )
    missing = [way for way in (_OPENVINO, _BFLOAT16) if way not in runs]
    return rows + [ModelRow(variant, way, None, 0, 0) for way in missing]


def _labels(output: NDArray[Any], side: int) -> NDArray[Any]:
    """Return the labels of a network, by the head that the runtime has for logits."""
    if output.shape[1] == 1:
        return output
    axis = resized_axis(output.shape[2], side, side, side)
    return LabelHead(output.shape[1]).labels(output[0], axis, axis)[None, None]


def model_table(rows: Sequence[ModelRow], side: int = 512) -> Table:
    """Lay out the measurements for printing."""
    table = Table(title=f"whole network, {side}x{side}, 1 thread, ms", title_justify="left")
    headings = ("network", "form", "median", "p5 to p95", "off, pinned / this", "classes present")
    for heading in (*headings, "differing labels"):
        table.add_column(heading, justify="left" if heading in headings[:2] else "right")
    for row in rows:
        if row.latency_ms is None:
            table.add_row(row.variant, row.way, "not here", *[""] * 4)
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
        network, bfloat16 = (_median(rows, variant, way) for way in (_NETWORK, _BFLOAT16))
        ratio = network / bfloat16 if bfloat16 else None
        name = f"{variant}, network: ours in float32 / OpenVINO in bf16"
        targets.append(Target(name, ratio, _BFLOAT16_GOAL, at_least=True, unit="x"))
    return targets


def _median(rows: Sequence[ModelRow], variant: str, way: str) -> float:
    """Milliseconds, 0 where the way could not be run."""
    found = next(row.latency_ms for row in rows if (row.variant, row.way) == (variant, way))
    return found.median if found else 0.0
