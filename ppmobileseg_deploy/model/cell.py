"""Cell by cell to the same labels as upsampling everything, at a fraction of the cost.

Geometry. Enlarging (h, w) logits bilinearly by an integer factor s, with pixel centres aligned
(``align_corners=False``), gives pixel y the source coordinate (y + 1/2) / s - 1/2. So the pixels
fall into (h + 1) x (w + 1) cells between four grid points each, the edge points being
repeated outward. Shifted by ``(s + 1) // 2`` every cell is a tile of s x s pixels, and every
tile has the same s x s weights of its four corners. Tiles stick out of the border by up to half
their size; that is cut off.

Dominance. A pixel's logits are one convex combination of the corners' for all classes. So
if a class beats another at all four corners, it beats it in the whole cell; and so does a mean
of several classes, of which at least one is as good as their mean at any pixel. Two rules follow:

- A class that wins all four corners wins the cell: most cells are merely filled.
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
can differ from `labels_off` only where two logits are equal but for rounding. Exact ties
go to the lower class id.
"""

from collections.abc import Iterator, Sequence
from typing import Final, cast

import torch
from torch import Tensor

_TIERS: Final = ((3, 5), (8, 16))
"""Classes evaluated where more than two are in question, and classes looked up, those included;
then the same where they are not enough."""

_MARGIN: Final = 4e-6
"""Margin of each comparison that leaves a class out, relative to the winners' largest logit.

Interpolating in float32 errs by at most 4 * 2**-24 times the corners' weighted magnitude. A
class that comes near the best at some pixel has there at most three times the magnitude of
the winners, and two classes and a mean are compared: in all below 3e-6.
"""


def labels_cell(logits: Tensor, factor: Tensor | int) -> Tensor:
    """Label every pixel of the enlarged logits without enlarging them.

    Equal to `labels_off` for the size ``(h * factor, w * factor)``. Traces to standard
    ONNX operators without control flow, with dynamic batch, h and w, and with a dynamic factor
    if that is a tensor. Time and memory depend on how many cells have boundaries in them; at
    worst (noise) they are those of `labels_off`.

    Args:
        logits: float32 (batch, classes, h, w), finite.
        factor: How many pixels there are per grid point along each side, at least 1: an int, or
            int64 () as the graph input of an exported file.

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
        uint8 (batch, 1, height, width), class ids; int32 for more than 255 classes.
    """
    batch, _, h, w = logits.shape
    classes = int(logits.shape[1])  # a constant when traced, unlike the others
    factor = torch.full((), factor, device=logits.device) if isinstance(factor, int) else factor
    weights = _corner_weights(factor)
    points = logits.permute(0, 2, 3, 1).reshape(-1, classes)
    corners = _corner_points(logits)
    winners = points.argmax(1)[corners]

    # Tile number c is filled with class c; the tiles of mixed cells follow.
    every = torch.arange(classes, device=logits.device)
    tiles = [_narrow(every, classes).unsqueeze(1).expand(-1, weights.shape[1])]
    tile_of_cell = winners[0]
    used = classes
    if classes > 1:
        for cells, labels in _mixed_cells(points, corners, winners, weights):
            tiles.append(labels)
            tile_of_cell = tile_of_cell.scatter(
                0, cells, used + torch.arange(cells.shape[0], device=logits.device)
            )
            used = used + cells.shape[0]
    return _lay_out(torch.cat(tiles), tile_of_cell.view(batch, h + 1, w + 1), factor, size_hw)


def _mixed_cells(
    points: Tensor, corners: Tensor, winners: Tensor, weights: Tensor
) -> Iterator[tuple[Tensor, Tensor]]:
    """Label the cells whose corners have different winners.

    Args:
        points: float32 (points, classes), logits.
        corners: int64 (4, cells), the points around each cell.
        winners: int64 (4, cells), their winners.
        weights: float32 (4, pixels), what each corner contributes to each pixel.

    Yields:
        Cells int64 (n,), and their labels (n, pixels). Later ones replace earlier ones.
    """
    classes = int(points.shape[1])
    # Cell 0 has one grid point for all its corners, so there is nothing to decide. It is taken
    # along in every group because tensors without rows crash some runtimes.
    is_mixed = (winners != winners[:1]).any(0)
    cells = torch.cat([torch.ones_like(is_mixed[:1]), is_mixed[1:]]).nonzero()[:, 0]

    corners, winners = corners[:, cells].t(), winners[:, cells].t()
    of_winners = _pick(points, corners, winners)
    mean = of_winners.mean(1)
    margin = of_winners.abs().amax((1, 2)) * _MARGIN
    score = (points[corners] - mean.unsqueeze(2)).amax(1)
    beaten = (score < -margin.unsqueeze(1)).to(torch.float32).sum(1)
    is_pair = beaten == classes - 2

    pair = (is_pair | (cells == 0)).nonzero()[:, 0]
    yield cells[pair], _best_of_two(points, corners[pair], winners[pair], weights)

    left = (~is_pair | (cells == 0)).nonzero()[:, 0]
    for count, ranked in _TIERS:
        if count >= classes:
            break
        cells, corners, mean = cells[left], corners[left], mean[left]
        score, margin = score[left], margin[left]
        ranked = min(ranked, classes - 1)
        best_scores, best = score.topk(ranked + 1)
        rest = mean + best_scores[:, ranked:]
        if ranked > count:
            rest = torch.maximum(rest, _pick(points, corners, best[:, count:ranked]).amax(1))
        rest = rest + margin.unsqueeze(1)
        ids = best[:, :count].sort().values  # so that ties go to the lower class id
        logits = _pick(points, corners, ids)
        labels, is_proven = (
            _best_of_three(_narrow(ids, classes), logits, rest, weights)
            if count == 3
            else _best_of_many(_narrow(ids, classes), logits, rest, weights, classes)
        )
        yield cells, labels
        left = (~is_proven | (cells == 0)).nonzero()[:, 0]

    # Cell 0 has its winner unbeaten, so there is always one.
    highest = (score[left] + margin[left].unsqueeze(1)).amax(0)
    ids = (highest < 0).logical_not().nonzero()[:, 0]
    logits = _pick(points, corners[left], ids.unsqueeze(0)) @ weights
    yield cells[left], _narrow(ids, classes)[logits.argmax(1)]


def _best_of_three(
    ids: Tensor, logits: Tensor, rest: Tensor, weights: Tensor
) -> tuple[Tensor, Tensor]:
    """Label cells by three classes, and find out where these are enough.

    The same as `_best_of_many` in operators that take a third of the time a class.

    Args:
        ids: (cells, 3), class ids in ascending order.
        logits: float32 (cells, 3, 4), their logits at the corners.
        rest: float32 (cells, 4), what no other class exceeds at the corners.
        weights: float32 (4, pixels).

    Returns:
        Labels (cells, pixels), and bool (cells,): whether no other class is the best anywhere.
    """
    first, second, third = (logits[:, index] @ weights for index in range(3))
    larger = torch.maximum(first, second)
    labels = torch.where(second > first, ids[:, 1:2], ids[:, :1])
    labels = torch.where(third > larger, ids[:, 2:], labels)
    is_beaten = rest @ weights > torch.maximum(larger, third)
    return labels, is_beaten.to(torch.uint8).amax(1) == 0


def _best_of_many(
    ids: Tensor, logits: Tensor, rest: Tensor, weights: Tensor, classes: int
) -> tuple[Tensor, Tensor]:
    """Label cells by k classes, and find out where these are enough.

    Args:
        ids: (cells, k), class ids in ascending order.
        logits: float32 (cells, k, 4), their logits at the corners.
        rest: float32 (cells, 4), what no other class exceeds at the corners.
        weights: float32 (4, pixels).
        classes: How many classes there are.

    Returns:
        Labels (cells, pixels), and bool (cells,): whether no other class is the best anywhere.
    """
    none = torch.full_like(ids[:, :1], classes)
    best = (torch.cat([logits, rest.unsqueeze(1)], 1) @ weights).argmax(1)
    labels = torch.cat([ids, none], 1).gather(1, best)
    return labels, labels.amax(1) < classes


def _best_of_two(points: Tensor, corners: Tensor, winners: Tensor, weights: Tensor) -> Tensor:
    """Label cells in which the corners' winners, two classes, are the only ones in question.

    Args:
        points: float32 (points, classes), logits.
        corners: int64 (cells, 4), the points around each cell.
        winners: int64 (cells, 4), their winners.
        weights: float32 (4, pixels).

    Returns:
        (cells, pixels), class ids.
    """
    both = torch.stack([winners.amin(1), winners.amax(1)], 1)
    logits = _pick(points, corners, both)
    lead = (logits[:, 0] - logits[:, 1]) @ weights
    both = _narrow(both, int(points.shape[1]))
    return torch.where(lead >= 0, both[:, :1], both[:, 1:])


def _pick(points: Tensor, corners: Tensor, ids: Tensor) -> Tensor:
    """Take some classes' logits at the corners of cells.

    Args:
        points: float32 (points, classes), logits.
        corners: int64 (cells, 4), the points around each cell.
        ids: int64 (cells, k), class ids.

    Returns:
        float32 (cells, k, 4).
    """
    return points.flatten()[(corners * int(points.shape[1])).unsqueeze(1) + ids.unsqueeze(2)]


def _narrow(ids: Tensor, classes: int) -> Tensor:
    """Class ids in the smallest type that holds them all, to move fewer bytes."""
    return ids.to(torch.uint8 if classes < 256 else torch.int32)


def _corner_points(logits: Tensor) -> Tensor:
    """Number the grid points around each cell.

    Args:
        logits: (batch, classes, h, w).

    Returns:
        int64 (4, batch * (h + 1) * (w + 1)): for each cell the points to its upper left,
        upper right, lower left and lower right, where point (b, y, x) is (b * h + y) * w + x.
    """
    batch, _, h, w = logits.shape
    y = torch.arange(h + 1, device=logits.device)
    x = torch.arange(w + 1, device=logits.device)
    rows = torch.stack([(y - 1).clamp(min=0), torch.minimum(y, y[-1] - 1)])
    columns = torch.stack([(x - 1).clamp(min=0), torch.minimum(x, x[-1] - 1)])
    rows = torch.arange(batch, device=logits.device)[:, None] * h + rows[:, None]
    return (rows[:, None, :, :, None] * w + columns[None, :, None, None]).reshape(4, -1)


def _corner_weights(factor: Tensor) -> Tensor:
    """Bilinear weights of the pixels of a cell.

    Args:
        factor: int64 (), pixels per grid point along each side, s.

    Returns:
        float32 (4, s * s), for the corners in the order of `_corner_points`.
    """
    pixel = torch.arange(_as_size(factor), device=factor.device)
    right = (pixel + 0.5 * (1 - factor % 2)) / factor
    sides = torch.stack([1 - right, right])
    return (sides[:, None, :, None] * sides[None, :, None, :]).reshape(4, -1)


def _lay_out(
    tiles: Tensor, tile_of_cell: Tensor, factor: Tensor, size_hw: Sequence[Tensor | int]
) -> Tensor:
    """Put tiles where they belong and cut off what sticks out.

    Args:
        tiles: (tiles, s * s).
        tile_of_cell: int64 (batch, h + 1, w + 1).
        factor: int64 (), s.
        size_hw: Height and width wanted, at most h * s and w * s.

    Returns:
        (batch, 1, height, width), of the type of the tiles.
    """
    batch = tile_of_cell.shape[0]
    height, width = (_as_size(side) for side in size_hw)
    cut = torch.div(factor + 1, 2, rounding_mode="trunc")
    y = torch.arange(height, device=factor.device) + cut
    row = torch.div(y, factor, rounding_mode="trunc")
    # Rows of tiles, not tiles, are put in place: that is cheaper than transposing afterwards.
    piece = tile_of_cell[:, row] * factor + (y - row * factor).unsqueeze(1)
    image = tiles.reshape(-1, _as_size(factor))[piece.flatten()].reshape(batch, 1, y.shape[0], -1)
    return image[:, :, :, cut : cut + width]


def _as_size(value: Tensor | int) -> int:
    """PyTorch takes scalar tensors for sizes, and traces them, but does not declare it."""
    return cast(int, value)
