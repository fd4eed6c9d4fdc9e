"""ONNX operators that PyTorch's exporter reaches only by a detour over shape arithmetic."""

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional as F


class _Reshape(torch.autograd.Function):
    @staticmethod
    def forward(_context: Any, x: Tensor, shape: tuple[int, ...]) -> Tensor:
        return x.reshape([x.shape[i] if size == 0 else size for i, size in enumerate(shape)])

    @staticmethod
    def symbolic(g: Any, x: Any, shape: tuple[int, ...]) -> Any:
        return g.op("Reshape", x, g.op("Constant", value_t=torch.tensor(shape)))


class _ResizeLike(torch.autograd.Function):
    @staticmethod
    def forward(_context: Any, x: Tensor, reference: Tensor) -> Tensor:
        return F.interpolate(x, size=reference.shape[2:], mode="bilinear", align_corners=False)

    @staticmethod
    def symbolic(g: Any, x: Any, reference: Any) -> Any:
        return _resize(g, x, g.op("Shape", reference))


class _ResizePositions(torch.autograd.Function):
    @staticmethod
    def forward(_context: Any, x: Tensor, reference: Tensor) -> Tensor:
        return F.interpolate(x, size=reference.shape[2:], mode="linear", align_corners=False)

    @staticmethod
    def symbolic(g: Any, x: Any, reference: Any) -> Any:
        fixed = g.op("Constant", value_t=torch.tensor(x.type().sizes()[:2]))
        length = g.op("Shape", reference, start_i=2)
        return _resize(g, x, g.op("Concat", fixed, length, axis_i=0))


def _resize(g: Any, x: Any, sizes: Any) -> Any:
    empty = g.op("Constant", value_t=torch.tensor([], dtype=torch.float32))
    return g.op(
        "Resize",
        x,
        empty,
        empty,
        sizes,
        mode_s="linear",
        coordinate_transformation_mode_s="half_pixel",
        nearest_mode_s="floor",
    )


reshape: Final[Callable[[Tensor, tuple[int, ...]], Tensor]] = _Reshape.apply
"""``reshape(x, shape)`` as ONNX reads ``shape``: 0 keeps a dimension, -1 infers one. One node."""

resize_like: Final[Callable[[Tensor, Tensor], Tensor]] = _ResizeLike.apply
"""``resize_like(x, reference)``: bilinear, to the height and width of a tensor that has as many
samples and channels. A Shape and a Resize."""

resize_positions: Final[Callable[[Tensor, Tensor], Tensor]] = _ResizePositions.apply
"""``resize_positions(x, reference)``: (n, channels, positions), linearly to the last dimension
of a tensor of rank 3. A Shape, a Concat and a Resize."""


def enlarge(x: Tensor, factor: int) -> Tensor:
    """Enlarge (batch, channels, h, w) bilinearly by a constant factor."""
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
