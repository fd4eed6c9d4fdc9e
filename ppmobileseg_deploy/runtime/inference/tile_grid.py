"""Layout of the tiles of a large image: positions, overlaps, and the memory that they take."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from ...errors import UsageError
from ...metadata import MAX_SIDE
from ...types import SizeHW
from .preprocessing import Preprocessing, in_multiples

DEFAULT_TILE_HW: Final = (512, 512)
"""What the official models were trained on; 150 classes of logits take 157 MB. A network of fixed
size computes all of it for any tile, so that there the tile is the whole."""

DEFAULT_OVERLAP: Final = 64
"""Pixels over which neighbours blend, but never more than a quarter of a tile. Twice as many take
half as long again on a large image."""

MAX_BYTES: Final = 1_800_000_000
"""Most memory for the image, its labels, and what the network and the seams hold at once.

Python, ONNX Runtime and the weights need 0.1 to 0.2 GB beside it, so that a process stays below
2 GB.
"""

Progress = Callable[[int, int], None]
"""Called after each tile with the numbers of tiles done and of all tiles."""

_FLOAT_BYTES: Final = 4
# The network's output, and the blended copies of it and its neighbours'.
_TILE_COPIES: Final = 3
# Per pixel of a tile: 200 to 280 measured with tiny and with base.
_ACTIVATION_BYTES: Final = 300


@dataclass(frozen=True)
class Span:
    """One tile along one side of the image, in pixels of the image.

    It decides about [first, done) alone, but for the first pixels, over which it fades in, and
    hands [done, last) on to the next tile, in which it fades out.

    Attributes:
        start: Where the tile begins.
        first: Where its share begins.
        done: Where what it can finish ends.
        last: Where its share ends; ``done`` for the last tile of a row.
    """

    start: int
    first: int
    done: int
    last: int


@dataclass(frozen=True)
class Side:
    """The tiles along one side of the image.

    Attributes:
        length: The image's side.
        tile: The tiles' side, all alike, at most ``length``.
        ramp: Pixels over which neighbours blend.
        spans: The tiles, in order.
    """

    length: int
    tile: int
    ramp: int
    spans: tuple[Span, ...]

    @classmethod
    def of(cls, length: int, tile: int, overlap: int) -> "Side":
        """Lay out the fewest tiles that overlap by at least ``overlap``, at equal distances.

        Equal distances, and not one large overlap at the end, keep every seam as far from the
        tiles' edges as possible, where the network sees little. The ramp lies in the middle of
        the overlap and is no wider than asked for, since its width is what takes memory; it is
        narrower only where tiles would otherwise blend with the next but one.

        Args:
            length: The image's side, at least 1.
            tile: The tiles' side.
            overlap: Less than half of ``tile``.
        """
        tile = min(tile, length)
        if tile == length:
            return cls(length, tile, 0, (Span(0, 0, length, length),))
        steps = -(-(length - tile) // (tile - overlap))
        starts = [step * (length - tile) // steps for step in range(steps + 1)]
        strides = [after - before for before, after in pairwise(starts)]
        ramp = min(overlap, *strides) if steps > 1 else overlap
        # From a tile's start to the start of the next ramp.
        offset = (tile + max(strides) - ramp) // 2
        fades = [start + offset for start in starts[:-1]]
        spans = [
            Span(start, first, done, last)
            for start, first, done, last in zip(
                starts,
                [0, *fades],
                [*fades, length],
                [*(fade + ramp for fade in fades), length],
                strict=True,
            )
        ]
        return cls(length, tile, ramp, tuple(spans))


@dataclass(frozen=True)
class TileGrid:
    """All tiles of an image, in the order that needs the least memory.

    Lines of tiles run along the image's shorter side: what a line hands on to the next is as long
    as that, and it is nearly all that is held.

    Attributes:
        along: The tiles within a line.
        across: The lines.
        lines_are_columns: Whether a line runs from top to bottom, not from left to right.
        padded_hw: Size of the network's input for each tile.
    """

    along: Side
    across: Side
    lines_are_columns: bool
    padded_hw: SizeHW

    @classmethod
    def of(
        cls,
        image_hw: SizeHW,
        tile_hw: SizeHW | None,
        overlap: int | None,
        preprocess: Preprocessing,
    ) -> "TileGrid":
        """Lay out the tiles of an image.

        Args:
            image_hw: Size of the image.
            tile_hw: Size of a tile, pixels of the image; cut to the image where that is smaller.
                None for the network's fixed size, or `DEFAULT_TILE_HW` where it has none.
            overlap: Pixels that neighbours share at least, and over which they blend. None for
                `DEFAULT_OVERLAP`, or a quarter of the tile's shorter side where that is less.
            preprocess: The model's rule: what sizes the network takes.

        Raises:
            UsageError: The tile is no size between the model's ``size_multiple`` and `MAX_SIDE`,
                or larger than a model of fixed size allows; or the overlap is negative or not
                less than half of a tile's side.
        """
        fixed_hw = preprocess.padded_hw
        smallest = min(preprocess.size_multiple, *(fixed_hw or ()), MAX_SIDE)
        chosen_hw = tile_hw if tile_hw is not None else fixed_hw or DEFAULT_TILE_HW
        tile_h, tile_w = _whole_pair(chosen_hw)
        if not smallest <= min(tile_h, tile_w) <= max(tile_h, tile_w) <= MAX_SIDE:
            raise UsageError(
                f"expected tiles of {smallest}x{smallest} to {MAX_SIDE}x{MAX_SIDE} pixels, "
                f"found {tile_h}x{tile_w}"
            )
        if overlap is None:
            overlap = min(DEFAULT_OVERLAP, min(tile_h, tile_w) // 4)
        if not 0 <= 2 * _whole(overlap) < min(tile_h, tile_w):
            raise UsageError(
                f"expected an overlap of less than half a tile, 0 to "
                f"{(min(tile_h, tile_w) - 1) // 2} pixels for {tile_h}x{tile_w}, found {overlap}"
            )
        down = Side.of(image_hw[0], tile_h, _whole(overlap))
        right = Side.of(image_hw[1], tile_w, _whole(overlap))
        if fixed_hw is None:
            padded_hw = in_multiples((down.tile, right.tile), preprocess.size_multiple)
        else:
            padded_hw = fixed_hw
            if down.tile > padded_hw[0] or right.tile > padded_hw[1]:
                raise UsageError(
                    f"expected tiles of at most {padded_hw[0]}x{padded_hw[1]}, the network's "
                    f"fixed input size, found {tile_h}x{tile_w}"
                )
        columns = image_hw[0] < image_hw[1]
        along, across = (down, right) if columns else (right, down)
        return cls(along, across, columns, padded_hw)

    @property
    def total(self) -> int:
        """Number of tiles."""
        return len(self.along.spans) * len(self.across.spans)

    def ordered(self, along: int, across: int) -> SizeHW:
        """Return two values, one for each side, in the order of height and width."""
        return (along, across) if self.lines_are_columns else (across, along)

    def network_bytes(self, num_classes: int, stride: int) -> int:
        """Return how much memory the network takes for a tile, and all logits that are held.

        Args:
            num_classes: How many classes the model tells apart.
            stride: Pixels of the network's input per grid point of the logits.
        """
        tile = self.padded_hw[0] * self.padded_hw[1]
        line = self.across.ramp * self.along.length
        neighbour = self.along.ramp * self.across.tile
        held = (_TILE_COPIES * tile + line + neighbour) // stride**2
        # The head may have to look at every class at every pixel that a tile finishes.
        return _FLOAT_BYTES * num_classes * (held + tile) + _ACTIVATION_BYTES * tile


def _whole_pair(size_hw: object) -> SizeHW:
    try:
        height, width = map(operator.index, size_hw)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        raise UsageError(
            f"expected a tile size of two whole numbers (height, width), found {size_hw!r}"
        ) from None
    return height, width


def _whole(overlap: object) -> int:
    try:
        return operator.index(overlap)  # type: ignore[arg-type]
    except TypeError:
        raise UsageError(
            f"expected an overlap of a whole number of pixels, found {overlap!r}"
        ) from None
