"""Large images: a window slides over them, and neighbouring windows' logits are blended."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from .postprocessing import Labels, SizeHW, certainty, keep_best, label_type
from .preprocessing import Preprocessing
from .scores import LOGITS, Scores
from .tile_grid import MAX_BYTES, Progress, Span, TileGrid
from .tile_run import TileRun

Logits = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TiledLabels:
    """What all tiles together say.

    Attributes:
        labels: (height, width) class ids: uint8, or uint16 above 256 classes.
        confidence: (height, width) float32 probability of the winning class, of the blended
            scores; None unless asked for.
    """

    labels: Labels
    confidence: NDArray[np.float32] | None


def segment_tiled(
    image_bgr: NDArray[np.uint8],
    run: TileRun,
    preprocess: Preprocessing,
    num_classes: int,
    *,
    tile_hw: SizeHW | None = None,
    overlap: int | None = None,
    confidence: bool = False,
    meaning: Scores = LOGITS,
    progress: Progress | None = None,
    max_bytes: int = MAX_BYTES,
) -> TiledLabels:
    """Segment an image tile by tile, at its own resolution.

    The logits of all tiles are blended with weights that sum to one everywhere, linear ramps
    where two tiles meet (products of two where four do), and then decided. Only what the next
    tiles need is kept: a strip along the tile before and one along the line of tiles before. An
    image no larger than a tile is what a single run gives.

    Args:
        image_bgr: (height, width, 3) uint8, BGR.
        run: The network, from `tile_run`.
        preprocess: The model's rule. Of it only the normalisation and the sizes that the network
            takes are used; nothing is scaled.
        num_classes: How many classes the logits are of.
        tile_hw: Size of a tile in pixels of the image; None as in `TileGrid.of`.
        overlap: Pixels that neighbours share at least, and over which they blend: less than half
            a tile; None as in `TileGrid.of`.
        confidence: Compute the confidence, too.
        meaning: What the numbers are that the network gives.
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
    _check_memory(grid, num_classes, height * width * pixel_bytes, max_bytes)
    labels: Labels = np.zeros((height, width), kind)
    probability = np.zeros((height, width), np.float32) if confidence else None
    shown_hw = _ordered(grid, grid.along.tile, grid.across.tile)
    # Scaled to fit inside a tile's size, a tile stays as it is.
    prepare = replace(preprocess, fit_hw=shown_hw)
    seams = _Seams(grid, num_classes)
    done = 0
    for line in grid.across.spans:
        for tile in grid.along.spans:
            top, left = _ordered(grid, tile.start, line.start)
            window = image_bgr[top : top + shown_hw[0], left : left + shown_hw[1]]
            logits = run(prepare(window).tensor)[:, : shown_hw[0], : shown_hw[1]]
            finished = seams.blend(logits, tile, line)
            top, left = _ordered(grid, tile.first, line.first)
            rows = slice(top, top + finished.shape[1])
            columns = slice(left, left + finished.shape[2])
            best = _decide(finished, labels[rows, columns])
            if probability is not None:
                probability[rows, columns] = certainty(
                    labels[rows, columns],
                    best,
                    meaning,
                    None if meaning.are_probabilities(finished) else finished,
                )
            done += 1
            if progress is not None:
                progress(done, grid.total)
    return TiledLabels(labels, probability)


class _Seams:
    """What the tiles so far leave for those that come.

    Blending is ``before + (after - before) * weight``: of equal values it gives just these.
    """

    def __init__(self, grid: TileGrid, num_classes: int) -> None:
        along, across = grid.along, grid.across
        # Axes of (classes, height, width).
        self._along, self._across = (1, 2) if grid.lines_are_columns else (2, 1)
        self._side_along, self._side_across = along, across
        self._neighbour = np.empty(
            (num_classes, *_ordered(grid, along.ramp, across.tile)), np.float32
        )
        self._line = np.empty(
            (num_classes, *_ordered(grid, along.length, across.ramp)), np.float32
        )
        self._weight_along = _ramp(along.ramp, self._along)
        self._weight_across = _ramp(across.ramp, self._across)

    def blend(self, logits: Logits, tile: Span, line: Span) -> Logits:
        """Blend a tile with those before it, and keep what those after it need.

        Args:
            logits: (classes, height, width) of the tile, written to.
            tile: The tile within its line.
            line: The line.

        Returns:
            The part of ``logits`` that is finished, which begins at (``tile.first``,
            ``line.first``).
        """
        share = _cut(logits, self._along, tile.first - tile.start, tile.last - tile.start)
        share = _cut(share, self._across, line.first - line.start, line.last - line.start)
        span = line.last - line.first
        ramp = self._side_along.ramp
        neighbour = _cut(self._neighbour, self._across, 0, span)
        if tile is not self._side_along.spans[0]:
            _fade(neighbour, _cut(share, self._along, 0, ramp), self._weight_along)
        share, rest = _split(share, self._along, tile.done - tile.first)
        if tile is not self._side_along.spans[-1]:
            neighbour[...] = rest
        seam = _cut(self._line, self._along, tile.first, tile.done)
        ramp = self._side_across.ramp
        if line is not self._side_across.spans[0]:
            _fade(seam, _cut(share, self._across, 0, ramp), self._weight_across)
        share, rest = _split(share, self._across, line.done - line.first)
        if line is not self._side_across.spans[-1]:
            seam[...] = rest
        return share


def _decide(logits: Logits, labels: Labels) -> NDArray[np.float32]:
    best: NDArray[np.float32] = logits[0].copy()
    wins = np.empty(best.shape, np.bool_)
    for class_id in range(1, len(logits)):
        keep_best(class_id, logits[class_id], labels, best, wins)
    return best


def _fade(before: Logits, after: Logits, weight: Logits) -> None:
    after -= before
    after *= weight
    after += before


def _ramp(width: int, axis: int) -> Logits:
    weight = ((np.arange(width) + 0.5) / max(width, 1)).astype(np.float32)
    return weight.reshape([width if each == axis else 1 for each in range(3)])


def _cut(array: Logits, axis: int, start: int, stop: int) -> Logits:
    part: Logits = array[:, start:stop] if axis == 1 else array[:, :, start:stop]
    return part


def _split(array: Logits, axis: int, at: int) -> tuple[Logits, Logits]:
    return _cut(array, axis, 0, at), _cut(array, axis, at, array.shape[axis])


def _ordered(grid: TileGrid, along: int, across: int) -> SizeHW:
    return (along, across) if grid.lines_are_columns else (across, along)


def _check_memory(grid: TileGrid, num_classes: int, image_bytes: int, max_bytes: int) -> None:
    network_bytes = grid.network_bytes(num_classes)
    needed = image_bytes + network_bytes
    if needed > max_bytes:
        along, across = grid.along, grid.across
        height, width = _ordered(grid, along.length, across.length)
        tile_h, tile_w = _ordered(grid, along.tile, across.tile)
        raise UsageError(
            f"expected a tile and an overlap that take at most {max_bytes / 1e9:.2f} GB, found "
            f"{needed / 1e9:.2f} GB for {tile_h}x{tile_w} with {max(along.ramp, across.ramp)}: "
            f"{image_bytes / 1e9:.2f} for the image of {height}x{width} and its labels, "
            f"{network_bytes / 1e9:.2f} for the network and logits of {num_classes} classes"
        )
