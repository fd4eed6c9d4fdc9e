"""The upsampling alone: from logits to a label for every pixel, one thread."""

import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch
from rich.table import Table
from torch import Tensor, nn

from ppmobileseg_deploy.exporters.graph import simplify
from ppmobileseg_deploy.exporters.options import Vim
from ppmobileseg_deploy.exporters.trace import INPUT, LABELS_PER_CELL, OUTPUT, make_optional
from ppmobileseg_deploy.model import labels_cell, labels_image, labels_off

from .logits import smooth_logits
from .sessions import onnxruntime_run
from .targets import Target
from .timing import Spread, latencies_ms

FORMS: Final[tuple[Vim, ...]] = ("off", "image", "cell")
CLASSES_PRESENT: Final = (5, 15, 30, 150)
STRIDES: Final = (16, 8)
_GOALS: Final = {16: 40.0, 8: 35.0}
_NUM_CLASSES: Final = 150
_OPSET: Final = 17


@dataclass(frozen=True)
class HeadRow:
    """All forms on one field of logits.

    Attributes:
        stride: Pixels per grid point along each side.
        grid_hw: Height and width of the logits.
        classes_present: Classes that win a grid point.
        latency_ms: Form to milliseconds.
        differing: Form to the number of labels that are not those of ``off``.
    """

    stride: int
    grid_hw: tuple[int, int]
    classes_present: int
    latency_ms: dict[str, Spread]
    differing: dict[str, int]

    def ratio(self, form: str) -> float:
        """Return how many times faster than ``off`` a form is."""
        return self.latency_ms["off"].median / self.latency_ms[form].median


def measure_head(
    turns: int,
    side: int = 512,
    strides: Sequence[int] = STRIDES,
    classes_present: Sequence[int] = CLASSES_PRESENT,
) -> list[HeadRow]:
    """Time all forms on made-up logits.

    Args:
        turns: How often each form has its turn.
        side: Height and width of the labels, a multiple of the strides.
        strides: Pixels per grid point.
        classes_present: How many of 150 classes win a grid point.
    """
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for stride in strides:
            grid = side // stride
            pinned = {"batch": 1, "height": grid, "width": grid}
            runs = {
                form: onnxruntime_run(export_head(form, stride, Path(folder)), 1, pinned)
                for form in FORMS
            }
            for count in classes_present:
                logits = smooth_logits(count, (grid, grid), _NUM_CLASSES)
                jobs: dict[str, Callable[[], object]] = {
                    form: partial(run, logits) for form, run in runs.items()
                }
                expected = runs["off"](logits)
                rows.append(
                    HeadRow(
                        stride=stride,
                        grid_hw=(grid, grid),
                        classes_present=len(np.unique(logits.argmax(1))),
                        latency_ms=latencies_ms(jobs, turns),
                        differing={
                            form: int((run(logits) != expected).sum())
                            for form, run in runs.items()
                        },
                    )
                )
    return rows


def export_head(form: Vim, stride: int, folder: Path) -> Path:
    """Export one form of upsampling alone, as it is at the end of an exported network.

    Args:
        form: Which one.
        stride: Pixels per grid point.
        folder: Where to write the file.

    Returns:
        The file: float32 (batch, 150, height, width) logits to int64 labels, any size.
    """
    path = folder / f"head_{form}_{stride}.onnx"
    inputs = {INPUT: torch.zeros(2, _NUM_CLASSES, 8, 10)}
    if form == "cell":
        inputs[LABELS_PER_CELL] = torch.tensor(stride)
    with warnings.catch_warnings():
        # The same as in `ppmobileseg_deploy.exporters.trace`, for the same reasons.
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"torch\.onnx")
        warnings.filterwarnings("ignore", message=".*legacy TorchScript-based ONNX export")
        warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)  # type: ignore[attr-defined]
        warnings.filterwarnings("ignore", message="Constant folding - Only steps=1 can be")
        torch.onnx.export(
            _Head(form, stride).eval(),
            tuple(inputs.values()),
            path,
            dynamo=False,
            opset_version=_OPSET,
            input_names=list(inputs),
            output_names=[OUTPUT],
            dynamic_axes={INPUT: {0: "batch", 2: "height", 3: "width"}},
        )
    model = simplify(onnx.load_model(path))
    if form == "cell":
        model = make_optional(model, stride)
    onnx.save_model(model, path)
    return path


class _Head(nn.Module):
    def __init__(self, form: Vim, stride: int) -> None:
        super().__init__()
        self.form = form
        self.stride = stride

    def forward(self, logits: Tensor, labels_per_cell: Tensor | None = None) -> Tensor:
        if labels_per_cell is not None:
            return labels_cell(logits, labels_per_cell)
        size_hw = [side * self.stride for side in logits.shape[-2:]]
        upsample = labels_image if self.form == "image" else labels_off
        return upsample(logits, size_hw)


def head_table(rows: Sequence[HeadRow]) -> Table:
    """Lay out the measurements for printing."""
    table = Table(
        title="upsampling alone, 150 classes, 1 thread, shapes pinned, ms (median)",
        title_justify="left",
    )
    headings = ("stride", "classes present", *FORMS, "off/image", "off/cell", "differing labels")
    for heading in headings:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(
            str(row.stride),
            str(row.classes_present),
            *(f"{row.latency_ms[form].median:.2f}" for form in FORMS),
            f"{row.ratio('image'):.1f} x",
            f"{row.ratio('cell'):.1f} x",
            ", ".join(f"{form} {row.differing[form]}" for form in FORMS[1:]),
        )
    return table


def head_targets(rows: Sequence[HeadRow]) -> list[Target]:
    """Hold the measurements to what was promised."""
    found = {(row.stride, row.classes_present): row for row in rows}
    targets = []
    for stride, goal in _GOALS.items():
        if (stride, 15) in found:
            name = f"head, stride {stride}, 15 classes: off / cell"
            targets.append(Target(name, found[stride, 15].ratio("cell"), goal, True, "x"))
    for stride in _GOALS:
        if {(stride, 5), (stride, 150)} <= found.keys():
            few, many = (found[stride, count].latency_ms["cell"].median for count in (5, 150))
            name = f"head, stride {stride}: cell with 150 classes / with 5"
            targets.append(Target(name, many / few, 4.0, False, "x"))
    return targets
