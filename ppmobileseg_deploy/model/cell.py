"""Cell by cell to the same labels as upsampling everything, at a fraction of the cost.

Geometry. Bilinear interpolation makes each pixel's logits a mixture of those at a few grid points,
with the same weights for every class; so do two interpolations in a row. `axes` groups the rows
and the columns of the label map, and so its pixels, into cells whose pixels have the same grid
points: their corners. These are four where logits are enlarged once, and up to nine where they
are interpolated twice. All cells are evaluated as tiles of one size, of which each pixel of the
label map then takes its own.

Dominance. A pixel's logits are one convex combination of the corners' for all classes. So
if a class beats another at all corners, it beats it in the whole cell; and so does a mean
of several classes, of which at least one is as good as their mean at any pixel. Two rules follow:

- A class that wins all corners wins the cell: most cells are merely filled.
- Let m be the mean, corner by corner, of the logits of the corners' winners, and
  let a class's score be the largest, over the corners, of its logit minus m. A class with
  a negative score is nowhere the best. Where just two classes are left, the sign of their
  difference decides, a single number a pixel.

Certificate. For what is left, the classes with the K best scores are evaluated at each pixel. The
largest logits that any class left out has at the corners bound, interpolated, all those classes at
every pixel. Only the next few are looked up for that; the others exceed m nowhere by more than
the best of their scores. The bound takes part as one more class: where it wins no pixel of the
cell, no class left out does, and the best of the K is the best of all. Three classes are mostly
enough. The cells where they are not are evaluated again with a larger K, and the very few where
that is not enough with every class whose score is negative in not all of them.

All comparisons that leave a class out ask for a margin above the rounding of float32, so labels
can differ from those of interpolated logits only where two logits are equal but for rounding.
Exact ties go to the lower class id.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from .axes import Axis, enlarged_axis

_TIERS: Final = ((3, 5), (8, 16))
"""Classes evaluated where more than two are in question, and classes looked up, those included;
then the same where they are not enough."""

MIN_CLASSES: Final = 1 + max(looked_up for _, looked_up in _TIERS)
"""Fewest classes that the tiers can rank; to fewer, some that win nowhere are added."""

_NOWHERE: Final = -1e30
"""Logit of such a class: finite, since infinity times a weight of zero is not a number."""

_MARGIN: Final = 1.2e-5
"""Margin of each comparison that leaves a class out, relative to the winners' largest logit.

Interpolating along two axes in float32, with k corners along each, errs by at most (2 k + 2) *
2**-24 times the corners' weighted magnitude. A class that comes near the best at some pixel has
there at most three times the magnitude of the winners, and two classes and a mean are compared:
in all below 6e-6 for 3 corners, and below 1.2e-5 for the 6 of two tiles that are blended.
"""


def labels_cell(logits: Tensor, factor: Tensor | int) -> Tensor:
    """Label every pixel of the enlarged logits without enlarging them.

    Equal to `labels_off` for the size ``(h * factor, w * factor)``. Traces to standard
    ONNX operators without control flow, with dynamic batch, h and w, and with a dynamic factor
    if that is a tensor. Time and memory depend on how many cells have boundaries in them; at
    worst (noise) they are those of `labels_off`.

    Args:
        logits: float32 (batch, classes, h, w), finite and above -1e30.
        factor: How many pixels there are per grid point along each side, at least 1.

    Returns:
        int64 (batch, 1, h * factor, w * factor), class ids.
    """
    h, w = logits.shape[-2:]
    return narrow_labels_cell(logits, factor, (h * factor, w * factor)).to(torch.int64)


def narrow_labels_cell(
    logits: Tensor, factor: Tensor | int, size_hw: Sequence[Tensor | int]
) -> Tensor:
    """Label the upper left part of the enlarged logits, in a type that moves few bytes.

    Args:
        logits: As for `labels_cell`.
        factor: As for `labels_cell`.
        size_hw: Height and width wanted, at least 1 and at most ``(h * factor, w * factor)``.

    Returns:
        (batch, 1, height, width), class ids of `narrow_type`.
    """
    (h, w), (height, width) = logits.shape[-2:], size_hw
    rows, columns = enlarged_axis(h, factor, height), enlarged_axis(w, factor, width)
    return labels_on_axes(logits, rows, columns, narrow_type(logits.shape[1]))


def narrow_type(classes: int) -> torch.dtype:
    """Return the smallest type that holds all class ids and that ONNX Runtime computes with."""
    return torch.uint8 if classes <= 256 else torch.int32


def labels_on_axes(logits: Tensor, rows: Axis, columns: Axis, dtype: torch.dtype) -> Tensor:
    """Label the pixels of two axes.

    Args:
        logits: float32 (batch, classes, h, w), finite and above -1e30.
        rows: From grid rows to the rows of the label map.
        columns: From grid columns to its columns.
        dtype: Integer type of the labels that holds every class id.

    Returns:
        (batch, 1, height, width), class ids.
    """
    missing = MIN_CLASSES - logits.shape[1]
    if missing > 0:  # a constant when traced, as the number of classes is
        logits = F.pad(logits, (0, 0, 0, 0, 0, missing), value=_NOWHERE)
    batch, classes, h, w = logits.shape
    points = logits.permute(0, 2, 3, 1).reshape(-1, classes)
    # Cells are numbered image by image, column by column.
    images = torch.arange(batch, device=logits.device)[:, None, None, None, None] * (h * w)
    down, across = rows.corners[:, None, :] * w, columns.corners[:, None, :, None]
    corners = (images + across + down).flatten(3).flatten(0, 2)
    winners = points.argmax(1)[corners]

    # Tile number c is filled with class c; the tiles of mixed cells follow.
    every = torch.arange(classes, device=logits.device)
    tile_wh = columns.weights.shape[1], rows.weights.shape[1]
    tiles = [every.to(dtype)[:, None, None].expand(-1, *tile_wh)]
    tile_of_cell = winners[:, 0]
    used = classes
    mixed = _Cells.mixed(corners, winners, rows, columns)
    for cells, labels in _label_mixed(points, mixed, dtype):
        tiles.append(labels)
        tile_of_cell = tile_of_cell.scatter(
            0, cells, used + torch.arange(cells.shape[0], device=logits.device)
        )
        used = used + cells.shape[0]
    tile_of_cell = tile_of_cell.view(batch, columns.corners.shape[0], -1)
    return _lay_out(torch.cat(tiles), tile_of_cell, rows, columns)


@dataclass(frozen=True)
class _Cells:
    """Cells whose corners have different winners.

    Attributes:
        number: int64 (n,), which cells they are.
        corners: int64 (n, k), their grid points.
        winners: int64 (n, k), the classes that win these.
        down: float32 (n, k_rows, rows), what each corner contributes to each row.
        across: float32 (n, columns, k_columns), the same for columns.
    """

    number: Tensor
    corners: Tensor
    winners: Tensor
    down: Tensor
    across: Tensor

    @classmethod
    def mixed(cls, corners: Tensor, winners: Tensor, rows: Axis, columns: Axis) -> "_Cells":
        """Find them among all cells.

        Args:
            corners: int64 (cells, k).
            winners: int64 (cells, k).
            rows: Tells the weights; cells are numbered image by image, column by column.
            columns: Likewise.
        """
        # Cell 0 is taken along in every group: tensors without rows crash some runtimes.
        is_mixed = (winners != winners[:, :1]).any(1)
        number = torch.cat([torch.ones_like(is_mixed[:1]), is_mixed[1:]]).nonzero()[:, 0]
        down, across = rows.corners.shape[0], columns.corners.shape[0]
        line = torch.div(number, down, rounding_mode="trunc")
        return cls(
            number,
            corners[number],
            winners[number],
            rows.weights.transpose(1, 2)[number - line * down],
            columns.weights[line % across],
        )

    def take(self, index: Tensor) -> "_Cells":
        """Return some of the cells."""
        return _Cells(*(getattr(self, field.name)[index] for field in fields(self)))

    def interpolate(self, logits: Tensor) -> Tensor:
        """Map (n, classes, k) logits at the corners to tiles of (n, classes, columns, rows)."""
        at_corners = logits.unflatten(2, (self.across.shape[2], -1))
        return (self.across.unsqueeze(1) @ at_corners) @ self.down.unsqueeze(1)


def _label_mixed(
    points: Tensor, cells: _Cells, dtype: torch.dtype
) -> Iterator[tuple[Tensor, Tensor]]:
    """Label the cells whose corners have different winners.

    Args:
        points: float32 (points, classes), logits.
        cells: The cells; the first of them is cell 0.
        dtype: Type of the labels.

    Yields:
        Cells int64 (n,), and their labels (n, columns, rows). Later ones replace earlier ones.
    """
    of_winners = _pick(points, cells.corners, cells.winners)
    mean = of_winners.mean(1)
    margin = of_winners.abs().amax((1, 2)).unsqueeze(1) * _MARGIN
    score = (points[cells.corners] - mean.unsqueeze(2)).amax(1)
    beaten = (score < -margin).to(torch.float32).sum(1)
    is_pair = beaten == points.shape[1] - 2

    pairs = cells.take((is_pair | (cells.number == 0)).nonzero()[:, 0])
    yield pairs.number, _best_of_two(points, pairs, dtype)

    left = (~is_pair | (cells.number == 0)).nonzero()[:, 0]
    for count, ranked in _TIERS:
        cells, mean, margin, score = cells.take(left), mean[left], margin[left], score[left]
        best_scores, best = score.topk(ranked + 1)
        rest = torch.maximum(
            mean + best_scores[:, ranked:],
            _pick(points, cells.corners, best[:, count:ranked]).amax(1),
        )
        ids = best[:, :count].sort().values  # so that ties go to the lower class id
        logits = torch.cat([_pick(points, cells.corners, ids), (rest + margin).unsqueeze(1)], 1)
        decide = _best_of_three if count == 3 else _best_of_many
        labels, is_proven = decide(ids.to(dtype), cells.interpolate(logits))
        yield cells.number, labels
        left = (~is_proven | (cells.number == 0)).nonzero()[:, 0]

    # Cell 0 has its winner unbeaten, so there is always one.
    cells, highest = cells.take(left), (score[left] + margin[left]).amax(0)
    ids = (highest < 0).logical_not().nonzero()[:, 0]
    logits = cells.interpolate(_pick(points, cells.corners, ids.unsqueeze(0)))
    yield cells.number, ids.to(dtype)[logits.argmax(1)]


def _best_of_two(points: Tensor, cells: _Cells, dtype: torch.dtype) -> Tensor:
    """Label cells in which the corners' winners, two classes, are the only ones in question.

    Args:
        points: float32 (points, classes), logits.
        cells: The cells.
        dtype: Type of the labels.

    Returns:
        (n, columns, rows), class ids.
    """
    both = torch.stack([cells.winners.amin(1), cells.winners.amax(1)], 1)
    logits = _pick(points, cells.corners, both)
    lead = cells.interpolate(logits[:, :1] - logits[:, 1:])[:, 0]
    lower, higher = both.to(dtype)[:, :, None, None].unbind(1)
    return torch.where(lead >= 0, lower, higher)


def _best_of_three(ids: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
    """Label cells by three classes, and find out where these are enough.

    The same as `_best_of_many` in operators that take a third of the time a class.

    Args:
        ids: (n, 3), class ids in ascending order.
        logits: float32 (n, 4, columns, rows), theirs, and what no other class exceeds.

    Returns:
        Labels (n, columns, rows), and bool (n,): whether no other class is the best anywhere.
    """
    first, second, third, rest = logits.unbind(1)
    lowest, middle, highest = ids[:, :, None, None].unbind(1)
    larger = torch.maximum(first, second)
    labels = torch.where(second > first, middle, lowest)
    labels = torch.where(third > larger, highest, labels)
    is_beaten = rest > torch.maximum(larger, third)
    return labels, is_beaten.to(torch.uint8).amax((1, 2)) == 0


def _best_of_many(ids: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
    """Label cells by k classes, and find out where these are enough.

    Args:
        ids: (n, k), class ids in ascending order.
        logits: float32 (n, k + 1, columns, rows), theirs, and what no other class exceeds.

    Returns:
        Labels (n, columns, rows), and bool (n,): whether no other class is the best anywhere.
    """
    best = logits.argmax(1)
    labels = torch.cat([ids, ids[:, :1]], 1).gather(1, best.flatten(1)).view_as(best)
    return labels, best.amax((1, 2)) < ids.shape[1]


def _pick(points: Tensor, corners: Tensor, ids: Tensor) -> Tensor:
    """Take some classes' logits at the corners of cells.

    Args:
        points: float32 (points, classes), logits.
        corners: int64 (n, k), the points around each cell.
        ids: int64 (n, m), class ids.

    Returns:
        float32 (n, m, k).
    """
    return points.flatten()[(corners * points.shape[1]).unsqueeze(1) + ids.unsqueeze(2)]


def _lay_out(tiles: Tensor, tile_of_cell: Tensor, rows: Axis, columns: Axis) -> Tensor:
    """Take each pixel of the label map from its place in its cell's tile.

    Args:
        tiles: (tiles, columns, rows).
        tile_of_cell: int64 (batch, cells across, cells down).
        rows: The places.
        columns: Likewise.

    Returns:
        (batch, 1, height, width), of the type of the tiles.
    """
    tile_w, tile_h = tiles.shape[1:]
    # Whole columns of tiles are put in place, and transposed once, since a look-up along the last
    # axis takes 7 ns a pixel in ONNX Runtime.
    piece = tile_of_cell[:, columns.cell] * tile_w + columns.pixel.unsqueeze(1)
    image = tiles.flatten(0, 1)[piece].flatten(2)
    row = rows.cell * tile_h + rows.pixel
    return image.transpose(1, 2)[:, row].unsqueeze(1)
