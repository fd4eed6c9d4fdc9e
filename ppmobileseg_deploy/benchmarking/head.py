"""The upsampling alone: from synthetic logits to a label for every pixel, in all three forms.

Needs the packages of the extra ``export``.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import onnx
import torch
from torch import Tensor, nn

from ..agreement.synthetic import require_possible, smooth_logits
from ..exporters.graph import simplify
from ..exporters.options import Vim
from ..exporters.trace import INPUT, OUTPUT, known_warnings
from ..model import labels_cell, labels_image, labels_off
from .networks import onnxruntime_run
from .timing import Progress, Spread, latencies_ms

FORMS: Final[tuple[Vim, ...]] = ("off", "image", "cell")
"""Ways to upsample, see `exporters.ExportOptions`."""

_OPSET: Final = 17


@dataclass(frozen=True)
class HeadRow:
    """All forms on one field of logits.

    Attributes:
        stride: Labels along each side of a grid point.
        threads: Threads within an operator, None for as many as the process may use.
        grid_hw: Height and width of the logits.
        num_classes: How many classes there are.
        classes_present: Classes that win a grid point.
        latency_ms: Form to milliseconds.
        differing: Form to the number of labels that are not those of ``off``.
    """

    stride: int
    threads: int | None
    grid_hw: tuple[int, int]
    num_classes: int
    classes_present: int
    latency_ms: dict[str, Spread]
    differing: dict[str, int]

    def ratio(self, form: str) -> float:
        """Return how many times faster than ``off`` a form is."""
        return self.latency_ms["off"].median / self.latency_ms[form].median


def measure_head(
    turns: int,
    stride: int,
    grid_hw: tuple[int, int],
    classes_present: Sequence[int],
    *,
    num_classes: int = 150,
    threads: int | None = None,
    on_progress: Progress | None = None,
) -> list[HeadRow]:
    """Time all forms on synthetic logits, shapes fixed.

    Args:
        turns: How often each form has its turn.
        stride: Labels along each side of a grid point.
        grid_hw: Height and width of the logits.
        classes_present: How many of the classes win a grid point, one row for each.
        num_classes: How many classes there are.
        threads: Threads within an operator, None for as many as the process may use.
        on_progress: Called with how many turns are done, and how many there are.

    Raises:
        UsageError: More classes are to be present than there are, or than grid points; or a
            number of threads that makes no sense.
    """
    require_possible(classes_present, grid_hw, num_classes)
    lengths = {"batch": 1, "height": grid_hw[0], "width": grid_hw[1]}
    with tempfile.TemporaryDirectory() as folder:
        runs = {
            form: onnxruntime_run(
                export_head(form, stride, num_classes, Path(folder)), threads, lengths
            )
            for form in FORMS
        }
        fields = {count: smooth_logits(count, grid_hw, num_classes) for count in classes_present}
        jobs: dict[tuple[int, str], Callable[[], object]] = {
            (count, form): partial(run, logits)
            for count, logits in fields.items()
            for form, run in runs.items()
        }
        latency = latencies_ms(jobs, turns, on_progress=on_progress)
        rows = []
        for count, logits in fields.items():
            expected = runs["off"](logits)
            rows.append(
                HeadRow(
                    stride=stride,
                    threads=threads,
                    grid_hw=grid_hw,
                    num_classes=num_classes,
                    classes_present=count,
                    latency_ms={form: latency[count, form] for form in FORMS},
                    differing={
                        form: int((run(logits) != expected).sum()) for form, run in runs.items()
                    },
                )
            )
    return rows


def export_head(form: Vim, stride: int, num_classes: int, folder: Path) -> Path:
    """Export one form of upsampling alone, as it is at the end of an exported network.

    Args:
        form: Which one.
        stride: Labels along each side of a grid point.
        num_classes: How many classes there are.
        folder: Where to write the file.

    Returns:
        The file: float32 (batch, classes, height, width) logits to int64 labels, any size.
    """
    path = folder / f"head_{form}_{stride}.onnx"
    with known_warnings():
        torch.onnx.export(
            _Head(form, stride).eval(),
            (torch.zeros(2, num_classes, 8, 10),),
            path,
            dynamo=False,
            opset_version=_OPSET,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes={INPUT: {0: "batch", 2: "height", 3: "width"}},
        )
    onnx.save_model(simplify(onnx.load_model(path)), path)
    return path


class _Head(nn.Module):
    def __init__(self, form: Vim, stride: int) -> None:
        super().__init__()
        self.form = form
        self.stride = stride

    def forward(self, logits: Tensor) -> Tensor:
        if self.form == "cell":
            return labels_cell(logits, self.stride)
        size_hw = [side * self.stride for side in logits.shape[-2:]]
        upsample = labels_image if self.form == "image" else labels_off
        return upsample(logits, size_hw)
