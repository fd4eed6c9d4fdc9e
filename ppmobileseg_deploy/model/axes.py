"""How the pixels along one axis of a label map are interpolated from the grid of logits.

Bilinear resizing treats the two axes of an image separately, so that everything about geometry
can be said of one axis at a time. All functions here trace to standard ONNX operators.

Pixels are grouped into cells. The pixels of a cell are interpolated from the same few grid points,
its corners. Cell 0 lies before the first grid point, and its pixels have that point's values; cell
c begins at grid point c - 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor


@dataclass(frozen=True)
class Axis:
    """The cells along one axis, and the place of every pixel in them.

    Attributes:
        corners: int64 (cells, k), the grid points that a cell's pixels are interpolated from.
            Where a cell has fewer than k, one of them stands more than once.
        weights: float32 (cells, pixels, k), what each corner contributes to each of a cell's
            pixels; not negative, and 1 in sum. Where a cell has fewer pixels, the rest is unused.
        cell: int64 (length,), the cell of each pixel of the label map, ascending.
        pixel: int64 (length,), which of that cell's pixels it is.
    """

    corners: Tensor
    weights: Tensor
    cell: Tensor
    pixel: Tensor


def enlarged_axis(grid: Tensor | int, factor: Tensor | int, length: Tensor | int) -> Axis:
    """Enlarge by a whole number, with pixel centres aligned (``align_corners=False``).

    Pixel y has the source coordinate (y + 1/2) / factor - 1/2. So, shifted by ``(factor + 1) //
    2``, every cell has ``factor`` pixels, and the weights are those of every other cell.

    Args:
        grid: Number of grid points.
        factor: Pixels per grid point, at least 1.
        length: Number of pixels wanted, at least 1 and at most ``grid * factor``.
    """
    cells = torch.arange(_as_size(grid + 1))
    # The last grid point is taken from a tensor, so that it is no constant of the trace.
    corners = torch.stack([(cells - 1).clamp(min=0), torch.minimum(cells, cells[-1] - 1)], 1)
    pixels = torch.arange(_as_size(factor))
    right = (pixels + 0.5 * (1 - factor % 2)) / factor
    weights = torch.stack([1 - right, right], 1).expand(corners.shape[0], -1, -1)
    shifted = torch.arange(_as_size(length)) + (factor + 1) // 2
    cell = torch.div(shifted, factor, rounding_mode="trunc")
    return Axis(corners, weights, cell, shifted - cell * factor)


def resized_axis(grid: Tensor, padded: Tensor, valid: Tensor, length: Tensor) -> Axis:
    """Enlarge to the padded image, cut the padding off, resize to the photograph.

    This is mmsegmentation's rule, ``align_corners=False`` both times. Each step takes a pixel from
    two neighbours, so that a pixel of the photograph depends on two grid points, or on three
    where its two neighbours lie on either side of one. It belongs to the cell of the first.

    Args:
        grid: int64 (), number of grid points.
        padded: int64 (), pixels of the network's input, a multiple of ``grid``.
        valid: int64 (), how many of them show the image, at least 1 and at most ``padded``.
        length: int64 (), pixels of the photograph, at least 1.
    """
    first, fraction = _neighbours(valid, length, torch.arange(_as_size(length)))
    second = torch.minimum(first + 1, valid - 1)
    point, right = _neighbours(grid, padded, torch.stack([first, second]))
    is_before = (2 * first + 1) * grid < padded
    cell = torch.where(is_before, torch.zeros_like(first), point[0] + 1)
    return _grouped(grid, length, cell, point, right, fraction)


@dataclass(frozen=True)
class Resizing:
    """One bilinear resizing along an axis, by one of ONNX's rules.

    Attributes:
        rule: Where a pixel lies among the source pixels: ``"half_pixel"`` (centres aligned),
            ``"pytorch_half_pixel"`` (likewise, but a single pixel is the first source pixel),
            ``"align_corners"`` (the first and the last aligned) or ``"asymmetric"`` (the upper
            left corners aligned).
        source: int64 (), number of source pixels.
        target: int64 (), number of pixels they are resized to.
        ratio: Source pixels and the pixels they become, where that is not source by target: a
            scale of 2.5 makes 32 pixels of 13, and has a ratio of 2 by 5.
    """

    rule: str
    source: Tensor
    target: Tensor
    ratio: tuple[int, int] | None = None

    def neighbours(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Find the two source pixels that a pixel is interpolated from.

        Args:
            pixels: int64, which pixels.

        Returns:
            The first of the two, int64; the weight of the one after it, float64 in [0, 1); and
            whether the pixel lies before the first source pixel, bool.
        """
        step, shift, unit = self._line()
        place = pixels * step + shift
        inside = torch.minimum(place.clamp(min=0), unit * (self.source - 1))
        first = torch.div(inside, unit, rounding_mode="trunc")
        right = (inside - first * unit).to(torch.float64) / unit.to(torch.float64)
        return first, right, place < 0

    def count_before(self, points: Tensor) -> Tensor:
        """Count the pixels that lie before points.

        Args:
            points: int64, which source pixels.

        Returns:
            int64, of each the number of pixels.
        """
        step, shift, unit = self._line()
        step = step.clamp(min=1)  # with 0 all pixels lie at 0
        rounded_up = torch.div(points * unit - shift + step - 1, step, rounding_mode="floor")
        return torch.minimum(rounded_up.clamp(min=0), self.target)

    def _line(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return whole numbers: pixel x lies at ``(x * step + shift) / unit`` source pixels."""
        zero = torch.zeros_like(self.target)
        old, new = self.ratio or (self.source, self.target)
        if self.rule == "align_corners":
            return self.source - 1, zero, (self.target - 1).clamp(min=1)
        if self.rule == "asymmetric":
            return zero + old, zero, zero + new
        several = (self.target - 1).clamp(max=1) if self.rule == "pytorch_half_pixel" else zero + 1
        return 2 * several * old, several * (old - new), zero + 2 * new


def interpolated_axis(resizings: Sequence[Resizing]) -> Axis:
    """Enlarge once, or twice in a row.

    Args:
        resizings: One, or two of which the first makes as many pixels as the second takes; no
            one of them makes fewer.
    """
    grid, length = resizings[0].source, resizings[-1].target
    pixels = torch.arange(_as_size(length))
    if len(resizings) == 1:
        first, right, is_before = resizings[0].neighbours(pixels)
        cell = torch.where(is_before, torch.zeros_like(first), first + 1)
        ends = _ends(resizings[0], grid)
        return _grouped(grid, length, cell, first.unsqueeze(0), right.unsqueeze(0), ends=ends)
    between, second = resizings
    first, fraction, _ = second.neighbours(pixels)
    pair = torch.stack([first, torch.minimum(first + 1, second.source - 1)])
    point, right, is_before = between.neighbours(pair)
    cell = torch.where(is_before[0], torch.zeros_like(first), point[0] + 1)
    of_between = _ends(between, grid)
    ends = torch.where(
        of_between < second.source, second.count_before(of_between), second.target
    ) * of_between.clamp(max=1)
    return _grouped(grid, length, cell, point, right, fraction, ends)


def _ends(resizing: Resizing, grid: Tensor) -> Tensor:
    """Return how many pixels the cells up to each have: all up to the last grid point's."""
    cells = torch.arange(_as_size(grid + 1))
    return torch.where(cells < grid, resizing.count_before(cells), resizing.target)


def _grouped(
    grid: Tensor,
    length: Tensor,
    cell: Tensor,
    point: Tensor,
    right: Tensor,
    fraction: Tensor | None = None,
    ends: Tensor | None = None,
) -> Axis:
    """Group pixels into cells.

    Args:
        grid: int64 (), number of grid points.
        length: int64 (), number of pixels.
        cell: int64 (length,), the cell of each.
        point: int64 (taps, length), the first of the two grid points that each of a pixel's one
            or two taps is interpolated from; in its cell or the next.
        right: float64 (taps, length), the weights of the points after these.
        fraction: float64 (length,), the weight of the second tap; None where there is one.
        ends: int64 (cells,), how many pixels the cells up to each have; None to count them.
    """
    cells = torch.arange(_as_size(grid + 1))
    places = torch.arange(len(point) + 1)  # of the corners of a cell
    share = torch.ones_like(right) if fraction is None else torch.stack([1 - fraction, fraction])
    place = point + 1 - cell
    weights = (
        (share * (1 - right)).unsqueeze(2) * (place.unsqueeze(2) == places)
        + (share * right).unsqueeze(2) * (place.unsqueeze(2) + 1 == places)
    ).sum(0)

    if ends is None:
        ends = (cell <= cells.unsqueeze(1)).to(torch.int64).sum(1)
    starts = torch.cat([torch.zeros_like(ends[:1]), ends[:-1]])
    pixels = torch.arange(_as_size((ends - starts).amax(0)))
    # Pixels that a cell does not have repeat its last one; cells without any borrow one.
    weights = weights[
        torch.minimum(starts.unsqueeze(1) + pixels, ends.unsqueeze(1) - 1).clamp(min=0)
    ]
    # Neither do corners count that have no weight: the first one that has some takes their place.
    is_used = weights.amax(1) > 0
    corners = (cells.unsqueeze(1) - 1 + places).clamp(min=0)
    corners = torch.minimum(corners, cells[-1] - 1)
    first_used = corners.gather(1, is_used.to(torch.uint8).argmax(1, keepdim=True))
    return Axis(
        torch.where(is_used, corners, first_used),
        weights.to(torch.float32),
        cell,
        torch.arange(_as_size(length)) - starts[cell],
    )


def _neighbours(source: Tensor, target: Tensor, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Find the two source pixels that a pixel is interpolated from.

    The arithmetic is in whole numbers up to the last division, and so exact.

    Args:
        source: int64 (), number of source pixels.
        target: int64 (), number of pixels they are resized to.
        pixels: int64, which of these.

    Returns:
        The first of the two, int64, and the weight of the one after it, float64 in [0, 1). The
        last source pixel has the weight of its follower at 0.
    """
    doubled = ((2 * pixels + 1) * source - target).clamp(min=0)
    doubled = torch.minimum(doubled, 2 * target * (source - 1))
    first = torch.div(doubled, 2 * target, rounding_mode="trunc")
    fraction = (doubled - first * (2 * target)).to(torch.float64) / (2 * target).to(torch.float64)
    return first, fraction


def _as_size(value: Tensor | int) -> int:
    """PyTorch takes scalar tensors for sizes, and traces them, but does not declare it."""
    return cast(int, value)
