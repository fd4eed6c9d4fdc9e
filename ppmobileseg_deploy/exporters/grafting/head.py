"""The new end: labels cell by cell, however the network's own end enlarges its scores."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import torch
from onnx import ModelProto, version_converter
from torch import Tensor, nn

from ...errors import ExportError
from ...model.axes import Axis, Resizing, enlarged_axis, interpolated_axis
from ...model.cell import labels_on_axes, narrow_type
from ...types import SizeHW
from ..label_head import traced
from ..options import OPSETS
from .ends import End

SCORES: Final = "scores"
SIZES: Final = "size_{}"
LABELS: Final = "labels"

_EXAMPLE_GRID: Final = (8, 10)
_EXAMPLE_FACTOR: Final = 3


def graft_head(
    end: End,
    channels: int,
    opset: int,
    fixed_hw: Sequence[SizeHW] | None = None,
    batch: int | None = None,
) -> ModelProto:
    """Build it.

    Args:
        end: The end that it replaces.
        channels: Of the scores.
        opset: ONNX opset version.
        fixed_hw: Height and width of the coarse scores and of what each enlargement makes of
            them, where they never change.
        batch: How many images there are, where that never changes.

    Returns:
        A model with the input `SCORES`, float32 (batch, channels, height, width), and, without
        fixed sizes, an input ``size_0``, int64 (2,), for each enlargement, height and width that
        it makes. Its output `LABELS` is (batch, 1, height, width), uint8 or int32.

    Raises:
        ExportError: PyTorch or ONNX cannot translate it.
    """
    grid_hw = fixed_hw[0] if fixed_hw else _EXAMPLE_GRID
    example = {SCORES: torch.zeros(batch or 1, channels, *grid_hw)}
    if fixed_hw is None:
        for number in range(1, len(end.resizes) + 1):
            sides = [side * _EXAMPLE_FACTOR**number for side in grid_hw]
            example[SIZES.format(number - 1)] = torch.tensor(sides)
    images = {} if batch else {0: "batch"}
    grid = {} if fixed_hw else {2: "grid_height", 3: "grid_width"}
    size = {} if fixed_hw else {2: "label_height", 3: "label_width"}
    head = traced(
        _GraftHead(end, fixed_hw).eval(),
        example,
        {SCORES: images | grid},
        images | size,
        opset=min(opset, OPSETS.stop - 1),
    )
    if opset >= OPSETS.stop:
        try:
            head = version_converter.convert_version(head, opset)
        except Exception as error:  # the converter raises whatever its C++ side throws
            raise ExportError(f"ONNX cannot convert the label head: {error}") from error
    return head


class _GraftHead(nn.Module):
    def __init__(self, end: End, fixed_hw: Sequence[SizeHW] | None) -> None:
        super().__init__()
        self.end = end
        self.fixed_hw = fixed_hw

    def forward(self, scores: Tensor, *sizes: Tensor) -> Tensor:
        if self.end.threshold is not None:
            scores = torch.cat([torch.full_like(scores, self.end.threshold), scores], 1)
        rows, columns = (self._axis(scores, sizes, axis) for axis in (0, 1))
        return labels_on_axes(scores, rows, columns, narrow_type(scores.shape[1]))

    def _axis(self, scores: Tensor, sizes: Sequence[Tensor], axis: int) -> Axis:
        """Return how the rows (0) or the columns (1) of the label map are interpolated."""
        if self.fixed_hw is not None:
            lengths = [torch.tensor(size_hw[axis]) for size_hw in self.fixed_hw]
        else:
            lengths = [torch.as_tensor(scores.shape[2 + axis]), *(each[axis] for each in sizes)]
        steps = self.end.resizes
        factor = _whole_factor(self.end)
        if factor is not None:
            return enlarged_axis(lengths[0], factor, lengths[1])
        return interpolated_axis(
            [
                Resizing(step.rule, *pair, ratio=step.ratio)
                for step, pair in zip(steps, pairwise(lengths), strict=True)
            ]
        )


def _whole_factor(end: End) -> int | None:
    """Return the factor of one enlargement by a whole number with centres aligned, else None."""
    (first, *more) = end.resizes
    if more or first.ratio is None or not first.rule.endswith("half_pixel"):
        return None
    old, new = first.ratio
    return new if old == 1 else None
