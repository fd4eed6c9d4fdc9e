"""Masks of classes: one for each that a style draws."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..drawing.selection import Selection
from ..drawing.style import Style
from .segmentation import Segmentation


def class_masks(
    segmentation: Segmentation, style: Style
) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """Yield each class that is drawn somewhere, largest first, and where.

    Args:
        segmentation: What is looked at.
        style: Its classes and confidence choose the pixels.

    Yields:
        Class id, and a (height, width) bool array.

    Raises:
        UsageError: The style draws by confidence and there is none.
    """
    selection = Selection.of(
        style, segmentation.labels, len(segmentation.names), segmentation.confidence
    )
    drawn = None if selection.everything else selection.mask(slice(None)) > 0
    for class_id, _ in selection.present():
        mask: NDArray[np.bool_] = segmentation.labels == class_id
        yield class_id, mask if drawn is None else mask & drawn
