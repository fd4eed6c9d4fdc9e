"""Sliding-window inference on large images: tiles overlap, and their logits are blended.

Blending is interpolation: where two tiles overlap, a pixel's logits are a weighted mean of both
tiles', with weights that depend on its row or on its column alone. So the label head decides from
the tiles' coarse logits, and only the image and its labels are held at full size.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError
from ...types import Labels, Logits, SizeHW, label_type
from .enlarging import Enlarging
from .label_head import LabelHead
from .preprocessing import Preprocessing
from .sampling import Sampling
from .tile_grid import MAX_BYTES, Progress, Side, TileGrid

TileRun = Callable[[NDArray[Any]], Logits]
"""From the network's input, of one image, to (classes, h, w) logits."""


@dataclass(frozen=True, eq=False)
class TiledLabels:
    """Result of all tiles.

    Attributes:
        labels: (height, width) class ids: uint8, or uint16 above 256 classes.
        confidence: (height, width) float32 probability of each pixel's class, of the blended
            logits; None unless asked for.
    """

    labels: Labels
    confidence: NDArray[np.float32] | None


def segment_tiled(
    image_bgr: NDArray[np.uint8],
    run: TileRun,
    head: LabelHead,
    preprocess: Preprocessing,
    num_classes: int,
    enlarging: Enlarging,
    *,
    tile_hw: SizeHW | None = None,
    overlap: int | None = None,
    confidence: bool = False,
    progress: Progress | None = None,
    max_bytes: int = MAX_BYTES,
) -> TiledLabels:
    """Segment an image tile by tile, at its own resolution.

    The logits of all tiles are blended with weights that sum to one everywhere, linear ramps
    where two tiles meet (products of two where four do), and then decided. An image no larger
    than a tile is what a single run gives.

    Args:
        image_bgr: (height, width, 3) uint8, BGR.
        run: The network. Its logits may be coarser than its input.
        head: Decides.
        preprocess: The model's rule. Of it only the normalisation and the sizes that the network
            takes are used; nothing is scaled.
        num_classes: How many classes the logits are of.
        enlarging: From the logits to the pixels of the network's input.
        tile_hw: Size of a tile in pixels of the image; None as in `TileGrid.of`.
        overlap: Pixels that neighbours share at least, and over which they blend: less than half
            a tile; None as in `TileGrid.of`.
        confidence: Compute the confidence, too.
        progress: Called after each tile with how many are done and how many there are.
        max_bytes: Most memory for the image, its labels, the network and the logits held at once.

    Returns:
        Labels of the image's size.

    Raises:
        UsageError: A tile or an overlap makes no sense, or needs more memory than ``max_bytes``.
        ModelError: The model fails.
    """
    height, width = image_bgr.shape[:2]
    grid = TileGrid.of((height, width), tile_hw, overlap, preprocess)
    kind = np.dtype(label_type(num_classes))
    pixel_bytes = 3 + kind.itemsize + (4 if confidence else 0)
    _check_memory(grid, num_classes, height * width * pixel_bytes, enlarging.stride, max_bytes)
    labels: Labels = np.empty((height, width), kind)
    probability = np.empty((height, width), np.float32) if confidence else None
    shown_hw = grid.ordered(grid.along.tile, grid.across.tile)
    prepare = preprocess.at_own_scale(shown_hw)
    seams: _Seams | None = None
    for number in range(grid.total):
        line, place = divmod(number, len(grid.along.spans))
        tile, strip = grid.along.spans[place], grid.across.spans[line]
        top, left = grid.ordered(tile.start, strip.start)
        window = image_bgr[top : top + shown_hw[0], left : left + shown_hw[1]]
        prepared = prepare(window)
        logits = run(prepared.tensor)
        seams = seams or _Seams(grid, logits.shape, enlarging, prepared.padded_hw)
        blended, rows, columns = seams.join(logits, place, line)
        (top, left), (below, right) = (
            grid.ordered(tile.first, strip.first),
            grid.ordered(tile.done, strip.done),
        )
        decided = head.labels(blended, rows, columns)
        labels[top:below, left:right] = decided
        if probability is not None:
            found = head.confidence(blended, rows, columns, decided)
            probability[top:below, left:right] = found
        if progress is not None:
            progress(number + 1, grid.total)
    return TiledLabels(labels, probability)


class _Seams:
    """Logits of earlier tiles that later ones blend with.

    The grids of all tiles are taken for one large grid, in which they lie side by side. Of that,
    only what pixels to come are interpolated from is held: a strip along the tile before and
    one along the line of tiles before.
    """

    def __init__(
        self, grid: TileGrid, shape: tuple[int, ...], enlarging: Enlarging, input_hw: SizeHW
    ) -> None:
        covered_hw = enlarging.covered_hw(input_hw)
        # Axes of (classes, h, w).
        self._down_first = grid.lines_are_columns
        self._axis = (1, 2) if self._down_first else (2, 1)
        self._sides = tuple(
            _SideParts(side, Sampling.bilinear(shape[axis], covered_hw[axis - 1], enlarging.rule))
            for side, axis in zip((grid.along, grid.across), self._axis, strict=True)
        )
        along, across = self._sides
        leads = [max(map(side.lead, range(side.tiles))) for side in self._sides]
        held = grid.ordered(along.total, leads[1])
        self._line: Logits = np.empty((shape[0], *held), np.float32)
        # A tile with what is needed of those before it in front. One piece of memory for all of
        # them: to get some hundred megabytes anew takes longer than to fill them.
        self._starts = tuple(leads)
        together = grid.ordered(leads[0] + along.points, leads[1] + across.points)
        self._block: Logits = np.empty((shape[0], *together), np.float32)

    def join(self, logits: Logits, place: int, line: int) -> tuple[Logits, Sampling, Sampling]:
        """Join a tile with its earlier neighbours, and keep what later ones need.

        Args:
            logits: (classes, h, w) of the tile.
            place: Number of the tile within its line.
            line: Number of the line.

        Returns:
            (classes, h', w') logits that the pixels are interpolated from that this tile
            finishes, until the next one is joined; and how these pixels' rows and columns are.
        """
        (along, across), (first, second) = self._sides, self._axis
        block, (start, begin) = self._block, self._starts
        lead, seam = along.lead(place), across.lead(line)
        end = start + along.points
        _cut(block, first, start - lead, start)[...] = _cut(block, first, end - lead, end)
        tile = _cut(_cut(block, first, start, end), second, begin - seam, begin + across.points)
        held = _cut(self._line, first, along.points * place, along.points * (place + 1))
        _cut(tile, second, 0, seam)[...] = _cut(held, second, 0, seam)
        _cut(tile, second, seam, seam + across.points)[...] = logits
        if line + 1 < across.tiles:
            tail = _cut(logits, second, across.points - across.lead(line + 1), across.points)
            _cut(held, second, 0, across.lead(line + 1))[...] = tail
        for side, axis, index, origin in (
            (along, first, place, start),
            (across, second, line, begin),
        ):
            _, needed = side.parts[index]
            shift = origin - side.points * index
            block = _cut(block, axis, needed.start + shift, needed.stop + shift)
        samplings = along.parts[place][0], across.parts[line][0]
        rows, columns = samplings if self._down_first else samplings[::-1]
        return block, rows, columns


class _SideParts:
    """The tiles along one side as parts of one large grid.

    Attributes:
        points: Grid points of a tile.
        tiles: Number of tiles.
        total: Grid points of all of them.
        parts: For each tile, how the pixels are interpolated that it finishes, and the grid
            points that they need.
    """

    def __init__(self, side: Side, of_tile: Sampling) -> None:
        axis = blended_axis(side, of_tile)
        points = self.points = int(of_tile.points.max()) + 1
        self.tiles = len(side.spans)
        self.total = points * self.tiles
        self.parts = [_needed(axis.part(span.first, span.done), self.total) for span in side.spans]

    def start(self, index: int) -> int:
        """First grid point that is needed when a tile has come, or its own first one."""
        return min(int(self.parts[index][1].start), self.points * index)

    def lead(self, index: int) -> int:
        """How many grid points of the tile before are needed."""
        return self.points * index - self.start(index)


def blended_axis(side: Side, of_tile: Sampling) -> Sampling:
    """Return the interpolation of the pixels along one side of the image from its tiles.

    Args:
        side: The tiles.
        of_tile: Interpolation of a tile's pixels, of which the first show the image, from its
            grid points; those of all tiles are numbered through.
    """
    points = int(of_tile.points.max()) + 1
    pixels = np.arange(side.length)
    tile = np.searchsorted([span.first for span in side.spans], pixels, "right") - 1
    before = np.maximum(tile - 1, 0)
    starts, firsts = (
        np.array([getattr(span, name) for span in side.spans]) for name in ("start", "first")
    )
    # One where there is no ramp, and in the first tile.
    share = np.where(tile > 0, (pixels - firsts[tile] + 0.5) / max(side.ramp, 0.5), 1).clip(max=1)
    taps, weights, between = [], [], []
    for index, part in ((before, 1 - share), (tile, share)):
        # Pixels where a tile has weight 0 may lie outside it; any index will do.
        local = np.where(part > 0, pixels - starts[index], 0)
        taps.append(of_tile.points[local] + points * index[:, None])
        weights.append(of_tile.weights[local] * part[:, None])
        between.append(np.where(part > 0, of_tile.between[local] + (points + 1) * index, -2))
    pair = np.stack(between, 1)
    changes = np.cumsum((pair[1:] != pair[:-1]).any(1))
    return Sampling(
        np.concatenate(taps, 1), np.concatenate(weights, 1), np.concatenate([[0], changes])
    )


def _needed(part: tuple[Sampling, slice], total: int) -> tuple[Sampling, slice]:
    """Return the range of the grid points with explicit bounds."""
    sampling, needed = part
    return sampling, slice(*needed.indices(total)[:2])


def _cut(array: Logits, axis: int, start: int, stop: int) -> Logits:
    part: Logits = array[:, start:stop] if axis == 1 else array[:, :, start:stop]
    return part


def _check_memory(
    grid: TileGrid, num_classes: int, image_bytes: int, stride: int, max_bytes: int
) -> None:
    network_bytes = grid.network_bytes(num_classes, stride)
    needed = image_bytes + network_bytes
    if needed > max_bytes:
        along, across = grid.along, grid.across
        height, width = grid.ordered(along.length, across.length)
        tile_h, tile_w = grid.ordered(along.tile, across.tile)
        raise UsageError(
            f"expected a tile and an overlap that take at most {max_bytes / 1e9:.2f} GB, found "
            f"{needed / 1e9:.2f} GB for {tile_h}x{tile_w} with {max(along.ramp, across.ramp)}: "
            f"{image_bytes / 1e9:.2f} for the image of {height}x{width} and its labels, "
            f"{network_bytes / 1e9:.2f} for the network and logits of {num_classes} classes"
        )
