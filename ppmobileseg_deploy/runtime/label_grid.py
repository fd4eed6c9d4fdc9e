"""How fine the grid of labels has to be to show what the photograph shows."""

from math import isqrt
from typing import Final

from .postprocessing import SizeHW

MAX_LABELS: Final = 1 << 24
"""Most labels a grid may have, so that its memory (8 bytes each) stays bounded."""


def labels_per_cell(
    original_hw: SizeHW, resized_hw: SizeHW, padded_hw: SizeHW, stride: int
) -> int:
    """Choose how many labels to ask for along each side of a cell of the network's logits.

    The fewest at which the grid is at least as fine as the original image in both directions,
    but never fewer than the stride, which is one label for each pixel that the network sees.
    Images for which that makes more than `MAX_LABELS` get the finest grid within that.

    Args:
        original_hw: Size of the original image.
        resized_hw: Size it was scaled to for the network.
        padded_hw: Size that the network computes with: ``resized_hw`` and padding, the file's
            own as well.
        stride: Input pixels per cell along each side.

    Returns:
        At least ``stride``.
    """
    needed = max(
        -(-stride * original // resized)
        for original, resized in zip(original_hw, resized_hw, strict=True)
    )
    height, width = padded_hw
    affordable = isqrt(MAX_LABELS * stride * stride // (height * width))
    return max(stride, min(needed, affordable))
